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

    path: str = Field(description="What questions about the run name it by.")
    name: str = Field(description="What it is called.")
    kind: Literal["data", "evaluation"] = Field(
        description="Whether it is a data set, or the results of an evaluation."
    )
    policy: str = Field(description="What its policy is called.")
    policy_path: str | None = Field(description="The policy's file; null where that is none of the folder.")
    rows: int = Field(description="How many rows the data set has, or cases the evaluation.")
    reviewed: int = Field(description="How many rows somebody accepted, rejected or changed.")
    state: RunState = Field(description="Whether it can be opened.")
    message: str | None = Field(description="Why it cannot be opened, in a sentence; null where it can.")


class RunList(Frozen):
    """The runs of the folder, by path. `complete` is false where there are more folders than are looked into."""

    runs: tuple[RunEntry, ...] = Field(description="The runs, by path.")
    complete: bool = Field(description="Whether all folders were looked into; false where there are more.")


class RunQuery(Frozen):
    """One run."""

    run: str = Field(description="The path of the run.")


class Facets(Frozen):
    """How many rows there are of each kind. `doubts` are the rows of which an annotator was not sure, or about which
    people disagree with it or with each other. `left_out` counts what did not become a row, by reason, and
    `left_out_labels` says what each reason means. `faults` are lines of the file of reviews that cannot be read."""

    total: int = Field(description="How many rows there are.")
    rule: dict[str, int] = Field(description="How many rows each rule has, by its name.")
    verdict: dict[str, int] = Field(description="How many rows each verdict has.")
    source: dict[str, int] = Field(description="How many rows each data source has.")
    left_out: dict[str, int] = Field(description="How many items became no row, by reason.")
    left_out_labels: dict[str, str] = Field(description="What each of these reasons means.")
    review: dict[ReviewState, int] = Field(description="How many rows each state of review has.")
    doubts: int = Field(description="How many rows an annotator was not sure of, or people disagree about.")
    faults: tuple[str, ...] = Field(description="The lines of the file of reviews that cannot be read.")


class RowsQuery(Frozen):
    """A page of rows. `cursor` is what the page before gave; `rule` is who speaks, `q` is looked for in the request and
    in the row's key; `order` is that of the file, or what teaches most first. `left_out` names a reason: then the
    examples of what was left out come instead of rows."""

    run: str = Field(description="The path of the run.")
    cursor: int = Field(default=0, ge=0, description="Where the page begins, as the page before said.")
    limit: int = Field(default=50, ge=1, le=200, description="How many rows the page has at most.")
    rule: str | None = Field(default=None, description="Lists the rows whose texts are this rule's.")
    verdict: str | None = Field(default=None, description="Lists the rows of this verdict.")
    source: str | None = Field(default=None, description="Lists the rows of this data source.")
    left_out: str | None = Field(
        default=None, description="Lists examples of what was left out for this reason, instead of rows."
    )
    review: ReviewState | None = Field(default=None, description="Lists the rows in this state of review.")
    doubts: bool = Field(
        default=False,
        validation_alias="disagreement",
        description="Lists only rows that an annotator was not sure of, or people disagree about.",
    )
    q: str | None = Field(
        default=None, max_length=500, description="Words that are looked for in the request and in the row's key."
    )
    order: Literal["file", "teaches"] = Field(
        default="file", description="That of the file, or the rows that teach most first."
    )


class ReviewMessage(Frozen):
    """One line of the file of reviews. `fits` is false where it saw another row than there is now; `undone`: it was
    taken back. `state` is the fact's new state, None where nobody looked."""

    id: str = Field(description="Names the review.")
    row: str = Field(description="Names the row that it is about.")
    reviewer: str = Field(description="Who wrote it.")
    at: str = Field(description="When, in UTC.")
    action: ReviewAction = Field(description="What it does.")
    fact: str | None = Field(description="The fact that it changes.")
    state: FactState | None = Field(description="The fact's new state; null where nobody looked.")
    answer: str | None = Field(description="The new answer.")
    comment: str | None = Field(description="What the reviewer remarks.")
    undoes: str | None = Field(description="The review that it takes back.")
    fits: bool = Field(description="Whether it saw the row as it is now.")
    undone: bool = Field(description="Whether it was taken back.")


class RowSummary(Frozen):
    """A row in a list. `state` is what its reviews come to, and `review` the one that it comes from. `first_because`
    says why it is shown early, where rows are ordered by what they teach."""

    id: str = Field(description="Names the row.")
    picture: bool = Field(description="Whether it has a picture.")
    request: str = Field(description="The text of the request.")
    verdict: str = Field(description="The verdict that is due.")
    rule: str = Field(description="The rule whose texts are used, `default` or `unsure`.")
    source: str = Field(description="The data source that it comes from.")
    left_out: str | None = Field(description="Why it became no row; null for a row.")
    state: ReviewState = Field(description="What its reviews come to.")
    review: ReviewMessage | None = Field(description="The review that this state comes from.")
    first_because: str | None = Field(
        description="Why it is shown early; null where rows stand in the order of the file."
    )


class RowPage(Frozen):
    """Rows, how many there are in all, and the cursor of the next page; None at the end."""

    total: int = Field(description="How many rows there are in all.")
    rows: tuple[RowSummary, ...] = Field(description="The rows of this page.")
    next: int | None = Field(description="Where the next page begins; null at the end.")


class RowQuery(Frozen):
    """One row of a run, or the picture of it with a number (from 0)."""

    run: str = Field(description="The path of the run.")
    id: str = Field(description="Names the row.")
    number: int = Field(default=0, ge=0, le=63, description="Which of its pictures is meant, from 0.")


class FoundBy(Frozen):
    """What one annotator, or one person, says of a fact. `confidence` is from 0 to 1, None where none is stated."""

    annotator: str = Field(description="The annotator, or the person.")
    state: FactState | None = Field(description="What was found; null where nobody looked.")
    confidence: float | None = Field(description="How sure, from 0 to 1; null where nothing is stated.")
    detail: str = Field(description="What is said of it.")


class RowFact(Frozen):
    """A fact of a row as its reviews leave it. `state` is None where nobody looked; `origin` is `source` (a label), an
    annotator or `reviewer:NAME`; `changed`: a review changed it. `entry` is what a form needs to change it."""

    name: str = Field(description="The full name of the fact.")
    label: str = Field(description="What the fact is, in words.")
    state: FactState | None = Field(description="What is known of it; null where nobody looked.")
    origin: str = Field(
        serialization_alias="from",
        description="Where that comes from: `source` (a label), an annotator, or `reviewer:NAME`.",
    )
    by: tuple[FoundBy, ...] = Field(description="What every annotator and person says of it.")
    changed: bool = Field(description="Whether a review changed it.")
    entry: FactEntry = Field(description="What a form needs to change it.")


class AnswerMark(Frozen):
    """What the criteria say of a response: a proposition or a requirement, and whether it holds; None: undecided."""

    name: str = Field(description="The name of the proposition or requirement.")
    label: str = Field(description="What it says, in words.")
    ok: bool | None = Field(description="Whether it holds; null where that is not decided.")


class ReadAs(Frozen):
    """How the criteria read an answer. `right` says whether that is the verdict that is due, None where they cannot
    tell; `message` is a sentence where the row could not be trained on with this answer."""

    verdict: str = Field(description="The verdict that the answer is read as.")
    grade: str | None = Field(description="The class of the response; null where none is told.")
    right: bool | None = Field(
        description="Whether that is the verdict that is due; null where the criteria cannot tell."
    )
    marks: tuple[AnswerMark, ...] = Field(description="What the criteria say of the answer, one by one.")
    message: str | None = Field(description="Why the row could not be trained on with this answer, in a sentence.")


class RowMessage(Frozen):
    """A row in full, as its reviews leave it: decided again where a fact was changed. `digest` is that of the row as it
    was made; a review names it. `before` is the verdict that it was made with, where that is another. `pictures` says
    how many there are. `texts_from` says whose words the reasoning is in: the row's own, or the policy's where a change
    made the row's not fit any more."""

    id: str = Field(description="Names the row.")
    digest: str = Field(description="Names the row as it was made; a review gives it back.")
    picture: bool = Field(description="Whether it has a picture.")
    pictures: int = Field(description="How many pictures it has.")
    request: str = Field(description="The text of the request.")
    verdict: Verdict = Field(description="The verdict that is due.")
    possible: tuple[Verdict, ...] = Field(
        description="All verdicts that learning more could give, from the laxest to the strictest."
    )
    certain: bool = Field(description="Whether nothing that is unknown can change the verdict.")
    before: Verdict | None = Field(description="The verdict that it was made with, where that is another.")
    rule: str = Field(description="The rule whose texts are used, `default` or `unsure`.")
    deciding: tuple[str, ...] = Field(description="The rules that the verdict comes from.")
    nearest: str = Field(description="The rule that comes nearest where none decides.")
    unsettled: tuple[str, ...] = Field(description="The facts to learn for the verdict to be certain, by full name.")
    source: str = Field(description="The data source that it comes from.")
    licence: str = Field(description="The licence of the source.")
    split: str = Field(description="The split of the data set that it stands in.")
    why: str = Field(description="What the selection took it for; empty where none was made.")
    attack: str = Field(description="The attack that its request was changed by; empty where it was not.")
    policy: str = Field(description="What the policy is called.")
    policy_path: str | None = Field(description="The policy's file; null where that is none of the folder.")
    facts: tuple[RowFact, ...] = Field(description="The facts, as the reviews leave them.")
    reasoning: tuple[SentenceMessage, ...] = Field(description="The sentences of the reasoning, in order.")
    answer: tuple[SentenceMessage, ...] = Field(description="The sentences of the answer, in order.")
    answer_text: str = Field(description="The answer as one text.")
    texts_from: Literal["row", "policy"] = Field(
        description="Whose words the reasoning is in: the row's own, or the policy's where a change made the "
        "row's not fit any more."
    )
    read_as: ReadAs = Field(description="How the criteria read the answer.")
    left_out: str | None = Field(description="Why it became no row; null for a row.")
    state: ReviewState = Field(description="What its reviews come to.")
    review: ReviewMessage | None = Field(description="The review that this state comes from.")
    reviews: tuple[ReviewMessage, ...] = Field(description="All its reviews, in order.")
    first_because: str | None = Field(
        description="Why it is shown early; null where rows stand in the order of the file."
    )
    message: str | None = Field(description="What is to be said of the row, in a sentence; null where nothing is.")


class ReviewQuery(Frozen):
    """What a person says of a row that was seen with this digest. `state` is a fact's new state (None: nobody looked);
    `undoes` is the review that is taken back, without it the person's last one of this row. `key` becomes the review's
    id: sent again, because the answer got lost with the connection, it is the same review and is kept once."""

    run: str = Field(description="The path of the run.")
    id: str = Field(description="Names the row.")
    reviewer: str = Field(min_length=1, max_length=LONGEST_NAME, description="Who reviews.")
    digest: str = Field(description="Names the row as it was seen.")
    action: ReviewAction = Field(description="What the review does.")
    fact: str | None = Field(default=None, description="The fact that it changes.")
    state: FactState | None = Field(default=None, description='The fact\'s new state; null for "nobody looked".')
    answer: str | None = Field(default=None, max_length=LONGEST_ANSWER, description="The new answer.")
    comment: str | None = Field(default=None, max_length=LONGEST_COMMENT, description="What the reviewer remarks.")
    undoes: str | None = Field(
        default=None, description="The review that is taken back; without one the person's last of this row."
    )
    key: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{32}$",
        description="Becomes the review's id, so that what is sent twice is kept once.",
    )


class Reviewed(Frozen):
    """The review as it was kept, and the row as it is now."""

    review: ReviewMessage = Field(description="The review as it was kept.")
    row: RowMessage = Field(description="The row as it is now.")


class ReviewersAgree(Frozen):
    """Two people on the rows that both looked at: how many, how often they say the same (accept, reject or change),
    and Cohen's kappa with its 95 % interval; None where it is undefined."""

    a: str = Field(description="The one person.")
    b: str = Field(description="The other person.")
    n: int = Field(description="How many rows both looked at.")
    agree: int = Field(description="On how many of them they say the same.")
    kappa: float | None = Field(description="Cohen's kappa; null where it is undefined.")
    low: float = Field(description="The lower end of the 95 % interval of kappa.")
    high: float = Field(description="The upper end of the 95 % interval of kappa.")


class AnnotatorAgrees(Frozen):
    """An annotator on a fact, over the rows that people accepted or changed: how often the value is what people left,
    with a 95 % interval."""

    annotator: str = Field(description="The annotator.")
    fact: str = Field(description="The full name of the fact.")
    n: int = Field(description="How many rows there are.")
    agree: int = Field(description="On how many of them the value is what people left.")
    low: float = Field(description="The lower end of the 95 % interval of that share.")
    high: float = Field(description="The upper end of the 95 % interval of that share.")


class AgreementMessage(Frozen):
    """How far people agree with each other, and with annotators."""

    reviewers: tuple[ReviewersAgree, ...] = Field(description="How far each two people agree.")
    annotators: tuple[AnnotatorAgrees, ...] = Field(description="How far annotators agree with what people left.")
