"""Conditions as they are evaluated: atoms over facts, joined by `not`, `and`, `or`, `at least`.

Names (groups, lets, params) are resolved; the label of a group, phrase set or param is kept beside the values
because texts and printed conditions use it. Negative forms (`is not`, `has none of`) are a `Not` around an atom,
which strong Kleene logic does not distinguish from an atom of their own.

What an atom is made of stands at its class; what it comes to and how it is written, in
:mod:`safecot_dsl.engine.operators`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, ClassVar, Literal, Self

import re2
from pydantic import ConfigDict, Field

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.artifact.facts import Fact, FlagType, NumberType, OneOfType, SetType, TextType

#: Versions before coarse values wrote conditions on taxonomies without what stands above.
COMPILE_AGAIN = "compile the policy again with `safecotc compile`"


class _OnFact(Frozen):
    """What atoms over facts have in common: what can be asked of one without knowing which it is."""

    model_config = ConfigDict(defer_build=False)

    #: The type of the facts that it reads.
    reads: ClassVar[type[FlagType] | type[OneOfType] | type[SetType] | type[NumberType] | type[TextType]]

    @property
    def listed(self) -> tuple[str, ...]:
        """The values of its fact, or the phrases, that it lists, written out."""
        return ()

    @property
    def named(self) -> tuple[str, ...]:
        """The same as they are written: of nodes of a taxonomy without what is below them."""
        return self.listed

    @property
    def grouped(self) -> str | None:
        """The name of the group that they are written as."""
        return None

    @property
    def label(self) -> str | None:
        """The name of whatever stands for all that it lists."""
        return self.grouped

    def plain(self) -> Self:
        """The same with numbers where params gave them."""
        return self

    def unlabelled(self) -> FactAtom:
        """The same with what it lists written out, where the language can write it so."""
        return self  # pyright: ignore[reportReturnType] - each subclass is one of them

    def renamed(self, fact: Fact, value: Callable[[str], str]) -> FactAtom:
        """The same of another fact, whose values have other names; those of a taxonomy stand as they stood."""
        del value
        return self.model_copy(update={"fact": fact.name})  # pyright: ignore[reportReturnType]

    def faults(self, fact: Fact) -> Iterator[str]:
        """What of it does not fit its fact, which is of the type that it reads."""
        del fact
        return iter(())


class FlagIs(_OnFact):
    """The flag is yes."""

    reads = FlagType
    kind: Literal["flag"] = Field(default="flag", description="Always `flag`: the flag is yes.")
    fact: str = Field(description="The full name of the fact.")


class Is(_OnFact):
    """The value is one of `values` (`is v`, `in {...}`, `in GROUP`).

    Of a fact that ranges over a taxonomy `nodes` are what is named, `values` these and all below them, and `above` what
    stands above any of them and is none of them: of a value there it is maybe.
    """

    reads = OneOfType
    kind: Literal["is"] = Field(default="is", description="Always `is`: the value is one of some.")
    fact: str = Field(description="The full name of the fact.")
    values: tuple[str, ...] = Field(
        description="The values of which it is one; of a taxonomy the nodes named and all below them."
    )
    group: str | None = Field(default=None, description="The name of the group that the values were written as.")
    nodes: tuple[str, ...] = Field(
        default=(), exclude_if=lambda nodes: not nodes, description="Of a taxonomy, the nodes that are named."
    )
    above: tuple[str, ...] = Field(
        default=(),
        exclude_if=lambda above: not above,
        description="Of a taxonomy, the values above those named: of a value here the condition is maybe.",
    )

    @property
    def listed(self) -> tuple[str, ...]:
        return self.values

    @property
    def named(self) -> tuple[str, ...]:
        return self.nodes or self.values

    @property
    def grouped(self) -> str | None:
        return self.group

    def unlabelled(self) -> Is:
        return self.model_copy(update={"group": None})

    def renamed(self, fact: Fact, value: Callable[[str], str]) -> Is:
        return is_one_of(fact, map(value, self.named), self.group)

    def faults(self, fact: Fact) -> Iterator[str]:
        yield from foreign(self.named, fact)
        if (_is_tree(fact) or self.nodes or self.above) and self != is_one_of(fact, self.named, self.group):
            yield f"a condition on `{fact.name}` does not follow its taxonomy: {COMPILE_AGAIN}"


class Within(_OnFact):
    """The value is the taxonomy's `node` or below it (`is NODE`, `is within NODE`); `values` lists these nodes, `above`
    what stands above them: of a value there it is maybe."""

    reads = OneOfType
    kind: Literal["within"] = Field(
        default="within", description="Always `within`: the value is a node of the taxonomy, or below it."
    )
    fact: str = Field(description="The full name of the fact.")
    node: str = Field(description="The node that is named.")
    values: tuple[str, ...] = Field(description="The node and all values below it.")
    above: tuple[str, ...] = Field(
        default=(),
        exclude_if=lambda above: not above,
        description="The values above the node: of a value here the condition is maybe.",
    )

    @property
    def listed(self) -> tuple[str, ...]:
        return self.values

    @property
    def named(self) -> tuple[str, ...]:
        return (self.node,)

    @property
    def label(self) -> str | None:
        return self.node

    def unlabelled(self) -> Is:
        return Is(fact=self.fact, values=self.values)

    def renamed(self, fact: Fact, value: Callable[[str], str]) -> Within:
        return is_within(fact, value(self.node))

    def faults(self, fact: Fact) -> Iterator[str]:
        yield from foreign((self.node,), fact)
        if not _is_tree(fact) or self != is_within(fact, self.node):
            yield f"a condition on `{fact.name}` does not follow its taxonomy: {COMPILE_AGAIN}"


class Has(_OnFact):
    """The set has any, or all, of `values`: any of none is no, all of none is yes."""

    reads = SetType
    kind: Literal["has"] = Field(default="has", description="Always `has`: the set has some values.")
    fact: str = Field(description="The full name of the fact.")
    quantifier: Literal["any", "all"] = Field(
        description="Whether any of the values is enough, or all of them are wanted."
    )
    values: tuple[str, ...] = Field(description="The values that are looked for in the set.")
    group: str | None = Field(default=None, description="The name of the group that the values were written as.")

    @property
    def listed(self) -> tuple[str, ...]:
        return self.values

    @property
    def grouped(self) -> str | None:
        return self.group

    def unlabelled(self) -> Has:
        return self.model_copy(update={"group": None})

    def renamed(self, fact: Fact, value: Callable[[str], str]) -> Has:
        return self.model_copy(update={"fact": fact.name, "values": tuple(map(value, self.values))})

    def faults(self, fact: Fact) -> Iterator[str]:
        yield from foreign(self.values, fact)


class Empty(_OnFact):
    """The set is empty."""

    reads = SetType
    kind: Literal["empty"] = Field(default="empty", description="Always `empty`: the set is empty.")
    fact: str = Field(description="The full name of the fact.")


class Compare(_OnFact):
    """The number stands in the relation `operator` to `value`, which came from `param` where that is given."""

    reads = NumberType
    kind: Literal["compare"] = Field(
        default="compare", description="Always `compare`: the number is compared with another."
    )
    fact: str = Field(description="The full name of the fact.")
    operator: Literal["<", "<=", ">", ">="] = Field(
        description="How the number stands to `value`, with the number on the left."
    )
    value: float = Field(description="What it is compared with.")
    param: str | None = Field(default=None, description="The full name of the param that gave the value.")

    def plain(self) -> Self:
        return self.model_copy(update={"param": None})

    def faults(self, fact: Fact) -> Iterator[str]:
        yield from _beyond((self.value,), fact)


class Between(_OnFact):
    """`low` <= number <= `high`."""

    reads = NumberType
    kind: Literal["between"] = Field(default="between", description="Always `between`: the number is in a range.")
    fact: str = Field(description="The full name of the fact.")
    low: float = Field(description="The least value, included.")
    high: float = Field(description="The greatest value, included.")
    low_param: str | None = Field(default=None, description="The full name of the param that gave `low`.")
    high_param: str | None = Field(default=None, description="The full name of the param that gave `high`.")

    def plain(self) -> Self:
        return self.model_copy(update={"low_param": None, "high_param": None})

    def faults(self, fact: Fact) -> Iterator[str]:
        yield from _beyond((self.low, self.high), fact)
        if self.low > self.high:
            yield f"nothing is between {self.low:g} and {self.high:g}"


class Contains(_OnFact):
    """The text contains any of `phrases` after NFKC, case folding and NFKC again on both sides."""

    reads = TextType
    kind: Literal["contains"] = Field(default="contains", description="Always `contains`: the text has a phrase in it.")
    fact: str = Field(description="The full name of the fact.")
    phrases: tuple[str, ...] = Field(
        description="The phrases of which any is enough; case, and forms of a letter that Unicode counts as "
        "one (NFKC), make no difference."
    )
    phrase_set: str | None = Field(default=None, description="The full name of the set that the phrases come from.")

    @property
    def listed(self) -> tuple[str, ...]:
        return self.phrases

    @property
    def label(self) -> str | None:
        return self.phrase_set


class Matches(_OnFact):
    """RE2 finds `pattern` somewhere in the raw text."""

    reads = TextType
    kind: Literal["matches"] = Field(default="matches", description="Always `matches`: a pattern is found in the text.")
    fact: str = Field(description="The full name of the fact.")
    pattern: str = Field(description="A regular expression as RE2 takes it; it may match anywhere in the raw text.")
    ignore_case: bool = Field(default=False, description="Whether capital and small letters count as one.")

    def faults(self, fact: Fact) -> Iterator[str]:
        del fact
        if not is_pattern(self.pattern, self.ignore_case):
            yield "a pattern that cannot be used"


class Proposed(Frozen):
    """In criteria: the proposition holds of the response."""

    kind: Literal["proposition"] = Field(
        default="proposition", description="Always `proposition`: in criteria, a proposition holds of the response."
    )
    name: str = Field(description="The name of the proposition.")


class Not(Frozen):
    kind: Literal["not"] = Field(default="not", description="Always `not`.")
    item: Condition = Field(description="The condition that is denied; of a maybe it is maybe.")


class And(Frozen):
    kind: Literal["and"] = Field(default="and", description="Always `and`.")
    items: tuple[Condition, ...] = Field(description="The conditions that must all hold.")


class Or(Frozen):
    kind: Literal["or"] = Field(default="or", description="Always `or`.")
    items: tuple[Condition, ...] = Field(description="The conditions of which one must hold.")


class AtLeast(Frozen):
    """Yes if `count` of `items` are yes, no if fewer than `count` are not no, else maybe."""

    kind: Literal["at_least"] = Field(default="at_least", description="Always `at_least`.")
    count: int = Field(description="How many of the conditions must hold.")
    items: tuple[Condition, ...] = Field(description="The conditions that are counted.")


FactAtom = FlagIs | Is | Within | Has | Empty | Compare | Between | Contains | Matches
#: Those that are maybe of a value that stands `above`, in a taxonomy, what they ask for.
TreeAtom = Is | Within
Atom = FactAtom | Proposed
Condition = Annotated[FactAtom | Proposed | Not | And | Or | AtLeast, Field(discriminator="kind")]
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


def fact_atoms(*conditions: Condition | None) -> Iterator[FactAtom]:
    """Every atom over facts of some conditions, in source order; None has none."""
    for condition in conditions:
        for atom in atoms(condition) if condition is not None else ():
            if not isinstance(atom, Proposed):
                yield atom


def facts_read(*conditions: Condition | None) -> list[str]:
    """The names of the facts that conditions over facts read, each once, in source order; None reads nothing."""
    return list(dict.fromkeys(atom.fact for atom in fact_atoms(*conditions)))


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


def foreign(values: Iterable[str], fact: Fact) -> Iterator[str]:
    """A fault for each of these that is no value of the fact."""
    known = (
        {value.name for value in fact.type.values} if isinstance(fact.type, OneOfType | SetType) else frozenset[str]()
    )
    yield from (f"`{value}` is no value of `{fact.name}`" for value in values if value not in known)


def is_pattern(pattern: str, ignore_case: bool) -> bool:
    """Does RE2 take the pattern?"""
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not ignore_case
    try:
        re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError):
        return False
    return True


def _is_tree(fact: Fact) -> bool:
    return isinstance(fact.type, OneOfType) and fact.type.taxonomy is not None


def _beyond(values: Iterable[float], fact: Fact) -> Iterator[str]:
    assert isinstance(fact.type, NumberType)
    low, high = fact.type.low, fact.type.high
    yield from (f"{value:g} is out of the range of `{fact.name}`" for value in values if not low <= value <= high)


def _above(type_: OneOfType, named: Iterable[str], below: Iterable[str]) -> tuple[str, ...]:
    """What stands above any of the nodes and is not among `below`, in the order of declaration."""
    found = {above for node in named for above in type_.above(node)} - set(below)
    return tuple(value.name for value in type_.values if value.name in found)
