"""The declared, typed facts that conditions range over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.artifact.templates import Template


class Subject(StrEnum):
    """What a fact is about: all images of a request together, its query, or its context."""

    IMAGE = "image"
    QUERY = "query"
    CONTEXT = "context"


class ValueName(Frozen):
    """A value of a finite domain: its name in conditions, and the phrase that texts use for it.

    `parent` is the value that a node of a taxonomy stands below; None for a root, and where the domain is no taxonomy.
    """

    name: str = Field(description="The name that conditions use.")
    phrase: str = Field(description="The words that texts use for it.")
    parent: str | None = Field(
        default=None,
        exclude_if=lambda parent: parent is None,
        description="Of a node of a taxonomy, the value that it stands below; absent for a root, and where "
        "the domain is no taxonomy.",
    )


class FlagType(Frozen):
    """Yes or no."""

    kind: Literal["flag"] = Field(default="flag", description="Always `flag`: yes or no.")


class OneOfType(Frozen):
    """One value of a finite domain; `taxonomy` names the tree where the domain is one: its nodes are the values,
    parents before children.

    A value that others stand below is *coarse*: the truth lies somewhere below it, and nobody could say where. The
    others are *leaves*.
    """

    kind: Literal["one_of"] = Field(default="one_of", description="Always `one_of`: one value of a finite domain.")
    values: tuple[ValueName, ...] = Field(
        description="The values that the fact can have; of a taxonomy its nodes, parents before children."
    )
    taxonomy: str | None = Field(
        default=None,
        description="The full name of the taxonomy that the values come from; absent where they are a plain list.",
    )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the values, in the order of declaration."""
        return tuple(value.name for value in self.values)

    @cached_property
    def parents(self) -> dict[str, str | None]:
        """The value that each stands below."""
        return {value.name: value.parent for value in self.values}

    @cached_property
    def coarse(self) -> frozenset[str]:
        """The values that others stand below."""
        return frozenset(value.parent for value in self.values if value.parent is not None)

    @cached_property
    def leaves(self) -> tuple[str, ...]:
        """The values that nothing stands below, in the order of declaration."""
        return tuple(value.name for value in self.values if value.name not in self.coarse)

    def above(self, value: str) -> tuple[str, ...]:
        """The values that it stands below, the nearest first."""
        found: list[str] = []
        parent = self.parents.get(value)
        while parent is not None:
            found.append(parent)
            parent = self.parents.get(parent)
        return tuple(found)

    def as_tree(self) -> Iterator[tuple[int, ValueName]]:
        """The values as they stand below one another, each with its depth, 0 for a root; children in the order of
        declaration."""
        children: dict[str | None, list[ValueName]] = {}
        for value in self.values:
            children.setdefault(value.parent, []).append(value)
        waiting = [(0, value) for value in reversed(children.get(None, []))]
        while waiting:
            depth, value = waiting.pop()
            yield depth, value
            waiting.extend((depth + 1, child) for child in reversed(children.get(value.name, [])))

    def below(self, values: Iterable[str]) -> tuple[str, ...]:
        """These values and all that stand below them, in the order of declaration."""
        inside = set(values)
        for value in self.values:  # parents come before children
            if value.parent in inside:
                inside.add(value.name)
        return tuple(value.name for value in self.values if value.name in inside)

    def leaves_below(self, value: str) -> tuple[str, ...]:
        """The leaves at which the truth may lie where this value is known: the value itself, if it is one."""
        inside = set(self.below((value,)))
        return tuple(leaf for leaf in self.leaves if leaf in inside)


class SetType(Frozen):
    """Any subset of `values`, known whole or not at all."""

    kind: Literal["set_of"] = Field(default="set_of", description="Always `set_of`: any subset of the values.")
    values: tuple[ValueName, ...] = Field(description="The values that a set can have in it.")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the values, in the order of declaration."""
        return tuple(value.name for value in self.values)


class NumberType(Frozen):
    """A double from `low` to `high`, both included. A `score` is a number from 0 to 1."""

    kind: Literal["number"] = Field(default="number", description="Always `number`: a double in a range.")
    low: float = Field(description="The least value, included.")
    high: float = Field(description="The greatest value, included.")
    score: bool = Field(default=False, description="Whether it was declared as a `score`, a number from 0 to 1.")


class TextType(Frozen):
    """Any text."""

    kind: Literal["text"] = Field(default="text", description="Always `text`: any text.")


FactType = Annotated[FlagType | OneOfType | SetType | NumberType | TextType, Field(discriminator="kind")]


class Band(Frozen):
    """How a number is told in words: `texts` are alternatives for the values from where the band before it ends up to,
    and without, `below`; None in the last band, which has no end."""

    below: float | None = Field(
        default=None,
        description="Where the band ends; this value itself belongs to the next band. Absent in the last band.",
    )
    texts: tuple[Template, ...] = Field(description="Sentences for values in this band, of which one is drawn.")


class Fact(Frozen):
    """A declared fact.

    `name` is the full one (`image.objects`). `description` is the author's sentence on it and `ask` how a person is
    asked for it, both None where the author gave none. `assume` is what to suppose where the fact is unknown: a
    bool, a value's name, a tuple of names, a number or a text, by type.

    The rest are the author's sentences, alternatives of which one is drawn; empty where the author gave none, and the
    sentence is built. `says` states the value (of a flag, that it is so), `denies` that a flag is not so, or that a
    choice or a set is not, or lacks, the values named, and `none` that a set or a text is empty. A number has `bands`
    instead of `says`. In a flag's sentences there is no value to name.
    """

    name: str = Field(
        description="The full name, such as `image.objects`; what stands before the dot is what the fact is about."
    )
    type: FactType = Field(description="Which values the fact can have.")
    description: str | None = Field(default=None, description="The author's sentence on what the fact is.")
    says: tuple[Template, ...] = Field(
        default=(),
        description="Sentences that state the value (of a flag: that it is so), of which one is drawn. Where "
        "there are none, a sentence is built.",
    )
    denies: tuple[Template, ...] = Field(
        default=(),
        description="Sentences that say that a flag is not so, or that a choice is not, or a set lacks, the "
        "values named.",
    )
    none: tuple[Template, ...] = Field(default=(), description="Sentences that say that a set or a text is empty.")
    bands: tuple[Band, ...] = Field(
        default=(), description="Of a number, how it is told in words, from the lowest band to the highest."
    )
    ask: str | None = Field(
        default=None,
        description='What a person is asked for where the fact is not known, such as "where it was taken".',
    )
    assume: bool | float | str | tuple[str, ...] | None = Field(
        default=None,
        description="What is supposed where the fact is unknown: of the fact's type, and absent where nothing is.",
    )

    @property
    def subject(self) -> Subject:
        return Subject(self.name.split(".", 1)[0])

    @property
    def label(self) -> str:
        """How texts name the fact: its description without the final period, else its name in words."""
        if self.description:
            return self.description.strip().rstrip(".")
        return self.name.split(".", 1)[1].replace("_", " ")

    def is_coarse(self, value: object) -> bool:
        """Whether a known value leaves open what is so: an inner node of the taxonomy that the fact ranges over."""
        return isinstance(self.type, OneOfType) and value in self.type.coarse

    def phrase(self, value: str) -> str:
        """The phrase of one of the fact's values (`bleach` -> `a bottle of bleach`).

        Raises:
            KeyError: the fact has no such value.
            TypeError: it is of a type without named values.
        """
        if not isinstance(self.type, OneOfType | SetType):
            raise TypeError(f"`{self.name}` has no named values")
        for known in self.type.values:
            if known.name == value:
                return known.phrase
        raise KeyError(value)
