"""How declarations are laid out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import groupby, pairwise

from safecot_dsl.compiler.formatting.clauses import clauses, speech
from safecot_dsl.compiler.formatting.conditions import condition
from safecot_dsl.compiler.formatting.facts import facts, sentence, taxonomy
from safecot_dsl.compiler.formatting.lists import block, fill, fits, names, runs, width, write_flat
from safecot_dsl.compiler.formatting.tables import table
from safecot_dsl.compiler.formatting.tree import SyntaxNode, Token, tokens_of
from safecot_dsl.compiler.formatting.writer import Blanks, SourceWriter

_ASSIGNED = frozenset({"param", "group", "let"})
_ONE_LINERS = _ASSIGNED | {"import_", "extend"}
_CLAIM = len("expect ")


def file(w: SourceWriter, root: SyntaxNode, end: Token) -> str:
    """The text of a whole file."""
    w.newline(0, Blanks.BETWEEN)
    before: SyntaxNode | None = None
    for run in _aligned_runs(root.nodes()):
        columns = _columns(run)
        for node in run:
            if before is not None:
                w.newline(0, Blanks.ONE if _apart(before, node) else Blanks.ALL)
            _declaration(w, node, columns)
            before = node
    return w.finish(end)


def _declared(node: SyntaxNode) -> SyntaxNode:
    """The declaration itself, without an `override` before it."""
    inner = node.nodes()
    return inner[0] if node.kind == "override" and inner else node


def _is_block(node: SyntaxNode) -> bool:
    declared = _declared(node)
    if declared.kind in _ONE_LINERS or _is_one_phrase(declared):
        return False
    return declared.find("LBRACE") is not None


def _is_one_phrase(node: SyntaxNode) -> bool:
    """Is it a set of a single phrase that has room on the line of its name?"""
    return node.kind == "phrases" and len(node.tokens) == 5 and fits(node, 0)


def _apart(before: SyntaxNode, node: SyntaxNode) -> bool:
    """Does a blank line always stand between the two?"""
    if _is_block(before):
        return True
    return _is_block(node) and (_declared(before).kind, _declared(node).kind) != ("default", "unsure")


def _aligned(before: SyntaxNode, node: SyntaxNode) -> bool:
    kinds = _declared(before).kind, _declared(node).kind
    if any(_speaks(_declared(one)) for one in (before, node)):
        return False
    alike = (kinds[0] == kinds[1] and kinds[0] in _ASSIGNED) or set(kinds) == {"default", "unsure"}
    return alike and not node.first.opens_paragraph and not _apart(before, node)


def _aligned_runs(declarations: list[SyntaxNode]) -> list[list[SyntaxNode]]:
    """The declarations, those together that are aligned with one another."""
    found = [declarations[:1]]
    for before, node in pairwise(declarations):
        if _aligned(before, node):
            found[-1].append(node)
        else:
            found.append([node])
    return found


def _value_start(node: SyntaxNode) -> int:
    """The column past what names a declaration, where what it is may begin."""
    declared = _declared(node)
    words = [node.first, *declared.tokens[:2]] if node is not declared else declared.tokens[:2]
    if declared.kind not in _ASSIGNED:  # the verdict of `default` and `unsure` is what they are
        words.pop()
    return sum(len(word.text) + 1 for word in words)


@dataclass(frozen=True)
class _ValueColumns:
    """Where the declarations of a run have what comes after their names: the phrases of groups, and the values."""

    phrase: int
    value: int


def _columns(run: list[SyntaxNode]) -> _ValueColumns:
    phrase = max(map(_value_start, run))
    phrases = [found for found in (_declared(node).find("STRING") for node in run) if found is not None]
    return _ValueColumns(phrase, max((phrase + width(found) + 1 for found in phrases), default=phrase))


def _speaks(node: SyntaxNode) -> bool:
    """Is it a group with sentences, which stand on lines below its name?"""
    return node.kind == "group" and bool(node.nodes("says", "none"))


def _declaration(w: SourceWriter, node: SyntaxNode, columns: _ValueColumns) -> None:
    """Write a declaration that belongs to a run of these columns."""
    if node.kind == "override":
        w.token(node.first)
        w.hang = 2
    declared = _declared(node)
    match declared.kind:
        case "header":
            _header(w, declared)
        case "group" if _speaks(declared):
            _speaking_group(w, declared)
        case "param" | "group" | "let":
            _assigned(w, declared, columns)
        case "facts":
            facts(w, declared, 0)
        case "taxonomy":
            taxonomy(w, declared, 0)
        case "rule" | "exception":
            _rule(w, declared)
        case "table":
            table(w, declared)
        case "default" | "unsure":
            _fallback(w, declared, columns.value)
        case "criteria":
            _criteria(w, declared)
        case "example" | "property" | "law":
            _claim(w, declared)
        case "phrases" if not _is_one_phrase(declared):
            _block(w, declared, [partial(w.token, token) for token in declared.tokens[3:-1]])
        case _:
            write_flat(w, declared.tokens)


def _head(w: SourceWriter, node: SyntaxNode) -> tuple[Token, Token]:
    """Write what stands before the block of a declaration; the braces of the block."""
    opening = node.find("LBRACE")
    assert isinstance(opening, Token)
    tokens = node.tokens
    write_flat(w, tokens[: tokens.index(opening)])
    return opening, node.last


def _block(w: SourceWriter, node: SyntaxNode, items: list[Callable[[], None]], indent: int = 0) -> None:
    w.hang = indent + 4
    opening, closing = _head(w, node)
    block(w, opening, closing, indent, items)


def _header(w: SourceWriter, node: SyntaxNode) -> None:
    entries = node.nodes()
    if len(entries) == 1 and fits(node, 0):
        write_flat(w, node.tokens)
        return
    column = 3 + max((len(entry.first.text) for entry in entries), default=0)
    _block(w, node, [partial(_word, w, entry.tokens[0], entry.tokens[1:], column) for entry in entries])


def _word(w: SourceWriter, word: Token, rest: list[Token], column: int) -> None:
    w.token(word)
    w.hang = column
    write_flat(w, rest, column)


# -- `param`, `group`, `let` --------------------------------------------------------------------------------------


def _assigned(w: SourceWriter, node: SyntaxNode, columns: _ValueColumns) -> None:
    """`word name = value`, and the phrase of a group before the sign."""
    word, name, *phrase, sign, value = node.children
    column = columns.value + 2
    w.hang = column
    write_flat(w, [*tokens_of(word), *tokens_of(name)])
    for text in phrase:
        write_flat(w, tokens_of(text), columns.phrase)
    write_flat(w, tokens_of(sign), columns.value)
    _value(w, node.kind, value, column)


def _value(w: SourceWriter, kind: str, value: SyntaxNode | Token, column: int) -> None:
    if kind == "let":
        condition(w, value, column)
    elif isinstance(value, SyntaxNode) and not fits(value, column):
        names(w, value, column)
    else:
        write_flat(w, tokens_of(value), column)


def _speaking_group(w: SourceWriter, node: SyntaxNode) -> None:
    """A group with sentences: each on lines of its own, and so are the members."""
    *head, sign, value = node.children
    found = [child for child in head if isinstance(child, SyntaxNode)]
    w.hang = 2
    write_flat(w, [token for child in head if child not in found for token in tokens_of(child)])
    for item in found:
        w.newline(2)
        sentence(w, item, 2, 2 + len("says "))
    w.newline(2)
    write_flat(w, tokens_of(sign))
    _value(w, node.kind, value, 4)


# -- rules and what holds where none does ---------------------------------------------------------------------------


def _rule(w: SourceWriter, node: SyntaxNode) -> None:
    opening = next(i for i, token in enumerate(node.children) if token.kind == "LBRACE")
    head = [token for child in node.children[:opening] for token in tokens_of(child)]
    w.hang = 4
    if node.kind == "exception" and not fits(SyntaxNode("head", list(head)), w.column, 2):
        write_flat(w, head[:3])
        fill(w, list(head[3:]), w.column + 1, reserve=2)
    else:
        write_flat(w, head)
    first, last = node.children[opening], node.last
    assert isinstance(first, Token)
    block(w, first, last, 0, clauses(w, node.nodes(), 2))


def _fallback(w: SourceWriter, node: SyntaxNode, column: int) -> None:
    word, verdict = node.tokens[:2]
    w.token(word)
    w.hang = 4
    w.token(verdict, column)
    opening = node.find("LBRACE")
    if isinstance(opening, Token):
        block(w, opening, node.last, 0, speech(w, node.nodes(), 2))


# -- examples, properties, laws -------------------------------------------------------------------------------------

_CLAIM_WORDS = frozenset({"CHANGE", "GIVEN", "EXPECT"})


def _claim(w: SourceWriter, node: SyntaxNode) -> None:
    opening = next(i for i, child in enumerate(node.children) if child.kind == "LBRACE")
    parts: list[list[SyntaxNode | Token]] = []
    for child in node.children[opening + 1 : -1]:
        if child.kind in _CLAIM_WORDS or child.kind == "given_values":
            parts.append([])
        parts[-1].append(child)
    _block(w, node, [partial(_claim_part, w, part) for part in parts])


def _claim_part(w: SourceWriter, part: list[SyntaxNode | Token]) -> None:
    at = 2 + _CLAIM
    first = part[0]
    if isinstance(first, SyntaxNode):  # the `given` of an example
        _given_values(w, first, at)
        return
    w.token(first)
    w.hang = at
    if first.kind == "GIVEN":
        condition(w, part[1], at)
        return
    for number, child in enumerate(part[1:]):
        start = None if number else at
        if isinstance(child, SyntaxNode) and child.kind == "names":
            names(w, child, start)
        else:
            write_flat(w, tokens_of(child), start)


def _given_values(w: SourceWriter, node: SyntaxNode, at: int) -> None:
    """On one line where there is room, else those of each subject on lines of their own."""
    w.token(node.first)
    values = node.nodes()
    if fits(SyntaxNode("values", [*values]), at):
        fill(w, values, at, write=_given_value)
        return
    for number, (_, alike) in enumerate(groupby(values, key=lambda value: value.first.text)):
        if number:
            w.newline(at)
        fill(w, list(alike), at, reserve=1, write=_given_value)


def _given_value(w: SourceWriter, item: SyntaxNode | Token) -> None:
    assert isinstance(item, SyntaxNode)
    fact, sign, value = item.children
    write_flat(w, [*tokens_of(fact), *tokens_of(sign)])
    inner = value.children[0] if isinstance(value, SyntaxNode) else value
    if isinstance(inner, SyntaxNode) and inner.kind == "names":
        names(w, inner)
    else:
        write_flat(w, tokens_of(value))


# -- criteria -------------------------------------------------------------------------------------------------------


def _criteria(w: SourceWriter, node: SyntaxNode) -> None:
    items = node.nodes()
    signs: dict[int, _ValueColumns] = {}
    for run in runs(items):
        lets = [item for item in run if item.kind == "let"]
        column = 2 + max(map(_value_start, lets), default=0)
        signs |= {id(let): _ValueColumns(column, column) for let in lets}
    written: list[Callable[[], None]] = []
    for item in items:
        if item.kind == "proposition":
            written.append(partial(_proposition, w, item))
        elif item.kind == "classes":
            written.append(partial(_classes, w, item))
        else:
            written.append(partial(_assigned, w, item, signs[id(item)]))
    _block(w, node, written)


def _proposition(w: SourceWriter, node: SyntaxNode) -> None:
    column = 4 + len("yes ")
    items: list[Callable[[], None]] = []
    for item in node.nodes():
        is_sample = item.kind in ("yes", "no")
        items.append(partial(_word, w, item.first, item.tokens[1:], column if is_sample else 0))
    _block(w, node, items, indent=2)


def _classes(w: SourceWriter, node: SyntaxNode) -> None:
    classes = node.nodes("class_")
    column = 4 + len("class ") + max((width(c.children[1]) for c in classes), default=0) + 1
    items: list[Callable[[], None]] = [partial(_class, w, c, column) for c in classes]
    otherwise = node.tokens[-3:-1]
    _block(w, node, [*items, partial(write_flat, w, otherwise)], indent=2)


def _class(w: SourceWriter, node: SyntaxNode, column: int) -> None:
    word, name, when, wanted = node.children
    w.hang = column
    write_flat(w, [*tokens_of(word), *tokens_of(name)])
    write_flat(w, tokens_of(when), column)
    condition(w, wanted, column + len("when "))
