"""A circuit as steps over planes: arrays of 64 cases a word."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

from safecot_dsl.engine.columnar.circuit import Circuit, CircuitNode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Plane = NDArray[np.uint64]

#: Which facts a block knows in every case decides on its program. So many are kept; blocks that are known in yet
#: another way share the one that takes every fact for known in some cases.
KEPT_PROGRAMS = 64


class Program:
    """The gates that some outputs need, in order, on as few arrays as are in use at once."""

    def __init__(self, circuit: Circuit, outputs: Sequence[CircuitNode]) -> None:
        import numpy as np

        functions: dict[str, Callable[..., Any]] = {"and": np.bitwise_and, "or": np.bitwise_or, "not": np.invert}
        order = _needed(circuit, outputs)
        last = {operand: number for number in order for operand in circuit.gates[number].operands}
        kept = {node.number for node in outputs}
        self.inputs: list[Hashable] = []
        place: dict[int, int] = {}
        for number in order:
            gate = circuit.gates[number]
            if gate.operation == "input":
                place[number] = len(self.inputs)
                self.inputs.append(gate.key)
        free: list[int] = []
        arrays = len(self.inputs)
        self._steps: list[tuple[Callable[..., Any], tuple[int, ...], int]] = []
        for number in order:
            gate = circuit.gates[number]
            if gate.operation == "input":
                continue
            if free:
                place[number] = free.pop()
            else:
                place[number] = arrays
                arrays += 1
            self._steps.append(
                (functions[gate.operation], tuple(place[operand] for operand in gate.operands), place[number])
            )
            for operand in set(gate.operands):
                if last[operand] == number and operand not in kept and circuit.gates[operand].operation != "input":
                    free.append(place[operand])
        self.arrays = arrays - len(self.inputs)
        #: What each output is: the place of its plane, or a truth that all cases share.
        self._outputs = [bool(node.number) if node.number <= 1 else place[node.number] for node in outputs]

    def __call__(self, input_of: Callable[[Any], Plane], words: int) -> list[Plane | bool]:
        """The outputs' planes, of `words` words each, or a bool where an output is the same in every case."""
        import numpy as np

        planes: list[Any] = [input_of(key) for key in self.inputs]
        planes += list(np.empty((self.arrays, words), dtype=np.uint64))
        for function, operands, target in self._steps:
            if len(operands) == 2:
                function(planes[operands[0]], planes[operands[1]], planes[target])
            else:
                function(planes[operands[0]], planes[target])
        return [output if isinstance(output, bool) else planes[output] for output in self._outputs]


def _needed(circuit: Circuit, outputs: Sequence[CircuitNode]) -> list[int]:
    """The gates below the outputs, constants apart, each behind its operands and near to where it is used."""
    order: list[int] = []
    seen = {0, 1}
    for output in outputs:
        pending = [output.number]
        while pending:
            number = pending[-1]
            if number in seen:
                pending.pop()
                continue
            waiting = [operand for operand in circuit.gates[number].operands if operand not in seen]
            if waiting:
                pending += waiting
            else:
                pending.pop()
                seen.add(number)
                order.append(number)
    return order
