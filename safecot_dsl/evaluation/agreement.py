"""Does a policy say of real requests what the people say who labelled them? A table, and the disagreements to read."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from safecot_dsl.artifact import CompiledPolicy, Decision, Verdict, canonical_json
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.criteria import grade
from safecot_dsl.engine import Interpreter
from safecot_dsl.evaluation.judging.agreement import Kappa
from safecot_dsl.evaluation.statistics import Rate
from safecot_dsl.facts import Item, Skipped

#: The label of an item whose source has none, or whose answer is none.
NO_LABEL = "no label"


class Disagreement(Frozen):
    """An item on which policy and label differ. `rules` are the deciding rules, or `default`, each with its place."""

    key: str
    label: str
    verdict: Verdict
    rules: tuple[str, ...]
    facts: str
    prompt: str
    answer: str | None


class LabelAgreement(Frozen):
    """The policy's verdicts beside the source's labels.

    `table` counts items by label and verdict; an item whose verdict hangs on an unknown fact counts as `uncertain`
    there, whatever the policy says of such cases. `agreed` is, of the items with a label and a certain verdict, the
    share of those that both decline or both help; `kappa` is Cohen's (1960), None where one side never differs.
    `speakers` counts agreements and disagreements by the rule that spoke. `skipped` counts what the source did not
    give, by reason, and `image_facts_dropped` the items that had a fact of an image and no image, by the fact.
    """

    label: str
    declining: tuple[str, ...]
    items: int
    skipped: dict[str, int]
    image_facts_dropped: dict[str, int] = {}
    table: dict[str, dict[str, int]]
    agreed: Rate
    kappa: float | None
    speakers: dict[str, tuple[int, int]]
    disagreements: tuple[Disagreement, ...]


@dataclass
class _Kinds:
    """Keeps, of each kind of disagreement, the few whose hashes are least: a draw that no order can change."""

    seed: int
    keep: int
    kept: dict[tuple[str, str, str], list[tuple[bytes, Disagreement]]] = field(default_factory=dict)

    def add(self, found: Disagreement) -> None:
        kind = (found.label, str(found.verdict), found.rules[0])
        place = hashlib.sha256(f"{self.seed}\0disagreement\0{found.key}".encode("utf-8", "surrogatepass")).digest()
        entries = self.kept.setdefault(kind, [])
        entries.append((place, found))
        entries.sort(key=lambda entry: entry[0])
        del entries[self.keep :]

    def in_turn(self) -> tuple[Disagreement, ...]:
        """One of each kind, then a second of each, `keep` in all."""
        queues = [self.kept[kind] for kind in sorted(self.kept)]
        turns = (queue[turn][1] for turn in range(self.keep) for queue in queues if turn < len(queue))
        return tuple(found for found, _ in zip(turns, range(self.keep), strict=False))


def agreement(
    policy: CompiledPolicy,
    items: Iterable[Item | Skipped],
    *,
    label: str = "answers",
    declining: Collection[str] = (),
    show: int = 10,
    seed: int = 0,
) -> LabelAgreement:
    """Decide every item and compare with its label.

    `label` is a column that the source keeps of each row (`Item.meta`), or `answers`: how the policy's criteria read
    the source's own answer (`refuse`, `comply`, ...; `unscored` where they cannot tell). `declining` are the labels for
    which the request is to be declined; for `answers` they are `refuse` and `redirect` unless given. Up to `show`
    disagreements are kept, of every kind in turn.
    """
    interpreter = Interpreter(policy)
    due = frozenset(declining) or (
        frozenset(str(verdict) for verdict in Verdict if verdict.withholds) if label == "answers" else frozenset[str]()
    )
    table: dict[str, Counter[str]] = {}
    skipped: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    compared: Counter[tuple[bool, bool]] = Counter()
    speakers: dict[str, list[int]] = {}
    kinds = _Kinds(seed, show)
    count = 0
    for item in items:
        if isinstance(item, Skipped):
            skipped[item.reason] += 1
            continue
        count += 1
        dropped.update(item.dropped)
        decision = interpreter.decide(item.case)
        given = _label(policy, item, label)
        cell = str(decision.verdict) if decision.certain else "uncertain"
        table.setdefault(given, Counter())[cell] += 1
        if not decision.certain or given in (NO_LABEL, "unscored"):
            continue
        sides = (given in due, decision.verdict.withholds)
        compared[sides] += 1
        agrees = sides[0] == sides[1]
        speakers.setdefault(decision.speaker, [0, 0])[0 if agrees else 1] += 1
        if not agrees:
            kinds.add(_disagreement(policy, item, decision, given))
    return LabelAgreement(
        label=label,
        declining=tuple(sorted(due)),
        items=count,
        skipped=dict(sorted(skipped.items())),
        image_facts_dropped=dict(sorted(dropped.items())),
        table={name: dict(sorted(table[name].items())) for name in sorted(table)},
        agreed=Rate.of(sides[0] == sides[1] for sides in compared.elements()),
        kappa=Kappa.of(compared.elements()).value,
        speakers={name: (speakers[name][0], speakers[name][1]) for name in sorted(speakers)},
        disagreements=kinds.in_turn(),
    )


def _label(policy: CompiledPolicy, item: Item, label: str) -> str:
    if label != "answers":
        return item.meta.get(label, NO_LABEL)
    return NO_LABEL if item.answer is None else str(grade(policy, item.answer, request=item.prompt).verdict)


def _disagreement(policy: CompiledPolicy, item: Item, decision: Decision, label: str) -> Disagreement:
    rules: list[str] = []
    for name in decision.deciding or (decision.speaker,):
        span = policy.span(f"rule:{name}" if name in policy.rule_index else name)
        rules.append(f"{name} ({span.file}:{span.line})" if span is not None else name)
    return Disagreement(
        key=item.key,
        label=label,
        verdict=decision.verdict,
        rules=tuple(rules),
        facts=canonical_json(item.case.to_json()["facts"]),
        prompt=item.prompt,
        answer=item.answer,
    )
