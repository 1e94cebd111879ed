"""One answer on its way through the guard: what a client is told and shown of it, and what its record says."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from safecot_dsl.artifact import CompiledPolicy, TextType
from safecot_dsl.guard.settings import GuardSettings
from safecot_dsl.guard.watching import WatchedAnswer, Watcher
from safecot_dsl.reading import DerivationFault
from safecot_dsl.render import Tags

#: Faults whose message quotes the model, and what a derivation cites that is no rule.
_QUOTING = frozenset({DerivationFault.UNTRUE, DerivationFault.UNKNOWN_RULE})
_SPEAKERS = ("default", "unsure")


@dataclass
class GuardedAnswer:
    """One answer, and how it went. `held` are bytes of its request; `began` says that the head of a response went out;
    `ended` how it came to its end."""

    identity: str = field(default_factory=lambda: f"chatcmpl-{uuid.uuid4().hex}")
    watcher: Watcher | None = None
    outcome: WatchedAnswer | None = None
    ended: str = "failed"
    status: int = 0
    held: int = 0
    began: bool = False
    usage: dict[str, int] | None = None
    finish_reason: str | None = None
    refused: str | None = None
    upstream_status: int | None = None
    upstream_error: str | None = None
    since: float = field(default_factory=time.perf_counter)


def told_verdict(policy: CompiledPolicy, outcome: WatchedAnswer) -> dict[str, Any]:
    """What a client is told of a derivation: no word in it is the model's, since what is held back must not come out by
    the way."""
    derivation = outcome.derivation
    return {
        "policy": policy.digest,
        "let_through": outcome.let_through,
        "verdict": derivation.verdict,
        "rules": [name for name in derivation.cited if name in policy.rule_index or name in _SPEAKERS],
        "checked": derivation.checked,
        "faults": list(dict.fromkeys(fault.value for fault, _ in derivation.faults)),
    }


def shown_reasoning(outcome: WatchedAnswer | None, content: str, settings: GuardSettings, tags: Tags) -> dict[str, Any]:
    """The parts of a message with this `content` that show the reasoning, where it was checked and is to be shown."""
    if outcome is None or not outcome.let_through:
        return {}
    match settings.reasoning:
        case "hide":
            return {}
        case "field":
            inside = outcome.reasoning.strip().removeprefix(tags.open).removesuffix(tags.close)
            return {"reasoning_content": inside.strip()}
        case "inline":
            return {"content": f"{outcome.reasoning.strip()}\n{content}"}


def record_of(answer: GuardedAnswer, policy: CompiledPolicy, settings: GuardSettings) -> dict[str, Any]:
    """The answer's line in the log, however it ended. A model's words and those of a picture are in it only where
    `settings` keep texts."""
    record: dict[str, Any] = {
        "id": answer.identity,
        "model": settings.model,
        "policy": policy.digest,
        "ended": answer.ended,
        "let_through": False,
        "status": answer.status,
        "seconds": round(time.perf_counter() - answer.since, 3),
    }
    outcome = answer.outcome
    if outcome is None and answer.watcher is not None and answer.ended != "upstream failed":
        outcome = answer.watcher.outcome()  # as far as it came
    if outcome is not None:
        record |= _recorded_verdict(policy, outcome, kept=settings.log_text)
        record["let_through"] = outcome.let_through and answer.ended == "answered"
        record["checked_ms"] = round(outcome.checked_ms, 3)
    more = {
        "finish_reason": answer.finish_reason,
        "usage": answer.usage,
        "refused": answer.refused,
        "upstream_status": answer.upstream_status,
    }
    record |= {name: value for name, value in more.items() if value is not None}
    if settings.log_text:
        record |= {"upstream_error": answer.upstream_error} if answer.upstream_error is not None else {}
        record |= {"reasoning": outcome.reasoning, "answer": outcome.answer} if outcome is not None else {}
    return record


def _recorded_verdict(policy: CompiledPolicy, outcome: WatchedAnswer, *, kept: bool) -> dict[str, Any]:
    """What a client is told, with what is at fault and the facts."""
    derivation, index = outcome.derivation, policy.fact_index
    return {
        **told_verdict(policy, outcome),
        "faults": [
            f"{fault}: {what}" if kept or fault not in _QUOTING else fault.value for fault, what in derivation.faults
        ],
        "facts": {
            name: value
            for name, value in derivation.facts.items()
            if kept or not isinstance(index[name].type, TextType)
        },
    }
