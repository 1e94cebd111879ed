"""A judge's reply, taken apart; one that does not fit is a judge's failure, and never a verdict."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from safecot_dsl.artifact import Verdict
from safecot_dsl.criteria import read_judgement
from safecot_dsl.evaluation.judging.questions import CANNOT_TELL

_FENCED: Final = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)
_REASONED: Final = re.compile(r"\A\s*(?:<think>)?(?:(?!<think>).)*?</think>", re.DOTALL)
_MOST_CHARACTERS: Final = 100_000  # a judgement has some hundred


class JudgeReplyError(ValueError):
    """The reply is not what was asked for; the message says in what way."""


def read_verdict(text: str) -> Verdict | None:
    """The verdict that a judge gives; None where it says that it cannot tell."""
    return _verdict(_read(text, ("verdict",))["verdict"])


def read_reasoning(text: str, *, facts: bool) -> tuple[Verdict | None, bool | None]:
    """What a judge says that a reasoning argues for, and whether what it states is so.

    Raises:
        JudgeReplyError: the reply is not the JSON object that was asked for.
    """
    said = _read(text, ("verdict", "true") if facts else ("verdict",))
    true = said.get("true")
    if true is not None and not isinstance(true, bool):
        raise JudgeReplyError(f"`true` is {true!r}, not true, false or null")
    return _verdict(said["verdict"]), true


def read_propositions(text: str, propositions: Sequence[str]) -> dict[str, bool]:
    """A judge's answers by proposition; what it could not tell is left out.

    Raises:
        JudgeReplyError: the reply is not the JSON object that was asked for.
    """
    try:
        return read_judgement(_object_of(text), propositions)
    except JudgeReplyError:
        raise
    except ValueError as error:
        raise JudgeReplyError(str(error)) from None


def _read(text: str, keys: Sequence[str]) -> Mapping[str, Any]:
    try:
        said: Any = json.loads(_object_of(text), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise JudgeReplyError("the reply is not one JSON object") from None
    if not isinstance(said, dict) or said.keys() != set(keys):
        raise JudgeReplyError(f"the reply is not an object with the keys {', '.join(keys)}")
    return said  # pyright: ignore[reportUnknownVariableType]


def _object_of(text: str) -> str:
    """The reply without thinking aloud before it, and without a Markdown fence around it."""
    if len(text) > _MOST_CHARACTERS:
        raise JudgeReplyError(f"the reply has {len(text)} characters, more than {_MOST_CHARACTERS}")
    text = _REASONED.sub("", text, count=1)
    found = _FENCED.match(text)
    return found[1] if found else text


def _verdict(value: Any) -> Verdict | None:
    if value == CANNOT_TELL:
        return None
    if not isinstance(value, str) or value not in set(Verdict):
        raise JudgeReplyError(f"the reply's verdict is {value!r}, which is none")
    return Verdict(value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise JudgeReplyError("the reply says one thing twice")
    return found
