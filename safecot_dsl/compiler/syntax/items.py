"""The items of blocks, such as the clauses of a rule: where each starts and ends."""

from __future__ import annotations

from collections.abc import Iterable

from lark import Token

from safecot_dsl.compiler.syntax.chunks import opening_of
from safecot_dsl.compiler.syntax.repair import is_word

_STEPS = frozenset("observe intent context risk contrast decide".split())
_CLAUSES = frozenset("title hazard when unless verdict unsure require think answer".split())
# Words that open an item, by the block they stand in.
ITEMS = {
    "rule": _CLAUSES,
    "exception": _CLAUSES,
    "table": _CLAUSES | {"columns", "row"},
    "row": _CLAUSES,
    "law": frozenset({"change", "given", "expect"}),
    "think": _STEPS,
    "answer": frozenset({"say", "offer"}),
    "default": frozenset({"think", "answer"}),
    "unsure": frozenset({"think", "answer"}),
    "example": frozenset({"given", "expect"}),
    "property": frozenset({"given", "expect"}),
    "criteria": frozenset({"proposition", "let", "for"}),
    "proposition": frozenset({"yes", "no", "detect"}),
    "for": frozenset({"class", "otherwise"}),
}


def open_braces(tokens: list[Token]) -> list[int]:
    stack: list[int] = []
    for index, token in enumerate(tokens):
        if token.type == "LBRACE":
            stack.append(index)
        elif token.type == "RBRACE" and stack:
            stack.pop()
    return stack


def item_starts(tokens: list[Token]) -> list[tuple[int, int]]:
    """(index, depth) of every token that opens an item of a block."""
    starts: list[tuple[int, int]] = []
    blocks: list[str] = []
    opening = opening_of(tokens)
    opener = str(tokens[opening]) if opening < len(tokens) else ""
    for index, token in enumerate(tokens):
        if token.type == "LBRACE":
            if opener == "row" and tokens[index - 2] != "then":
                blocks.append("")  # a cell's set; the row's own block comes after its verdict
            else:
                blocks.append(opener)
                opener = ""
            continue
        if token.type == "RBRACE":
            if blocks:
                blocks.pop()
            continue
        block = blocks[-1] if blocks else ""
        following = tokens[index + 1].type if index + 1 < len(tokens) else ""
        after_dot = index > 0 and tokens[index - 1].type == "DOT"
        if not after_dot and is_word(token):
            if str(token) in ITEMS.get(block, ()) and not (block == "table" and _is_cell(tokens, index)):
                starts.append((index, len(blocks)))
                opener = str(token)
            elif (block == "facts" and following == "COLON") or (
                block in ("policy", "library") and following == "STRING"
            ):
                starts.append((index, len(blocks)))
                opener = "fact"
    return starts


def _is_cell(tokens: list[Token], index: int) -> bool:
    """Is a word of a table a cell, or a row's name, and opens nothing?"""
    previous = tokens[index - 1]
    after = tokens[index + 1 : index + 3]
    opens_row = tokens[index] == "row" and len(after) == 2 and is_word(after[0]) and after[1].type == "COLON"
    return not opens_row and (previous.type in ("COLON", "COMMA") or previous in ("row", "not", "then"))


def without_item(tokens: list[Token], index: int, tried: set[int]) -> list[Token] | None:
    """The tokens without the item around the fault. Where the fault is the start of an item, the one before it was
    incomplete; where that did not help, it is the item itself."""
    token = tokens[index]
    if token.type == "RBRACE" and not open_braces(tokens[:index]):
        return [*tokens[:index], *tokens[index + 1 :]]
    starts = item_starts(tokens)
    again = (token.start_pos or 0) in tried
    tried.add(token.start_pos or 0)
    candidates = [(i, depth) for i, depth in starts if i < index or (again and i == index)]
    candidates = candidates or [(i, depth) for i, depth in starts if i == index]
    if not candidates:
        return None
    begin, depth = candidates[-1]
    end = _item_end(tokens, begin, depth, starts, minimum=index)
    return [*tokens[:begin], *tokens[end:]]


def _item_end(tokens: list[Token], begin: int, depth: int, starts: Iterable[tuple[int, int]], minimum: int) -> int:
    """The first token after an item: the next item at its depth or further out, or the brace that closes its block."""
    following = [i for i, d in starts if i > begin and d <= depth and i >= minimum]
    level = 0
    for index in range(begin, len(tokens)):
        if tokens[index].type == "LBRACE":
            level += 1
        elif tokens[index].type == "RBRACE":
            level -= 1
            if level < 0:
                return min([index, *following])
    return min([len(tokens), *following])
