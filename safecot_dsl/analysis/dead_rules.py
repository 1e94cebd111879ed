"""Rules, exceptions and clauses that change nothing: SC1101 to SC1105."""

from __future__ import annotations

from collections.abc import Iterator

from safecot_dsl.analysis.asking import Satisfiability
from safecot_dsl.analysis.examination import Examination, Finding, above_it, key_of, listed
from safecot_dsl.analysis.logic import any_of, negation
from safecot_dsl.artifact import Case, CompiledPolicy, Rule
from safecot_dsl.diagnostics import Code
from safecot_dsl.engine import Trace, Truth

#: Of so many rules that mask another, or exceptions that replace it, the names are looked for.
MOST_NAMED = 8


def dead_rule_findings(examination: Examination) -> Iterator[Finding]:
    """The findings on each rule, in the order of the policy."""
    never: set[str] = set()  # rules that never apply: what follows from that is not said again
    for rule in examination.rules():
        if _never_applies(examination, rule):
            never.add(rule.name)
    for rule in examination.rules():
        if rule.name in never:
            yield from _why_never(examination, rule, never)
            continue
        yield from _masked(examination, rule)
        yield from _idle_unless(examination, rule)
        yield from _parents(examination, rule, never)


def _never_applies(examination: Examination, rule: Rule) -> bool:
    encoding = examination.encoding
    applies = encoding.applies(examination.policy, rule)
    return examination.ask(
        Code.NEVER_APPLIES, f"whether `{rule.name}` ever applies", applies, witness=False
    ).outcome is (Satisfiability.UNSAT)


def _why_never(examination: Examination, rule: Rule, never: set[str]) -> Iterator[Finding]:
    policy, encoding = examination.policy, examination.encoding
    own = examination.ask(
        Code.NEVER_APPLIES, f"whether `{rule.name}` ever applies", encoding.own(policy, rule), witness=False
    )
    if own.outcome is Satisfiability.SAT:
        # It could apply, were it not for the rules that it is an exception to.
        if not never.issuperset(rule.exception_to):
            yield from _parents(examination, rule, never)
        return
    if own.outcome is not Satisfiability.UNSAT:
        return
    help = "two parts of its `when` exclude each other"
    if rule.unless is not None:
        alone = examination.ask(
            Code.NEVER_APPLIES, f"whether `{rule.name}` can", encoding.condition(rule.when), witness=False
        )
        if alone.outcome is Satisfiability.SAT:
            help = "its `unless` takes every case that its `when` takes"
    yield Finding(Code.NEVER_APPLIES, key_of(rule), f"`{rule.name}` never applies", help=help)


def _masked(examination: Examination, rule: Rule) -> Iterator[Finding]:
    policy, encoding = examination.policy, examination.encoding
    what = f"whether `{rule.name}` ever decides"
    if (
        examination.ask(Code.NEVER_DECIDES, what, encoding.decides(policy, rule), witness=False).outcome
        is not Satisfiability.UNSAT
    ):
        return
    effective = encoding.effective(policy, rule)
    if examination.ask(Code.NEVER_DECIDES, what, effective, witness=False).outcome is Satisfiability.SAT:
        base = effective
        others = {r.name: encoding.effective(policy, r) for r in policy.rules if _stricter(r, rule)}
        message = f"`{rule.name}` never decides: wherever it holds, so does a stricter rule"
        help = "take this one away, or make it an exception to the stricter rule if it was meant to go before it"
    else:
        base = encoding.applies(policy, rule)
        others = {r.name: encoding.applies(policy, r) for r in policy.rules if rule.name in r.exception_to}
        message = f"`{rule.name}` never decides: wherever it applies, so does an exception to it"
        help = "take away the one of the two that is not meant, or narrow the exception"

    def holds(trace: Trace) -> bool:
        return trace.applies[rule.name] is Truth.YES and rule.name not in trace.decision.deciding

    names: list[str] = []
    first: Case | None = None
    while len(names) < MOST_NAMED:
        case = examination.ask(Code.NEVER_DECIDES, what, base, *(negation(others[name]) for name in names)).case
        if case is None:
            break
        trace = examination.confirm(case, holds, message)
        if first is None:
            first = examination.shortened(case, lambda said: said.applies(rule))
            examination.confirm(first, holds, message)
        names.append(
            next(
                name
                for name in others
                if name not in names and (trace.effective if base is effective else trace.applies)[name] is Truth.YES
            )
        )
    if first is not None:
        yield Finding(
            Code.NEVER_DECIDES,
            key_of(rule),
            f"{message} ({listed(names)})",
            help=help,
            notes=(examination.for_example(first), *_contradiction(policy, rule, names)),
            witness=first,
        )


def _contradiction(policy: CompiledPolicy, rule: Rule, names: list[str]) -> Iterator[str]:
    """What is said of a rule that helps, where the rules that mask it always withhold help."""
    if not rule.verdict.answers or any(policy.rule_index[name].verdict.answers for name in names):
        return
    said = ", ".join(dict.fromkeys(f"`{policy.rule_index[name].verdict}`" for name in names))
    always = "they contradict" if len(names) > 1 else "it contradicts"
    yield f"`{rule.name}` says `{rule.verdict}` where {said} is due without exception: {always} this rule"


def _stricter(one: Rule, other: Rule) -> bool:
    return one.verdict.strictness > other.verdict.strictness


def _idle_unless(examination: Examination, rule: Rule) -> Iterator[Finding]:
    """No case that the rule would take without its `unless` is taken from it."""
    if rule.unless is None:
        return
    policy, encoding = examination.policy, examination.encoding
    taken = [encoding.condition(rule.when), encoding.condition(rule.unless)]
    if rule.exception_to:
        parents = (encoding.applies(policy, policy.rule_index[name]) for name in rule.exception_to)
        taken.append(any_of(parents, encoding.context))
    answer = examination.ask(
        Code.IDLE_UNLESS, f"whether the `unless` of `{rule.name}` does anything", *taken, witness=False
    )
    if answer.outcome is Satisfiability.UNSAT:
        yield Finding(
            Code.IDLE_UNLESS,
            key_of(rule, ".unless"),
            f"the `unless` of `{rule.name}` changes nothing: it never holds where the rule would apply",
            help="take it away, or mend it",
        )


def _parents(examination: Examination, rule: Rule, never: set[str]) -> Iterator[Finding]:
    """What an exception has to do with each rule that it is to."""
    policy, encoding = examination.policy, examination.encoding
    own = encoding.own(policy, rule)
    apart: list[str] = []
    laxer: list[str] = []
    for name in dict.fromkeys(rule.exception_to):
        parent = policy.rule_index[name]
        both = [own, encoding.applies(policy, parent)]
        what = f"whether `{rule.name}` overlaps `{name}`"
        if name in never:
            continue  # that the parent never applies is said of the parent
        if examination.ask(Code.DISJOINT_EXCEPTION, what, *both, witness=False).outcome is Satisfiability.UNSAT:
            apart.append(name)
        elif _stricter(rule, parent) and not _restores(examination, rule, parent):
            laxer.append(name)
    if apart:
        yield Finding(
            Code.DISJOINT_EXCEPTION,
            key_of(rule),
            f"the exception `{rule.name}` never overlaps {listed(apart)}, so it is no exception to "
            f"{'it' if len(apart) == 1 else 'them'}",
            help="mend its `when`, or name another rule after `to`",
        )
    if laxer:
        yield from _stricter_exception(examination, rule, laxer)


def _restores(examination: Examination, rule: Rule, parent: Rule) -> bool:
    """The parent is itself an exception, to something as strict: the rule only gives back what the parent took."""
    return any(not _stricter(rule, above) for above in above_it(examination.policy, parent))


def _stricter_exception(examination: Examination, rule: Rule, parents: list[str]) -> Iterator[Finding]:
    policy, encoding = examination.policy, examination.encoding
    answer = examination.ask(
        Code.STRICTER_EXCEPTION,
        f"whether `{rule.name}` makes anything stricter",
        encoding.effective(policy, rule),
        any_of((encoding.applies(policy, policy.rule_index[name]) for name in parents), encoding.context),
    )
    if answer.case is None:
        return

    def holds(trace: Trace) -> bool:
        return trace.effective[rule.name] is Truth.YES and any(trace.applies[p] is Truth.YES for p in parents)

    case = examination.shortened(answer.case, lambda said: said.effective(rule))
    examination.confirm(case, holds, f"`{rule.name}` is stricter than its rule")
    verdicts = ", ".join(dict.fromkeys(f"`{policy.rule_index[name].verdict}`" for name in parents))
    yield Finding(
        Code.STRICTER_EXCEPTION,
        key_of(rule),
        f"the exception `{rule.name}` is stricter than what it is to: `{rule.verdict}`, where {listed(parents)} "
        f"would be {verdicts}",
        help=f"a rule of its own, whose `when` has that of {listed(parents)} too, says the same more plainly",
        notes=(examination.for_example(case),),
        witness=case,
    )
