"""Slips in examples, properties and laws."""

from __future__ import annotations

from lark import Token

from safecot_dsl.compiler.syntax.slip import SUBJECTS, Slip, is_word
from safecot_dsl.diagnostics import Code


def _given(slip: Slip) -> list[Token] | None:
    """What stands for `=`, `,` or `given` in the cases of examples and properties."""
    token, after = slip.token, slip.after()
    stated = slip.opening == "example" and "EQUAL" in slip.accepted
    if token == "is" and stated:
        message = "a `given` of an example states a value with `=`, not with `is`"
        return slip.mend(message, "=", replacement="=")
    if token == "has" and stated and after is not None and is_word(after):
        message = "a `given` of an example states a value with `=`, not with `has`"
        return slip.mend(message, "=", "{", str(after), "}", count=2, help=f"write `= {{ {after} }}`")
    if {"COMMA", "EXPECT"} <= slip.accepted:
        if token == "and":
            return slip.mend("what is given is separated by `,`, not by `and`", ",", replacement=",")
        if token in SUBJECTS:
            return slip.insert(f"`,` is missing before `{token}`", ",")
    if token == "when" and "GIVEN" in slip.accepted and slip.opening in ("example", "property"):
        return slip.mend("what a claim is about stands after `given`, not after `when`", "given", replacement="given")
    return None


def _order(slip: Slip) -> list[Token] | None:
    """`expect` before `given`."""
    if slip.token != "given" or slip.opening not in ("example", "property") or "GIVEN" in slip.accepted:
        return None
    words = [str(token) for token in slip.tokens[: slip.index]]
    if "expect" not in words or slip.tokens[-1].type != "RBRACE":
        return None
    start, end = slip.token.start_pos or 0, slip.token.end_pos or 0
    slip.report.error(Code.UNEXPECTED_WORD, "`given` stands before `expect`", start, end)
    expect = words.index("expect")
    return [
        *slip.tokens[:expect],
        *slip.tokens[slip.index : -1],
        *slip.tokens[expect : slip.index],
        slip.tokens[-1],
    ]


def _second_given(slip: Slip) -> list[Token] | None:
    """Two `given`, which are one."""
    if slip.token != "given" or "EXPECT" not in slip.accepted or "GIVEN" in slip.accepted:
        return None
    if slip.opening == "example":
        message = "`given` stands once: what is given is separated by `,`"
        return slip.mend(message, ",", replacement=",")
    return slip.mend("`given` stands once: conditions are joined by `and`", "and", replacement="and")


def _change_first(slip: Slip) -> list[Token] | None:
    """`given` before `change`."""
    words = [str(token) for token in slip.tokens]
    if slip.token != "given" or slip.accepted != {"CHANGE"} or not {"change", "expect"} <= set(words[slip.index :]):
        return None
    start, end = slip.token.start_pos or 0, slip.token.end_pos or 0
    change, expect = words.index("change", slip.index), words.index("expect", slip.index)
    if change > expect:
        return None
    slip.report.error(Code.UNEXPECTED_WORD, "`change` stands before `given`", start, end)
    tokens = slip.tokens
    return [*tokens[: slip.index], *tokens[change:expect], *tokens[slip.index : change], *tokens[expect:]]


_CHANGES = {
    "increases": "rises", "grows": "rises", "decreases": "falls", "drops": "falls", "sinks": "falls",
    "is": "becomes", "turns": "becomes", "=": "becomes", "has": "gains",
}  # fmt: skip


def _change(slip: Slip) -> list[Token] | None:
    right = _CHANGES.get(str(slip.token))
    if right is None or not {"BECOMES", "RISES"} <= slip.accepted:
        return None
    return slip.mend(f"no change is called `{slip.token}`", right, help=f"did you mean `{right}`?", replacement=right)


def _law(slip: Slip) -> list[Token] | None:
    if slip.token == "not" and slip.accepted == {"NEVER"}:
        return slip.mend("a law says what `never` happens", "never", replacement="never")
    return None


IN_CLAIMS = (
    _given,
    _order,
    _second_given,
    _change_first,
    _change,
    _law,
)
