"""What a recipe chooses: how much reasoning is said, between which tags, and where it stands."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, field_validator, model_validator

from safecot_dsl.artifact.base import Frozen


class ReasoningStyle(StrEnum):
    """`minimal` is the conclusions of the deciding rules and what is decided; `full` is what is seen, asked and known
    besides before these; `stepwise` weighs each rule that is in question, in the place of the conclusions alone."""

    MINIMAL = "minimal"
    FULL = "full"
    STEPWISE = "stepwise"


class Lookups(StrEnum):
    """How it is said which of the things seen belong to a group: of the `things` together ("The vial and the flask each
    count as an acid, the cup does not."), of `each` thing in a sentence of its own, first of those that belong, of the
    `group` ("What counts as an acid is the vial."), or behind a question: `asked`, of the things together ("What counts
    as an acid? The vial counts as an acid, the cup does not."), and `in_turn`, of each thing in the order seen ("What
    counts as an acid? The cup does not, the vial does.").

    A sentence that begins with the things has to know by then which group it will name; behind a question that stands
    there to be read. And all but the last begin with a thing that belongs, or with "neither": which things belong has
    to be known before any is named. In turn, each thing is named before it is judged."""

    THINGS = "things"
    EACH = "each"
    GROUP = "group"
    ASKED = "asked"
    IN_TURN = "in_turn"

    @property
    def asks(self) -> bool:
        """Whether a look-up stands behind its question."""
        return self in (Lookups.ASKED, Lookups.IN_TURN)


class PartsTold(StrEnum):
    """What is said of an `and` that fails: `failing`, the first part that fails and no other, or `in_order`, the parts
    before it that hold as well ("The hammer counts as a weapon. It was not taken in a street."). With the first, what a
    line begins with hangs on which part will fail; with the second it is the first part of the condition."""

    FAILING = "failing"
    IN_ORDER = "in_order"


class Reasoning(Frozen):
    """How a reasoning is written, besides its style; what is not the default is there to be compared with it.

    Whoever reads a text has to know with which settings it was written.
    """

    weigh: int = Field(default=3, ge=0, description="Of the rules in question that do not apply, so many are written.")
    lookups: Lookups = Field(default=Lookups.THINGS, description="How it is said what belongs to a group.")
    kinds: bool = Field(default=False, description="Whether what each thing seen counts as is said when it is seen.")
    again: bool = Field(
        default=False,
        description="Whether what was stated is said again where it settles a rule, before a denial too (`It was taken "
        "in a street. It was not taken in a kitchen.`).",
    )
    parts: PartsTold = Field(
        default=PartsTold.FAILING,
        description="What is said of an `and` that fails: the part that fails, or, in order, the parts before it too.",
    )


class Order(StrEnum):
    """Where the reasoning stands. The last two are control arms of an experiment."""

    REASONING_FIRST = "reasoning_first"
    ANSWER_ONLY = "answer_only"
    ANSWER_FIRST = "answer_first"


class Tags(Frozen):
    """What opens and closes the reasoning; model families differ.

    A tag begins with a character that is neither a letter, a digit nor a round bracket, and has no white space and no
    opening round bracket in it: :func:`~safecot_dsl.render.neutralise` puts a round bracket in the place of the first
    character of a tag that stands in data.
    """

    open: str = Field(
        default="<think>",
        description="What stands before the reasoning: two characters or more, without white space or `(`, that begin "
        "with a sign.",
    )
    close: str = Field(default="</think>", description="What stands after the reasoning, in the same way.")

    @field_validator("open", "close")
    @classmethod
    def _is_a_tag(cls, tag: str) -> str:
        if len(tag) < 2 or tag[0].isalnum() or tag[0] == ")" or any(c.isspace() or c == "(" for c in tag):
            raise ValueError(
                f"`{tag}` is no tag: write two characters or more, such as `<think>`, that begin with a sign other "
                "than a round bracket and have neither white space nor `(` in them"
            )
        return tag

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.open in self.close or self.close in self.open:
            raise ValueError("one of the tags stands within the other: write two that can be told apart")
        return self
