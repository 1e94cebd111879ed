"""Small parts put together into larger ones, so that rows of many policies are not as many files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from safecot_dsl.dataset.store import DATA, PREFERENCES
from safecot_dsl.dataset.writer import PROVENANCE_FILE, ROW_GROUP
from safecot_dsl.storage import whole_directory

#: The bytes that are put together at once, about.
_TOGETHER = 32 << 20


def merge_parts(parts: Sequence[Path], folder: Path) -> list[Path]:
    """The rows of these parts, in order, as fewer parts in `folder`; one that is large enough stays as it is."""
    groups: list[list[Path]] = []
    held = 0
    for part in parts:
        size = sum(file.stat().st_size for file in part.rglob("*.parquet"))
        if not groups or held + size > _TOGETHER:
            groups.append([])
            held = 0
        groups[-1].append(part)
        held += size
    return [
        group[0] if len(group) == 1 else _merged(group, folder / f"part-{number:06d}")
        for number, group in enumerate(groups)
    ]


def _merged(parts: Sequence[Path], path: Path) -> Path:
    if not path.is_dir():
        with whole_directory(path) as folder:
            _write_together([part / PROVENANCE_FILE for part in parts], folder / PROVENANCE_FILE)
            for kind in (DATA, PREFERENCES):
                names = sorted({file.name for part in parts for file in (part / kind).glob("*.parquet")})
                for name in names:
                    (folder / kind).mkdir(exist_ok=True)
                    files = [part / kind / name for part in parts]
                    _write_together([file for file in files if file.is_file()], folder / kind / name)
    return path


def _write_together(files: Sequence[Path], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.concat_tables([pq.read_table(file) for file in files])
    pq.write_table(table, path, compression="zstd", row_group_size=ROW_GROUP)
