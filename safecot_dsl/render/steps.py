"""The steps of reasoning, authored or built."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from safecot_dsl.artifact import Fact, FactAtom, Has, Rule, Speech, StepKind, Subject, Value
from safecot_dsl.engine import Truth
from safecot_dsl.render.clauses import clause
from safecot_dsl.render.keeping import is_short, keep
from safecot_dsl.render.literals import Reading
from safecot_dsl.render.model import Sentence, SentenceStep, line_sentence
from safecot_dsl.render.phrasing import known_value, title
from safecot_dsl.render.plan import Part, Parts
from safecot_dsl.render.reasons import About, Grounds, Outcome, Standing
from safecot_dsl.render.slots import Scope
from safecot_dsl.render.spoken import from_templates, from_verdict, phrases_key
from safecot_dsl.render.style import ReasoningStyle

_STEP: dict[StepKind, SentenceStep] = {
    StepKind.OBSERVE: "observe",
    StepKind.INTENT: "intent",
    StepKind.CONTEXT: "context",
    StepKind.RISK: "risk",
    StepKind.CONTRAST: "risk",
    StepKind.DECIDE: "decide",
}
_SUBJECTS = {StepKind.OBSERVE: Subject.IMAGE, StepKind.INTENT: Subject.QUERY, StepKind.CONTEXT: Subject.CONTEXT}


@dataclass(frozen=True)
class Telling:
    """All that the texts of one decision are made from.

    `speech` is the speaker's where it fits, else empty; `about` the rule that the reasoning derives, if any; `scope`
    what the speaker's slots may speak of.
    """

    grounds: Grounds
    outcome: Outcome
    speech: Speech
    about: About | None
    scope: Scope

    @property
    def speaker(self) -> str:
        return self.outcome.decision.speaker


def reasoning(telling: Telling, style: ReasoningStyle) -> Parts:
    """The reasoning, in order: what the style asks for, and always `risk` and `decide`."""
    parts: list[Part] = []
    if style is not ReasoningStyle.MINIMAL:
        for kind in _SUBJECTS:
            parts += _authored(telling, kind) or _built_facts(telling, kind)
    if style is ReasoningStyle.STEPWISE:
        parts += _clauses(telling)
    parts += _risk(telling)
    parts += _authored(telling, StepKind.DECIDE) or [_built_decide(telling)]
    return Parts(parts)


def _authored(telling: Telling, kind: StepKind) -> list[Part]:
    """The speaker's own step of this kind, one of the alternatives that can be used; none where none can."""
    return _step(telling, telling.speech, kind, telling.scope, telling.speaker)


def _step(telling: Telling, speech: Speech, kind: StepKind, scope: Scope, rule: str) -> list[Part]:
    for step in speech.think:
        if step.kind is kind and (step.when is None or telling.outcome.truth(step.when) is Truth.YES):
            part = from_templates(telling.grounds, step, step.alternatives, scope, rule, _STEP[kind], line_sentence)
            return [] if part is None else [part]
    return []


def _built_facts(telling: Telling, kind: StepKind) -> list[Sentence]:
    """What is known of the facts that the condition reads and that are about this subject, in the order in which it
    reads them."""
    if telling.about is None:
        return []
    known = telling.outcome.case.known
    return [
        _stated(telling, _STEP[kind], fact, known[fact.name], reading)
        for fact, reading in telling.grounds.facts_read(telling.about.rule, _SUBJECTS[kind])
        if fact.name in known
    ]


def _stated(telling: Telling, step: SentenceStep, fact: Fact, value: Value, reading: Reading) -> Sentence:
    assumed = _is_assumed(telling, fact)
    key = (reading, value, assumed)
    said = telling.grounds.said.get(key)
    if said is None:
        text = known_value(fact, value, assumed=assumed)
        said = text, _from_reading(step, text, reading)
        if is_short(value):
            keep(telling.grounds.said, key, said)
    return said[1]


def _clauses(telling: Telling) -> list[Sentence]:
    """One clause for each literal of the derivation; clauses that read the same are said once."""
    if telling.about is None:
        return []
    rules = telling.grounds.derivation(telling.about.rule, telling.outcome)
    return list(_clauses_on(telling, telling.grounds.readings(rules), "clause"))


def _clauses_on(telling: Telling, found: Sequence[Reading], step: SentenceStep) -> Iterator[Sentence]:
    shared = _groups_of_several_facts([reading.atom for reading in found])
    said: set[str] = set()
    for reading in found:
        name_fact = isinstance(reading.atom, Has) and reading.atom.group in shared
        text, sentence = _clause(telling, reading, step, name_fact)
        if text not in said:
            said.add(text)
            yield sentence


def _clause(telling: Telling, reading: Reading, step: SentenceStep, name_fact: bool) -> tuple[str, Sentence]:
    fact, value = _fact(telling, reading.atom)
    assumed = _is_assumed(telling, fact)
    key = (reading, value, assumed, step, name_fact)
    said = telling.grounds.said.get(key)
    if said is None:
        text = clause(reading.atom, fact, value, positive=reading.positive, assumed=assumed, name_fact=name_fact)
        said = text, _from_reading(step, text, reading)
        if is_short(value):
            keep(telling.grounds.said, key, said)
    return said


def _risk(telling: Telling) -> list[Part]:
    about = telling.about
    parts = _authored(telling, StepKind.RISK)
    if about is None:
        return parts or [line_sentence("risk", "No rule applies.", key="default", rule="default", built=True)]
    if not parts:
        match about.standing:
            case Standing.SPEAKS:
                parts += [_built_risk(telling, about.rule)]
            case Standing.NEAREST:
                parts += _contrast(telling, about.rule)
            case Standing.OPEN:
                parts += _open(telling, about.rule)
    if about.standing is Standing.SPEAKS and about.rule.exception_to:
        parts += [_replaces(telling, about.rule)]
    return parts


def _built_risk(telling: Telling, rule: Rule) -> Sentence:
    hazard = telling.grounds.hazard(rule)
    if hazard is None:
        return line_sentence("risk", f"Rule: {title(rule)}.", key=_title_key(rule), rule=rule.name, built=True)
    phrase = telling.scope.policy.hazards[hazard].phrase
    return line_sentence("risk", f"Risk: {phrase}.", key=f"hazard:{hazard}", rule=rule.name, built=True)


def _replaces(telling: Telling, rule: Rule) -> Sentence:
    parents = telling.grounds.replaced(rule, telling.outcome)
    names = "; ".join(title(parent) for parent in parents)
    return line_sentence("risk", f"Exception to: {names}.", key=f"rule:{rule.name}", rule=rule.name, built=True)


def _contrast(telling: Telling, rule: Rule) -> Sequence[Part]:
    """Why the nearest rule does not apply: in its author's words, else by the literals that fail."""
    scope = replace(telling.scope, rule=rule, hazard=telling.grounds.hazard(rule))
    authored = _step(telling, rule.speech, StepKind.CONTRAST, scope, rule.name)
    if authored:
        return authored
    rules = telling.grounds.derivation(rule, telling.outcome)
    failing = telling.grounds.readings_that(rules, telling.outcome, Truth.NO)
    head = line_sentence("risk", f"Not met: {title(rule)}.", key=_title_key(rule), rule=rule.name, built=True)
    return [head, *_clauses_on(telling, failing, "risk")]


def _open(telling: Telling, rule: Rule) -> list[Sentence]:
    """Which rule may apply, and what is not known about it."""
    rules = telling.grounds.derivation(rule, telling.outcome)
    unknown = telling.grounds.readings_that(rules, telling.outcome, Truth.MAYBE)
    head = line_sentence("risk", f"May be met: {title(rule)}.", key=_title_key(rule), rule=rule.name, built=True)
    return [head, *_clauses_on(telling, unknown, "risk")]


def _built_decide(telling: Telling) -> Part:
    verdict = telling.outcome.decision.verdict
    part = from_verdict(telling.grounds, verdict, "decide", telling.speaker, line_sentence)
    if part is not None:
        return part
    key = phrases_key(telling.scope.policy, verdict, "decide")
    return line_sentence("decide", f"Decision: {verdict}.", key=key, rule=telling.speaker, built=True)


def _fact(telling: Telling, atom: FactAtom) -> tuple[Fact, Value | None]:
    return telling.scope.policy.fact_index[atom.fact], telling.outcome.case.known.get(atom.fact)


def _is_assumed(telling: Telling, fact: Fact) -> bool:
    return fact.name in telling.outcome.decision.assumed


def _from_reading(step: SentenceStep, text: str, reading: Reading) -> Sentence:
    return line_sentence(step, text, key=reading.key, rule=reading.rule.name, built=True)


def _title_key(rule: Rule) -> str:
    return f"rule:{rule.name}.title" if rule.title else f"rule:{rule.name}"


def _groups_of_several_facts(atoms: list[FactAtom]) -> set[str]:
    facts: dict[str, set[str]] = {}
    for atom in atoms:
        if isinstance(atom, Has) and atom.group is not None:
            facts.setdefault(atom.group, set()).add(atom.fact)
    return {group for group, names in facts.items() if len(names) > 1}
