"""Rendering many cases under one policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from safecot_dsl.artifact import Case, Decision, Fact, Rule, Subject, Value
from safecot_dsl.engine import Interpreter
from safecot_dsl.render.answers import answer
from safecot_dsl.render.bounded import is_short, keep
from safecot_dsl.render.dependence import LineKeys, Projection, Values, asked_facts, speech_facts
from safecot_dsl.render.grounds import Grounds
from safecot_dsl.render.model import Rendered, SentenceStep
from safecot_dsl.render.plan import Part, Parts, TextPlan
from safecot_dsl.render.procedure import (
    STATED,
    DecidedCase,
    concluded,
    decided,
    in_question,
    kinds,
    speech_of,
    statement,
    weighed_parts,
)
from safecot_dsl.render.rendering import cited
from safecot_dsl.render.style import Reasoning, ReasoningStyle
from safecot_dsl.render.weighing import LineOutline, Weighed, Weighing


class Renderer:
    """A policy prepared for rendering many cases: gives what :func:`~safecot_dsl.render.render` gives, faster.

    A statement depends on one fact, and the line of a rule on those that the rule and the exceptions to it read; each
    is worked out once for the values that it depends on. What is kept is bounded, so that memory does not grow with the
    cases. Not for several threads at once.
    """

    def __init__(self, interpreter: Interpreter, settings: Reasoning | None = None) -> None:
        self.interpreter = interpreter
        policy = interpreter.policy
        self.grounds = Grounds(interpreter, settings)
        self._names = tuple(fact.name for fact in policy.facts)
        self._supposed: dict[str, Value] = {
            fact.name: frozenset(fact.assume) if isinstance(fact.assume, tuple) else fact.assume
            for fact in policy.facts
            if fact.assume is not None
        }
        self._defaults = tuple(map(self._supposed.get, self._names))
        places = {name: place for place, name in enumerate(self._names)}
        self._stated: list[tuple[int, Fact, SentenceStep]] = [
            (places[fact.name], fact, step)
            for subject, step in STATED.items()
            for fact in self.grounds.read_facts
            if fact.subject is subject
        ]
        self._every = Projection(policy, self._names)
        # A rule asks for few facts of the request: each combination is looked at once.
        self._asked = {
            rule.name: (Projection(policy, asked_facts(self.grounds, rule)), dict[Any, bool]())
            for rule in self.grounds.tops
        }
        self._lines = {rule.name: LineKeys(self.grounds, rule) for rule in self.grounds.tops}
        self._spoken: dict[str, Projection] = {}
        self._plans: dict[Any, TextPlan] = {}
        self._statements: dict[Any, Part] = {}
        self._weighed: dict[Any, Weighed] = {}
        self._outlines: dict[Any, LineOutline] = {}
        self._speeches: dict[Any, tuple[Part, Parts, Parts, bool]] = {}
        self._decisions: dict[Any, Decision] = {}

    def render(
        self,
        case: Case,
        *,
        style: ReasoningStyle,
        seed: str,
        source_answer: str | None = None,
        decision: Decision | None = None,
    ) -> Rendered:
        """Equal to `render(interpreter, case, style=style, seed=seed, source_answer=source_answer, ...)` with the
        settings that the renderer was made with.

        `decision`, where it is at hand already, must be the interpreter's on this case.
        """
        if decision is None:
            decision = self.decide(case)
        return self.plan(case, style, decision).tell(seed, source_answer, cited(decision))

    def plan(self, case: Case, style: ReasoningStyle, decision: Decision) -> TextPlan:
        """How the case is told, whatever the seed."""
        told = tuple(map(case.known.get, self._names))
        key = (told, case.cannot_tell, style)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plan(case, told, decision, style)
            if self._every.is_short(told):
                keep(self._plans, key, plan)
        return plan

    def decide(self, case: Case) -> Decision:
        """The interpreter's decision."""
        told = tuple(map(case.known.get, self._names))
        found = self._decisions.get(told)
        if found is None:
            found = self.interpreter.decide(case)
            if self._every.is_short(told):
                keep(self._decisions, told, found)
        return found

    def _plan(self, case: Case, told: Values, decision: Decision, style: ReasoningStyle) -> TextPlan:
        values = tuple(map(case.known.get, self._names, self._defaults)) if self._supposed else told
        supposed = decision.assumed.keys()
        known = {**self._supposed, **case.known} if supposed else case.known
        outcome = DecidedCase(decision, known, case.cannot_tell - supposed, supposed)
        decide, before, after, takes_source = self._speech(outcome, values)
        parts: list[Part] = []
        if style is not ReasoningStyle.MINIMAL:
            parts += self._statements_of(outcome, values)
        if style is ReasoningStyle.STEPWISE:
            asked = in_question(self.grounds, lambda rule: self._is_asked_for(rule, known, values))
            weighed = [self._weigh(rule, outcome, values) for rule in asked]
            parts += weighed_parts(self.grounds, weighed)
        else:
            parts += concluded(self.grounds, outcome)
        repeats = self.grounds.settings.again
        return TextPlan(decision.verdict, Parts([*parts, decide]), before, after, takes_source, repeats)

    def _statements_of(self, outcome: DecidedCase, values: Values) -> Iterator[Part]:
        kinds_said = not self.grounds.settings.kinds
        for place, fact, step in self._stated:
            if not kinds_said and fact.subject is not Subject.IMAGE:
                kinds_said = True
                yield from kinds(self.grounds, outcome.known)
            value = values[place]
            if fact.name in outcome.supposed or (value is None and fact.name not in outcome.cannot_tell):
                continue
            key = (place, value)
            part = self._statements.get(key)
            if part is None:
                part = statement(self.grounds, step, fact, value)
                if is_short(value):
                    keep(self._statements, key, part)
            yield part
        if not kinds_said:
            yield from kinds(self.grounds, outcome.known)

    def _is_asked_for(self, rule: Rule, known: Mapping[str, Value], values: Values) -> bool:
        asked, answers = self._asked[rule.name]
        key = asked.key(values)
        answer = answers.get(key)
        if answer is None:
            answer = self.grounds.is_asked_for(rule, known)
            if asked.is_short(values):
                keep(answers, key, answer)
        return answer

    def _weigh(self, rule: Rule, outcome: DecidedCase, values: Values) -> Weighed:
        line = self._lines[rule.name]
        supposed = line.reads.supposed(outcome.supposed)
        key = (rule.name, line.reads.key(values), supposed)
        found = self._weighed.get(key)
        if found is None:
            weighing = Weighing(self.grounds, outcome.known, outcome.supposed)
            outline_key = (rule.name, line.outline_key(outcome.known), supposed)
            outline = self._outlines.get(outline_key)
            if outline is None:  # seldom: most new values settle the rule as others did before
                outline = weighing.outline(rule)
                if line.is_outline_short(values):
                    keep(self._outlines, outline_key, outline)
            found = weighing.told(outline)
            if line.reads.is_short(values):
                keep(self._weighed, key, found)
        return found

    def _speech(self, outcome: DecidedCase, values: Values) -> tuple[Part, Parts, Parts, bool]:
        """What is decided and answered: the speaker's texts."""
        decision = outcome.decision
        name = f"{decision.speaker} {decision.verdict}"
        reads = self._spoken.get(name)
        if reads is None:
            spoken = speech_facts(speech_of(self.grounds, decision))
            reads = self._spoken[name] = Projection(self.grounds.policy, spoken)
        key = (name, reads.key(values), decision.unsettled)
        found = self._speeches.get(key)
        if found is None:
            found = (decided(self.grounds, outcome), *answer(self.grounds, outcome))
            if reads.is_short(values):
                keep(self._speeches, key, found)
        return found
