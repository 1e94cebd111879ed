"""The table of operators: it is whole, and what it says of an operator twice agrees."""

from __future__ import annotations

from typing import Any, get_args

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from safecot_dsl.artifact import Empty, Fact, FactAtom, Has, NumberType, SetType, ValueName
from safecot_dsl.artifact.conditions import Between
from safecot_dsl.engine.meaning import Meaning, Primitive, fold, primitives
from safecot_dsl.engine.operators import OPERATORS, bounds, meaning, prepared, thresholds
from safecot_dsl.render.operators import OPERATOR_WORDS
from safecot_dsl.testing.policies_conditions import atom as atom_of
from safecot_dsl.testing.policies_conditions import facts, values_of
from tests.engine.reference import folded, utf8


def passes(test: Primitive, value: Any) -> bool:
    """A primitive test of a known value, as its table says."""
    match test.kind:
        case "flag":
            return value is True
        case "one of":
            return value in test.operand
        case "has":
            return test.operand in value
        case "at least":
            return value >= test.operand
        case "more":
            return value > test.operand
        case "contains":
            return any(folded(phrase) in folded(value) for phrase in test.operand)
        case "matches":
            pattern, ignore_case = test.operand
            options = re2.Options()
            options.case_sensitive = not ignore_case
            return re2.search(pattern.encode(), utf8(value), options) is not None


def holds(asked: Meaning, value: Any) -> bool:
    return fold(
        asked, lambda test: passes(test, value), lambda least, parts: sum(parts) >= least, lambda part: not part
    )


@pytest.mark.parametrize("table", [OPERATORS, OPERATOR_WORDS], ids=["engine", "render"])
def test_every_class_of_atoms_has_its_entry(table: dict[type, object]) -> None:
    assert list(table) == list(get_args(FactAtom))


@given(st.data())
def test_what_an_atom_is_made_of_is_what_it_comes_to(data: DataObject) -> None:
    fact = data.draw(facts())
    made: Any = data.draw(st.composite(atom_of)(fact))
    value = data.draw(values_of(fact))
    expected = bool(OPERATORS[type(made)].holds(made, value))
    assert holds(meaning(made, fact), value) is expected
    assert bool(prepared(made)(value)) is expected
    assert isinstance(fact.type, made.reads)


def test_what_stands_together_is_counted() -> None:
    members = tuple(ValueName(name=name, phrase=name) for name in ("a", "b"))
    fact = Fact(name="image.a", type=SetType(values=members))
    nothing: tuple[str, ...] = ()
    for value in (frozenset[str](), frozenset({"a"})):
        assert not holds(meaning(Has(fact=fact.name, quantifier="any", values=nothing), fact), value)
        assert holds(meaning(Has(fact=fact.name, quantifier="all", values=nothing), fact), value)
    assert [test.operand for test in primitives(meaning(Empty(fact=fact.name), fact))] == ["a", "b"]


def test_bounds_are_where_values_are_told_apart() -> None:
    fact = Fact(name="query.a", type=NumberType(low=0.0, high=1.0))
    between = Between(fact=fact.name, low=0.25, high=0.5)
    assert bounds(between, fact) == [Primitive("at least", 0.25), Primitive("more", 0.5)]
    assert thresholds([between], fact) == {0.25, 0.5}
