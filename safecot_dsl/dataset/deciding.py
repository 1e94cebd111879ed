"""Decisions on many cases at once, each distinct case decided once."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from safecot_dsl.artifact import Case, CompiledPolicy, Decision
from safecot_dsl.engine import Interpreter, Nearest

if TYPE_CHECKING:
    from safecot_dsl.engine.columnar import ColumnarPolicy

#: Distinct cases whose decisions are remembered from one block to the next.
REMEMBERED = 1 << 16
#: Case objects that are known again, at least, besides those that were primed last.
PLACES = 1 << 14
#: With fewer cases to decide, the interpreter is done before columns are built.
FEW = 64


class _Known:
    """What is known of a case; `nearest` is looked for where it is asked for."""

    __slots__ = ("case", "decision", "looked", "nearest")

    def __init__(self, case: Case, decision: Decision) -> None:
        self.case = case
        self.decision = decision
        self.nearest: Nearest | None = None
        self.looked = False


class BlockInterpreter(Interpreter):
    """The interpreter, told beforehand which cases it will be asked about: these it decides in columns."""

    def __init__(self, policy: CompiledPolicy) -> None:
        super().__init__(policy)
        self._by_case: dict[Case, _Known] = {}
        # By identity, since hashing a case costs as much as what is saved. The case is kept beside it, or its address
        # could come to be another case's.
        self._by_place: dict[int, tuple[Case, _Known]] = {}

    def prime(self, cases: Iterable[Case]) -> None:
        """Decide these cases; what was primed before is forgotten, but for decisions that may be of use again."""
        if len(self._by_case) > REMEMBERED:
            self._by_case = {}
        if len(self._by_place) > PLACES:
            self._by_place = {}
        # A source gives equal cases as one object where it can.
        new = [case for case in {id(case): case for case in cases}.values() if id(case) not in self._by_place]
        fresh = [case for case in dict.fromkeys(new) if case not in self._by_case]
        for case, decision in zip(fresh, self._decide_all(fresh), strict=True):
            self._by_case[case] = _Known(case, decision)
        for case in new:
            self._by_place[id(case)] = case, self._by_case[case]

    def decide(self, case: Case) -> Decision:
        held = self._by_place.get(id(case))
        return held[1].decision if held is not None else super().decide(case)

    def nearest_rule(self, case: Case) -> Nearest | None:
        held = self._by_place.get(id(case))
        if held is None:
            return super().nearest_rule(case)
        known = held[1]
        if not known.looked:
            known.nearest, known.looked = super().nearest_rule(case), True
        return known.nearest

    @cached_property
    def _columns(self) -> ColumnarPolicy:
        from safecot_dsl.engine.columnar import ColumnarPolicy

        return ColumnarPolicy(self.policy)

    def _decide_all(self, cases: list[Case]) -> list[Decision]:
        if len(cases) < FEW:
            return [super(BlockInterpreter, self).decide(case) for case in cases]
        return self._columns.decide_cases(cases)
