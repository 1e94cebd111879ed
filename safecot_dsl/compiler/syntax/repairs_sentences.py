"""Repairs of faults in what facts and groups say of themselves."""

from __future__ import annotations

from itertools import pairwise

from lark import Token

from safecot_dsl.compiler.syntax.repair import SyntaxFault
from safecot_dsl.compiler.syntax.tokens import Words, text_token
from safecot_dsl.diagnostics import Code

_WORDS = frozenset({"says", "not", "none", "ask"})


def _alternatives(fault: SyntaxFault) -> list[Token] | None:
    """`says "..." "..."`."""
    if fault.token.type != "STRING" or "BAR" not in fault.accepted or fault.opening not in ("facts", "group"):
        return None
    start, end = fault.token.start_pos or 0, fault.token.end_pos or 0
    what = "the phrase of a group" if fault.opening == "group" else "what describes a fact"
    fault.report.error(
        Code.UNEXPECTED_WORD, "alternatives are separated by `|`", start, end, help=f"{what} stands before them"
    )
    return [
        *fault.tokens[: fault.index],
        Token("BAR", "|", start_pos=start, end_pos=start),
        *fault.tokens[fault.index :],
    ]


def _sign(fault: SyntaxFault) -> list[Token] | None:
    """`says: "..."`."""
    after = fault.after()
    if fault.token.type not in ("COLON", "EQUAL") or fault.before not in _WORDS or "STRING" not in fault.accepted:
        return None
    if after is None or after.type not in ("STRING", "LBRACE"):
        return None
    return fault.mend(f"nothing stands between `{fault.before}` and its text", replacement="")


def _no_else(fault: SyntaxFault) -> list[Token] | None:
    """`says { below 0.5 "..." }`."""
    if fault.token.type != "RBRACE" or "ELSE" not in fault.accepted:
        return None
    start, end = fault.token.start_pos or 0, fault.token.end_pos or 0
    help = 'the last band holds all that no other does: `else "..."`'
    fault.report.error(
        Code.INCOMPLETE_BANDS, "the bands leave a gap: `else` is missing before `}`", start, end, help=help
    )
    last = [Token("WORD", "else", start_pos=start, end_pos=start), text_token(Words, "And so on.", start, start)]
    return [*fault.tokens[: fault.index], *last, *fault.tokens[fault.index :]]


def _after_else(fault: SyntaxFault) -> list[Token] | None:
    """`says { else "..." below 0.5 "..." }`."""
    if fault.token not in ("below", "else") or "RBRACE" not in fault.accepted or "BELOW" in fault.accepted:
        return None
    if fault.opening != "facts" or not any(token == "else" for token in fault.tokens[: fault.index]):
        return None
    stop = fault.index + 1
    while stop < len(fault.tokens) and fault.tokens[stop].type in ("NUMBER", "STRING", "BAR"):
        stop += 1
    count = stop - fault.index
    help = "`else` holds all that no band before it does: write it last"
    return fault.mend(
        "`else` is the last band, and nothing is left for this one", count=count, code=Code.INCOMPLETE_BANDS, help=help
    )


def _above(fault: SyntaxFault) -> list[Token] | None:
    """`says { above 0.5 "..." else "..." }`: bands are written from the lowest upwards."""
    number = fault.after()
    if fault.token != "above" or "BELOW" not in fault.accepted or number is None or number.type != "NUMBER":
        return None
    tokens, text = fault.tokens, fault.report.source.text
    message = "the bands of a number are told with `below`, from the lowest upwards, and the highest with `else`"
    bands: list[tuple[Token, list[Token]]] = []
    stop = fault.index
    while stop + 1 < len(tokens) and tokens[stop] == "above" and tokens[stop + 1].type == "NUMBER":
        said, end = _texts(tokens, stop + 2)
        bands.append((tokens[stop + 1], said))
        stop = end
    if stop >= len(tokens) or not all(said for _, said in bands):
        return None
    before = [token for token in tokens[: fault.index] if token.type in ("NUMBER", "LBRACE")]
    if tokens[stop].type == "RBRACE" and len(bands) == 1 and before[-1] == number:
        return fault.mend(message, "else", count=2, replacement="else")
    others, end = _texts(tokens, stop + 1)
    falling = all(float(above[0]) > float(below[0]) for above, below in pairwise(bands))
    if tokens[stop] != "else" or not others or end >= len(tokens) or tokens[end].type != "RBRACE" or not falling:
        fault.report.error(Code.UNEXPECTED_WORD, message, fault.token.start_pos or 0, bands[-1][0].end_pos or 0)
        said = bands[0][1]
        last = Token("WORD", "else", start_pos=fault.token.start_pos, end_pos=fault.token.end_pos)
        while stop < len(tokens) and tokens[stop].type != "RBRACE":
            stop += 1
        return [*tokens[: fault.index], last, *said, *tokens[stop:]]
    start, until = fault.token.start_pos or 0, others[-1].end_pos or 0
    # What lies above the lowest number and below the next is what was said of the lowest.
    rising, texts = [number for number, _ in reversed(bands)], [others, *(said for _, said in reversed(bands))]
    parts, made = [], []
    for number, said in zip([*rising, None], texts, strict=True):
        shown = text[said[0].start_pos : said[-1].end_pos]
        parts.append(f"else {shown}" if number is None else f"below {number} {shown}")
        word = Token("WORD", "else" if number is None else "below", start_pos=start, end_pos=start)
        made += [word, *said] if number is None else [word, number, *said]
    fault.report.error(Code.UNEXPECTED_WORD, message, start, until, replacement=" ".join(parts))
    return [*tokens[: fault.index], *made, *tokens[end:]]


def _texts(tokens: list[Token], start: int) -> tuple[list[Token], int]:
    """The text and its alternatives that begin at a place, and where they end."""
    stop = start
    while stop < len(tokens) and tokens[stop].type in ("STRING", "BAR"):
        stop += 1
    return tokens[start:stop], stop


def _not_of_a_group(fault: SyntaxFault) -> list[Token] | None:
    """`group NAME "..." not "..." = { ... }`."""
    after = fault.after()
    if fault.opening != "group" or fault.token != "not" or after is None or after.type != "STRING":
        return None
    if "NONE" not in fault.accepted:
        return None
    message = "what a group says where nothing belongs to it stands after `none`, not after `not`"
    return fault.mend(message, "none", replacement="none")


def _members(fault: SyntaxFault) -> list[Token] | None:
    """`group NAME "..." { ... }`."""
    if fault.opening == "group" and fault.token.type == "LBRACE" and "EQUAL" in fault.accepted:
        return fault.insert("`=` is missing before `{`", "=")
    return None


IN_SENTENCES = (_alternatives, _sign, _no_else, _after_else, _above, _not_of_a_group, _members)
