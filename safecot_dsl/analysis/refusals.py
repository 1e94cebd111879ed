"""Refusals that may be too many: SC1111 to SC1114."""

from __future__ import annotations

from collections.abc import Iterator

from safecot_dsl.analysis.asking import Satisfiability
from safecot_dsl.analysis.examination import Examination, Finding, above_it, key_of
from safecot_dsl.analysis.logic import all_of, negation
from safecot_dsl.artifact import Case, Rule, Subject, Verdict, atoms
from safecot_dsl.diagnostics import Code
from safecot_dsl.engine import Trace, Truth


def refusal_findings(examination: Examination) -> Iterator[Finding]:
    """The findings on each refusal that decides some case, in the order of the policy."""
    for rule in examination.rules():
        if rule.verdict is Verdict.REFUSE and _decides(examination, rule):
            yield from _one_sided(examination, rule)
            yield from _without_neighbour(examination, rule)
            yield from _hardly_softened(examination, rule)


def _decides(examination: Examination, rule: Rule) -> bool:
    decides = examination.encoding.decides(examination.policy, rule)
    what = f"whether `{rule.name}` ever decides"
    return examination.ask(Code.NEVER_DECIDES, what, decides, witness=False).outcome is Satisfiability.SAT


def _deciding_case(examination: Examination, code: Code, rule: Rule) -> Case | None:
    """A case that the refusal decides, without what does not matter to it."""
    decides = examination.encoding.decides(examination.policy, rule)
    case = examination.ask(code, f"an example for `{rule.name}`", decides).case
    if case is None:
        return None

    def holds(trace: Trace) -> bool:
        return rule.name in trace.decision.deciding

    case = examination.shortened(case, lambda said: said.decides(rule))
    examination.confirm(case, holds, f"`{rule.name}` decides")
    return case


def _one_sided(examination: Examination, rule: Rule) -> Iterator[Finding]:
    """SC1111 and SC1114: the refusal hangs on the image alone, or on the query alone.

    Of an exception below another refusal nothing is said: it refuses what was refused. Nor is it news that a policy
    without facts about images looks at the query alone.
    """
    if any(above.verdict is Verdict.REFUSE for above in above_it(examination.policy, rule)):
        return
    subjects = _subjects(examination, rule)
    if subjects == {Subject.IMAGE}:
        case = _deciding_case(examination, Code.REFUSAL_BY_IMAGE, rule)
        if case is not None:
            yield Finding(
                Code.REFUSAL_BY_IMAGE,
                key_of(rule),
                f"`{rule.name}` refuses for what the image shows, whatever is asked about it",
                help="say with `when`, or in an exception, what may be asked about such an image",
                notes=(examination.for_example(case),),
                witness=case,
            )
    elif subjects == {Subject.QUERY} and any(fact.subject is Subject.IMAGE for fact in examination.policy.facts):
        case = _deciding_case(examination, Code.REFUSAL_BY_QUERY, rule)
        if case is not None:
            yield Finding(
                Code.REFUSAL_BY_QUERY,
                key_of(rule),
                f"`{rule.name}` refuses for what is asked, whatever the image shows",
                notes=(examination.for_example(case),),
                witness=case,
            )


def _subjects(examination: Examination, rule: Rule) -> set[Subject]:
    """What the facts are about on which it depends that the refusal holds.

    These are the facts that its condition reads, those of the rules that it is an exception to, and those of the
    exceptions that would soften it, downwards.
    """
    softening = [e for e in examination.below(rule) if e.verdict is not Verdict.REFUSE]
    facts = examination.policy.fact_index
    return {
        facts[atom.fact].subject  # pyright: ignore[reportAttributeAccessIssue] - rules are about facts
        for each in (rule, *above_it(examination.policy, rule), *softening)
        for condition in each.conditions
        for atom in atoms(condition)
    }


def _without_neighbour(examination: Examination, rule: Rule) -> Iterator[Finding]:
    """Of no case that the refusal decides does changing one fact lead to a laxer verdict."""
    pair = examination.pair
    policy = examination.policy
    answer = examination.ask_pair(
        Code.REFUSAL_WITHOUT_NEIGHBOUR,
        f"whether a case of `{rule.name}` has a neighbour that is not refused",
        pair.one.decides(policy, rule),
        negation(pair.other.verdict_at_least(policy, Verdict.REFUSE)),
        witness=False,
    )
    if answer.outcome is not Satisfiability.UNSAT:
        return
    case = _deciding_case(examination, Code.REFUSAL_WITHOUT_NEIGHBOUR, rule)
    if case is not None:
        yield Finding(
            Code.REFUSAL_WITHOUT_NEIGHBOUR,
            key_of(rule),
            f"no case that `{rule.name}` refuses has a neighbour that is not refused: no change of one fact is enough",
            help="see which other rules refuse around it, and whether they are meant to",
            notes=(examination.for_example(case),),
            witness=case,
        )


def _hardly_softened(examination: Examination, rule: Rule) -> Iterator[Finding]:
    """SC1113: what the exceptions to a refusal come to."""
    policy, encoding = examination.policy, examination.encoding
    exceptions = [e for e in examination.interpreter.exceptions[rule.name] if e.verdict is not Verdict.REFUSE]
    helping: list[str] = []
    useless: list[Rule] = []
    for exception in exceptions:
        softened = [
            encoding.effective(policy, exception),
            encoding.applies(policy, rule),
            negation(encoding.verdict_at_least(policy, Verdict.REDIRECT)),
        ]
        what = f"whether `{exception.name}` ever brings the verdict below `redirect`"
        outcome = examination.ask(Code.IDLE_EXCEPTION, what, *softened, witness=False).outcome
        if outcome is not Satisfiability.UNSAT:
            helping.append(exception.name)
        else:
            useless.append(exception)
    for exception in useless:
        promised = exception.verdict.strictness < Verdict.REDIRECT.strictness
        if not promised and helping:
            continue  # another exception to the same refusal lets an answer through
        effective = all_of((encoding.effective(policy, exception), encoding.applies(policy, rule)), encoding.context)
        case = examination.ask(Code.IDLE_EXCEPTION, f"an example for `{exception.name}`", effective).case
        if case is None:
            continue

        def holds(trace: Trace, exception: Rule = exception) -> bool:
            strict = trace.decision.verdict.strictness >= Verdict.REDIRECT.strictness
            return strict and trace.effective[exception.name] is Truth.YES

        case = examination.shortened(case, lambda said, exception=exception: said.effective(exception))
        examination.confirm(case, holds, f"`{exception.name}` does not help")
        if promised:
            message = (
                f"the exception `{exception.name}` says `{exception.verdict}`, but the verdict is never below "
                "`redirect` where it holds"
            )
            help = "see which other rules refuse there, and make the exception one to them too"
        else:
            message = f"no exception to the refusal `{rule.name}` brings the verdict below `redirect`"
            help = "say in an exception which of these requests may be answered, if there are any"
        yield Finding(
            Code.IDLE_EXCEPTION,
            key_of(exception),
            message,
            help=help,
            notes=(examination.for_example(case),),
            witness=case,
            milder=not promised,
        )
        if not promised:
            return  # said once of the refusal
