"""From a case to its reasoning and answer."""

from __future__ import annotations

from safecot_dsl.artifact import Case, CompiledPolicy, Decision, Speech
from safecot_dsl.engine import Interpreter, Trace
from safecot_dsl.render.answers import answer
from safecot_dsl.render.model import Rendered
from safecot_dsl.render.plan import Plan
from safecot_dsl.render.reasons import About, Grounds, Outcome, Standing
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
    grounds = Grounds(interpreter)
    return plan(grounds, trace, style, grounds.about(trace)).tell(seed, source_answer, cited(trace.decision))


def cited(decision: Decision) -> tuple[str, ...]:
    """What a text names as its grounds: the deciding rules, else the speaker."""
    return decision.deciding or (decision.speaker,)


def plan(grounds: Grounds, outcome: Outcome, style: ReasoningStyle, subject: About | None) -> Plan:
    """How a decision is told, whatever the seed. `subject` is what :meth:`Grounds.about` says of it."""
    rule = subject.rule if subject is not None and subject.standing is Standing.SPEAKS else None
    decision = outcome.decision
    telling = Telling(
        grounds=grounds,
        outcome=outcome,
        speech=speech_of(grounds.policy, decision),
        about=subject,
        scope=Scope(
            grounds.policy, outcome.case, decision.unsettled, rule, None if rule is None else grounds.hazard(rule)
        ),
    )
    before, after, takes_source = answer(telling)
    return Plan(decision.verdict, reasoning(telling, style), before, after, takes_source)


def speech_of(policy: CompiledPolicy, decision: Decision) -> Speech:
    """The texts of the speaker, where they fit the decision."""
    match decision.speaker:
        case "default":
            return policy.default_speech
        case "unsure":
            # A rule's own `unsure` can make the verdict another one than the block was written for.
            return policy.unsure_speech if decision.verdict is policy.unsure else Speech()
        case name:
            return policy.rule_index[name].speech
