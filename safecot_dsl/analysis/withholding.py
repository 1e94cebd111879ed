"""What is withheld because it is not known: of each `unsure`, how much of it is harmless, over drawn cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from random import Random

from safecot_dsl.analysis.draws import ValueDraws
from safecot_dsl.analysis.examination import Examination
from safecot_dsl.analysis.one_unknown import PackedDecisions, UncertainDecision
from safecot_dsl.artifact import Case, CompiledPolicy, Value, Verdict, facts_read
from safecot_dsl.engine.interpreter import with_unsure

SAMPLES = 300  # complete cases, of which one fact at a time is taken away
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


class AmbiguousDraws:
    """Drawn cases in each of which one fact is unknown and the verdict depends on it. Which these are, and what their
    completions come to, hangs on no `unsure`: they serve for a policy and for every change of its verdicts of `unsure`
    and of its suppositions, which are never needed but for the fact that is unknown."""

    def __init__(self, examination: Examination) -> None:
        self._examination = examination
        self._policy = examination.policy

    @cached_property
    def _draws(self) -> ValueDraws:
        return ValueDraws(self._examination.encoding)

    @cached_property
    def _decisions(self) -> PackedDecisions:
        random = Random(0)
        cases = [self._draws.case(random) for _ in range(SAMPLES)]
        return PackedDecisions(self._examination.interpreter, cases)

    def mostly_harmless(self, policy: CompiledPolicy, rule: str | None = None) -> dict[str, Withheld]:
        """The `unsure` that set a verdict of `redirect` or `refuse` where most values of the unknown fact are answered,
        with `comply` or `warn`: by the rule's name, and `unsure` for the policy's own. With `rule`, which has an
        `unsure` of its own, that one alone is looked at, which takes less time."""
        own = {each.name: each.unsure for each in policy.rules if each.unsure is not None}
        if not any(verdict.withholds for verdict in (policy.unsure, *own.values())):
            return {}
        supposed = {fact.name for fact in policy.facts if fact.assume is not None}
        seen: dict[str, Withheld] = {}
        for place, fact, ambiguous in self._ambiguous(rule):
            if fact in supposed:
                continue
            verdict = with_unsure(ambiguous.lower, (policy.rule_index[name] for name in ambiguous.matter), policy)
            if not verdict.withholds or verdict is ambiguous.lower:
                continue
            for source in _sources(ambiguous.undecided, verdict, own, policy.unsure):
                if rule not in (None, source):
                    continue
                of, harmful = self._completed(place, fact)
                harmless = of - len(harmful)
                tally = seen.setdefault(source, Withheld())
                tally.harmless += harmless
                tally.of += of
                tally.cases += 1
                if harmless / of > tally.share:
                    tally.share, tally.fact = harmless / of, fact
                    tally.case = self._decisions.cases[place].with_fact(fact, None)
                    tally.told, tally.verdict, tally.harmful = (harmless, of), verdict, harmful
        return {source: tally for source, tally in sorted(seen.items()) if tally.mostly_harmless}

    def _ambiguous(self, rule: str | None) -> Iterator[tuple[int, str, UncertainDecision]]:
        """All of them, or those in which a rule may be effective: the place of the complete case, and the fact."""
        decisions, policy = self._decisions, self._policy
        names = {each.name for each in policy.rules} if rule is None else decisions.related([rule])
        read = set(facts_read(*(c for name in names for c in policy.rule_index[name].conditions)))
        asked = [fact.name for fact in policy.facts if fact.name in read and fact.assume is None]
        found = [
            (place, number, ambiguous)
            for number, fact in enumerate(asked)
            for place, ambiguous in decisions.without(fact).ambiguous.items()
        ]
        for place, number, ambiguous in sorted(found, key=lambda each: each[:2]):
            if rule is None or rule in ambiguous.undecided:
                yield place, asked[number], ambiguous

    def _completed(self, place: int, fact: str) -> tuple[int, tuple[Value, ...]]:
        """How many values the fact could have in a drawn case, and those of them that are not answered."""
        own = self._decisions.cases[place].known[fact]
        values = [own, *self._draws.others(fact, own)]
        return len(values), self._decisions.without(fact).harmful(place, values)


def _sources(undecided: Iterable[str], verdict: Verdict, own: dict[str, Verdict], shared: Verdict) -> Iterator[str]:
    """Whose `unsure` sets the verdict of an ambiguous case: rules with one of their own, and `unsure` for the rest."""
    names = [name for name in undecided if own.get(name, shared) is verdict]
    yield from (name for name in names if name in own)
    if any(name not in own for name in names):
        yield "unsure"
