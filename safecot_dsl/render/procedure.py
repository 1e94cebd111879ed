"""The procedure of a reasoning, whatever the verdict: see, ask, weigh the rules in question, decide (language charter,
*Reasoning and answers*)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from safecot_dsl.artifact import Case, Decision, Fact, Rule, Speech, StepKind, Subject, Value
from safecot_dsl.engine import Truth
from safecot_dsl.render.english import listed
from safecot_dsl.render.grounds import Grounds
from safecot_dsl.render.model import SentenceStep, line_sentence
from safecot_dsl.render.plan import Part, part_of
from safecot_dsl.render.slots import Scope
from safecot_dsl.render.spoken import from_templates, from_verdict, nothing_in_question, phrases_key
from safecot_dsl.render.style import ReasoningStyle
from safecot_dsl.render.verdict_words import VERDICT_WORDS
from safecot_dsl.render.weighing import Weighed, Weighing, hangs_on, step_of

_MOST_HARMS = 4  # that a request which is not known could be about are named

STATED: dict[Subject, SentenceStep] = {
    Subject.IMAGE: "observe",
    Subject.QUERY: "intent",
    Subject.CONTEXT: "context",
}


@dataclass(frozen=True)
class DecidedCase:
    """A decided case. `known` are its facts with suppositions filled in, `cannot_tell` those that nobody can tell, and
    `supposed` those that are only supposed."""

    decision: Decision
    known: Mapping[str, Value]
    cannot_tell: Collection[str]
    supposed: Collection[str]

    @classmethod
    def of(cls, case: Case, decision: Decision) -> DecidedCase:
        """`case` is the one with suppositions filled in."""
        return cls(decision, case.known, case.cannot_tell, decision.assumed.keys())


def stated(grounds: Grounds, outcome: DecidedCase) -> list[Part]:
    """What is seen, what is asked, and what is known besides: every fact that any rule reads, in the order of
    declaration, and what nobody can tell as well; not what is only supposed."""
    parts: list[Part] = []
    for subject, step in STATED.items():
        for fact in grounds.read_facts:
            if fact.subject is subject and fact.name not in outcome.supposed:
                value = outcome.known.get(fact.name)
                if value is not None or fact.name in outcome.cannot_tell:
                    parts.append(statement(grounds, step, fact, value))
        if subject is Subject.IMAGE and grounds.settings.kinds:
            parts += kinds(grounds, outcome.known)
    return parts


def kinds(grounds: Grounds, known: Mapping[str, Value]) -> list[Part]:
    """What the things that the image shows count as, whatever is asked."""
    parts: list[Part] = []
    for fact in grounds.read_facts:
        value = known.get(fact.name)
        if fact.subject is Subject.IMAGE and isinstance(value, frozenset):
            wording = grounds.sentences.kinds(fact, value)
            if wording is not None:
                parts.append(line_sentence("observe", wording.texts[0], key=wording.key, rule=None, built=True))
    return parts


def statement(grounds: Grounds, step: SentenceStep, fact: Fact, value: Value | None) -> Part:
    """A fact's value, or, without, that nobody can tell it."""
    wording = grounds.sentences.untold(fact) if value is None else grounds.sentences.stated(fact, value)
    return part_of(
        wording.texts, wording.key, partial(line_sentence, step, key=wording.key, rule=None, built=wording.built)
    )


def in_question(grounds: Grounds, is_asked_for: Callable[[Rule], bool]) -> tuple[Rule, ...]:
    """The rules that could still apply given the request alone, in the order of the policy. `is_asked_for` says what
    :meth:`Grounds.is_asked_for` says of one case: who asks often may have it kept."""
    return tuple([rule for rule in grounds.tops if is_asked_for(rule)])


def weighed_parts(grounds: Grounds, weighed: Sequence[Weighed]) -> list[Part]:
    """The lines of the rules in question; of those that do not apply the few that come nearest to it."""
    open_requests = [each for each in weighed if each.asks and each.truth is Truth.MAYBE]
    failing = [each for each in weighed if each.truth is Truth.NO and not each.asks]
    written = {each.rule.name for each in sorted(failing, key=lambda each: each.failing)[: grounds.settings.weigh]}
    written |= {each.rule.name for each in weighed if each.truth is not Truth.NO and not each.asks}
    parts: list[Part] = []
    if open_requests:
        harms = grounds.harms([each.rule for each in open_requests])
        if len(harms) > _MOST_HARMS:
            harms = [*harms[: _MOST_HARMS - 1], "something else that a rule is about"]
        parts.append(_unsure(f"What is asked could be about {listed(harms, 'or')}."))
    hanging: dict[tuple[str, ...], list[Rule]] = {}
    for each in weighed:
        if each.rule.name in written and each.hangs_on:
            hanging.setdefault(each.hangs_on, []).append(each.rule)
    for each in weighed:
        if each.rule.name not in written:
            continue
        together = hanging.get(each.hangs_on, ())
        if len(together) < 2:
            parts += each.parts
            continue
        parts += each.looked_up
        if together[-1] is each.rule:  # what hangs on the same is told together
            text = hangs_on(grounds, together, each.hangs_on)
            key = f"rule:{each.rule.name}.when"
            parts.append(line_sentence("weigh", text, key=key, rule=each.rule.name, built=True))
    if not parts and any(each.asks for each in weighed):
        return [_unsure("Whatever is asked, no rule applies.")]
    if not weighed:
        nothing = nothing_in_question(grounds)
        return [] if nothing is None else [nothing]
    return parts


def _unsure(text: str) -> Part:
    return line_sentence("weigh", text, key="unsure", rule="unsure", built=True)


def concluded(grounds: Grounds, outcome: DecidedCase) -> list[Part]:
    """The conclusions of the deciding rules alone."""
    weighing = Weighing(grounds, outcome.known, outcome.supposed)
    rules = [rule for rule in grounds.policy.rules if rule.name in outcome.decision.deciding]
    return [part for rule in rules for part in weighing.conclusion(rule)]


def decided(grounds: Grounds, outcome: DecidedCase) -> Part:
    """What is done: the verdict in words."""
    decision = outcome.decision
    step = step_of(speech_of(grounds, decision).think, StepKind.DECIDE, outcome.known)
    if step is not None:
        scope = scope_of(grounds, outcome)
        part = from_templates(grounds, step, step.alternatives, scope, decision.speaker, "decide", line_sentence)
        if part is not None:
            return part
    part = from_verdict(grounds, decision.verdict, "decide", decision.speaker, line_sentence)
    if part is not None:
        return part
    key = phrases_key(grounds.policy, decision.verdict, "decide")
    return line_sentence(
        "decide", VERDICT_WORDS[decision.verdict].concluded, key=key, rule=decision.speaker, built=True
    )


def reasoning(grounds: Grounds, outcome: DecidedCase, style: ReasoningStyle) -> list[Part]:
    """The whole reasoning of one case, in order."""
    decide = decided(grounds, outcome)
    if style is ReasoningStyle.MINIMAL:
        return [*concluded(grounds, outcome), decide]
    facts = stated(grounds, outcome)
    if style is ReasoningStyle.FULL:
        return [*facts, *concluded(grounds, outcome), decide]
    weighing = Weighing(grounds, outcome.known, outcome.supposed)
    asked = in_question(grounds, lambda rule: grounds.is_asked_for(rule, outcome.known))
    weighed = [weighing.weigh(rule) for rule in asked]
    return [*facts, *weighed_parts(grounds, weighed), decide]


def speech_of(grounds: Grounds, decision: Decision) -> Speech:
    """The texts of the speaker, where they fit the decision."""
    policy = grounds.policy
    match decision.speaker:
        case "default":
            return policy.default_speech
        case "unsure":
            # A rule's own `unsure` can make the verdict another one than the block was written for.
            return policy.unsure_speech if decision.verdict is policy.unsure else Speech()
        case name:
            return policy.rule_index[name].speech


def scope_of(grounds: Grounds, outcome: DecidedCase) -> Scope:
    """What the slots of the speaker's texts may speak of."""
    rule = grounds.policy.rule_index.get(outcome.decision.speaker)
    hazard = None if rule is None else grounds.hazard(rule)
    return Scope(grounds.policy, outcome.known, outcome.decision.unsettled, rule, hazard)
