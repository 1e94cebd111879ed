"""Decision tables: the cells of all rows, and the facts that head them, in columns."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from safecot_dsl.compiler.formatting.clauses import CLAUSE, clauses
from safecot_dsl.compiler.formatting.lists import WIDTH, block, fits, names, width, write_flat
from safecot_dsl.compiler.formatting.tree import SyntaxNode, Token, flat_text
from safecot_dsl.compiler.formatting.writer import SourceWriter

_WIDEST = WIDTH // 3  # a cell that is wider does not widen its column


def table(w: SourceWriter, node: SyntaxNode) -> None:
    opening = node.find("LBRACE")
    assert isinstance(opening, Token)
    w.hang = 4
    write_flat(w, node.tokens[:2])
    rows, heads = node.nodes("row"), node.nodes("columns")
    colon = 3 + CLAUSE + max((len(_name(row).text) for row in rows), default=-1)
    widths = _widths([head.nodes("qname") for head in heads] + [row.nodes("cell") for row in rows])
    shared = [child for child in node.nodes() if child.kind not in ("row", "columns")]
    written = dict(zip(map(id, shared), clauses(w, shared, 2), strict=True))
    items: list[Callable[[], None]] = []
    for child in node.nodes():
        if child.kind == "row":
            items.append(partial(_row, w, child, colon, widths))
        elif child.kind == "columns":
            items.append(partial(_columns, w, child, colon, widths))
        else:
            items.append(written[id(child)])
    block(w, opening, node.last, 0, items)


def _name(row: SyntaxNode) -> Token:
    return row.tokens[1]


def _widths(lines: list[list[SyntaxNode]]) -> list[int]:
    count = max(map(len, lines), default=0)
    measured = [[min(width(cell), _WIDEST) for cell in line] for line in lines]
    return [max(line[i] for line in measured if i < len(line)) for i in range(count)]


def _columns(w: SourceWriter, node: SyntaxNode, colon: int, widths: list[int]) -> None:
    w.token(node.first)
    _cells(w, node.nodes("qname"), colon + 2, widths)


def _row(w: SourceWriter, node: SyntaxNode, colon: int, widths: list[int]) -> None:
    word, name, sign = node.tokens[:3]
    w.token(word)
    w.hang = 2 + CLAUSE
    w.token(name, 2 + CLAUSE)
    w.token(sign, colon)
    end = _cells(w, node.nodes("cell"), colon + 2, widths)
    then, verdict, *own = [child for child in node.children[3:] if child.kind != "cell"]
    assert isinstance(then, Token)
    assert isinstance(verdict, Token)
    w.token(then, end)
    w.token(verdict)
    if not own:
        return
    opening = own[0]
    assert isinstance(opening, Token)
    own_clauses = [child for child in own if isinstance(child, SyntaxNode)]
    braced = SyntaxNode("block", own)
    if len(own_clauses) == 1 and fits(braced, w.column + 1):
        write_flat(w, braced.tokens)
    else:
        block(w, opening, node.last, 2, clauses(w, own_clauses, 4))


def _cells(w: SourceWriter, cells: list[SyntaxNode], at: int, widths: list[int]) -> int:
    """Write cells in their columns from `at` on; the column after the last."""
    for cell, cell_width in zip(cells, widths, strict=False):
        w.hang = at
        start = at if w.fresh else max(at, w.column + 1)
        for number, child in enumerate(cell.children):
            if isinstance(child, SyntaxNode) and child.kind == "names" and flat_text(child.tokens) is None:
                names(w, child, None if number else start)
            else:
                write_flat(w, child.tokens if isinstance(child, SyntaxNode) else [child], None if number else start)
        at += cell_width + 2
    return at
