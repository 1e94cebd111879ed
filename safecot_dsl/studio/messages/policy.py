"""Messages of the Policy room. Lines and characters count from 1 where they are for people; positions of a fix count
from 0 as the language server's do, characters in UTF-16 code units."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from safecot_dsl.artifact import Verdict
from safecot_dsl.artifact.base import Frozen

FactSubject = Literal["image", "request", "other"]
FactKind = Literal["flag", "one_of", "set", "taxonomy", "score", "text"]
SentencePart = Literal["see", "ask", "weigh", "decide", "answer"]
TruthValue = Literal["true", "false", "maybe"]


class Source(Frozen):
    """A policy: a path in the folder, and the editor's unsaved text; None is the file as it is on the disk."""

    path: str
    text: str | None


class SourceQuery(Frozen):
    """A question about one policy."""

    source: Source


# Facts and cases ------------------------------------------------------------------------------------------------------


class FactValue(Frozen):
    """A value of a fact: its name in conditions, the phrase that texts use, and the value of the tree above it."""

    name: str
    label: str
    parent: str | None


class FactBand(Frozen):
    """A stretch of a score and the author's word for it; from `low` up to, and without, `high`, but for the last."""

    name: str
    label: str
    low: float
    high: float


class FactEntry(Frozen):
    """What a case may say. `low`, `high` and `bands` are of a score; `line` is where it is declared in the file itself,
    None where it comes from another file."""

    name: str
    label: str
    of: FactSubject
    kind: FactKind
    values: tuple[FactValue, ...]
    low: float | None
    high: float | None
    bands: tuple[FactBand, ...]
    line: int | None


class Facts(Frozen):
    """The facts that a policy declares, in its order, and what it is called. `digest` names what the policy means."""

    policy: str
    digest: str
    facts: tuple[FactEntry, ...]


class CannotBeTold(Frozen):
    """Somebody looked, and could not tell."""

    state: Literal["cannot_be_told"]


class Known(Frozen):
    """A value: true or false, a name, names, a number or a text, as the fact's kind wants."""

    state: Literal["known"]
    value: JsonValue


State = Annotated[CannotBeTold | Known, Field(discriminator="state")]


class CaseMessage(Frozen):
    """A case. Of a fact that is absent nobody has looked."""

    facts: dict[str, State]


# Decisions ------------------------------------------------------------------------------------------------------------


class DecideQuery(Frozen):
    """A case to be decided. `style` is how much reasoning is said; `seed` draws among alternative texts."""

    source: Source
    case: CaseMessage
    style: Literal["minimal", "full", "stepwise"] = "stepwise"
    seed: str = "0"


class RuleRef(Frozen):
    """A rule, or `default` or `unsure`, with its verdict and its place. `path` is the file it stands in, None where
    that is none of the folder (a shipped library)."""

    rule: str
    verdict: Verdict
    line: int | None
    path: str | None
    label: str


class Where(Frozen):
    """What a sentence comes from: a rule or a fact, and the line."""

    rule: str | None
    fact: str | None
    line: int | None
    path: str | None


class SentenceMessage(Frozen):
    """A sentence of the reasoning or the answer. `built`: no author wrote it for this place, it was made of what stands
    there."""

    text: str
    part: SentencePart
    built: bool
    where: tuple[Where, ...]


class TruthNode(Frozen):
    """A condition and what it came to. `fact` and `value` are of a leaf: the fact that it asks of, and what the case
    says of it (None: not known)."""

    label: str
    truth: TruthValue
    line: int | None
    rule: str | None
    fact: str | None
    value: JsonValue
    children: tuple[TruthNode, ...]


class DecisionMessage(Frozen):
    """What the policy says of a case. `meaning` says in a sentence what the verdict asks for. `possible` are all
    verdicts from the laxest to the strictest that learning more could give. `in_question` are the rules that may apply
    and are not settled. `unsettled` are the facts to learn; `assumed` those that were supposed. `needs_answer`: the
    answer itself comes from a model or a data source. `milliseconds` are the server's own, compiling included."""

    verdict: Verdict
    meaning: str
    possible: tuple[Verdict, ...]
    certain: bool
    deciding: tuple[RuleRef, ...]
    in_question: tuple[RuleRef, ...]
    nearest: RuleRef | None
    why: TruthNode
    reasoning: tuple[SentenceMessage, ...]
    answer: tuple[SentenceMessage, ...]
    needs_answer: bool
    unsettled: tuple[str, ...]
    assumed: dict[str, JsonValue]
    milliseconds: float


# Findings -------------------------------------------------------------------------------------------------------------


class FixEdit(Frozen):
    """A piece of the text and what stands there instead."""

    start_line: int
    start_character: int
    end_line: int
    end_character: int
    text: str


class FixMessage(Frozen):
    """What mends a finding."""

    title: str
    edits: tuple[FixEdit, ...]


class FindingMessage(Frozen):
    """Something that is wrong with a policy, or looks so. `path` is None where it stands in another folder."""

    code: str
    severity: str
    title: str
    message: str
    help: str | None
    path: str | None
    line: int
    end_line: int
    fix: FixMessage | None
    witness: CaseMessage | None


# Examples and claims --------------------------------------------------------------------------------------------------


class TestedItem(Frozen):
    """An example, a property or a law, and whether it holds. `witness` is an example's own case, and of a claim that
    fails a case that shows it; of a law `after` is the case after its change."""

    name: str
    kind: Literal["example", "property", "law"]
    line: int | None
    state: Literal["holds", "fails", "not_decided"]
    message: str | None
    witness: CaseMessage | None
    after: CaseMessage | None


class Findings(Frozen):
    """What is to be said of a policy, by file and line."""

    findings: tuple[FindingMessage, ...]


class TestedItems(Frozen):
    """What a policy says of itself."""

    items: tuple[TestedItem, ...]


class KeepQuery(Frozen):
    """A case to be kept in the policy as an example that the policy meets now; without a name one is made."""

    source: Source
    case: CaseMessage
    name: str | None = None


class KeptExample(Frozen):
    """The text with the example at its end, laid out, and the example's line. Nothing is written yet."""

    text: str
    line: int


# Changes --------------------------------------------------------------------------------------------------------------


class ChangesQuery(Frozen):
    """A policy held against the saved file (`saved`) or a revision of it in git; `run` is a run whose rows are decided
    anew."""

    source: Source
    against: str
    run: str | None = None


class ChangedRegion(Frozen):
    """Cases that are decided otherwise, in a sentence; the rules that decide them now or did, and one such case."""

    sentence: str
    before: Verdict
    after: Verdict
    rules: tuple[str, ...]
    witness: CaseMessage


class ChangedRowMessage(Frozen):
    """A row whose verdict would be another; `after` is None where its case does not fit the policy any more. `id` is
    what the Rows room names it by, `request` the beginning of its request."""

    id: str
    request: str
    before: str
    after: str | None


class ChangedRowsMessage(Frozen):
    """How many rows of a run would have another verdict, of how many, and the first of them."""

    changed: int
    total: int
    rows: tuple[ChangedRowMessage, ...]


class ChangesMessage(Frozen):
    """What changed in meaning. `message` says it whole; `complete`: the regions are all there are."""

    complete: bool
    message: str
    regions: tuple[ChangedRegion, ...]
    rows: ChangedRowsMessage | None


class Revision(Frozen):
    """A version of a file in git."""

    revision: str
    subject: str
    date: str


class Revisions(Frozen):
    """The versions of a file, the newest first; none where there is no git."""

    revisions: tuple[Revision, ...]


# Coverage and rules ---------------------------------------------------------------------------------------------------


class CoverageQuery(Frozen):
    """Which lines the examples reach, and the rows of a run where it is named."""

    source: Source
    run: str | None = None


class CoveredLine(Frozen):
    """What stands on these lines of the file, and how many examples and rows reach it: a rule that decides, a condition
    on which the verdict hangs, a sentence that is said. `missing` are the parts of it that none of them reaches."""

    line: int
    end_line: int
    reached: bool
    examples: int
    rows: int
    what: str
    missing: tuple[str, ...]


class CoverageMessage(Frozen):
    """The lines that can be reached. `rows` is how many rows were looked at; `complete`: there are no more."""

    lines: tuple[CoveredLine, ...]
    rows: int
    complete: bool


class RuleNode(Frozen):
    """A rule, an exception, the default or a fact in the picture of a policy."""

    id: str
    kind: Literal["rule", "exception", "default", "fact"]
    label: str
    verdict: Verdict | None
    line: int | None
    path: str | None


class RuleEdge(Frozen):
    """From a rule to a fact that it reads, or from an exception to the rule that it is to."""

    source: str = Field(serialization_alias="from", validation_alias="from")
    target: str = Field(serialization_alias="to", validation_alias="to")
    kind: Literal["reads", "except"]


class RulesMessage(Frozen):
    """The policy as a picture, the neighbours of each rule (exceptions, what they are to, and rules that read the same
    facts), and what is to be said of it."""

    nodes: tuple[RuleNode, ...]
    edges: tuple[RuleEdge, ...]
    neighbours: dict[str, tuple[str, ...]]
    findings: tuple[FindingMessage, ...]


class DoesNotCompile(Frozen):
    """What comes with status 422 and the code `does_not_compile`, beside `error`."""

    error: dict[str, Any]
    findings: tuple[FindingMessage, ...]


# Annotating -----------------------------------------------------------------------------------------------------------


class AnnotateForm(Frozen):
    """A picture's recipe, whose annotators look at it, the policy's path, and the request's text if there is one."""

    recipe: str
    path: str
    request: str = ""


class AnnotateQuery(Frozen):
    """The same, as the process that looks is asked: `picture` is in base64."""

    recipe: str
    path: str
    request: str
    picture: str


class AnnotatedFact(Frozen):
    """What an annotator found."""

    state: State
    annotator: str
    detail: str


class FactLeftOut(Frozen):
    """A fact that no annotator told, and why."""

    fact: str
    reason: str


class AnnotatedPicture(Frozen):
    """What annotators told of a picture."""

    facts: dict[str, AnnotatedFact]
    left_out: tuple[FactLeftOut, ...]
