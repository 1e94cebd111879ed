"""What unknown facts do to the verdict: SC1108 to SC1110."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from safecot_dsl.analysis.asking import Satisfiability
from safecot_dsl.analysis.examination import Examination, Finding, key_of, listed
from safecot_dsl.analysis.unsure import laxer_than_default, softened, too_strict
from safecot_dsl.analysis.unsure_advice import UnsureAdvice
from safecot_dsl.artifact import Rule, Verdict, strictest
from safecot_dsl.diagnostics import Code
from safecot_dsl.engine import Trace, Truth


def ignorance_findings(examination: Examination, advice: UnsureAdvice) -> Iterator[Finding]:
    yield from _stricter_than_possible(examination, advice)
    for rule in examination.rules():
        yield from _softened(examination, advice, rule)
    yield from _laxer_than_default(examination, advice)


def _stricter_than_possible(examination: Examination, advice: UnsureAdvice) -> Iterator[Finding]:
    """SC1108: some ambiguous case gets a verdict above its `upper`, of the policy's `unsure` or of a rule's own."""
    policy = examination.policy
    shared = [rule for rule in policy.rules if rule.unsure is None]
    above = [rule for rule in shared if _can_exceed(examination, rule, policy.unsure)]
    if above:
        names = listed([rule.name for rule in above])
        where, they = ("that rule", "it applies") if len(above) == 1 else ("those rules", "they apply")
        yield from _exceeding(
            examination,
            advice,
            above,
            policy.unsure,
            "unsure",
            f"`unsure {policy.unsure}` is stricter than everything that is still possible where only {names} may apply",
            f"say in {where} what to do where it is not known whether {they}, such as `unsure {{}}`",
            strictest((*(rule.verdict for rule in above), policy.default)),
        )
    for rule in policy.rules:
        if rule.unsure is not None and _can_exceed(examination, rule, rule.unsure):
            yield from _exceeding(
                examination,
                advice,
                [rule],
                rule.unsure,
                key_of(rule, ".unsure"),
                f"`unsure {rule.unsure}` in `{rule.name}` is stricter than everything that is still possible in some "
                "cases",
                "`unsure {}` is no stricter than the rule itself",
                rule.verdict,
            )


def _can_exceed(examination: Examination, rule: Rule, unsure: Verdict) -> bool:
    answer = too_strict(examination, rule, unsure, witness=False)
    return answer is not None and answer.outcome is Satisfiability.SAT


def _exceeding(
    examination: Examination,
    advice: UnsureAdvice,
    rules: Sequence[Rule],
    unsure: Verdict,
    key: str,
    message: str,
    help: str,
    mend: Verdict,
) -> Iterator[Finding]:
    rule = rules[0]
    answer = too_strict(examination, rule, unsure, witness=True)
    if answer is None or answer.case is None:
        return
    case = answer.case

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
        help=advice.on_too_strict(key, rules, help, mend),
        notes=(f"{examination.for_example(case)}, though {possible}",),
        witness=case,
    )


def _softened(examination: Examination, advice: UnsureAdvice, rule: Rule) -> Iterator[Finding]:
    """SC1109: the refusal applies for certain, an exception may, and the verdict is laxer than `refuse`."""
    answer = softened(examination, rule, witness=True)
    if answer is None or answer.case is None:
        return
    case = answer.case

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
        help=advice.on_softened(rule),
        notes=(examination.for_example(case), f"unsettled: {', '.join(trace.decision.unsettled)}"),
        witness=case,
    )


def _laxer_than_default(examination: Examination, advice: UnsureAdvice) -> Iterator[Finding]:
    """SC1110: `default` is stricter than `unsure`, and some case is the laxer for what is not known."""
    policy = examination.policy
    answer = laxer_than_default(examination, witness=True)
    if answer is None or answer.case is None:
        return
    case = answer.case

    def holds(trace: Trace) -> bool:
        return not trace.decision.certain and trace.decision.verdict.strictness < policy.default.strictness

    examination.confirm(case, holds, "ignorance is laxer than the default")
    yield Finding(
        Code.DEFAULT_ABOVE_UNSURE,
        "default",
        f"`default {policy.default}` is stricter than `unsure {policy.unsure}`: to know less about a case can make it "
        "laxer",
        help=advice.on_laxer_than_default(),
        notes=(examination.for_example(case),),
        witness=case,
    )
