"""What can be said of a policy beyond that it compiles: findings."""

from __future__ import annotations

from pathlib import Path

from safecot_dsl.artifact import CompiledPolicy, Decision, Example, read_case
from safecot_dsl.criteria import TooManyPropositionsError, unreachable_classes
from safecot_dsl.diagnostics import Diagnostic, Severity, Span
from safecot_dsl.engine import Interpreter
from safecot_dsl.workspace.open import Opened


def check_policy(opened: Opened) -> tuple[Diagnostic, ...]:
    """The compiler's diagnostics, and of a policy that compiles its findings: examples that fail, classes of responses
    that can never be reached."""
    if opened.policy is None:
        return opened.diagnostics
    return (*opened.diagnostics, *_examples(opened.policy, opened.path), *_classes(opened.policy, opened.path))


def _place(policy: CompiledPolicy, key: str, path: Path) -> Span:
    span = policy.span(key) or Span(file=str(path), line=1, column=1, end_line=1, end_column=1)
    return span.model_copy(update={"file": str(path)})


def _examples(policy: CompiledPolicy, path: Path) -> list[Diagnostic]:
    interpreter = Interpreter(policy)
    found: list[Diagnostic] = []
    for example in policy.examples:
        decision = interpreter.decide(read_case(policy, {"facts": example.given}))
        message = failure(example, decision)
        if message is not None:
            found.append(
                Diagnostic(
                    code="SC1001",
                    severity=Severity.ERROR,
                    message=f"the example `{example.name}` fails: {message}",
                    span=_place(policy, example.key, path),
                    help="`safecotc explain` shows why the case is decided so",
                )
            )
    return found


def failure(example: Example, decision: Decision) -> str | None:
    """What of an example's expectation the decision does not meet; None where it meets all."""
    if decision.verdict is not example.expect:
        return f"expected `{example.expect}`, the policy says `{decision.verdict}` ({said_by(decision)})"
    if example.by is None:
        return None
    actual = decision.deciding or (decision.speaker,)
    if actual != example.by:
        expected = ", ".join(f"`{name}`" for name in example.by)
        return f"expected `{decision.verdict}` by {expected}, it is {said_by(decision)}"
    return None


def said_by(decision: Decision) -> str:
    names = decision.deciding or (decision.speaker,)
    return "by " + ", ".join(f"`{name}`" for name in names)


def _classes(policy: CompiledPolicy, path: Path) -> list[Diagnostic]:
    try:
        unreachable = unreachable_classes(policy.criteria)
    except TooManyPropositionsError:
        return []  # more than can be worked out; nothing is claimed
    return [
        Diagnostic(
            code="SC1002",
            severity=Severity.WARNING,
            message=f"where `{entry.due}` is due, no response can be in the class `{entry.name}`",
            span=_place(policy, "criteria", path),
            help="the classes before it take every response that it would take",
        )
        for entry in unreachable
    ]
