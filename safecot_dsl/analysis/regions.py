"""Regions of cases as conditions that a person can read: one clause for each fact that matters."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

from safecot_dsl.artifact import (
    And,
    Between,
    Case,
    Compare,
    CompiledPolicy,
    Condition,
    Fact,
    FactAtom,
    Has,
    Is,
    Not,
    NumberType,
    OneOfType,
    SetType,
    atoms,
    fact_atoms,
)
from safecot_dsl.engine import Truth, evaluate
from safecot_dsl.engine.meaning import Primitive
from safecot_dsl.engine.operators import bounds

#: A region: all of these hold. Each speaks of one fact.
Clauses = tuple[Condition, ...]


class ConditionVocabulary:
    """What the conditions of some policies can say of each fact, without what only tells how it was written.

    `facts` have the values of all the policies. Groups keep their names where one name means one thing; a param is
    written as its number, which is what two policies may disagree about.
    """

    def __init__(
        self, facts: Mapping[str, Fact], policies: Sequence[CompiledPolicy], extra: Iterable[Condition] = ()
    ) -> None:
        self.facts = facts
        found: dict[FactAtom, None] = {}
        for condition in (*_conditions(policies), *extra):
            for atom in fact_atoms(condition):
                found[atom.plain()] = None
        meanings: dict[str, set[tuple[str, ...]]] = {}
        for atom in found:
            label = atom.label
            if label is not None:
                meanings.setdefault(label, set()).add(tuple(sorted(atom.listed)))
        self._one_meaning = {label for label, values in meanings.items() if len(values) == 1}
        self.atoms: dict[str, list[FactAtom]] = {name: [] for name in self.facts}
        for atom in found:
            kept = self._in_words(atom)
            if kept not in self.atoms.setdefault(atom.fact, []):
                self.atoms[atom.fact].append(kept)

    def clauses(self, case: Case) -> Iterator[Condition]:
        """All that holds of a complete case, in the policies' words: together it pins down what each of them says.

        Of a number the bounds, of a `one of` fact its value, else every atom or its negation.
        """
        for name, read in self.atoms.items():
            if not read:
                continue
            fact, value = self.facts[name], case.known[name]
            match fact.type:
                case NumberType():
                    yield from (bound for bound in self.bounds(name) if _holds(bound, case))
                case OneOfType() if isinstance(value, str):
                    yield Is(fact=name, values=self.like(name, value))
                case _:
                    yield from (atom if _holds(atom, case) else Not(item=atom) for atom in read)

    def clause(self, atom: Condition, case: Case) -> Condition | None:
        """What an atom says of a complete case, or its negation; None for one on a number that has two bounds, such as
        `between`, which is two clauses or either of two."""
        of = self.facts[fact_of(atom)]
        if isinstance(of.type, NumberType):
            found = bounds(atom, of)  # pyright: ignore[reportArgumentType] - rules are about facts
            if len(found) > 1:
                return None
            return next(side for side in _sides(of.name, found[0]) if _holds(side, case))
        kept = self._in_words(atom)  # pyright: ignore[reportArgumentType]
        return kept if _holds(atom, case) else Not(item=kept)

    def _in_words(self, atom: FactAtom) -> FactAtom:
        plain: FactAtom = atom.plain()
        return plain if plain.label in self._one_meaning else plain.unlabelled()

    def like(self, fact: str, value: str) -> tuple[str, ...]:
        """The values of a `one of` fact that no atom tells from `value`."""
        return next(values for values in self.classes(fact) if value in values)

    def classes(self, fact: str) -> list[tuple[str, ...]]:
        """The values of a `one of` fact, those together that no atom tells apart."""
        found: dict[tuple[bool, ...], list[str]] = {}
        for value in _leaves(self.facts[fact]):
            known = Case({fact: value})
            found.setdefault(tuple(_holds(atom, known) for atom in self.atoms[fact]), []).append(value)
        return [tuple(values) for values in found.values()]

    def bounds(self, fact: str) -> list[Compare]:
        """Every comparison that the atoms on a number are made of, and its opposite; by operator and value."""
        found = {
            (side.operator, side.value): side
            for atom in self.atoms[fact]
            for bound in bounds(atom, self.facts[fact])
            for side in _sides(fact, bound)
        }
        return [found[key] for key in sorted(found)]

    def readable(self, clauses: Clauses) -> Condition:
        """The conjunction of the clauses, with one short condition for each fact, in the order of the facts."""
        parts: list[Condition] = []
        for name, fact in self.facts.items():
            own = [clause for clause in clauses if fact_of(clause) == name]
            if not own:
                continue
            match fact.type:
                case OneOfType():
                    parts.append(self._one_of(fact, own))
                case SetType():
                    parts += _of_set(name, own, self.atoms[name])
                case NumberType():
                    parts += _of_number(name, own)
                case _:
                    parts += own
        return parts[0] if len(parts) == 1 else And(items=tuple(parts))

    def _one_of(self, fact: Fact, clauses: Sequence[Condition]) -> Condition:
        domain = _leaves(fact)
        allowed = [value for value in domain if all(_holds(clause, Case({fact.name: value})) for clause in clauses)]
        barred = [value for value in domain if value not in allowed]
        # One value is named itself, of several the name that they have together.
        for atom in self.atoms[fact.name] if min(len(allowed), len(barred)) > 1 else ():
            named = set(atom.listed) & set(domain)
            if atom.label is not None and named in (set(allowed), set(barred)):
                return atom if named == set(allowed) else Not(item=atom)
        if len(barred) < len(allowed):
            return Not(item=Is(fact=fact.name, values=tuple(barred)))
        return Is(fact=fact.name, values=tuple(allowed))


def _sides(fact: str, bound: Primitive) -> tuple[Compare, Compare]:
    """That a number passes a bound, and that it does not."""
    above, below = (">=", "<") if bound.kind == "at least" else (">", "<=")
    return (
        Compare(fact=fact, operator=above, value=bound.operand),
        Compare(fact=fact, operator=below, value=bound.operand),
    )


def _conditions(policies: Sequence[CompiledPolicy]) -> Iterator[Condition]:
    for policy in policies:
        for rule in policy.rules:
            yield rule.when
            if rule.unless is not None:
                yield rule.unless


def fact_of(clause: Condition) -> str:
    """The fact that a clause speaks of."""
    return next(atom.fact for atom in atoms(clause))  # pyright: ignore[reportAttributeAccessIssue]


def _holds(condition: Condition, case: Case) -> bool:
    return evaluate(condition, case.known) is Truth.YES


def _leaves(fact: Fact) -> tuple[str, ...]:
    """The values that a complete case can have."""
    assert isinstance(fact.type, OneOfType)
    return fact.type.leaves


def _of_number(fact: str, clauses: Sequence[Condition]) -> Iterator[Condition]:
    """The tightest bounds; both included, they are a `between`."""
    bounds = [clause for clause in clauses if isinstance(clause, Compare)]
    lower = max(
        (b for b in bounds if b.operator in (">", ">=")), key=lambda b: (b.value, b.operator == ">"), default=None
    )
    upper = min(
        (b for b in bounds if b.operator in ("<", "<=")), key=lambda b: (b.value, b.operator == "<="), default=None
    )
    if lower is not None and upper is not None and (lower.operator, upper.operator) == (">=", "<="):
        yield Between(fact=fact, low=lower.value, high=upper.value)
        return
    yield from (bound for bound in (lower, upper) if bound is not None)


def place_of(bound: Compare) -> tuple[float, bool]:
    """Bounds on the line of numbers: `> 1` begins a little after `>= 1`, and `<= 1` ends a little after `< 1`."""
    return bound.value, bound.operator in (">", "<=")


def _of_set(fact: str, clauses: Sequence[Condition], read: Sequence[FactAtom]) -> Iterator[Condition]:
    """What it has and what it has not, each as one condition where the language can say it so."""
    has, lacks, rest = [], [], []
    for clause in clauses:
        match clause:
            case Has(quantifier=quantifier, values=values) if quantifier == "all" or len(values) == 1:
                has.append(values)
            case Not(item=Has(quantifier=quantifier, values=values)) if quantifier == "any" or len(values) == 1:
                lacks.append(values)
            case _:
                rest.append(clause)
    if has:
        values = tuple(dict.fromkeys(itertools.chain.from_iterable(has)))
        yield Has(fact=fact, quantifier="all", values=values, group=_group(values, read))
    if lacks:
        values = tuple(dict.fromkeys(itertools.chain.from_iterable(lacks)))
        yield Not(item=Has(fact=fact, quantifier="any", values=values, group=_group(values, read)))
    yield from rest


def _group(values: tuple[str, ...], read: Sequence[FactAtom]) -> str | None:
    """The group of the policies that is just these values."""
    if len(values) < 2:
        return None
    return next((a.grouped for a in read if a.grouped and set(a.listed) == set(values)), None)
