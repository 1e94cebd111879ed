"""Many complete cases side by side, each without one of its facts: where the verdict then hangs on that fact, on which
rules, and which values would bring an answer. A bit of an integer stands for each case (:class:`PackedCases`).

Only the rules that the fact can make a difference to are worked out anew, those that read it and all that are
exceptions of one another with them: of a thousand rules a dozen. The numbers in comments are those of the charter's
*semantics*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from safecot_dsl.analysis.columns import Edit, Flipped, PackedCases, union
from safecot_dsl.artifact import And, AtLeast, Case, Condition, Not, Or, Rule, Value, Verdict, facts_read
from safecot_dsl.engine import Interpreter
from safecot_dsl.engine.columns import at_least_of
from safecot_dsl.engine.order import parents_first


class _Kleene(NamedTuple):
    """The cases of which something is yes, and those of which it is yes or maybe."""

    yes: int
    may: int


@dataclass(frozen=True)
class UncertainDecision:
    """What a decision on a case without the fact rests on, where it is not certain: its `lower` bound, the rules that
    may be effective, sorted, and those of them whose `unsure` counts."""

    lower: Verdict
    undecided: tuple[str, ...]
    matter: tuple[str, ...]


class PackedDecisions:
    """What a policy decides of complete cases, and of the same cases without any one of their facts."""

    def __init__(self, interpreter: Interpreter, cases: Sequence[Case]) -> None:
        self.policy = policy = interpreter.policy
        self.cases = cases
        self.exceptions = interpreter.exceptions
        values = {fact.name: [case.known[fact.name] for case in cases] for fact in policy.facts}
        self.packed = PackedCases(policy.fact_index, values, len(cases))
        self.every = self.packed.every
        self.order = parents_first(policy)
        self.own = {rule.name: self.packed.own(rule) for rule in self.order}
        self.effective = self.packed.effective(policy, self.packed.applies(policy))
        self._facts: dict[str, OneUnknown] = {}

    @cached_property
    def readers(self) -> dict[str, list[str]]:
        """The rules that read each fact."""
        readers: dict[str, list[str]] = {}
        for rule in self.policy.rules:
            for fact in facts_read(*rule.conditions):
                readers.setdefault(fact, []).append(rule.name)
        return readers

    def without(self, fact: str) -> OneUnknown:
        """The cases without a fact that some rule reads."""
        if fact not in self._facts:
            self._facts[fact] = OneUnknown(self, fact)
        return self._facts[fact]

    def related(self, names: Iterable[str]) -> set[str]:
        """These rules, and all that are exceptions to one another with them."""
        waiting = list(names)
        found = set(waiting)
        while waiting:
            name = waiting.pop()
            near = {*self.policy.rule_index[name].exception_to, *(each.name for each in self.exceptions[name])} - found
            found |= near
            waiting += near
        return found


class OneUnknown:
    """The cases without `fact`, a fact without a supposition."""

    def __init__(self, decisions: PackedDecisions, fact: str) -> None:
        self._of = decisions
        self._fact = decisions.policy.fact_index[fact]
        self._readers = frozenset(decisions.readers[fact])
        names = decisions.related(self._readers)
        self._rules = [rule for rule in decisions.order if rule.name in names]
        self._others = {
            verdict: union(
                decisions.effective[rule.name]
                for rule in decisions.policy.rules
                if rule.verdict is verdict and rule.name not in names
            )
            for verdict in Verdict
        }
        self._withheld_by: dict[Edit | None, int] = {}

    @cached_property
    def ambiguous(self) -> dict[int, UncertainDecision]:
        """By its place, each case whose verdict hangs on the fact."""
        of, every = self._of, self._of.every
        applies = self._applies(self._own_unknown)
        effective: dict[str, _Kleene] = {}
        for rule in self._rules:  # 3.
            against = [applies[exception.name] for exception in of.exceptions[rule.name]]
            yes, may = applies[rule.name]
            effective[rule.name] = _Kleene(yes & ~union(a.may for a in against), may & ~union(a.yes for a in against))
        maybe = {name: may & ~yes for name, (yes, may) in effective.items()}
        # 4. The bounds, each as the cases where it is at least a verdict. The other rules are as the case has them.
        in_force = union(self._others.values()) | union(yes for yes, _ in applies.values())
        lower: dict[Verdict, int] = {}
        upper: dict[Verdict, int] = {}
        for verdict in list(Verdict)[1:]:
            held = union(column for v, column in self._others.items() if v.strictness >= verdict.strictness)
            possible = held | union(effective[r.name].may for r in self._rules if not _laxer(r.verdict, verdict))
            softer = self._softer(verdict, applies, effective)
            held |= union(applies[rule.name].yes & ~softer[rule.name] for rule in self._rules)
            if not _laxer(of.policy.default, verdict):
                held |= every & ~(in_force | union(maybe[r.name] for r in self._rules if _laxer(r.verdict, verdict)))
                possible |= every & ~in_force
            lower[verdict], upper[verdict] = held, possible
        # 5.
        open_cases = union(upper[verdict] & ~lower[verdict] for verdict in lower)
        return {place: self._at(place, lower, maybe, in_force) for place in _places(open_cases)}

    def _at(
        self, place: int, lower: Mapping[Verdict, int], maybe: Mapping[str, int], in_force: int
    ) -> UncertainDecision:
        bound = list(Verdict)[sum(column >> place & 1 for column in lower.values())]
        undecided = [rule for rule in self._rules if maybe[rule.name] >> place & 1]
        forced = in_force >> place & 1
        matter = [rule.name for rule in undecided if not forced or _laxer(bound, rule.verdict)]
        return UncertainDecision(bound, tuple(sorted(rule.name for rule in undecided)), tuple(matter))

    def harmful(self, place: int, values: Iterable[Value]) -> tuple[Value, ...]:
        """Those of the values with which the case is not answered, by `comply` or `warn`. Of a set, each value is the
        case's own, that with one member more or less, or the empty one."""
        own = self._of.cases[place].known[self._fact.name]
        return tuple([value for value in values if self._withheld(_edit(own, value)) >> place & 1])

    def _withheld(self, edit: Edit | None) -> int:
        """The cases that are not answered where the fact is changed so in all of them."""
        if edit not in self._withheld_by:
            of, default = self._of, self._of.policy.default
            packed = of.packed if edit is None else of.packed.changed(self._fact.name, edit)
            applies = self._applies(lambda rule: self._own_known(rule, packed))
            effective = [
                (rule, applies[rule.name].yes & ~union(applies[e.name].yes for e in of.exceptions[rule.name]))
                for rule in self._rules
            ]
            found = [*self._others.items(), *((rule.verdict, column) for rule, column in effective)]
            withheld = union(column for verdict, column in found if not verdict.answers)
            if not default.answers:
                withheld |= of.every & ~union(column for _, column in found)
            self._withheld_by[edit] = withheld
        return self._withheld_by[edit]

    # --- rules ---

    def _applies(self, own: Callable[[Rule], _Kleene]) -> dict[str, _Kleene]:
        """2. The cases that each rule applies to, by its name."""
        applies: dict[str, _Kleene] = {}
        for rule in self._rules:
            yes, may = own(rule)
            if rule.exception_to:
                parents = [applies[name] for name in rule.exception_to]
                yes, may = yes & union(p.yes for p in parents), may & union(p.may for p in parents)
            applies[rule.name] = _Kleene(yes, may)
        return applies

    def _own_unknown(self, rule: Rule) -> _Kleene:
        if rule.name not in self._readers:
            return _certain(self._of.own[rule.name])
        yes, may = self._kleene(rule.when)
        if rule.unless is not None:
            against = self._kleene(rule.unless)
            yes, may = yes & ~against.may, may & ~against.yes
        return _Kleene(yes, may)

    def _own_known(self, rule: Rule, packed: PackedCases) -> _Kleene:
        return _certain(packed.own(rule) if rule.name in self._readers else self._of.own[rule.name])

    def _softer(
        self, verdict: Verdict, applies: Mapping[str, _Kleene], effective: Mapping[str, _Kleene]
    ) -> dict[str, int]:
        """4. The cases in which one that may be effective, of each rule and what may replace it, is laxer."""
        softer: dict[str, int] = {}
        for rule in reversed(self._rules):
            softer[rule.name] = effective[rule.name].may if _laxer(rule.verdict, verdict) else 0
            for exception in self._of.exceptions[rule.name]:
                softer[rule.name] |= applies[exception.name].may & softer[exception.name]
        return softer

    # --- conditions ---

    def _kleene(self, condition: Condition) -> _Kleene:
        """1. A condition where the fact is unknown."""
        every = self._of.every
        match condition:
            case Not(item=item):
                yes, may = self._kleene(item)
                return _Kleene(every & ~may, every & ~yes)
            case And(items=items) | Or(items=items) | AtLeast(items=items):
                count = condition.count if isinstance(condition, AtLeast) else 1
                count = len(items) if isinstance(condition, And) else count
                parts = [self._kleene(item) for item in items]
                return _Kleene(
                    at_least_of(count, (p.yes for p in parts), every, 0),
                    at_least_of(count, (p.may for p in parts), every, 0),
                )
            case atom:
                return _Kleene(0, every) if self._reads(atom) else _certain(self._of.packed.column(atom))

    def _reads(self, atom: Condition) -> bool:
        return atom.fact == self._fact.name  # pyright: ignore[reportAttributeAccessIssue] - rules are about facts


def _edit(own: Value, value: Value) -> Edit | None:
    """What makes this value of a case's own; None where it is that."""
    if own == value:
        return None
    if isinstance(own, frozenset) and isinstance(value, frozenset) and len(own ^ value) == 1:
        return Flipped(*(own ^ value))
    return value


def _certain(column: int) -> _Kleene:
    return _Kleene(column, column)


def _laxer(one: Verdict, other: Verdict) -> bool:
    return one.strictness < other.strictness


def _places(column: int) -> Iterator[int]:
    """The places of the bits that are set, ascending."""
    while column:
        lowest = column & -column
        yield lowest.bit_length() - 1
        column ^= lowest
