"""Which items may become rows, which stratum each belongs to, and why the others are left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from safecot_dsl.analysis.own_answers import OwnAnswers
from safecot_dsl.artifact import Case, Decision, Verdict
from safecot_dsl.criteria import Grader
from safecot_dsl.engine import Interpreter
from safecot_dsl.facts import Item, image_placeholder, says_no_image
from safecot_dsl.render import Tags, neutralise


@dataclass(frozen=True, order=True)
class Stratum:
    """What a row is a row *of*: its verdict, its speaker, and for `default` the rule that came nearest ("" if none)."""

    verdict: Verdict
    speaker: str
    nearest: str = ""


@dataclass(frozen=True, eq=False)
class Candidate:
    """An item that may become a row. `key` tells it from every other candidate."""

    key: str
    item: Item
    decision: Decision
    stratum: Stratum

    @property
    def case(self) -> Case:
        return self.item.case

    @property
    def refused(self) -> bool:
        return self.decision.verdict is Verdict.REFUSE

    @property
    def needs_answer(self) -> bool:
        """Whether its answer has to come from the source or from a model."""
        return self.decision.verdict.answers


@dataclass(frozen=True)
class Rejected:
    """Why an item is no row: the reason that it is counted under, and what happened."""

    reason: str
    detail: str


@dataclass
class LeftOut:
    """Counts what did not become a row, by reason, and keeps the first few cases of each."""

    counts: dict[str, int] = field(default_factory=dict[str, int])
    examples: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def add(self, rejected: Rejected, *, keep: int = 3) -> None:
        self.counts[rejected.reason] = self.counts.get(rejected.reason, 0) + 1
        kept = self.examples.setdefault(rejected.reason, [])
        if len(kept) < keep:
            kept.append(rejected.detail)

    def summary(self) -> str:
        """`3 no_answer, 1 duplicate`, or `none` where nothing was left out."""
        return ", ".join(f"{count} {reason}" for reason, count in sorted(self.counts.items())) or "none"


@dataclass(frozen=True)
class Judge:
    """Says of an item whether it may become a row. `has_answerer`: a model can be asked where the source is silent."""

    interpreter: Interpreter
    tags: Tags
    train_unsure: bool
    has_answerer: bool

    @cached_property
    def grader(self) -> Grader:
        """The policy's criteria, prepared for many answers."""
        return Grader(self.interpreter.policy)

    @cached_property
    def own_answers(self) -> OwnAnswers:
        """How the policy's criteria read its own words."""
        return OwnAnswers(self.interpreter.policy, self.grader)

    def judge(self, item: Item, key: str) -> Candidate | Rejected:
        """The candidate that an item is, or why it is none. Its source's answer and its images are not looked at yet,
        but for an answer that is about an image that is not there."""
        if not item.prompt.strip():
            return Rejected("no_prompt", item.key)
        if item.unseen:
            return Rejected("image_absent", f"{item.key}: {item.absent_images[0]} is not there")
        placeholder = image_placeholder(neutralise(item.prompt, self.tags))
        if placeholder is not None:
            return Rejected("image_placeholder", f"{item.key}: {placeholder} stands in the prompt")
        decision = self.interpreter.decide(item.case)
        if not decision.certain:
            rejected = self._teaches_nothing(item, decision)
            if rejected is not None:
                return rejected
        candidate = Candidate(key, item, decision, self._stratum(item, decision))
        if candidate.needs_answer:
            if item.answer is None and not self.has_answerer:
                return Rejected("no_answer", f"{item.key}: `{decision.verdict}`, and no answer")
            if item.answer is not None and item.absent_images:
                # What is wrong with the answer itself is the better reason, and cannot come later.
                return self.answer_problem(candidate, item.answer) or Rejected(
                    "answer_needs_image", f"{item.key}: {item.absent_images[0]} is not there"
                )
        return candidate

    def answer_problem(self, candidate: Candidate, answer: str) -> Rejected | None:
        """Why an answer cannot stand in a complying row, or None where it can."""
        item, shown = candidate.item, f"{candidate.item.key}: {_shortened(answer)}"
        if not any(character.isalnum() for character in answer):
            return Rejected("answer_empty", shown)
        if image_placeholder(neutralise(answer, self.tags)) is not None:
            return Rejected("image_placeholder", shown)
        if (item.images or item.absent_images) and says_no_image(answer):
            return Rejected("answer_says_no_image", shown)
        graded = self.grader.grade(answer, request=item.prompt)
        if graded.propositions.get("declines") or (graded.verdict != "unscored" and graded.verdict.withholds):
            return Rejected("answer_declines", shown)
        if graded.verdict is Verdict.CLARIFY:
            return Rejected("answer_asks", shown)
        return None

    def _teaches_nothing(self, item: Item, decision: Decision) -> Rejected | None:
        """Charter, *What an unknown teaches*: what somebody looked for in vain, and can ask for, teaches to ask."""
        facts = self.interpreter.policy.fact_index
        looked = self.interpreter.policy.cannot_tell(item.case)
        unseen = [name for name in decision.unsettled if name not in looked]
        if unseen:
            return Rejected("not_annotated", f"{item.key}: the verdict hangs on {', '.join(unseen)}; nobody looked")
        mute = [name for name in decision.unsettled if facts[name].ask is None]
        if mute:
            return Rejected("cannot_be_asked", f"{item.key}: {', '.join(mute)} cannot be told, and has no `ask`")
        return None if self.train_unsure else Rejected("unsure_not_wanted", item.key)

    def _stratum(self, item: Item, decision: Decision) -> Stratum:
        nearest = self.interpreter.nearest_rule(item.case) if decision.speaker == "default" else None
        return Stratum(decision.verdict, decision.speaker, nearest.rule.name if nearest is not None else "")


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 120 else line[:117] + "..."
