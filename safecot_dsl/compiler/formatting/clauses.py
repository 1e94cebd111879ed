"""The clauses of a rule, and its texts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from safecot_dsl.compiler.formatting.conditions import condition
from safecot_dsl.compiler.formatting.lists import block, fits, write_flat
from safecot_dsl.compiler.formatting.tree import SyntaxNode, Token, tokens_of
from safecot_dsl.compiler.formatting.writer import SourceWriter

#: How far in a clause's value stands: every rule has a verdict, and no other word is longer.
CLAUSE = len("verdict ")
_CONDITIONS = frozenset({"when", "unless", "require"})
_SPEECH = frozenset({"think", "answer"})


def clauses(w: SourceWriter, nodes: list[SyntaxNode], indent: int) -> list[Callable[[], None]]:
    """What writes each clause, from column `indent` on."""
    texts = {id(node): write for node, write in _texts(w, nodes, indent)}
    return [texts.get(id(node)) or partial(clause, w, node, indent) for node in nodes]


def speech(w: SourceWriter, nodes: list[SyntaxNode], indent: int) -> list[Callable[[], None]]:
    """The same of a block that has nothing but texts."""
    return [write for _, write in _texts(w, nodes, indent)]


def clause(w: SourceWriter, node: SyntaxNode, indent: int) -> None:
    column = indent + CLAUSE
    w.token(node.first)
    w.hang = column
    if node.kind in _CONDITIONS:
        condition(w, node.children[1], column)
    else:
        write_flat(w, node.tokens[1:], column)


def _texts(w: SourceWriter, nodes: list[SyntaxNode], indent: int) -> list[tuple[SyntaxNode, Callable[[], None]]]:
    found = [node for node in nodes if node.kind in _SPEECH]
    short = [node for node in found if _is_short(node, indent)]
    # The braces of two blocks of one line stand below one another.
    column = indent + 1 + max((len(node.first.text) for node in short), default=0)
    return [
        (node, partial(_short, w, node, column) if node in short else partial(_long, w, node, indent)) for node in found
    ]


def _is_short(node: SyntaxNode, indent: int) -> bool:
    """Has the block a single text of which there is one version, and room for it on a line?"""
    items = node.nodes()
    if len(items) != 1 or items[0].nodes("step_when") or items[0].find("BAR"):
        return False
    return fits(node, indent, len("answer") - len(node.first.text))


def _short(w: SourceWriter, node: SyntaxNode, column: int) -> None:
    w.token(node.first)
    w.hang = column
    write_flat(w, node.tokens[1:], column)


def _long(w: SourceWriter, node: SyntaxNode, indent: int) -> None:
    word, opening, *_ = node.tokens
    w.token(word)
    items = node.nodes()
    column = indent + 3 + max((len(item.first.text) for item in items), default=0)
    block(w, opening, node.last, indent, [partial(_text, w, item, column) for item in items])


def _text(w: SourceWriter, node: SyntaxNode, column: int) -> None:
    """A step or an utterance, its versions below one another."""
    w.token(node.first)
    w.hang = column
    for number, child in enumerate(node.children[1:]):
        if isinstance(child, SyntaxNode) and child.kind == "step_when":
            w.token(child.first, column)
            condition(w, child.children[1], column + len("when "))
            w.newline(column)
        elif child.kind == "BAR":
            assert isinstance(child, Token)
            w.newline(column - 2)
            w.token(child)
            w.hang = column
        else:
            write_flat(w, tokens_of(child), column if child.kind == "STRING" or not number else None)
