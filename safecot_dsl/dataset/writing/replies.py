"""A writer's reply, taken apart: steps, verdict and answer, or what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from safecot_dsl.artifact import Verdict
from safecot_dsl.models import Reply
from safecot_dsl.render.model import SentenceStep

_FENCED = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n\s*```\s*\Z", re.DOTALL)
_REASONED = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_MOST_CHARACTERS = 100_000  # of a reply; a row is a few thousand


class ReplyError(ValueError):
    """The reply is not what was asked for; the message says in what way."""


@dataclass(frozen=True)
class Told:
    """What a reply says: the steps in the order of the style, the verdict, and the answer where one was asked for."""

    steps: tuple[tuple[SentenceStep, str], ...]
    verdict: Verdict
    answer: str | None


def read_reply(reply: Reply, steps: Sequence[SentenceStep], *, with_answer: bool) -> Told:
    """The reply as it was asked for with :func:`~safecot_dsl.dataset.writing.prompting.reply_schema`.

    Thinking aloud before it and a Markdown fence around it are taken off. Steps are put into their order, which changes
    nothing where every sentence stands for itself. Raises :class:`ReplyError` for anything else.
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
    keys = {"steps", "verdict", "answer"} if with_answer else {"steps", "verdict"}
    if not isinstance(said, dict) or said.keys() != keys:
        raise ReplyError(f"the reply is not an object with the keys {', '.join(sorted(keys))}")
    if said["verdict"] not in list(Verdict):
        raise ReplyError("the reply's verdict is none")
    if with_answer and not isinstance(said["answer"], str):
        raise ReplyError("the reply's answer is no text")
    found = [_step(entry, steps) for entry in _list(said["steps"])]
    given = {step for step, _ in found}
    for needed in ("risk", "decide"):
        if needed not in given:
            raise ReplyError(f"the reply has no step `{needed}`")
    ordered = sorted(found, key=lambda entry: steps.index(entry[0]))
    return Told(tuple(ordered), Verdict(said["verdict"]), said.get("answer"))


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ReplyError("the reply's steps are no list")
    return value  # pyright: ignore[reportUnknownVariableType]


def _step(entry: Any, steps: Sequence[SentenceStep]) -> tuple[SentenceStep, str]:
    if not isinstance(entry, dict) or entry.keys() != {"step", "text"}:  # pyright: ignore[reportUnknownMemberType]
        raise ReplyError("a step of the reply is not an object with the keys step and text")
    name: Any = entry["step"]
    text: Any = entry["text"]
    step: SentenceStep | None = next((known for known in steps if known == name), None)
    if step is None or not isinstance(text, str) or not text.strip():
        raise ReplyError(f"a step of the reply is none of {', '.join(steps)}, or has no text")
    return step, text


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a key stands twice")
    return value
