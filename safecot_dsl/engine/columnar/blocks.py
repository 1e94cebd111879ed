"""A block of cases decided: planes in, the circuit of what is known in them, columns out."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.engine.columnar.circuit import CircuitNode
from safecot_dsl.engine.columnar.decision import LEVELS, DecisionCircuit
from safecot_dsl.engine.columnar.inputs import Planes
from safecot_dsl.engine.columnar.kleene import Presence
from safecot_dsl.engine.columnar.outputs import speakers, strictness, unpack, words
from safecot_dsl.engine.columnar.program import KEPT_PROGRAMS, Program
from safecot_dsl.engine.columnar.schema import MASKS, Layout
from safecot_dsl.engine.columnar.texts import texts_of

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class _Plan:
    """A program and where its outputs belong: runs of (name, number of planes), in order."""

    program: Program
    runs: tuple[tuple[str, int], ...]


class Blocks:
    """Decides blocks of a policy's cases. Several threads may do so at once."""

    def __init__(self, policy: CompiledPolicy, layout: Layout) -> None:
        self._policy = policy
        self._layout = layout
        self._texts = texts_of(policy)
        self._plans: dict[tuple[tuple[Presence, ...], tuple[str, ...]], _Plan] = {}
        self._lock = threading.Lock()

    def planes(self, block: pl.DataFrame) -> Planes:
        """The planes of a block whose facts stand in the layout's columns."""
        return Planes(self._layout, block, self._texts)

    def decide(self, block: pl.DataFrame, count: int, columns: Sequence[str]) -> pl.DataFrame:
        """The decisions on a block of `count` cases whose facts stand in the layout's columns: the `columns` of them.

        What is of an enumeration in the layout is the value's place here; :meth:`named` gives it its name.
        """
        import polars as pl

        planes = self.planes(block)
        plan = self._plan(planes.presence(), tuple(columns))
        found = plan.program(planes.__getitem__, -(-count // 64))
        parts: dict[str, Any] = {}
        start = 0
        for name, length in plan.runs:
            parts[name] = found[start : start + length]
            start += length
        masks = {name: words(parts[name], count) for name in MASKS if name in parts}
        series: list[pl.Series] = []
        for name in columns:
            match name:
                case "certain":
                    series.append(pl.Series(name, unpack(parts["ambiguous"][0], count) == 0))
                case "speaker":
                    ambiguous = unpack(parts["ambiguous"][0], count)
                    series.append(pl.Series(name, speakers(masks["deciding"], ambiguous, len(self._layout.rules))))
                case "verdict" | "lower" | "upper":
                    series.append(pl.Series(name, strictness(parts[name], count)))
                case _:
                    series += map(pl.Series, self._layout.words(name), masks[name])
        return pl.DataFrame(series)

    def named(self, decided: pl.DataFrame) -> pl.DataFrame:
        """Decided blocks with the layout's types."""
        import polars as pl

        types = {name: type_ for name, type_ in self._layout.decisions.items() if isinstance(type_, pl.Enum)}
        return decided.with_columns(
            pl.lit(pl.Series(name, type_.categories, dtype=type_)).gather(pl.col(name)).alias(name)
            for name, type_ in types.items()
            if name in decided.columns
        )

    def _plan(self, presence: tuple[Presence, ...], columns: tuple[str, ...]) -> _Plan:
        with self._lock:
            if len(self._plans) >= KEPT_PROGRAMS and (presence, columns) not in self._plans:
                presence = (Presence.MIXED,) * len(presence)
            found = self._plans.get((presence, columns))
            if found is None:
                found = self._plans[presence, columns] = self._compile(presence, columns)
            return found

    def _compile(self, presence: tuple[Presence, ...], columns: Sequence[str]) -> _Plan:
        circuit = DecisionCircuit(self._policy, dict(zip(self._layout.facts, presence, strict=True)))
        needed = dict.fromkeys(columns)
        if "speaker" in needed:
            needed |= {"deciding": None, "certain": None}
        runs: list[tuple[str, int]] = []
        outputs: list[CircuitNode] = []
        for name in needed:
            match name:
                case "speaker":
                    continue
                case "certain":
                    name, nodes = "ambiguous", [circuit.ambiguous]
                case "verdict" | "lower" | "upper":
                    nodes = [circuit.at_least(name, level) for level in LEVELS]
                case _:
                    nodes = [circuit.column(name, of) for of in self._layout.names(name)]
            outputs += nodes
            runs.append((name, len(nodes)))
        return _Plan(Program(circuit.circuit, outputs), tuple(runs))
