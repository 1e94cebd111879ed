"""Semantic tokens: what each word of a file is, as far as the file could be read."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from lsprotocol import types

from safecot_dsl.artifact import Verdict
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.compiler.syntax.tokens import KEYWORDS
from safecot_dsl.datafiles import policies_root
from safecot_dsl.lsp.documents import Snapshot
from safecot_dsl.lsp.positions import PositionedText
from safecot_dsl.lsp.symbols import SymbolKind

TYPES = (
    "namespace",
    "type",
    "class",
    "enumMember",
    "variable",
    "property",
    "function",
    "macro",
    "keyword",
    "string",
    "number",
    "regexp",
    "comment",
)
MODIFIERS = ("declaration", "readonly", "defaultLibrary")
LEGEND = types.SemanticTokensLegend(list(TYPES), list(MODIFIERS))

_TYPE_OF = {
    SymbolKind.FILE: "namespace",
    SymbolKind.IMPORT: "namespace",
    SymbolKind.PARAM: "variable",
    SymbolKind.FACT: "property",
    SymbolKind.VALUE: "enumMember",
    SymbolKind.GROUP: "type",
    SymbolKind.LET: "variable",
    SymbolKind.TAXONOMY: "type",
    SymbolKind.NODE: "enumMember",
    SymbolKind.PHRASES: "macro",
    SymbolKind.CRITERIA: "class",
    SymbolKind.PROPOSITION: "property",
    SymbolKind.CRITERIA_LET: "variable",
    SymbolKind.CLASS: "enumMember",
    SymbolKind.RULE: "function",
    SymbolKind.TABLE: "class",
}
_PIECE = re.compile(
    r"""
      (?P<comment>\#[^\n]*)
    | (?P<string>\"\"\"(?:[^\\"]|\\.|"(?!""))*(?:\"\"\"|\Z)|"(?:[^\\"\n]|\\[^\n])*"?)
    | (?P<regexp>/(?:[^\\/\n]|\\[^\n])+/i?)
    | (?P<number>-?[0-9]+(?:\.[0-9]+)?(?![0-9A-Za-z_]))
    | (?P<word>[^\W\d]\w*)
    """,
    re.VERBOSE | re.DOTALL,
)


def semantic_tokens(snapshot: Snapshot) -> types.SemanticTokens:
    text = snapshot.document.text
    data: list[int] = []
    line = column = covered = 0
    for start, end, kind, modifiers in _tokens(snapshot):
        if start < covered:  # the last part of an import's name names the import too
            continue
        covered = end
        for piece_start, piece_end in _lines(text, start, end):
            at = text.position(piece_start)
            length = text.units(text.content[piece_start:piece_end])
            data += [
                at.line - line,
                at.character - (column if at.line == line else 0),
                length,
                TYPES.index(kind),
                modifiers,
            ]
            line, column = at.line, at.character
    return types.SemanticTokens(data)


def _lines(text: PositionedText, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A piece of text line by line: not every client knows tokens that go on over the end of one."""
    for piece in re.finditer(r"[^\r\n]+", text.content[start:end]):
        yield start + piece.start(), start + piece.end()


def _tokens(snapshot: Snapshot) -> Iterator[tuple[int, int, str, int]]:
    names: dict[int, tuple[int, str, int]] = {}
    for entry in snapshot.program.occurrences(snapshot.module):
        kind = _TYPE_OF.get(entry.symbol.kind)
        if kind is not None and entry.name_start not in names:
            standard = entry.symbol.file.startswith(str(policies_root() / "std"))
            constant = entry.symbol.kind is SymbolKind.PARAM
            names[entry.name_start] = (entry.end, kind, entry.declares + 2 * constant + 4 * standard)
    content = snapshot.document.text.content
    plain = _name_starts(snapshot.module.tree)
    starts = sorted(names)
    for piece in _PIECE.finditer(content):
        start, end, kind = piece.start(), piece.end(), str(piece.lastgroup)
        if kind == "string":
            for inner in starts[bisect_left(starts, start + 1) : bisect_left(starts, end)]:  # those of its slots
                inner_end, meaning, modifiers = names[inner]
                yield start, inner, "string", 0
                yield inner, inner_end, meaning, modifiers
                start = inner_end
            yield start, end, kind, 0
        elif start in names:
            end, meaning, modifiers = names[start]
            yield start, end, meaning, modifiers
        elif kind != "word":
            yield start, end, kind, 0
        elif piece.group() in Verdict.__members__.values():
            yield start, end, "enumMember", 2
        elif piece.group() in KEYWORDS and start not in plain:
            yield start, end, "keyword", 0


def _name_starts(tree: t.FileTree) -> frozenset[int]:
    """Where names begin, of whatever they are: a keyword there is none."""
    found: set[int] = set()
    pending: list[object] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, tuple):
            pending.extend(node)  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(node, t.Name):
            found.add(node.start)
        elif isinstance(node, t.QName):
            found.update(range(node.start, node.end))  # every part of it
        elif isinstance(node, t.Syntax | t.FileTree):
            pending.extend(getattr(node, name) for name in node.fields)
    return frozenset(found)
