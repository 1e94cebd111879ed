"""Repairs of faults in what facts and groups say of themselves."""

from __future__ import annotations

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


def _members(fault: SyntaxFault) -> list[Token] | None:
    """`group NAME "..." { ... }`."""
    if fault.opening == "group" and fault.token.type == "LBRACE" and "EQUAL" in fault.accepted:
        return fault.insert("`=` is missing before `{`", "=")
    return None


IN_SENTENCES = (_alternatives, _sign, _no_else, _after_else, _members)
