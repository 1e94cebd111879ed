"""Slips in what facts and groups say of themselves."""

from __future__ import annotations

from lark import Token

from safecot_dsl.compiler.syntax.slip import Slip
from safecot_dsl.compiler.syntax.tokens import Words, text_token
from safecot_dsl.diagnostics import Code

_WORDS = frozenset({"says", "not", "none", "ask"})


def _alternatives(slip: Slip) -> list[Token] | None:
    """`says "..." "..."`."""
    if slip.token.type != "STRING" or "BAR" not in slip.accepted or slip.opening not in ("facts", "group"):
        return None
    start, end = slip.token.start_pos or 0, slip.token.end_pos or 0
    what = "the phrase of a group" if slip.opening == "group" else "what describes a fact"
    slip.report.error(
        Code.UNEXPECTED_WORD, "alternatives are separated by `|`", start, end, help=f"{what} stands before them"
    )
    return [*slip.tokens[: slip.index], Token("BAR", "|", start_pos=start, end_pos=start), *slip.tokens[slip.index :]]


def _sign(slip: Slip) -> list[Token] | None:
    """`says: "..."`."""
    after = slip.after()
    if slip.token.type not in ("COLON", "EQUAL") or slip.before not in _WORDS or "STRING" not in slip.accepted:
        return None
    if after is None or after.type not in ("STRING", "LBRACE"):
        return None
    return slip.mend(f"nothing stands between `{slip.before}` and its text", replacement="")


def _no_else(slip: Slip) -> list[Token] | None:
    """`says { below 0.5 "..." }`."""
    if slip.token.type != "RBRACE" or "ELSE" not in slip.accepted:
        return None
    start, end = slip.token.start_pos or 0, slip.token.end_pos or 0
    help = 'the last band holds all that no other does: `else "..."`'
    slip.report.error(
        Code.INCOMPLETE_BANDS, "the bands leave a gap: `else` is missing before `}`", start, end, help=help
    )
    last = [Token("WORD", "else", start_pos=start, end_pos=start), text_token(Words, "And so on.", start, start)]
    return [*slip.tokens[: slip.index], *last, *slip.tokens[slip.index :]]


def _after_else(slip: Slip) -> list[Token] | None:
    """`says { else "..." below 0.5 "..." }`."""
    if slip.token not in ("below", "else") or "RBRACE" not in slip.accepted or "BELOW" in slip.accepted:
        return None
    if slip.opening != "facts" or not any(token == "else" for token in slip.tokens[: slip.index]):
        return None
    stop = slip.index + 1
    while stop < len(slip.tokens) and slip.tokens[stop].type in ("NUMBER", "STRING", "BAR"):
        stop += 1
    count = stop - slip.index
    help = "`else` holds all that no band before it does: write it last"
    return slip.mend(
        "`else` is the last band, and nothing is left for this one", count=count, code=Code.INCOMPLETE_BANDS, help=help
    )


def _members(slip: Slip) -> list[Token] | None:
    """`group NAME "..." { ... }`."""
    if slip.opening == "group" and slip.token.type == "LBRACE" and "EQUAL" in slip.accepted:
        return slip.insert("`=` is missing before `{`", "=")
    return None


IN_SENTENCES = (_alternatives, _sign, _no_else, _after_else, _members)
