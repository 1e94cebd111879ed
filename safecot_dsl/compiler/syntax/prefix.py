"""What can stand at a place of a file, however broken the file is: asked of the parser itself, so that it never differs
from the grammar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from lark import Token, Tree
from lark.exceptions import UnexpectedInput, UnexpectedToken

from safecot_dsl.compiler.report import Reporter
from safecot_dsl.compiler.syntax.chunks import DECLARATIONS, Chunk, split
from safecot_dsl.compiler.syntax.parser import MAX_FAULTS, step_by_step
from safecot_dsl.compiler.syntax.recovery import mend
from safecot_dsl.compiler.syntax.scanner import tokenise
from safecot_dsl.compiler.syntax.tokens import KEYWORDS, Guess, too_deep
from safecot_dsl.compiler.syntax.tree import Comment, Syntax
from safecot_dsl.diagnostics import SourceFile

_WORDS = {terminal: word for word, terminal in KEYWORDS.items()}
_FOLLOWING = DECLARATIONS - {"policy", "library"}


@dataclass(frozen=True)
class Continuations:
    """What can stand after the beginning of a file.

    `words` are the keywords that can, `kinds` the other terminals (NAME, STRING, LBRACE, ...). `before` is what the
    parser has of the declaration around the place: syntax nodes, and tokens that are part of none yet. `inside` says
    that the place is within a comment, text or pattern, which starts at `inside_start`; `words` and `kinds` are then
    those of its start.
    """

    words: frozenset[str]
    kinds: frozenset[str]
    before: tuple[Token | Syntax, ...]
    inside: Literal["comment", "text", "pattern"] | None = None
    inside_start: int = 0


def expected_after(text: str) -> Continuations:
    """What can stand after a text, which is the beginning of a file. Never raises for what the text holds."""
    report = Reporter(SourceFile("", text))
    comments: list[Comment] = []
    tokens = tokenise(text, report, comments)
    if comments and comments[-1].end == len(text):
        return Continuations(frozenset(), frozenset(), (), "comment", comments[-1].start)
    last = tokens[-1] if tokens else None
    start = (last.start_pos or 0) if last is not None else 0
    if isinstance(last, Guess) and (text.startswith('"""', start) or "\n" not in text[start:]):
        outside = _after_tokens(tokens[:-1], report)
        kind = "text" if last.type == "STRING" else "pattern"
        return Continuations(outside.words, outside.kinds, outside.before, kind, start)
    return _after_tokens(tokens, report)


def _flat(items: Iterable[Any]) -> Iterator[Token | Syntax]:
    """Tokens and nodes, out of the trees and tuples in which the parser gathers lists."""
    for item in items:
        if isinstance(item, Tree):
            yield from _flat(item.children)
        elif isinstance(item, tuple):
            yield from _flat(part for part in item if isinstance(part, Token | Syntax))
        else:
            yield item


def _after_tokens(tokens: list[Token], report: Reporter) -> Continuations:
    if not tokens:
        return Continuations(frozenset({"policy", "library"}), frozenset(), ())
    return _after_chunk(split(tokens, report)[-1], report)


def _after_chunk(chunk: Chunk, report: Reporter) -> Continuations:
    tokens = chunk.tokens
    tried: set[int] = set()
    for _ in range(MAX_FAULTS):
        if too_deep(tokens) is not None:
            break
        parser = step_by_step(tokens, chunk.start)
        try:
            parser.exhaust_lexer()
        except UnexpectedToken as fault:
            fault.interactive_parser = parser
            mended = mend(tokens, fault, chunk, report, tried)
            if mended is None:
                break
            tokens = mended.tokens
            continue
        except UnexpectedInput:
            break
        accepted: set[str] = set(parser.accepts())
        words = frozenset(_WORDS[terminal] for terminal in accepted if terminal in _WORDS)
        if "$END" in accepted:  # after a whole declaration another may follow
            words |= _FOLLOWING
        kinds = frozenset(accepted - _WORDS.keys() - {"$END"})
        return Continuations(words, kinds, tuple(_flat(parser.parser_state.value_stack)))
    return Continuations(_FOLLOWING, frozenset(), ())
