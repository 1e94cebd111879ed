"""What a recipe says of writing."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.models import EndpointSettings


class TemplateWriting(Frozen):
    """The policy's own texts."""

    mode: Literal["template"] = Field(
        default="template", description="Says whose words the rows are in: `template`, the policy's own texts."
    )


class PromptedWriting(Frozen):
    """A model writes under the rule as its instruction, and every text is verified; else the policy's own text."""

    mode: Literal["prompted"] = Field(
        default="prompted",
        description="Says whose words the rows are in: `prompted`, a model's, each checked against the policy.",
    )
    endpoint: EndpointSettings = Field(description="The server that the model is behind.")
    attempts: int = Field(default=3, ge=1, le=20, description="How often a text is asked for before the template's.")
    answer: bool = Field(default=True, description="Whether the model writes the answer too, or the reasoning alone.")
    images: bool = Field(default=True, description="Whether the model sees the images, or the facts alone.")
    max_words: int = Field(default=160, ge=20, le=2000, description="The most words of the reasoning.")
    max_answer_words: int = Field(default=300, ge=10, le=5000, description="The most words of the answer.")


Writing = Annotated[TemplateWriting | PromptedWriting, Field(discriminator="mode")]
