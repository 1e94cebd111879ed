"""All ways of filling in what a case does not know, as far as the policy can tell them apart."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from strategies import TEXTS, coarse_value, unknown_facts

from safecot_dsl.artifact import (
    Atom,
    Case,
    CompiledPolicy,
    Fact,
    FlagType,
    NumberType,
    OneOfType,
    SetType,
    TextType,
    Value,
    atoms,
)

from .reference import atom_holds


def atoms_over(policy: CompiledPolicy, fact: str) -> list[Atom]:
    conditions = [c for rule in policy.rules for c in rule.conditions]
    return [atom for condition in conditions for atom in atoms(condition) if atom.fact == fact]


def representatives(policy: CompiledPolicy, fact: Fact) -> list[Value]:
    """One value of each class that the policy's atoms over the fact can tell apart (texts: of those in `TEXTS`)."""
    read = [atom.model_dump(mode="json") for atom in atoms_over(policy, fact.name)]
    candidates: list[Value]
    match fact.type:
        case FlagType():
            candidates = [True, False]
        case OneOfType(values=values):
            parents = {value.parent for value in values}
            # No condition tells two leaves apart where the reference says the same of both, but it asks the taxonomy.
            return [value.name for value in values if value.name not in parents]
        case SetType(values=values):
            names = [value.name for value in values]
            candidates = [frozenset(c) for n in range(len(names) + 1) for c in itertools.combinations(names, n)]
        case NumberType(low=low, high=high):
            ends = {low, high} | {atom[key] for atom in read for key in ("value", "low", "high") if key in atom}
            beside = {math.nextafter(end, direction) for end in ends for direction in (-math.inf, math.inf)}
            candidates = [value for value in sorted(ends | beside) if low <= value <= high]
        case TextType():
            candidates = list(TEXTS)
    classes: dict[tuple[bool, ...], Value] = {}
    for value in candidates:
        classes.setdefault(tuple(atom_holds(atom, value) for atom in read), value)
    return list(classes.values())


def leaves_below(fact: Fact, node: Value) -> list[Value]:
    """The leaves of a taxonomy at which the truth may lie where `node` is known."""
    assert isinstance(fact.type, OneOfType)
    children = [value.name for value in fact.type.values if value.parent == node]
    return [leaf for child in children for leaf in leaves_below(fact, child)] if children else [node]


def completions(policy: CompiledPolicy, case: Case) -> Iterator[Case]:
    """Every completion of the case after suppositions, up to what the policy can tell apart."""
    learnt = unknown_facts(policy, case)
    possible: list[list[Value]] = []
    for fact in learnt:
        node = coarse_value(fact, case)
        possible.append(representatives(policy, fact) if node is None else leaves_below(fact, node))
    for values in itertools.product(*possible):
        yield Case({**case.known, **{fact.name: value for fact, value in zip(learnt, values, strict=True)}})
