"""Boolean circuits over the columns of many cases: equal parts are one node, and constants are folded away."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Literal

Operation = Literal["constant", "input", "and", "or", "not"]


@dataclass(frozen=True, slots=True)
class Gate:
    """`operands` are the numbers of other gates, all smaller than its own; `key` names an input."""

    operation: Operation
    operands: tuple[int, ...] = ()
    key: Hashable = None


class CircuitNode:
    """A gate of a circuit. Two nodes of one circuit are equal where they are the same gate."""

    __slots__ = ("circuit", "number")

    def __init__(self, circuit: Circuit, number: int) -> None:
        self.circuit = circuit
        self.number = number

    def __and__(self, other: CircuitNode) -> CircuitNode:
        return self.circuit.both(self, other)

    def __or__(self, other: CircuitNode) -> CircuitNode:
        return self.circuit.either(self, other)

    def __invert__(self) -> CircuitNode:
        return self.circuit.negation(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CircuitNode) and other.number == self.number

    def __hash__(self) -> int:
        return self.number


class Circuit:
    """Gates in an order in which each stands behind its operands. `gates[0]` is false and `gates[1]` is true."""

    def __init__(self) -> None:
        self.gates: list[Gate] = []
        self._numbers: dict[Gate, int] = {}
        self.false = self._gate(Gate("constant"))
        self.true = self._gate(Gate("constant", key=True))

    def _gate(self, gate: Gate) -> CircuitNode:
        number = self._numbers.get(gate)
        if number is None:
            number = self._numbers[gate] = len(self.gates)
            self.gates.append(gate)
        return CircuitNode(self, number)

    def input(self, key: Hashable) -> CircuitNode:
        """A column that is given."""
        return self._gate(Gate("input", key=key))

    def negation(self, node: CircuitNode) -> CircuitNode:
        if node.number <= 1:
            return self.true if node == self.false else self.false
        gate = self.gates[node.number]
        if gate.operation == "not":
            return CircuitNode(self, gate.operands[0])
        return self._gate(Gate("not", (node.number,)))

    def is_negation(self, a: CircuitNode, b: CircuitNode) -> bool:
        """Whether one is the other's negation."""
        return self.gates[a.number].operands == (b.number,) or self.gates[b.number].operands == (a.number,)

    def both(self, a: CircuitNode, b: CircuitNode) -> CircuitNode:
        if a == b or b == self.true or a == self.false:
            return a
        if a == self.true or b == self.false:
            return b
        if self.is_negation(a, b):
            return self.false
        return self._gate(Gate("and", (min(a.number, b.number), max(a.number, b.number))))

    def either(self, a: CircuitNode, b: CircuitNode) -> CircuitNode:
        if a == b or b == self.false or a == self.true:
            return a
        if a == self.false or b == self.true:
            return b
        if self.is_negation(a, b):
            return self.true
        return self._gate(Gate("or", (min(a.number, b.number), max(a.number, b.number))))

    def all_of(self, nodes: Iterable[CircuitNode]) -> CircuitNode:
        result = self.true
        for node in nodes:
            result = result & node
        return result

    def any_of(self, nodes: Iterable[CircuitNode]) -> CircuitNode:
        result = self.false
        for node in nodes:
            result = result | node
        return result
