"""The case that was tried, as an example."""

from __future__ import annotations

from safecot_dsl.artifact import Case, CompiledPolicy, Decision
from safecot_dsl.engine import show_case


def example_of(policy: CompiledPolicy, case: Case, decision: Decision) -> str | None:
    """The case and its decision as an `example` to paste into the policy; None where a text in it has characters that
    no policy may hold."""
    from safecot_dsl.compiler.formatting import format_text
    from safecot_dsl.diagnostics import DiagnosticsError

    texts = frozenset(fact.name for fact in policy.facts if fact.type.kind == "text")
    given = show_case(case, texts)
    by = ", ".join(decision.deciding or (decision.speaker,))
    body = (f"given {given}\n" if given else "") + f"expect {decision.verdict} by {by}"
    try:
        text = format_text(f'policy p {{ version "1" }}\nexample "{_name(policy, decision)}" {{ {body} }}\n')
    except DiagnosticsError:
        return None
    return text.partition("\n\n")[2]


def _name(policy: CompiledPolicy, decision: Decision) -> str:
    """A name that the policy's examples do not have yet, to be replaced by a better one."""
    taken = {example.name for example in policy.examples}
    speaker = {"default": "no rule applies", "unsure": "it cannot be told"}
    name = f"tried: {speaker.get(decision.speaker, decision.speaker)}"
    numbered = [name, *(f"{name} ({number})" for number in range(2, len(taken) + 3))]
    return next(candidate for candidate in numbered if candidate not in taken)
