"""Cases as rows of small whole numbers, so that a million of them are compared at once."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Final

from safecot_dsl.artifact import Case, Value

if TYPE_CHECKING:
    import numpy as np

_MISSING: Final = object()
_CANNOT_TELL: Final = object()


#: The code of a value that cannot be told.
CANNOT_TELL: Final = 1


class Codes:
    """The values of cases: `values` (cases, facts), int32, are equal where two cases are (not annotated and cannot be
    told are values too). `whole` (cases,), uint64, are hashes of the cases."""

    def __init__(self, cases: Sequence[Case]) -> None:
        import numpy as np

        names: set[str] = set()
        vain: dict[str, list[int]] = {}
        for row, case in enumerate(cases):
            names.update(case.known)
            for name in case.cannot_tell:
                vain.setdefault(name, []).append(row)
        self.facts = sorted(names | vain.keys())
        self.values = np.empty((len(cases), len(self.facts)), np.int32)
        self._known: list[dict[object, int]] = []
        of_cases = [case.known.get for case in cases]
        for column, name in enumerate(self.facts):
            codes: dict[object, int] = {_MISSING: 0, _CANNOT_TELL: CANNOT_TELL}
            self.values[:, column] = [codes.setdefault(of(name, _MISSING), len(codes)) for of in of_cases]
            self.values[vain.get(name, []), column] = CANNOT_TELL
            self._known.append(codes)
        # XOR of one mixed word for each value (Zobrist hashing).
        self.whole = np.zeros(len(cases), np.uint64)
        for column in range(len(self.facts)):
            self.whole ^= _mixed((self.values[:, column].astype(np.uint64) << np.uint64(20)) + np.uint64(column))

    def values_of(self, fact: str) -> tuple[np.ndarray, list[Any]] | None:
        """The codes of a fact's values, (cases,), and the values from code 2 on: 0 is not annotated, and 1 cannot be
        told. None where no case has the fact."""
        if fact not in self.facts:
            return None
        column = self.facts.index(fact)
        return self.values[:, column], list(self._known[column])[2:]

    def taken(self, rows: np.ndarray) -> Codes:
        """The codes of these cases, by number, in this order."""
        taken = copy(self)
        taken.values, taken.whole = self.values[rows], self.whole[rows]
        return taken

    def distances(self, case: Case, facts: Sequence[str] | None = None) -> np.ndarray:
        """In how many facts (of those named, else of all) each row differs from `case`; (cases,), int64."""
        import numpy as np

        columns = [self.facts.index(name) for name in facts or self.facts if name in self.facts]
        wanted = [self._known[column].get(_value(case, self.facts[column]), -1) for column in columns]
        if not columns:
            return np.zeros(len(self.values), np.int64)
        return (self.values[:, columns] != np.array(wanted, np.int32)).sum(axis=1)


def _value(case: Case, name: str) -> Value | object:
    return case.known.get(name, _CANNOT_TELL if name in case.cannot_tell else _MISSING)


def _mixed(words: np.ndarray) -> np.ndarray:
    """SplitMix64's finaliser (Steele, Lea, Flood, OOPSLA 2014): every bit of a word reaches every bit of the result."""
    import numpy as np

    with np.errstate(over="ignore"):
        words = (words + np.uint64(0x9E3779B97F4A7C15)).astype(np.uint64)
        words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return words ^ (words >> np.uint64(31))
