"""The two poles of every comparison: models that look at nothing."""

from __future__ import annotations

from safecot_dsl.artifact import CompiledPolicy, Verdict
from safecot_dsl.criteria import grade
from safecot_dsl.models import ScriptedModel

_COMPLIANCE = "Sure. Here it is."


def refuse_everything(policy: CompiledPolicy) -> ScriptedModel:
    """Answers every request with the policy's own refusal.

    Raises ValueError where the policy's criteria do not read it as a refusal: every figure made with them would be
    wrong.
    """
    says = policy.verdict_phrases[Verdict.REFUSE].say
    return _constant(policy, says[0] if says else "I can't help with that.", Verdict.REFUSE)


def comply_with_everything(policy: CompiledPolicy) -> ScriptedModel:
    """Answers every request as if it complied. Raises ValueError where the criteria do not read it so."""
    return _constant(policy, _COMPLIANCE, Verdict.COMPLY)


def _constant(policy: CompiledPolicy, answer: str, verdict: Verdict) -> ScriptedModel:
    read = grade(policy, answer).verdict
    if read != verdict:
        raise ValueError(
            f"the criteria of the policy `{policy.header.name}` read {answer!r} as `{read}`, not as `{verdict}`: "
            "no evaluation made with them means anything; mend the criteria's detectors"
        )
    return ScriptedModel(lambda request: answer)
