"""What is withheld because it is not known: of each `unsure`, how much of it is harmless, over drawn cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random

from safecot_dsl.analysis.draws import ValueDraws
from safecot_dsl.analysis.examination import Examination
from safecot_dsl.artifact import Case, CompiledPolicy, Value, Verdict, facts_read
from safecot_dsl.engine.interpreter import Trace, with_unsure

SAMPLES = 300  # complete cases, of which one fact at a time is taken away
_LEAST = 5  # such cases must be withheld for what is not known: of fewer nothing is said


@dataclass
class Withheld:
    """What one `unsure` did: how many completions there were of the cases in which it set the verdict, how many of them
    are harmless, in how many cases, and the case with the largest share."""

    harmless: int = 0
    of: int = 0
    cases: int = 0
    share: float = 0.0
    case: Case | None = None
    fact: str = ""
    told: tuple[int, int] = (0, 0)
    verdict: Verdict = Verdict.REFUSE

    @property
    def mostly_harmless(self) -> bool:
        return self.cases >= _LEAST and 2 * self.harmless > self.of


@dataclass
class _Ambiguous:
    """A drawn case without one of its facts, whose verdict depends on it: the values that the fact could have, and how
    many of them are answered once that is asked for."""

    trace: Trace
    complete: Trace
    fact: str
    values: Sequence[Value]
    harmless: int | None = None


class AmbiguousDraws:
    """Drawn cases in each of which one fact is unknown and the verdict depends on it. Which these are, and what their
    completions come to, hangs on no `unsure`: they serve for a policy and for every change of its verdicts of `unsure`
    and of its suppositions, which are never needed but for the fact that is unknown."""

    def __init__(self, examination: Examination) -> None:
        self._examination = examination

    @cached_property
    def _ambiguous(self) -> list[_Ambiguous]:
        policy, interpreter = self._examination.policy, self._examination.interpreter
        read = set(facts_read(*(condition for rule in policy.rules for condition in rule.conditions)))
        draws, random = ValueDraws(self._examination.encoding), Random(0)
        found: list[_Ambiguous] = []
        for _ in range(SAMPLES):
            drawn = draws.case(random)
            complete = interpreter.trace(drawn)
            for fact in policy.facts:
                if fact.name not in read or fact.assume is not None:
                    continue
                trace = interpreter.trace(drawn.with_fact(fact.name, None), near=complete)
                if trace.decision.certain:
                    continue
                own = drawn.known[fact.name]
                found.append(_Ambiguous(trace, complete, fact.name, [own, *draws.others(fact.name, own)]))
        return found

    def _harmless(self, ambiguous: _Ambiguous) -> int:
        if ambiguous.harmless is None:
            trace, name, complete = self._examination.interpreter.trace, ambiguous.fact, ambiguous.complete
            filled = (complete.case.with_fact(name, value) for value in ambiguous.values)
            ambiguous.harmless = sum(trace(case, near=complete).decision.verdict.answers for case in filled)
        return ambiguous.harmless

    def mostly_harmless(self, policy: CompiledPolicy) -> dict[str, Withheld]:
        """The `unsure` that set a verdict of `redirect` or `refuse` where most values of the unknown fact are answered,
        with `comply` or `warn`: by the rule's name, and `unsure` for the policy's own."""
        own = {rule.name: rule.unsure for rule in policy.rules if rule.unsure is not None}
        if not any(verdict.withholds for verdict in (policy.unsure, *own.values())):
            return {}
        supposed = {fact.name for fact in policy.facts if fact.assume is not None}
        seen: dict[str, Withheld] = {}
        for ambiguous in self._ambiguous:
            if ambiguous.fact in supposed:
                continue
            trace, decision = ambiguous.trace, ambiguous.trace.decision
            verdict = with_unsure(decision.lower, (policy.rule_index[rule.name] for rule in trace.matter), policy)
            if not verdict.withholds or verdict is decision.lower:
                continue
            harmless, of = self._harmless(ambiguous), len(ambiguous.values)
            for source in _sources(decision.undecided, verdict, own, policy.unsure):
                tally = seen.setdefault(source, Withheld())
                tally.harmless += harmless
                tally.of += of
                tally.cases += 1
                if harmless / of > tally.share:
                    tally.share, tally.case, tally.fact = harmless / of, trace.case, ambiguous.fact
                    tally.told, tally.verdict = (harmless, of), verdict
        return {source: tally for source, tally in sorted(seen.items()) if tally.mostly_harmless}


def _sources(undecided: Iterable[str], verdict: Verdict, own: dict[str, Verdict], shared: Verdict) -> Iterator[str]:
    """Whose `unsure` sets the verdict of an ambiguous case: rules with one of their own, and `unsure` for the rest."""
    names = [name for name in undecided if own.get(name, shared) is verdict]
    yield from (name for name in names if name in own)
    if any(name not in own for name in names):
        yield "unsure"
