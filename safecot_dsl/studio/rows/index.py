"""The index of a data set's rows: where each stands and what lists are filtered by, in a file mapped into memory.

It is made once, and again where a file of the data set has another size or time. A row's images are never in it: a page
of 100,000 rows costs what its own rows cost.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safecot_dsl.dataset import Dataset, DatasetError
from safecot_dsl.dataset.reviews import DIGESTED, row_digest
from safecot_dsl.dataset.reviews.first import SURE, TeachingOrder, teaching_order
from safecot_dsl.dataset.store import split_of
from safecot_dsl.studio.errors import StudioError
from safecot_dsl.studio.runs import is_mine, kept_files

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

#: Part of the stamp: raise it when a column is added or means something else.
_VERSION = 1
_STAMP = b"safecot.stamp"
_READ = 4096
#: Columns of the provenance that are taken over.
_TAKEN = ("key", "speaker", "nearest", "source", "pair", "distance", "read_as", "why", "attack", "licence", "origins")
#: Row groups whose pictures are kept.
_GROUPS_KEPT = 2

_building = threading.Lock()


class RowIndex:
    """The index of one data set. Columns are Arrow's, over the mapped file."""

    def __init__(self, dataset: Dataset, table: pa.Table) -> None:
        self.dataset = dataset
        self.table = table
        self._lock = threading.Lock()
        self._files: dict[int, pq.ParquetFile] = {}
        self._images: dict[tuple[int, int], pa.Table] = {}

    def __len__(self) -> int:
        return self.table.num_rows

    def find(self, key: str) -> int | None:
        """The number of the row with this key; None where there is none."""
        import pyarrow.compute as pc

        number = pc.index(self.table.column("key"), key).as_py()  # pyright: ignore[reportAttributeAccessIssue]
        return None if number < 0 else number

    def numbers(self, keys: Sequence[str]) -> dict[str, int]:
        """The numbers of those of the rows that there are."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        if not keys:
            return {}
        found = pc.index_in(self.table.column("key"), value_set=pa.array(keys, pa.string()))  # pyright: ignore[reportAttributeAccessIssue]
        places = found.to_numpy(zero_copy_only=False)
        return {keys[int(places[row])]: int(row) for row in np.flatnonzero(~np.isnan(places.astype(float)))}

    def rows(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        """What the index says of these rows, in this order."""
        import pyarrow as pa

        return self.table.take(pa.array(numbers, pa.int64())).to_pylist()

    @cached_property
    def counts(self) -> dict[str, dict[str, int]]:
        """How many rows each speaker, verdict and source has."""
        return {name: self._counted(name) for name in ("speaker", "verdict", "source")}

    @cached_property
    def teaching(self) -> TeachingOrder:
        """The rows by what they teach a reviewer."""
        return teaching_order(self.table)

    def _counted(self, name: str) -> dict[str, int]:
        counted = self.table.column(name).value_counts().to_pylist()
        return dict(sorted(((one["values"], one["counts"]) for one in counted), key=lambda one: (-one[1], one[0])))

    def column(self, name: str) -> np.ndarray:
        """A column of numbers or truths."""
        return self.table.column(name).to_numpy()

    def row(self, number: int, columns: Sequence[str]) -> dict[str, Any]:
        """Columns of one row from the data set itself: of the row group it stands in these columns alone are read."""
        at = self.table.slice(number, 1).to_pylist()[0]
        with self._lock:
            group = self._file(at["file"]).read_row_group(at["group"], columns=list(columns))
        return group.slice(at["offset"], 1).to_pylist()[0]

    def images(self, number: int) -> list[dict[str, Any]]:
        """The images of a row, as the data set holds them. The pictures of the last row groups are kept, as a list asks
        for many of one."""
        at = self.table.slice(number, 1).to_pylist()[0]
        place = at["file"], at["group"]
        with self._lock:
            held = self._images.pop(place, None)
            if held is None:
                held = self._file(at["file"]).read_row_group(at["group"], columns=["images", "image_sha256"])
            self._images[place] = held
            while len(self._images) > _GROUPS_KEPT:
                self._images.pop(next(iter(self._images)))
        row = held.slice(at["offset"], 1).to_pylist()[0]
        return [{**image, "sha256": digest} for image, digest in zip(row["images"], row["image_sha256"], strict=True)]

    def _file(self, number: int) -> pq.ParquetFile:
        import pyarrow.parquet as pq

        if number not in self._files:
            self._files[number] = pq.ParquetFile(self.dataset.files[number])
        return self._files[number]


def open_index(dataset: Dataset) -> RowIndex:
    """The index of a data set, made where there is none for its files as they are.

    Raises:
        StudioError: rows and provenance do not belong together, or a file cannot be read.
    """
    stamp = stamp_of(dataset)
    for path in index_files(dataset):
        table = _mapped(path, stamp)
        if table is not None:
            return RowIndex(dataset, table)
    with _building:
        for path in index_files(dataset):
            table = _mapped(path, stamp)
            if table is not None:
                return RowIndex(dataset, table)
        return RowIndex(dataset, _built(dataset, stamp))


def stamp_of(dataset: Dataset) -> str:
    """What the index was made of: the names, sizes and times of the data set's files."""
    told: list[Any] = [_VERSION]
    for file in (*dataset.files, *dataset.provenance_files):
        stat = file.stat()
        told.append([file.relative_to(dataset.path).as_posix(), stat.st_size, stat.st_mtime_ns])
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def index_files(dataset: Dataset) -> tuple[Path, ...]:
    """Where the index may be."""
    return kept_files(dataset.path, "rows.arrow")


def _mapped(path: Path, stamp: str) -> pa.Table | None:
    """The index in a file, where it is one with this stamp, and this user's own."""
    import pyarrow as pa

    try:
        if not is_mine(path):
            return None
        opened = pa.ipc.open_file(pa.memory_map(str(path)))
        if (opened.schema.metadata or {}).get(_STAMP) != stamp.encode():
            return None
        return opened.read_all()
    except (OSError, pa.ArrowException):
        return None


def _built(dataset: Dataset, stamp: str) -> pa.Table:
    """Make the index, and put it where it can be put; what cannot be kept is held in memory."""
    import pyarrow as pa

    schema = _schema().with_metadata({_STAMP: stamp.encode()})
    try:
        for path in index_files(dataset):
            try:
                path.parent.mkdir(mode=0o700, exist_ok=True)
                partial = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.partial")
                try:
                    with pa.OSFile(str(partial), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
                        for batch in _batches(dataset, schema):
                            writer.write_batch(batch)
                    partial.replace(path)
                finally:
                    partial.unlink(missing_ok=True)
            except OSError:
                continue
            table = _mapped(path, stamp)
            if table is not None:
                return table
        return pa.Table.from_batches(list(_batches(dataset, schema)), schema)
    except (DatasetError, pa.ArrowException) as error:
        raise StudioError(422, "broken", f"The rows cannot be read: {str(error).rstrip('.')}.") from None


def _schema() -> pa.Schema:
    import pyarrow as pa

    text = pa.string()
    return pa.schema(
        [
            ("file", pa.int32()),
            ("group", pa.int32()),
            ("offset", pa.int32()),
            ("digest", text),
            ("prompt", text),
            ("verdict", text),
            ("has_image", pa.bool_()),
            ("unsettled", pa.int32()),
            ("distance", pa.int32()),
            ("confidence", pa.float32()),
            ("in_doubt", pa.bool_()),
            *((name, text) for name in _TAKEN if name != "distance"),
        ]
    )


def _batches(dataset: Dataset, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The index a few thousand rows at a time: the rows' files beside the provenance of their splits."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    records: dict[str, Iterator[dict[str, Any]]] = {}
    for number, file in enumerate(dataset.files):
        split = split_of(file)
        if split not in records:
            records[split] = _records(dataset, split)
        with pq.ParquetFile(file) as opened:
            for group in range(opened.num_row_groups):
                rows = opened.read_row_group(group, columns=["id", *DIGESTED]).to_pylist()
                found = [_entry(number, group, place, row, records[split]) for place, row in enumerate(rows)]
                for start in range(0, len(found), _READ):
                    yield pa.RecordBatch.from_pylist(found[start : start + _READ], schema=schema)
    for split, left in records.items():
        if next(left, None) is not None:
            raise DatasetError(f"the provenance has more rows of `{split}` than the data: make the rows again")


def _records(dataset: Dataset, split: str) -> Iterator[dict[str, Any]]:
    """The provenance of a split's rows, in their order."""
    columns = ("id", "split", "verdict", "has_image", "unsettled", *_TAKEN)
    return (record for record in dataset.provenance(columns) if record["split"] == split)


def _entry(
    file: int, group: int, offset: int, row: dict[str, Any], records: Iterator[dict[str, Any]]
) -> dict[str, Any]:
    record = next(records, None)
    if record is None or record["id"] != row["id"]:
        raise DatasetError(f"row {row['id']} has no provenance where it should stand: make the rows again")
    confidence, in_doubt = _doubt(record["origins"])
    return {
        **{name: record[name] for name in _TAKEN},
        "file": file,
        "group": group,
        "offset": offset,
        "digest": row_digest(row),
        "prompt": row["prompt"],
        "verdict": row["verdict"],
        "has_image": record["has_image"],
        "unsettled": len(record["unsettled"] or ()),
        "confidence": confidence,
        "in_doubt": in_doubt,
    }


def _doubt(origins: str | None) -> tuple[float | None, bool]:
    """The least confidence of a row's annotators, None where none states one, and whether one of them was not sure."""
    if origins is None:
        return None, False
    stated = [one["confidence"] for one in json.loads(origins).values() if one.get("confidence") is not None]
    least = min(stated, default=None)
    return least, least is not None and least < SURE
