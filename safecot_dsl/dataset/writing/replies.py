"""A writer's reply, taken apart: reasons, what is decided and answered, or what is wrong with it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from safecot_dsl.models import Reply

_FENCED = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n\s*```\s*\Z", re.DOTALL)
_REASONED = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_MOST_CHARACTERS = 100_000  # of a reply; a row is a few thousand


class ReplyError(ValueError):
    """The reply is not what was asked for; the message says in what way."""


@dataclass(frozen=True)
class Told:
    """What a reply says: a reason for each that was asked for, in their order, what is decided, and the answer where
    one was asked for."""

    reasons: tuple[str, ...]
    decide: str
    answer: str | None


def read_reply(reply: Reply, reasons: int, *, with_answer: bool) -> Told:
    """The reply as it was asked for with :func:`~safecot_dsl.dataset.writing.prompting.reply_schema`, with so many
    `reasons`, in whatever order.

    Thinking aloud before it and a Markdown fence around it are taken off. Raises :class:`ReplyError` for anything else.
    """
    if reply.cut:
        raise ReplyError("the reply was cut off at the token limit")
    if len(reply.text) > _MOST_CHARACTERS:
        raise ReplyError(f"the reply has {len(reply.text)} characters, more than {_MOST_CHARACTERS}")
    text = _REASONED.sub("", reply.text)
    fenced = _FENCED.match(text)
    try:
        said = json.loads(fenced[1] if fenced else text, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise ReplyError("the reply is not one JSON object") from None
    keys = ["reasons", "decide", *(["answer"] if with_answer else [])]
    if not isinstance(said, dict) or said.keys() != set(keys):
        raise ReplyError(f"the reply is not an object with the keys {', '.join(keys)}")
    if not all(isinstance(said[key], str) and said[key].strip() for key in keys[1:]):
        raise ReplyError("what the reply decides or answers is no text")
    if not isinstance(said["reasons"], list):
        raise ReplyError("the reply's reasons are no list")
    found = dict(map(_reason, said["reasons"]))  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
    if sorted(found) != list(range(1, reasons + 1)) or len(found) < len(said["reasons"]):  # pyright: ignore[reportUnknownArgumentType]
        raise ReplyError(f"the reply does not give one reason for each of {reasons}")
    return Told(tuple(found[number] for number in sorted(found)), said["decide"].strip(), said.get("answer"))


def _reason(entry: Any) -> tuple[int, str]:
    if not isinstance(entry, dict) or entry.keys() != {"rule", "text"}:  # pyright: ignore[reportUnknownMemberType]
        raise ReplyError("a reason of the reply is not an object with the keys rule and text")
    number: Any = entry["rule"]
    text: Any = entry["text"]
    if type(number) is not int or not isinstance(text, str) or not text.strip():
        raise ReplyError("a reason of the reply has no number or no text")
    return number, text.strip()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a key stands twice")
    return value
