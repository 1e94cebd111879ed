"""The parser: Lark's LALR over our tokens, and what happens when it stops.

A file without faults is parsed in one pass. Where the parser stops, the file is cut into declarations, each is parsed
for itself, and a fault is first repaired (a misspelt keyword, `=` for `is`, a missing comma), else the smallest clause
around it is left out, so that every other fault of the file is reported in the same run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any

from lark import Lark, Token
from lark.exceptions import UnexpectedToken
from lark.lexer import Lexer
from lark.parsers.lalr_analysis import Shift
from lark.parsers.lalr_interactive_parser import InteractiveParser

from safecot_dsl.compiler.report import Reporter
from safecot_dsl.compiler.syntax.build import Builder
from safecot_dsl.compiler.syntax.chunks import Chunk, split, what_is_missing
from safecot_dsl.compiler.syntax.expectations import HEADER_HELP
from safecot_dsl.compiler.syntax.lalr import LalrTable
from safecot_dsl.compiler.syntax.recovery import mend
from safecot_dsl.compiler.syntax.scanner import tokenise
from safecot_dsl.compiler.syntax.tables import dump_tables, parser_of, read_tables
from safecot_dsl.compiler.syntax.tokens import KEYWORDS, MAX_NESTING, Guess, is_keyword, new_token, too_deep
from safecot_dsl.compiler.syntax.tree import Comment, Cond, FileTree
from safecot_dsl.datafiles import grammar_path
from safecot_dsl.diagnostics import Code

# Of one declaration; what is left of it after so many says nothing new. Each means that it is parsed again.
MAX_FAULTS = 100
MIN_FAULTS = 20
MAX_READ_AGAIN = 200_000  # tokens: beyond this, fewer faults are said of one declaration


class ContextualWords(Lexer):
    """Says for each word whether it is a keyword: it is one where the parser can take that keyword."""

    __future_interface__ = 1

    def __init__(self, lexer_conf: Any) -> None:
        del lexer_conf

    def lex(self, lexer_state: Any, parser_state: Any) -> Iterator[Token]:  # pyright: ignore[reportIncompatibleMethodOverride]
        states = parser_state.parse_conf.parse_table.states
        for token in lexer_state.text:
            if token.type != "WORD":
                yield token
                continue
            word = str(token)
            keyword = KEYWORDS.get(word)
            accepted = states[parser_state.position]
            kind = keyword if keyword and is_keyword(word, keyword, accepted, _takes, parser_state) else "NAME"
            yield new_token(kind, word, token.start_pos, token.end_pos)


def _takes(parser_state: Any, terminal: str) -> bool:
    """Can the parser shift the terminal, after the reductions that this asks for?"""
    states = parser_state.parse_conf.parse_table.states
    stack = list(parser_state.state_stack)
    while True:
        step = states[stack[-1]].get(terminal)
        if step is None or step[0] is Shift:
            return step is not None
        target = step[1]
        del stack[len(stack) - len(target.expansion) :]
        stack.append(states[stack[-1]][target.origin.name][1])


def _grammar() -> str:
    return grammar_path("safecot.lark").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _lark() -> Lark:
    grammar = _grammar()
    record = read_tables(grammar_path("safecot.tables.json"), grammar)
    return build_parser(grammar) if record is None else parser_of(record, ContextualWords, Builder())


def build_parser(grammar: str) -> Lark:
    """The parser, worked out from the text of the grammar."""
    return Lark(
        grammar,
        parser="lalr",
        lexer=ContextualWords,
        start=["file", "header", "declaration", "condition"],
        transformer=Builder(),
        maybe_placeholders=False,
    )


@lru_cache(maxsize=1)
def _table() -> LalrTable:
    """Made without Lark's parser, which takes another 30 ms of a start and is needed where there is a fault."""
    grammar = _grammar()
    record = read_tables(grammar_path("safecot.tables.json"), grammar)
    return LalrTable(json.loads(dump_tables(build_parser(grammar), grammar)) if record is None else record, Builder())


def _parse(tokens: list[Token], start: str) -> Any:
    """What the tokens come to; raises `UnexpectedToken` where they have a fault."""
    made = _table().parse(tokens, start)
    if made is not None:
        return made
    return _lark().parse(tokens, start=start)  # pyright: ignore[reportArgumentType] - a custom lexer takes any input


def step_by_step(tokens: list[Token], start: str) -> InteractiveParser:
    """A parser at the first of some tokens, which can be asked after each what could follow."""
    return _lark().parse_interactive(tokens, start=start)  # pyright: ignore[reportArgumentType] - as above


def parse_file(report: Reporter) -> FileTree:
    """The syntax tree of the reporter's file. Every fault is reported; what could not be read is left out."""
    comments: list[Comment] = []
    tokens = tokenise(report.source.text, report, comments)
    tree = None
    if Guess not in set(map(type, tokens)) and too_deep(tokens) is None:
        with suppress(UnexpectedToken):
            tree = _parse(tokens, "file")
    return (tree or _parse_in_pieces(tokens, report)).replaced(comments=tuple(comments))


def parse_condition(text: str, report: Reporter) -> Cond | None:
    """A condition that stands alone, such as an option on the command line; None where it has a fault."""
    tokens = tokenise(text, report)
    return _parse_piece(Chunk("condition", tokens, (0, len(text))), report)[0]


def _parse_in_pieces(tokens: list[Token], report: Reporter) -> FileTree:
    header = None
    declarations: list[Any] = []
    damaged: set[str] = set()
    kinds: set[str] = set()
    for chunk in split(tokens, report):
        node, lost = _parse_piece(chunk, report)
        if lost or chunk.guessed:
            damaged.update(what_is_missing(chunk, lost, whole=node is None))
            kinds.add(chunk.opening)
        if node is None:
            continue
        if chunk.start == "header":
            header = node
        else:
            declarations.append(node)
    if header is None and not report.failed:
        report.error(Code.REQUIRED_MISSING, "the file has no header", 0, 0, help=HEADER_HELP)
    return FileTree(header, tuple(declarations), frozenset(damaged), frozenset(kinds))


def _parse_piece(chunk: Chunk, report: Reporter) -> tuple[Any, list[Token]]:
    """The node of a chunk, or None, and the tokens that had to be left out of it."""
    tokens = chunk.tokens
    deepest = too_deep(tokens)
    if deepest is not None:
        start, end = deepest.start_pos or 0, deepest.end_pos or 0
        report.error(
            Code.LIMIT_REACHED, f"brackets and `not` stand in one another at most {MAX_NESTING} deep", start, end
        )
        return None, tokens
    lost: list[Token] = []
    tried: set[int] = set()
    for _ in range(max(MIN_FAULTS, min(MAX_FAULTS, MAX_READ_AGAIN // max(1, len(tokens))))):
        try:
            return _parse(tokens, chunk.start), lost
        except UnexpectedToken as fault:
            mended = mend(tokens, fault, chunk, report, tried)
            if mended is None:
                break
            kept = {id(token) for token in mended.tokens}
            lost += [token for token in tokens if id(token) not in kept] if mended.lossy else []
            tokens = mended.tokens
    return None, chunk.tokens
