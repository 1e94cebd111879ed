"""A review: what one person said of one row at one time, and the digest that says whether the row is still that."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from json.encoder import encode_basestring
from typing import Any, Final, Literal, Self

from pydantic import Field, JsonValue, model_validator

from safecot_dsl.artifact.base import Frozen

Action = Literal["accept", "reject", "change_fact", "change_answer", "comment", "undo"]

#: Characters of an answer, of a comment and of a reviewer's name, at most.
LONGEST_ANSWER: Final = 20_000
LONGEST_COMMENT: Final = 4_000
LONGEST_NAME: Final = 80

#: The facts as a row holds them, its request, its verdict and its answer: the columns that :func:`row_digest` reads.
DIGESTED: Final = ("prompt", "image_sha256", "facts", "verdict", "answer")

# What `json` encodes a string with.
_quoted = encode_basestring


class Review(Frozen):
    """One line of a file of reviews. A line is never changed: what was said is taken back by a line of its own.

    The order of two reviews is that of `at`, and of `id` where these are equal.
    """

    id: str = Field(pattern=r"^[0-9a-f]{32}$", description="Unlike that of any other review.")
    row: str = Field(min_length=1, max_length=2_000, description="The row's key in the provenance: `source/id`.")
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$", description="Of the row as it was seen.")
    reviewer: str = Field(min_length=1, max_length=LONGEST_NAME, description="Who says so.")
    at: str = Field(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$", description="When, in UTC, to the microsecond."
    )
    action: Action
    fact: str | None = Field(default=None, description="Of `change_fact`: the fact's full name.")
    value: JsonValue = Field(
        default=None,
        description='Of `change_fact`: as in a case; `{"unknown": true}` where it cannot be told, null: not looked at.',
    )
    answer: str | None = Field(
        default=None, max_length=LONGEST_ANSWER, description="Of `change_answer`: the whole answer."
    )
    comment: str | None = Field(default=None, max_length=LONGEST_COMMENT, description="Of any action.")
    undoes: str | None = Field(default=None, description="Of `undo`: the id of the review that is taken back.")

    @model_validator(mode="after")
    def _says_what_it_does(self) -> Self:
        needed = {"change_fact": "fact", "change_answer": "answer", "comment": "comment", "undo": "undoes"}
        for action, name in needed.items():
            given = getattr(self, name)
            if self.action == action and (given is None or not given.strip()):
                raise ValueError(f"`{action}` needs `{name}`")
            if self.action != action and given is not None and name != "comment":
                raise ValueError(f"`{name}` belongs to `{action}`, not to `{self.action}`")
        if self.value is not None and self.action != "change_fact":
            raise ValueError(f"`value` belongs to `change_fact`, not to `{self.action}`")
        if not self.reviewer.strip():
            raise ValueError("`reviewer` is empty")
        return self

    @property
    def order(self) -> tuple[str, str]:
        """What reviews are sorted by."""
        return self.at, self.id

    @property
    def line(self) -> str:
        """The review as it stands in a file: JSON of ASCII, so that no line break of Unicode can stand in it."""
        said = {name: value for name, value in self.model_dump(mode="json").items() if value is not None}
        return json.dumps(said, separators=(",", ":")) + "\n"


def new_review(row: str, digest: str, reviewer: str, action: Action, **said: Any) -> Review:
    """A review of now, with an id of its own. Raises `ValidationError` where it says nothing or too much."""
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    given = {"id": secrets.token_hex(16), "row": row, "digest": digest, "reviewer": reviewer, "at": at}
    return Review.model_validate({**given, "action": action, **said})


def row_digest(row: Mapping[str, Any]) -> str:
    """What a reviewer judges, in one digest: the request, its pictures, its facts, the verdict and the answer.

    The reasoning is not in it: it follows from the facts by the policy, and differs between the arms of a comparison,
    whose rows are otherwise the same. `row` needs the columns of :data:`DIGESTED`.
    """
    return digest_of(row["prompt"], row["image_sha256"] or (), row["facts"], row["verdict"], row["answer"])


def digest_of(prompt: str, images: Sequence[str], facts: str, verdict: str, answer: str) -> str:
    """:func:`row_digest` of its parts: `images` are the SHA-256 of the files in hexadecimal digits, `facts` is JSON."""
    parts = ",".join([_quoted(part) for part in (prompt, facts, verdict, answer, *images)])
    return "sha256:" + hashlib.sha256(f"[{parts}]".encode("utf-8", "surrogatepass")).hexdigest()
