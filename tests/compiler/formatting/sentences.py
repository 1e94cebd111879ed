"""Random files of the grammar's own making, and files with their blanks and comments shuffled.

The sentences come from the productions of `grammar/safecot.lark`, so that what the grammar learns is tried as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from random import Random

from lark import Lark

from safecot_dsl.compiler import Reporter
from safecot_dsl.compiler.syntax.scanner import tokenise
from safecot_dsl.compiler.syntax.tokens import KEYWORDS, PUNCTUATION
from safecot_dsl.compiler.syntax.tree import Comment
from safecot_dsl.datafiles import grammar_path
from safecot_dsl.diagnostics import SourceFile

_WORD_OF = {terminal: word for word, terminal in KEYWORDS.items()} | {name: sign for sign, name in PUNCTUATION.items()}
# No name is a keyword: which of the two such a word is depends on where it stands.
_SAMPLES = {
    "NAME": ("a", "b2", "some_name", "a_name_that_is_rather_long_as_names_go"),
    "STRING": (
        '"x"',
        '""',
        '"a # in a text"',
        r'"an escaped \" and \\ and \n"',
        '"a text of some length, of the kind that a policy\'s author might write for a model to say"',
        '"""one\n  two\n"""',
        '"""\n    # no comment\n      indented\n    """',
    ),
    "REGEX": ("/a b/", r"/a\/b # c/i"),
    "NUMBER": ("0", "-1.50", "12"),
}


@cache
def _grammar() -> dict[str, tuple[tuple[tuple[str, bool], ...], ...]]:
    """The expansions of each rule: symbols, and whether each is a rule itself."""
    lark = Lark(
        grammar_path("safecot.lark").read_text(encoding="utf-8"), parser="earley", lexer="dynamic", start="file"
    )
    found: dict[str, list[tuple[tuple[str, bool], ...]]] = {}
    for rule in lark.rules:
        expansion = tuple((symbol.name, not symbol.is_term) for symbol in rule.expansion)
        found.setdefault(rule.origin.name, []).append(expansion)
    return {name: tuple(expansions) for name, expansions in found.items()}


@cache
def _depths() -> dict[str, int]:
    """How deep each rule goes at least."""
    depths: dict[str, int] = {}
    while len(depths) < len(_grammar()):
        for name, expansions in _grammar().items():
            reached = [_depth(expansion, depths) for expansion in expansions]
            known = [depth for depth in reached if depth is not None]
            if name not in depths and known:
                depths[name] = 1 + min(known)
    return depths


def _depth(expansion: Iterable[tuple[str, bool]], depths: dict[str, int]) -> int | None:
    below = [depths.get(name) if is_rule else 0 for name, is_rule in expansion]
    return None if None in below else max((depth or 0 for depth in below), default=0)


def random_file(random: Random, depth: int = 12) -> list[str]:
    """The tokens of a file of some declarations."""
    tokens = sentence(random, "header", depth)
    for _ in range(random.randrange(8)):
        tokens += sentence(random, "declaration", depth)
    return tokens


def sentence(random: Random, rule: str, depth: int) -> list[str]:
    """The tokens of a random text of a rule; below `depth` the shortest expansion is taken."""
    tokens: list[str] = []
    for name, is_rule in _expansion(random, rule, depth):
        if is_rule:
            tokens += sentence(random, name, depth - 1)
        else:
            tokens.append(_WORD_OF.get(name) or random.choice(_SAMPLES[name]))
    return tokens


def _expansion(random: Random, rule: str, depth: int) -> tuple[tuple[str, bool], ...]:
    expansions = _grammar()[rule]
    if depth > 0:
        return random.choice(expansions)
    depths = _depths()
    return min(expansions, key=lambda expansion: (_depth(expansion, depths) or 0, len(expansion)))


def scattered(tokens: Iterable[str], random: Random) -> str:
    """The tokens with random blanks, line breaks and comments between them."""
    breaks, comments = random.choice((0.02, 0.1, 0.5)), random.choice((0, 0.01, 0.05, 0.3))
    return "".join(piece for token in tokens for piece in (_gap(random, breaks, comments), token)) + _gap(
        random, breaks, comments
    )


def _gap(random: Random, breaks: float, comments: float) -> str:
    gap = random.choice((" ", "  ", "\t"))
    while random.random() < breaks:
        gap += "\n" + " " * random.randrange(4)
    while random.random() < comments:
        number = random.randrange(1000)
        comment = random.choice((f"# c{number}", f"#c{number}  ", f"# allow: SC1111 reason {number}"))
        gap += random.choice(("", "\n")) + comment + "\n" * random.choice((1, 1, 2, 4))
    return gap


def tokens_of(text: str) -> list[str]:
    """The tokens as written, without commas: one may end any list."""
    return [text[token.start_pos : token.end_pos] for token in tokenise(text, _reporter(text)) if token != ","]


def comments_of(text: str) -> list[str]:
    """The comments, without blanks at their ends."""
    comments: list[Comment] = []
    tokenise(text, _reporter(text), comments)
    return [comment.text.rstrip() for comment in comments]


def all_tokens(text: str) -> Iterator[str]:
    return (text[token.start_pos : token.end_pos] for token in tokenise(text, _reporter(text)))


def _reporter(text: str) -> Reporter:
    return Reporter(SourceFile("p.safecot", text))
