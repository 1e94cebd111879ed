"""A model's answer, taken at its word or not at all."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from safecot_dsl.artifact import CaseError, Fact
from safecot_dsl.artifact.case import read_value
from safecot_dsl.facts.annotators.finding import Finding, Found, NotTold, doubt
from safecot_dsl.facts.annotators.questions import CANNOT_TELL
from safecot_dsl.models import Failure, Reply

_FENCED = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n\s*```\s*\Z", re.DOTALL)
_REASONED = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_DECLINED = re.compile(
    r"\A\W*(?:(?:i['’]?m|i am) (?:really |very )?sorry|sorry\b|i (?:can['’]?t|cannot|can not|won['’]?t|will not)\b"
    r"|(?:i['’]?m|i am) (?:not able|unable)\b|i must decline|unfortunately, i)",
    re.IGNORECASE,
)
_MAX_SHOWN = 100


def read_answer(
    answer: Reply | Failure,
    facts: Sequence[Fact],
    min_confidence: float,
    unsure: Literal["cannot_tell", "not_annotated"] = "cannot_tell",
) -> Mapping[str, Finding]:
    """What an answer says of each fact.

    A value of the fact's domain with a confidence of at least `min_confidence` is found; one with less, and
    `cannot_tell`, is a doubt (`unsure`). A failure, a refusal, an answer that was cut off, that is not a JSON object,
    that has a key twice or a key nobody asked for, tells nothing at all; nor does a fact that is missing from it, whose
    value is outside of its domain, or whose confidence is no number from 0 to 1.
    """
    if isinstance(answer, Failure):
        return _nothing(facts, f"failed: {answer.reason}", answer.detail)
    shown = _shown(answer.text)
    if answer.cut:
        return _nothing(facts, "the answer was cut off", shown)
    text = _REASONED.sub("", answer.text)
    fenced = _FENCED.match(text)
    try:
        said = json.loads(fenced[1] if fenced else text, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        refused = _DECLINED.match(text) is not None
        return _nothing(facts, "the model refused" if refused else "the answer is not JSON", shown)
    if not isinstance(said, dict):
        return _nothing(facts, "the answer is no JSON object", shown)
    foreign = sorted(said.keys() - {fact.name for fact in facts})
    if foreign:
        return _nothing(facts, "the answer has a key that nobody asked for", f"{foreign[0]!r} in {shown}")
    return {fact.name: _of_fact(fact, said.get(fact.name), min_confidence, unsure) for fact in facts}


def _of_fact(fact: Fact, said: Any, min_confidence: float, unsure: Literal["cannot_tell", "not_annotated"]) -> Finding:
    if said is None:
        return NotTold("the fact is missing from the answer")
    if not isinstance(said, dict) or said.keys() != {"value", "confidence"}:
        return NotTold("the fact is not answered as asked", _shown(json.dumps(said)))
    value, confidence, shown = said["value"], said["confidence"], _shown(json.dumps(said["value"]))
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 <= confidence <= 1:
        return NotTold("the confidence is no number from 0 to 1", _shown(json.dumps(confidence)))
    if value == CANNOT_TELL:
        return doubt(unsure, "the model cannot tell", confidence=float(confidence))
    try:
        typed = read_value(fact, value)
    except CaseError as error:
        return NotTold("the value is none of the fact's", str(error))
    if confidence < min_confidence:
        return doubt(unsure, "low confidence", f"{shown} at {confidence:.2f}", float(confidence))
    return Found(typed, float(confidence), shown)


def _nothing(facts: Sequence[Fact], reason: str, detail: str) -> dict[str, Finding]:
    return {fact.name: NotTold(reason, detail) for fact in facts}


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a key stands twice")
    return value


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_SHOWN else line[: _MAX_SHOWN - 3] + "..."
