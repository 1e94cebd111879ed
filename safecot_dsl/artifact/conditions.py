"""Conditions as they are evaluated: atoms over facts, joined by `not`, `and`, `or`, `at least`.

Names (groups, lets, params) are resolved; the label of a group, phrase set or param is kept beside the values
because texts and printed conditions use it. Negative forms (`is not`, `has none of`) are a `Not` around an atom,
which strong Kleene logic does not distinguish from an atom of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from pydantic import Field

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.artifact.facts import Fact, OneOfType


class FlagIs(Frozen):
    """The flag is yes."""

    kind: Literal["flag"] = "flag"
    fact: str


class Is(Frozen):
    """The value is one of `values` (`is v`, `in {...}`, `in GROUP`).

    Of a fact that ranges over a taxonomy `nodes` are what is named, `values` these and all below them, and `above` what
    stands above any of them and is none of them: of a value there it is maybe.
    """

    kind: Literal["is"] = "is"
    fact: str
    values: tuple[str, ...]
    group: str | None = None
    nodes: tuple[str, ...] = Field(default=(), exclude_if=lambda nodes: not nodes)
    above: tuple[str, ...] = Field(default=(), exclude_if=lambda above: not above)

    @property
    def named(self) -> tuple[str, ...]:
        """The values as they are written."""
        return self.nodes or self.values


class Within(Frozen):
    """The value is the taxonomy's `node` or below it (`is NODE`, `is within NODE`); `values` lists these nodes, `above`
    what stands above them: of a value there it is maybe."""

    kind: Literal["within"] = "within"
    fact: str
    node: str
    values: tuple[str, ...]
    above: tuple[str, ...] = Field(default=(), exclude_if=lambda above: not above)


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


def facts_read(*conditions: Condition | None) -> list[str]:
    """The names of the facts that conditions over facts read, each once, in source order; None reads nothing."""
    found = (atom for condition in conditions if condition is not None for atom in atoms(condition))
    return list(dict.fromkeys(atom.fact for atom in found))  # pyright: ignore[reportAttributeAccessIssue]  (no propositions)


def is_one_of(fact: Fact, values: Iterable[str], group: str | None = None) -> Is:
    """That a `one of` fact is one of these values; of nodes of a taxonomy, that it is one of them or below one."""
    assert isinstance(fact.type, OneOfType)
    named = tuple(dict.fromkeys(values))
    if fact.type.taxonomy is None:
        return Is(fact=fact.name, values=named, group=group)
    below = fact.type.below(named)
    return Is(fact=fact.name, values=below, group=group, nodes=named, above=_above(fact.type, named, below))


def is_within(fact: Fact, node: str) -> Within:
    """That a fact that ranges over a taxonomy is this node or below it."""
    assert isinstance(fact.type, OneOfType)
    below = fact.type.below((node,))
    return Within(fact=fact.name, node=node, values=below, above=_above(fact.type, (node,), below))


def _above(type_: OneOfType, named: Iterable[str], below: Iterable[str]) -> tuple[str, ...]:
    """What stands above any of the nodes and is not among `below`, in the order of declaration."""
    found = {above for node in named for above in type_.above(node)} - set(below)
    return tuple(value.name for value in type_.values if value.name in found)
