"""The case that was tried, as an example."""

from __future__ import annotations

from safecot_dsl.artifact import Case, CompiledPolicy, Decision
from safecot_dsl.testing.examples import pasteable_example


def example_of(policy: CompiledPolicy, case: Case, decision: Decision) -> str | None:
    """The case and its decision as an `example` to paste into the policy; None where a text in it has characters that
    no policy may hold."""
    example = pasteable_example(policy, case, decision, _name(policy, decision))
    return None if example is None else example + "\n"


def _name(policy: CompiledPolicy, decision: Decision) -> str:
    """A name that the policy's examples do not have yet, to be replaced by a better one."""
    taken = {example.name for example in policy.examples}
    speaker = {"default": "no rule applies", "unsure": "it cannot be told"}
    name = f"tried: {speaker.get(decision.speaker, decision.speaker)}"
    numbered = [name, *(f"{name} ({number})" for number in range(2, len(taken) + 3))]
    return next(candidate for candidate in numbered if candidate not in taken)
