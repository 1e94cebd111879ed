"""What can be said of a policy beyond that it compiles: findings, as diagnostics with a place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from safecot_dsl.analysis.limits import USUAL_LIMITS, Limits
from safecot_dsl.artifact import CompiledPolicy, Decision, Example, read_case
from safecot_dsl.criteria import TooManyPropositionsError, unreachable_classes
from safecot_dsl.diagnostics import Code, Diagnostic, Severity, SourceFile, Span
from safecot_dsl.engine import Interpreter
from safecot_dsl.workspace.open import Opened, open_policy
from safecot_dsl.workspace.places import Places

if TYPE_CHECKING:
    from safecot_dsl.analysis.findings import Finding

#: Hears how many steps of the proofs on a policy are done, and of how many.
Watch = Callable[[int, int], None]

#: What is looked for without proofs.
_QUICK = frozenset({Code.FAILED_EXAMPLE, Code.UNREACHABLE_CLASS})
#: What is looked for in full only where cases are sampled.
_SAMPLED = frozenset({Code.LEFT_TO_DEFAULT, Code.UNMENTIONED_HARM, Code.BUILT_SENTENCE})


def check_policy(
    opened: Opened,
    *,
    proofs: bool = True,
    limits: Limits = USUAL_LIMITS,
    coverage: bool = False,
    watch: Watch | None = None,
) -> tuple[Diagnostic, ...]:
    """The compiler's diagnostics, and after them, of a policy that compiles, its findings by place.

    Findings that the author has answered for with an `allow` comment are left out, and a comment that answers for
    nothing is one (SC0702). Without `proofs` the solver is not asked: examples and classes of responses only.
    What was not decided within `limits` is a finding (SC1005). With `coverage` cases are sampled, and the share of each
    verdict is said (SC1106). `watch` hears how far the proofs have come.
    """
    policy = opened.policy
    if policy is None:
        return opened.diagnostics
    places = Places(opened)
    found = [*_examples(policy, places), *_classes(policy, places)]
    if proofs:
        from safecot_dsl.analysis.answer_findings import answer_findings
        from safecot_dsl.analysis.coverage import coverage as sampled
        from safecot_dsl.analysis.findings import PASSES, analyse
        from safecot_dsl.analysis.own_answers import OwnAnswers

        found += [_diagnostic(finding, places) for finding in answer_findings(OwnAnswers(policy))]
        covered = sampled(policy) if coverage else None
        steps, total = count(1), PASSES * len(policy.rules)
        looked_at = None if watch is None else lambda: watch(next(steps), total)
        findings = analyse(
            policy, limits=limits, covered=covered, allowed=_allowed(policy, places), looked_at=looked_at
        )
        found += [_diagnostic(finding, places) for finding in findings]
    undecided = any(diagnostic.code is Code.UNDECIDED for diagnostic in found)

    def settled(code: str) -> bool:
        """Whether a finding of this code would have been found."""
        return code in _QUICK or (proofs and not undecided and (coverage or code not in _SAMPLED))

    found = _without_allowed(policy, found, places, settled)
    return (*opened.diagnostics, *sorted(found, key=lambda d: (d.span.file, d.span.line, d.span.column)))


def check_files(
    files: Iterable[Path],
    params: Mapping[str, float] | None = None,
    search: Sequence[str | Path] = (),
    *,
    proofs: bool = True,
    limits: Limits = USUAL_LIMITS,
    coverage: bool = False,
    watching: Callable[[Path], Watch] | None = None,
) -> tuple[tuple[Diagnostic, ...], dict[str, SourceFile]]:
    """What :func:`check_policy` says of each file, in order, and the sources by displayed path. A library's faults show
    with every policy that imports it, and are said once. `watching` gives what hears of the proofs on a file."""
    found: dict[tuple[str, Span, str], Diagnostic] = {}
    sources: dict[str, SourceFile] = {}
    for file in files:
        opened = open_policy(file, params, search)
        watch = None if watching is None else watching(file)
        for diagnostic in check_policy(opened, proofs=proofs, limits=limits, coverage=coverage, watch=watch):
            found.setdefault((diagnostic.code, diagnostic.span, diagnostic.message), diagnostic)
        sources.update(opened.sources)
    return tuple(found.values()), sources


def _diagnostic(finding: Finding, places: Places) -> Diagnostic:
    return Diagnostic(
        code=finding.code,
        severity=finding.severity,
        message=finding.message,
        span=places.of(finding.key),
        notes=finding.notes,
        help=finding.help,
        witness=None if finding.witness is None else finding.witness.to_json(),
    )


def _allowed(policy: CompiledPolicy, places: Places) -> Callable[[Code, str], bool]:
    """Whether a comment answers for a finding of a code at a key."""
    shown = {(allowed.code, places.shown(allowed.span).file, allowed.line) for allowed in policy.source_map.allowed}

    def of(code: Code, key: str) -> bool:
        span = places.of(key)
        return (str(code), span.file, span.line) in shown

    return of


def _without_allowed(
    policy: CompiledPolicy, found: list[Diagnostic], places: Places, settled: Callable[[str], bool]
) -> list[Diagnostic]:
    """The findings that no comment answers for, and the comments that answer for none."""
    kept = list(found)
    for allowed in policy.source_map.allowed:
        place = places.shown(allowed.span)
        here = [d for d in found if (d.code, d.span.file, d.span.line) == (allowed.code, place.file, allowed.line)]
        answered = [d for d in here if d.severity is not Severity.ERROR]
        kept = [d for d in kept if d not in answered]
        if not answered and settled(allowed.code):
            kept.append(
                Diagnostic(
                    code=Code.UNUSED_ALLOWANCE,
                    message=f"nothing is allowed here: there is no finding `{allowed.code}` on line {allowed.line}",
                    span=place,
                    help="take the comment away, or move it above the line that the finding names",
                )
            )
    return kept


def _examples(policy: CompiledPolicy, places: Places) -> list[Diagnostic]:
    interpreter = Interpreter(policy)
    found: list[Diagnostic] = []
    for example in policy.examples:
        decision = interpreter.decide(read_case(policy, {"facts": example.given}))
        message = failure(example, decision)
        if message is not None:
            found.append(
                Diagnostic(
                    code=Code.FAILED_EXAMPLE,
                    message=f"the example `{example.name}` fails: {message}",
                    span=places.of(example.key),
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


def _classes(policy: CompiledPolicy, places: Places) -> list[Diagnostic]:
    try:
        unreachable = unreachable_classes(policy.criteria)
    except TooManyPropositionsError:
        return []  # more than can be worked out; nothing is claimed
    return [
        Diagnostic(
            code=Code.UNREACHABLE_CLASS,
            message=f"where `{entry.due}` is due, no response can be in the class `{entry.name}`",
            span=places.of(f"criteria:class.{entry.due}.{entry.name}"),
            help="the classes before it take every response that it would take",
        )
        for entry in unreachable
    ]
