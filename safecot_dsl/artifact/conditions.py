"""Conditions as they are evaluated: atoms over facts, joined by `not`, `and`, `or`, `at least`.

Names (groups, lets, params) are resolved; the label of a group, phrase set or param is kept beside the values
because texts and printed conditions use it. Negative forms (`is not`, `has none of`) are a `Not` around an atom,
which strong Kleene logic does not distinguish from an atom of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from safecot_dsl.artifact.base import Frozen


class FlagIs(Frozen):
    """The flag is yes."""

    kind: Literal["flag"] = "flag"
    fact: str


class Is(Frozen):
    """The value is one of `values` (`is v`, `in {...}`, `in GROUP`)."""

    kind: Literal["is"] = "is"
    fact: str
    values: tuple[str, ...]
    group: str | None = None


class Within(Frozen):
    """The value is the taxonomy's `node` or below it; `values` lists these nodes."""

    kind: Literal["within"] = "within"
    fact: str
    node: str
    values: tuple[str, ...]


class Has(Frozen):
    """The set has any, or all, of `values`: any of none is no, all of none is yes."""

    kind: Literal["has"] = "has"
    fact: str
    quantifier: Literal["any", "all"]
    values: tuple[str, ...]
    group: str | None = None


class Empty(Frozen):
    """The set is empty."""

    kind: Literal["empty"] = "empty"
    fact: str


class Compare(Frozen):
    """The number stands in the relation `operator` to `value`, which came from `param` where that is given."""

    kind: Literal["compare"] = "compare"
    fact: str
    operator: Literal["<", "<=", ">", ">="]
    value: float
    param: str | None = None


class Between(Frozen):
    """`low` <= number <= `high`."""

    kind: Literal["between"] = "between"
    fact: str
    low: float
    high: float
    low_param: str | None = None
    high_param: str | None = None


class Contains(Frozen):
    """The text contains any of `phrases` after NFKC, case folding and NFKC again on both sides."""

    kind: Literal["contains"] = "contains"
    fact: str
    phrases: tuple[str, ...]
    phrase_set: str | None = None


class Matches(Frozen):
    """RE2 finds `pattern` somewhere in the raw text."""

    kind: Literal["matches"] = "matches"
    fact: str
    pattern: str
    ignore_case: bool = False


class Proposed(Frozen):
    """In criteria: the proposition holds of the response."""

    kind: Literal["proposition"] = "proposition"
    name: str


class Not(Frozen):
    kind: Literal["not"] = "not"
    item: Condition


class And(Frozen):
    kind: Literal["and"] = "and"
    items: tuple[Condition, ...]


class Or(Frozen):
    kind: Literal["or"] = "or"
    items: tuple[Condition, ...]


class AtLeast(Frozen):
    """Yes if `count` of `items` are yes, no if fewer than `count` are not no, else maybe."""

    kind: Literal["at_least"] = "at_least"
    count: int
    items: tuple[Condition, ...]


FactAtom = FlagIs | Is | Within | Has | Empty | Compare | Between | Contains | Matches
Atom = FactAtom | Proposed
Condition = Annotated[
    FlagIs | Is | Within | Has | Empty | Compare | Between | Contains | Matches | Proposed | Not | And | Or | AtLeast,
    Field(discriminator="kind"),
]
# A condition of a rule has no `Proposed` in it and one of criteria nothing else for an atom: the compiler sees to it.
CriteriaCondition = Condition

for _model in (Not, And, Or, AtLeast):
    _model.model_rebuild()


def atoms(condition: Condition) -> Iterator[Atom]:
    """Every atom of a condition, in source order."""
    match condition:
        case Not(item=item):
            yield from atoms(item)
        case And(items=items) | Or(items=items) | AtLeast(items=items):
            for item in items:
                yield from atoms(item)
        case _:
            yield condition
