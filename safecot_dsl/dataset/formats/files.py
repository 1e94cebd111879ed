"""Files of records for tools that read JSON Lines or Parquet: one for each split, and one for each kind of pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from safecot_dsl.dataset.formats.images import ImageFiles, embedded, named
from safecot_dsl.dataset.formats.lines import LinesWriter
from safecot_dsl.dataset.formats.model import Images, WrittenFiles
from safecot_dsl.dataset.formats.tables import TableWriter
from safecot_dsl.dataset.schema import features_schema
from safecot_dsl.dataset.store import PREFERENCES, Dataset, split_of

Row = Mapping[str, Any]
#: What a record has besides its images: given the row of the data set that it is made from.
Make = Callable[[Row], dict[str, Any]]

ROW_COLUMNS = ("id", "images", "image_sha256", "prompt", "system", "completion")


def pair_kinds(dataset: Dataset) -> tuple[str, ...]:
    """The kinds of preference pairs that a data set holds, by name."""
    return tuple(sorted({split_of(file) for file in (dataset.path / PREFERENCES).glob("*.parquet")}))


class RecordFiles:
    """Writes the records of a data set into a folder, with their images in them, beside them or where they are.

    `name.jsonl` holds paths; with `embed` the folder `name/` holds Parquet files with the images' bytes. There the
    images are not declared as such: tools that read them so would decode and encode each of them once more.
    """

    def __init__(self, dataset: Dataset, folder: Path, images: Images) -> None:
        self._dataset, self._folder = dataset, folder
        self._images: Images = images
        self._copies = ImageFiles(folder)
        self._files: dict[str, int] = {}

    @property
    def written(self) -> WrittenFiles:
        return WrittenFiles(self._files, self._copies.files, self._copies.bytes)

    def rows(
        self, split: str, make: Make, features: dict[str, dict[str, Any]], columns: tuple[str, ...] = ROW_COLUMNS
    ) -> str:
        """Write the rows of a split; what was written, relative to the folder: a file, or a folder of files."""
        return self._write(split, self._dataset.rows(columns, split=split), make, features)

    def pairs(self, kind: str, make: Make, features: dict[str, dict[str, Any]]) -> str:
        """Write the preference pairs of a kind; as `rows` otherwise."""
        return self._write(f"preference-{kind}", self._dataset.preferences(kind), make, features)

    def _write(self, name: str, rows: Iterable[Row], make: Make, features: dict[str, dict[str, Any]]) -> str:
        images = self._images
        if images == "embed":
            with TableWriter(self._folder / name, name, features_schema(features).remove_metadata()) as table:
                for row in rows:
                    table.add({**make(row), "images": embedded(self._dataset, row)})
            self._files |= {f"{name}/{file}": count for file, count in table.files.items()}
            return name
        with LinesWriter(self._folder / f"{name}.jsonl") as lines:
            for row in rows:
                paths = named(self._dataset, row, self._copies, images)
                lines.add({**make(row), "images": paths}, has_images=bool(paths))
        self._files[f"{name}.jsonl"] = lines.rows
        return f"{name}.jsonl"
