"""A row in full, as its reviews leave it: decided again where a fact was changed, its answer read by the criteria."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from safecot_dsl.artifact import Case, CaseError, Decision, Fact, Verdict, read_case
from safecot_dsl.dataset.candidates import Rejected
from safecot_dsl.dataset.card import REASONS
from safecot_dsl.dataset.reviews import DIGESTED, Review, Standing
from safecot_dsl.dataset.reviews.applying import REVIEWER, ReviewedCase, follow_reviews
from safecot_dsl.dataset.reviews.first import TeachingOrder, why_first
from safecot_dsl.dataset.reviews.problems import AnswerReading
from safecot_dsl.facts import FactOrigin, Item
from safecot_dsl.facts.item import LazyImage
from safecot_dsl.render import ReasoningStyle, Rendered, answer_text
from safecot_dsl.render.procedure import DecidedCase
from safecot_dsl.render.rendering import cited, plan
from safecot_dsl.studio.errors import StudioError
from safecot_dsl.studio.messages.policy import SentenceMessage
from safecot_dsl.studio.messages.policy import State as FactState
from safecot_dsl.studio.messages.rows import AnswerMark, FoundBy, ReadAs, ReviewMessage, RowFact, RowMessage
from safecot_dsl.studio.policy.cases import fact_entry, json_message
from safecot_dsl.studio.rows.index import RowIndex
from safecot_dsl.studio.rows.texts import plain_answer, stored_sentence, told_sentences
from safecot_dsl.studio.run_policy import RunPolicy
from safecot_dsl.studio.runs import OpenRun

_COLUMNS = ("id", "style", "seed", "policy", "sentences", "licence", "split", "source", *DIGESTED)


@dataclass(frozen=True)
class StoredRow:
    """A row as it was made: its columns, what the index says of it, its policy and its case."""

    run: OpenRun
    columns: Mapping[str, Any]
    record: Mapping[str, Any]
    policy: RunPolicy
    case: Case
    reviews: tuple[Review, ...]

    @cached_property
    def standing(self) -> Standing:
        """All reviews that stand, whatever row they saw."""
        return Standing.of(self.reviews)

    @cached_property
    def fitting(self) -> Standing:
        """Those that saw this row."""
        return self.standing.fitting(self.record["digest"])

    @cached_property
    def origins(self) -> dict[str, FactOrigin]:
        """Where the facts come from that no label gave."""
        found = json.loads(self.record["origins"]) if self.record["origins"] else {}
        return {name: FactOrigin(**origin) for name, origin in found.items()}

    @property
    def verdict(self) -> Verdict:
        return Verdict(self.columns["verdict"])


def stored_row(run: OpenRun, index: RowIndex, key: str) -> StoredRow:
    """The row with this key. Raises :class:`StudioError` where there is none."""
    number = index.find(key)
    if number is None:
        raise StudioError(404, "no_row", "This run has no such row: it was made again, or the link is of another run.")
    columns = index.row(number, _COLUMNS)
    policy = run.policy_of(columns["policy"])
    try:
        case = read_case(policy.compiled, json.loads(columns["facts"]))
    except (CaseError, ValueError) as error:
        raise StudioError(422, "broken", f"The facts of this row do not fit its policy: {error}.") from None
    read, _ = run.reviews()
    reviews = tuple(one for one in read.reviews if one.row == key)
    return StoredRow(run, columns, index.rows([number])[0], policy, case, reviews)


@dataclass(frozen=True)
class _Now:
    """A row as its reviews leave it."""

    change: ReviewedCase
    decision: Decision
    reasoning: tuple[SentenceMessage, ...]
    answer: tuple[SentenceMessage, ...]
    text: str | None
    reading: AnswerReading
    retold: bool


def row_message(row: StoredRow, order: TeachingOrder) -> RowMessage:
    """The row for the page; `order` is that of what teaches most."""
    now = _now(row)
    columns, record, compiled = row.columns, row.record, row.policy.compiled
    decision, fitting = now.decision, row.fitting
    nearest = row.policy.interpreter.nearest_rule(now.change.case) if decision.speaker == "default" else None
    near = nearest.rule.name if nearest is not None else ""
    is_near = nearest is not None and nearest.distance == 1
    possible = [v for v in Verdict if decision.lower.strictness <= v.strictness <= decision.upper.strictness]
    return RowMessage(
        id=record["key"],
        digest=record["digest"],
        picture=bool(columns["image_sha256"]),
        pictures=len(columns["image_sha256"]),
        request=columns["prompt"],
        verdict=decision.verdict,
        possible=tuple(possible),
        certain=decision.certain,
        before=row.verdict if decision.verdict is not row.verdict else None,
        rule=decision.speaker,
        deciding=decision.deciding,
        nearest=near,
        unsettled=decision.unsettled,
        source=columns["source"],
        licence=columns["licence"],
        split=columns["split"],
        why=record["why"],
        attack=record["attack"],
        policy=compiled.header.name,
        policy_path=row.policy.path,
        facts=tuple(_fact(row, now.change, fact) for fact in compiled.facts),
        reasoning=now.reasoning,
        answer=now.answer,
        answer_text=now.text or "",
        texts_from="policy" if now.retold else "row",
        read_as=_read_as(row, now),
        left_out=None,
        state=fitting.state,
        review=review_message(fitting.last, row) if fitting.last is not None else None,
        reviews=tuple(review_message(one, row) for one in row.reviews),
        first_because=why_first(record, order, near if is_near else ""),
        message=_message(row),
    )


def _now(row: StoredRow) -> _Now:
    followed = follow_reviews(row.policy.compiled, row.standing.reviews, row.columns, row.case)
    change = followed.change or ReviewedCase(row.case, {})
    decision = row.policy.interpreter.decide(change.case)
    rendered = _rendered(row, change, decision) if change.facts else None
    reasoning, answer = _stored(row)
    if rendered is not None:
        reasoning = told_sentences(row.policy, rendered.reasoning) if row.columns["style"] != "none" else ()
        answer = told_sentences(row.policy, rendered.answer)
    text: str | None = row.columns["answer"] if rendered is None else _text(rendered)
    written = None if rendered is None or decision.verdict.answers else rendered.answer
    if change.answer is not None:
        text, written = change.answer.answer, None
        answer = (plain_answer(text or ""),)
    reading = row.run.reader_of(row.policy).read(_item(row, change.case), text, written)
    if change.answer is None and rendered is None:
        # It was made a row with this answer: what an item of a source would be asked besides is not asked again.
        right = True if reading.problem is None and reading.grade.verdict != "unscored" else reading.right
        reading = AnswerReading(reading.grade, right, None)
    return _Now(change, decision, reasoning, answer, text, reading, rendered is not None)


def _stored(row: StoredRow) -> tuple[tuple[SentenceMessage, ...], tuple[SentenceMessage, ...]]:
    """The row's own sentences: reasoning and answer."""
    told = [stored_sentence(row.policy, sentence) for sentence in row.columns["sentences"]]
    return tuple(one for one in told if one.part != "answer"), tuple(one for one in told if one.part == "answer")


def _rendered(row: StoredRow, change: ReviewedCase, decision: Decision) -> Rendered:
    """The policy's own text for the changed case. Where it still is to be answered, with the answer that there was."""
    style = row.columns["style"]
    source: str | None = None
    if decision.verdict.answers:
        given = [one["text"] for one in row.columns["sentences"] if one["step"] in ("source", "model", "review")]
        source = change.answer.answer if change.answer is not None else " ".join(given) or None
    policy = row.policy
    supposed, _ = policy.interpreter.suppose(change.case)
    with policy.lock:
        outcome = DecidedCase.of(supposed, decision)
        told = plan(policy.grounds, outcome, ReasoningStyle.MINIMAL if style == "none" else ReasoningStyle(style))
        return told.tell(row.columns["seed"], source, cited(decision))


def _text(rendered: Rendered) -> str | None:
    return None if rendered.needs_answer else answer_text(rendered)


def _item(row: StoredRow, case: Case) -> Item:
    pictures = tuple(LazyImage.of_bytes(b"", str(number)) for number, _ in enumerate(row.columns["image_sha256"]))
    source, _, name = row.record["key"].partition("/")
    return Item(name or source, source, row.columns["licence"], row.columns["prompt"], pictures, case)


def _read_as(row: StoredRow, now: _Now) -> ReadAs:
    grade, problem = now.reading.grade, now.reading.problem
    propositions = row.policy.compiled.criteria.propositions
    marks = [
        AnswerMark(name=name, label=propositions[name].definition, ok=value)
        for name, value in grade.propositions.items()
    ]
    marks += [
        AnswerMark(name=rule, label=f"meets what the rule {rule} requires", ok=met)
        for rule, met in grade.requirements.items()
    ]
    return ReadAs(
        verdict=str(grade.verdict),
        grade=grade.cls,
        right=now.reading.right,
        marks=tuple(marks),
        message=_said(problem, now.change) if problem is not None else None,
    )


def _said(problem: Rejected, change: ReviewedCase) -> str:
    if problem.reason == "answer_misread" and change.answer is not None:
        return f"It would be left out: the answer is read otherwise than is due ({problem.detail})."
    return f"It would be left out: {REASONS.get(problem.reason, problem.reason)} ({problem.detail})."


def _message(row: StoredRow) -> str | None:
    other = sum(one.digest != row.record["digest"] for one in row.standing.reviews)
    if not other:
        return None
    many, they = (f"{other} reviews", "they are") if other > 1 else ("A review", "it is")
    return f"{many} of this row saw it before it was made again: {they} in it already, or do not fit it any more."


# Facts and reviews ----------------------------------------------------------------------------------------------------


def _fact(row: StoredRow, change: ReviewedCase, fact: Fact) -> RowFact:
    name = fact.name
    now, then = _states(change.case), _states(row.case)
    origin = change.origins(row.origins).get(name)
    line, _ = row.policy.place(f"fact:{name}")
    found: list[FoundBy] = []
    if name in row.origins:
        first = row.origins[name]
        found.append(
            FoundBy(annotator=first.by, state=then.get(name), confidence=first.confidence, detail=first.detail)
        )
    elif name in then:
        found.append(FoundBy(annotator="source", state=then[name], confidence=None, detail=""))
    for review in row.standing.reviews:
        if review.action == "change_fact" and review.fact == name:
            found.append(
                FoundBy(
                    annotator=f"{REVIEWER}{review.reviewer}",
                    state=state_of(review),
                    confidence=None,
                    detail=review.comment or "",
                )
            )
    entry = fact_entry(fact, line)
    return RowFact(
        name=name,
        label=entry.label,
        state=now.get(name),
        origin=origin.by if origin is not None else "source" if name in now else "",
        by=tuple(found),
        changed=name in change.facts,
        entry=entry,
    )


def _states(case: Case) -> Mapping[str, FactState]:
    return json_message(case.to_json()).facts


def state_of(review: Review) -> FactState | None:
    """What a review says of a fact."""
    return json_message({"facts": {"": review.value}}).facts.get("")


def review_message(review: Review, row: StoredRow) -> ReviewMessage:
    """A review for the page."""
    return message_of_review(review, row.record["digest"], row.standing.undone)


def message_of_review(review: Review, digest: str, undone: Sequence[str] | frozenset[str]) -> ReviewMessage:
    """A review for the page; `digest` is that of its row as it is."""
    return ReviewMessage(
        **review.model_dump(include={"id", "row", "reviewer", "at", "action", "fact", "answer", "comment", "undoes"}),
        state=state_of(review) if review.action == "change_fact" else None,
        fits=review.digest == digest,
        undone=review.id in undone,
    )
