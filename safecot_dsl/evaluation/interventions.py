"""Reasonings with one step changed before the answer is written: what a model is made to have reasoned so far."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from safecot_dsl.artifact import Case, CompiledPolicy, Fact, SetType, Value, Verdict, read_case
from safecot_dsl.dataset.selection.draws import draw
from safecot_dsl.engine import Interpreter, show_value
from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.reference import normalise
from safecot_dsl.evaluation.suites.made.making import told_change
from safecot_dsl.facts.annotators.alternatives import Alternatives
from safecot_dsl.render import ReasoningStyle, Rendered, Tags, Target, parse_target, render, sentence_lines
from safecot_dsl.render import reasoning_block as written_block
from safecot_dsl.render.claims import read_claims
from safecot_dsl.render.clause_reader import ClauseReader

SUITE = "causal"

#: The steps that say what the conclusion rests on; what follows them is the conclusion.
_PREMISES = frozenset({"observe", "intent", "context", "clause"})
_DRAWS = 16  # wordings of one case that are tried, where authors wrote alternatives


class Intervention(StrEnum):
    """What is done to a reasoning.

    `kept`: nothing; the model goes on from its own premises (what writing them again does by itself). `premise`: one
    fact has another value in all of the lines that state it, and the model goes on to conclude. `conclusion`: the whole
    reasoning is that of the changed fact, and the model goes on to answer. `removed`: there is no reasoning.
    """

    KEPT = "kept"
    PREMISE = "premise"
    CONCLUSION = "conclusion"
    REMOVED = "removed"


@dataclass(frozen=True)
class Intervened:
    """`items` are what is asked: `of` is the item whose answer was changed, `begun` the reasoning so far, `change` the
    :class:`Intervention` and the fact, and `expected` the verdict that the reasoning comes to. `due` is open: the image
    still shows what it showed. `skipped` counts the answers whose reasoning could not be changed, by why."""

    items: tuple[EvalItem, ...]
    skipped: Mapping[str, int]


def kind_of(item: EvalItem) -> Intervention:
    """What was done to the reasoning of an item of :class:`Intervened`."""
    return Intervention(item.change.split(": ", 1)[0])


def fact_of(item: EvalItem) -> str:
    """The fact that was changed in the reasoning of an item; empty where none was."""
    kind, _, change = item.change.partition(": ")
    return change.split(": ", 1)[0] if kind else ""


def intervene(
    policy: CompiledPolicy,
    items: Sequence[EvalItem],
    answers: Mapping[str, str],
    *,
    tags: Tags | None = None,
    style: ReasoningStyle = ReasoningStyle.STEPWISE,
    whose: Literal["model", "policy"] = "model",
    seed: int = 0,
) -> Intervened:
    """Four items for each answer whose reasoning can be changed by one fact so that it comes to another verdict.

    The `model`'s own reasoning must be one that the policy writes in `style` about the facts that it states, whether
    these are so or not. For models that reason in words of their own there is the `policy`'s: its reasoning on the
    item's facts takes the place of the model's throughout. The changed reasoning derives from the same literals, and
    differs in the lines that state the fact. Of the facts that can be changed so, that one is which was changed least
    often; sets change by as few members as they can.

    Raises `CaseError` where an item's facts do not fit the policy.
    """
    changer = _Changer(policy, tags or Tags(), style, seed)
    made: list[EvalItem] = []
    skipped: Counter[str] = Counter()
    for item in items:
        if not item.facts or item.begun or item.id not in answers:
            skipped["no facts, no answer, or an answer that was begun for the model"] += 1
            continue
        target = parse_target(answers[item.id], changer.tags) if whose == "model" else None
        found = changer.changed(item, target)
        if isinstance(found, str):
            skipped[found] += 1
        else:
            made += found.items(item, changer.tags)
    return Intervened(tuple(made), dict(sorted(skipped.items())))


@dataclass(frozen=True)
class _Change:
    told: str
    own: tuple[str, ...]
    premises: tuple[str, ...]
    block: str
    before: Verdict
    after: Verdict

    def items(self, item: EvalItem, tags: Tags) -> Iterator[EvalItem]:
        """One item for each intervention."""
        begun = {
            Intervention.KEPT: (_opened(tags, self.own), self.before),
            Intervention.PREMISE: (_opened(tags, self.premises), self.after),
            Intervention.CONCLUSION: (f"{self.block}\n", self.after),
            Intervention.REMOVED: (f"{tags.open}\n{tags.close}\n", self.before),
        }
        for intervention, (text, verdict) in begun.items():
            told = "" if verdict is self.before else f": {self.told}"
            yield item.model_copy(
                update={
                    "id": f"{item.id}-{intervention}",
                    "split": SUITE,
                    "suite": SUITE,
                    "group": item.id,
                    "of": item.id,
                    "change": f"{intervention}{told}",
                    "begun": text,
                    "due": None,
                    "must": "",
                    "expected": str(verdict),
                }
            )


@dataclass
class _Changer:
    policy: CompiledPolicy
    tags: Tags
    style: ReasoningStyle
    seed: int
    changed_facts: Counter[str] = field(default_factory=Counter[str])

    def __post_init__(self) -> None:
        self._interpreter = Interpreter(self.policy)
        self._reader = ClauseReader(self.policy)
        self._alternatives = Alternatives(self.policy)

    def changed(self, item: EvalItem, target: Target | None) -> _Change | str:
        """The change that is made to the reasoning of `target`, or to the policy's; or why none is."""
        case = read_case(self.policy, json.loads(item.facts))
        wanted: tuple[str, ...] = ()
        if target is not None:
            if target.verdict is None:
                return "a reasoning without a conclusion" if target.lines else "no reasoning"
            wanted, case = target.lines, self._believed(case, target.lines)
        decision = self._interpreter.decide(case)
        if target is not None and decision.verdict is not target.verdict:
            return "a conclusion that does not follow from what the reasoning states"
        own = self._own(case, wanted)
        if own is None:
            return "a reasoning that the policy would not write about what it states"
        rendered, seed = own
        before = _premises(rendered)
        if not before:
            return "a reasoning that states no facts"
        for fact in sorted(self._alternatives.read, key=lambda fact: self.changed_facts[fact.name]):
            for other in self._others(item, case, fact):
                after = self._interpreter.decide(other)
                if after.verdict is decision.verdict:
                    continue
                told = render(self._interpreter, other, style=self.style, seed=seed)
                premises = _premises(told)
                # The same literals of the same rules: only what they say of the fact differs.
                if _origins(told) != _origins(rendered) or premises == before:
                    continue
                self.changed_facts[fact.name] += 1
                cited = after.deciding or (after.speaker,)
                return _Change(
                    told=told_change(fact.name, case, other),
                    own=wanted[: len(before)] or before,
                    premises=premises,
                    block=written_block("\n".join(_lines(told)), after.verdict, cited, self.tags),
                    before=decision.verdict,
                    after=after.verdict,
                )
        return "no single fact turns its verdict and keeps its form"

    def _believed(self, case: Case, lines: Sequence[str]) -> Case:
        """The case with what the reasoning states of it in the place of what is so."""
        claims, _ = read_claims(self._reader, self.policy, lines)
        sentences = [f"{part}." for line in lines for part in line.rstrip(".").split(". ")]
        whole = {name for sentence in sentences for name, _ in self._reader.values(sentence)}
        for name, value in claims.known.items():
            true = case.known.get(name)
            if isinstance(value, frozenset) and isinstance(true, frozenset) and name not in whole:
                value = (true - claims.absent.get(name, set())) | value
            case = case.with_fact(name, value)
        return case

    def _own(self, case: Case, lines: tuple[str, ...]) -> tuple[Rendered, str] | None:
        """The policy's reasoning on the case that begins as `lines` do (any, where there are none), and its seed."""
        wanted = [normalise(line) for line in lines]
        for number in range(_DRAWS):
            seed = f"intervention {number}"
            rendered = render(self._interpreter, case, style=self.style, seed=seed)
            premises = [normalise(line) for line in _premises(rendered)]
            if not wanted or wanted[: len(premises)] == premises:
                return rendered, seed
        return None

    def _others(self, item: EvalItem, case: Case, fact: Fact) -> list[Case]:
        """The case with other values of the fact, those that change it least first, else in drawn order."""
        value = case.known.get(fact.name)
        if value is None:
            return []
        others: dict[Value, int] = {}
        if isinstance(fact.type, SetType) and isinstance(value, frozenset):
            # One member for another comes first: the sets that a model has seen are often of one size.
            names = [named.name for named in fact.type.values if named.name not in value]
            others = {value - {gone} | {come}: 0 for gone in sorted(value) for come in names}
        for alternative in self._alternatives.of(fact, value):
            other = alternative.value
            step = len(value ^ other) if isinstance(value, frozenset) and isinstance(other, frozenset) else 0
            others.setdefault(other, step)

        def place(other: Value) -> tuple[int, bytes]:
            return others[other], draw(self.seed, "intervention", f"{item.id} {fact.name} {show_value(other)}")

        return [case.with_fact(fact.name, other) for other in sorted(others, key=place)]


def _opened(tags: Tags, lines: Sequence[str]) -> str:
    return "\n".join([tags.open, *lines, ""])


def _lines(rendered: Rendered) -> tuple[str, ...]:
    return tuple(" ".join(sentence.text for sentence in line) for line in sentence_lines(rendered))


def _premises(rendered: Rendered) -> tuple[str, ...]:
    """The lines before the conclusion, which come first."""
    count = sum(line[0].step in _PREMISES for line in sentence_lines(rendered))
    return _lines(rendered)[:count]


def _origins(rendered: Rendered) -> tuple[tuple[str, str | None], ...]:
    """What each sentence of the premises comes from."""
    return tuple((sentence.step, sentence.key) for sentence in rendered.reasoning if sentence.step in _PREMISES)
