"""Slips in conditions: comparisons, values and counts."""

from __future__ import annotations

import re

from lark import Token

from safecot_dsl.compiler.syntax.slip import VERDICT_NEXT, Slip, is_word
from safecot_dsl.compiler.syntax.tokens import Words
from safecot_dsl.diagnostics import Code

_NUMBER_COMPARED = "a number is compared with `<`, `<=`, `>`, `>=` or `between`, not with {}"
# How comparisons are said, the longest first; `is` may stand before each.
_OPPOSITE = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}
_SPOKEN = (
    (("greater", "than", "or", "equal", "to"), ">="),
    (("less", "than", "or", "equal", "to"), "<="),
    (("greater", "than"), ">"),
    (("more", "than"), ">"),
    (("higher", "than"), ">"),
    (("larger", "than"), ">"),
    (("less", "than"), "<"),
    (("lower", "than"), "<"),
    (("smaller", "than"), "<"),
    (("at", "least"), ">="),
    (("at", "most"), "<="),
    (("above",), ">"),
    (("over",), ">"),
    (("below",), "<"),
    (("under",), "<"),
)
_COUNTS = {
    word: str(number) for number, word in enumerate("one two three four five six seven eight nine ten".split(), 1)
}


def _equal(slip: Slip) -> list[Token] | None:
    """`=`, `==`, `=>`, `=<` and `> =` for a comparison."""
    token, before, after = slip.token, slip.before, slip.after()
    if token.type != "EQUAL" or before is None:
        return None
    if "IS" in slip.accepted and after is not None:
        if after.type in ("MORE", "LESS"):
            right = f"{after}="
            return slip.mend(f"`={after}` is written `{right}`", right, count=2, replacement=right)
        count = 2 if after.type == "EQUAL" else 1
        value = slip.after(count)
        if value is not None and value.type == "NUMBER":
            return slip.mend(_NUMBER_COMPARED.format("`=`"), ">=", count=count, code=Code.WRONG_COMPARISON)
        return slip.mend(
            "a fact is compared with `is`, not with `=`",
            "is",
            count=count,
            code=Code.WRONG_COMPARISON,
            replacement="is",
        )
    if before.type in ("MORE", "LESS") and "NUMBER" in slip.accepted:
        return slip.mend(
            f"`{before} =` is written `{before}=`", f"{before}=", back=1, count=2, replacement=f"{before}="
        )
    return None


def _number_after_is(slip: Slip) -> list[Token] | None:
    if slip.token.type == "NUMBER" and slip.before == "is" and "EMPTY" in slip.accepted:
        return slip.mend(_NUMBER_COMPARED.format("`is`"), ">=", back=1, code=Code.WRONG_COMPARISON)
    if slip.token.type == "NUMBER" and slip.before == "not" and slip.tokens[slip.index - 2] == "is":
        return slip.mend(_NUMBER_COMPARED.format("`is not`"), ">=", back=2, count=2, code=Code.WRONG_COMPARISON)
    return None


def _unequal(slip: Slip) -> list[Token] | None:
    """`<>`."""
    if slip.token.type != "MORE" or slip.before != "<" or slip.before.end_pos != slip.token.start_pos:
        return None
    return slip.mend("`<>` is written `is not`", "is", "not", back=1, count=2, replacement="is not")


def _is_in(slip: Slip) -> list[Token] | None:
    """`is in { a, b }` and `is not in corrosive`, where `in` was taken for the value."""
    if slip.before != "in" or slip.index < 3 or not (slip.token.type == "LBRACE" or is_word(slip.token)):
        return None
    if slip.token in ("and", "or", "verdict", "unless", "hazard", "think", "answer", "require", "title", "unsure"):
        return None  # a value may be called `in`
    for words in (("in",), ("not", "in")):
        count = len(words) + 1
        if slip.tokens[slip.index - count : slip.index] == ["is", *words]:
            right = " ".join(words)
            message = f"`is {right}` is written `{right}`"
            return slip.mend(message, *words, back=count, count=count, replacement=right)
    return None


def _negation(slip: Slip) -> list[Token] | None:
    """`not is` and `isnt`: what is taken for a plain `is` would turn the meaning round."""
    if slip.token == "is" and slip.before == "not" and slip.accepted == {"IN"}:
        right = "is not"
        return slip.mend("`not is` is written `is not`", "is", "not", back=1, count=2, replacement=right)
    if slip.token in ("isnt", "isn", "isnot", "is_not", "aint", "arent", "neq") and "IS" in slip.accepted:
        return slip.mend(
            f"unknown word `{slip.token}`", "is", "not", help="did you mean `is not`?", replacement="is not"
        )
    return None


def _spoken(slip: Slip) -> list[Token] | None:
    """`is greater than 0.9`, `above 0.9`, `at least 0.9`."""
    for start in range(max(0, slip.index - 3), slip.index + 1):
        first = start + (slip.tokens[start] == "is")
        negated = first < len(slip.tokens) and slip.tokens[first] in ("not", "no") and start < slip.index
        first += negated
        for words, sign in _SPOKEN:
            stop = first + len(words)
            operand = slip.tokens[stop] if stop < len(slip.tokens) else None
            if operand is None or operand.type not in ("NUMBER", "WORD") or not start <= slip.index <= stop:
                continue
            if tuple(map(str, slip.tokens[first:stop])) != words or start == 0 or not is_word(slip.tokens[start - 1]):
                continue
            if slip.tokens[start - 1] in ("when", "and", "or", "not", "unless", "given", "is"):
                continue
            said = " ".join(map(str, slip.tokens[start:stop]))
            right = _OPPOSITE[sign] if negated else sign  # `is not above`, `no more than`
            message = f"`{said}` is written `{right}`"
            return slip.mend(message, right, back=slip.index - start, count=stop - start, replacement=right)
    return None


def _between(slip: Slip) -> list[Token] | None:
    token, before = slip.token, slip.before
    if token.type == "NUMBER" and token.startswith("-") and before is not None and "AND" in slip.accepted:
        if before.type != "NUMBER" or before.end_pos != token.start_pos:
            return None
        right = f" and {token[1:]}"
        message = "`between` joins its two numbers by `and`, not by `-`"
        return slip.mend(message, "and", str(token[1:]), replacement=right)
    if slip.token.type in ("RANGE", "COMMA") and slip.accepted <= {"AND", "DOT"} and "AND" in slip.accepted:
        return slip.mend(f"`between` joins its two numbers by `and`, not by `{slip.token}`", "and", replacement=" and ")
    return None


def _fraction(slip: Slip) -> list[Token] | None:
    """`0,9` and `.9`."""
    token, before, after = slip.token, slip.before, slip.after()
    if after is None or after.type != "NUMBER" or token.end_pos != after.start_pos or str(after).startswith("-"):
        return None
    if token.type == "COMMA" and before is not None and before.type == "NUMBER" and before.end_pos == token.start_pos:
        if "COMMA" in slip.accepted:
            return None
        right = f"{before}.{after}"
        message = f"`{before},{after}` is no number: its fraction stands after a point"
        return slip.mend(message, right, back=1, count=3, code=Code.MALFORMED_WORD, replacement=right)
    if token.type == "DOT" and "NUMBER" in slip.accepted:
        message = f"`.{after}` is no number: a digit stands before the point"
        return slip.mend(message, f"0.{after}", count=2, code=Code.MALFORMED_WORD, replacement=f"0.{after}")
    return None


def _several(slip: Slip) -> list[Token] | None:
    """`is { a, b }`."""
    if slip.token.type != "LBRACE" or slip.index < 2:
        return None
    message = "`is` takes one value; several stand after `in`"
    if slip.before == "is" and "EMPTY" in slip.accepted:
        mended = slip.mend(message, "in", back=1, replacement="in")
    elif slip.before == "not" and slip.tokens[slip.index - 2] == "is" and "EMPTY" in slip.accepted:
        mended = slip.mend(message, "not", "in", back=2, count=2, replacement="not in")
    else:
        return None
    return mended


def _quoted(slip: Slip) -> list[Token] | None:
    """A value or a verdict in quotes."""
    token = slip.token
    if (
        token.type != "STRING"
        or not isinstance(token, Words)
        or "NAME" not in slip.accepted
        or not re.fullmatch("[a-z][a-z0-9_]*", token.content)
    ):
        return None
    if slip.before in VERDICT_NEXT or slip.before in ("is", "not", "has", "becomes", "gains"):
        what = "a verdict" if slip.before in VERDICT_NEXT else "a value"
        return slip.mend(f"{what} stands without quotes", token.content, replacement=token.content)
    return None


def _held(slip: Slip) -> list[Token] | None:
    """What other languages say of a set: `contains bleach`, `includes bleach`, `has both of`."""
    token, before = slip.token, slip.before
    if before == "contains" and is_word(token) and slip.accepted == {"STRING", "ANY"}:
        right = f"has {token}"
        message = "a set is asked with `has`; `contains` looks into a text"
        return slip.mend(message, "has", str(token), back=1, count=2, replacement=right)
    if token in ("includes", "include", "contain", "holds") and "HAS" in slip.accepted:
        return slip.mend(f"unknown word `{token}`", "has", help="did you mean `has`?", replacement="has")
    if before in ("both", "either", "some") and token == "of" and slip.tokens[slip.index - 2] == "has":
        right = "all of" if before == "both" else "any of"
        message = f"`has {before} of` is written `has {right}`"
        return slip.mend(message, *right.split(), back=1, count=2, replacement=right)
    return None


def _count(slip: Slip) -> list[Token] | None:
    number = _COUNTS.get(str(slip.token))
    if slip.before == "least" and number is not None and slip.accepted == {"NUMBER"}:
        return slip.mend(
            f"`{slip.token}` is not a number", number, help=f"write `at least {number} of (...)`", replacement=number
        )
    return None


IN_CONDITIONS = (
    _equal,
    _number_after_is,
    _unequal,
    _is_in,
    _negation,
    _spoken,
    _between,
    _fraction,
    _several,
    _quoted,
    _held,
    _count,
)
