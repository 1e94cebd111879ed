"""Lark's LALR table run over tokens that have no fault, in half the time that Lark's own loop takes.

Where the table has no way on, nothing is said of it: Lark then parses the same tokens, and its exception says what was
expected and holds the state from which they are repaired.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from lark import Token

from safecot_dsl.compiler.syntax.tokens import KEYWORDS, is_keyword, new_token

#: What a state does at each terminal, and where each nonterminal leads. A state is its row; at a terminal there is the
#: row to go on from, or a reduction.
Row = dict[str, Any]
Maker = Callable[[list[Any]], Any]
#: How many symbols it takes, what makes one of them (None: the only one is left as it is), and the nonterminal's name.
Reduction = tuple[int, Maker | None, str]


class LalrTable:
    """The rows of a parser's states, with what `builder` has a method for: rules, or their aliases, and terminals."""

    def __init__(self, record: Any, builder: object) -> None:
        """Of what :func:`~safecot_dsl.compiler.syntax.tables.dump_tables` writes."""
        table, memo = record["data"]["parser"]["parser"], record["memo"]
        rules = {number: entry for number, entry in memo.items() if entry["__type__"] == "Rule"}
        reductions = {number: _reduction(rule, builder) for number, rule in rules.items()}
        names: dict[str, str] = table["tokens"]
        rows: dict[str, Row] = {state: {} for state in table["states"]}
        for state, row in rows.items():
            for symbol, (reduces, target) in table["states"][state].items():
                row[names[symbol]] = reductions[str(target["@"])] if reduces else rows[str(target)]
        self._starts = {start: rows[str(state)] for start, state in table["start_states"].items()}
        self._ends = {start: rows[str(state)] for start, state in table["end_states"].items()}
        terminals = [name for name in names.values() if name.isupper()]
        self._terminals = {name: getattr(builder, name) for name in terminals if hasattr(builder, name)}

    def parse(self, tokens: Iterable[Token], start: str) -> Any:
        """What the builder made of `start`; None where the tokens have a fault."""
        makers = self._terminals
        stack: list[Row] = [self._starts[start]]
        values: list[Any] = []
        for token in tokens:
            kind, value = token.type, token
            if kind == "WORD":
                keyword = KEYWORDS.get(token.value)
                if keyword is not None and is_keyword(token.value, keyword, stack[-1], _takes, stack):
                    kind = keyword
                    value = new_token(kind, token.value, token.start_pos or 0, token.end_pos or 0)
                else:
                    kind = "NAME"
            action = stack[-1].get(kind)
            while type(action) is tuple:
                action = _reduced(action, stack, values).get(kind)
            if action is None:
                return None
            stack.append(action)
            values.append(makers[kind](value) if kind in makers else value)
        row, end = stack[-1], self._ends[start]
        while row is not end:
            action = row.get("$END")
            if type(action) is not tuple:
                return None
            row = _reduced(action, stack, values)
        return values[-1]


def _reduced(action: Reduction, stack: list[Row], values: list[Any]) -> Row:
    """Takes what a reduction takes off the stacks, puts what it makes there, and gives the row to go on from."""
    size, make, name = action
    if make is not None:
        values[-size:] = [make(values[-size:])]
    del stack[-size:]
    row: Row = stack[-1][name]
    stack.append(row)
    return row


def _reduction(rule: dict[str, Any], builder: object) -> Reduction:
    return len(rule["expansion"]), _maker(rule, builder), rule["origin"]["name"]


def _maker(rule: dict[str, Any], builder: object) -> Maker | None:
    """What Lark makes of a rule: of one whose name begins with `_`, the list of its parts, which stand in its place
    wherever it does; of one with `?`, its only part where it has one."""
    name, parts = rule["origin"]["name"], rule["expansion"]
    inlined = [part["__type__"] == "NonTerminal" and part["name"].startswith("_") for part in parts]
    if rule["options"]["expand1"] and not rule["alias"] and len(parts) == 1:
        return _first_of_first if inlined[0] else None
    made: Maker = _as_it_is if name.startswith("_") else getattr(builder, rule["alias"] or name)
    if not any(inlined):
        return made
    first, *rest = inlined

    def flat(parts: list[Any]) -> Any:
        found: list[Any] = parts[0] if first else parts[:1]  # a long repetition is not copied at each of its parts
        for inline, part in zip(rest, parts[1:]):  # noqa: B905 - `strict` takes longer than the rest
            if inline:
                found += part
            else:
                found.append(part)
        return made(found)

    return flat


def _first_of_first(parts: list[Any]) -> Any:
    ((part,),) = parts
    return part


def _as_it_is(parts: list[Any]) -> list[Any]:
    return parts


def _takes(stack: list[Row], terminal: str) -> bool:
    """Can the terminal be shifted, after the reductions that this asks for?"""
    stack = stack[:]
    while type(action := stack[-1].get(terminal)) is tuple:
        del stack[-action[0] :]
        stack.append(stack[-1][action[2]])
    return action is not None
