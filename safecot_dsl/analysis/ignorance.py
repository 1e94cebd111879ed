"""What unknown facts do to the verdict: SC1108 to SC1110."""

from __future__ import annotations

from collections.abc import Iterator

from safecot_dsl.analysis.asking import Satisfiability
from safecot_dsl.analysis.examination import Examination, Finding, key_of, listed
from safecot_dsl.analysis.logic import negation
from safecot_dsl.artifact import Rule, Verdict, strictest
from safecot_dsl.diagnostics import Code
from safecot_dsl.engine import Trace, Truth


def ignorance_findings(examination: Examination) -> Iterator[Finding]:
    yield from _stricter_than_possible(examination)
    for rule in examination.policy.rules:
        if rule.verdict is Verdict.REFUSE:
            yield from _softened(examination, rule)
    yield from _laxer_than_default(examination)


def _stricter_than_possible(examination: Examination) -> Iterator[Finding]:
    """SC1108: some ambiguous case gets a verdict above its `upper`, of the policy's `unsure` or of a rule's own."""
    policy = examination.policy
    shared = [rule for rule in policy.rules if rule.unsure is None]
    above = [rule for rule in shared if _can_exceed(examination, rule, policy.unsure)]
    if above:
        names = listed([rule.name for rule in above])
        verdict = strictest((*(rule.verdict for rule in above), policy.default))
        yield from _exceeding(
            examination,
            above[0],
            policy.unsure,
            "unsure",
            f"`unsure {policy.unsure}` is stricter than everything that is still possible where only {names} may apply",
            f"say in {'that rule' if len(above) == 1 else 'those rules'} what to do where it is not known whether they "
            f"apply, such as `unsure {verdict}`",
        )
    for rule in policy.rules:
        if rule.unsure is not None and _can_exceed(examination, rule, rule.unsure):
            yield from _exceeding(
                examination,
                rule,
                rule.unsure,
                key_of(rule, ".unsure"),
                f"`unsure {rule.unsure}` in `{rule.name}` is stricter than everything that is still possible in some "
                "cases",
                f"`unsure {rule.verdict}` is as strict as the rule itself",
            )


def _can_exceed(examination: Examination, rule: Rule, unsure: Verdict) -> bool:
    if rule.verdict.strictness >= unsure.strictness:
        return False  # the rule itself is possible
    policy, partial = examination.policy, examination.partial
    answer = examination.ask_partial(
        Code.UNSURE_TOO_STRICT,
        f"whether `unsure {unsure}` is too strict where `{rule.name}` may apply",
        *(partial.ambiguous(policy), partial.matters(policy, rule), negation(partial.upper_at_least(policy, unsure))),
        witness=False,
    )
    return answer.outcome is Satisfiability.SAT


def _exceeding(
    examination: Examination, rule: Rule, unsure: Verdict, key: str, message: str, help: str
) -> Iterator[Finding]:
    policy, partial = examination.policy, examination.partial
    case = examination.ask_partial(
        Code.UNSURE_TOO_STRICT,
        f"whether `unsure {unsure}` is too strict where `{rule.name}` may apply",
        *(partial.ambiguous(policy), partial.matters(policy, rule), negation(partial.upper_at_least(policy, unsure))),
    ).case
    if case is None:
        return

    def holds(trace: Trace) -> bool:
        decision = trace.decision
        exceeds = decision.verdict.strictness > decision.upper.strictness
        return exceeds and not decision.certain and rule.name in decision.undecided

    decision = examination.confirm(case, holds, message).decision
    possible = f"possible are `{decision.lower}` to `{decision.upper}`"
    yield Finding(
        Code.UNSURE_TOO_STRICT,
        key,
        message,
        help=help,
        notes=(f"{examination.for_example(case)}, though {possible}",),
        witness=case,
    )


def _softened(examination: Examination, rule: Rule) -> Iterator[Finding]:
    """SC1109: the refusal applies for certain, an exception may, and the verdict is laxer than `refuse`."""
    policy, partial = examination.policy, examination.partial
    if not examination.interpreter.exceptions[rule.name]:
        return
    case = examination.ask_partial(
        Code.EVADED_REFUSAL,
        f"whether ignorance softens `{rule.name}`",
        partial.applies(policy, rule).yes,
        partial.maybe_effective(policy, rule),
        negation(partial.verdict_at_least(policy, Verdict.REFUSE)),
    ).case
    if case is None:
        return

    def holds(trace: Trace) -> bool:
        undecided = trace.applies[rule.name] is Truth.YES and rule.name in trace.decision.undecided
        return undecided and trace.decision.verdict is not Verdict.REFUSE

    trace = examination.confirm(case, holds, f"ignorance softens `{rule.name}`")
    perhaps = [e.name for e in examination.interpreter.exceptions[rule.name] if trace.applies[e.name] is Truth.MAYBE]
    yield Finding(
        Code.EVADED_REFUSAL,
        key_of(rule),
        f"ignorance softens the refusal `{rule.name}`: it applies for certain, and the verdict is "
        f"`{trace.decision.verdict}` as long as {listed(perhaps)} may apply",
        help=f"`unsure refuse` in `{rule.name}` refuses until the exception is known to apply",
        notes=(examination.for_example(case), f"unsettled: {', '.join(trace.decision.unsettled)}"),
        witness=case,
    )


def _laxer_than_default(examination: Examination) -> Iterator[Finding]:
    """SC1110: `default` is stricter than `unsure`, and some case is the laxer for what is not known."""
    policy, partial = examination.policy, examination.partial
    if policy.default.strictness <= policy.unsure.strictness:
        return
    case = examination.ask_partial(
        Code.DEFAULT_ABOVE_UNSURE,
        "whether a case is laxer than `default` for what is not known",
        negation(partial.in_force(policy)),
        negation(partial.verdict_at_least(policy, policy.default)),
    ).case
    if case is None:
        return

    def holds(trace: Trace) -> bool:
        return not trace.decision.certain and trace.decision.verdict.strictness < policy.default.strictness

    examination.confirm(case, holds, "ignorance is laxer than the default")
    yield Finding(
        Code.DEFAULT_ABOVE_UNSURE,
        "default",
        f"`default {policy.default}` is stricter than `unsure {policy.unsure}`: to know less about a case can make it "
        "laxer",
        help=f"`unsure {policy.default}` is as strict",
        notes=(examination.for_example(case),),
        witness=case,
    )
