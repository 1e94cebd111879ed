"""Blocks whose items stand in columns: facts and taxonomies."""

from __future__ import annotations

from functools import partial

from safecot_dsl.compiler.formatting.lists import WIDTH, block, fits, names, runs, width, write_flat
from safecot_dsl.compiler.formatting.tree import Node, Token, flat_text, tokens_of
from safecot_dsl.compiler.formatting.writer import Blanks, Writer


def values(w: Writer, node: Node, indent: int) -> None:
    """The values of a domain, one a line, their phrases aligned."""
    opening, *entries, closing = node.children
    assert isinstance(opening, Token)
    assert isinstance(closing, Token)
    w.token(opening)
    column = indent + 3 + max(len(tokens_of(entry)[0].text) for entry in entries)
    for number, entry in enumerate(entries):
        w.newline(indent + 2, Blanks.ALL if number else Blanks.BETWEEN)
        name, *phrase = tokens_of(entry)
        tokens_of(entry)[-1].comma = True
        w.token(name)
        w.hang = column
        write_flat(w, phrase, column)
    w.close(closing, indent)


def facts(w: Writer, node: Node, indent: int) -> None:
    write_flat(w, node.tokens[:2])
    items = [
        partial(_fact, w, fact, column, text_column)
        for run in runs(node.nodes())
        for column, text_column in [(_type_column(run), _text_column(run))]
        for fact in run
    ]
    block(w, node.tokens[2], node.last, indent, items)


def _values_of(fact: Node) -> Node | None:
    return next((child for type_ in fact.nodes() for child in type_.nodes("values")), None)


def _type_column(run: list[Node]) -> int:
    return 5 + max(len(fact.first.text) for fact in run)


def _head(fact: Node) -> list[Node | Token]:
    """The type of the fact, and what is supposed."""
    rest = fact.children[2:]
    return [child for child in rest if child.kind not in ("STRING", "ask")]


def _text_column(run: list[Node]) -> int:
    """Where descriptions begin: past the longest of the types that have no values to be listed."""
    column = _type_column(run)
    short = [_head(fact) for fact in run if _values_of(fact) is None and _tail(fact)]
    widths = [sum(width(child) + 1 for child in head) + 1 for head in short]
    return column + max(widths, default=0)


def _tail(fact: Node) -> list[Node | Token]:
    return [child for child in fact.children[3:] if child.kind in ("STRING", "ask")]


def _fact(w: Writer, fact: Node, column: int, text_column: int) -> None:
    w.token(fact.first)
    w.hang = column
    colon = fact.children[1]
    assert isinstance(colon, Token)
    w.token(colon, column - 2)
    listed = _values_of(fact)
    head = [token for child in _head(fact) for token in tokens_of(child)]
    flat = flat_text(head)
    tail = _tail(fact)
    tail_width = sum(width(part) + 2 for part in tail)
    if listed is None or (flat is not None and max(column + len(flat) + 2, text_column) + tail_width - 2 <= WIDTH):
        write_flat(w, head, column)
    else:
        _long_head(w, fact, listed, column)
    w.hang = text_column
    for number, part in enumerate(tail):
        at = max(text_column, w.column + 2) if not w.fresh else text_column
        if number and not fits(part, at):
            w.newline(text_column)
            at = text_column
        write_flat(w, tokens_of(part), at)


def _long_head(w: Writer, fact: Node, listed: Node, column: int) -> None:
    first = True
    for child in _head(fact):
        for part in child.children if isinstance(child, Node) else [child]:
            if part is listed:
                values(w, listed, 2)
            elif isinstance(part, Node) and part.kind == "names":
                names(w, part)
            else:
                write_flat(w, tokens_of(part), column if first else None)
            first = False


def taxonomy(w: Writer, node: Node, indent: int) -> None:
    write_flat(w, node.tokens[:2])
    _nodes(w, node, indent)


def _nodes(w: Writer, parent: Node, indent: int) -> None:
    opening = parent.find("LBRACE")
    assert isinstance(opening, Token)
    children = parent.nodes("node")
    columns = _phrase_columns(children, indent + 2)
    items = [partial(_taxonomy_node, w, child, columns[id(child)], indent + 2) for child in children]
    block(w, opening, parent.last, indent, items)


def _phrase_columns(nodes: list[Node], indent: int) -> dict[int, int]:
    """Leaves that follow one another have their phrases aligned; a node with others below it stands for itself."""
    columns: dict[int, int] = {}
    for run in runs(nodes):
        group: list[Node] = []
        for node in [*run, None]:
            if node is not None and node.find("LBRACE") is None:
                group.append(node)
                continue
            column = indent + 1 + max((len(leaf.first.text) for leaf in group), default=0)
            columns |= {id(leaf): column for leaf in group}
            group = []
            if node is not None:
                columns[id(node)] = indent + 1 + len(node.first.text)
    return columns


def _taxonomy_node(w: Writer, node: Node, column: int, indent: int) -> None:
    w.token(node.first)
    w.hang = column
    for child in node.children[1:]:
        if child.kind == "STRING":
            write_flat(w, tokens_of(child), column)
        elif child.kind == "severity":
            write_flat(w, tokens_of(child))
        elif child.kind == "LBRACE":
            _nodes(w, node, indent)
            return
