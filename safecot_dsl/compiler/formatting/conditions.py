"""Conditions: on one line where there is room, else one part a line, each after its `and` or `or`."""

from __future__ import annotations

from safecot_dsl.compiler.formatting.lists import fits, names, write_flat
from safecot_dsl.compiler.formatting.tree import SyntaxNode, Token
from safecot_dsl.compiler.formatting.writer import SourceWriter


def condition(w: SourceWriter, node: SyntaxNode | Token, at: int, *, line: int | None = None, reserve: int = 0) -> None:
    """Write a condition from column `at` on. `line` is where the line that it stands on begins for what it breaks
    into; `reserve` is what follows it on its last line."""
    line = at if line is None else line
    w.hang = at
    if isinstance(node, Token):
        w.token(node, at)
    elif fits(node, at, reserve):
        write_flat(w, node.tokens, at)
    elif node.kind in ("condition", "conjunction"):
        _connected(w, node, at, line, reserve)
    elif node.kind == "not_":
        first, operand = node.children
        write_flat(w, [first] if isinstance(first, Token) else first.tokens, at)
        condition(w, operand, at + 4, line=line, reserve=reserve)
    elif node.kind in ("brackets", "at_least"):
        _bracketed(w, node, at, line)
    else:
        _atom(w, node, at)
    w.hang = at


def _connected(w: SourceWriter, node: SyntaxNode, at: int, line: int, reserve: int) -> None:
    column = at
    for child in node.children:
        if isinstance(child, Token):  # `and` or `or`
            w.newline(line)
            w.token(child, line)
            column = line + len(child.text) + 1
            continue
        # Of `a and b or c`, the parts of `a and b` stand further in than `or`.
        inner = line + 2 if child.kind in ("condition", "conjunction") else line
        condition(w, child, column, line=inner, reserve=reserve if child is node.children[-1] else 0)


def _bracketed(w: SourceWriter, node: SyntaxNode, at: int, line: int) -> None:
    opening = next(i for i, child in enumerate(node.children) if child.kind == "LPAR")
    items = node.children[opening + 1 : -1]
    write_flat(w, [child for child in node.children[: opening + 1] if isinstance(child, Token)], at)
    for item in items:
        w.newline(line + 2)
        last = item.last if isinstance(item, SyntaxNode) else item
        if node.kind == "at_least":
            last.comma = True
        condition(w, item, line + 2, reserve=1)
    closing = node.children[-1]
    assert isinstance(closing, Token)
    w.close(closing, line)


def _atom(w: SourceWriter, node: SyntaxNode, at: int) -> None:
    for child in node.children:
        if isinstance(child, SyntaxNode) and child.kind == "names":
            names(w, child, None if child is not node.children[0] else at)
        elif isinstance(child, SyntaxNode):
            write_flat(w, child.tokens, at if child is node.children[0] else None)
        else:
            w.token(child, at if child is node.children[0] else None)
