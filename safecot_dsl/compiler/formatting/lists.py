"""Lists, and what stands on one line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from safecot_dsl.compiler.formatting.tree import SyntaxNode, Token, flat_text, tokens_of
from safecot_dsl.compiler.formatting.writer import Blanks, SourceWriter

WIDTH = 120  # columns that a line has where it can be broken; texts never are


def fits(child: SyntaxNode | Token, at: int, reserve: int = 0) -> bool:
    """Has the construct room on one line from column `at` on, with `reserve` characters after it?"""
    flat = flat_text(tokens_of(child))
    return flat is not None and at + len(flat) + reserve <= WIDTH


def write_flat(w: SourceWriter, tokens: Iterable[Token], at: int | None = None) -> None:
    """Write tokens one after the other; `at` is the column of the first."""
    for token in tokens:
        w.token(token, at)
        at = None


def width(child: SyntaxNode | Token) -> int:
    """How long the construct is on one line."""
    return len(flat_text(tokens_of(child)) or "")


def names(w: SourceWriter, node: SyntaxNode, at: int | None = None) -> None:
    """`{ a, b }`: names are short, so as many stand on a line as have room."""
    opening, *members, closing = node.tokens
    w.token(opening, at)
    fill(w, members, w.column + 1, reserve=2)
    w.token(closing)


def fill(
    w: SourceWriter,
    items: Sequence[SyntaxNode | Token],
    at: int,
    *,
    reserve: int = 0,
    write: Callable[[SourceWriter, SyntaxNode | Token], None] | None = None,
) -> None:
    """Write items from column `at` on, as many on a line as have room; `reserve` is needed after the last."""
    w.hang = at
    for number, item in enumerate(items):
        last = number == len(items) - 1
        if number and not w.fresh:
            needed = 1 + width(item) + (reserve if last else 1)
            if w.column + needed > WIDTH or flat_text(tokens_of(item)) is None:
                w.newline(at)
        first = at if w.fresh or not number else w.column + 1
        if write is None or fits(item, first, 1):
            write_flat(w, tokens_of(item), first)
        else:
            write(w, item)
        w.hang = at


def block(w: SourceWriter, opening: Token, closing: Token, indent: int, items: Sequence[Callable[[], None]]) -> None:
    """`{`, each item on lines of its own from column `indent + 2` on, `}`. One blank line between two is kept."""
    w.token(opening)
    if not items and not closing.above and not opening.after:
        w.token(closing)
        return
    for number, item in enumerate(items):
        w.newline(indent + 2, Blanks.ALL if number else Blanks.BETWEEN)
        item()
    w.close(closing, indent)


def runs(items: Sequence[SyntaxNode]) -> list[list[SyntaxNode]]:
    """The items cut where a blank line stands between two: what is aligned with one another."""
    result: list[list[SyntaxNode]] = []
    for number, item in enumerate(items):
        if number == 0 or item.first.opens_paragraph:
            result.append([])
        result[-1].append(item)
    return result
