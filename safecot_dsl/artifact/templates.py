"""Texts with slots. A slot is data: filled from a case, never evaluated."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from safecot_dsl.artifact.base import Frozen


class Text(Frozen):
    kind: Literal["text"] = Field(default="text", description="Always `text`: words that stand as they are.")
    text: str = Field(description="The words.")


class FactSlot(Frozen):
    """The known value of a fact in its phrases; with `among`, narrowed to these values of a set or `one of` fact."""

    kind: Literal["fact"] = Field(
        default="fact", description="Always `fact`: filled with the known value of a fact, in its phrases."
    )
    fact: str = Field(description="The full name of the fact.")
    among: tuple[str, ...] | None = Field(default=None, description="The values that are told; absent where all are.")


class ValueSlot(Frozen):
    """In a sentence of a fact or a group: the phrases of the values that it is about."""

    kind: Literal["value"] = Field(
        default="value", description="Always `value`: filled with the phrases of the values that the sentence is about."
    )


class HazardSlot(Frozen):
    """The phrase of the rule's hazard."""

    kind: Literal["hazard"] = Field(
        default="hazard", description="Always `hazard`: filled with the phrase of the rule's hazard."
    )


class TitleSlot(Frozen):
    """The rule's title, else its name in words."""

    kind: Literal["title"] = Field(
        default="title", description="Always `title`: filled with the rule's title, or its name in words."
    )


class UnknownSlot(Frozen):
    """The unsettled facts that have an `ask` phrase, in the order of declaration."""

    kind: Literal["unknown"] = Field(
        default="unknown", description="Always `unknown`: filled with the facts that are still to be asked for."
    )


Segment = Annotated[Text | FactSlot | ValueSlot | HazardSlot | TitleSlot | UnknownSlot, Field(discriminator="kind")]
Template = tuple[Segment, ...]
