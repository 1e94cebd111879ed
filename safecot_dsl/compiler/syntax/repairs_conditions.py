"""Repairs of faults in conditions: comparisons, values and counts."""

from __future__ import annotations

import re

from lark import Token

from safecot_dsl.compiler.syntax.items import open_braces
from safecot_dsl.compiler.syntax.repair import VERDICT_NEXT, SyntaxFault, is_word
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
    (("before",), "<"),
    (("after",), ">"),
    (("above",), ">"),
    (("over",), ">"),
    (("below",), "<"),
    (("under",), "<"),
)
_NO_CONDITIONS = frozenset({"facts", "group", "taxonomy", "phrases", "param"})
_COUNTS = {
    word: str(number) for number, word in enumerate("one two three four five six seven eight nine ten".split(), 1)
}


def _equal(fault: SyntaxFault) -> list[Token] | None:
    """`=`, `==`, `=>`, `=<` and `> =` for a comparison."""
    token, before, after = fault.token, fault.before, fault.after()
    if token.type != "EQUAL" or before is None:
        return None
    if "IS" in fault.accepted and after is not None:
        if after.type in ("MORE", "LESS"):
            right = f"{after}="
            return fault.mend(f"`={after}` is written `{right}`", right, count=2, replacement=right)
        count = 2 if after.type == "EQUAL" else 1
        value = fault.after(count)
        if value is not None and value.type == "NUMBER":
            return fault.mend(_NUMBER_COMPARED.format("`=`"), ">=", count=count, code=Code.WRONG_COMPARISON)
        return fault.mend(
            "a fact is compared with `is`, not with `=`",
            "is",
            count=count,
            code=Code.WRONG_COMPARISON,
            replacement="is",
        )
    if before.type in ("MORE", "LESS") and "NUMBER" in fault.accepted:
        return fault.mend(
            f"`{before} =` is written `{before}=`", f"{before}=", back=1, count=2, replacement=f"{before}="
        )
    return None


def _number_after_is(fault: SyntaxFault) -> list[Token] | None:
    if fault.token.type == "NUMBER" and fault.before == "is" and "EMPTY" in fault.accepted:
        return fault.mend(_NUMBER_COMPARED.format("`is`"), ">=", back=1, code=Code.WRONG_COMPARISON)
    if fault.token.type == "NUMBER" and fault.before == "not" and fault.tokens[fault.index - 2] == "is":
        return fault.mend(_NUMBER_COMPARED.format("`is not`"), ">=", back=2, count=2, code=Code.WRONG_COMPARISON)
    return None


def _unequal(fault: SyntaxFault) -> list[Token] | None:
    """`<>`."""
    if fault.token.type != "MORE" or fault.before != "<" or fault.before.end_pos != fault.token.start_pos:
        return None
    return fault.mend("`<>` is written `is not`", "is", "not", back=1, count=2, replacement="is not")


def _is_in(fault: SyntaxFault) -> list[Token] | None:
    """`is in { a, b }` and `is not in corrosive`, where `in` was taken for the value."""
    if fault.before != "in" or fault.index < 3 or not (fault.token.type == "LBRACE" or is_word(fault.token)):
        return None
    if fault.token in ("and", "or", "verdict", "unless", "hazard", "think", "answer", "require", "title", "unsure"):
        return None  # a value may be called `in`
    for words in (("in",), ("not", "in")):
        count = len(words) + 1
        if fault.tokens[fault.index - count : fault.index] == ["is", *words]:
            right = " ".join(words)
            message = f"`is {right}` is written `{right}`"
            return fault.mend(message, *words, back=count, count=count, replacement=right)
    return None


def _is_one_of(fault: SyntaxFault) -> list[Token] | None:
    """`is one of { a, b }` and `is not any of corrosive`, where `one` was taken for the value."""
    after = fault.after()
    if fault.token != "of" or fault.before not in ("one", "any") or after is None or fault.index < 3:
        return None
    if not (after.type == "LBRACE" or is_word(after)):
        return None
    for words, right in ((("is",), "in"), (("is", "not"), "not in")):
        back = len(words) + 1
        if fault.tokens[fault.index - back : fault.index - 1] == list(words):
            message = f"`{' '.join((*words, fault.before, 'of'))}` is written `{right}`"
            return fault.mend(message, *right.split(), back=back, count=back + 1, replacement=right)
    return None


def _without(fault: SyntaxFault) -> list[Token] | None:
    """`not has bleach` and `has not bleach`: what is taken for a plain `has` would turn the meaning round."""
    after, pair = fault.after(), (fault.before, fault.token)
    if after is None or not is_word(after) or after in ("any", "all", "none"):
        return None
    if not (pair == ("not", "has") and fault.accepted == {"IN"}) and pair != ("has", "not"):
        return None
    right = f"has none of {{ {after} }}"
    message = f"`{' '.join(map(str, pair))} {after}` is written `{right}`"
    signs = ("has", "none", "of", "{", str(after), "}")
    return fault.mend(message, *signs, back=1, count=3, replacement=right)


def _none_of(fault: SyntaxFault) -> list[Token] | None:
    """`has not any of corrosive`."""
    if (fault.before, fault.token) != ("has", "not") or fault.after() != "any" or fault.after(2) != "of":
        return None
    message = "`has not any of` is written `has none of`"
    return fault.mend(message, "none", "of", count=3, replacement="none of")


def _negation(fault: SyntaxFault) -> list[Token] | None:
    """`not is` and `isnt`: what is taken for a plain `is` would turn the meaning round."""
    if fault.token == "is" and fault.before == "not" and fault.accepted == {"IN"}:
        right = "is not"
        return fault.mend("`not is` is written `is not`", "is", "not", back=1, count=2, replacement=right)
    if fault.token in ("isnt", "isn", "isnot", "is_not", "aint", "arent", "neq") and "IS" in fault.accepted:
        return fault.mend(
            f"unknown word `{fault.token}`", "is", "not", help="did you mean `is not`?", replacement="is not"
        )
    return None


def _spoken(fault: SyntaxFault) -> list[Token] | None:
    """`is greater than 0.9`, `above 0.9`, `at least 0.9`."""
    for start in range(max(0, fault.index - 3), fault.index + 1):
        first = start + (fault.tokens[start] == "is")
        negated = first < len(fault.tokens) and fault.tokens[first] in ("not", "no") and start < fault.index
        first += negated
        for words, sign in _SPOKEN:
            stop = first + len(words)
            operand = fault.tokens[stop] if stop < len(fault.tokens) else None
            if operand is None or operand.type not in ("NUMBER", "WORD") or not start <= fault.index <= stop:
                continue
            if tuple(map(str, fault.tokens[first:stop])) != words or start == 0 or not is_word(fault.tokens[start - 1]):
                continue
            if fault.tokens[start - 1] in ("when", "and", "or", "not", "unless", "given", "is"):
                continue
            said = " ".join(map(str, fault.tokens[start:stop]))
            right = _OPPOSITE[sign] if negated else sign  # `is not above`, `no more than`
            message = f"`{said}` is written `{right}`"
            return fault.mend(message, right, back=fault.index - start, count=stop - start, replacement=right)
    return None


def _between(fault: SyntaxFault) -> list[Token] | None:
    token, before = fault.token, fault.before
    if token.type == "NUMBER" and token.startswith("-") and before is not None and "AND" in fault.accepted:
        if before.type != "NUMBER" or before.end_pos != token.start_pos:
            return None
        right = f" and {token[1:]}"
        message = "`between` joins its two numbers by `and`, not by `-`"
        return fault.mend(message, "and", str(token[1:]), replacement=right)
    if fault.token.type in ("RANGE", "COMMA") and fault.accepted <= {"AND", "DOT"} and "AND" in fault.accepted:
        return fault.mend(
            f"`between` joins its two numbers by `and`, not by `{fault.token}`", "and", replacement=" and "
        )
    return None


def _fraction(fault: SyntaxFault) -> list[Token] | None:
    """`0,9` and `.9`."""
    token, before, after = fault.token, fault.before, fault.after()
    if after is None or after.type != "NUMBER" or token.end_pos != after.start_pos or str(after).startswith("-"):
        return None
    if token.type == "COMMA" and before is not None and before.type == "NUMBER" and before.end_pos == token.start_pos:
        if "COMMA" in fault.accepted:
            return None
        right = f"{before}.{after}"
        message = f"`{before},{after}` is no number: its fraction stands after a point"
        return fault.mend(message, right, back=1, count=3, code=Code.MALFORMED_WORD, replacement=right)
    if token.type == "DOT" and "NUMBER" in fault.accepted:
        message = f"`.{after}` is no number: a digit stands before the point"
        return fault.mend(message, f"0.{after}", count=2, code=Code.MALFORMED_WORD, replacement=f"0.{after}")
    return None


def _several(fault: SyntaxFault) -> list[Token] | None:
    """`is { a, b }`."""
    if fault.token.type != "LBRACE" or fault.index < 2:
        return None
    message = "`is` takes one value; several stand after `in`"
    if fault.before == "is" and "EMPTY" in fault.accepted:
        mended = fault.mend(message, "in", back=1, replacement="in")
    elif fault.before == "not" and fault.tokens[fault.index - 2] == "is" and "EMPTY" in fault.accepted:
        mended = fault.mend(message, "not", "in", back=2, count=2, replacement="not in")
    else:
        return None
    return mended


def _quoted(fault: SyntaxFault) -> list[Token] | None:
    """A value or a verdict in quotes."""
    token = fault.token
    if (
        token.type != "STRING"
        or not isinstance(token, Words)
        or "NAME" not in fault.accepted
        or not re.fullmatch("[a-z][a-z0-9_]*", token.content)
    ):
        return None
    in_a_list = fault.opening not in _NO_CONDITIONS and _names_a_value(fault)
    if fault.before in VERDICT_NEXT or fault.before in ("is", "not", "has", "becomes", "gains") or in_a_list:
        what = "a verdict" if fault.before in VERDICT_NEXT else "a value"
        return fault.mend(f"{what} stands without quotes", token.content, replacement=token.content)
    return None


def _said_value(fault: SyntaxFault) -> list[Token] | None:
    """A value's phrase for the value: `is "what to take it with"`, `in { mix, "how to store it" }`. Which value has
    that phrase is known where the fact is, and is said there in place of this."""
    token = fault.token
    if token.type != "STRING" or not isinstance(token, Words) or "NAME" not in fault.accepted:
        return None
    if fault.opening in _NO_CONDITIONS or not token.content.strip() or not _names_a_value(fault):
        return None
    start, end = token.start_pos or 0, token.end_pos or 0
    help = "a condition has the name of a value, and not what is said of it"
    fault.report.error(Code.UNEXPECTED_WORD, "a value stands without quotes", start, end, help=help)
    made = Token("NAME", token.content, start_pos=start, end_pos=end)
    return [*fault.tokens[: fault.index], made, *fault.tokens[fault.index + 1 :]]


def _names_a_value(fault: SyntaxFault) -> bool:
    """Does the name of a value stand here: after `is` and `has`, or in a list of them?"""
    before = fault.before
    if before in ("is", "has"):
        return True
    if before == "not":
        return fault.index > 1 and fault.tokens[fault.index - 2] == "is"
    stack = open_braces(fault.tokens[: fault.index])
    if not stack or not stack[-1] or before is None or before.type not in ("LBRACE", "COMMA"):
        return False
    opener = fault.tokens[stack[-1] - 1]
    if fault.opening == "example":
        return opener.type == "EQUAL"
    return opener in ("in", "of") or (
        fault.opening == "table" and (opener.type in ("COLON", "COMMA") or opener == "not")
    )


def _held(fault: SyntaxFault) -> list[Token] | None:
    """What other languages say of a set: `contains bleach`, `includes bleach`, `has both of`."""
    token, before = fault.token, fault.before
    if before == "contains" and is_word(token) and fault.accepted == {"STRING", "ANY"}:
        right = f"has {token}"
        message = "a set is asked with `has`; `contains` looks into a text"
        return fault.mend(message, "has", str(token), back=1, count=2, replacement=right)
    if token in ("includes", "include", "contain", "holds") and "HAS" in fault.accepted:
        return fault.mend(f"unknown word `{token}`", "has", help="did you mean `has`?", replacement="has")
    if token.type == "LBRACE" and fault.tokens[max(0, fault.index - 3) : fault.index] == ["contains", "any", "of"]:
        after = fault.after()
        if after is not None and is_word(after):
            message = (
                "a list of members is asked of a set with `has any of`; `contains any of` takes the name of `phrases`"
            )
            signs = ("has", "any", "of", "{")
            return fault.mend(message, *signs, back=3, count=4, replacement="has any of {")
    if before in ("both", "either", "some") and token == "of" and fault.tokens[fault.index - 2] == "has":
        right = "all of" if before == "both" else "any of"
        message = f"`has {before} of` is written `has {right}`"
        return fault.mend(message, *right.split(), back=1, count=2, replacement=right)
    return None


def _count(fault: SyntaxFault) -> list[Token] | None:
    number = _COUNTS.get(str(fault.token))
    if fault.before == "least" and number is not None and fault.accepted == {"NUMBER"}:
        return fault.mend(
            f"`{fault.token}` is not a number", number, help=f"write `at least {number} of (...)`", replacement=number
        )
    return None


IN_CONDITIONS = (
    _equal,
    _number_after_is,
    _unequal,
    _is_in,
    _is_one_of,
    _without,
    _none_of,
    _negation,
    _spoken,
    _between,
    _fraction,
    _several,
    _quoted,
    _said_value,
    _held,
    _count,
)
