"""A file cut into its declarations, so that a fault in one hides none in another."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise

from lark import Token

from safecot_dsl.compiler.report import Reporter
from safecot_dsl.compiler.syntax.repair import VERDICTS, is_word
from safecot_dsl.compiler.syntax.tokens import KEYWORDS, Guess
from safecot_dsl.diagnostics import Code

DECLARATIONS = frozenset(
    "policy library import param facts group let taxonomy phrases criteria rule exception table default unsure example "
    "property law extend override".split()
)
# Keywords of declarations that also open a clause inside one: they end a declaration only where no brace is open.
_ALSO_CLAUSES = {"unsure": {"rule", "exception", "table"}, "let": {"criteria"}}
_OVERRIDABLE = DECLARATIONS - {"policy", "library", "import", "extend", "override"}
# What other languages call ours.
_OTHER_WORDS = {"otherwise": "default", "else": "default", "fallback": "default", "test": "example"}
_END_WITH_A_BRACE = DECLARATIONS - {"import", "param", "let", "extend"}
# After these something must follow: a word there is a name.
_UNFINISHED = frozenset("DOT EQUAL COMMA COLON LPAR LESS LESS_EQUAL MORE MORE_EQUAL".split()) | frozenset(
    "import extend as to by and or not is in within has of between".split()
)


@dataclass(frozen=True)
class Chunk:
    """The tokens of one declaration (or of the header), and what to parse them as."""

    start: str
    tokens: list[Token]
    extent: tuple[int, int]

    @property
    def opening(self) -> str:
        """The word that says what is declared."""
        index = opening_of(self.tokens)
        return str(self.tokens[index]) if index < len(self.tokens) else ""

    @property
    def guessed(self) -> bool:
        """Does something stand in it of which nobody knows where it ends?"""
        return any(isinstance(token, Guess) for token in self.tokens)


def opening_of(tokens: list[Token]) -> int:
    """Where the word stands that says what is declared: after `override` where that is said."""
    return 1 if tokens[:1] == ["override"] else 0


def split(tokens: list[Token], report: Reporter) -> list[Chunk]:
    """Cut a file into header and declarations.

    A declaration starts with its keyword where no brace is open, or where that keyword opens a line at the column of
    the declaration before it: then a closing brace was forgotten.
    """
    tokens = _with_imports(_with_our_words(_with_override(tokens, report), report), report)
    chunks: list[list[Token]] = []
    depth = 0
    complete = True  # is what stands here no part of the declaration before it?
    for index, token in enumerate(tokens):
        if str(token) in DECLARATIONS and is_word(token):
            opens = complete or _opens_declaration(tokens, index, depth, chunks, report)
        else:
            opens = complete or _seems_to_open(tokens, index, depth, chunks, report)
        if opens:
            chunks.append([])
            depth = 0
        chunks[-1].append(token)
        depth = max(0, depth + (token.type == "LBRACE") - (token.type == "RBRACE"))
        complete = depth == 0 and token.type == "RBRACE" and _ends_with_a_brace(chunks[-1])
    result: list[Chunk] = []
    for chunk in chunks:
        header = str(chunk[0]) in ("policy", "library") and not result
        extent = (chunk[0].start_pos or 0, chunk[-1].end_pos or 0)
        result.append(Chunk("header" if header else "declaration", chunk, extent))
    return result


def _with_override(tokens: list[Token], report: Reporter) -> list[Token]:
    """With `override` where that was misspelt before a declaration's word: `overide rule r { ... }`."""
    mended = tokens
    for index, (token, following) in enumerate(pairwise(tokens)):
        if not is_word(token) or str(token) in KEYWORDS or not is_word(following) or str(following) not in _OVERRIDABLE:
            continue
        if get_close_matches(str(token), ["override"], n=1, cutoff=0.7):
            start, end = token.start_pos or 0, token.end_pos or 0
            help = "did you mean `override`?"
            report.error(Code.UNEXPECTED_WORD, f"unknown word `{token}`", start, end, help=help, replacement="override")
            mended = tokens[:] if mended is tokens else mended
            mended[index] = Token("WORD", "override", start_pos=start, end_pos=end)
    return mended


def _with_our_words(tokens: list[Token], report: Reporter) -> list[Token]:
    """With `default` for an `otherwise VERDICT` and `example` for a `test "..." {` that open a line."""
    mended = tokens
    depth = 0
    for index, token in enumerate(tokens):
        depth = max(0, depth + (token.type == "LBRACE") - (token.type == "RBRACE"))
        right = _OTHER_WORDS.get(str(token)) if is_word(token) and depth == 0 else None
        if right is None or not _opens_line(tokens, index, report):
            continue
        after = tokens[index + 1 : index + 3]
        if right == "default":
            following = report.source.position(after[1].start_pos or 0)[0] if len(after) > 1 else 0
            here = report.source.position(token.end_pos or 0)[0]
            if not after or str(after[0]) not in VERDICTS or (following == here and after[1].type != "LBRACE"):
                continue
            message, help = f"unknown word `{token}`", f"what holds where no rule does is written `default {after[0]}`"
            replacement = right
            if "default" in map(str, tokens):  # it is not for us to say which of two verdicts is meant
                help, replacement = "what holds where no rule does is the policy's `default`", None
        else:
            if [other.type for other in after] != ["STRING", "LBRACE"]:
                continue
            message, help, replacement = f"unknown word `{token}`", f"did you mean `{right}`?", right
        start, end = token.start_pos or 0, token.end_pos or 0
        report.error(Code.UNEXPECTED_WORD, message, start, end, help=help, replacement=replacement)
        mended = tokens[:] if mended is tokens else mended
        mended[index] = Token("WORD", right, start_pos=start, end_pos=end)
    return mended


def _with_imports(tokens: list[Token], report: Reporter) -> list[Token]:
    """With `import LIBRARY.NAME` for each name of a `from LIBRARY import NAME, NAME` that opens a line."""
    mended: list[Token] = []
    index = 0
    while index < len(tokens):
        token, after = tokens[index], [str(other) for other in tokens[index + 1 : index + 3]]
        found = (
            str(token) == "from" and is_word(token) and after[1:] == ["import"] and _opens_line(tokens, index, report)
        )
        stop = index + 3
        while found and stop < len(tokens) and is_word(tokens[stop]) and str(tokens[stop]) not in DECLARATIONS:
            stop += 1
            if stop + 1 < len(tokens) and tokens[stop].type == "COMMA":
                stop += 1
            else:
                break
        named = [name for name in tokens[index + 3 : stop] if is_word(name)]
        if not found or not named:
            mended.append(token)
            index += 1
            continue
        start, end = token.start_pos or 0, tokens[stop - 1].end_pos or 0
        lines = [f"import {after[0]}.{name}" for name in named]
        message = f"each library is imported by itself: `{lines[0]}`"
        report.error(Code.UNEXPECTED_WORD, message, start, end, replacement="\n".join(lines))
        for name in named:
            here, there = name.start_pos or 0, name.end_pos or 0
            signs = (("WORD", "import"), ("WORD", after[0]), ("DOT", "."))
            mended += [Token(kind, sign, start_pos=here, end_pos=there) for kind, sign in signs]
            mended.append(name)
        index = stop
    return mended


def _opens_line(tokens: list[Token], index: int, report: Reporter) -> bool:
    if index == 0:
        return False
    position = report.source.position
    return position(tokens[index - 1].end_pos or 0)[0] < position(tokens[index].start_pos or 0)[0]


def _ends_with_a_brace(chunk: list[Token]) -> bool:
    opening = opening_of(chunk)
    return opening < len(chunk) and str(chunk[opening]) in _END_WITH_A_BRACE


def _opens_declaration(
    tokens: list[Token], index: int, depth: int, chunks: list[list[Token]], report: Reporter
) -> bool:
    token = tokens[index]
    previous = tokens[index - 1] if index else None
    line, column = report.source.position(token.start_pos or 0)
    opens_line = previous is None or report.source.position(previous.end_pos or 0)[0] < line
    if not chunks:
        return True
    chunk = chunks[-1]
    first = chunk[0]
    if chunk == ["override"]:
        return token in ("override", "import", "extend")  # of these none can be overridden
    if opens_line and column == report.source.position(first.start_pos or 0)[1]:
        return depth == 0 or str(first) not in _ALSO_CLAUSES.get(str(token), ())
    # `param let = 1`, `import std.rule`, `import x as group`: a name, not the next declaration.
    is_name = previous is not None and (
        previous.type in _UNFINISHED
        or (is_word(previous) and str(previous) in _UNFINISHED)
        or (len(chunk) == opening_of(chunk) + 1 and str(previous) in DECLARATIONS)
    )
    return depth == 0 and not is_name


def _seems_to_open(tokens: list[Token], index: int, depth: int, chunks: list[list[Token]], report: Reporter) -> bool:
    """Is the token a misspelt word that opens a declaration: `WORD NAME {`, on a line of its own as the one before?"""
    if depth > 0 or not chunks or not all(map(is_word, tokens[index : index + 2])):
        return False
    following = tokens[index + 2] if index + 2 < len(tokens) else None
    if following is None or (following.type not in ("LBRACE", "EQUAL") and following != "to"):
        return False
    line, column = report.source.position(tokens[index].start_pos or 0)
    above = report.source.position(tokens[index - 1].end_pos or 0)[0] < line
    return above and column == report.source.position(chunks[-1][0].start_pos or 0)[1]


def what_is_missing(chunk: Chunk, lost: list[Token], *, whole: bool) -> set[str]:
    """The names of which nobody knows what they mean where some tokens of a chunk, or the `whole` of it, are lost: the
    declaration's own (`default` and `unsure` for these two), and of facts those that were lost, or the subject."""
    opening = opening_of(chunk.tokens)
    words = [str(token) for token in chunk.tokens[opening : opening + 2]]
    if words[:1] == ["import"]:
        return {str(token) for token in chunk.tokens if is_word(token)}
    if words[:1] == ["table"]:
        among = chunk.tokens if whole else lost
        rows = {str(name) for row, name in pairwise(among) if row == "row" and is_word(name)}
        return rows | set(words[1:])
    if words[:1] == ["facts"] and len(words) > 1:
        facts = {str(token) for token, sign in pairwise(lost) if sign.type == "COLON"}
        return {f"{words[1]}.{fact}" for fact in facts} if facts and not whole else {words[1]}
    return set(words[:1] if words[:1] in (["default"], ["unsure"]) else words[1:])
