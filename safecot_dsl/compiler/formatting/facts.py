"""Blocks whose items stand in columns: facts and taxonomies."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from safecot_dsl.compiler.formatting.lists import WIDTH, block, fits, names, runs, width, write_flat
from safecot_dsl.compiler.formatting.tree import SyntaxNode, Token, flat_text, tokens_of
from safecot_dsl.compiler.formatting.writer import Blanks, SourceWriter

_SENTENCES = ("says", "bands", "denies", "none", "ask")


def values(w: SourceWriter, node: SyntaxNode, indent: int) -> None:
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


def facts(w: SourceWriter, node: SyntaxNode, indent: int) -> None:
    write_flat(w, node.tokens[:2])
    items = [
        partial(_fact, w, fact, column, text_column)
        for run in runs(node.nodes())
        for column, text_column in [(_type_column(run), _text_column(run))]
        for fact in run
    ]
    block(w, node.tokens[2], node.last, indent, items)


def _values_of(fact: SyntaxNode) -> SyntaxNode | None:
    return next((child for type_ in fact.nodes() for child in type_.nodes("values")), None)


def _type_column(run: list[SyntaxNode]) -> int:
    return 5 + max(len(fact.first.text) for fact in run)


def _head(fact: SyntaxNode) -> list[SyntaxNode | Token]:
    """The type of the fact, and what is supposed."""
    rest = fact.children[2:]
    return [child for child in rest if child.kind != "STRING" and child.kind not in _SENTENCES]


def _speaks(fact: SyntaxNode) -> bool:
    """Has the fact sentences of its own, which stand on lines below it?"""
    return any(child.kind in _SENTENCES and child.kind != "ask" for child in fact.children)


def _text_column(run: list[SyntaxNode]) -> int:
    """Where descriptions begin: past the longest of the types that have no values to be listed."""
    column = _type_column(run)
    short = [_head(fact) for fact in run if _values_of(fact) is None and _tail(fact)]
    widths = [sum(width(child) + 1 for child in head) + 1 for head in short]
    return column + max(widths, default=0)


def _tail(fact: SyntaxNode) -> list[SyntaxNode | Token]:
    """What stands after the type: the description, and what is asked where that is all that the fact says."""
    found = fact.children[3:]
    return [child for child in found if child.kind == "STRING" or (child.kind == "ask" and not _speaks(fact))]


def _fact(w: SourceWriter, fact: SyntaxNode, column: int, text_column: int) -> None:
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
    if _speaks(fact):
        found = fact.nodes(*_SENTENCES)
        longest = max(len(sentence.first.text) for sentence in found)
        for item in found:
            w.newline(column)
            sentence(w, item, column, column + longest + 1)


def sentence(w: SourceWriter, node: SyntaxNode, column: int, text_column: int) -> None:
    """What a fact or a group says: bands on lines of their own where one line has no room."""
    if node.kind != "bands":
        w.token(node.first, column)
        _versions(w, node.children[1:], text_column)
        return
    if fits(node, column):
        w.token(node.first, column)
        w.hang = text_column
        write_flat(w, node.tokens[1:], text_column)
        return
    word, opening, *bands, closing = node.children
    assert isinstance(word, Token)
    assert isinstance(opening, Token)
    assert isinstance(closing, Token)
    w.token(word, column)
    w.hang = column + 2
    heads = [_band_head(band) for band in bands]
    texts = column + 3 + max(len(flat_text(head) or "") for head in heads)
    block(w, opening, closing, column, [partial(_band, w, band, texts) for band in bands])


def _band_head(band: SyntaxNode | Token) -> list[Token]:
    return [token for token in tokens_of(band) if token.kind in ("BELOW", "ELSE", "NUMBER")]


def _band(w: SourceWriter, band: SyntaxNode | Token, text_column: int) -> None:
    assert isinstance(band, SyntaxNode)
    head = _band_head(band)
    write_flat(w, head)
    _versions(w, band.children[len(head) :], text_column)


def _versions(w: SourceWriter, texts: Sequence[SyntaxNode | Token], column: int) -> None:
    """Alternatives of which one is drawn: on one line where there is room, else below one another."""
    w.hang = column
    together = fits(SyntaxNode("texts", list(texts)), column)
    for number, child in enumerate(texts):
        if child.kind == "BAR" and not together:
            w.newline(column - 2)
        write_flat(w, tokens_of(child), column if child.kind == "STRING" and not (together and number) else None)
        w.hang = column


def _long_head(w: SourceWriter, fact: SyntaxNode, listed: SyntaxNode, column: int) -> None:
    first = True
    for child in _head(fact):
        for part in child.children if isinstance(child, SyntaxNode) else [child]:
            if part is listed:
                values(w, listed, 2)
            elif isinstance(part, SyntaxNode) and part.kind == "names":
                names(w, part)
            else:
                write_flat(w, tokens_of(part), column if first else None)
            first = False


def taxonomy(w: SourceWriter, node: SyntaxNode, indent: int) -> None:
    write_flat(w, node.tokens[:2])
    _nodes(w, node, indent)


def _nodes(w: SourceWriter, parent: SyntaxNode, indent: int) -> None:
    opening = parent.find("LBRACE")
    assert isinstance(opening, Token)
    children = parent.nodes("node")
    columns = _phrase_columns(children, indent + 2)
    items = [partial(_taxonomy_node, w, child, columns[id(child)], indent + 2) for child in children]
    block(w, opening, parent.last, indent, items)


def _phrase_columns(nodes: list[SyntaxNode], indent: int) -> dict[int, int]:
    """Leaves that follow one another have their phrases aligned; a node with others below it stands for itself."""
    columns: dict[int, int] = {}
    for run in runs(nodes):
        group: list[SyntaxNode] = []
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


def _taxonomy_node(w: SourceWriter, node: SyntaxNode, column: int, indent: int) -> None:
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
