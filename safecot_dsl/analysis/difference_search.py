"""The search for changed cases: regions of other verdicts, and cases that other rules decide."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import z3

from safecot_dsl.analysis.difference_regions import Generaliser, Region
from safecot_dsl.analysis.difference_rules import applying_alike
from safecot_dsl.analysis.encoding import Encoding, Satisfiability, Solver
from safecot_dsl.analysis.examination import UnconfirmedError
from safecot_dsl.analysis.logic import all_of, any_of, constant, negation, same
from safecot_dsl.analysis.regions import ConditionVocabulary
from safecot_dsl.analysis.space import Space
from safecot_dsl.artifact import Case, CompiledPolicy, Decision, Verdict
from safecot_dsl.engine import Interpreter, Truth

#: A verdict before and after.
Pair = tuple[Verdict, Verdict]


@dataclass(frozen=True)
class ChangedRegions:
    """Regions of changed cases, the laxer ones first, and the changes of which there are more: *sat*, or may be."""

    regions: tuple[Region, ...]
    more: tuple[tuple[Pair, Satisfiability], ...]

    def outcome(self, *, laxer: bool) -> Satisfiability:
        """Whether any case became laxer (or stricter)."""
        if any(region.laxer is laxer for region in self.regions):
            return Satisfiability.SAT
        left = {outcome for pair, outcome in self.more if is_laxer(pair) is laxer}
        return next((o for o in (Satisfiability.SAT, Satisfiability.UNDECIDED) if o in left), Satisfiability.UNSAT)


@dataclass(frozen=True)
class Redecided:
    """A case with the same verdict under both policies, by other rules; `short` says as much of it as both need."""

    witness: Case
    short: Case
    old_decision: Decision
    new_decision: Decision


@dataclass(frozen=True)
class ChangedCases:
    """Cases that other rules decide; `complete`: no other rules come or go so."""

    cases: tuple[Redecided, ...]
    complete: bool


class Search:
    """Looks for changed complete cases, of those to which one of the rules `within` of `old` applies (None: of all).

    Facts of one name must have one type in both policies.
    """

    def __init__(
        self,
        old: CompiledPolicy,
        new: CompiledPolicy,
        within: Collection[str] | None,
        seconds_each: float,
        seconds_in_all: float,
    ) -> None:
        self._old, self._new = old, new
        self._interpreters = Interpreter(old), Interpreter(new)
        self._encoding = Encoding(old, new)
        self._asker = Solver(self._encoding, seconds_each=seconds_each, seconds_in_all=seconds_in_all)
        self._vocabulary = ConditionVocabulary(self._encoding.facts, (old, new))
        self._seconds_each = seconds_each
        self._scope: list[z3.BoolRef] = []
        if within is not None:
            applying = (self._encoding.applies(old, old.rule_index[name]) for name in within)
            self._scope = [any_of(applying, self._encoding.context)]

    @property
    def space(self) -> Space:
        """The complete cases of both policies."""
        return self._encoding

    # --- regions ---

    def regions(self, most: int) -> ChangedRegions:
        """At most so many regions, of each change of verdict some in turn."""
        encoding = self._encoding
        generaliser = Generaliser(encoding, self._vocabulary, tuple(self._named()), self._seconds_each)
        claims = {
            (before, after): all_of(
                (*self._scope, encoding.verdict_is(self._old, before), encoding.verdict_is(self._new, after)),
                encoding.context,
            )
            for before, after in _pairs()
        }
        found: list[Region] = []
        # The cubes found so far, for the changes that may have more.
        barred: dict[Pair, list[z3.BoolRef]] = {pair: [] for pair in claims}
        stuck: dict[Pair, Satisfiability] = {}
        while barred:
            for pair, cubes in list(barred.items()):
                answer = self._asker.ask(claims[pair], *(negation(cube) for cube in cubes))
                region = None
                if answer.case is not None and len(found) < most:
                    region = self._region(generaliser, answer.case, pair, claims[pair])
                if region is None:
                    del barred[pair]
                    if answer.outcome is not Satisfiability.UNSAT:
                        stuck[pair] = answer.outcome
                else:
                    found.append(region[0])
                    cubes.append(region[1])
        order = list(claims)
        found.sort(key=lambda region: order.index((region.old, region.new)))
        return ChangedRegions(tuple(found), tuple((pair, stuck[pair]) for pair in order if pair in stuck))

    def _named(self) -> Iterator[tuple[CompiledPolicy, str]]:
        """The rules that a region may name as not applying: to both sides they mean one thing."""
        yield from ((self._old, name) for name in applying_alike(self._old, self._new))
        for policy, other in ((self._old, self._new), (self._new, self._old)):
            yield from ((policy, rule.name) for rule in policy.rules if rule.name not in other.rule_index)

    def _region(
        self, generaliser: Generaliser, case: Case, pair: Pair, claim: z3.BoolRef
    ) -> tuple[Region, z3.BoolRef] | None:
        """The region around a case, and its formula. None where the solver took too long for it."""
        before, after = (interpreter.trace(case) for interpreter in self._interpreters)
        if (before.decision.verdict, after.decision.verdict) != pair:
            raise UnconfirmedError(f"{case!r} goes from {before.decision.verdict} to {after.decision.verdict}")
        applying = frozenset(
            name for trace in (before, after) for name, truth in trace.applies.items() if truth is not Truth.NO
        )
        cube = generaliser.cube(case, applying, claim)
        if cube is None:
            return None
        clauses, outside = cube
        region = Region(
            old=pair[0],
            new=pair[1],
            condition=self._vocabulary.readable(clauses),
            outside=outside,
            witness=case,
            short=self._short(case, before.decision, after.decision),
            old_decision=before.decision,
            new_decision=after.decision,
        )
        return region, generaliser.formula(clauses, outside)

    # --- who decides ---

    def redecided(self, most: int) -> ChangedCases:
        """At most so many cases of the same verdict by other rules, of which each time others come or go.

        Raises:
            UnconfirmedError: a witness is none by the interpreter, a fault of ours.
        """
        encoding = self._encoding
        no = constant(False, encoding.context)

        def decides(policy: CompiledPolicy, name: str) -> z3.BoolRef:
            rule = policy.rule_index.get(name)
            return no if rule is None else encoding.decides(policy, rule)

        names = sorted(self._old.rule_index.keys() | self._new.rule_index.keys())
        moves = {name: negation(same(decides(self._old, name), decides(self._new, name))) for name in names}
        claims = [
            *self._scope,
            *(
                same(encoding.verdict_at_least(self._old, verdict), encoding.verdict_at_least(self._new, verdict))
                for verdict in list(Verdict)[1:]
            ),
            any_of(moves.values(), encoding.context),
        ]
        found: list[Redecided] = []
        while True:
            answer = self._asker.ask(*claims)
            if answer.case is None or len(found) == most:
                return ChangedCases(tuple(found), answer.outcome is Satisfiability.UNSAT)
            case = answer.case
            before, after = (interpreter.decide(case) for interpreter in self._interpreters)
            if before.verdict is not after.verdict or before.deciding == after.deciding:
                raise UnconfirmedError(f"{case!r} is decided by the same rules")
            found.append(Redecided(case, self._short(case, before, after), before, after))
            moved = set(before.deciding) ^ set(after.deciding)
            claims.append(negation(all_of((moves[name] for name in sorted(moved)), encoding.context)))

    # --- witnesses ---

    def _short(self, case: Case, *decisions: Decision) -> Case:
        """The case without the facts that neither policy needs to decide it so, for certain."""

        def decided_alike(shorter: Case) -> bool:
            return all(
                (now.certain, now.verdict, now.deciding) == (True, decision.verdict, decision.deciding)
                for decision, now in zip(decisions, (i.decide(shorter) for i in self._interpreters), strict=True)
            )

        short = Case({name: value for name, value in case.known.items() if self._vocabulary.atoms[name]})
        for name in list(short.known):
            shorter = short.with_fact(name, None)
            if decided_alike(shorter):
                short = shorter
        return short


def is_laxer(pair: Pair) -> bool:
    return pair[1].strictness < pair[0].strictness


def _pairs() -> list[Pair]:
    """Every change of verdict: the laxer ones first, from the strictest on, and of each the greatest step first."""
    pairs = [(before, after) for before in Verdict for after in Verdict if before is not after]
    return sorted(pairs, key=lambda pair: (not is_laxer(pair), -pair[0].strictness, pair[1].strictness))
