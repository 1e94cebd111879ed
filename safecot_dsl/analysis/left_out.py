"""A complete case with facts left out, for many choices of them side by side: what a policy says of it then for
certain. A bit of an integer stands for each choice. The numbers in comments are those of the charter's *semantics*.

Every fact has its value, so that nothing is left to a solver: a thousand rules under hundreds of choices take some
milliseconds, and the solver was asked hundreds of questions for each witness.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from safecot_dsl.analysis.columns import union
from safecot_dsl.artifact import And, AtLeast, Case, Condition, FactAtom, Not, Or, Rule, Value, Verdict
from safecot_dsl.engine import Interpreter, Truth, evaluate
from safecot_dsl.engine.columns import at_least_of
from safecot_dsl.engine.order import parents_first

#: The choices under which something is yes, and those under which it is yes or maybe. No class: there are so many.
_Kleene = tuple[int, int]
#: Of the columns of all atoms, by their numbers, and of every choice: a condition's.
_Program = Callable[[Sequence[_Kleene], int], _Kleene]
#: The choices under which a claim is certain.
Certainty = Callable[["PartlyKnown"], int]


class ShorterCases:
    """A policy prepared for leaving facts out of complete cases; claims can be made on these `conditions` too."""

    def __init__(self, interpreter: Interpreter, conditions: Iterable[Condition] = ()) -> None:
        self.policy = policy = interpreter.policy
        self.rules = parents_first(policy)
        self.places = places = {rule.name: place for place, rule in enumerate(self.rules)}
        self.parents = [tuple(places[name] for name in rule.exception_to) for rule in self.rules]
        self.exceptions = [tuple(places[e.name] for e in interpreter.exceptions[rule.name]) for rule in self.rules]
        self.strictness = [rule.verdict.strictness for rule in self.rules]
        self._supposed: dict[str, Value] = {
            fact.name: frozenset(fact.assume) if isinstance(fact.assume, tuple) else fact.assume
            for fact in policy.facts
            if fact.assume is not None
        }
        self._numbers: dict[FactAtom, int] = {}
        #: Of each fact the atoms on it, with their numbers.
        self._of: dict[str, dict[int, FactAtom]] = {fact.name: {} for fact in policy.facts}
        self._truths: dict[tuple[str, Value], list[bool]] = {}
        #: Each rule's `when` and not its `unless`.
        self.own = [
            self._made(rule.when)
            if rule.unless is None
            else _conjunction([self._made(rule.when), _negation(self._made(rule.unless))])
            for rule in self.rules
        ]
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
                return _count(1, [self._made(item) for item in items])
            case AtLeast(count=count, items=items):
                return _count(count, [self._made(item) for item in items])
            case atom:
                number = self._number(atom)  # pyright: ignore[reportArgumentType] - rules are about facts
                return lambda columns, every: columns[number]

    def _number(self, atom: FactAtom) -> int:
        if atom not in self._numbers:
            self._numbers[atom] = number = len(self._numbers)
            self._of[atom.fact][number] = atom
        return self._numbers[atom]

    def _truth(self, fact: str, value: Value) -> list[bool]:
        """Which atoms on a fact hold of a value; kept, since most cases have the same value of most facts."""
        if (fact, value) not in self._truths:
            self._truths[fact, value] = [evaluate(atom, {fact: value}) is Truth.YES for atom in self._of[fact].values()]
        return self._truths[fact, value]

    def atoms(self, case: Case, left_out: Mapping[str, int], every: int) -> list[_Kleene]:
        """The columns of all atoms, by their numbers."""
        columns = [(0, 0)] * len(self._numbers)
        for fact, read in self._of.items():
            out = left_out.get(fact, 0)
            known = every & ~out
            truths = self._truth(fact, case.known[fact])
            supposed = self._supposed.get(fact)
            if supposed is None:
                holds, fails = (known, every), (0, out)
                for number, truth in zip(read, truths, strict=True):
                    columns[number] = holds if truth else fails
            else:
                for number, truth, otherwise in zip(read, truths, self._truth(fact, supposed), strict=True):
                    column = (known if truth else 0) | (out if otherwise else 0)
                    columns[number] = column, column
        return columns

    # --- choices ---

    def fewest(self, case: Case, claims: Iterable[Certainty], needed: Collection[str] = ()) -> Case:
        """A complete case without as many of its facts as can be left out, one by one, the last declared first, so that
        its verdict and the claims stay certain; the `needed` facts stay.

        To know more makes nothing less certain. So a fact that cannot be left out alone never can, and it can be tried
        at once up to which fact all can. Only to leave out a fact whose supposition is another value changes the case:
        each such fact is tried by itself, before the others.
        """
        verdict = PartlyKnown(self, case, {}, 1).verdict()
        asked: list[Certainty] = [lambda said: said.certainly(verdict), *claims]
        waiting = [fact.name for fact in reversed(self.policy.facts) if fact.name not in needed]
        out: list[str] = []
        for fact in [name for name in waiting if self.contradicts(name, case.known[name])]:
            waiting.remove(fact)
            if self._certain(case, asked, dict.fromkeys([*out, fact], 1), 1):
                out.append(fact)
        while waiting:
            # Choices of one fact each, then of all facts up to each.
            count = len(waiting)
            left_out = dict.fromkeys(out, (1 << 2 * count) - 1)
            left_out |= {
                fact: 1 << place | (1 << 2 * count) - (1 << count + place) for place, fact in enumerate(waiting)
            }
            certain = self._certain(case, asked, left_out, 2 * count)
            together = certain >> count
            first = (~together & (together + 1)).bit_length() - 1  # so many can go together, from the first on
            out += waiting[:first]
            # The next one cannot, beside these.
            waiting = [fact for place, fact in enumerate(waiting) if place > first and certain >> place & 1]
        gone = frozenset(out)
        return Case({name: value for name, value in case.known.items() if name not in gone})

    def contradicts(self, fact: str, value: Value) -> bool:
        """Whether any condition tells the value from what is supposed of the fact."""
        supposed = self._supposed.get(fact)
        return supposed is not None and self._truth(fact, supposed) != self._truth(fact, value)

    def _certain(self, case: Case, claims: Iterable[Certainty], left_out: Mapping[str, int], choices: int) -> int:
        """The choices under which all claims are certain."""
        said = PartlyKnown(self, case, left_out, choices)
        certain = said.every
        for claim in claims:
            certain &= claim(said)
        return certain


class PartlyKnown:
    """What a policy says of a complete case under so many choices of facts to leave out; of each fact, `left_out` has
    the choices that leave it out."""

    def __init__(self, shorter: ShorterCases, case: Case, left_out: Mapping[str, int], choices: int) -> None:
        self._of = shorter
        self.every = every = (1 << choices) - 1
        self._atoms = atoms = shorter.atoms(case, left_out, every)
        # 2.
        self._applies: list[_Kleene] = []
        self._possible: list[int] = []  # the places of rules that may apply at all: mostly few
        for place, (program, parents) in enumerate(zip(shorter.own, shorter.parents, strict=True)):
            yes, may = program(atoms, every)
            if may and parents:
                yes &= union([self._applies[parent][0] for parent in parents])
                may &= union([self._applies[parent][1] for parent in parents])
            self._applies.append((yes, may))
            if may:
                self._possible.append(place)
        # 3.
        self._effective = list(self._applies)
        for place in self._possible:
            for exception in shorter.exceptions[place]:
                yes, may = self._effective[place]
                against = self._applies[exception]
                self._effective[place] = yes & ~against[1], may & ~against[0]
        # 4. Some rule applies for certain.
        self._in_force = union([self._applies[place][0] for place in self._possible])

    def truth(self, condition: Condition) -> int:
        """The condition, one that the :class:`ShorterCases` were made with, holds for certain."""
        return self._of.conditions[condition](self._atoms, self.every)[0]

    def applies(self, rule: Rule) -> int:
        """The rule applies for certain."""
        return self._applies[self._of.places[rule.name]][0]

    def effective(self, rule: Rule) -> int:
        """The rule is effective for certain."""
        return self._effective[self._of.places[rule.name]][0]

    def decides(self, rule: Rule) -> int:
        """6. The rule is effective for certain, and the case is certain and has its verdict."""
        return self.effective(rule) & self.certainly(rule.verdict)

    def verdict(self) -> Verdict:
        """The verdict of a case that is certain under every choice."""
        return next(verdict for verdict in Verdict if self.certainly(verdict))

    def certainly(self, verdict: Verdict) -> int:
        """4. Both bounds are this verdict."""
        return self._lower(verdict.strictness) & self.every & ~self._upper(verdict.strictness + 1)

    def _lower(self, strictness: int) -> int:
        """The lower bound is so strict or stricter."""
        if strictness == 0:
            return self.every
        of, softer = self._of, 0
        laxer: dict[int, int] = {}  # of the rule and what may replace it, one that may be effective is laxer
        held = 0
        for place in reversed(self._possible):
            column = 0
            if of.strictness[place] < strictness:
                column = self._effective[place][1]
                softer |= column
            for exception in of.exceptions[place]:
                if exception in laxer:
                    column |= self._applies[exception][1] & laxer[exception]
            laxer[place] = column
            held |= self._applies[place][0] & ~column
        if of.policy.default.strictness >= strictness:
            held |= self.every & ~(self._in_force | softer)
        return held

    def _upper(self, strictness: int) -> int:
        """The upper bound is so strict or stricter."""
        of = self._of
        column = union([self._effective[place][1] for place in self._possible if of.strictness[place] >= strictness])
        return column | self.every & ~self._in_force if of.policy.default.strictness >= strictness else column


def _negation(part: _Program) -> _Program:
    def program(columns: Sequence[_Kleene], every: int) -> _Kleene:
        yes, may = part(columns, every)
        return every & ~may, every & ~yes

    return program


def _conjunction(parts: Sequence[_Program]) -> _Program:
    def program(columns: Sequence[_Kleene], every: int) -> _Kleene:
        yes = may = every
        for part in parts:
            part_yes, part_may = part(columns, every)
            yes &= part_yes
            may &= part_may
            if not may:  # most rules are far from applying
                break
        return yes, may

    return program


def _count(count: int, parts: Sequence[_Program]) -> _Program:
    def program(columns: Sequence[_Kleene], every: int) -> _Kleene:
        found = [part(columns, every) for part in parts]
        if count == 1:
            return union([yes for yes, _ in found]), union([may for _, may in found])
        return (
            at_least_of(count, (yes for yes, _ in found), every, 0),
            at_least_of(count, (may for _, may in found), every, 0),
        )

    return program
