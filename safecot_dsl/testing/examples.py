"""A case as the `example` that pins it down: to read, and to paste into the policy."""

from __future__ import annotations

from safecot_dsl.artifact import Case, CompiledPolicy, Decision
from safecot_dsl.engine import Interpreter, show_case, show_value


def show_example(
    policy: CompiledPolicy, case: Case, decision: Decision | None = None, name: str = "counterexample"
) -> str:
    """The case as an `example` in the policy's language, laid out as `safecotc policy format` does, no line break last.

    It expects `decision`, by default what the policy says of the case now: it is for the author to say what is right.
    A fact that is not annotated is left out. A text that no policy file can hold (it has a lone surrogate or another
    character that the language refuses) is shown as it is; such an example cannot be pasted.
    """
    decision = decision or Interpreter(policy).decide(case)
    return write_example(policy, case, _said(decision), name)


def write_example(policy: CompiledPolicy, case: Case, expect: str, name: str) -> str:
    """An `example` of the case, as :func:`show_example` writes it, with what it is to `expect`, such as `refuse`."""
    return _laid_out(written := _written(policy, case, expect, name)) or written


def pasteable_example(policy: CompiledPolicy, case: Case, decision: Decision, name: str) -> str | None:
    """As :func:`show_example`, but None where a text in the case has characters that no policy may hold."""
    return _laid_out(_written(policy, case, _said(decision), name))


def _said(decision: Decision) -> str:
    return f"{decision.verdict} by {', '.join(decision.deciding or (decision.speaker,))}"


def _written(policy: CompiledPolicy, case: Case, expect: str, name: str) -> str:
    given = show_case(case, frozenset(fact.name for fact in policy.facts if fact.type.kind == "text"))
    return f"example {show_value(name, text=True)} {{ {f'given {given} ' if given else ''}expect {expect} }}"


def _laid_out(example: str) -> str | None:
    """An `example` as `safecotc policy format` lays it out; None where it is none."""
    from safecot_dsl.compiler.formatting import format_text
    from safecot_dsl.diagnostics import DiagnosticsError

    try:
        return format_text(f'policy p {{ version "1" }}\n{example}\n').partition("\n\n")[2].rstrip("\n")
    except DiagnosticsError:
        return None


class DrawnCase(Case):
    """A case that prints as an `example` of its policy; otherwise a :class:`Case` like any other."""

    __slots__ = ("_policy",)

    def __init__(self, policy: CompiledPolicy, case: Case) -> None:
        super().__init__(case.known, case.cannot_tell)
        self._policy = policy

    def __repr__(self) -> str:
        return show_example(self._policy, self)
