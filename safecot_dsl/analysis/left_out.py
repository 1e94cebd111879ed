"""A complete case with facts left out, for many choices of them side by side: what a policy says of it then for
certain. A bit of an integer stands for each choice. The numbers in comments are those of the charter's *semantics*.

Every fact has its value, so that nothing is left to a solver: a thousand rules under hundreds of choices take some
milliseconds, where the solver took hundreds of questions of half a millisecond.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from safecot_dsl.analysis.columns import union
from safecot_dsl.artifact import And, AtLeast, Case, Condition, FactAtom, Not, Or, Rule, Value, Verdict
from safecot_dsl.engine import Interpreter, Truth, evaluate
from safecot_dsl.engine.columns import at_least_of
from safecot_dsl.engine.order import parents_first


class KleeneColumn(NamedTuple):
    """The choices under which something is yes, and those under which it is yes or maybe."""

    yes: int
    may: int


#: Of the columns of all atoms, by their numbers, and the column of every choice: a condition's column.
_Program = Callable[[Sequence[KleeneColumn], int], KleeneColumn]
#: The choices under which something is certain.
Certainty = Callable[["LeftOut"], int]


class Leaver:
    """A policy prepared for leaving facts out of complete cases; claims can be made on these `conditions` too."""

    def __init__(self, interpreter: Interpreter, conditions: Iterable[Condition] = ()) -> None:
        self.policy = policy = interpreter.policy
        self.exceptions = interpreter.exceptions
        self.order = parents_first(policy)
        self._supposed: dict[str, Value] = {
            fact.name: frozenset(fact.assume) if isinstance(fact.assume, tuple) else fact.assume
            for fact in policy.facts
            if fact.assume is not None
        }
        self._numbers: dict[FactAtom, int] = {}
        self._of: dict[str, list[FactAtom]] = {fact.name: [] for fact in policy.facts}
        self._truths: dict[tuple[str, Value], tuple[bool, ...]] = {}
        #: The rule's `when` and not its `unless`, by its name.
        self.own = {
            rule.name: self._made(rule.when)
            if rule.unless is None
            else _conjunction([self._made(rule.when), _negation(self._made(rule.unless))])
            for rule in self.order
        }
        self.conditions = {condition: self._made(condition) for condition in conditions}

    # --- conditions ---

    def _made(self, condition: Condition) -> _Program:
        """1. What works out a condition."""
        match condition:
            case Not(item=item):
                return _negation(self._made(item))
            case And(items=items):
                return _conjunction([self._made(item) for item in items])
            case Or(items=items):
                return _disjunction([self._made(item) for item in items])
            case AtLeast(count=count, items=items):
                return _count(count, [self._made(item) for item in items])
            case atom:
                number = self._number(atom)  # pyright: ignore[reportArgumentType] - rules are about facts
                return lambda columns, every: columns[number]

    def _number(self, atom: FactAtom) -> int:
        if atom not in self._numbers:
            self._numbers[atom] = len(self._numbers)
            self._of[atom.fact].append(atom)
        return self._numbers[atom]

    def _truth(self, fact: str, value: Value) -> tuple[bool, ...]:
        """Which atoms on a fact hold of a value: most cases have the same value of most facts."""
        key = fact, value
        if key not in self._truths:
            self._truths[key] = tuple(evaluate(atom, {fact: value}) is Truth.YES for atom in self._of[fact])
        return self._truths[key]

    def atoms(self, case: Case, left_out: Mapping[str, int], every: int) -> list[KleeneColumn]:
        """The columns of all atoms, by their numbers."""
        columns = [KleeneColumn(0, 0)] * len(self._numbers)
        for fact, read in self._of.items():
            out = left_out.get(fact, 0)
            known = every & ~out
            supposed = self._truth(fact, self._supposed[fact]) if fact in self._supposed else ()
            for place, (atom, holds) in enumerate(zip(read, self._truth(fact, case.known[fact]), strict=True)):
                column = known if holds else 0
                yes = column | out if supposed and supposed[place] else column
                may = column | out if not supposed or supposed[place] else column
                columns[self._numbers[atom]] = KleeneColumn(yes, may)
        return columns

    # --- choices ---

    def verdict(self, case: Case) -> Verdict:
        """The verdict of a complete case."""
        whole = LeftOut(self, case, {}, 1)
        return next((v for v in reversed(Verdict) if whole.certainly(v)))

    def fewest(self, case: Case, claims: Sequence[Certainty], needed: Collection[str] = ()) -> Case:
        """A complete case without as many of its facts as can be left out, one by one in the order of declaration, so
        that the claims are certain still; the `needed` stay.

        To know more makes nothing less certain. So a fact that cannot be left out alone never can, and facts can be
        tried from the first to each at once. Only to leave out a fact that has a supposition changes the case, where the
        two differ: each of these is tried by itself, and before the others.
        """
        waiting = [fact.name for fact in self.policy.facts if fact.name not in needed]
        out: list[str] = []
        for fact in [name for name in waiting if self._contradicts(name, case.known[name])]:
            waiting.remove(fact)
            if self._certain(case, claims, [[*out, fact]]):
                out.append(fact)
        while waiting:
            choices = [[*out, fact] for fact in waiting]
            choices += [[*out, *waiting[: last + 1]] for last in range(len(waiting))]
            certain = self._certain(case, claims, choices)
            alone = [bool(certain >> place & 1) for place in range(len(waiting))]
            together = certain >> len(waiting)
            first = (~together & together + 1).bit_length() - 1  # so many can be left out together, from the first on
            out += waiting[:first]
            # The next cannot, beside these.
            waiting = [fact for place, fact in enumerate(waiting) if place > first and alone[place]]
        left_out = set(out)
        return Case({name: value for name, value in case.known.items() if name not in left_out})

    def _contradicts(self, fact: str, value: Value) -> bool:
        """Whether any condition tells the value from what is supposed of the fact."""
        supposed = self._supposed.get(fact)
        return supposed is not None and self._truth(fact, supposed) != self._truth(fact, value)

    def _certain(self, case: Case, claims: Sequence[Certainty], choices: Sequence[Sequence[str]]) -> int:
        left_out: dict[str, int] = {}
        for place, facts in enumerate(choices):
            for fact in facts:
                left_out[fact] = left_out.get(fact, 0) | 1 << place
        said = LeftOut(self, case, left_out, len(choices))
        certain = said.every
        for claim in claims:
            certain &= claim(said)
        return certain


class LeftOut:
    """What a policy says of a complete case under so many choices of facts to leave out: `left_out` has the choices that
    leave a fact out."""

    def __init__(self, leaver: Leaver, case: Case, left_out: Mapping[str, int], choices: int) -> None:
        self._of = leaver
        self.every = every = (1 << choices) - 1
        self._atoms = leaver.atoms(case, left_out, every)
        # 2.
        self._applies: dict[str, KleeneColumn] = {}
        for rule in leaver.order:
            column = leaver.own[rule.name](self._atoms, every)
            if rule.exception_to:
                parents = [self._applies[name] for name in rule.exception_to]
                column = KleeneColumn(
                    column.yes & union(parent.yes for parent in parents),
                    column.may & union(parent.may for parent in parents),
                )
            self._applies[rule.name] = column
        # 3.
        self._effective = dict(self._applies)
        for name, exceptions in leaver.exceptions.items():
            for exception in exceptions:
                yes, may = self._effective[name]
                against = self._applies[exception.name]
                self._effective[name] = KleeneColumn(yes & ~against.may, may & ~against.yes)

    def truth(self, condition: Condition) -> int:
        """The condition, one of the leaver's `conditions`, holds for certain."""
        return self._of.conditions[condition](self._atoms, self.every).yes

    def applies(self, rule: Rule) -> int:
        """The rule applies for certain."""
        return self._applies[rule.name].yes

    def effective(self, rule: Rule) -> int:
        """The rule is effective for certain."""
        return self._effective[rule.name].yes

    def decides(self, rule: Rule) -> int:
        """6. The rule is effective for certain, and the case is certain and has its verdict."""
        return self.effective(rule) & self.certainly(rule.verdict)

    def certainly(self, verdict: Verdict) -> int:
        """4. Both bounds are this verdict."""
        above = [v for v in Verdict if v.strictness == verdict.strictness + 1]
        return self._lower(verdict) & self.every & ~union(self._upper(v) for v in above)

    def _lower(self, verdict: Verdict) -> int:
        """The lower bound is this verdict or a stricter one."""
        if verdict.strictness == 0:
            return self.every
        laxer: dict[str, int] = {}  # of the rule and what may replace it, one that may be effective is laxer
        for rule in reversed(self._of.order):
            column = self._effective[rule.name].may if rule.verdict.strictness < verdict.strictness else 0
            for exception in self._of.exceptions[rule.name]:
                column |= self._applies[exception.name].may & laxer[exception.name]
            laxer[rule.name] = column
        held = union(self._applies[name].yes & ~column for name, column in laxer.items())
        if self._of.policy.default.strictness >= verdict.strictness:
            rules = self._of.policy.rules
            held |= self.every & ~(
                self._in_force()
                | union(self._effective[r.name].may for r in rules if r.verdict.strictness < verdict.strictness)
            )
        return held

    def _upper(self, verdict: Verdict) -> int:
        """The upper bound is this verdict or a stricter one."""
        policy = self._of.policy
        column = union(
            self._effective[rule.name].may for rule in policy.rules if rule.verdict.strictness >= verdict.strictness
        )
        return column | self.every & ~self._in_force() if policy.default.strictness >= verdict.strictness else column

    def _in_force(self) -> int:
        """Some rule applies for certain."""
        return union(column.yes for column in self._applies.values())


def _negation(part: _Program) -> _Program:
    def program(columns: Sequence[KleeneColumn], every: int) -> KleeneColumn:
        yes, may = part(columns, every)
        return KleeneColumn(every & ~may, every & ~yes)

    return program


def _conjunction(parts: Sequence[_Program]) -> _Program:
    def program(columns: Sequence[KleeneColumn], every: int) -> KleeneColumn:
        yes = may = every
        for part in parts:
            of_part = part(columns, every)
            yes &= of_part[0]
            may &= of_part[1]
            if not may:
                break
        return KleeneColumn(yes, may)

    return program


def _disjunction(parts: Sequence[_Program]) -> _Program:
    def program(columns: Sequence[KleeneColumn], every: int) -> KleeneColumn:
        yes = may = 0
        for part in parts:
            of_part = part(columns, every)
            yes |= of_part[0]
            may |= of_part[1]
        return KleeneColumn(yes, may)

    return program


def _count(count: int, parts: Sequence[_Program]) -> _Program:
    def program(columns: Sequence[KleeneColumn], every: int) -> KleeneColumn:
        found = [part(columns, every) for part in parts]
        return KleeneColumn(
            at_least_of(count, (part.yes for part in found), every, 0),
            at_least_of(count, (part.may for part in found), every, 0),
        )

    return program
