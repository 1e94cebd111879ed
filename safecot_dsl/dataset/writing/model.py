"""What a writer is asked for and what it gives: a job, its text, and the record of how the text came about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

from safecot_dsl.artifact import Case, Decision
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.render import Rendered

Mode = Literal["template", "prompted", "fallback"]


class WritingError(ValueError):
    """What is asked of the writing cannot be done: nobody answers, or two policies have nothing in common."""


class Check(StrEnum):
    """What is looked at in a written text, in the order in which it is looked at."""

    FORMAT = "format"
    LENGTH = "length"
    VERDICT = "verdict"
    CITED = "cited"
    OBSERVED = "observed"
    WEIGHED = "weighed"
    STATED = "stated"
    REFUSAL = "refusal"
    CRITERIA = "criteria"
    OFFER = "offer"
    INJECTION = "injection"


class WritingFault(Frozen):
    """What is wrong at one place: `where` is `text`, `derivation`, `answer` or `line N` of the reasoning."""

    where: str
    message: str


class CheckResult(Frozen):
    """What one check came to. `passed` is None where it could not tell, and `note` then says why."""

    check: Check
    passed: bool | None
    faults: tuple[WritingFault, ...] = ()
    note: str = ""


class WritingRecord(Frozen):
    """How a text came about.

    `mode` is `fallback` where a model was asked and the template's text is used. `model` is the one that answered, and
    `prompt_digest` the SHA-256 of all that it was asked with; both None with `template`. `raw` holds every answer of
    the model, in order, as it came. `rejected` says of each attempt that was not used what was wrong: the names of the
    checks that failed, or the reason for which there was no answer (`no answer: timeout`). `checks` are those of the
    last attempt that gave a text: of the text that is used, where `mode` is `prompted`.
    """

    mode: Mode
    model: str | None = None
    prompt_digest: str | None = None
    raw: tuple[str, ...] = ()
    rejected: tuple[tuple[str, ...], ...] = ()
    checks: tuple[CheckResult, ...] = ()


@dataclass(frozen=True)
class Job:
    """One text to write.

    `key` names the row, `decision` is the policy's on `case`, `prompt` and `images` (encoded) are the request.
    `source_answer` is what the data source answers, None where it has no answer. `seed` is the row's own: every draw
    comes from it.
    """

    key: str
    case: Case
    decision: Decision
    prompt: str
    images: tuple[bytes, ...]
    source_answer: str | None
    seed: str


@dataclass(frozen=True)
class WrittenText:
    """A text and how it came about."""

    rendered: Rendered
    record: WritingRecord


@dataclass
class WritingCounts:
    """What writing came to so far: texts by mode, attempts that were rejected by check, and questions without an
    answer by reason. `attempts` counts the answers that a model gave."""

    modes: Counter[str] = field(default_factory=Counter[str])
    attempts: int = 0
    rejected: Counter[str] = field(default_factory=Counter[str])
    unanswered: Counter[str] = field(default_factory=Counter[str])

    @classmethod
    def of(cls, records: Iterable[WritingRecord]) -> WritingCounts:
        """The counts of these records: the same whether they were written in one run or in many."""
        counts = cls()
        for record in records:
            counts.add(record)
        return counts

    def add(self, record: WritingRecord) -> None:
        """Count one record in."""
        self.modes[record.mode] += 1
        self.attempts += len(record.raw)
        for names in record.rejected:
            for name in names:
                kind, _, reason = name.partition(NO_ANSWER)
                if kind:
                    self.rejected[name] += 1
                else:
                    self.unanswered[reason] += 1

    def as_dict(self) -> dict[str, Any]:
        """The counts as JSON, names sorted."""
        return {
            "modes": dict(sorted(self.modes.items())),
            "attempts": self.attempts,
            "rejected": dict(sorted(self.rejected.items())),
            "unanswered": dict(sorted(self.unanswered.items())),
        }


#: How an entry of `WritingRecord.rejected` begins that is no check's name.
NO_ANSWER = "no answer: "


class Writer(Protocol):
    """Writes the reasoning and the answer of rows."""

    def write(self, jobs: Sequence[Job]) -> list[WrittenText]:
        """One text a job, in their order. The same job gives the same text."""
        ...
