"""Suites of pairs: two requests that differ in one fact, on the two sides of what the policy draws between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from safecot_dsl.artifact import Rule
from safecot_dsl.dataset.selection import differing_facts
from safecot_dsl.engine import Truth, evaluate
from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.suites.generated.making import Making, Start, fewest, told_change


def boundary(making: Making) -> Iterator[list[EvalItem]]:
    """Pairs with different verdicts. They start, by strata in turn, from what some rule decides, so that every rule has
    its share; of the facts that turn the verdict that one is changed which was changed least often."""
    decided = {name for start in making.starts for name in start.decision.deciding}
    for rule in making.policy.rules:
        if rule.name not in decided:
            making.short[f"rule {rule.name}"] = f"`{rule.name}` decides no request of the pool"
    used: set[str] = set()
    changed: Counter[str] = Counter()
    number = 0
    for start in making.in_turn(start for start in making.starts if start.decision.speaker != "default"):
        if start.key in used:
            continue
        near = _neighbour(making, start, changed, used, lambda other, start=start: other.verdict is not start.verdict)
        if near is None:
            continue
        used |= {start.key, near.key}
        yield _pair(making, making.group(number), start, near)
        number += 1


def exceptions(making: Making) -> Iterator[list[EvalItem]]:
    """For each exception, and each `unless`, pairs of a request that it takes out of a rule and one that the rule
    decides; one pair of each in turn."""
    queues = {name: _reaching(making, reached, ruled) for name, reached, ruled in _declared(making)}
    if not queues:
        making.short["exceptions"] = "the policy declares none"
    counts: Counter[str] = Counter()
    while queues:
        for name in list(queues):
            pair = next(queues[name], None)
            if pair is None:
                del queues[name]
                if not counts[name]:
                    making.short[name] = f"no two requests of the pool, one fact apart, lie on the sides of `{name}`"
                continue
            group = f"{making.group(counts[name])}-{name.replace(' ', '-')}"
            counts[name] += 1
            yield _pair(making, group, *pair)


_Side = Callable[[Start], bool]


def _declared(making: Making) -> Iterator[tuple[str, _Side, _Side]]:
    """The name of each exception and each `unless`, what it takes out of its rule, and what the rule decides."""
    for rule in making.policy.rules:
        if rule.exception_to:
            parents = frozenset(rule.exception_to)
            yield (
                f"exception {rule.name}",
                lambda start, name=rule.name: name in start.decision.deciding,
                lambda start, parents=parents: not parents.isdisjoint(start.decision.deciding),
            )
        if rule.unless is not None:
            yield (
                f"unless {rule.name}",
                lambda start, rule=rule: _kept_out(rule, start),
                lambda start, name=rule.name: name in start.decision.deciding,
            )


def _kept_out(rule: Rule, start: Start) -> bool:
    """Whether the rule would apply but for its `unless`, and something laxer is due."""
    known = start.item.case.known
    return (
        rule.unless is not None
        and evaluate(rule.when, known) is Truth.YES
        and evaluate(rule.unless, known) is Truth.YES
        and start.verdict.strictness < rule.verdict.strictness
    )


def _reaching(making: Making, reached: _Side, ruled: _Side) -> Iterator[tuple[Start, Start]]:
    """Pairs of what the rule decides and what is taken out of it."""
    used: set[str] = set()
    changed: Counter[str] = Counter()
    for start in making.starts:
        lets_out = reached(start)
        if start.key in used or not (lets_out or ruled(start)):
            continue
        near = _neighbour(making, start, changed, used, ruled if lets_out else reached)
        if near is not None:
            used |= {start.key, near.key}
            yield (near, start) if lets_out else (start, near)


def _neighbour(making: Making, start: Start, changed: Counter[str], used: set[str], fits: _Side) -> Start | None:
    """A neighbour of the request by one fact that `fits` and is not used; the fact is counted in `changed`."""
    found: dict[str, list[Start]] = {}
    for item in making.pool.neighbours(start.item):
        facts = differing_facts(start.item.case, item.case)
        if len(facts) == 1 and item.key not in used and fits(near := making.start(item)):
            found.setdefault(next(iter(facts)), []).append(near)
    if not found:
        return None
    fact = fewest(changed, found)
    changed[fact] += 1
    return min(found[fact], key=lambda near: (_step(start, near, fact), making.draw("neighbour", near.key)))


def _step(one: Start, other: Start, fact: str) -> int:
    """How many members of a set change; 0 for any other fact."""
    before, after = one.item.case.known.get(fact), other.item.case.known.get(fact)
    return len(before ^ after) if isinstance(before, frozenset) and isinstance(after, frozenset) else 0


def _pair(making: Making, group: str, clean: Start, changed: Start) -> list[EvalItem]:
    (fact,) = differing_facts(clean.item.case, changed.item.case)
    change = told_change(fact, clean.item.case, changed.item.case)
    first = making.item(clean, group, "clean")
    return [first, making.item(changed, group, "changed", of=first.id, change=change)]
