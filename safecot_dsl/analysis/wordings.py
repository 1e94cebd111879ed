"""What the texts of a policy cannot say: SC1117 to SC1120."""

from __future__ import annotations

from collections.abc import Iterator

from safecot_dsl.analysis.asking import Satisfiability
from safecot_dsl.analysis.examination import Examination, Finding
from safecot_dsl.analysis.logic import negation
from safecot_dsl.artifact import (
    And,
    AtLeast,
    CompiledPolicy,
    Condition,
    Fact,
    FlagType,
    Not,
    NumberType,
    OneOfType,
    Or,
    Proposed,
    Rule,
    SetType,
    Step,
    StepKind,
    TextType,
    facts_read,
)
from safecot_dsl.diagnostics import Code
from safecot_dsl.engine import show_value
from safecot_dsl.reading import FactReader
from safecot_dsl.render.english import listed
from safecot_dsl.render.sentences import asks_by_name, number_cuts


def wording_findings(policy: CompiledPolicy, *, every: bool = False) -> Iterator[Finding]:
    """What can be said of the sentences of facts without the solver.

    That sentences are built is said of a policy that writes sentences, since it may have forgotten one; with `every`,
    of any policy.
    """
    read = {name for rule in policy.rules for name in facts_read(*rule.conditions)}
    facts = [fact for fact in policy.facts if fact.name in read]
    built = {fact.name: missing for fact in facts if (missing := _built(fact))}
    if built and (every or any(fact.says or fact.denies or fact.none or fact.bands for fact in facts)):
        yield Finding(
            Code.BUILT_SENTENCE,
            f"fact:{next(iter(built))}",
            f"sentences are built: {'; '.join(f'{listed(missing)} of `{name}`' for name, missing in built.items())}",
            help="a sentence that is written reads better than one that is built: give the fact its own",
        )
    for fact in facts:
        yield from _inside_bands(policy, fact)
    yield from _read_alike(policy)


def silent_findings(examination: Examination) -> Iterator[Finding]:
    """SC1119: texts that are never said."""
    for rule in examination.policy.rules:
        yield from _spoken_over(examination, rule)
        steps = [step for step in rule.speech.think if step.kind is StepKind.CONTRAST]
        if rule.exception_to:
            for step in steps:
                yield _never_said(rule, step, "an exception that does not apply has no conclusion of its own")
        elif steps:
            yield from _contrasts(examination, rule, steps)


def _spoken_over(examination: Examination, rule: Rule) -> Iterator[Finding]:
    """What a rule that decides says itself, where another that decides with it always speaks in its place."""
    policy, encoding, interpreter = examination.policy, examination.encoding, examination.interpreter
    steps = [step for step in rule.speech.think if step.kind is StepKind.DECIDE]
    keys = [step.key for step in steps]
    keys += [part.key for part in (rule.speech.answer.say, rule.speech.answer.offer) if part is not None]
    before = [
        other
        for other in policy.rules
        if other.verdict is rule.verdict
        and (-interpreter.severity(other), other.name) < (-interpreter.severity(rule), rule.name)
    ]
    if not keys or not before:
        return
    what = f"whether `{rule.name}` ever speaks"
    decides = encoding.decides(policy, rule)
    silent = [decides, *(negation(encoding.effective(policy, other)) for other in before)]
    if examination.ask(Code.NEVER_SAID, what, *silent, witness=False).outcome is not Satisfiability.UNSAT:
        return
    answer = examination.ask(Code.NEVER_SAID, what, decides)
    if answer.case is None:
        return  # that it never decides is another finding
    speaker = interpreter.decide(answer.case).speaker
    for key in keys:
        yield Finding(
            Code.NEVER_SAID,
            key,
            f"this text of `{rule.name}` is never said",
            help="give it to the rule that speaks, or give this one the more severe hazard",
            notes=(f"wherever `{rule.name}` decides, another decides with it and speaks, such as `{speaker}`",),
        )


def _contrasts(examination: Examination, rule: Rule, steps: list[Step]) -> Iterator[Finding]:
    encoding, policy = examination.encoding, examination.policy
    what = f"whether a contrast of `{rule.name}` is ever said"
    claims = [negation(encoding.own(policy, rule))]
    asked = _asked(And(items=(rule.when, *(() if rule.unless is None else (Not(item=rule.unless),)))), positive=True)
    if asked is not None:
        claims.append(encoding.condition(asked))
    if examination.ask(Code.NEVER_SAID, what, *claims, witness=False).outcome is Satisfiability.UNSAT:
        why = "whenever it is asked for, the rule applies: it is about the request alone"
        yield from (_never_said(rule, step, why) for step in steps)
        return
    for step in steps:
        if step.when is None:
            return
        when = encoding.condition(step.when)
        if examination.ask(Code.NEVER_SAID, what, *claims, when, witness=False).outcome is Satisfiability.UNSAT:
            why = "where its condition holds, the rule applies, is not asked for, or has another contrast before it"
            yield _never_said(rule, step, why)
        claims.append(negation(when))


def _never_said(rule: Rule, step: Step, why: str) -> Finding:
    return Finding(
        Code.NEVER_SAID,
        step.key,
        f"this contrast of `{rule.name}` is never said",
        help="a contrast is said where the request is the rule's and something else keeps the rule from applying",
        notes=(why,),
    )


def _asked(condition: Condition, *, positive: bool) -> Condition | None:
    """What a condition asks of the request alone, with everything else taken to be as it needs it; None for nothing."""
    match condition:
        case Not(item=item):
            return _asked(item, positive=not positive)
        case And(items=items):
            return _at_least(len(items) if positive else 1, [_asked(item, positive=positive) for item in items])
        case Or(items=items):
            return _at_least(1 if positive else len(items), [_asked(item, positive=positive) for item in items])
        case AtLeast(count=count, items=items):
            needed = count if positive else len(items) - count + 1
            return _at_least(needed, [_asked(item, positive=positive) for item in items])
        case Proposed():
            raise TypeError("a proposition is no condition over facts")
        case _:
            if not condition.fact.startswith("query."):
                return None
            return condition if positive else Not(item=condition)


def _at_least(count: int, parts: list[Condition | None]) -> Condition | None:
    asked = [part for part in parts if part is not None]
    needed = count - (len(parts) - len(asked))  # the others hold
    if needed <= 0:
        return None
    if needed == len(asked):
        return asked[0] if needed == 1 else And(items=tuple(asked))
    return Or(items=tuple(asked)) if needed == 1 else AtLeast(count=needed, items=tuple(asked))


def _inside_bands(policy: CompiledPolicy, fact: Fact) -> Iterator[Finding]:
    """SC1118: a threshold inside a band."""
    if not fact.bands:
        return
    edges = {band.below for band in fact.bands}
    inside = [cut for cut in number_cuts(policy, fact.name) if cut not in edges]
    for cut in inside:
        shown = show_value(float(f"{cut:.12g}"))
        exact = float(shown) == cut
        yield Finding(
            Code.THRESHOLD_INSIDE_BAND,
            f"fact:{fact.name}.bands",
            f"a rule tells the values of `{fact.name}` apart at {shown}, inside a band: the text cannot say which side "
            "a value is on",
            help=f"end a band there: `below {shown}`"
            if exact
            else f"end a band there (`below {shown}`), and compare with `<` or `>=`, if {shown} itself may fall above",
        )


def _read_alike(policy: CompiledPolicy) -> Iterator[Finding]:
    """SC1120: sentences that say two things."""
    for text, told in FactReader(policy).ambiguous.items():
        names = list(dict.fromkeys(name for name, _ in told))
        if all(_counts_alike(policy, name) for name in names) and len(names) == 1:
            continue
        yield Finding(
            Code.EQUIVOCAL_SENTENCE,
            f"fact:{names[-1]}",
            f'"{text}" is said of {listed([f"`{name}`" for name in names])}'
            if len(names) > 1
            else f'"{text}" is said of several values of `{names[0]}`',
            help="write sentences that tell them apart: whoever reads the text has nothing else to go by",
        )


def _counts_alike(policy: CompiledPolicy, name: str) -> bool:
    """Numbers of one band are told alike, as they should be."""
    return isinstance(policy.fact_index[name].type, NumberType)


def _built(fact: Fact) -> list[str]:
    """The sentences of a fact that its author did not write."""
    match fact.type:
        case FlagType():
            wanted = {"says": fact.says, "not": fact.denies}
        case OneOfType():
            wanted = {"says": fact.says}
        case SetType() | TextType():
            wanted = {"says": fact.says, "none": fact.none}
        case NumberType():
            wanted = {"says": fact.bands}
    missing = [f"`{name}`" for name, texts in wanted.items() if not texts]
    # A fact that is supposed where nothing is known seldom has to be asked for.
    return [*missing, "`ask`"] if fact.assume is None and asks_by_name(fact) else missing
