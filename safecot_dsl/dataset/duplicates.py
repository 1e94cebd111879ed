"""Rows that teach the same, across all parts: the first of them stays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

#: A row of a part that stood before, and the part and row where it stood first.
Again = tuple[int, tuple[int, int]]

#: Signatures that are compared at once, about; more rows are compared in several passes.
_AT_ONCE = 1 << 20


def find_duplicates(provenance: Sequence[Path]) -> dict[int, list[Again]]:
    """The rows that were made before: part number to (row, (part, row) of the first), in order.

    `provenance` are the provenance files of the parts, in order.
    """
    import numpy as np
    import pyarrow.parquet as pq

    rows = [pq.read_metadata(path).num_rows for path in provenance]
    passes = -(-sum(rows) // _AT_ONCE)
    starts = np.cumsum([0, *rows])
    found: list[tuple[int, int]] = []
    for number in range(passes):
        high: list[np.ndarray] = []
        low: list[np.ndarray] = []
        places: list[np.ndarray] = []
        for part, path in enumerate(provenance):
            column = pq.read_table(path, columns=["signature"]).column(0).combine_chunks()
            if not len(column):
                continue
            words = np.frombuffer(column.buffers()[1], np.uint64).reshape(-1, 2)
            words = words[column.offset : column.offset + len(column)]
            mine = words[:, 0] % np.uint64(passes) == number
            high.append(words[mine, 0])
            low.append(words[mine, 1])
            places.append(starts[part] + np.flatnonzero(mine))
        found += _repeated(np.concatenate(high), np.concatenate(low), np.concatenate(places))
    duplicates: dict[int, list[Again]] = {}
    for place, first in sorted(found):
        part, origin = (int(np.searchsorted(starts, one, side="right")) - 1 for one in (place, first))
        duplicates.setdefault(part, []).append((place - int(starts[part]), (origin, first - int(starts[origin]))))
    return duplicates


def _repeated(high: np.ndarray, low: np.ndarray, places: np.ndarray) -> list[tuple[int, int]]:
    """(place, first place) of every signature that stood before."""
    import numpy as np

    order = np.lexsort((places, low, high))
    high, low, places = high[order], low[order], places[order]
    again = np.flatnonzero((high[1:] == high[:-1]) & (low[1:] == low[:-1])) + 1
    firsts: list[tuple[int, int]] = []
    first, before = -1, -1
    for index in again.tolist():
        if index != before + 1:
            first = int(places[index - 1])
        firsts.append((int(places[index]), first))
        before = index
    return firsts
