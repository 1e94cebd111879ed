"""The syntax tree: one class a construct, names as written, every node with its character offsets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from safecot_dsl.compiler.syntax.node import TreeNode


class Syntax(TreeNode):
    """`start` and `end` are offsets into the file's text; `end` is exclusive."""

    start: int
    end: int


class Name(Syntax):
    text: str


class QName(Syntax):
    parts: tuple[str, ...]

    @property
    def text(self) -> str:
        return ".".join(self.parts)


class String(Syntax):
    """`offsets[i]` is where character `i` of `text` stands in the file; one more entry for the end."""

    text: str
    offsets: tuple[int, ...]


class Number(Syntax):
    """`text` is the literal; its value is the nearest double."""

    text: str

    @property
    def value(self) -> float:
        return float(self.text)


class Regex(Syntax):
    pattern: str
    ignore_case: bool


class Comment(Syntax):
    """From its `#` to the end of its line."""

    text: str


# -- conditions ------------------------------------------------------------------------------------------------------


class NameList(Syntax):
    """`{ a, b }`."""

    names: tuple[Name, ...]


class OrOf(Syntax):
    items: tuple[Cond, ...]


class AndOf(Syntax):
    items: tuple[Cond, ...]


class NotOf(Syntax):
    item: Cond


class AtLeastOf(Syntax):
    count: Number
    items: tuple[Cond, ...]


class NameAtom(Syntax):
    """A bare name: a flag, a `let` or, in criteria, a proposition."""

    name: QName


#: What an atom may name besides its fact.
Named = Literal["value", "group", "node", "param", "phrase set", "pattern"]


class AtomForm(Syntax):
    """What is asked of one fact; a class for each form in :mod:`safecot_dsl.compiler.syntax.atoms`."""

    fact: QName

    def names(self) -> Iterator[tuple[Named, Syntax]]:
        """What it names besides its fact, in the order in which it is written: a :class:`Name` for a value, a
        :class:`Regex` for a pattern, else a :class:`QName`."""
        return iter(())


Cond = OrOf | AndOf | NotOf | AtLeastOf | NameAtom | AtomForm


# -- declarations ----------------------------------------------------------------------------------------------------


class HeaderEntry(Syntax):
    key: Name
    value: String


class FileHeader(Syntax):
    library: bool
    name: Name
    entries: tuple[HeaderEntry, ...]


class ImportDecl(Syntax):
    module: QName
    alias: Name | None


class ParamDecl(Syntax):
    name: Name
    value: Number


class ValueDecl(Syntax):
    name: Name
    phrase: String | None


class TypeExpr(Syntax):
    """`kind`: flag, one_of, one_of_taxonomy, set_of, score, number or text."""

    kind: str
    values: tuple[ValueDecl, ...] = ()
    taxonomy: QName | None = None
    low: Number | None = None
    high: Number | None = None


class UnknownValue(Syntax):
    pass


ValueExpr = Name | Number | String | NameList | UnknownValue


class SentenceClause(Syntax):
    """`kind`: says, not, none or ask; `texts` are alternatives, of `ask` there is one."""

    kind: str
    texts: tuple[String, ...]


class BandDecl(Syntax):
    """`below` is None in the last one, which is `else`."""

    below: Number | None
    texts: tuple[String, ...]


class BandsClause(Syntax):
    """`says { below NUMBER texts ... else texts }`."""

    bands: tuple[BandDecl, ...]

    @property
    def kind(self) -> str:
        return "says"


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


class FactsDecl(Syntax):
    subject: str
    facts: tuple[FactDecl, ...]


class GroupDecl(Syntax):
    """`phrase` completes "X counts as ..."; `sentences` are its `says` and `none`, as they stand."""

    name: Name
    phrase: String | None
    sentences: tuple[SentenceClause, ...]
    members: NameList


class LetDecl(Syntax):
    name: Name
    condition: Cond


class NodeDecl(Syntax):
    name: Name
    phrase: String | None
    severity: Number | None
    children: tuple[NodeDecl, ...]


class TaxonomyDecl(Syntax):
    name: Name
    nodes: tuple[NodeDecl, ...]


class PhrasesDecl(Syntax):
    name: Name
    phrases: tuple[String, ...]


class PropositionDecl(Syntax):
    name: Name
    definition: String
    yes: tuple[String, ...]
    no: tuple[String, ...]
    detectors: tuple[QName | Regex, ...]


class ClassDecl(Syntax):
    name: Name
    condition: Cond


class ClassesDecl(Syntax):
    verdicts: tuple[Name, ...]
    classes: tuple[ClassDecl, ...]
    otherwise: Name


class CriteriaDecl(Syntax):
    name: Name
    propositions: tuple[PropositionDecl, ...]
    lets: tuple[LetDecl, ...]
    classes: tuple[ClassesDecl, ...]


class UtteranceClause(Syntax):
    """`kind`: say or offer."""

    kind: str
    content: String | QName


class StepClause(Syntax):
    kind: str
    when: Cond | None
    alternatives: tuple[String, ...]


class ThinkClause(Syntax):
    steps: tuple[StepClause, ...]


class AnswerClause(Syntax):
    utterances: tuple[UtteranceClause, ...]


class TitleClause(Syntax):
    title: String


class HazardClause(Syntax):
    node: QName


class ConditionClause(Syntax):
    """`kind`: when, unless or require."""

    kind: str
    condition: Cond


class VerdictClause(Syntax):
    """`kind`: verdict or unsure."""

    kind: str
    verdict: Name


SpeechClause = ThinkClause | AnswerClause
Clause = TitleClause | HazardClause | ConditionClause | VerdictClause | ThinkClause | AnswerClause


class RuleDecl(Syntax):
    name: Name
    parents: tuple[Name, ...]
    is_exception: bool
    clauses: tuple[Clause, ...]


class AnyValue(Syntax):
    """`any`, in a cell or after `gains`."""


class WithinTest(Syntax):
    node: QName


class EmptyTest(Syntax):
    pass


class RangeTest(Syntax):
    low: Number | QName
    high: Number | QName


class CompareTest(Syntax):
    operator: str
    operand: Number | QName


CellTest = AnyValue | QName | NameList | String | Regex | WithinTest | EmptyTest | RangeTest | CompareTest


class Cell(Syntax):
    """What a row asks of the fact of one column; `any` is never negated."""

    negated: bool
    test: CellTest


class ColumnsClause(Syntax):
    facts: tuple[QName, ...]


class RowDecl(Syntax):
    """`clauses` are the row's own, in place of the table's of the same kind."""

    name: Name
    cells: tuple[Cell, ...]
    verdict: Name
    clauses: tuple[Clause, ...]


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


class FallbackDecl(Syntax):
    """`kind`: default or unsure."""

    kind: str
    verdict: Name
    speech: tuple[SpeechClause, ...]


class GivenValue(Syntax):
    fact: QName
    value: ValueExpr


class ExampleDecl(Syntax):
    name: String
    given: tuple[GivenValue, ...]
    verdict: Name
    by: tuple[Name, ...]


class PropertyDecl(Syntax):
    name: String
    given: Cond | None
    negated: bool
    verdicts: tuple[Name, ...]


class LawDecl(Syntax):
    """`change`: becomes, gains, rises or falls; `to` is a name after `becomes`, what may be gained after `gains`, else
    None. `never`: laxer or stricter."""

    name: String
    fact: QName
    change: str
    to: Name | QName | NameList | AnyValue | None
    given: Cond | None
    never: str


class ExtendDecl(Syntax):
    module: QName


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


class FileTree(TreeNode):
    """A parsed file. `damaged` holds the declarations (by name) in which something had to be left out, and
    `damaged_kinds` the words that open them: what is missing there is no fault of its own. `header` is None where it
    could not be read. `comments` are all of the file, wherever they stand."""

    header: FileHeader | None
    declarations: tuple[Declaration, ...]
    damaged: frozenset[str] = frozenset()
    damaged_kinds: frozenset[str] = frozenset()
    comments: tuple[Comment, ...] = ()
