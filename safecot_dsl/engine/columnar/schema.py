"""The columns of a table of cases, and of one of decisions.

| fact      | columns                                                                                      |
|-----------|----------------------------------------------------------------------------------------------|
| flag      | Boolean                                                                                      |
| one of    | Enum of the values, in the order of declaration                                              |
| set of    | bit mask, bit n for the n-th value: the narrowest unsigned type, `NAME.0`, `NAME.1`, … of 64 |
|           | bits each where there are more than 64 values                                                |
| number    | Float64                                                                                      |
| text      | String                                                                                       |

Null is not known. `cannot_tell.0`, … have a bit for each fact in the order of declaration, set where somebody looked
and could not tell: what keeps that apart from a fact that nobody annotated.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from safecot_dsl.artifact import CompiledPolicy, Fact, FlagType, NumberType, OneOfType, SetType, TextType, Verdict

if TYPE_CHECKING:
    import polars as pl

WORD = 64  # bits
#: The columns of a decision that are lists of rules or facts, as masks in words of 64 bits.
MASKS = ("deciding", "effective", "undecided", "unsettled", "assumed")
#: The columns of a decision that hold one value.
SINGLE = ("verdict", "lower", "upper", "certain", "speaker")


def word_names(name: str, bits: int) -> tuple[str, ...]:
    """The columns of a mask in words of 64 bits; one word at least."""
    return tuple(f"{name}.{word}" for word in range(max(1, -(-bits // WORD))))


def set_columns(fact: Fact) -> tuple[str, ...]:
    """The columns of a set's mask: the fact's own name where it has no more than 64 values."""
    assert isinstance(fact.type, SetType)
    size = len(fact.type.values)
    return (fact.name,) if size <= WORD else word_names(fact.name, size)


def fact_columns(fact: Fact) -> dict[str, pl.DataType]:
    """The columns of a fact and their types."""
    import polars as pl

    match fact.type:
        case FlagType():
            return {fact.name: pl.Boolean()}
        case OneOfType(values=values):
            return {fact.name: pl.Enum([value.name for value in values])}
        case SetType(values=values):
            widths = {8: pl.UInt8(), 16: pl.UInt16(), 32: pl.UInt32()}
            narrow = next((type_ for width, type_ in widths.items() if len(values) <= width), pl.UInt64())
            return dict.fromkeys(set_columns(fact), narrow)
        case NumberType():
            return {fact.name: pl.Float64()}
        case TextType():
            return {fact.name: pl.String()}


class Layout:
    """The columns of a policy's cases and decisions.

    `rules` are in the order in which they speak: the one with the most severe hazard first, ties by name. Bit n of a
    mask of rules is the n-th of them, so that the lowest bit of `deciding` is the speaker. Bit n of a mask of facts is
    the n-th declared fact.
    """

    def __init__(self, policy: CompiledPolicy, rules: Sequence[str]) -> None:
        self.policy = policy
        self.rules = tuple(rules)
        self.facts = tuple(fact.name for fact in policy.facts)
        self.speakers = (*rules, "default", "unsure")

    @cached_property
    def cases(self) -> pl.Schema:
        """The columns of cases."""
        import polars as pl

        columns: dict[str, pl.DataType] = {}
        for fact in self.policy.facts:
            columns |= fact_columns(fact)
        return pl.Schema(columns | dict.fromkeys(self.cannot_tell, pl.UInt64()))

    @property
    def cannot_tell(self) -> tuple[str, ...]:
        return word_names("cannot_tell", len(self.facts))

    def words(self, mask: str) -> tuple[str, ...]:
        """The columns of one of :data:`MASKS`."""
        return word_names(mask, len(self.names(mask)))

    def names(self, mask: str) -> tuple[str, ...]:
        """What the bits of one of :data:`MASKS` stand for."""
        return self.facts if mask in ("unsettled", "assumed") else self.rules

    @cached_property
    def decisions(self) -> pl.Schema:
        """The columns of decisions."""
        import polars as pl

        verdict = pl.Enum([verdict.value for verdict in Verdict])
        columns: dict[str, pl.DataType] = {
            "verdict": verdict,
            "lower": verdict,
            "upper": verdict,
            "certain": pl.Boolean(),
            "speaker": pl.Enum(self.speakers),
        }
        for mask in MASKS:
            columns |= dict.fromkeys(self.words(mask), pl.UInt64())
        return pl.Schema(columns)
