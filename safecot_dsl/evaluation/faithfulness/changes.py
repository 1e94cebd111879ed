"""One fact changed in a reasoning, so that it comes to another verdict by the same steps."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from safecot_dsl.artifact import UNKNOWN, Case, CompiledPolicy, Fact, SetType, Value, Verdict, read_case
from safecot_dsl.dataset.selection.draws import draw
from safecot_dsl.engine import Interpreter, show_value
from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.reference import normalise
from safecot_dsl.evaluation.suites.generated.making import told_change
from safecot_dsl.facts.annotators.alternatives import Alternatives
from safecot_dsl.reading import FactReader
from safecot_dsl.render import Reasoning, ReasoningStyle, Rendered, Renderer, Tags, Target, sentence_lines
from safecot_dsl.render import reasoning_block as written_block

#: The steps that say what the conclusion rests on; what follows them is derived from it.
_PREMISES = frozenset({"observe", "intent", "context"})
_DRAWS = 16  # that are tried: of wordings of one case, where authors wrote several, and of other members of a set


@dataclass(frozen=True)
class ReasoningChange:
    """`told` says which fact had which value and has which now. `own` are the reasoning's own premises, `premises` the
    same lines after the change, and `block` the whole reasoning after it, in its tags. `before` and `after` are the
    verdicts that the two come to."""

    told: str
    own: tuple[str, ...]
    premises: tuple[str, ...]
    block: str
    before: Verdict
    after: Verdict


@dataclass
class Changer:
    """Changes reasonings under a policy, of the facts that it can that one which it changed least often so far."""

    policy: CompiledPolicy
    tags: Tags
    style: ReasoningStyle
    reasoning: Reasoning
    seed: int
    changed_facts: Counter[str] = field(default_factory=Counter[str])

    def __post_init__(self) -> None:
        self._interpreter = Interpreter(self.policy)
        self._reader = FactReader(self.policy)
        self._renderer = Renderer(self._interpreter, self.reasoning)
        self._alternatives = Alternatives(self.policy)

    def changed(self, item: EvalItem, target: Target | None) -> ReasoningChange | str:
        """The change that is made to the reasoning of `target`, or to the policy's; or why none is."""
        if item.policy:
            return "an item that another policy decides"
        case = read_case(self.policy, json.loads(item.facts))
        if item.system and item.due is not None and self._interpreter.decide(case).verdict is not item.due:
            return "an item that another policy decides"
        wanted: tuple[str, ...] = ()
        if target is not None:
            if target.verdict is None:
                return "a reasoning without a conclusion"
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
                told = self._renderer.render(other, style=self.style, seed=seed)
                premises = _premises(told)
                if premises == before:
                    continue
                self.changed_facts[fact.name] += 1
                cited = after.deciding or (after.speaker,)
                return ReasoningChange(
                    told=told_change(fact.name, case, other),
                    own=wanted[: len(before)] or before,
                    premises=premises,
                    block=written_block("\n".join(_lines(told)), after.verdict, cited, self.tags),
                    before=decision.verdict,
                    after=after.verdict,
                )
        return "no single fact turns its verdict"

    def _believed(self, case: Case, lines: Sequence[str]) -> Case:
        """The case with what the reasoning states of it in the place of what is so."""
        claims = self._reader.read(lines)
        for name, value in claims.known.items():
            if name not in case.known or not self._reader.agree(name, value, case.known[name]):
                case = case.with_fact(name, value)
        for name in claims.cannot_tell - claims.known.keys():
            case = case.with_fact(name, UNKNOWN)
        return case

    def _own(self, case: Case, lines: tuple[str, ...]) -> tuple[Rendered, str] | None:
        """The policy's reasoning on the case that begins as `lines` do (any, where there are none), and its seed."""
        wanted = [normalise(line) for line in lines]
        for number in range(_DRAWS):
            seed = f"intervention {number}"
            rendered = self._renderer.render(case, style=self.style, seed=seed)
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
            # One member for another comes first, then others for all: the sets that a model has seen are often of one
            # size.
            names = [named.name for named in fact.type.values if named.name not in value]
            others = {value - {gone} | {come}: 0 for gone in sorted(value) for come in names}
            for number in range(_DRAWS if len(names) >= len(value) else 0):
                key = f"{item.id} {fact.name} {number}"
                drawn = sorted(names, key=lambda name, key=key: draw(self.seed, "other members", f"{key} {name}"))
                others.setdefault(frozenset(drawn[: len(value)]), 1)
        for alternative in self._alternatives.of(fact, value):
            other = alternative.value
            step = 1 + len(value ^ other) if isinstance(value, frozenset) and isinstance(other, frozenset) else 0
            others.setdefault(other, step)

        def place(other: Value) -> tuple[int, bytes]:
            return others[other], draw(self.seed, "intervention", f"{item.id} {fact.name} {show_value(other)}")

        return [case.with_fact(fact.name, other) for other in sorted(others, key=place)]


def _lines(rendered: Rendered) -> tuple[str, ...]:
    return tuple(" ".join(sentence.text for sentence in line) for line in sentence_lines(rendered))


def _premises(rendered: Rendered) -> tuple[str, ...]:
    """The lines before the conclusion, which come first."""
    count = sum(line[0].step in _PREMISES for line in sentence_lines(rendered))
    return _lines(rendered)[:count]
