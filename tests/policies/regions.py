"""All complete cases of a policy, up to what its conditions can tell apart.

Conditions read facts only through atoms. Two values of a fact that agree on every atom over it are therefore one value
to the policy, and one representative of each class is enough: claims checked over the product of the representatives
hold of all complete cases. Not every fact matters in every case either: once it is known that a place is asked for,
nobody looks at number plates. `settled_cases` fixes facts one after the other until every condition is settled, so that
far fewer cases stand for all of them.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from safecot_dsl.artifact import (
    And,
    AtLeast,
    Between,
    Case,
    Compare,
    CompiledPolicy,
    Condition,
    Contains,
    Fact,
    FactAtom,
    FlagType,
    Matches,
    Not,
    NumberType,
    OneOfType,
    Or,
    Proposed,
    SetType,
    TextType,
    Value,
    atoms,
)
from safecot_dsl.engine import Truth, evaluate

# A text in which the pattern is found, by the beginning of each pattern that a shipped policy has.
WITNESSES = {r"\b1 ?": "1.\n2.\n3.", r"\b(?:specimen": "SPECIMEN"}


def conditions(policy: CompiledPolicy) -> Iterator[Condition]:
    """Every condition over facts in the policy: of rules, of steps, of properties and of laws."""
    for rule in policy.rules:
        yield from rule.conditions
    speeches = [rule.speech for rule in policy.rules] + [policy.default_speech, policy.unsure_speech]
    for step in (step for speech in speeches for step in speech.think):
        if step.when is not None:
            yield step.when
    for claim in (*policy.properties, *policy.laws):
        if claim.given is not None:
            yield claim.given


def fact_atoms(condition: Condition) -> Iterator[FactAtom]:
    """The atoms of a condition over facts, which has no others."""
    for atom in atoms(condition):
        assert not isinstance(atom, Proposed)
        yield atom


def representatives(policy: CompiledPolicy) -> dict[str, list[Value]]:
    """For each fact one value of every class that its atoms can tell apart; one value where none reads it."""
    read: dict[str, list[FactAtom]] = {fact.name: [] for fact in policy.facts}
    for condition in conditions(policy):
        for atom in fact_atoms(condition):
            if atom not in read[atom.fact]:
                read[atom.fact].append(atom)
    result: dict[str, list[Value]] = {}
    for fact in policy.facts:
        classes: dict[tuple[Truth, ...], Value] = {}
        for value in candidates(fact, read[fact.name]):
            classes.setdefault(signature(fact, value, read[fact.name]), value)
        result[fact.name] = list(classes.values())
    return result


def signature(fact: Fact, value: Value, over: Iterable[FactAtom]) -> tuple[Truth, ...]:
    return tuple(evaluate(atom, {fact.name: value}) for atom in over)


def candidates(fact: Fact, over: list[FactAtom]) -> Iterator[Value]:
    """Values among which every class has at least one member (texts: every class that phrases joined can reach)."""
    match fact.type:
        case FlagType():
            yield from (True, False)
        case OneOfType(leaves=leaves):
            yield from leaves
        case SetType(values=values):
            names = [value.name for value in values]
            for size in range(len(names) + 1):
                yield from (frozenset(chosen) for chosen in itertools.combinations(names, size))
        case NumberType(low=low, high=high):
            yield from _points(low, high, over)
        case TextType():
            for chosen in itertools.product((False, True), repeat=len(over)):
                yield " / ".join(_witness(atom) for atom, wanted in zip(over, chosen, strict=True) if wanted)


def _points(low: float, high: float, over: list[FactAtom]) -> Iterator[float]:
    """Both ends, every threshold, and a point between each and the next."""
    marks = {low, high}
    for atom in over:
        match atom:
            case Compare(value=value):
                marks.add(value)
            case Between():
                marks |= {atom.low, atom.high}
            case _:
                raise AssertionError(atom)
    ordered = sorted(mark for mark in marks if low <= mark <= high)
    yield from ordered
    yield from ((left + right) / 2 for left, right in itertools.pairwise(ordered))


def _witness(atom: FactAtom) -> str:
    match atom:
        case Contains(phrases=phrases):
            return phrases[0]
        case Matches(pattern=pattern):
            (text,) = [text for start, text in WITNESSES.items() if pattern.startswith(start)]
            return text
        case _:
            raise AssertionError(atom)


def complete_cases(policy: CompiledPolicy) -> Iterator[Case]:
    """Every combination of representatives: also those between which only the nearest rule differs, or a slot."""
    values = representatives(policy)
    for combination in itertools.product(*values.values()):
        yield Case(dict(zip(values, combination, strict=True)))


def settled_cases(policy: CompiledPolicy) -> Iterator[Case]:
    """One complete case of every region: between two of a region no condition of the policy tells a difference."""
    values = representatives(policy)
    first = {name: options[0] for name, options in values.items()}

    def below(known: dict[str, Value], waiting: Sequence[Condition]) -> Iterator[Case]:
        waiting = [condition for condition in waiting if evaluate(condition, known) is Truth.MAYBE]
        if not waiting:
            yield Case(first | known)
            return
        over: dict[str, dict[FactAtom, None]] = {}
        counts: Counter[str] = Counter()
        for condition in waiting:
            found = list(open_atoms(condition, known))
            counts.update({atom.fact for atom in found})
            for atom in found:
                over.setdefault(atom.fact, {})[atom] = None
        # The fact that the most conditions wait for settles the most of them.
        name = max(counts, key=lambda fact: (counts[fact], fact))
        classes: dict[tuple[Truth, ...], Value] = {}
        for value in values[name]:
            classes.setdefault(tuple(evaluate(atom, {name: value}) for atom in over[name]), value)
        for value in classes.values():
            yield from below(known | {name: value}, waiting)

    yield from below({}, list(dict.fromkeys(conditions(policy))))


def random_cases(policy: CompiledPolicy, seed: int) -> Iterator[Case]:
    """Complete cases without end, each fact drawn from its representatives. For what depends on more than a decision
    does, such as the nearest rule."""
    rng = random.Random(seed)
    values = representatives(policy)
    while True:
        yield Case({name: rng.choice(options) for name, options in values.items()})


def open_atoms(condition: Condition, known: Mapping[str, Value]) -> Iterator[FactAtom]:
    """The atoms over unknown facts that the truth of the condition may still depend on."""
    if evaluate(condition, known) is not Truth.MAYBE:
        return
    match condition:
        case And(items=items) | Or(items=items) | AtLeast(items=items):
            for item in items:
                yield from open_atoms(item, known)
        case Not(item=item):
            yield from open_atoms(item, known)
        case _:
            assert not isinstance(condition, Proposed)
            yield condition


def neighbours(case: Case, values: Mapping[str, list[Value]]) -> Iterator[Case]:
    """The complete cases that differ from `case` in one fact."""
    for name, alternatives in values.items():
        yield from (case.with_fact(name, value) for value in alternatives if value != case.known[name])
