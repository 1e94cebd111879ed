"""Repairs of faults in tables."""

from __future__ import annotations

from lark import Token

from safecot_dsl.compiler.syntax.repair import COMPARISONS, SUBJECTS, VERDICTS, SyntaxFault, is_word, shown


def _cell(fault: SyntaxFault) -> list[Token] | None:
    """A cell that is written as a condition."""
    token, before, after = fault.token, fault.before, fault.after()
    if {"ANY", "WITHIN"} <= fault.accepted:
        if token.type == "EQUAL" and after is not None and after.type == "NUMBER":
            right = f"{after} .. {after}"
            message = f"a cell of one number is written `{right}`"
            return fault.mend(message, str(after), "..", str(after), count=2, replacement=right)
        if token.type == "EQUAL":
            return fault.mend("a cell has no `=`", replacement="", help="write the value alone")
        return None
    if "THEN" not in fault.accepted or before is None or "ROW" in fault.accepted:
        return None
    if before in ("is", "has", "in") and _begins_cell(fault, fault.index - 1):
        kept = str(token)
        if token.type not in ("WORD", "LBRACE"):
            return None
        help = "write what is asked of the column alone"
        return fault.mend(f"a cell has no `{before}`", kept, back=1, count=2, help=help, replacement=kept)
    if before == "between" and _begins_cell(fault, fault.index - 1) and token.type == "NUMBER" and after == "and":
        high = fault.after(2)
        if high is not None and high.type == "NUMBER":
            right = f"{token} .. {high}"
            message = f"a range in a cell is written `{right}`"
            return fault.mend(message, str(token), "..", str(high), back=1, count=4, replacement=right)
    if token == "or" and is_word(before) and _begins_cell(fault, fault.index - 1):
        stop = fault.index
        while stop + 1 < len(fault.tokens) and fault.tokens[stop] == "or" and is_word(fault.tokens[stop + 1]):
            stop += 2
        names = [str(name) for name in fault.tokens[fault.index - 1 : stop : 2]]
        if len(names) > 1:
            right = f"{{ {', '.join(names)} }}"
            signs = ["{", *(sign for name in names for sign in (name, ","))][:-1]
            message = f"several values stand in braces: `{right}`"
            return fault.mend(message, *signs, "}", back=1, count=stop - fault.index + 1, replacement=right)
    return None


def _begins_cell(fault: SyntaxFault, index: int) -> bool:
    """Is a token the first of a cell, `not` apart?"""
    previous = fault.tokens[index - 1]
    return previous.type in ("COLON", "COMMA") or previous == "not"


def _range(fault: SyntaxFault) -> list[Token] | None:
    """`0.2-0.4`."""
    token, before = fault.token, fault.before
    if before is None or before.type != "NUMBER" or token.type != "NUMBER" or "RANGE" not in fault.accepted:
        return None
    if not token.startswith("-"):
        return None
    right = f" .. {token[1:]}"
    return fault.mend("a range is written with `..`, not with `-`", "..", str(token[1:]), replacement=right)


def _verdict_of_row(fault: SyntaxFault) -> list[Token] | None:
    """`then verdict refuse`, where `verdict` was taken for the verdict."""
    if (
        fault.before == "verdict"
        and fault.index > 1
        and fault.tokens[fault.index - 2] == "then"
        and fault.token in VERDICTS
    ):
        message = "after `then` stands the verdict itself"
        return fault.mend(message, str(fault.token), back=1, count=2, replacement=str(fault.token))
    return None


def _row_word(fault: SyntaxFault) -> list[Token] | None:
    """A row without its `row`."""
    if "ROW" in fault.accepted and is_word(fault.token) and fault.after() == ":":
        right = f"row {fault.token}"
        return fault.mend(
            "a row begins with `row`", "row", str(fault.token), help=f"write `{right}: ...`", replacement=right
        )
    return None


def _row(fault: SyntaxFault) -> list[Token] | None:
    """A row's `then` or a comma between its cells was forgotten, or written another way."""
    token, before, after = fault.token, fault.before, fault.after()
    if token.type == "COMMA" and {"ANY", "WITHIN"} <= fault.accepted:
        help = "write `any` where the row asks nothing"
        return fault.mend("a cell is missing before `,`", "any", ",", help=help)
    if (
        before is not None
        and before.type == "NUMBER"
        and fault.accepted == {"RANGE"}
        and (token == "," or token == "then")
    ):
        help = f"write a comparison such as `>= {before}`, or a range such as `{before} .. {before}`"
        return fault.mend(f"`{before}` alone asks nothing", str(before), "..", str(before), back=1, help=help)
    if "THEN" not in fault.accepted or "NAME" in fault.accepted:
        return None
    if token in VERDICTS:
        return fault.insert(f"`then` is missing before `{token}`", "then")
    if token.type == "EQUAL" and after is not None and after.type == "MORE" and fault.after(2) in VERDICTS:
        return fault.mend("a row's verdict comes after `then`, not after `=>`", "then", count=2, replacement="then")
    if token.type in ("COLON", "EQUAL", "BAR") and after is not None and after in VERDICTS:
        return fault.mend(f"a row's verdict comes after `then`, not after `{token}`", "then", replacement="then")
    if token in ("and", "or", "|"):
        return fault.mend(f"cells are separated by `,`, not by `{token}`", ",", replacement=",")
    opens_a_cell = token.type in {"STRING", "REGEX", "NUMBER", "LBRACE", *COMPARISONS}
    ends_the_row = token in ("row", "columns", "title", "hazard", "unless", "require", "think", "answer", "unsure")
    if opens_a_cell or (is_word(token) and not ends_the_row):
        return fault.insert(f"`,` is missing before {shown(token)}", ",")
    return None


def _column(fault: SyntaxFault) -> list[Token] | None:
    if {"ROW", "COMMA"} <= fault.accepted and fault.token in SUBJECTS:
        return fault.insert(f"`,` is missing before `{fault.token}`", ",")
    return None


IN_TABLES = (
    _verdict_of_row,
    _row_word,
    _cell,
    _range,
    _row,
    _column,
)
