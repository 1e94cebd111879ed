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

    path: str = Field(description="The path of the policy's file, relative to the folder served.")
    text: str | None = Field(description="The editor's unsaved text; null for the file as it is on the disk.")


class SourceQuery(Frozen):
    """A question about one policy."""

    source: Source = Field(description="The policy.")


# Facts and cases ------------------------------------------------------------------------------------------------------


class FactValue(Frozen):
    """A value of a fact: its name in conditions, the phrase that texts use, and the value of the tree above it."""

    name: str = Field(description="The name that conditions use.")
    label: str = Field(description="The phrase that texts use.")
    parent: str | None = Field(
        description="The value of the taxonomy that it stands below; null for a root, and where there is no taxonomy."
    )


class FactBand(Frozen):
    """A stretch of a score and the author's word for it; from `low` up to, and without, `high`, but for the last."""

    name: str = Field(description="The name of the band.")
    label: str = Field(description="The author's words for it.")
    low: float = Field(description="Where the band begins, included.")
    high: float = Field(description="Where it ends; the value itself belongs to the next band, except in the last.")


class FactEntry(Frozen):
    """What a case may say. `low`, `high` and `bands` are of a score; `line` is where it is declared in the file itself,
    None where it comes from another file."""

    name: str = Field(description="The full name of the fact, such as `image.objects`.")
    label: str = Field(description="What the fact is, in words.")
    of: FactSubject = Field(description="What the fact is about.")
    kind: FactKind = Field(description="Which values it can have.")
    values: tuple[FactValue, ...] = Field(description="The values of a finite domain; empty for others.")
    low: float | None = Field(description="Of a score, the least value; null for others.")
    high: float | None = Field(description="Of a score, the greatest value; null for others.")
    bands: tuple[FactBand, ...] = Field(description="Of a score, how it is told in words, from the lowest on.")
    line: int | None = Field(description="The line of its declaration, from 1; null where another file declares it.")


class Facts(Frozen):
    """The facts that a policy declares, in its order, and what it is called. `digest` names what the policy means."""

    policy: str = Field(description="What the policy is called.")
    digest: str = Field(description="Names what the policy means.")
    facts: tuple[FactEntry, ...] = Field(description="The facts, in the order of declaration.")


class CannotBeTold(Frozen):
    """Somebody looked, and could not tell."""

    state: Literal["cannot_be_told"] = Field(description="Always `cannot_be_told`.")


class Known(Frozen):
    """A value: true or false, a name, names, a number or a text, as the fact's kind wants."""

    state: Literal["known"] = Field(description="Always `known`.")
    value: JsonValue = Field(
        description="The value: true or false, a name, names, a number or a text, as the fact's kind wants."
    )


State = Annotated[CannotBeTold | Known, Field(discriminator="state")]


class CaseMessage(Frozen):
    """A case. Of a fact that is absent nobody has looked."""

    facts: dict[str, State] = Field(
        description="What is known of each fact, by full name; of an absent one nobody has looked."
    )


# Decisions ------------------------------------------------------------------------------------------------------------


class DecideQuery(Frozen):
    """A case to be decided. `style` is how much reasoning is said; `seed` draws among alternative texts."""

    source: Source = Field(description="The policy that decides.")
    case: CaseMessage = Field(description="The case to be decided.")
    style: Literal["minimal", "full", "stepwise"] = Field(
        default="stepwise", description="How much of the reasoning is said."
    )
    seed: str = Field(default="0", description="Draws among alternative texts; equal seeds give equal texts.")


class RuleRef(Frozen):
    """A rule, or `default` or `unsure`, with its verdict and its place. `path` is the file it stands in, None where
    that is none of the folder (a shipped library)."""

    rule: str = Field(description="The name of the rule, or `default` or `unsure`.")
    verdict: Verdict = Field(description="Its verdict.")
    line: int | None = Field(description="The line that it starts on, from 1.")
    path: str | None = Field(
        description="The file that it stands in; null where that is none of the folder, such as a shipped library."
    )
    label: str = Field(description="The rule's title, or its name in words.")


class Where(Frozen):
    """What a sentence comes from: a rule or a fact, and the line."""

    rule: str | None = Field(description="The rule that the sentence comes from.")
    fact: str | None = Field(description="The fact that the sentence comes from.")
    line: int | None = Field(description="The line that it comes from, from 1.")
    path: str | None = Field(description="The file that it comes from; null where that is none of the folder.")


class SentenceMessage(Frozen):
    """A sentence of the reasoning or the answer. `built`: no author wrote it for this place, it was made of what stands
    there."""

    text: str = Field(description="The sentence.")
    part: SentencePart = Field(description="Which part of the reasoning or answer it is.")
    built: bool = Field(description="Whether no author wrote it for this place, and it was made of what stands there.")
    where: tuple[Where, ...] = Field(description="What it comes from.")


class TruthNode(Frozen):
    """A condition and what it came to. `fact` and `value` are of a leaf: the fact that it asks of, and what the case
    says of it (None: not known)."""

    label: str = Field(description="The condition in words.")
    truth: TruthValue = Field(description="What it came to.")
    line: int | None = Field(description="The line that it stands on, from 1.")
    rule: str | None = Field(description="The rule that it belongs to.")
    fact: str | None = Field(description="Of a leaf, the fact that it asks of.")
    value: JsonValue = Field(description="Of a leaf, what the case says of the fact; null where it is not known.")
    children: tuple[TruthNode, ...] = Field(description="The conditions that it is made of.")


class DecisionMessage(Frozen):
    """What the policy says of a case. `meaning` says in a sentence what the verdict asks for. `possible` are all
    verdicts from the laxest to the strictest that learning more could give. `in_question` are the rules that may apply
    and are not settled. `unsettled` are the facts to learn; `assumed` those that were supposed. `needs_answer`: the
    answer itself comes from a model or a data source. `milliseconds` are the server's own, compiling included."""

    verdict: Verdict = Field(description="What a response owes to the request.")
    meaning: str = Field(description="What the verdict asks for, in a sentence.")
    possible: tuple[Verdict, ...] = Field(
        description="All verdicts that learning more could give, from the laxest to the strictest."
    )
    certain: bool = Field(description="Whether nothing that is unknown can change the verdict.")
    deciding: tuple[RuleRef, ...] = Field(description="The rules that the verdict comes from.")
    in_question: tuple[RuleRef, ...] = Field(description="The rules that may apply, and are not settled.")
    nearest: RuleRef | None = Field(description="The rule that comes nearest where none decides.")
    why: TruthNode = Field(description="The conditions behind the verdict, and what each came to.")
    reasoning: tuple[SentenceMessage, ...] = Field(description="The sentences of the reasoning, in order.")
    answer: tuple[SentenceMessage, ...] = Field(description="The sentences of the answer, in order.")
    needs_answer: bool = Field(description="Whether the answer itself comes from a model or a data source.")
    unsettled: tuple[str, ...] = Field(description="The facts to learn for the verdict to be certain, by full name.")
    assumed: dict[str, JsonValue] = Field(description="What was supposed of facts that nobody knows, by full name.")
    milliseconds: float = Field(description="How long the server took, compiling included.")


# Findings -------------------------------------------------------------------------------------------------------------


class FixEdit(Frozen):
    """A piece of the text and what stands there instead."""

    start_line: int = Field(description="The line that the piece starts on, from 0.")
    start_character: int = Field(description="Where on that line it starts, from 0, in UTF-16 code units.")
    end_line: int = Field(description="The line that it ends on, from 0.")
    end_character: int = Field(description="Where on that line it ends, from 0, in UTF-16 code units; not included.")
    text: str = Field(description="What stands there instead.")


class FixMessage(Frozen):
    """What mends a finding."""

    title: str = Field(description="What the fix does.")
    edits: tuple[FixEdit, ...] = Field(description="The changes that it makes.")


class FindingMessage(Frozen):
    """Something that is wrong with a policy, or looks so. `path` is None where it stands in another folder."""

    code: str = Field(description="The code of the finding, such as `SC0202`.")
    severity: str = Field(description="How severe it is: `error`, `warning` or `note`.")
    title: str = Field(description="What findings of this code are.")
    message: str = Field(description="What is wrong here.")
    help: str | None = Field(description="How to mend it; null where nothing is proposed.")
    path: str | None = Field(description="The file that it stands in; null where that is in another folder.")
    line: int = Field(description="The line that it starts on, from 1.")
    end_line: int = Field(description="The line that it ends on, from 1.")
    fix: FixMessage | None = Field(description="What mends it; null where there is no one way.")
    witness: CaseMessage | None = Field(description="A case that shows it; null where none does.")


# Examples and claims --------------------------------------------------------------------------------------------------


class TestedItem(Frozen):
    """An example, a property or a law, and whether it holds. `witness` is an example's own case, and of a claim that
    fails a case that shows it; of a law `after` is the case after its change."""

    name: str = Field(description="The name of the example or claim.")
    kind: Literal["example", "property", "law"] = Field(description="Which of the three it is.")
    line: int | None = Field(description="The line that it starts on, from 1.")
    state: Literal["holds", "fails", "not_decided"] = Field(description="Whether it holds.")
    message: str | None = Field(description="What is wrong with it, in a sentence.")
    witness: CaseMessage | None = Field(
        description="Of an example its own case; of a claim that fails a case that shows it."
    )
    after: CaseMessage | None = Field(description="Of a law that fails, the case after its change.")


class Findings(Frozen):
    """What is to be said of a policy, by file and line."""

    findings: tuple[FindingMessage, ...] = Field(description="The findings, by file and line.")


class TestedItems(Frozen):
    """What a policy says of itself."""

    items: tuple[TestedItem, ...] = Field(description="The examples and claims of the policy.")


class KeepQuery(Frozen):
    """A case to be kept in the policy as an example that the policy meets now; without a name one is made."""

    source: Source = Field(description="The policy that is to keep the case.")
    case: CaseMessage = Field(description="The case.")
    name: str | None = Field(default=None, description="What the example is to be called; without one a name is made.")


class KeptExample(Frozen):
    """The text with the example at its end, laid out, and the example's line. Nothing is written yet."""

    text: str = Field(description="The policy's text with the example at its end, laid out.")
    line: int = Field(description="The line that the example starts on, from 1.")


# Changes --------------------------------------------------------------------------------------------------------------


class ChangesQuery(Frozen):
    """A policy held against the saved file (`saved`) or a revision of it in git; `run` is a run whose rows are decided
    anew."""

    source: Source = Field(description="The policy as it is now.")
    against: str = Field(description="What it is held against: `saved` for the file on the disk, or a revision in git.")
    run: str | None = Field(default=None, description="A run whose rows are decided anew.")


class ChangedRegion(Frozen):
    """Cases that are decided otherwise, in a sentence; the rules that decide them now or did, and one such case."""

    sentence: str = Field(description="Which cases these are, in a sentence.")
    before: Verdict = Field(description="The verdict before.")
    after: Verdict = Field(description="The verdict now.")
    rules: tuple[str, ...] = Field(description="The rules that decide them now, or did.")
    witness: CaseMessage = Field(description="One such case.")


class ChangedRowMessage(Frozen):
    """A row whose verdict would be another; `after` is None where its case does not fit the policy any more. `id` is
    what the Rows room names it by, `request` the beginning of its request."""

    id: str = Field(description="What the Rows room names the row by.")
    request: str = Field(description="The beginning of its request.")
    before: str = Field(description="The verdict before.")
    after: str | None = Field(description="The verdict now; null where its case does not fit the policy any more.")


class ChangedRowsMessage(Frozen):
    """How many rows of a run would have another verdict, of how many, and the first of them."""

    changed: int = Field(description="How many rows would have another verdict.")
    total: int = Field(description="How many rows were looked at.")
    rows: tuple[ChangedRowMessage, ...] = Field(description="The first of those that changed.")


class ChangesMessage(Frozen):
    """What changed in meaning. `message` says it whole; `complete`: the regions are all there are."""

    complete: bool = Field(description="Whether the regions are all there are.")
    message: str = Field(description="What changed, in a sentence.")
    regions: tuple[ChangedRegion, ...] = Field(description="The cases that are decided otherwise, in groups.")
    rows: ChangedRowsMessage | None = Field(
        description="What changes among the rows of a run; null where none was named."
    )


class Revision(Frozen):
    """A version of a file in git."""

    revision: str = Field(description="Names the revision in git.")
    subject: str = Field(description="The first line of its message.")
    date: str = Field(description="When it was made.")


class Revisions(Frozen):
    """The versions of a file, the newest first; none where there is no git."""

    revisions: tuple[Revision, ...] = Field(description="The versions, the newest first.")


# Coverage and rules ---------------------------------------------------------------------------------------------------


class CoverageQuery(Frozen):
    """Which lines the examples reach, and the rows of a run where it is named."""

    source: Source = Field(description="The policy.")
    run: str | None = Field(default=None, description="A run whose rows are looked at besides the examples.")


class CoveredLine(Frozen):
    """What stands on these lines of the file, and how many examples and rows reach it: a rule that decides, a condition
    on which the verdict hangs, a sentence that is said. `missing` are the parts of it that none of them reaches."""

    line: int = Field(description="The line that it starts on, from 1.")
    end_line: int = Field(description="The line that it ends on, from 1.")
    reached: bool = Field(description="Whether any example or row reaches it.")
    examples: int = Field(description="How many examples reach it.")
    rows: int = Field(description="How many rows reach it.")
    what: str = Field(description="What stands there.")
    missing: tuple[str, ...] = Field(description="The parts of it that no example or row reaches.")


class CoverageMessage(Frozen):
    """The lines that can be reached. `rows` is how many rows were looked at; `complete`: there are no more."""

    lines: tuple[CoveredLine, ...] = Field(description="The lines that can be reached.")
    rows: int = Field(description="How many rows were looked at.")
    complete: bool = Field(description="Whether these are all rows of the run.")


class RuleNode(Frozen):
    """A rule, an exception, the default or a fact in the picture of a policy."""

    id: str = Field(description="Names the node in the picture.")
    kind: Literal["rule", "exception", "default", "fact"] = Field(description="What it stands for.")
    label: str = Field(description="What is written on it.")
    verdict: Verdict | None = Field(description="The verdict of a rule, an exception or the default; null for a fact.")
    line: int | None = Field(description="The line that it starts on, from 1.")
    path: str | None = Field(description="The file that it stands in; null where that is none of the folder.")


class RuleEdge(Frozen):
    """From a rule to a fact that it reads, or from an exception to the rule that it is to."""

    source: str = Field(
        serialization_alias="from", validation_alias="from", description="The node that the edge starts at."
    )
    target: str = Field(serialization_alias="to", validation_alias="to", description="The node that it ends at.")
    kind: Literal["reads", "except"] = Field(description="Whether a rule reads a fact, or an exception is to a rule.")


class RulesMessage(Frozen):
    """The policy as a picture, the neighbours of each rule (exceptions, what they are to, and rules that read the same
    facts), and what is to be said of it."""

    nodes: tuple[RuleNode, ...] = Field(description="The rules, exceptions, default and facts.")
    edges: tuple[RuleEdge, ...] = Field(description="What reads what, and what is an exception to what.")
    neighbours: dict[str, tuple[str, ...]] = Field(
        description="The neighbours of each rule, by its name: exceptions, what they are to, and rules that "
        "read the same facts."
    )
    findings: tuple[FindingMessage, ...] = Field(description="What is to be said of the policy.")


class DoesNotCompile(Frozen):
    """What comes with status 422 and the code `does_not_compile`, beside `error`."""

    error: dict[str, Any] = Field(description="What is wrong: `code`, `message` and `path`.")
    findings: tuple[FindingMessage, ...] = Field(description="The policy's errors.")


# Annotating -----------------------------------------------------------------------------------------------------------


class AnnotateForm(Frozen):
    """A picture's recipe, whose annotators look at it, the policy's path, and the request's text if there is one."""

    recipe: str = Field(description="The recipe whose annotators look at the picture.")
    path: str = Field(description="The path of the policy's file, relative to the folder served.")
    request: str = Field(default="", description="The text of the request, if there is one.")


class AnnotateQuery(Frozen):
    """The same, as the process that looks is asked: `picture` is in base64."""

    recipe: str
    path: str
    request: str
    picture: str


class AnnotatedFact(Frozen):
    """What an annotator found."""

    state: State = Field(description="What was found.")
    annotator: str = Field(description="Who found it.")
    detail: str = Field(description="What the annotator says of it.")


class FactLeftOut(Frozen):
    """A fact that no annotator told, and why."""

    fact: str = Field(description="The full name of the fact.")
    reason: str = Field(description="Why nobody told it.")


class AnnotatedPicture(Frozen):
    """What annotators told of a picture."""

    facts: dict[str, AnnotatedFact] = Field(description="What was found, by the full name of the fact.")
    left_out: tuple[FactLeftOut, ...] = Field(description="The facts that no annotator told.")
