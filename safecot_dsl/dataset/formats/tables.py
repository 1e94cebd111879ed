"""Parquet files in the layout of Hugging Face `datasets`: written in shards, and their declared features read back."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

#: A row group is written when it holds as many rows, or as many bytes of images; a file is closed at this size. The Hub
#: shows files of a few hundred megabytes quickest.
GROUP_ROWS, GROUP_BYTES, FILE_BYTES = 512, 64 << 20, 400 << 20

TEXT: dict[str, Any] = {"dtype": "string", "_type": "Value"}
IMAGES: dict[str, Any] = {"feature": {"_type": "Image"}, "_type": "List"}
MESSAGES: dict[str, Any] = {"feature": {"role": TEXT, "content": TEXT}, "_type": "List"}


class TableWriter:
    """Writes rows as `<folder>/<name>-00000.parquet` and on. Used inside `with`; `files` are the rows by file."""

    def __init__(self, folder: Path, name: str, schema: pa.Schema) -> None:
        self._folder, self._name, self._schema = folder, name, schema
        self._rows: list[dict[str, Any]] = []
        self._group_bytes = self._file_bytes = 0
        self._file: pq.ParquetWriter | None = None
        self._file_name = ""
        self.files: dict[str, int] = {}

    def add(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        size = sum(len(image["bytes"] or b"") for image in row["images"])
        self._group_bytes += size
        if len(self._rows) >= GROUP_ROWS or self._group_bytes >= GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if not self._rows:
            return
        if self._file is None:
            self._file = self._open()
        self._file.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
        self.files[self._file_name] += len(self._rows)
        self._file_bytes += self._group_bytes
        self._rows, self._group_bytes = [], 0
        if self._file_bytes >= FILE_BYTES:
            self._close()

    def _open(self) -> pq.ParquetWriter:
        import pyarrow.parquet as pq

        self._folder.mkdir(parents=True, exist_ok=True)
        self._file_name = f"{self._name}-{len(self.files):05d}.parquet"
        self.files[self._file_name] = 0
        # Images are compressed already; zstd is for the text beside them.
        return pq.ParquetWriter(self._folder / self._file_name, self._schema, compression="zstd")

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file, self._file_bytes = None, 0

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._flush()
        finally:
            self._close()


def features_of(schema: pa.Schema) -> dict[str, Any]:
    """The features that a file declares for `datasets`; empty where it declares none, or none that can be read."""
    try:
        held = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = held.get("info", {}).get("features", {})
    except (ValueError, AttributeError):
        return {}
    return features if isinstance(features, dict) else {}
