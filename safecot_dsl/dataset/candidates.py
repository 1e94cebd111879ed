"""Which items may become rows, which stratum each belongs to, and why the others are left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from safecot_dsl.artifact import Decision, Verdict
from safecot_dsl.criteria import grade
from safecot_dsl.engine import Interpreter
from safecot_dsl.facts import Item, Skipped, image_placeholder, says_no_image
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
    def refused(self) -> bool:
        return self.decision.verdict is Verdict.REFUSE

    @property
    def needs_answer(self) -> bool:
        """Whether its answer has to come from the source or from a model."""
        return self.decision.verdict in (Verdict.COMPLY, Verdict.WARN)


@dataclass
class LeftOut:
    """Counts what did not become a row, by reason, and keeps the first few cases of each."""

    counts: dict[str, int] = field(default_factory=dict[str, int])
    examples: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def add(self, reason: str, detail: str, *, keep: int = 3) -> None:
        self.counts[reason] = self.counts.get(reason, 0) + 1
        kept = self.examples.setdefault(reason, [])
        if len(kept) < keep:
            kept.append(detail)


def judge_item(
    interpreter: Interpreter, item: Item, *, key: str, tags: Tags, train_unsure: bool, has_answerer: bool
) -> Candidate | tuple[str, str]:
    """The candidate that an item is, or the reason why it is none, with a detail."""
    if not item.prompt.strip():
        return "no_prompt", item.key
    placeholder = image_placeholder(neutralise(item.prompt, tags))
    if placeholder is not None:
        return "image_placeholder", f"{item.key}: the prompt holds {placeholder}, which a processor would expand"
    decision = interpreter.decide(item.case)
    if not decision.certain:
        reason = _why_not_unsure(interpreter, item, decision, train_unsure)
        if reason is not None:
            return reason
    candidate = Candidate(key, item, decision, _stratum(interpreter, item, decision))
    if candidate.needs_answer:
        if item.answer is None:
            return candidate if has_answerer else ("no_answer", f"{item.key}: `{decision.verdict}`, and no answer")
        problem = answer_problem(interpreter, candidate, item.answer, tags)
        if problem is not None:
            return problem
        if item.absent_images:
            return "answer_needs_image", f"{item.key}: {item.absent_images[0]} is not there, and the answer is about it"
    return candidate


def answer_problem(interpreter: Interpreter, candidate: Candidate, answer: str, tags: Tags) -> tuple[str, str] | None:
    """Why an answer cannot stand in a complying row: the reason and a detail, or None where it can."""
    item, shown = candidate.item, f"{candidate.item.key}: {_shortened(answer)}"
    if not any(character.isalnum() for character in answer):
        return "answer_empty", shown
    if image_placeholder(neutralise(answer, tags)) is not None:
        return "image_placeholder", shown
    if (item.images or item.absent_images) and says_no_image(answer):
        return "answer_says_no_image", shown
    graded = grade(interpreter.policy, answer)
    if graded.propositions.get("declines") or graded.verdict in (Verdict.REFUSE, Verdict.REDIRECT):
        return "answer_declines", shown
    if graded.verdict is Verdict.CLARIFY:
        return "answer_asks", shown
    return None


def collect(
    items: Iterable[Item | Skipped],
    interpreter: Interpreter,
    left_out: LeftOut,
    *,
    tags: Tags,
    train_unsure: bool,
    has_answerer: bool,
    on_skipped: Callable[[Skipped], None],
    on_item: Callable[[], None],
) -> list[Candidate]:
    """Decide every item; what cannot become a row is counted in `left_out`."""
    pool: list[Candidate] = []
    keys: dict[str, int] = {}
    for item in items:
        on_item()
        if isinstance(item, Skipped):
            left_out.add(item.reason, f"{item.source}/{item.id}: {item.detail}")
            on_skipped(item)
            continue
        keys[item.key] = keys.get(item.key, 0) + 1
        key = item.key if keys[item.key] == 1 else f"{item.key}#{keys[item.key]}"
        judged = judge_item(interpreter, item, key=key, tags=tags, train_unsure=train_unsure, has_answerer=has_answerer)
        if isinstance(judged, Candidate):
            pool.append(judged)
        else:
            left_out.add(*judged)
    return pool


def _why_not_unsure(
    interpreter: Interpreter, item: Item, decision: Decision, train_unsure: bool
) -> tuple[str, str] | None:
    """Charter, *What an unknown teaches*: only what somebody looked for in vain, and can ask for, teaches to ask."""
    facts = interpreter.policy.fact_index
    unseen = [name for name in decision.unsettled if name not in item.case.cannot_tell]
    if unseen:
        return "not_annotated", f"{item.key}: the verdict hangs on {', '.join(unseen)}, and nobody looked"
    mute = [name for name in decision.unsettled if facts[name].ask is None]
    if mute:
        return "cannot_be_asked", f"{item.key}: {', '.join(mute)} cannot be told, and has no `ask`"
    if not train_unsure:
        return "unsure_not_wanted", item.key
    return None


def _stratum(interpreter: Interpreter, item: Item, decision: Decision) -> Stratum:
    nearest = ""
    if decision.speaker == "default":
        found = interpreter.nearest_rule(item.case)
        nearest = found.rule.name if found is not None else ""
    return Stratum(decision.verdict, decision.speaker, nearest)


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 120 else line[:117] + "..."
