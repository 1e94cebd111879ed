"""From a case to its reasoning and answer."""

from __future__ import annotations

from safecot_dsl.artifact import Case, Speech
from safecot_dsl.engine import Interpreter, Trace
from safecot_dsl.render.answers import answer
from safecot_dsl.render.model import Rendered
from safecot_dsl.render.reasons import Standing, about, hazard_of
from safecot_dsl.render.slots import Scope
from safecot_dsl.render.steps import Telling, reasoning
from safecot_dsl.render.style import ReasoningStyle


def render(
    interpreter: Interpreter, case: Case, *, style: ReasoningStyle, seed: str, source_answer: str | None = None
) -> Rendered:
    """The decision on a well-typed case, as text (language charter, *Reasoning and answers*).

    A function of the policy, the case, the style, `seed` and `source_answer` alone. Use a seed of its own for each row.
    `source_answer` is what the data source, or the model before tuning, answers; only `comply` and `warn` use it.
    """
    return render_trace(interpreter, interpreter.trace(case), style=style, seed=seed, source_answer=source_answer)


def render_trace(
    interpreter: Interpreter, trace: Trace, *, style: ReasoningStyle, seed: str, source_answer: str | None = None
) -> Rendered:
    """Like :func:`render`, where the case's trace is at hand already."""
    policy, decision = interpreter.policy, trace.decision
    subject = about(interpreter, trace)
    rule = subject.rule if subject is not None and subject.standing is Standing.SPEAKS else None
    telling = Telling(
        interpreter=interpreter,
        trace=trace,
        speech=_speech(interpreter, trace),
        about=subject,
        scope=Scope(
            policy, trace.case, decision.unsettled, rule, None if rule is None else hazard_of(interpreter, rule)
        ),
        seed=seed,
    )
    sentences, needs_answer = answer(telling, source_answer)
    return Rendered(
        reasoning=reasoning(telling, style),
        verdict=decision.verdict,
        cited=decision.deciding or (decision.speaker,),
        answer=sentences,
        needs_answer=needs_answer,
    )


def _speech(interpreter: Interpreter, trace: Trace) -> Speech:
    policy, decision = interpreter.policy, trace.decision
    match decision.speaker:
        case "default":
            return policy.default_speech
        case "unsure":
            # A rule's own `unsure` can make the verdict another one than the block was written for.
            return policy.unsure_speech if decision.verdict is policy.unsure else Speech()
        case name:
            return policy.rule_index[name].speech
