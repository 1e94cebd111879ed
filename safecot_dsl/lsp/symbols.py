"""What files declare, by name, and where the names stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from safecot_dsl.compiler import Module
from safecot_dsl.compiler.modules import SUBJECTS
from safecot_dsl.compiler.syntax import tree as t


class SymbolKind(StrEnum):
    """What a name stands for, in the language's words."""

    FILE = "file"
    IMPORT = "import"
    PARAM = "param"
    FACT = "fact"
    VALUE = "value"
    GROUP = "group"
    LET = "let"
    TAXONOMY = "taxonomy"
    NODE = "node"
    PHRASES = "phrase set"
    CRITERIA = "criteria"
    PROPOSITION = "proposition"
    CRITERIA_LET = "let of criteria"
    CLASS = "class"
    RULE = "rule"
    TABLE = "table"
    EXAMPLE = "example"
    PROPERTY = "property"
    LAW = "law"


@dataclass(frozen=True)
class Symbol:
    """A declared thing. Its kind, its file and its `name` within it tell it from all others.

    `name` is full: `image.objects` of a fact, `image.objects.bleach` of a value, `TAXONOMY.NODE` of a node. `place` is
    where the name stands in the declaration.
    """

    kind: SymbolKind
    file: str
    name: str
    module: Module = field(compare=False, repr=False)
    place: t.Syntax = field(compare=False, repr=False)
    declaration: t.Syntax = field(compare=False, repr=False)

    @property
    def last(self) -> str:
        """The name's last part: the word that stands in a file."""
        return self.name.rsplit(".", 1)[-1]


@dataclass(frozen=True)
class Occurrence:
    """A name in a file: `start` to `end` is all that is written of it (`image.objects`), `name_start` to `end` the part
    that names the symbol (`objects`)."""

    start: int
    end: int
    symbol: Symbol
    name_start: int
    declares: bool = False


def nodes_of(nodes: tuple[t.NodeDecl, ...]) -> Iterator[t.NodeDecl]:
    """Nodes and all below them, parents before children."""
    pending = list(reversed(nodes))
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(node.children))


def last_name(module: Module, name: t.QName) -> t.Name:
    """The last part of a dotted name with its own place."""
    start, end = parts_of(module, name)[-1]
    return t.Name(start, end, name.parts[-1])


def parts_of(module: Module, name: t.QName) -> list[tuple[int, int]]:
    """Where each part of a dotted name stands; white space and comments between them do not matter."""
    text = module.report.source.text
    parts: list[tuple[int, int]] = []
    position = name.start
    while position < name.end and len(parts) < len(name.parts):
        if text[position] == "#":
            line_end = text.find("\n", position, name.end)
            position = line_end if line_end >= 0 else name.end
        elif text[position].isspace() or text[position] == ".":
            position += 1
        else:
            start = position
            while position < name.end and not (text[position].isspace() or text[position] in ".#"):
                position += 1
            parts.append((start, position))
    if len(parts) != len(name.parts):
        return [(name.start, name.end)] * len(name.parts)
    return parts


def is_fact(name: t.QName) -> bool:
    return len(name.parts) == 2 and name.parts[0] in SUBJECTS
