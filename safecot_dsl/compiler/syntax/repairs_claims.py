"""Repairs of faults in examples, properties and laws."""

from __future__ import annotations

import json
import re
from typing import cast

from lark import Token

from safecot_dsl.compiler.report import Reporter
from safecot_dsl.compiler.syntax.repair import SUBJECTS, SyntaxFault, is_word
from safecot_dsl.compiler.syntax.scanner import tokenise
from safecot_dsl.diagnostics import Code, SourceFile


def _given(fault: SyntaxFault) -> list[Token] | None:
    """What stands for `=`, `,` or `given` in the cases of examples and properties."""
    token, after = fault.token, fault.after()
    stated = fault.opening == "example" and "EQUAL" in fault.accepted
    if token == "is" and stated:
        message = "a `given` of an example states a value with `=`, not with `is`"
        return fault.mend(message, "=", replacement="=")
    if token == "has" and stated and after is not None and is_word(after):
        message = "a `given` of an example states a value with `=`, not with `has`"
        return fault.mend(message, "=", "{", str(after), "}", count=2, help=f"write `= {{ {after} }}`")
    if {"COMMA", "EXPECT"} <= fault.accepted:
        if token == "and":
            return fault.mend("what is given is separated by `,`, not by `and`", ",", replacement=",")
        if token in SUBJECTS:
            return fault.insert(f"`,` is missing before `{token}`", ",")
    if token == "then" and "EXPECT" in fault.accepted:
        return fault.mend(
            "what a claim expects stands after `expect`, not after `then`", "expect", replacement="expect"
        )
    if token == "when" and "GIVEN" in fault.accepted and fault.opening in ("example", "property"):
        return fault.mend("what a claim is about stands after `given`, not after `when`", "given", replacement="given")
    return None


def _object(fault: SyntaxFault) -> list[Token] | None:
    """`given { image.minor = yes }` and, as JSON has it, `given {"image.minor": true}`."""
    if fault.token.type != "LBRACE" or fault.before != "given" or fault.opening != "example":
        return None
    depth, stop = 0, fault.index
    for stop in range(fault.index, len(fault.tokens)):
        depth += (fault.tokens[stop].type == "LBRACE") - (fault.tokens[stop].type == "RBRACE")
        if depth == 0:
            break
    if depth or stop == fault.index + 1:
        return None
    start, end = fault.token.start_pos or 0, fault.tokens[stop].end_pos or 0
    written = fault.report.source.text[start:end]
    stated = _stated(written)
    if stated is None:
        inner, made = written[1:-1].strip(), fault.tokens[fault.index + 1 : stop]
    else:
        inner = stated
        fault.report.withdraw(Code.UNKNOWN_SIGN, start, end)  # of the brackets of its lists
        made = tokenise(inner, Reporter(SourceFile(fault.report.source.path, inner)))
        for token in made:  # all of them within what is underlined
            token.start_pos = min(start + (token.start_pos or 0), end)
            token.end_pos = min(start + (token.end_pos or 0), end)
    if not made:
        return None
    message = "what is given stands without braces: `given FACT = VALUE, FACT = VALUE`"
    fault.report.error(Code.UNEXPECTED_WORD, message, start, end, replacement=inner)
    return [*fault.tokens[: fault.index], *made, *fault.tokens[stop + 1 :]]


def _stated(written: str) -> str | None:
    """A case in JSON as an example states it; None where this is no JSON. What is null there is not stated."""
    try:
        case = json.loads(written)
    except (ValueError, RecursionError):
        return None
    facts = cast("dict[str, object]", case).get("facts", case) if isinstance(case, dict) else None
    if not isinstance(facts, dict):
        return None
    stated = cast("dict[str, object]", facts).items()
    return ", ".join(f"{name} = {_value(value)}" for name, value in stated if value is not None)


def _value(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case {"unknown": True}:
            return "unknown"
        case list():
            members = ", ".join(map(str, cast("list[object]", value)))
            return f"{{ {members} }}" if members else "{}"
        case str() if not re.fullmatch("[a-z][a-z0-9_]*", value):
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)


_REASONS = frozenset({"because", "through", "via", "since"})


def _because(fault: SyntaxFault) -> list[Token] | None:
    """`expect refuse because RULE`, and `expect refuse because "..."`, in an example."""
    after = fault.after()
    if fault.token not in _REASONS or fault.opening != "example" or "BY" not in fault.accepted or after is None:
        return None
    help = "the rules that decide are named after `by`: `expect VERDICT by RULE`"
    following = fault.after(2)
    if is_word(after) and following is not None and following.type in ("COMMA", "RBRACE"):
        return fault.mend(f"no reason stands after a verdict with `{fault.token}`", "by", help=help, replacement="by")
    count = 1
    while fault.after(count) is not None and fault.tokens[fault.index + count].type != "RBRACE":
        count += 1
    return fault.mend(f"no reason stands after a verdict with `{fault.token}`", count=count, help=help)


def _order(fault: SyntaxFault) -> list[Token] | None:
    """`expect` before `given`."""
    if fault.token != "given" or fault.opening not in ("example", "property") or "GIVEN" in fault.accepted:
        return None
    words = [str(token) for token in fault.tokens[: fault.index]]
    if "expect" not in words or fault.tokens[-1].type != "RBRACE":
        return None
    start, end = fault.token.start_pos or 0, fault.token.end_pos or 0
    fault.report.error(Code.UNEXPECTED_WORD, "`given` stands before `expect`", start, end)
    expect = words.index("expect")
    return [
        *fault.tokens[:expect],
        *fault.tokens[fault.index : -1],
        *fault.tokens[expect : fault.index],
        fault.tokens[-1],
    ]


def _second_given(fault: SyntaxFault) -> list[Token] | None:
    """Two `given`, which are one."""
    if fault.token != "given" or "EXPECT" not in fault.accepted or "GIVEN" in fault.accepted:
        return None
    if fault.opening == "example":
        message = "`given` stands once: what is given is separated by `,`"
        return fault.mend(message, ",", replacement=",")
    return fault.mend("`given` stands once: conditions are joined by `and`", "and", replacement="and")


def _change_first(fault: SyntaxFault) -> list[Token] | None:
    """`given` before `change`."""
    words = [str(token) for token in fault.tokens]
    if fault.token != "given" or fault.accepted != {"CHANGE"} or not {"change", "expect"} <= set(words[fault.index :]):
        return None
    start, end = fault.token.start_pos or 0, fault.token.end_pos or 0
    change, expect = words.index("change", fault.index), words.index("expect", fault.index)
    if change > expect:
        return None
    fault.report.error(Code.UNEXPECTED_WORD, "`change` stands before `given`", start, end)
    tokens = fault.tokens
    return [*tokens[: fault.index], *tokens[change:expect], *tokens[fault.index : change], *tokens[expect:]]


_CHANGES = {
    "increases": "rises", "grows": "rises", "decreases": "falls", "drops": "falls", "sinks": "falls",
    "is": "becomes", "turns": "becomes", "=": "becomes", "has": "gains",
}  # fmt: skip


def _change(fault: SyntaxFault) -> list[Token] | None:
    right = _CHANGES.get(str(fault.token))
    if right is None or not {"BECOMES", "RISES"} <= fault.accepted:
        return None
    return fault.mend(f"no change is called `{fault.token}`", right, help=f"did you mean `{right}`?", replacement=right)


def _law(fault: SyntaxFault) -> list[Token] | None:
    if fault.token == "not" and fault.accepted == {"NEVER"}:
        return fault.mend("a law says what `never` happens", "never", replacement="never")
    return None


IN_CLAIMS = (
    _given,
    _object,
    _because,
    _order,
    _second_given,
    _change_first,
    _change,
    _law,
)
