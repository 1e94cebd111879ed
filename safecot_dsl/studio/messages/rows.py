"""Messages of the Rows room. A row is named by its key in the provenance, which it keeps when it is made again."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from safecot_dsl.artifact import Verdict
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.studio.messages.policy import FactEntry, SentenceMessage
from safecot_dsl.studio.messages.policy import State as FactState

# Those of a review (`safecot_dsl.dataset.reviews.model`), which is not imported here: it brings all that makes rows.
LONGEST_ANSWER, LONGEST_COMMENT, LONGEST_NAME = 20_000, 4_000, 80

RunState = Literal["complete", "unfinished", "other_version", "broken"]
ReviewState = Literal["unseen", "accepted", "rejected", "changed"]
ReviewAction = Literal["accept", "reject", "change_fact", "change_answer", "comment", "undo"]


class RunEntry(Frozen):
    """A data set (`data`), or the results of a run (`evaluation`). `path` is what questions about it name; `rows` are
    the rows of a data set, or the cases of an evaluation; `reviewed` are the rows that somebody accepted, rejected or
    changed. `policy` is what the policy is called, and `policy_path` its file where that is in the folder. `message` is
    a sentence where it cannot be opened."""

    path: str
    name: str
    kind: Literal["data", "evaluation"]
    policy: str
    policy_path: str | None
    rows: int
    reviewed: int
    state: RunState
    message: str | None


class RunList(Frozen):
    """The runs of the folder, by path. `complete` is false where there are more folders than are looked into."""

    runs: tuple[RunEntry, ...]
    complete: bool


class RunQuery(Frozen):
    """One run."""

    run: str


class Facets(Frozen):
    """How many rows there are of each kind. `doubts` are the rows of which an annotator was not sure, or about which
    people disagree with it or with each other. `left_out` counts what did not become a row, by reason, and
    `left_out_labels` says what each reason means. `faults` are lines of the file of reviews that cannot be read."""

    total: int
    rule: dict[str, int]
    verdict: dict[str, int]
    source: dict[str, int]
    left_out: dict[str, int]
    left_out_labels: dict[str, str]
    review: dict[ReviewState, int]
    doubts: int
    faults: tuple[str, ...]


class RowsQuery(Frozen):
    """A page of rows. `cursor` is what the page before gave; `rule` is who speaks, `q` is looked for in the request and
    in the row's key; `order` is that of the file, or what teaches most first. `left_out` names a reason: then the
    examples of what was left out come instead of rows."""

    run: str
    cursor: int = Field(default=0, ge=0)
    limit: int = Field(default=50, ge=1, le=200)
    rule: str | None = None
    verdict: str | None = None
    source: str | None = None
    left_out: str | None = None
    review: ReviewState | None = None
    doubts: bool = Field(default=False, validation_alias="disagreement")
    q: str | None = Field(default=None, max_length=500)
    order: Literal["file", "teaches"] = "file"


class ReviewMessage(Frozen):
    """One line of the file of reviews. `fits` is false where it saw another row than there is now; `undone`: it was
    taken back. `state` is the fact's new state, None where nobody looked."""

    id: str
    row: str
    reviewer: str
    at: str
    action: ReviewAction
    fact: str | None
    state: FactState | None
    answer: str | None
    comment: str | None
    undoes: str | None
    fits: bool
    undone: bool


class RowSummary(Frozen):
    """A row in a list. `state` is what its reviews come to, and `review` the one that it comes from. `first_because`
    says why it is shown early, where rows are ordered by what they teach."""

    id: str
    picture: bool
    request: str
    verdict: str
    rule: str
    source: str
    left_out: str | None
    state: ReviewState
    review: ReviewMessage | None
    first_because: str | None


class RowPage(Frozen):
    """Rows, how many there are in all, and the cursor of the next page; None at the end."""

    total: int
    rows: tuple[RowSummary, ...]
    next: int | None


class RowQuery(Frozen):
    """One row of a run, or the picture of it with a number (from 0)."""

    run: str
    id: str
    number: int = Field(default=0, ge=0, le=63)


class FoundBy(Frozen):
    """What one annotator, or one person, says of a fact. `confidence` is from 0 to 1, None where none is stated."""

    annotator: str
    state: FactState | None
    confidence: float | None
    detail: str


class RowFact(Frozen):
    """A fact of a row as its reviews leave it. `state` is None where nobody looked; `origin` is `source` (a label), an
    annotator or `reviewer:NAME`; `changed`: a review changed it. `entry` is what a form needs to change it."""

    name: str
    label: str
    state: FactState | None
    origin: str = Field(serialization_alias="from")
    by: tuple[FoundBy, ...]
    changed: bool
    entry: FactEntry


class AnswerMark(Frozen):
    """What the criteria say of a response: a proposition or a requirement, and whether it holds; None: undecided."""

    name: str
    label: str
    ok: bool | None


class ReadAs(Frozen):
    """How the criteria read an answer. `right` says whether that is the verdict that is due, None where they cannot
    tell; `message` is a sentence where the row could not be trained on with this answer."""

    verdict: str
    grade: str | None
    right: bool | None
    marks: tuple[AnswerMark, ...]
    message: str | None


class RowMessage(Frozen):
    """A row in full, as its reviews leave it: decided again where a fact was changed. `digest` is that of the row as it
    was made; a review names it. `before` is the verdict that it was made with, where that is another. `pictures` says
    how many there are. `texts_from` says whose words the reasoning is in: the row's own, or the policy's where a change
    made the row's not fit any more."""

    id: str
    digest: str
    picture: bool
    pictures: int
    request: str
    verdict: Verdict
    possible: tuple[Verdict, ...]
    certain: bool
    before: Verdict | None
    rule: str
    deciding: tuple[str, ...]
    nearest: str
    unsettled: tuple[str, ...]
    source: str
    licence: str
    split: str
    why: str
    attack: str
    policy: str
    policy_path: str | None
    facts: tuple[RowFact, ...]
    reasoning: tuple[SentenceMessage, ...]
    answer: tuple[SentenceMessage, ...]
    answer_text: str
    texts_from: Literal["row", "policy"]
    read_as: ReadAs
    left_out: str | None
    state: ReviewState
    review: ReviewMessage | None
    reviews: tuple[ReviewMessage, ...]
    first_because: str | None
    message: str | None


class ReviewQuery(Frozen):
    """What a person says of a row that was seen with this digest. `state` is a fact's new state (None: nobody looked);
    `undoes` is the review that is taken back, without it the person's last one of this row. `key` becomes the review's
    id: sent again, because the answer got lost with the connection, it is the same review and is kept once."""

    run: str
    id: str
    reviewer: str = Field(min_length=1, max_length=LONGEST_NAME)
    digest: str
    action: ReviewAction
    fact: str | None = None
    state: FactState | None = None
    answer: str | None = Field(default=None, max_length=LONGEST_ANSWER)
    comment: str | None = Field(default=None, max_length=LONGEST_COMMENT)
    undoes: str | None = None
    key: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$")


class Reviewed(Frozen):
    """The review as it was kept, and the row as it is now."""

    review: ReviewMessage
    row: RowMessage


class ReviewersAgree(Frozen):
    """Two people on the rows that both looked at: how many, how often they say the same (accept, reject or change),
    and Cohen's kappa with its 95 % interval; None where it is undefined."""

    a: str
    b: str
    n: int
    agree: int
    kappa: float | None
    low: float
    high: float


class AnnotatorAgrees(Frozen):
    """An annotator on a fact, over the rows that people accepted or changed: how often the value is what people left,
    with a 95 % interval."""

    annotator: str
    fact: str
    n: int
    agree: int
    low: float
    high: float


class AgreementMessage(Frozen):
    """How far people agree with each other, and with annotators."""

    reviewers: tuple[ReviewersAgree, ...]
    annotators: tuple[AnnotatorAgrees, ...]
