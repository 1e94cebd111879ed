"""Pairs of random policies that have something to do with each other, and every case that the two can tell apart."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from strategies import TEXTS, VERDICTS, build_policy, conditions, policies, skeletons, values_of

from safecot_dsl.artifact import (
    Atom,
    Between,
    Case,
    Compare,
    CompiledPolicy,
    Fact,
    FlagType,
    NumberType,
    OneOfType,
    Rule,
    SetType,
    TextType,
    Value,
    atoms,
)
from safecot_dsl.engine import evaluate

MOST_CASES = 4000


@st.composite
def edited(draw: DrawFn, policy: CompiledPolicy) -> CompiledPolicy:
    """The policy after one or two edits, such as a person makes; perhaps none of them changes a verdict."""
    rules, default, unsure, facts = list(policy.rules), policy.default, policy.unsure, list(policy.facts)
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.integers(0, len(rules) - 1))
        rule = rules[place]
        match draw(
            st.sampled_from(["verdict", "when", "unless", "parents", "unsure", "remove", "add", "default", "fact"])
        ):
            case "verdict":
                rules[place] = rule.model_copy(update={"verdict": draw(VERDICTS)})
            case "when":
                rules[place] = rule.model_copy(update={"when": draw(conditions(facts))})
            case "unless":
                rules[place] = rule.model_copy(update={"unless": None if rule.unless else draw(conditions(facts, 1))})
            case "parents":
                # Only those before it in the alphabet of the drawn order, so that there is no circle.
                others = tuple(r.name for r in rules if r.name not in _above(rules, rule.name) and draw(st.booleans()))
                rules[place] = rule.model_copy(update={"exception_to": others})
            case "unsure":
                unsure = draw(VERDICTS)
            case "remove" if len(rules) > 1:
                del rules[place]
                rules = [
                    r.model_copy(update={"exception_to": tuple(p for p in r.exception_to if p != rule.name)})
                    for r in rules
                ]
            case "add":
                name = f"added_{len(rules)}"
                rules.append(Rule(name=name, when=draw(conditions(facts)), verdict=draw(VERDICTS)))
            case "fact":
                facts[0] = facts[0].model_copy(
                    update={"assume": None if facts[0].assume is not None else _as_assumed(draw(values_of(facts[0])))}
                )
            case _:
                default = draw(VERDICTS)
    return build_policy(facts, rules, default, unsure)


def _as_assumed(value: Value) -> bool | float | str | tuple[str, ...]:
    return tuple(sorted(value)) if isinstance(value, frozenset) else value


def _above(rules: list[Rule], name: str) -> set[str]:
    """The rule and all exceptions to it, to those, and so on."""
    found = {name}
    while more := {r.name for r in rules if r.name not in found and found.intersection(r.exception_to)}:
        found |= more
    return found


@st.composite
def pairs(draw: DrawFn) -> tuple[CompiledPolicy, CompiledPolicy]:
    """Two policies: one and its edited self, or two that have nothing to do with each other but for names of facts,
    whose types may differ."""
    old = draw(skeletons(max_rules=5) if draw(st.integers(0, 3)) == 0 else policies(max_rules=5))
    new = draw(policies(max_rules=4)) if draw(st.integers(0, 4)) == 0 else draw(edited(old))
    return old, new


def complete_cases(*policies: CompiledPolicy) -> Iterator[Case]:
    """A complete case of each kind that the policies can tell apart, over the facts of all of them (of texts: of those
    in `TEXTS`)."""
    values = {name: representatives(name, policies) for name in fact_names(policies)}
    for combination in itertools.product(*values.values()):
        yield Case(dict(zip(values, combination, strict=True)))


def count_cases(*policies: CompiledPolicy) -> int:
    return math.prod(len(representatives(name, policies)) for name in fact_names(policies))


def fact_names(policies: tuple[CompiledPolicy, ...]) -> list[str]:
    return sorted({fact.name for policy in policies for fact in policy.facts})


def states(name: str, policies: tuple[CompiledPolicy, ...]) -> list[Value | None]:
    """All that can be known of a fact, as far as the policies can tell: nothing, a part (of a taxonomy a node that
    others stand below), or the whole. Where the policies cannot tell a part from a whole, it is the whole."""
    values = [v for p in policies for f in p.facts if f.name == name and f.type.kind == "one_of" for v in f.type.values]
    inner = {value.parent for value in values}
    nodes = sorted((value.name for value in values), key=lambda node: node in inner)
    read = _read(name, policies)
    classes: dict[tuple[object, ...], Value] = {}
    for value in dict.fromkeys(nodes):
        classes.setdefault(tuple(evaluate(atom, {name: value}) for atom in read), value)
    return [None, *(classes.values() if nodes else representatives(name, policies))]


def _read(name: str, policies: tuple[CompiledPolicy, ...]) -> list[Atom]:
    conditions = (c for policy in policies for rule in policy.rules for c in rule.conditions)
    return [atom for condition in conditions for atom in atoms(condition) if atom.fact == name]  # type: ignore[union-attr]


def representatives(name: str, policies: tuple[CompiledPolicy, ...]) -> list[Value]:
    read = _read(name, policies)
    facts = [fact for policy in policies for fact in policy.facts if fact.name == name]
    classes: dict[tuple[object, ...], Value] = {}
    for fact in facts:
        for value in _candidates(facts, fact, read):
            classes.setdefault(tuple(evaluate(atom, {name: value}) for atom in read), value)
    return list(classes.values())


def _candidates(facts: list[Fact], fact: Fact, read: list[Atom]) -> list[Value]:
    match fact.type:
        case FlagType():
            return [True, False]
        case OneOfType(values=values):
            inner = {value.parent for f in facts for value in f.type.values}  # type: ignore[union-attr]
            return [value.name for value in values if value.name not in inner]
        case SetType():
            names = sorted({v.name for f in facts for v in f.type.values})  # type: ignore[union-attr]
            return [frozenset(c) for n in range(len(names) + 1) for c in itertools.combinations(names, n)]
        case NumberType(low=low, high=high):
            ends = {low, high, *(f.type.low for f in facts), *(f.type.high for f in facts)}  # type: ignore[union-attr]
            for atom in read:
                match atom:
                    case Compare(value=value):
                        ends.add(value)
                    case Between(low=a, high=b):
                        ends |= {a, b}
                    case _:
                        raise AssertionError(atom)
            beside = {math.nextafter(end, to) for end in ends for to in (-math.inf, math.inf)}
            least, greatest = min(f.type.low for f in facts), max(f.type.high for f in facts)  # type: ignore[union-attr]
            return [value for value in sorted(ends | beside) if least <= value <= greatest]
        case TextType():
            return list(TEXTS)
