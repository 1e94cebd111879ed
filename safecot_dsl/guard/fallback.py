"""What is said where a model's reasoning cannot be followed: the policy's own words for not being sure."""

from __future__ import annotations

from safecot_dsl.artifact import Case, CompiledPolicy, Verdict
from safecot_dsl.engine import Interpreter
from safecot_dsl.render import ReasoningStyle, answer_text, fold_block, render


def fallback_answer(policy: CompiledPolicy) -> str:
    """The answer that the policy has for a request of which nothing is known; a refusal of its phrase set where its
    `unsure` would answer, since there is no answer that could be trusted."""
    if not policy.unsure.answers:
        # Nothing can be told, so that the question has something to ask for.
        nothing = Case({}, frozenset(fact.name for fact in policy.facts if fact.ask is not None))
        rendered = render(Interpreter(policy), nothing, style=ReasoningStyle.MINIMAL, seed="guard")
        if rendered.verdict is policy.unsure and not rendered.needs_answer:
            return answer_text(rendered)
        said = policy.verdict_phrases[policy.unsure].say
        if said:
            return fold_block(said[0])
    refusals = policy.verdict_phrases[Verdict.REFUSE].say
    return fold_block(refusals[0]) if refusals else "I can't help with this."
