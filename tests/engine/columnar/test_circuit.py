"""Circuits: folded as they are built, and run on no more arrays than are in use at once."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.engine.columnar.circuit import Circuit, CircuitNode
from safecot_dsl.engine.columnar.program import Program
from tests.strategies import examples

NAMES = ("a", "b", "c", "d")
ROWS = list(product([False, True], repeat=len(NAMES)))  # every assignment, one a case


def plane(truths: list[bool]) -> Any:
    return np.array([sum(truth << n for n, truth in enumerate(truths))], dtype=np.uint64)


INPUTS = {name: plane([row[n] for row in ROWS]) for n, name in enumerate(NAMES)}

formulas = st.recursive(
    st.sampled_from([*NAMES, True, False]),
    lambda parts: st.one_of(st.tuples(st.just("not"), parts), st.tuples(st.sampled_from(["and", "or"]), parts, parts)),
    max_leaves=25,
)


def build(circuit: Circuit, formula: Any) -> CircuitNode:
    match formula:
        case bool():
            return circuit.true if formula else circuit.false
        case str():
            return circuit.input(formula)
        case "not", part:
            return ~build(circuit, part)
        case "and", left, right:
            return build(circuit, left) & build(circuit, right)
        case _, left, right:
            return build(circuit, left) | build(circuit, right)


def truth(formula: Any, row: tuple[bool, ...]) -> bool:
    match formula:
        case bool():
            return formula
        case str():
            return row[NAMES.index(formula)]
        case "not", part:
            return not truth(part, row)
        case "and", left, right:
            return truth(left, row) and truth(right, row)
        case _, left, right:
            return truth(left, row) or truth(right, row)


@examples(200)
@given(st.lists(formulas, min_size=1, max_size=4))
def test_a_program_is_its_formulas(drawn: list[Any]) -> None:
    """Several of one circuit at once, in every case."""
    circuit = Circuit()
    nodes = [build(circuit, formula) for formula in drawn]
    found = Program(circuit, nodes)(INPUTS.__getitem__, 1)
    for formula, said in zip(drawn, found, strict=True):
        mask = said * 0xFFFF if isinstance(said, bool) else int(said[0]) & 0xFFFF
        assert [bool(mask >> n & 1) for n in range(len(ROWS))] == [truth(formula, row) for row in ROWS]


def test_equal_parts_are_one_gate() -> None:
    circuit = Circuit()
    a, b = circuit.input("a"), circuit.input("b")
    assert a & b == b & a
    assert ~(~a) == a
    assert a & ~a == circuit.false
    assert a | ~a == circuit.true
    assert len(circuit.gates) == 2 + 2 + 1 + 1


def test_arrays_are_used_again() -> None:
    """A chain of any length needs two."""
    circuit = Circuit()
    node = circuit.input("a")
    for number in range(100):
        node = node & circuit.input("b") if number % 2 else node | circuit.input("c")
    program = Program(circuit, [node])
    assert program.arrays <= 2


def test_what_no_output_needs_is_not_asked_for() -> None:
    circuit = Circuit()
    wanted, _ = circuit.input("a") | circuit.input("b"), circuit.input("c") & circuit.input("d")
    assert set(Program(circuit, [wanted]).inputs) == {"a", "b"}
