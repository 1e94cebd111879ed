"""A data set of our own with its images in it: one folder that can be moved, archived or sent as it is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safecot_dsl.dataset.formats.model import ExportError, Images, WrittenFiles
from safecot_dsl.dataset.store import DATA, PREFERENCES, PROVENANCE, Dataset, DatasetError
from safecot_dsl.storage import sha256_file, write_whole

if TYPE_CHECKING:
    import pyarrow as pa

#: What a data set holds besides its rows, where it does.
_BESIDE = ("README.md", "recipe.yaml", "policy.json", "policies", PROVENANCE)


def write(dataset: Dataset, folder: Path, images: Images) -> WrittenFiles:
    """The data set's files, with the bytes of every image in its row.

    `report.json` is brought up to date: it no longer names a folder of images, and has the new files' digests.

    Raises:
        ExportError: an image that a row only refers to is not to be had.
    """
    del images
    files: dict[str, int] = {}
    pairs = sorted((dataset.path / PREFERENCES).glob("*.parquet"))
    for part, sources in ((DATA, dataset.files), (PREFERENCES, pairs)):
        for source in sources:
            files[f"{part}/{source.name}"] = _carry(dataset, source, folder / part / source.name)
    for name in _BESIDE:
        source = dataset.path / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        elif source.is_file():
            shutil.copyfile(source, folder / name)
    _write_report(dataset, folder)
    return WrittenFiles(files)


def _carry(dataset: Dataset, source: Path, target: Path) -> int:
    import pyarrow.parquet as pq

    target.parent.mkdir(parents=True, exist_ok=True)
    rows = 0
    with pq.ParquetWriter(target, pq.read_schema(source), compression="zstd") as writer:
        for batch in replace(dataset, files=(source,)).batches():
            writer.write_batch(_embedded(dataset, batch))
            rows += batch.num_rows
    return rows


def _embedded(dataset: Dataset, batch: pa.RecordBatch) -> pa.RecordBatch:
    import pyarrow as pa

    place = batch.schema.get_field_index("images")
    field = batch.schema.field(place)
    carried: list[list[Mapping[str, Any]]] = []
    named = batch.select([name for name in ("id", "images", "image_sha256") if name in batch.schema.names])
    for row in named.to_pylist():
        try:
            held = zip(dataset.images(row), row["images"] or (), strict=True)
            carried.append([{**image, "bytes": data} for data, image in held])
        except DatasetError as error:
            raise ExportError(f"row {row['id']}: {error}") from error
    return batch.set_column(place, field, pa.array(carried, field.type))


def _write_report(dataset: Dataset, folder: Path) -> None:
    source = dataset.path / "report.json"
    if not source.is_file():
        return
    report = json.loads(source.read_bytes())
    report.pop("image_root", None)
    if isinstance(report.get("files"), dict):
        report["files"] = {name: sha256_file(folder / name) for name in report["files"] if (folder / name).is_file()}
    write_whole(folder / "report.json", json.dumps(report, indent=2, ensure_ascii=False) + "\n")
