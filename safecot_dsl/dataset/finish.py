"""From parts to a data set: rows that stand twice are dropped, files numbered, counts added up."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safecot_dsl.dataset.candidates import LeftOut, Rejected
from safecot_dsl.dataset.store import DATA, PREFERENCES, PROVENANCE, split_of
from safecot_dsl.dataset.writer import PROVENANCE_FILE

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

#: Of a table that begins at this row of its file: which of its rows stay.
_Kept = Callable[["pa.Table", int], Any]


def join_parts(folder: Path, parts: Sequence[Path], left_out: LeftOut) -> None:
    """Put the rows, the provenance and the pairs of the parts, in order, into `data/`, `provenance/` and `preferences/`
    of `folder`. Of rows that teach the same the first stays; the others are counted, and their pairs go with them."""
    provenance = [part / PROVENANCE_FILE for part in parts]
    duplicates = find_duplicates(provenance)
    joined = _Joined(folder)
    (folder / PROVENANCE).mkdir()
    for index, part in enumerate(parts):
        if not (part / DATA).is_dir():
            continue  # nothing of it became a row
        again = duplicates.get(index)
        if again is None:
            joined.add_whole(part)
        else:
            _name(again, index, provenance, left_out)
            joined.add_without(part, {row for row, _ in again})


class _Joined:
    """The data set so far: how many files there are of each split and kind."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers: Counter[str] = Counter()

    def _next(self, folder: str, name: str) -> Path:
        path = self._folder / folder / f"{name}-{self._numbers[folder + name]:05d}.parquet"
        self._numbers[folder + name] += 1
        path.parent.mkdir(exist_ok=True)
        return path

    def add_whole(self, part: Path) -> None:
        """All of a part, under its new names."""
        _link(part / PROVENANCE_FILE, self._next(PROVENANCE, "part"))
        for folder in (DATA, PREFERENCES):
            for file in sorted((part / folder).glob("*.parquet")):
                _link(file, self._next(folder, split_of(file)))

    def add_without(self, part: Path, dropped: set[int]) -> None:
        """A part but for the rows with these numbers in its provenance."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        table = pq.read_table(part / PROVENANCE_FILE)
        keep = ~np.isin(np.arange(table.num_rows), list(dropped))
        if not keep.any():
            return
        kept = table.filter(pa.array(keep))
        pq.write_table(kept, self._next(PROVENANCE, "part"), compression="zstd")
        splits = np.array(table.column("split").to_pylist())
        done: Counter[str] = Counter()
        for file in sorted((part / DATA).glob("*.parquet")):
            split = split_of(file)
            mask = keep[splits == split][done[split] :]
            done[split] += self._filtered(file, DATA, lambda t, start, mask=mask: mask[start : start + t.num_rows])
        ids = kept.column("id").combine_chunks()
        for file in sorted((part / PREFERENCES).glob("*.parquet")):
            self._filtered(file, PREFERENCES, lambda t, _: pc.is_in(t.column("row"), value_set=ids).to_numpy())  # pyright: ignore[reportAttributeAccessIssue]

    def _filtered(self, file: Path, folder: str, kept: _Kept) -> int:
        """Write the rows of a file that stay, if there are any; how many rows the file has."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        with pq.ParquetFile(file) as opened:
            writer: pq.ParquetWriter | None = None
            start = 0
            for group in range(opened.num_row_groups):
                table = opened.read_row_group(group)
                stays = table.filter(pa.array(kept(table, start)))
                start += table.num_rows
                if stays.num_rows:
                    if writer is None:
                        writer = pq.ParquetWriter(
                            self._next(folder, split_of(file)), opened.schema_arrow, compression="zstd"
                        )
                    writer.write_table(stays)
            if writer is not None:
                writer.close()
        return start


def _name(again: Sequence[Again], index: int, provenance: Sequence[Path], left_out: LeftOut) -> None:
    """Count rows of part `index` that stood before; the first few are named."""
    import pyarrow.parquet as pq

    def keys(part: int) -> pa.ChunkedArray:
        return pq.read_table(provenance[part], columns=["key"]).column("key")

    for row, (origin, first) in again:
        named = left_out.counts.get("duplicate", 0) < 3
        left_out.add(Rejected("duplicate", f"{keys(index)[row]} is {keys(origin)[first]} again" if named else ""))


def _link(source: Path, target: Path) -> None:
    """The same file under another name: a second one where the file system has no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


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
