"""The syntax tree: one class a construct, names as written, every node with its character offsets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Syntax:
    """`start` and `end` are offsets into the file's text; `end` is exclusive."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Name(Syntax):
    text: str


@dataclass(frozen=True, slots=True)
class QName(Syntax):
    parts: tuple[str, ...]

    @property
    def text(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class String(Syntax):
    """`offsets[i]` is where character `i` of `text` stands in the file; one more entry for the end."""

    text: str
    offsets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Number(Syntax):
    """`text` is the literal; its value is the nearest double."""

    text: str

    @property
    def value(self) -> float:
        return float(self.text)


@dataclass(frozen=True, slots=True)
class Regex(Syntax):
    pattern: str
    ignore_case: bool


@dataclass(frozen=True, slots=True)
class Comment(Syntax):
    """From its `#` to the end of its line."""

    text: str


# -- conditions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Names(Syntax):
    """`{ a, b }`."""

    names: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class OrOf(Syntax):
    items: tuple[Cond, ...]


@dataclass(frozen=True, slots=True)
class AndOf(Syntax):
    items: tuple[Cond, ...]


@dataclass(frozen=True, slots=True)
class NotOf(Syntax):
    item: Cond


@dataclass(frozen=True, slots=True)
class AtLeastOf(Syntax):
    count: Number
    items: tuple[Cond, ...]


@dataclass(frozen=True, slots=True)
class NameAtom(Syntax):
    """A bare name: a flag, a `let` or, in criteria, a proposition."""

    name: QName


#: What an atom may name besides its fact.
Named = Literal["value", "group", "node", "param", "phrase set", "pattern"]


@dataclass(frozen=True, slots=True)
class AtomForm(Syntax):
    """What is asked of one fact; a class for each form in :mod:`safecot_dsl.compiler.syntax.atoms`."""

    fact: QName

    def names(self) -> Iterator[tuple[Named, Syntax]]:
        """What it names besides its fact, in the order in which it is written: a :class:`Name` for a value, a
        :class:`Regex` for a pattern, else a :class:`QName`."""
        return iter(())


Cond = OrOf | AndOf | NotOf | AtLeastOf | NameAtom | AtomForm


# -- declarations ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HeaderEntry(Syntax):
    key: Name
    value: String


@dataclass(frozen=True, slots=True)
class FileHeader(Syntax):
    library: bool
    name: Name
    entries: tuple[HeaderEntry, ...]


@dataclass(frozen=True, slots=True)
class ImportDecl(Syntax):
    module: QName
    alias: Name | None


@dataclass(frozen=True, slots=True)
class ParamDecl(Syntax):
    name: Name
    value: Number


@dataclass(frozen=True, slots=True)
class ValueDecl(Syntax):
    name: Name
    phrase: String | None


@dataclass(frozen=True, slots=True)
class TypeExpr(Syntax):
    """`kind`: flag, one_of, one_of_taxonomy, set_of, score, number or text."""

    kind: str
    values: tuple[ValueDecl, ...] = ()
    taxonomy: QName | None = None
    low: Number | None = None
    high: Number | None = None


@dataclass(frozen=True, slots=True)
class UnknownValue(Syntax):
    pass


ValueExpr = Name | Number | String | Names | UnknownValue


@dataclass(frozen=True, slots=True)
class SentenceClause(Syntax):
    """`kind`: says, not, none or ask; `texts` are alternatives, of `ask` there is one."""

    kind: str
    texts: tuple[String, ...]


@dataclass(frozen=True, slots=True)
class BandDecl(Syntax):
    """`below` is None in the last one, which is `else`."""

    below: Number | None
    texts: tuple[String, ...]


@dataclass(frozen=True, slots=True)
class BandsClause(Syntax):
    """`says { below NUMBER texts ... else texts }`."""

    bands: tuple[BandDecl, ...]

    @property
    def kind(self) -> str:
        return "says"


@dataclass(frozen=True, slots=True)
class FactDecl(Syntax):
    """`sentences` as they stand: that each is there once is checked afterwards."""

    name: Name
    type: TypeExpr
    assume: ValueExpr | None
    description: String | None
    sentences: tuple[SentenceClause | BandsClause, ...]

    @property
    def ask(self) -> String | None:
        asked = (clause for clause in self.sentences if isinstance(clause, SentenceClause) and clause.kind == "ask")
        return next((clause.texts[0] for clause in asked), None)


@dataclass(frozen=True, slots=True)
class FactsDecl(Syntax):
    subject: str
    facts: tuple[FactDecl, ...]


@dataclass(frozen=True, slots=True)
class GroupDecl(Syntax):
    """`phrase` completes "X counts as ..."; `sentences` are its `says` and `none`, as they stand."""

    name: Name
    phrase: String | None
    sentences: tuple[SentenceClause, ...]
    members: Names


@dataclass(frozen=True, slots=True)
class LetDecl(Syntax):
    name: Name
    condition: Cond


@dataclass(frozen=True, slots=True)
class NodeDecl(Syntax):
    name: Name
    phrase: String | None
    severity: Number | None
    children: tuple[NodeDecl, ...]


@dataclass(frozen=True, slots=True)
class TaxonomyDecl(Syntax):
    name: Name
    nodes: tuple[NodeDecl, ...]


@dataclass(frozen=True, slots=True)
class PhrasesDecl(Syntax):
    name: Name
    phrases: tuple[String, ...]


@dataclass(frozen=True, slots=True)
class PropositionDecl(Syntax):
    name: Name
    definition: String
    yes: tuple[String, ...]
    no: tuple[String, ...]
    detectors: tuple[QName | Regex, ...]


@dataclass(frozen=True, slots=True)
class ClassDecl(Syntax):
    name: Name
    condition: Cond


@dataclass(frozen=True, slots=True)
class ClassesDecl(Syntax):
    verdicts: tuple[Name, ...]
    classes: tuple[ClassDecl, ...]
    otherwise: Name


@dataclass(frozen=True, slots=True)
class CriteriaDecl(Syntax):
    name: Name
    propositions: tuple[PropositionDecl, ...]
    lets: tuple[LetDecl, ...]
    classes: tuple[ClassesDecl, ...]


@dataclass(frozen=True, slots=True)
class UtteranceClause(Syntax):
    """`kind`: say or offer."""

    kind: str
    content: String | QName


@dataclass(frozen=True, slots=True)
class StepClause(Syntax):
    kind: str
    when: Cond | None
    alternatives: tuple[String, ...]


@dataclass(frozen=True, slots=True)
class ThinkClause(Syntax):
    steps: tuple[StepClause, ...]


@dataclass(frozen=True, slots=True)
class AnswerClause(Syntax):
    utterances: tuple[UtteranceClause, ...]


@dataclass(frozen=True, slots=True)
class TitleClause(Syntax):
    title: String


@dataclass(frozen=True, slots=True)
class HazardClause(Syntax):
    node: QName


@dataclass(frozen=True, slots=True)
class ConditionClause(Syntax):
    """`kind`: when, unless or require."""

    kind: str
    condition: Cond


@dataclass(frozen=True, slots=True)
class VerdictClause(Syntax):
    """`kind`: verdict or unsure."""

    kind: str
    verdict: Name


SpeechClause = ThinkClause | AnswerClause
Clause = TitleClause | HazardClause | ConditionClause | VerdictClause | ThinkClause | AnswerClause


@dataclass(frozen=True, slots=True)
class RuleDecl(Syntax):
    name: Name
    parents: tuple[Name, ...]
    is_exception: bool
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class AnyValue(Syntax):
    """`any`, in a cell or after `gains`."""


@dataclass(frozen=True, slots=True)
class WithinTest(Syntax):
    node: QName


@dataclass(frozen=True, slots=True)
class EmptyTest(Syntax):
    pass


@dataclass(frozen=True, slots=True)
class RangeTest(Syntax):
    low: Number | QName
    high: Number | QName


@dataclass(frozen=True, slots=True)
class CompareTest(Syntax):
    operator: str
    operand: Number | QName


CellTest = AnyValue | QName | Names | String | Regex | WithinTest | EmptyTest | RangeTest | CompareTest


@dataclass(frozen=True, slots=True)
class Cell(Syntax):
    """What a row asks of the fact of one column; `any` is never negated."""

    negated: bool
    test: CellTest


@dataclass(frozen=True, slots=True)
class ColumnsClause(Syntax):
    facts: tuple[QName, ...]


@dataclass(frozen=True, slots=True)
class RowDecl(Syntax):
    """`clauses` are the row's own, in place of the table's of the same kind."""

    name: Name
    cells: tuple[Cell, ...]
    verdict: Name
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class TableDecl(Syntax):
    """`items` are the clauses that all rows share, the columns and the rows, as they stand."""

    name: Name
    items: tuple[Clause | ColumnsClause | RowDecl, ...]

    @property
    def rows(self) -> tuple[RowDecl, ...]:
        return tuple(item for item in self.items if isinstance(item, RowDecl))

    @property
    def columns(self) -> tuple[ColumnsClause, ...]:
        return tuple(item for item in self.items if isinstance(item, ColumnsClause))

    @property
    def clauses(self) -> tuple[Clause, ...]:
        return tuple(item for item in self.items if not isinstance(item, RowDecl | ColumnsClause))

    @property
    def body(self) -> int:
        """Where its first columns or row stand, after which no clause does."""
        return next((item.start for item in self.items if isinstance(item, RowDecl | ColumnsClause)), self.end)


@dataclass(frozen=True, slots=True)
class FallbackDecl(Syntax):
    """`kind`: default or unsure."""

    kind: str
    verdict: Name
    speech: tuple[SpeechClause, ...]


@dataclass(frozen=True, slots=True)
class GivenValue(Syntax):
    fact: QName
    value: ValueExpr


@dataclass(frozen=True, slots=True)
class ExampleDecl(Syntax):
    name: String
    given: tuple[GivenValue, ...]
    verdict: Name
    by: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class PropertyDecl(Syntax):
    name: String
    given: Cond | None
    negated: bool
    verdicts: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class LawDecl(Syntax):
    """`change`: becomes, gains, rises or falls; `to` is a name after `becomes`, what may be gained after `gains`, else
    None. `never`: laxer or stricter."""

    name: String
    fact: QName
    change: str
    to: Name | QName | Names | AnyValue | None
    given: Cond | None
    never: str


@dataclass(frozen=True, slots=True)
class ExtendDecl(Syntax):
    module: QName


@dataclass(frozen=True, slots=True)
class OverrideDecl(Syntax):
    """`override` before a declaration, which replaces the one of that name in the policy that is extended."""

    declaration: Declaration


Declaration = (
    ImportDecl
    | ParamDecl
    | FactsDecl
    | GroupDecl
    | LetDecl
    | TaxonomyDecl
    | PhrasesDecl
    | CriteriaDecl
    | RuleDecl
    | FallbackDecl
    | ExampleDecl
    | PropertyDecl
    | TableDecl
    | LawDecl
    | ExtendDecl
    | OverrideDecl
)


@dataclass(frozen=True, slots=True)
class FileTree:
    """A parsed file. `damaged` holds the declarations (by name) in which something had to be left out, and
    `damaged_kinds` the words that open them: what is missing there is no fault of its own. `header` is None where it
    could not be read. `comments` are all of the file, wherever they stand."""

    header: FileHeader | None
    declarations: tuple[Declaration, ...]
    damaged: frozenset[str] = field(default=frozenset())
    damaged_kinds: frozenset[str] = field(default=frozenset())
    comments: tuple[Comment, ...] = ()
