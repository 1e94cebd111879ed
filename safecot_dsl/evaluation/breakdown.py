"""The figures of an evaluation, part by part: by verdict, by rule, by suite, by how an item was changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from safecot_dsl.artifact import CompiledPolicy, Verdict, read_case
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.engine import Interpreter
from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.metrics import Measures, Runs, clusters, groupings, measure, rate, runs_of
from safecot_dsl.evaluation.statistics import Rate

#: What an answer can be read as, in the order in which tables show it.
READINGS = (*(str(verdict) for verdict in Verdict), "unscored", "failed")

#: By what items are told apart, beside the split and the rule.
_PARTS: dict[str, Callable[[EvalItem], str]] = {
    "suite": lambda item: item.suite,
    "hazard": lambda item: item.hazard,
    "due": lambda item: str(item.due) if item.due else "",
}
#: A suite has one row where its changes are sentences of each item's own: more kinds than this, or fewer items a kind.
_MOST_CHANGES, _LEAST_ITEMS = 24, 3


class RuleRow(Frozen):
    """How each arm does where one rule speaks (`default` and `unsure` are rows too).

    `decided`: verdict accuracy on the cases that the rule decides, and `refused`: the share of them that were refused.
    `neighbours`: over-refusal on the must-comply cases that `default` decides and to which this rule comes nearest;
    empty for a rule that comes nearest to none.
    """

    rule: str
    verdict: Verdict
    hazard: str = ""
    exception_to: tuple[str, ...] = ()
    decided: dict[str, Rate]
    refused: dict[str, Rate]
    neighbours: dict[str, Rate]


class ChangedItems(Frozen):
    """An arm on items that were changed, beside those that they were made from.

    `before` and `after`: verdict accuracy on the ones and on the others. `held`: of the items that were right before,
    those still right. `attack_success` and `over_refusal` are those of the changed items.
    """

    before: Rate
    after: Rate
    held: Rate
    attack_success: Rate
    over_refusal: Rate


class ChangeRow(Frozen):
    """How each arm stands one kind of change; `turned` counts the items whose due verdict the change turned."""

    suite: str
    change: str
    items: int
    turned: int
    arms: dict[str, ChangedItems]


def confusion(items: Sequence[EvalItem], scored: Runs) -> dict[str, dict[str, int]]:
    """Answers by the verdict that was due and by what they were read as; of several runs, all of them."""
    table: dict[str, dict[str, int]] = {}
    for run in runs_of(scored):
        for item in items:
            if item.due is not None:
                score = run.items[item.id]
                row = table.setdefault(str(item.due), dict.fromkeys(READINGS, 0))
                row["failed" if score.failed else str(score.verdict)] += 1
    return {str(due): table[str(due)] for due in Verdict if str(due) in table}


def parts(
    items: Sequence[EvalItem], arms: Mapping[str, Runs], *, suites: Sequence[EvalItem]
) -> dict[str, dict[str, dict[str, Measures]]]:
    """Everything that is measured, by hazard and due verdict of `items` and by suite of `suites`. A part that does not
    tell items apart is left out."""
    found: dict[str, dict[str, dict[str, Measures]]] = {}
    for part, name_of in _PARTS.items():
        by_name: dict[str, list[EvalItem]] = {}
        for item in suites if part == "suite" else items:
            if name_of(item):
                by_name.setdefault(name_of(item), []).append(item)
        if len(by_name) > 1 or (by_name and part == "suite"):
            found[part] = {
                name: {arm: measure(chosen, scored) for arm, scored in arms.items()}
                for name, chosen in sorted(by_name.items())
            }
    return found


def changes(items: Sequence[EvalItem], arms: Mapping[str, Runs]) -> tuple[ChangeRow, ...]:
    """A row for each suite and change among items that were made from others that were asked too."""
    by_id = {item.id: item for item in items}
    made: dict[str, dict[str, list[EvalItem]]] = {}
    for item in items:
        if item.of in by_id and item.due is not None and by_id[item.of].due is not None:
            made.setdefault(item.suite, {}).setdefault(item.change, []).append(item)
    rows: list[ChangeRow] = []
    for suite, kinds in made.items():
        together = [item for chosen in kinds.values() for item in chosen]
        if len(kinds) > _MOST_CHANGES or 1 < len(kinds) > len(together) / _LEAST_ITEMS:
            kinds = {"": together}
        for change, chosen in kinds.items():
            pairs = [(by_id[item.of], item) for item in chosen]
            rows.append(
                ChangeRow(
                    suite=suite,
                    change=change,
                    items=len(chosen),
                    turned=sum(before.due != after.due for before, after in pairs),
                    arms={arm: _changed(pairs, scored) for arm, scored in arms.items()},
                )
            )
    return tuple(rows)


def _changed(pairs: Sequence[tuple[EvalItem, EvalItem]], scored: Runs) -> ChangedItems:
    after = [item for _, item in pairs]
    hanging = clusters(after)
    seen = [
        (run.items[old.id].right, run.items[new.id].right, (hanging[new.id], seed))
        for seed, run in enumerate(runs_of(scored))
        for old, new in pairs
    ]

    def share(chosen: Sequence[tuple[bool, tuple[str, int]]]) -> Rate:
        return Rate.of([hit for hit, _ in chosen], *groupings([key for _, key in chosen], scored))

    return ChangedItems(
        before=share([(old, key) for old, _, key in seen]),
        after=share([(new, key) for _, new, key in seen]),
        held=share([(new, key) for old, new, key in seen if old]),
        attack_success=rate("attack_success", after, scored, hanging),
        over_refusal=rate("over_refusal", after, scored, hanging),
    )


def rule_rows(policy: CompiledPolicy, items: Sequence[EvalItem], arms: Mapping[str, Runs]) -> tuple[RuleRow, ...]:
    """A row for every rule that decides or comes nearest to an item, in the policy's order, then default and unsure.
    Items of policies of their own have other rules, and count in none."""
    items = [item for item in items if not item.policy]
    interpreter = Interpreter(policy)
    decided: dict[str, list[EvalItem]] = {}
    neighbours: dict[str, list[EvalItem]] = {}
    for item in items:
        for rule in item.rules:
            decided.setdefault(rule, []).append(item)
        if item.must == "comply" and item.rules == ("default",) and item.facts:
            nearest = interpreter.nearest_rule(read_case(policy, json.loads(item.facts)))
            if nearest is not None:
                neighbours.setdefault(nearest.rule.name, []).append(item)
    names = [rule.name for rule in policy.rules] + ["default", "unsure"]
    verdicts = {rule.name: rule.verdict for rule in policy.rules} | {"default": policy.default, "unsure": policy.unsure}
    hanging = clusters(items)
    return tuple(
        RuleRow(
            rule=name,
            verdict=verdicts[name],
            hazard=policy.rule_index[name].hazard or "" if name in policy.rule_index else "",
            exception_to=policy.rule_index[name].exception_to if name in policy.rule_index else (),
            decided={arm: rate("verdict_accuracy", decided.get(name, []), s, hanging) for arm, s in arms.items()},
            refused={arm: _refused(decided.get(name, []), s, hanging) for arm, s in arms.items()},
            neighbours={arm: rate("over_refusal", neighbours[name], s, hanging) for arm, s in arms.items()}
            if name in neighbours
            else {},
        )
        for name in names
        if name in decided or name in neighbours
    )


def _refused(items: Sequence[EvalItem], scored: Runs, hanging: Mapping[str, str]) -> Rate:
    seen = [
        (run.items[item.id].refused, (hanging[item.id], seed))
        for seed, run in enumerate(runs_of(scored))
        for item in items
    ]
    return Rate.of([hit for hit, _ in seen], *groupings([key for _, key in seen], scored))
