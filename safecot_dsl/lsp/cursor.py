"""Where a cursor stands in a declaration that is not finished: what the parser has of it, read from its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from safecot_dsl.compiler.syntax import tree as t

_VERDICT_WORDS = {"VERDICT", "EXPECT", "THEN", "FOR"}
_CONDITION_WORDS = {"WHEN", "UNLESS", "GIVEN"}


def marker(item: Any) -> str:
    """A token's type, or a syntax node's class."""
    return type(item).__name__ if isinstance(item, t.Syntax) else item.type


@dataclass(frozen=True)
class Cursor:
    """`stack` is what stands before the cursor, without the dotted name under it; of that, `dotted` are the parts
    before its last dot, and `start` where it begins."""

    stack: tuple[Any, ...]
    dotted: tuple[str, ...]
    start: int | None

    @property
    def marks(self) -> tuple[str, ...]:
        return tuple(marker(item) for item in self.stack)

    def ends(self, *marks: str) -> bool:
        return self.marks[-len(marks) :] == marks

    @property
    def opening(self) -> str:
        """The word that opens the declaration, what `override` stands before included."""
        marks = [mark for mark in self.marks[:2] if mark != "OVERRIDE"]
        return marks[0] if marks else ""


def read(before: tuple[Any, ...]) -> Cursor:
    """The cursor after what the parser has; a name with a dot after it is taken for a part of the name in hand."""
    stack = list(before)
    dotted: list[str] = []
    start = None
    while len(stack) >= 2 and marker(stack[-1]) == "DOT":
        name = stack[-2]
        if not isinstance(name, t.Name | t.QName):
            break
        dotted.insert(0, name.text)
        start = name.start
        del stack[-2:]
    return Cursor(tuple(stack), tuple(dotted), start)


def finished_name(before: tuple[Any, ...]) -> str | None:
    """The dotted name that stands just before the cursor: what a comparison would compare."""
    if not before:
        return None
    if isinstance(before[-1], t.QName):
        return before[-1].text
    if not isinstance(before[-1], t.Name):
        return None
    cursor = read(before[:-1])
    return ".".join((*cursor.dotted, before[-1].text))


@dataclass(frozen=True)
class ExpectedName:
    """What kind of name can stand at the cursor.

    `what`: condition, response (a condition about responses), value (of `fact`), node, rule, decider, verdict, phrases,
    taxonomy, param, fact, module, base, header, member (of any fact), cell (of `fact`), gain (of `fact`), overridden,
    group (for `fact`), supposed (a value of `type`) or nothing.
    """

    what: str
    fact: str | None = None
    type: t.TypeExpr | None = None


NOTHING = ExpectedName("nothing")


def wanted(cursor: Cursor) -> ExpectedName:
    """What kind of name can stand at the cursor, where a name can."""
    stack, marks = cursor.stack, cursor.marks
    last = marks[-1] if marks else ""
    listed = _list_start(marks)
    if listed is not None:
        opener = marks[listed - 1] if listed else ""
        fact = _fact_before(stack[: listed - 1])
        if opener in ("IN", "OF"):
            return (
                ExpectedName("value", fact)
                if fact and opener == "IN"
                else _set_or_values(stack[:listed], marks[:listed])
            )
        if opener == "EQUAL" and cursor.opening == "GROUP":
            return ExpectedName("member")
        if opener == "EQUAL":
            return ExpectedName("value", fact)
        if opener == "ASSUME":
            return _supposed(stack)
        if opener == "GAINS":
            return ExpectedName("value", fact)
        if opener in ("COLON", "NOT") or "ROW" in marks:
            return ExpectedName("value", _column_fact(stack))
    if cursor.opening in ("POLICY", "LIBRARY"):
        return ExpectedName("header") if "LBRACE" in marks else NOTHING
    if last in ("IMPORT", "EXTEND"):
        return ExpectedName("module" if last == "IMPORT" else "base")
    row = _since(marks, "ROW")
    if row is not None and "COLON" in marks[row:] and "THEN" not in marks[row:]:
        return _in_row(cursor, row)
    if last == "IS" or marks[-2:] == ("IS", "NOT"):
        return ExpectedName("value", _fact_before(stack[: -1 if last == "IS" else -2]))
    if last == "WITHIN":
        return ExpectedName("value", _fact_before([item for item in stack[:-1] if marker(item) not in ("IS", "NOT")]))
    if last == "HAS":
        return ExpectedName("value", _fact_before(stack[:-1]))
    if last == "IN":
        return ExpectedName("group", _fact_before([item for item in stack[:-1] if marker(item) != "NOT"]))
    if last == "OF":
        return _after_of(stack, marks)
    if last in ("LESS", "LESS_EQUAL", "MORE", "MORE_EQUAL", "BETWEEN"):
        return ExpectedName("param")
    if last == "AND" and len(marks) > 2 and marks[-3] == "BETWEEN":
        return ExpectedName("param")
    if last == "HAZARD":
        return ExpectedName("node")
    if last in _VERDICT_WORDS or last in ("DEFAULT", "UNSURE") or marks[-2:] == ("EXPECT", "NOT"):
        return ExpectedName("verdict")
    if last == "EQUAL":
        return ExpectedName("condition") if cursor.opening == "LET" else _after_equal(cursor)
    if last == "ASSUME":
        return _supposed(stack)
    if last in ("COLUMNS", "CHANGE"):
        return ExpectedName("fact")
    if last in ("GAINS", "BECOMES"):
        return ExpectedName("gain" if last == "GAINS" else "value", _fact_before(stack[:-1]))
    if last in ("TO", "BY"):
        return ExpectedName("rule" if last == "TO" else "decider")
    if last == "GIVEN" and cursor.opening == "EXAMPLE":
        return ExpectedName("fact")
    if last == "COMMA":
        return _after_comma(cursor)
    if marks and marks[0] == "OVERRIDE" and len(marks) == 2:
        return ExpectedName("overridden")
    return _condition_or_nothing(cursor)


def _supposed(stack: tuple[Any, ...]) -> ExpectedName:
    kinds = [item for item in stack if isinstance(item, t.TypeExpr)]
    return ExpectedName("supposed", type=kinds[-1]) if kinds else NOTHING


def _condition_or_nothing(cursor: Cursor) -> ExpectedName:
    marks = cursor.marks
    if not marks or marks[-1] not in ("WHEN", "UNLESS", "REQUIRE", "GIVEN", "AND", "OR", "NOT", "LPAR", "EQUAL"):
        return NOTHING
    if marks[-1] == "OR" and cursor.opening == "PROPERTY" and "EXPECT" in marks:
        return ExpectedName("verdict")
    place = max((_since(marks, word) or -1 for word in (*_CONDITION_WORDS, "REQUIRE", "EQUAL")), default=-1)
    about_responses = cursor.opening == "CRITERIA" or (place >= 0 and marks[place] == "REQUIRE")
    return ExpectedName("response" if about_responses else "condition")


def _after_comma(cursor: Cursor) -> ExpectedName:
    """What one more entry of a list is: what introduced the list says so."""
    marks = cursor.marks
    for index in range(len(marks) - 1, -1, -1):
        mark = marks[index]
        if mark == "LPAR":
            return _condition_or_nothing(Cursor(cursor.stack[: index + 1], (), None))
        if mark in ("TO", "BY", "COLUMNS", "FOR", "GIVEN"):
            return wanted(Cursor(cursor.stack[: index + 1], (), None))
        if mark == "LBRACE":
            break
    return NOTHING


def _after_of(stack: tuple[Any, ...], marks: tuple[str, ...]) -> ExpectedName:
    before = marks[-3] if len(marks) > 2 else ""
    if before in ("SAY", "OFFER", "CONTAINS", "DETECT"):
        return ExpectedName("phrases")
    if before == "HAS":
        return ExpectedName("group", _fact_before(stack[:-3]))
    return ExpectedName("taxonomy") if before == "COLON" else NOTHING


def _set_or_values(stack: tuple[Any, ...], marks: tuple[str, ...]) -> ExpectedName:
    """Within the braces after `of`: members of a fact, or new names in a fact's declaration."""
    return ExpectedName("value", _fact_before(stack[:-3])) if len(marks) > 2 and marks[-3] == "HAS" else NOTHING


def _after_equal(cursor: Cursor) -> ExpectedName:
    if cursor.opening == "EXAMPLE":
        return ExpectedName("value", _fact_before(cursor.stack[:-1]))
    return ExpectedName("response") if cursor.opening == "CRITERIA" else NOTHING


def _in_row(cursor: Cursor, row: int) -> ExpectedName:
    last = cursor.marks[-1]
    fact = _column_fact(cursor.stack)
    if last in ("LESS", "LESS_EQUAL", "MORE", "MORE_EQUAL", "RANGE"):
        return ExpectedName("param")
    if last == "WITHIN":
        return ExpectedName("value", fact)
    return ExpectedName("cell", fact) if last in ("COLON", "COMMA", "NOT") else NOTHING


def _column_fact(stack: tuple[Any, ...]) -> str | None:
    """The fact of the column that the cursor's cell stands in."""
    marks = [marker(item) for item in stack]
    row = _since(tuple(marks), "ROW")
    columns = next((item for item in stack if isinstance(item, t.ColumnsClause)), None)
    if row is None or columns is None:
        return None
    cells = sum(isinstance(item, t.Cell) for item in stack[row:])
    return columns.facts[cells].text if cells < len(columns.facts) else None


def _list_start(marks: tuple[str, ...]) -> int | None:
    """The index of the brace that opens the list of names at whose next name the cursor stands."""
    index = len(marks) - 1
    while index >= 0 and marks[index] in ("Name", "COMMA"):
        index -= 1
    if index < 1 or marks[index] != "LBRACE":
        return None
    return index if marks[index - 1] in ("IN", "OF", "EQUAL", "ASSUME", "GAINS", "COLON", "NOT", "COMMA") else None


def _fact_before(items: Any) -> str | None:
    return finished_name(tuple(items))


def _since(marks: tuple[str, ...], word: str) -> int | None:
    """The index of the last such mark."""
    return next((index for index in range(len(marks) - 1, -1, -1) if marks[index] == word), None)


_TYPES = {
    "FLAG": "flag",
    "ONE": "one_of",
    "SET": "set_of",
    "SCORE": "number",
    "NUMBER_TYPE": "number",
    "TEXT": "text",
}


@dataclass(frozen=True)
class SpeakingFact:
    """The fact in whose declaration the cursor stands: its type in a word, and the sentences that it has already."""

    type: str
    given: frozenset[str]


def speaking_fact(cursor: Cursor) -> SpeakingFact | None:
    """None where the cursor is not past the type of a fact."""
    colon = _since(cursor.marks, "COLON")
    if cursor.opening != "FACTS" or colon is None or colon + 1 >= len(cursor.stack):
        return None
    kind, *rest = cursor.stack[colon + 1 :]
    type_ = _TYPES.get(marker(kind))
    if isinstance(kind, t.TypeExpr):
        type_ = {"score": "number", "one_of_taxonomy": "one_of"}.get(kind.kind, kind.kind)
    if type_ is None:
        return None
    given = {item.kind for item in rest if isinstance(item, t.SentenceClause | t.BandsClause)}
    opened = {mark.lower() for mark in map(marker, rest) if mark in ("SAYS", "NOT", "NONE", "ASK")}
    return SpeakingFact(type_, frozenset(given | opened))


def names_a_value(cursor: Cursor) -> bool:
    """Does the cursor stand in a text of a fact or a group that names a value?"""
    speaking = _since(cursor.marks, "SAYS"), _since(cursor.marks, "NOT")
    last = max((place for place in speaking if place is not None), default=None)
    if last is None or any(mark in ("NONE", "ASK", "LBRACE") for mark in cursor.marks[last:]):
        return False
    fact = speaking_fact(cursor)
    return cursor.opening == "GROUP" or (fact is not None and fact.type not in ("flag", "number"))
