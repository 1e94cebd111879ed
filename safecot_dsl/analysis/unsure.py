"""What is wrong with the verdicts of `unsure`: what SC1108, SC1109, SC1110 and SC1122 ask of a policy."""

from __future__ import annotations

from collections.abc import Iterator

from safecot_dsl.analysis.asking import Satisfiability, SolverAnswer
from safecot_dsl.analysis.examination import Examination, key_of
from safecot_dsl.analysis.logic import negation
from safecot_dsl.analysis.withholding import AmbiguousDraws
from safecot_dsl.artifact import Rule, Verdict
from safecot_dsl.diagnostics import Code


def too_strict(examination: Examination, rule: Rule, unsure: Verdict, *, witness: bool) -> SolverAnswer | None:
    """SC1108: a case where the rule may apply and this `unsure` is above everything possible; None where there cannot
    be any, since the rule itself is as strict."""
    if rule.verdict.strictness >= unsure.strictness:
        return None
    policy, partial = examination.policy, examination.partial
    return examination.ask_partial(
        Code.UNSURE_TOO_STRICT,
        f"whether `unsure {unsure}` is too strict where `{rule.name}` may apply",
        *(partial.ambiguous(policy), partial.matters(policy, rule), negation(partial.upper_at_least(policy, unsure))),
        witness=witness,
    )


def softened(examination: Examination, rule: Rule, *, witness: bool) -> SolverAnswer | None:
    """SC1109: a case where the refusal applies for certain, an exception may, and the verdict is laxer than `refuse`;
    None where the rule is no refusal or has no exceptions."""
    if rule.verdict is not Verdict.REFUSE or not examination.interpreter.exceptions[rule.name]:
        return None
    policy, partial = examination.policy, examination.partial
    return examination.ask_partial(
        Code.EVADED_REFUSAL,
        f"whether ignorance softens `{rule.name}`",
        partial.applies(policy, rule).yes,
        partial.maybe_effective(policy, rule),
        negation(partial.verdict_at_least(policy, Verdict.REFUSE)),
        witness=witness,
    )


def laxer_than_default(examination: Examination, *, witness: bool) -> SolverAnswer | None:
    """SC1110: a case that is laxer than `default` for what is not known; None where `unsure` is as strict."""
    policy, partial = examination.policy, examination.partial
    if policy.default.strictness <= policy.unsure.strictness:
        return None
    return examination.ask_partial(
        Code.DEFAULT_ABOVE_UNSURE,
        "whether a case is laxer than `default` for what is not known",
        negation(partial.in_force(policy)),
        negation(partial.verdict_at_least(policy, policy.default)),
        witness=witness,
    )


def unsure_problems(examination: Examination, drawn: AmbiguousDraws) -> Iterator[tuple[Code, str]]:
    """Which of the four there are, with the key of the place; what is not decided in time is none."""

    def found(answer: SolverAnswer | None) -> bool:
        return answer is not None and answer.outcome is Satisfiability.SAT

    policy = examination.policy
    for rule in policy.rules:
        if found(too_strict(examination, rule, rule.unsure or policy.unsure, witness=False)):
            yield Code.UNSURE_TOO_STRICT, "unsure" if rule.unsure is None else key_of(rule, ".unsure")
        if found(softened(examination, rule, witness=False)):
            yield Code.EVADED_REFUSAL, key_of(rule)
    if found(laxer_than_default(examination, witness=False)):
        yield Code.DEFAULT_ABOVE_UNSURE, "default"
    for source in drawn.mostly_harmless(policy):
        yield Code.UNSURE_WITHHOLDS, source_key(examination, source)


def source_key(examination: Examination, source: str) -> str:
    """The key of a rule's `unsure`, or of the policy's own, by the names that :class:`AmbiguousDraws` gives."""
    return "unsure" if source == "unsure" else key_of(examination.policy.rule_index[source], ".unsure")
