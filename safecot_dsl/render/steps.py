"""The steps of reasoning, authored or built."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from safecot_dsl.artifact import Fact, FactAtom, Has, Rule, Speech, StepKind, Subject, Value, Verdict
from safecot_dsl.engine import Interpreter, Trace, Truth
from safecot_dsl.render.clauses import clause
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.draw import draw
from safecot_dsl.render.model import Sentence, SentenceStep, line_sentence
from safecot_dsl.render.phrasing import known_value, title
from safecot_dsl.render.reasons import (
    About,
    Reading,
    Standing,
    derivation,
    hazard_of,
    lineage,
    readings,
    readings_that,
    replaced,
)
from safecot_dsl.render.slots import Scope, usable
from safecot_dsl.render.style import ReasoningStyle

_STEP: dict[StepKind, SentenceStep] = {
    StepKind.OBSERVE: "observe",
    StepKind.INTENT: "intent",
    StepKind.CONTEXT: "context",
    StepKind.RISK: "risk",
    StepKind.CONTRAST: "risk",
    StepKind.DECIDE: "decide",
}
_SUBJECT_OF = {StepKind.OBSERVE: Subject.IMAGE, StepKind.INTENT: Subject.QUERY, StepKind.CONTEXT: Subject.CONTEXT}


@dataclass(frozen=True)
class Telling:
    """All that the texts of one decision are made from.

    `speech` is the speaker's where it fits, else empty; `about` the rule that the reasoning derives, if any; `scope`
    what the speaker's slots may speak of.
    """

    interpreter: Interpreter
    trace: Trace
    speech: Speech
    about: About | None
    scope: Scope
    seed: str

    @property
    def speaker(self) -> str:
        return self.trace.decision.speaker


def reasoning(telling: Telling, style: ReasoningStyle) -> tuple[Sentence, ...]:
    """The sentences of the reasoning, in order: what the style asks for, and always `risk` and `decide`."""
    sentences: list[Sentence] = []
    if style is not ReasoningStyle.MINIMAL:
        known = _known_facts(telling)
        for kind, subject in _SUBJECT_OF.items():
            sentences += _authored(telling, kind) or _built_facts(telling, kind, known[subject])
    if style is ReasoningStyle.STEPWISE:
        sentences += _clauses(telling)
    sentences += _risk(telling)
    sentences += _authored(telling, StepKind.DECIDE) or [_built_decide(telling)]
    return tuple(sentences)


def _authored(telling: Telling, kind: StepKind) -> list[Sentence]:
    """The speaker's own step of this kind, drawn from the alternatives that can be used; none where none can."""
    drawn = _drawn(telling.speech, kind, telling.scope, telling)
    if drawn is None:
        return []
    text, key = drawn
    return [line_sentence(_STEP[kind], text, key=key, rule=telling.speaker, built=False)]


def _drawn(speech: Speech, kind: StepKind, scope: Scope, telling: Telling) -> tuple[str, str] | None:
    for step in speech.think:
        if step.kind is kind and (step.when is None or telling.trace.truth(step.when) is Truth.YES):
            texts = usable(step.alternatives, scope)
            return (draw(texts, telling.seed, step.key), step.key) if texts else None
    return None


def _known_facts(telling: Telling) -> dict[Subject, list[tuple[Fact, Value, Reading]]]:
    """The known facts that the condition reads, by subject, in the order in which it reads them."""
    known: dict[Subject, list[tuple[Fact, Value, Reading]]] = {subject: [] for subject in Subject}
    if telling.about is None:
        return known
    seen: set[str] = set()
    for reading in readings(lineage(telling.interpreter, telling.about.rule)):
        fact, value = _fact(telling, reading.atom)
        if value is not None and fact.name not in seen:
            seen.add(fact.name)
            known[fact.subject].append((fact, value, reading))
    return known


def _built_facts(telling: Telling, kind: StepKind, known: list[tuple[Fact, Value, Reading]]) -> list[Sentence]:
    return [
        _from_reading(_STEP[kind], known_value(fact, value, assumed=_is_assumed(telling, fact)), reading)
        for fact, value, reading in known
    ]


def _clauses(telling: Telling) -> list[Sentence]:
    """One clause for each literal of the derivation; clauses that read the same are said once."""
    if telling.about is None:
        return []
    rules = derivation(telling.interpreter, telling.about.rule, telling.trace)
    return list(_clauses_on(telling, readings(rules), "clause"))


def _clauses_on(telling: Telling, found: list[Reading], step: SentenceStep) -> Iterator[Sentence]:
    shared = _groups_of_several_facts([reading.atom for reading in found])
    said: set[str] = set()
    for reading in found:
        fact, value = _fact(telling, reading.atom)
        text = clause(
            reading.atom,
            fact,
            value,
            positive=reading.positive,
            assumed=_is_assumed(telling, fact),
            name_fact=isinstance(reading.atom, Has) and reading.atom.group in shared,
        )
        if text not in said:
            said.add(text)
            yield _from_reading(step, text, reading)


def _risk(telling: Telling) -> list[Sentence]:
    about = telling.about
    sentences = _authored(telling, StepKind.RISK)
    if about is None:
        return sentences or [line_sentence("risk", "No rule applies.", key="default", rule="default", built=True)]
    if not sentences:
        match about.standing:
            case Standing.SPEAKS:
                sentences = [_built_risk(telling, about.rule)]
            case Standing.NEAREST:
                sentences = _contrast(telling, about.rule)
            case Standing.OPEN:
                sentences = _open(telling, about.rule)
    if about.standing is Standing.SPEAKS and about.rule.exception_to:
        sentences = [*sentences, _replaces(telling, about.rule)]
    return sentences


def _built_risk(telling: Telling, rule: Rule) -> Sentence:
    hazard = hazard_of(telling.interpreter, rule)
    if hazard is None:
        return line_sentence("risk", f"Rule: {title(rule)}.", key=_title_key(rule), rule=rule.name, built=True)
    phrase = telling.interpreter.policy.hazards[hazard].phrase
    return line_sentence("risk", f"Risk: {phrase}.", key=f"hazard:{hazard}", rule=rule.name, built=True)


def _replaces(telling: Telling, rule: Rule) -> Sentence:
    parents = replaced(telling.interpreter, rule, telling.trace)
    names = "; ".join(title(parent) for parent in parents)
    return line_sentence("risk", f"Exception to: {names}.", key=f"rule:{rule.name}", rule=rule.name, built=True)


def _contrast(telling: Telling, rule: Rule) -> list[Sentence]:
    """Why the nearest rule does not apply: in its author's words, else by the literals that fail."""
    scope = Scope(
        telling.scope.policy,
        telling.trace.case,
        telling.scope.unsettled,
        rule,
        hazard_of(telling.interpreter, rule),
    )
    drawn = _drawn(rule.speech, StepKind.CONTRAST, scope, telling)
    if drawn is not None:
        text, key = drawn
        return [line_sentence("risk", text, key=key, rule=rule.name, built=False)]
    rules = derivation(telling.interpreter, rule, telling.trace)
    failing = readings_that(rules, telling.trace, Truth.NO)
    head = line_sentence("risk", f"Not met: {title(rule)}.", key=_title_key(rule), rule=rule.name, built=True)
    return [head, *_clauses_on(telling, failing, "risk")]


def _open(telling: Telling, rule: Rule) -> list[Sentence]:
    """Which rule may apply, and what is not known about it."""
    rules = derivation(telling.interpreter, rule, telling.trace)
    unknown = readings_that(rules, telling.trace, Truth.MAYBE)
    head = line_sentence("risk", f"May be met: {title(rule)}.", key=_title_key(rule), rule=rule.name, built=True)
    return [head, *_clauses_on(telling, unknown, "risk")]


def _built_decide(telling: Telling) -> Sentence:
    verdict = telling.trace.decision.verdict
    phrases = [text for text in telling.scope.policy.verdict_phrases[verdict].decide if fold_line(text)]
    key = phrases_key(telling, "decide", verdict)
    text = draw(phrases, telling.seed, key) if phrases else f"Decision: {verdict}."
    return line_sentence("decide", text, key=key, rule=telling.speaker, built=True)


def phrases_key(telling: Telling, part: str, verdict: Verdict) -> str:
    """The source-map key of the phrase set from which a verdict's `decide` or `say` is drawn."""
    phrases = telling.scope.policy.verdict_phrases[verdict]
    declared = phrases.decide_set if part == "decide" else phrases.say_set
    return f"phrases:{declared or f'{part}_{verdict}'}"


def _fact(telling: Telling, atom: FactAtom) -> tuple[Fact, Value | None]:
    return telling.scope.policy.fact_index[atom.fact], telling.trace.case.known.get(atom.fact)


def _is_assumed(telling: Telling, fact: Fact) -> bool:
    return fact.name in telling.trace.decision.assumed


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
