"""What the trace of a row says."""

from __future__ import annotations

from typing import Any

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.dataset.tracing_exports import ExportRecord
from safecot_dsl.dataset.tracing_sources import Excerpt
from safecot_dsl.dataset.writing.model import CheckResult


class TraceError(ValueError):
    """A row or a rule that the data set does not have; the message says what it has."""


class TracedImage(Frozen):
    """An image of the row. `path` is a name only where the row holds the bytes (`embedded`)."""

    path: str
    sha256: str
    embedded: bool


class TracedFact(Frozen):
    """A fact as in the row's case, and who said so: `source` (its label, or its recipe), else an annotator."""

    name: str
    value: Any
    by: str
    confidence: float | None = None
    detail: str = ""


class TracedSentence(Frozen):
    """A sentence and what it comes from; `source` is that line of the policy, None where it is not to be had."""

    step: str
    text: str
    rule: str | None
    file: str | None
    line: int | None
    source: str | None


class TracedRule(Frozen):
    """A rule behind the row: in which ways (`decides`, `speaks`, `nearest`, `gives a sentence`), and its text."""

    name: str
    roles: tuple[str, ...]
    text: Excerpt | None


class Attempt(Frozen):
    """One answer of the model that wrote: as it came (None where there was none), and the checks that it failed."""

    raw: str | None
    rejected: tuple[str, ...]


class Neighbour(Frozen):
    """The other row of a contrast pair."""

    id: str
    key: str


class RowTrace(Frozen):
    """Everything that is known of a row.

    `file` and `number` (from 0) are where it stands, `block` and `position` where its item stands in the sources.
    `policy` is the digest of the policy that its text was made under; `current` says whether that is the data set's.
    """

    id: str
    key: str
    file: str
    number: int
    split: str
    licence: str
    block: int
    position: int
    neighbour: int
    prompt: str
    images: tuple[TracedImage, ...]
    facts: tuple[TracedFact, ...]
    verdict: str
    speaker: str
    nearest: str
    deciding: tuple[str, ...]
    unsettled: tuple[str, ...]
    policy_name: str
    policy_version: str
    policy: str
    current: bool
    style: str
    seed: str
    sentences: tuple[TracedSentence, ...]
    rules: tuple[TracedRule, ...]
    mode: str
    model: str | None
    prompt_digest: str | None
    attempts: tuple[Attempt, ...]
    checks: tuple[CheckResult, ...]
    answer_from_model: bool
    read_as: str
    why: str
    pair: str
    distance: int
    partner: Neighbour | None
    exports: tuple[ExportRecord, ...]
    command: str
