"""Which facts have to be right: for every case, whether another value of a fact would give another verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from safecot_dsl.artifact import Case, CompiledPolicy, Fact, NumberType, TextType, Verdict
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.engine import show_value
from safecot_dsl.engine.columnar import ColumnarPolicy
from safecot_dsl.facts.annotators.alternatives import ITSELF, Alternatives
from safecot_dsl.storage import Progress

_WORST = 3
_CHUNK = 1024  # cases that are tried together: some tens of thousands of decisions


class Swap(Frozen):
    """An error in a fact and what it does: `value` taken for `instead`, and in how many cases that turns the verdict
    `before` into `after`. Values are written as in the language; a text or a number, of which there are too many, as
    `…`, and `… "words"` is the text with these words after it."""

    value: str
    instead: str
    before: Verdict
    after: Verdict
    cases: int


class FactSensitivity(Frozen):
    """One fact over all cases.

    `known` counts the cases in which the fact is known; of these, `flips` those in which some other value gives
    another verdict, `laxer` those in which some gives a laxer one, `stricter` a stricter one, and `needed` those whose
    verdict is another where the fact is not known. `unknown` counts the cases in which it is not known, and `hangs`
    those of them in which some value would give another verdict than there is without it. `table` counts, by the
    verdict that is and the one that would be, the cases in which some other value gives that. `worst` are the single
    errors that change the most verdicts.
    """

    fact: str
    known: int
    flips: int
    laxer: int
    stricter: int
    needed: int
    unknown: int
    hangs: int
    table: dict[Verdict, dict[Verdict, int]]
    worst: tuple[Swap, ...]

    @property
    def share(self) -> float:
        """Of the cases in which the fact is known, those whose verdict an error in it can change."""
        return self.flips / self.known if self.known else 0.0


class SensitivityReport(Frozen):
    """All facts that some rule reads, the ones whose errors change the most verdicts first; `unread` are the others,
    whose errors change none."""

    policy: str
    cases: int
    distinct: int
    facts: tuple[FactSensitivity, ...]
    unread: tuple[str, ...]


@dataclass
class _ChangeTally:
    counts: Counter[str] = field(default_factory=Counter[str])
    table: Counter[tuple[Verdict, Verdict]] = field(default_factory=Counter[tuple[Verdict, Verdict]])
    swaps: Counter[tuple[str, str, Verdict, Verdict]] = field(
        default_factory=Counter[tuple[str, str, Verdict, Verdict]]
    )


def sensitivity(
    policy: CompiledPolicy, cases: Iterable[Case], *, progress: Progress | None = None
) -> SensitivityReport:
    """What errors in single facts would do to the verdicts on these cases.

    In every case each known fact is given each other value that the policy's conditions can tell apart (of a set one
    member more or less, see :meth:`Alternatives.of`), and the case is decided again. Equal cases are tried once and
    counted as often as they occur.
    """
    alternatives, engine = Alternatives(policy), ColumnarPolicy(policy)
    counted = Counter(alternatives.projected(case) for case in cases)
    tallies = {fact.name: _ChangeTally() for fact in alternatives.read}
    if progress is not None:
        progress.start("trying other values", len(counted), unit="cases")
    for some in _chunks(list(counted), _CHUNK):
        trials = [_FactTrial(case, fact, alternatives) for case in some for fact in alternatives.read]
        asked = [case for trial in trials for case in trial.cases()]
        verdicts = iter(engine.decide(engine.frame(asked), columns=("verdict",))["verdict"])
        for trial in trials:
            trial.count(tallies[trial.fact.name], verdicts, counted[trial.case])
        if progress is not None:
            progress.advance(len(some))
    facts = [_summed(name, tally) for name, tally in tallies.items()]
    return SensitivityReport(
        policy=policy.digest,
        cases=counted.total(),
        distinct=len(counted),
        facts=tuple(sorted(facts, key=lambda fact: (-fact.flips, fact.fact))),
        unread=tuple(fact.name for fact in policy.facts if fact.name not in tallies),
    )


def _chunks(cases: Sequence[Case], size: int) -> Iterator[Sequence[Case]]:
    for start in range(0, len(cases), size):
        yield cases[start : start + size]


class _FactTrial:
    """One fact of one case, and the other values that it is to have."""

    def __init__(self, case: Case, fact: Fact, alternatives: Alternatives) -> None:
        self.case, self.fact = case, fact
        self.value = case.known.get(fact.name)
        self.others = alternatives.of(fact, self.value)
        self._first = list({other.told: other for other in self.others}.values())  # one of each kind is decided

    def cases(self) -> Iterator[Case]:
        """As it is, without the fact, and with one of each kind of other values."""
        yield self.case
        yield self.case.with_fact(self.fact.name, None)
        for other in self._first:
            yield self.case.with_fact(self.fact.name, other.value)

    def count(self, tally: _ChangeTally, verdicts: Iterator[str], times: int) -> None:
        """Take the verdicts of `cases` from `verdicts`, and count what they say."""
        before, without = Verdict(next(verdicts)), Verdict(next(verdicts))
        after = {other.told: Verdict(next(verdicts)) for other in self._first}
        reached = set(after.values()) - {before}
        if self.value is None:
            tally.counts["unknown"] += times
            tally.counts["hangs"] += times * bool(reached)
            return
        tally.counts["known"] += times
        tally.counts["needed"] += times * (without is not before)
        tally.counts["flips"] += times * bool(reached)
        tally.counts["laxer"] += times * any(verdict.strictness < before.strictness for verdict in reached)
        tally.counts["stricter"] += times * any(verdict.strictness > before.strictness for verdict in reached)
        for verdict in reached:
            tally.table[before, verdict] += times
        shown = ITSELF if isinstance(self.fact.type, NumberType | TextType) else show_value(self.value)
        for other in self.others:
            if after[other.told] is not before:
                tally.swaps[shown, other.shown, before, after[other.told]] += times


def _summed(name: str, tally: _ChangeTally) -> FactSensitivity:
    # Of equally many, what makes a verdict laxest: to miss a harm is worse than to see one.
    worst = sorted(tally.swaps.items(), key=lambda entry: (-entry[1], _rise(entry[0]), entry[0]))[:_WORST]
    count: Mapping[str, int] = tally.counts
    return FactSensitivity(
        fact=name,
        known=count["known"],
        flips=count["flips"],
        laxer=count["laxer"],
        stricter=count["stricter"],
        needed=count["needed"],
        unknown=count["unknown"],
        hangs=count["hangs"],
        table={
            before: {after: tally.table[before, after] for after in Verdict if tally.table[before, after]}
            for before in Verdict
            if any(tally.table[before, after] for after in Verdict)
        },
        worst=tuple(
            Swap(value=value, instead=instead, before=before, after=after, cases=cases)
            for (value, instead, before, after), cases in worst
        ),
    )


def _rise(swap: tuple[str, str, Verdict, Verdict]) -> int:
    _, _, before, after = swap
    return after.strictness - before.strictness
