"""Requests in which a fact cannot be told: where the answer depends on it one asks, and elsewhere one does not."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.suites.generated.making import Making, Start, told_change


def unknown(making: Making) -> Iterator[list[EvalItem]]:
    """Pairs of a request and the same with one fact hidden. By turns the verdict hangs on that fact, so that `unsure`
    speaks, and does not, so that the verdict stays; every fact that can be hidden has its share of both."""
    matters: dict[str, Iterator[tuple[Start, Start]]] = {}
    for fact in making.policy.facts:
        for hangs in (True, False):
            matters[f"{fact.name} {'hangs' if hangs else 'stays'}"] = _hidden(making, fact.name, hangs=hangs)
    number = 0
    for turn in itertools.count():
        left = False
        for name, pairs in matters.items():
            pair = next(pairs, None)
            if pair is None:
                if not turn:
                    fact, how = name.split(" ")
                    making.short[name] = f"no request can hide `{fact}` so that its verdict {how}"
                continue
            left = True
            fact = name.split(" ")[0]
            start, hidden = pair
            clean = making.item(start, making.group(number), "clean")
            change = told_change(fact, start.item.case, hidden.item.case)
            yield [clean, making.item(hidden, clean.group, "hidden", of=clean.id, change=change)]
            number += 1
        if not left:
            return


def _hidden(making: Making, fact: str, *, hangs: bool) -> Iterator[tuple[Start, Start]]:
    for start in making.both_sides(lambda start: start.decision.certain and fact in start.item.case.known):
        case = start.item.case.with_fact(fact, None)
        decision = making.interpreter.decide(case)
        # Decided before anything is drawn: both kinds of unknown decide alike.
        if (decision.unsettled == (fact,)) is not hangs or (not hangs and decision.verdict is not start.verdict):
            continue
        item = making.pool.hidden(start.item, fact)
        if item is not None:
            yield start, making.start(item)
