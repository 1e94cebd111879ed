"""What to do where the parser stops: say it in the user's words, and find a way to go on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise

from lark import Token
from lark.exceptions import UnexpectedToken

from safecot_dsl.artifact import Verdict
from safecot_dsl.compiler.report import Reporter
from safecot_dsl.compiler.syntax.slips import COMPARISONS, VERDICT_NEXT, Slip, is_word, mend_slip, shown
from safecot_dsl.compiler.syntax.tokens import KEYWORDS, PUNCTUATION, RESERVED, Guess

HEADER_HELP = "a file starts with `policy NAME { ... }` or `library NAME { ... }`, declarations follow"

DECLARATIONS = frozenset(
    "policy library import param facts group let taxonomy phrases criteria rule exception table default unsure example "
    "property law extend override".split()
)
# Keywords of declarations that also open a clause inside one: they end a declaration only where no brace is open.
_ALSO_CLAUSES = {"unsure": {"rule", "exception", "table"}, "let": {"criteria"}}

_END_WITH_A_BRACE = DECLARATIONS - {"import", "param", "let", "extend"}
# After these something must follow: a word there is a name.
_UNFINISHED = frozenset("DOT EQUAL COMMA COLON LPAR LESS LESS_EQUAL MORE MORE_EQUAL".split()) | frozenset(
    "import extend as to by and or not is in within has of between".split()
)

_NAMING = VERDICT_NEXT | {"hazard", "becomes"}  # words after which a name comes, and no condition

_STEPS = frozenset("observe intent context risk contrast decide".split())
_CLAUSES = frozenset("title hazard when unless verdict unsure require think answer".split())
# Words that open an item, by the block they stand in.
_ITEMS = {
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
_WORD_OF = {terminal: word for word, terminal in KEYWORDS.items()} | {name: sign for sign, name in PUNCTUATION.items()}
_PHRASE_OF = _WORD_OF | {"ONE": "one of", "SET": "set of", "AT": "at least"}
_KINDS = {"NAME": "a name", "STRING": 'a text in `"`', "NUMBER": "a number", "REGEX": "a pattern such as `/word/i`"}


@dataclass(frozen=True)
class Chunk:
    """The tokens of one declaration (or of the header), and what to parse them as."""

    start: str
    tokens: list[Token]
    extent: tuple[int, int]

    @property
    def opening(self) -> str:
        """The word that says what is declared."""
        index = _opening(self.tokens)
        return str(self.tokens[index]) if index < len(self.tokens) else ""

    @property
    def guessed(self) -> bool:
        """Does something stand in it of which nobody knows where it ends?"""
        return any(isinstance(token, Guess) for token in self.tokens)


def _opening(tokens: list[Token]) -> int:
    """Where the word stands that says what is declared: after `override` where that is said."""
    return 1 if tokens[:1] == ["override"] else 0


def split(tokens: list[Token], report: Reporter) -> list[Chunk]:
    """Cut a file into header and declarations.

    A declaration starts with its keyword where no brace is open, or where that keyword opens a line at the column of
    the declaration before it: then a closing brace was forgotten.
    """
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


def _ends_with_a_brace(chunk: list[Token]) -> bool:
    opening = _opening(chunk)
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
        or (len(chunk) == _opening(chunk) + 1 and str(previous) in DECLARATIONS)
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
    opening = _opening(chunk.tokens)
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


@dataclass(frozen=True)
class Mended:
    """The tokens to go on with; `lossy` where some were left out of which nobody knows what they mean."""

    tokens: list[Token]
    lossy: bool


def mend(tokens: list[Token], fault: UnexpectedToken, chunk: Chunk, report: Reporter, tried: set[int]) -> Mended | None:
    """Report a fault and find tokens to go on with; None to give up."""
    accepted: set[str] = set(fault.interactive_parser.accepts())  # pyright: ignore[reportOptionalMemberAccess]
    accepted.discard("$END")
    found = fault.token
    index = len(tokens) if found.type == "$END" else _index_of(tokens, found)
    if index == len(tokens):
        return _mend_end(tokens, accepted, chunk, report)
    swallowed = _swallowed_keyword(tokens, index, report)
    if swallowed:
        # `when a and` and a line break: the next clause's word was taken for a name.
        index -= 1
        accepted = {"NAME"} if tokens[index - 1] in _NAMING else {"LPAR", "AT"}
    else:
        repaired = _repair(tokens, index, accepted, chunk, report)
        if repaired is not None:
            return Mended(repaired, lossy=False)
    if (tokens[index].start_pos or 0) not in tried:  # else it was said, and leaving that out did not help
        _report_unexpected(tokens, index, accepted, chunk, report)
    kept = _without_item(tokens, index, tried)
    if chunk.opening == "law" and kept is not None and not {"change", "expect"} <= set(kept):
        return None  # it cannot do without them, and to say so would be to say the same again
    return None if kept is None else Mended(kept, lossy=True)


def _swallowed_keyword(tokens: list[Token], index: int, report: Reporter) -> bool:
    """Is the token before the fault a clause's word, taken for a name because the condition before it is not finished?
    It is where it opens its line, and `verdict` is where a verdict follows."""
    if index < 2 or not any(start == index - 1 for start, _ in _item_starts(tokens)):
        return False
    before, word = tokens[index - 2], tokens[index - 1]
    if before == "hazard" or (before == "becomes" and word in ("expect", "given")):
        return True
    if before in VERDICT_NEXT:
        return report.source.position(before.end_pos or 0)[0] < report.source.position(word.start_pos or 0)[0]
    if before.type not in ("LPAR", "COMMA") and before not in (
        "and",
        "or",
        "not",
        "when",
        "unless",
        "require",
        "given",
    ):
        return False
    if word in ("verdict", "expect") and tokens[index] in Verdict.__members__.values():
        return True
    return report.source.position(before.end_pos or 0)[0] < report.source.position(word.start_pos or 0)[0]


def _index_of(tokens: list[Token], found: Token) -> int:
    for index, token in enumerate(tokens):
        if token.start_pos == found.start_pos:
            return index
    return len(tokens)


def _mend_end(tokens: list[Token], accepted: set[str], chunk: Chunk, report: Reporter) -> Mended | None:
    if not tokens:
        if not chunk.tokens:
            report.error("SC0001", f"expected {_expected(accepted, chunk)}, and there is nothing", *chunk.extent)
        return None
    last = tokens[-1]
    start, end = last.start_pos or 0, last.end_pos or 0
    unclosed = _open_braces(tokens)
    closing = Token("RBRACE", "}", start_pos=end, end_pos=end)
    if unclosed and "RBRACE" in accepted:
        if not chunk.guessed:  # else nobody knows whether it is missing
            opener = tokens[0]
            report.error(
                "SC0006",
                f"`{' '.join(str(token) for token in tokens[:2] if is_word(token))}` is not closed: `}}` is missing",
                opener.start_pos or 0,
                (tokens[1] if len(tokens) > 1 else opener).end_pos or 0,
                labels=(report.label("`}` is missing after this", start, end),),
            )
        return Mended([*tokens, *(closing for _ in unclosed)], lossy=False)
    expected = "a verdict" if _verdict_comes(tokens, len(tokens), accepted) else _expected(accepted, chunk)
    report.error("SC0001", f"expected {expected} after `{last}`", start, end)
    return None


def _open_braces(tokens: list[Token]) -> list[int]:
    stack: list[int] = []
    for index, token in enumerate(tokens):
        if token.type == "LBRACE":
            stack.append(index)
        elif token.type == "RBRACE" and stack:
            stack.pop()
    return stack


def _repair(tokens: list[Token], index: int, accepted: set[str], chunk: Chunk, report: Reporter) -> list[Token] | None:
    """Repair the commonest slips in place; None where this is none of them."""
    token = tokens[index]
    start, end = token.start_pos or 0, token.end_pos or 0
    before, after = tokens[:index], tokens[index + 1 :]

    mended = mend_slip(Slip(tokens, index, accepted, chunk.opening, report))
    if mended is not None:
        return mended
    for wrong, right in (("EQUAL", "COLON"), ("COLON", "EQUAL")):
        if token.type == wrong and right in accepted:
            sign = _WORD_OF[right]
            report.error("SC0001", f"expected `{sign}`, found `{token}`", start, end, replacement=sign)
            return [*before, Token(right, sign, start_pos=start, end_pos=end), *after]
    if is_word(token):
        words = {_WORD_OF[terminal] for terminal in accepted if terminal in KEYWORDS.values()}
        meant = get_close_matches(str(token), sorted(words), n=1, cutoff=0.6)
        if meant and meant[0] != str(token):
            report.error(
                "SC0001",
                f"unknown word `{token}`",
                start,
                end,
                help=f"did you mean `{meant[0]}`?",
                replacement=meant[0],
            )
            return [*before, Token("WORD", meant[0], start_pos=start, end_pos=end), *after]
    if token.type == "COMMA" and "OR" in accepted and "AND" not in accepted:
        report.error("SC0001", "verdicts are joined by `or`, not by `,`", start, end, replacement=" or")
        return [*before, Token("WORD", "or", start_pos=start, end_pos=end), *after]
    if "RPAR" in accepted and str(token) in _ITEMS["rule"] and "NAME" not in accepted:
        report.error("SC0001", f"`)` is missing before `{token}`", start, end)
        return [*before, Token("RPAR", ")", start_pos=start, end_pos=start), token, *after]
    if token.type == "COMMA" and not (before and before[-1].type in COMPARISONS):
        report.error("SC0001", "`,` separates the parts of a list, and none stands here", start, end, replacement="")
        return [*before, *after]
    missing = None
    if (
        "COMMA" in accepted
        and "RBRACE" in accepted | {"RPAR"}
        and token.type in ("WORD", "STRING")
        and _in_list(tokens, index)
    ):
        missing = "COMMA"
    elif len(accepted) == 1 and accepted != {"TO"}:  # a rule would be missing after it too
        (only,) = accepted
        missing = only if only in _WORD_OF and only not in ("LBRACE", "RBRACE") else None
        if token.type == "RBRACE" and only == "CHANGE":
            return None  # more than a word is missing
    if missing is not None:
        sign = _WORD_OF[missing]
        place = (before[-1].end_pos or 0) if before else start
        report.error("SC0001", f"`{sign}` is missing before `{token}`", start, end)
        kind = missing if missing in PUNCTUATION.values() else "WORD"
        return [*before, Token(kind, sign, start_pos=place, end_pos=place), token, *after]
    return None


def _in_list(tokens: list[Token], index: int) -> bool:
    """Does the innermost open brace before `index` open a list of names?"""
    stack = _open_braces(tokens[:index])
    if not stack:
        return False
    opening = stack[-1]
    return opening > 0 and str(tokens[opening - 1]) in ("of", "in", "=", ":", ",", "not", "gains")


def _report_unexpected(tokens: list[Token], index: int, accepted: set[str], chunk: Chunk, report: Reporter) -> None:
    token = tokens[index]
    start, end = token.start_pos or 0, token.end_pos or 0
    found = shown(token)
    if is_word(token) and str(token) in RESERVED and "NAME" in accepted and "LPAR" not in accepted:
        asked = token == "unknown" and index > 0 and tokens[index - 1] in ("is", "not")
        help = "no condition asks whether a fact is known: `unsure` says what holds then" if asked else None
        report.error("SC0008", f"`{token}` is a word of the language and cannot be a name", start, end, help=help)
        return
    if token.type == "RBRACE" and not _open_braces(tokens[:index]):
        report.error("SC0006", "`}` closes nothing", start, end, replacement="")
        return
    if index == 0 and token in ("policy", "library"):
        report.error("SC0001", "a file has one header, and it stands first", start, end)
        return
    if index == 0 or (chunk.start == "header" and not _open_braces(tokens[:index]) and accepted <= {"$END"}):
        report.error("SC0001", f"expected a declaration, found {found}", start, end, help=HEADER_HELP)
        return
    expected = "a verdict" if _verdict_comes(tokens, index, accepted) else _expected(accepted, chunk)
    report.error("SC0001", f"expected {expected}, found {found}", start, end, help=_help(token, accepted))


def _help(token: Token, accepted: set[str]) -> str | None:
    if accepted == {"TO"}:
        return "an exception names the rule that it lifts: `exception NAME to RULE { ... }`"
    if {"FLAG", "SCORE"} <= accepted:
        return "the types are `flag`, `one of`, `set of`, `score`, `number` and `text`"
    if token in ("else", "otherwise") and "WHEN" in accepted:
        return "where this rule does not apply, other rules or `default` decide"
    return None


def _verdict_comes(tokens: list[Token], index: int, accepted: set[str]) -> bool:
    return "NAME" in accepted and accepted <= {"NAME", "NOT"} and index > 0 and tokens[index - 1] in VERDICT_NEXT


def _expected(accepted: set[str], chunk: Chunk) -> str:
    """What could stand here, in the user's words."""
    rest = set(accepted)
    parts: list[str] = []
    if {"LPAR", "AT"} <= rest:
        parts.append("a condition")
        rest -= {"LPAR", "AT", "NOT", "NAME"}
    elif {"AND", "OR"} <= rest or {"HAS", "IS", "IN"} <= rest:
        return (
            "`and`, `or` or the end of the condition"
            if "HAS" not in rest
            else "a comparison such as `is`, `has` or `<`"
        )
    if "THEN" in rest:
        rest -= {"DOT", "RANGE"}
    parts += [_KINDS[kind] for kind in _KINDS if kind in rest]
    rest -= set(_KINDS)
    words = sorted(f"`{_PHRASE_OF[terminal]}`" for terminal in rest if terminal in _PHRASE_OF)
    if len(words) > 6:
        what = {
            "rule": "a clause of the rule",
            "exception": "a clause of the exception",
            "table": "a clause, `columns` or a row of the table",
        }.get(chunk.opening, "a clause")
        words = [what if chunk.start == "declaration" else "a declaration"]
    parts += words
    if not parts:
        return "nothing more"
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " or " + parts[-1]


def _item_starts(tokens: list[Token]) -> list[tuple[int, int]]:
    """(index, depth) of every token that opens an item of a block."""
    starts: list[tuple[int, int]] = []
    blocks: list[str] = []
    opening = _opening(tokens)
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
            if str(token) in _ITEMS.get(block, ()) and not (block == "table" and _is_cell(tokens, index)):
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


def _without_item(tokens: list[Token], index: int, tried: set[int]) -> list[Token] | None:
    """The tokens without the item around the fault. Where the fault is the start of an item, the one before it was
    incomplete; where that did not help, it is the item itself."""
    token = tokens[index]
    if token.type == "RBRACE" and not _open_braces(tokens[:index]):
        return [*tokens[:index], *tokens[index + 1 :]]
    starts = _item_starts(tokens)
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
