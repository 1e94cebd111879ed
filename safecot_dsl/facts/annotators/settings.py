"""Annotators as a recipe names them: which fact each fills, from what, and from when on it is sure enough.

Where an annotator is not sure the fact stays unknown, in one of two ways (`unsure`). That a reader cannot make out the
words of a blurred picture, or a model cannot tell where it was taken, holds for whoever sees it: rows may teach to ask.
That a pattern does not match, or a sentence is like two examples, is the tool's own limit: rows that asked about such a
picture would teach to ask about what everybody can see.

```yaml
annotators:
  - {kind: ocr, fact: image.text}
  - {kind: embedding, fact: image.topic, reads: image.text, margin: 0.05}
  - {kind: pattern, fact: query.act, patterns: {transcribe: ["read (it|this) out"]}, otherwise: other}
```
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, JsonValue, model_validator

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.models import EndpointSettings

_Share = Annotated[float, Field(ge=0, le=1)]
_Overwrite = Annotated[bool, Field(description="Whether what is found replaces a label. An unknown never does.")]
_Unsure = Annotated[
    Literal["cannot_tell", "not_annotated"],
    Field(
        description="What a fact is that the annotator is not sure of: `cannot_tell`, so that rows teach to ask for "
        "it, or `not_annotated`, since what this annotator cannot tell another could."
    ),
]
_Reads = Annotated[str, Field(description="`prompt`, or the full name of a text fact.")]


def _label(value: object) -> str:
    """A value as a key: YAML reads `yes` as a truth value, not as text."""
    return value if isinstance(value, str) else json.dumps(value)


def _labels(value: object) -> object:
    return {_label(key): item for key, item in value.items()} if isinstance(value, Mapping) else value


_Texts = Annotated[
    dict[str, tuple[Annotated[str, Field(min_length=1)], ...]],
    BeforeValidator(_labels),
    Field(description="Texts by the value that they stand for; of a flag the values are `true` and `false`."),
]


class Ocr(Frozen):
    """Reads the text in a request's images, in reading order, into a text fact. No text is the empty text.

    Of each line the recogniser states a confidence from 0 to 1. From `min_confidence` on a line counts as read; below
    `noise` as no text at all (texture and ornament are taken for letters); between the two there is text, nobody can
    tell which, and the whole fact is unknown. `clarity` names a score fact that is to have the confidence of the
    least sure line that is not noise, 1 where there is none.
    """

    kind: Literal["ocr"] = Field(default="ocr", description="Says which kind of annotator this is: `ocr`.")
    fact: str = Field(description="The full name of the text fact that is filled, such as `image.text`.")
    clarity: str | None = Field(
        default=None,
        description="The full name of a score fact that gets the confidence of the least sure line, 1 where there is "
        "none. Default: it is kept nowhere.",
    )
    min_confidence: _Share = Field(
        default=0.8, description="The confidence, from 0 to 1, from which on a line counts as read."
    )
    noise: _Share = Field(
        default=0.3,
        description="The confidence, from 0 to 1, below which a line counts as no text at all. Between the two the "
        "fact is unknown.",
    )
    unsure: _Unsure = "cannot_tell"
    overwrite: _Overwrite = False

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.noise > self.min_confidence:
            raise ValueError(f"`noise` is above `min_confidence` ({self.noise:g} > {self.min_confidence:g})")
        return self


class Nsfw(Frozen):
    """Scores a request's images for nudity, from 0 to 1 (Yahoo's Open NSFW); the highest score counts.

    A score fact gets the score. A flag, or a fact with named values, gets `yes` from `yes_from` on and `no` up to
    `no_to`; between the two it is unknown. The default band is the one that the model's makers advise.
    """

    kind: Literal["nsfw"] = Field(default="nsfw", description="Says which kind of annotator this is: `nsfw`.")
    fact: str = Field(
        description="The full name of the fact that is filled: a score, a flag, or one with named values."
    )
    yes: JsonValue = Field(
        default=True, description="The value for pictures that show nudity; a score fact gets the score instead."
    )
    no: JsonValue = Field(default=False, description="The value for pictures that show none.")
    yes_from: _Share = Field(default=0.8, description="The score, from 0 to 1, from which on the value is `yes`.")
    no_to: _Share = Field(
        default=0.2,
        description="The score, from 0 to 1, up to which the value is `no`. Between the two the fact is unknown.",
    )
    unsure: _Unsure = "not_annotated"
    overwrite: _Overwrite = False

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.no_to >= self.yes_from:
            raise ValueError(f"`no_to` must be below `yes_from`, not {self.no_to:g} and {self.yes_from:g}")
        return self


class Pattern(Frozen):
    """Looks for RE2 patterns in a text. The value is the one whose patterns are found; of a set, all of them.

    Where none is found the value is `otherwise`, and unknown without it. Where patterns of several values are found,
    it is unknown, or with `several: first` the first in the recipe's order.
    """

    kind: Literal["pattern"] = Field(default="pattern", description="Says which kind of annotator this is: `pattern`.")
    fact: str = Field(description="The full name of the fact that is filled.")
    reads: _Reads = "prompt"
    patterns: _Texts = Field(min_length=1)
    otherwise: JsonValue = Field(
        default=None, description="The fact's value where no pattern is found. Default: it is unknown."
    )
    several: Literal["unknown", "first"] = Field(
        default="unknown",
        description="What holds where patterns of several values are found: the fact is `unknown`, or has the `first` "
        "value in the recipe's order. Of a set, all are taken.",
    )
    ignore_case: bool = Field(default=True, description="Whether capital and small letters count as the same.")
    unsure: _Unsure = "not_annotated"
    overwrite: _Overwrite = False


class Embedding(Frozen):
    """Takes the value whose examples a text is most like, by the cosine of sentence embeddings (all-MiniLM-L6-v2).

    Lines without a letter, such as the numbers of an empty list, mean nothing and are left out. Examples are sentences
    by value: `examples` in the recipe; `file`, a JSONL of `{"text", "value"}`; with `phrases`,
    the phrases that the policy gives to the fact's values; with `policy_examples`, the policy's own examples in which
    both the fact and the text that is read are given. The likeness to a value is the mean over its `nearest` most
    alike examples (all of them where it has fewer).

    The value is told where it is at least `minimum` like and `margin` ahead of the next. Where no value is at least
    `minimum` like, the fact has the value `otherwise`, and is unknown without it. `empty` is its value for a text
    without a letter, which is like nothing.
    """

    kind: Literal["embedding"] = Field(
        default="embedding", description="Says which kind of annotator this is: `embedding`."
    )
    fact: str = Field(description="The full name of the fact that is filled.")
    reads: _Reads = "prompt"
    examples: _Texts = Field(default_factory=dict)
    file: str | None = Field(
        default=None,
        description='A JSONL file of further examples, `{"text", "value"}` a line, relative to the recipe\'s folder.',
    )
    phrases: bool = Field(
        default=True, description="Whether the phrases that the policy gives to the fact's values are examples too."
    )
    policy_examples: bool = Field(
        default=False, description="Whether the policy's own examples are examples too, where they give both facts."
    )
    nearest: int = Field(
        default=3, ge=1, description="Over how many of a value's most alike examples the likeness is averaged."
    )
    minimum: Annotated[float, Field(ge=-1, le=1)] = Field(
        default=0.25, description="The least likeness to a value, as a cosine from -1 to 1, with which it is told."
    )
    margin: Annotated[float, Field(ge=0, le=2)] = Field(
        default=0.05, description="How far ahead of the next value it must be, as a difference of cosines from 0 to 2."
    )
    otherwise: JsonValue = Field(
        default=None, description="The fact's value where no value is alike enough. Default: it is unknown."
    )
    empty: JsonValue = Field(
        default=None,
        description="The fact's value for a text without a letter, which is like nothing. Default: it is unknown.",
    )
    unsure: _Unsure = "not_annotated"
    overwrite: _Overwrite = False


class Model(Frozen):
    """Asks a model for facts in the policy's own terms, about a request's prompt and its images.

    `facts` are the facts to ask for. `reads` are text facts that the model is told as well, such as `image.text` for
    one that cannot see (`images: false`). A value is told from `min_confidence` on, by the model's own statement.
    The model is behind an `endpoint`, or in a folder (`local`); neither where the caller brings one.
    """

    kind: Literal["model"] = Field(default="model", description="Says which kind of annotator this is: `model`.")
    facts: tuple[str, ...] = Field(min_length=1, description="The full names of the facts that the model is asked for.")
    endpoint: EndpointSettings | None = Field(
        default=None, description="The server that the model is behind. Give this or `local`."
    )
    local: str | None = Field(default=None, description="A folder or hub id of an image-text-to-text model.")
    reads: tuple[str, ...] = Field(
        default=(),
        description="Full names of text facts that the model is told as well, such as `image.text` for one that "
        "cannot see.",
    )
    images: bool = Field(default=True, description="Whether the model is shown the request's pictures.")
    min_confidence: _Share = Field(
        default=0.7,
        description="The confidence, from 0 to 1 and stated by the model itself, from which on its value is taken.",
    )
    max_tokens: int = Field(default=1024, ge=1, description="Of the answer of a `local` model.")
    unsure: _Unsure = "cannot_tell"
    overwrite: _Overwrite = False

    @model_validator(mode="after")
    def _one_model(self) -> Self:
        if self.endpoint is not None and self.local is not None:
            raise ValueError("give `endpoint` or `local`, not both")
        return self


Annotator = Annotated[Ocr | Nsfw | Pattern | Embedding | Model, Field(discriminator="kind")]
