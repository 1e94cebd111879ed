"""Properties and laws: proved of all complete cases, or refuted by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import z3

from safecot_dsl.analysis.asking import Satisfiability, SolverAnswer
from safecot_dsl.analysis.examination import MOST_SHOWN, Examination, Finding, said
from safecot_dsl.analysis.left_out import Certainty
from safecot_dsl.analysis.limits import USUAL_LIMITS, Limits
from safecot_dsl.analysis.logic import any_of, negation
from safecot_dsl.artifact import Case, CompiledPolicy, Condition, Decision, Law, Property, Verdict, laxest
from safecot_dsl.diagnostics import Code
from safecot_dsl.engine import Trace, Truth, show_value


@dataclass(frozen=True)
class Proof:
    """What became of a claim. A refutation has a case and its decision, that of a law also the other case.

    Facts that do not matter to a refutation are left unknown in its cases: whatever they are, the claim fails.
    """

    outcome: Literal["proved", "refuted", "undecided"]
    case: Case | None = None
    decision: Decision | None = None
    other: Case | None = None
    other_decision: Decision | None = None


def prove_property(policy: CompiledPolicy, claim: Property, *, limits: Limits = USUAL_LIMITS) -> Proof:
    """Is the verdict of every complete case in which `given` holds one of those that are expected?"""
    return property_proof(Examination(policy, limits), claim)


def prove_law(policy: CompiledPolicy, law: Law, *, limits: Limits = USUAL_LIMITS) -> Proof:
    """Does the law hold of every pair of complete cases?"""
    return law_proof(Examination(policy, limits), law)


def property_proof(examination: Examination, claim: Property) -> Proof:
    policy, encoding = examination.policy, examination.encoding
    given = [encoding.condition(claim.given)] if claim.given is not None else []
    expected = any_of((encoding.verdict_is(policy, verdict) for verdict in claim.expect), encoding.context)
    answer = examination.ask(Code.FAILED_PROPERTY, f"whether `{claim.name}` holds", *given, negation(expected))
    if answer.case is None:
        return _without_case(answer)

    def fails(trace: Trace) -> bool:
        applies = claim.given is None or trace.truth(claim.given) is Truth.YES
        return applies and trace.decision.verdict not in claim.expect

    case = examination.shortened(answer.case, *_surely(claim.given))
    examination.confirm(case, fails, f"the property `{claim.name}` fails")
    return Proof("refuted", case, examination.trace(case).decision)


def law_proof(examination: Examination, law: Law) -> Proof:
    pair = examination.pair
    given = [pair.one.condition(law.given)] if law.given is not None else []
    broken = pair.laxer() if law.never == "laxer" else pair.stricter()
    answer = examination.ask_pair(
        Code.FAILED_LAW, f"whether `{law.name}` holds", *given, *pair.only(law.fact), pair.change(law), broken
    )
    if answer.case is None:
        return _without_case(answer)
    before, after = answer.cases

    # What either verdict hangs on: to know more leaves a certain verdict as it is, if no supposition is contradicted.
    policy = examination.policy
    supposed = [fact.name for fact in policy.facts if fact.assume is not None]
    needed = {law.fact, *examination.shortened(before, *_surely(law.given), needed=supposed).known}
    needed |= examination.shortened(after, needed=supposed).known.keys()
    before, after = (Case({n: v for n, v in case.known.items() if n in needed}) for case in (before, after))
    other = examination.trace(after).decision

    def fails(trace: Trace) -> bool:
        if not _changed_so(policy, law, before, after) or not trace.decision.certain or not other.certain:
            return False
        if law.given is not None and trace.truth(law.given) is not Truth.YES:
            return False
        change = other.verdict.strictness - trace.decision.verdict.strictness
        return change < 0 if law.never == "laxer" else change > 0

    decision = examination.confirm(before, fails, f"the law `{law.name}` fails").decision
    return Proof("refuted", before, decision, after, other)


def _certain(examination: Examination, given: Condition | None) -> list[z3.BoolRef]:
    """That `given` is yes, where facts may be unknown."""
    return [] if given is None else [examination.partial.truth(examination.policy, given).yes]


def _surely(given: Condition | None) -> list[Certainty]:
    """The same of a case with facts left out."""
    return [] if given is None else [lambda said: said.truth(given)]


def _changed_so(policy: CompiledPolicy, law: Law, before: Case, after: Case) -> bool:
    """The one case is the other with the law's fact changed as the law says."""
    if before.with_fact(law.fact, after.known[law.fact]) != after:
        return False
    match before.known[law.fact], after.known[law.fact]:
        case bool(), bool(value):
            return value is (law.values == ("yes",))
        case frozenset(old), frozenset(new):
            return old < new and len(new - old) == 1 and new - old <= set(law.values)
        case float(old), float(new):
            return new > old if law.change == "rises" else new < old
        case _, value:
            return value in law.becomes(policy.fact_index[law.fact])


def _without_case(answer: SolverAnswer) -> Proof:
    return Proof("proved" if answer.outcome is Satisfiability.UNSAT else "undecided")


def claim_findings(examination: Examination) -> list[Finding]:
    """SC1003 and SC1004: properties and laws that do not hold. SC1006: properties that ignorance may get around."""
    findings: list[Finding] = []
    for claim in examination.policy.properties:
        proof = property_proof(examination, claim)
        if proof.case is not None and proof.decision is not None:
            findings.append(_refuted_property(examination, claim, proof.case, proof.decision))
        elif proof.outcome == "proved":
            findings += _softened(examination, claim)
    for law in examination.policy.laws:
        proof = law_proof(examination, law)
        if proof.case is not None:
            findings.append(_refuted_law(examination, law, proof))
    return findings


def _refuted_property(examination: Examination, claim: Property, case: Case, decision: Decision) -> Finding:
    return Finding(
        Code.FAILED_PROPERTY,
        claim.key,
        f"the property `{claim.name}` does not hold: a case is decided {said(decision)}",
        help="mend the rules, or the claim",
        notes=(examination.for_example(case), *as_example(examination, case, claim)),
        witness=case,
    )


def as_example(examination: Examination, case: Case, claim: Property) -> tuple[str, ...]:
    """The example that fails as long as the property does, to be pasted; of several right verdicts, the laxest.

    None for a case of many facts.
    """
    if len(case.known) > MOST_SHOWN:
        return ()
    name = claim.name.replace("\\", "\\\\").replace('"', '\\"')
    given = f"given {examination.shown(case)} " if case.known else ""
    return (f'as an example: example "{name}" {{ {given}expect {claim.expect[0]} }}',)


def _refuted_law(examination: Examination, law: Law, proof: Proof) -> Finding:
    assert proof.case is not None
    assert proof.other is not None
    assert proof.decision is not None
    assert proof.other_decision is not None
    value = proof.other.known[law.fact]
    text = show_value(sorted(value) if isinstance(value, frozenset) else value)
    return Finding(
        Code.FAILED_LAW,
        law.key,
        f"the law `{law.name}` does not hold: the verdict goes from `{proof.decision.verdict}` to "
        f"`{proof.other_decision.verdict}`",
        help="mend the rules, or say with `given` of which cases the law speaks",
        notes=(
            examination.for_example(proof.case),
            f"the same with {law.fact} = {text}: {said(proof.other_decision)}",
        ),
        witness=proof.case,
    )


def _softened(examination: Examination, claim: Property) -> list[Finding]:
    """An ambiguous case satisfies `given` for certain, and its verdict is laxer than every expected one."""
    policy, partial = examination.policy, examination.partial
    least = laxest(claim.expect)
    if least is Verdict.COMPLY:
        return []
    answer = examination.ask_partial(
        Code.EVADED_PROPERTY,
        f"whether ignorance gets around `{claim.name}`",
        *_certain(examination, claim.given),
        partial.ambiguous(policy),
        negation(partial.verdict_at_least(policy, least)),
    )
    if answer.case is None:
        return []

    def holds(trace: Trace) -> bool:
        satisfied = claim.given is None or trace.truth(claim.given) is Truth.YES
        return satisfied and not trace.decision.certain and trace.decision.verdict.strictness < least.strictness

    decision = examination.confirm(answer.case, holds, f"ignorance gets around `{claim.name}`").decision
    return [
        Finding(
            Code.EVADED_PROPERTY,
            claim.key,
            f"where facts are unknown, `{claim.name}` gives way: a case that it speaks of is decided "
            f"`{decision.verdict}`, laxer than `{least}`",
            help=f"say `unsure {least}` in the rules that are undecided there: "
            + ", ".join(f"`{name}`" for name in decision.undecided[:4]),
            notes=(examination.for_example(answer.case), f"unsettled: {', '.join(decision.unsettled)}"),
            witness=answer.case,
        )
    ]
