"""Repairs of faults in the types of facts, which other languages write in other words."""

from __future__ import annotations

import re

from lark import Token

from safecot_dsl.compiler.syntax.items import open_braces
from safecot_dsl.compiler.syntax.repair import SyntaxFault, is_word
from safecot_dsl.compiler.syntax.tokens import Words

_TYPES = {
    "enum": "one of", "choice": "one of", "bool": "flag", "boolean": "flag", "string": "text", "str": "text",
    "float": "score", "probability": "score", "list": "set of", "array": "set of",
}  # fmt: skip
_WHOLE_NUMBERS = frozenset({"int", "integer", "double", "numeric"})
_ANSWERS = frozenset({("yes", "no"), ("no", "yes"), ("true", "false"), ("false", "true"), ("y", "n")})


def _type(fault: SyntaxFault) -> list[Token] | None:
    if not {"FLAG", "SCORE"} <= fault.accepted:
        return None
    said = [str(token) for token in fault.tokens[fault.index : fault.index + 3]]
    if len(said) == 3 and said[1] in ("or", "|") and (said[0], said[2]) in _ANSWERS:
        message = f"unknown type `{' '.join(said)}`"
        return fault.mend(message, "flag", count=3, help="what is yes or no is a `flag`", replacement="flag")
    if fault.token in _WHOLE_NUMBERS:
        message = f"unknown type `{fault.token}`"
        after = fault.after()
        if after is not None and after.type == "NUMBER":
            return fault.mend(message, "number", help="did you mean `number`?", replacement="number")
        # Within any range, so that no comparison is said to be out of it.
        help = "a number is declared with its range: write `number LOWEST..HIGHEST`"
        return fault.mend(message, "number", "0", "..", "1000000000", help=help)
    right = _TYPES.get(str(fault.token))
    if right is None:
        return None
    count = _in_brackets(fault, 1) if right.endswith("of") else 0
    if count:
        written = f"{right} {_braced(fault, 1, count)}"
        made = _with_braces(fault, 1, count)
        mended = fault.mend(
            f"unknown type `{fault.token}`", *right.split(), count=count + 1, help=f"write `{right} {{ ... }}`",
            replacement=written,
        )  # fmt: skip
        return [*mended[: fault.index + 2], *made, *mended[fault.index + 2 :]]
    help = f"did you mean `{right}`?"
    count = 2 if right.endswith("of") and fault.after() == "of" else 1  # `list of { ... }`
    message = f"unknown type `{' '.join(said[:count])}`"
    return fault.mend(message, *right.split(), count=count, help=help, replacement=right)


def _no_range(fault: SyntaxFault) -> list[Token] | None:
    """`number` alone."""
    if fault.before != "number" or fault.accepted != {"NUMBER"} or fault.opening != "facts":
        return None
    if not is_word(fault.token) and fault.token.type not in ("STRING", "RBRACE"):
        return None
    help = "a number is declared with its range: write `number LOWEST..HIGHEST`"
    return fault.mend(
        "the range of a `number` is missing", "number", "0", "..", "1000000000", back=1, count=1, help=help
    )


def _range(fault: SyntaxFault) -> list[Token] | None:
    """`number 1850 to 2030`."""
    before, after = fault.before, fault.after()
    if fault.opening != "facts" or fault.token != "to" or "RANGE" not in fault.accepted:
        return None
    if before is None or before.type != "NUMBER" or after is None or after.type != "NUMBER":
        return None
    return fault.mend("a range is written with `..`, not with `to`", "..", replacement="..")


def _value(fault: SyntaxFault) -> list[Token] | None:
    """`one of { "paint", board: "a board" }`: values as other languages write strings and keys."""
    token, before, after = fault.token, fault.before, fault.after()
    if fault.opening != "facts" or before is None or after is None or not open_braces(fault.tokens[: fault.index])[1:]:
        return None
    if token.type == "COLON" and {"STRING", "COMMA", "RBRACE"} <= fault.accepted and is_word(before):
        if after.type != "STRING":
            return None
        return fault.mend(f"nothing stands between `{before}` and its phrase", replacement="")
    if token.type != "STRING" or not isinstance(token, Words) or "NAME" not in fault.accepted:
        return None
    if before.type not in ("LBRACE", "COMMA") or not re.fullmatch("[a-z][a-z0-9_]*", token.content):
        return None
    help = f'its phrase stands after it: `{token.content} "..."`'
    return fault.mend("a value stands without quotes", token.content, help=help, replacement=token.content)


def _round_brackets(fault: SyntaxFault) -> list[Token] | None:
    """`one of (a, b)` as the type of a fact."""
    if fault.opening != "facts" or fault.before != "of" or "LBRACE" not in fault.accepted:
        return None
    count = _in_brackets(fault, 0)
    if not count:
        return None
    made = _with_braces(fault, 0, count)
    replacement = _braced(fault, 0, count)
    mended = fault.mend("values stand in `{` and `}`", count=count, replacement=replacement)
    return [*mended[: fault.index], *made, *mended[fault.index :]]


def _in_brackets(fault: SyntaxFault, ahead: int) -> int:
    """How many tokens from the one so many places ahead are a list in round brackets; 0 for none."""
    tokens = fault.tokens[fault.index + ahead :]
    if not tokens or tokens[0].type != "LPAR":
        return 0
    for count, token in enumerate(tokens[1:], 2):
        if token.type == "RPAR":
            return count if count > 2 else 0
        if not (is_word(token) or token.type in ("COMMA", "STRING")):
            return 0
    return 0


def _braced(fault: SyntaxFault, ahead: int, count: int) -> str:
    """The source of a list in round brackets, in braces."""
    first, last = fault.tokens[fault.index + ahead], fault.tokens[fault.index + ahead + count - 1]
    return f"{{ {fault.report.source.text[first.end_pos or 0 : last.start_pos or 0].strip()} }}"


def _with_braces(fault: SyntaxFault, ahead: int, count: int) -> list[Token]:
    start = fault.index + ahead
    first, *inner, last = fault.tokens[start : start + count]
    opening = Token("LBRACE", "{", start_pos=first.start_pos, end_pos=first.end_pos)
    return [opening, *inner, Token("RBRACE", "}", start_pos=last.start_pos, end_pos=last.end_pos)]


IN_FACTS = (_type, _no_range, _range, _value, _round_brackets)
