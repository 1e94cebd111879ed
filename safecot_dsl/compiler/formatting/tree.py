"""The concrete tree that the formatter lays out: every token as written, with the comments that stand around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from lark import Lark, Tree
from lark import Token as LarkToken

from safecot_dsl.compiler.report import Reporter
from safecot_dsl.compiler.syntax.parser import ContextualWords
from safecot_dsl.compiler.syntax.scanner import tokenise
from safecot_dsl.datafiles import grammar_path

_NO_GAP_BEFORE = frozenset({"DOT", "RPAR"})
_NO_GAP_AFTER = frozenset({"DOT", "LPAR"})


@dataclass(slots=True)
class OwnLineComment:
    """A comment on lines of its own; `blank` says that a blank line stands before it."""

    text: str
    blank: bool


@dataclass(slots=True, eq=False)
class Token:
    """A token as written. `above` are the comments on lines of their own before it, `blank` says that a blank line
    stands between these (or the token before) and it, `after` is the comment at the end of its line, `comma` that a
    comma follows, and `line` where it stood."""

    kind: str
    text: str
    line: int
    above: list[OwnLineComment] = field(default_factory=list[OwnLineComment])
    blank: bool = False
    after: str | None = None
    comma: bool = False

    @property
    def opens_paragraph(self) -> bool:
        """Does a blank line stand before the token or before one of its comments?"""
        return self.blank or any(comment.blank for comment in self.above)


@dataclass(eq=False)
class SyntaxNode:
    """A construct of the grammar by the name of its rule. `children` hold no commas: tokens carry them."""

    kind: str
    children: list[SyntaxNode | Token]

    @cached_property
    def tokens(self) -> list[Token]:
        return [token for child in self.children for token in tokens_of(child)]

    @property
    def first(self) -> Token:
        return self.tokens[0]

    @property
    def last(self) -> Token:
        return self.tokens[-1]

    def nodes(self, *kinds: str) -> list[SyntaxNode]:
        """The children that are constructs (of these kinds, where any is given)."""
        return [
            child for child in self.children if isinstance(child, SyntaxNode) and (not kinds or child.kind in kinds)
        ]

    def find(self, kind: str) -> SyntaxNode | Token | None:
        """The first child of a kind."""
        return next((child for child in self.children if child.kind == kind), None)


def tokens_of(child: SyntaxNode | Token) -> list[Token]:
    return [child] if isinstance(child, Token) else child.tokens


def flat_text(tokens: list[Token]) -> str | None:
    """The tokens on one line, without the comma after the last; None where they cannot stand on one."""
    parts: list[str] = []
    for index, token in enumerate(tokens):
        if "\n" in token.text or (index and token.above) or (token.after and index < len(tokens) - 1):
            return None
        if index:
            parts.append(gap(tokens[index - 1], token))
        parts.append(token.text + ("," if token.comma and index < len(tokens) - 1 else ""))
    return "".join(parts)


def gap(before: Token, token: Token) -> str:
    """What stands between two tokens of one line."""
    if token.kind in _NO_GAP_BEFORE or before.kind in _NO_GAP_AFTER:
        return ""
    return "" if before.kind == "LBRACE" and token.kind == "RBRACE" else " "


@lru_cache(maxsize=1)
def _lark() -> Lark:
    # The compiler's parser keeps neither signs nor brackets; the same grammar without its builder keeps all.
    grammar = grammar_path("safecot.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer=ContextualWords, start="file", maybe_placeholders=False)


def read(report: Reporter) -> tuple[SyntaxNode, list[Token]]:
    """The tree of a file without syntax errors, and all its tokens: the last has no text and stands for the end."""
    lark_tokens = tokenise(report.source.text, report)
    tree: Tree[LarkToken] = _lark().parse(lark_tokens, start="file")  # pyright: ignore[reportArgumentType]
    tokens = list(_with_comments(lark_tokens, report))
    by_start = {token.start_pos: own for token, own in zip(lark_tokens, tokens, strict=False)}
    root = _node(tree, by_start)
    _settle_comments(tokens)
    return root, [token for token in tokens if token.kind not in _COMMAS]


def _with_comments(tokens: list[LarkToken], report: Reporter) -> Iterator[Token]:
    """Our tokens with what stands between them, and one for the end of the file."""
    text = report.source.text
    last_end = 0
    previous: Token | None = None
    for start, end in [*((t.start_pos or 0, t.end_pos or 0) for t in tokens), (len(text), len(text))]:
        token = Token("", text[start:end], report.source.position(start)[0])
        blank = False
        pieces = text[last_end:start].split("\n")
        for number, piece in enumerate(pieces):
            content = piece.strip()
            if content and number == 0 and previous is not None:
                previous.after = content
            elif content:
                token.above.append(OwnLineComment(content, blank))
            # The first piece is the rest of the line before, the last one the indentation of the token.
            blank = not content and (blank or 0 < number < len(pieces) - 1)
        token.blank = blank
        last_end, previous = end, token
        yield token


_COMMAS = frozenset({"COMMA", "LAST_COMMA"})
# A comma before these, or at the end of its construct, ends a list and separates nothing.
_AFTER_A_LIST = frozenset({"RBRACE", "RPAR", "LBRACE", "THEN"})


def _node(tree: Tree[LarkToken], by_start: dict[int | None, Token]) -> SyntaxNode:
    node = SyntaxNode(str(tree.data), [])
    children: list[Any] = tree.children
    for index, child in enumerate(children):
        if isinstance(child, Tree):
            node.children.append(_node(child, by_start))
            continue
        token = by_start[child.start_pos]
        token.kind = child.type
        if token.kind != "COMMA":
            node.children.append(token)
        elif index + 1 == len(children) or getattr(children[index + 1], "type", "") in _AFTER_A_LIST:
            token.kind = "LAST_COMMA"
    return node


def _settle_comments(tokens: list[Token]) -> None:
    """Give the comments around commas and opening braces to tokens beside which they can stand, in the same order."""
    for before, token, following in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if token.kind in _COMMAS:
            before.comma = token.kind == "COMMA"
            if before.after is None and not token.above:
                before.after = token.after
            else:
                following.above[:0] = [*token.above, *_own_line(token.after)]
    kept = [token for token in tokens if token.kind not in _COMMAS]
    for before, token, following in zip(kept, kept[1:], kept[2:], strict=False):
        if token.kind == "LBRACE" and (before.after or token.above):
            following.above[:0] = [*token.above, *_own_line(token.after)]
            token.after, before.after = before.after, None
            token.above, token.blank = [], False


def _own_line(text: str | None) -> list[OwnLineComment]:
    return [] if text is None else [OwnLineComment(text, blank=False)]
