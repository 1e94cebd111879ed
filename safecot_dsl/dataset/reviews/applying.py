"""What `generate` does with reviews: rejected rows are left out, changed facts and answers go into the rows, and each
review that does not fit the row any more is named and not applied."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safecot_dsl.artifact import UNKNOWN, Case, CaseError, CompiledPolicy, Value
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.artifact.case import Unknown, read_value
from safecot_dsl.dataset.candidates import Rejected
from safecot_dsl.dataset.reviews.file import ReadReviews
from safecot_dsl.dataset.reviews.model import Review, row_digest
from safecot_dsl.dataset.reviews.standing import Standing
from safecot_dsl.diagnostics import closest
from safecot_dsl.facts import FactOrigin

#: The reason under which rejected rows are counted among what was left out.
REJECTED = "rejected_in_review"
#: What an annotator's place is taken by in the origins of facts that a person changed.
REVIEWER = "reviewer:"


class ReviewedRow(Frozen):
    """A row that reviews changed: its key, the facts that have other values and whether the answer is a reviewer's,
    the verdict before and after, and who changed it."""

    row: str
    facts: tuple[str, ...]
    answer: bool
    before: str
    after: str
    reviewers: tuple[str, ...]


class NotApplied(Frozen):
    """A review that was not applied, or a reviewed row that is none: the row's key, whose review, and why."""

    row: str
    reviewer: str
    why: str


class ReviewReport(Frozen):
    """What became of a file of reviews. Rows are named by their keys.

    `file` is as the recipe names it, `digest` that of its bytes. `reviews` counts its lines that are reviews, and
    `faults` are the others. `rejected` rows were left out, `accepted` ones stand as they were seen, `changed` ones have
    another case or answer. `unusable` are rows that a change kept from being rows, `unfit` the reviews that saw another
    row than there is now, `absent` the reviewed rows that this data set does not have at all, and `disputed` those that
    one person rejects and another does not: the last word counted.
    """

    file: str
    digest: str
    reviews: int
    reviewers: tuple[str, ...]
    accepted: tuple[str, ...]
    rejected: tuple[str, ...]
    changed: tuple[ReviewedRow, ...]
    unusable: tuple[NotApplied, ...]
    unfit: tuple[NotApplied, ...]
    absent: tuple[str, ...]
    disputed: tuple[str, ...]
    faults: tuple[str, ...]

    def summary(self) -> str:
        """One line of counts: `2 rejected, 1 changed (1 with another verdict), 3 accepted`."""
        turned = sum(one.before != one.after for one in self.changed)
        changed = f"{len(self.changed)} changed" + (f" ({turned} with another verdict)" if turned else "")
        parts = [f"{len(self.rejected)} rejected and left out", changed, f"{len(self.accepted)} accepted"]
        others = {
            "changed so that they are no rows": self.unusable,
            "reviews not applied, as the row is another one now": self.unfit,
            "reviewed and not among these rows": self.absent,
            "in dispute": self.disputed,
            "lines that are no reviews": self.faults,
        }
        return ", ".join([*parts, *(f"{len(found)} {what}" for what, found in others.items() if found)])


@dataclass
class ReviewTally:
    """What became of reviews so far: the lists of :class:`ReviewReport`, as JSON. `met` are all reviewed rows that were
    met."""

    met: list[str] = field(default_factory=list[str])
    accepted: list[str] = field(default_factory=list[str])
    rejected: list[str] = field(default_factory=list[str])
    changed: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    unusable: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    unfit: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    disputed: list[str] = field(default_factory=list[str])

    def add(self, other: ReviewTally) -> None:
        """Count in what was met after what this holds."""
        for name, found in asdict(other).items():
            getattr(self, name).extend(found)

    def count(
        self,
        key: str,
        standing: Standing,
        followed: Followed,
        before: Mapping[str, Any],
        after: Mapping[str, Any] | Rejected,
    ) -> Rejected | None:
        """Count what became of the row `before`, which is `after` now; why it is left out, where a person said so."""
        self.met.append(key)
        if standing.disputed:
            self.disputed.append(key)
        for review, why in followed.unfit:
            self.unfit.append({"row": key, "reviewer": review.reviewer, "why": why})
        change, word = followed.change, followed.word
        if word is not None and word.action == "reject":
            self.rejected.append(key)
            because = f" ({word.comment})" if word.comment else ""
            return Rejected(REJECTED, f"{key}: by {word.reviewer}{because}")
        if change is None:
            if word is not None:
                self.accepted.append(key)
            return None
        by = tuple(change.facts.values()) + ((change.answer,) if change.answer is not None else ())
        if isinstance(after, Rejected):
            why = f"{after.reason}: {after.detail}"
            self.unusable.append({"row": key, "reviewer": by[-1].reviewer, "why": why})
            return None
        self.changed.append(
            {
                "row": key,
                "facts": sorted(change.facts),
                "answer": change.answer is not None,
                "before": before["verdict"],
                "after": after["verdict"],
                "reviewers": list(dict.fromkeys(one.reviewer for one in by)),
            }
        )
        return None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def report(self, file: str, read: ReadReviews) -> ReviewReport:
        """The report on a file of reviews, of which this is what became."""
        standing = {row: Standing.of(reviews) for row, reviews in read.by_row().items()}
        missing = {row for row, one in standing.items() if one.reviews} - set(self.met)
        return ReviewReport(
            file=Path(file).as_posix(),
            digest=read.digest,
            reviews=len(read.reviews),
            reviewers=tuple(sorted({one.reviewer for one in read.reviews})),
            accepted=tuple(self.accepted),
            rejected=tuple(self.rejected),
            changed=tuple(ReviewedRow.model_validate(one) for one in self.changed),
            unusable=tuple(NotApplied.model_validate(one) for one in self.unusable),
            unfit=tuple(NotApplied.model_validate(one) for one in self.unfit),
            absent=tuple(sorted(missing)),
            disputed=tuple(self.disputed),
            faults=tuple(str(fault) for fault in read.faults),
        )


@dataclass(frozen=True)
class ReviewedCase:
    """What reviews make of a row so far: its case, the reviews that changed facts, by fact, and the one that changed
    the answer."""

    case: Case
    facts: Mapping[str, Review]
    answer: Review | None = None

    def origins(self, annotated: Mapping[str, FactOrigin]) -> dict[str, FactOrigin]:
        """Where the facts of the changed case come from, given where those of the row do."""
        origins = {name: origin for name, origin in annotated.items() if name not in self.facts}
        for name, review in self.facts.items():
            if name in self.case.known or name in self.case.cannot_tell:
                origins[name] = FactOrigin(f"{REVIEWER}{review.reviewer}", None, review.comment or "")
        return origins


@dataclass(frozen=True)
class Followed:
    """What reviews make of a row: the last change (None where nothing is changed), the last word on it, and the reviews
    that do not fit, each with the reason."""

    change: ReviewedCase | None
    word: Review | None
    unfit: tuple[tuple[Review, str], ...]


OTHER_ROW = "the row is another one now than it was when it was reviewed"


def follow_reviews(
    policy: CompiledPolicy,
    reviews: Iterable[Review],
    row: Mapping[str, Any],
    case: Case,
    make: Callable[[ReviewedCase], Mapping[str, Any] | Rejected] | None = None,
) -> Followed:
    """What the standing reviews of a row make of it, in their order. `row` is as it is without them, `case` its case.

    A review fits where it saw the row as it is, or as the reviews before it make it: so the reviews of a data set that
    was made with reviews fit as well. `make` gives the changed row, where these are to be found.
    """
    passed = {row_digest(row)}
    change = ReviewedCase(case, {})
    word: Review | None = None
    unfit: list[tuple[Review, str]] = []
    for review in reviews:
        if review.digest not in passed:
            unfit.append((review, OTHER_ROW))
            continue
        if review.action in ("accept", "reject"):
            word = review
        elif review.action in ("change_fact", "change_answer"):
            try:
                change = _changed(policy, change, review)
            except CaseError as error:
                unfit.append((review, str(error)))
                continue
            made = make(change) if make is not None else None
            if made is not None and not isinstance(made, Rejected):
                passed.add(row_digest(made))
    changed = change if change.facts or change.answer is not None else None
    return Followed(changed, word, tuple(unfit))


def _changed(policy: CompiledPolicy, change: ReviewedCase, review: Review) -> ReviewedCase:
    if review.action == "change_answer":
        return ReviewedCase(change.case, change.facts, review)
    name = review.fact or ""
    value = value_of(policy, name, review.value)
    return ReviewedCase(change.case.with_fact(name, value), {**change.facts, name: review}, change.answer)


def value_of(policy: CompiledPolicy, name: str, value: object) -> Value | Unknown | None:
    """What a review says of a fact. Raises `CaseError` where the policy has no such fact or value."""
    fact = policy.fact_index.get(name)
    if fact is None:
        near = closest(name, policy.fact_index)
        raise CaseError(f"the policy declares no fact `{name}`" + (f"; did you mean `{near}`?" if near else ""))
    if value is None:
        return None
    if isinstance(value, Mapping):
        if len(value) == 1 and value.get("unknown") is True:
            return UNKNOWN
        raise CaseError(f'`{name}`: an object must be {{"unknown": true}}')
    return read_value(fact, value)
