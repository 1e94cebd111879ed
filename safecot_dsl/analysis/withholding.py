"""What is withheld because it is not known: of each `unsure`, how much of it is harmless, over drawn cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random

from safecot_dsl.analysis.draws import ValueDraws
from safecot_dsl.analysis.examination import Examination
from safecot_dsl.artifact import And, Case, CompiledPolicy, Condition, Rule, Value, Verdict, facts_read, strictest
from safecot_dsl.engine import Interpreter, Trace, Truth, evaluate
from safecot_dsl.engine.interpreter import with_unsure

SAMPLES = 300  # complete cases, of which one fact at a time is taken away
_OTHERS = "(others)"  # no rule has such a name
_LEAST = 5  # such cases must be withheld for what is not known: of fewer nothing is said


@dataclass
class Withheld:
    """What one `unsure` did: how many completions there were of the cases in which it set the verdict, how many of them
    are harmless, in how many cases, and the case with the largest share; `harmful` are the values of the fact unknown
    there that are not answered."""

    harmless: int = 0
    of: int = 0
    cases: int = 0
    share: float = 0.0
    case: Case | None = None
    fact: str = ""
    told: tuple[int, int] = (0, 0)
    harmful: tuple[Value, ...] = ()
    verdict: Verdict = Verdict.REFUSE

    @property
    def mostly_harmless(self) -> bool:
        return self.cases >= _LEAST and 2 * self.harmless > self.of


@dataclass
class _Ambiguous:
    """A drawn case without one of its facts, whose verdict depends on it: how it is decided, the case with it, the
    values that the fact could have, and those of them that are not answered, once that is asked for."""

    trace: Trace
    complete: Case
    fact: str
    values: Sequence[Value]
    interpreter: Interpreter

    @cached_property
    def harmful(self) -> tuple[Value, ...]:
        filled = ((value, self.complete.with_fact(self.fact, value)) for value in self.values)
        return tuple([value for value, case in filled if not self.interpreter.decide(case).verdict.answers])


class AmbiguousDraws:
    """Drawn cases in each of which one fact is unknown and the verdict depends on it. Which these are, and what their
    completions come to, hangs on no `unsure`: they serve for a policy and for every change of its verdicts of `unsure`
    and of its suppositions, which are never needed but for the fact that is unknown."""

    def __init__(self, examination: Examination) -> None:
        self._examination = examination
        self._policy = examination.policy
        self._interpreter = examination.interpreter
        self._parts: dict[str, _Part] = {}
        self._found: dict[tuple[int, str], _Ambiguous | None] = {}

    @cached_property
    def _draws(self) -> ValueDraws:
        return ValueDraws(self._examination.encoding)

    @cached_property
    def _complete(self) -> list[Case]:
        random = Random(0)
        return [self._draws.case(random) for _ in range(SAMPLES)]

    @cached_property
    def _effective(self) -> list[tuple[str, ...]]:
        return [self._interpreter.decide(case).effective for case in self._complete]

    @cached_property
    def _readers(self) -> dict[str, list[Rule]]:
        readers: dict[str, list[Rule]] = {}
        for rule in self._policy.rules:
            for fact in facts_read(*rule.conditions):
                readers.setdefault(fact, []).append(rule)
        return readers

    def mostly_harmless(self, policy: CompiledPolicy, rule: str | None = None) -> dict[str, Withheld]:
        """The `unsure` that set a verdict of `redirect` or `refuse` where most values of the unknown fact are answered,
        with `comply` or `warn`: by the rule's name, and `unsure` for the policy's own. With `rule`, which has an
        `unsure` of its own, that one alone is looked at, which takes less time."""
        own = {each.name: each.unsure for each in policy.rules if each.unsure is not None}
        if not any(verdict.withholds for verdict in (policy.unsure, *own.values())):
            return {}
        supposed = {fact.name for fact in policy.facts if fact.assume is not None}
        seen: dict[str, Withheld] = {}
        for ambiguous in self._ambiguous(rule):
            if ambiguous.fact in supposed:
                continue
            trace, decision = ambiguous.trace, ambiguous.trace.decision
            verdict = with_unsure(decision.lower, (policy.rule_index[each.name] for each in trace.matter), policy)
            if not verdict.withholds or verdict is decision.lower:
                continue
            of = len(ambiguous.values)
            harmless = of - len(ambiguous.harmful)
            for source in _sources(decision.undecided, verdict, own, policy.unsure):
                if rule not in (None, source):
                    continue
                tally = seen.setdefault(source, Withheld())
                tally.harmless += harmless
                tally.of += of
                tally.cases += 1
                if harmless / of > tally.share:
                    tally.share, tally.case, tally.fact = harmless / of, trace.case, ambiguous.fact
                    tally.told, tally.verdict, tally.harmful = (harmless, of), verdict, ambiguous.harmful
        return {source: tally for source, tally in sorted(seen.items()) if tally.mostly_harmless}

    def _ambiguous(self, rule: str | None) -> Iterator[_Ambiguous]:
        """All of them, or those in which a rule may be effective."""
        rules = self._policy.rules if rule is None else _related(self._interpreter, [rule])
        reading: dict[str, list[Condition]] = {}
        for condition in (condition for each in rules for condition in each.conditions):
            for name in facts_read(condition):
                reading.setdefault(name, []).append(condition)
        asked = [fact.name for fact in self._policy.facts if fact.name in reading and fact.assume is None]
        alone = None if rule is None else Interpreter(self._policy.with_content(rules=rules))
        for index, complete in enumerate(self._complete):
            known = dict(complete.known)
            for name in asked:
                value = known.pop(name)
                is_open = any(evaluate(condition, known) is Truth.MAYBE for condition in reading[name])
                known[name] = value
                if not is_open:
                    continue
                case = complete.with_fact(name, None)
                if alone is not None and rule is not None and alone.trace(case).effective[rule] is not Truth.MAYBE:
                    continue
                ambiguous = self._without(index, case, name)
                if ambiguous is not None:
                    yield ambiguous

    def _without(self, index: int, case: Case, name: str) -> _Ambiguous | None:
        """A drawn case, which was given without one fact, if the verdict depends on that."""
        if (index, name) not in self._found:
            interpreter = self._part(name).interpreter(self._effective[index])
            trace, complete = interpreter.trace(case), self._complete[index]
            values = [own := complete.known[name], *self._draws.others(name, own)]
            found = None if trace.decision.certain else _Ambiguous(trace, complete, name, values, interpreter)
            self._found[index, name] = found
        return self._found[index, name]

    def _part(self, fact: str) -> _Part:
        if fact not in self._parts:
            self._parts[fact] = _Part(self._interpreter, self._readers[fact])
        return self._parts[fact]


class _Part:
    """The rules of a policy that one fact can make a difference to, those that read it and all that are exceptions of
    one another with them: of a thousand rules a dozen. The others are as the complete case has them, and come in as one
    rule that always applies, with the strictest verdict of those that are effective."""

    def __init__(self, whole: Interpreter, reading: Sequence[Rule]) -> None:
        """`whole` is of the policy, and `reading` are its rules that read the fact."""
        self._policy = whole.policy
        self._rules = _related(whole, [rule.name for rule in reading])
        self._names = {rule.name for rule in self._rules}
        self._interpreters: dict[Verdict | None, Interpreter] = {}

    def interpreter(self, effective: Iterable[str]) -> Interpreter:
        """Decides cases that differ in this fact alone from the one in which these rules are effective."""
        index = self._policy.rule_index
        others = [index[name].verdict for name in effective if name not in self._names]
        verdict = strictest(others) if others else None
        if verdict not in self._interpreters:
            rest = [] if verdict is None else [Rule(name=_OTHERS, when=And(items=()), verdict=verdict)]
            self._interpreters[verdict] = Interpreter(self._policy.with_content(rules=(*self._rules, *rest)))
        return self._interpreters[verdict]


def _related(whole: Interpreter, names: Iterable[str]) -> tuple[Rule, ...]:
    """These rules, and all that are exceptions to one another with them."""
    policy, exceptions = whole.policy, whole.exceptions
    waiting = list(names)
    found = set(waiting)
    while waiting:
        name = waiting.pop()
        near = {*policy.rule_index[name].exception_to, *(exception.name for exception in exceptions[name])} - found
        found |= near
        waiting += near
    return tuple(rule for rule in policy.rules if rule.name in found)


def _sources(undecided: Iterable[str], verdict: Verdict, own: dict[str, Verdict], shared: Verdict) -> Iterator[str]:
    """Whose `unsure` sets the verdict of an ambiguous case: rules with one of their own, and `unsure` for the rest."""
    names = [name for name in undecided if own.get(name, shared) is verdict]
    yield from (name for name in names if name in own)
    if any(name not in own for name in names):
        yield "unsure"
