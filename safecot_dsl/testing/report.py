"""The outcome of a test, for people and for programs. Nothing that stands in a policy can steer a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from safecot_dsl.artifact import Case, CompiledPolicy
from safecot_dsl.diagnostics import Span
from safecot_dsl.diagnostics.show import visible
from safecot_dsl.engine import show_case
from safecot_dsl.testing.runner import CheckKind, Exhibit, Status, TestOutcome

_WORDS = {Status.PASSED: "passes", Status.UNDECIDED: "is not decided"}


def place(span: Span) -> str:
    """`policy.safecot:12`."""
    return f"{span.file}:{span.line}"


def headline(outcome: TestOutcome) -> str:
    """What became of a test and where it stands, in one line."""
    test = outcome.test
    said = f": {outcome.message}" if outcome.message else ""
    word = _WORDS.get(outcome.status, "fails" if test.kind is CheckKind.EXAMPLE else "does not hold")
    if outcome.status is Status.DISAGREEMENT:
        word = "is not decided"
    return visible(f"{place(test.span)}: the {test.kind} `{test.name}` {word}{said}")


def description(outcome: TestOutcome, policy: CompiledPolicy) -> str:
    """The whole story: the cases that show it, why they are decided so, and an example to paste."""
    lines = [headline(outcome)]
    if outcome.evidence:
        lines.append(f"  {visible(outcome.evidence)}")
    titles = _titles(outcome)
    for title, shown in zip(titles, outcome.exhibits, strict=True):
        lines += [f"  {title}:", *_indented(_facts(shown.case, policy))]
        by = ", ".join(shown.decision.deciding or (shown.decision.speaker,))
        lines += [f"  {shown.decision.verdict} by {by}, because", *_indented(shown.why)]
    if outcome.advice:
        lines.append(f"  {outcome.advice}{':' if outcome.counterexample else ''}")
    if outcome.counterexample:
        lines += _indented(outcome.counterexample.split("\n"))
    return "\n".join(lines)


def _titles(outcome: TestOutcome) -> list[str]:
    if len(outcome.exhibits) == 2:
        return ["the case before the change", "and after it"]
    if outcome.test.kind is CheckKind.EXAMPLE:
        return ["the case"] * len(outcome.exhibits)
    return ["a case"] * len(outcome.exhibits)


def _facts(case: Case, policy: CompiledPolicy) -> Iterator[str]:
    texts = frozenset(fact.name for fact in policy.facts if fact.type.kind == "text")
    if not case.known and not case.cannot_tell:
        yield "whatever the facts are"
    for name, value in sorted(case.known.items()):
        yield show_case(Case({name: value}), texts)
    for name in sorted(case.cannot_tell):
        yield show_case(Case({}, frozenset({name})))


def _indented(lines: Iterable[str]) -> list[str]:
    # What is to be pasted begins its lines with blanks of its own.
    return [f"    {visible(line)}" for line in lines]


def as_json(outcome: TestOutcome) -> dict[str, Any]:
    """The outcome as JSON has it; what there is none of is null."""
    test = outcome.test
    return {
        "kind": test.kind.value,
        "name": test.name,
        "file": test.span.file,
        "line": test.span.line,
        "status": outcome.status.value,
        "message": outcome.message,
        "evidence": outcome.evidence,
        "cases": [_exhibit(shown) for shown in outcome.exhibits],
        "advice": outcome.advice,
        "counterexample": outcome.counterexample,
        "seconds": round(outcome.seconds, 3),
    }


def _exhibit(shown: Exhibit) -> dict[str, Any]:
    return {
        **shown.case.to_json(),
        "verdict": shown.decision.verdict.value,
        "by": list(shown.decision.deciding or (shown.decision.speaker,)),
        "why": list(shown.why),
    }
