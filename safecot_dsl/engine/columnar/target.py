"""The Parquet file of decisions."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl


class ParquetTarget:
    """A Parquet file of tables of equal columns, that is there once all are written, and not before."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: Any = None

    def __enter__(self) -> ParquetTarget:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._partial = tempfile.NamedTemporaryFile(
            dir=self._path.parent, prefix=f".{self._path.name}.partial-", delete=False
        )
        return self

    @property
    def begun(self) -> bool:
        """Whether any table was written."""
        return self._writer is not None

    def write(self, table: pl.DataFrame) -> None:
        import pyarrow.parquet as parquet

        rows = table.to_arrow()
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._partial, rows.schema, compression="zstd")
        self._writer.write_table(rows.cast(self._writer.schema))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        partial = Path(self._partial.name)
        try:
            if self._writer is not None:
                self._writer.close()
            self._partial.close()
            if error is None:
                partial.chmod(0o644)
                partial.replace(self._path)
        finally:
            partial.unlink(missing_ok=True)
