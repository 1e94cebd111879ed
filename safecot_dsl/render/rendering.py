"""From a case to its reasoning and answer."""

from __future__ import annotations

from safecot_dsl.artifact import Case, Decision
from safecot_dsl.engine import Interpreter, Trace
from safecot_dsl.render.answers import answer
from safecot_dsl.render.grounds import Grounds
from safecot_dsl.render.model import Rendered
from safecot_dsl.render.plan import Parts, TextPlan
from safecot_dsl.render.procedure import DecidedCase, reasoning
from safecot_dsl.render.style import Reasoning, ReasoningStyle


def render(
    interpreter: Interpreter,
    case: Case,
    *,
    style: ReasoningStyle,
    seed: str,
    source_answer: str | None = None,
    settings: Reasoning | None = None,
) -> Rendered:
    """The decision on a well-typed case, as text (language charter, *Reasoning and answers*).

    A function of the policy, the case and the arguments alone. Use a seed of its own for each row. `source_answer` is
    what the data source, or the model before tuning, answers; only `comply` and `warn` use it.
    """
    return render_trace(
        interpreter,
        interpreter.trace(case),
        style=style,
        seed=seed,
        source_answer=source_answer,
        settings=settings,
    )


def render_trace(
    interpreter: Interpreter,
    trace: Trace,
    *,
    style: ReasoningStyle,
    seed: str,
    source_answer: str | None = None,
    settings: Reasoning | None = None,
) -> Rendered:
    """Like :func:`render`, where the case's trace is at hand already."""
    grounds = Grounds(interpreter, settings)
    outcome = DecidedCase.of(trace.case, trace.decision)
    return plan(grounds, outcome, style).tell(seed, source_answer, cited(trace.decision))


def plan(grounds: Grounds, outcome: DecidedCase, style: ReasoningStyle) -> TextPlan:
    """How a decided case is told, whatever the seed."""
    before, after, takes_source = answer(grounds, outcome)
    parts = Parts(reasoning(grounds, outcome, style))
    return TextPlan(outcome.decision.verdict, parts, before, after, takes_source, grounds.settings.again)


def cited(decision: Decision) -> tuple[str, ...]:
    """What a text names as its grounds: the deciding rules, else the speaker."""
    return decision.deciding or (decision.speaker,)
