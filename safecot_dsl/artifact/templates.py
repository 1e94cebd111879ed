"""Texts with slots. A slot is data: filled from a case, never evaluated."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from safecot_dsl.artifact.base import Frozen


class Text(Frozen):
    kind: Literal["text"] = "text"
    text: str


class FactSlot(Frozen):
    """The known value of a fact in its phrases; with `among`, narrowed to these values of a set or `one of` fact."""

    kind: Literal["fact"] = "fact"
    fact: str
    among: tuple[str, ...] | None = None


class ValueSlot(Frozen):
    """In a sentence of a fact or a group: the phrases of the values that it is about."""

    kind: Literal["value"] = "value"


class HazardSlot(Frozen):
    """The phrase of the rule's hazard."""

    kind: Literal["hazard"] = "hazard"


class TitleSlot(Frozen):
    """The rule's title, else its name in words."""

    kind: Literal["title"] = "title"


class UnknownSlot(Frozen):
    """The unsettled facts that have an `ask` phrase, in the order of declaration."""

    kind: Literal["unknown"] = "unknown"


Segment = Annotated[Text | FactSlot | ValueSlot | HazardSlot | TitleSlot | UnknownSlot, Field(discriminator="kind")]
Template = tuple[Segment, ...]
