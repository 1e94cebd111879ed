"""Ways to put one fault into one place of an export."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from safecot_dsl.dataset.formats import CheckOptions, FormatRule, validate

Change = Callable[[dict[str, Any]], object]


@dataclass(frozen=True)
class Seed:
    """A fault that is put into an export: the rule that it breaks, how it is made, and what is said of it, and where.

    `row` is None where it is a fault of the file as a whole.
    """

    rule: FormatRule
    spoil: Callable[[Path], None]
    says: str
    row: int | None = 0

    @property
    def name(self) -> str:
        return f"{self.rule.value}: {self.says[:40]}"


def assert_found(seed: Seed, path: Path, format: str, options: CheckOptions | None = None) -> None:
    """The fault is found, at its place and under its rule, with what mends it, and no other rule is accused."""
    seed.spoil(path)
    faults = validate(path, format, options)
    assert faults, "nothing was found"
    assert {fault.rule for fault in faults} == {seed.rule}, [str(fault) for fault in faults]
    told = [fault for fault in faults if seed.says in fault.fault]
    assert told, [str(fault) for fault in faults]
    assert told[0].row == seed.row
    assert all(fault.mend and fault.file for fault in faults)


def line(name: str, row: int, change: Change) -> Callable[[Path], None]:
    """Change a record of a JSON Lines file."""

    def spoil(folder: Path) -> None:
        lines = (folder / name).read_text(encoding="utf-8").splitlines()
        record = json.loads(lines[row])
        change(record)
        lines[row] = json.dumps(record)
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")

    return spoil


def raw_line(name: str, row: int, text: bytes) -> Callable[[Path], None]:
    """Put bytes in the place of a line."""

    def spoil(folder: Path) -> None:
        lines = (folder / name).read_bytes().splitlines()
        lines[row] = text
        (folder / name).write_bytes(b"\n".join(lines) + b"\n")

    return spoil


def cell(name: str, row: int, change: Change) -> Callable[[Path], None]:
    """Change a row of a Parquet file, whose schema stays."""

    def spoil(folder: Path) -> None:
        table = pq.read_table(folder / name)
        rows = table.to_pylist()
        change(rows[row])
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), folder / name)

    return spoil


def table(name: str, change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], None]:
    """Change a Parquet file as a whole."""
    return lambda folder: pq.write_table(change(pq.read_table(folder / name)), folder / name)


def jsons(name: str, change: Change) -> Callable[[Path], None]:
    """Change a JSON file."""

    def spoil(folder: Path) -> None:
        value = json.loads((folder / name).read_bytes())
        change(value)
        (folder / name).write_text(json.dumps(value))

    return spoil


def put(path: str, value: Any) -> Change:
    """Set what stands under keys and places with dots between: `messages.0.content`."""

    def change(record: dict[str, Any]) -> None:
        *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        place: Any = record
        for part in way:
            place = place[part]
        place[last] = value(place[last]) if callable(value) else value

    return change


def text(name: str, content: bytes | str) -> Callable[[Path], None]:
    """Put a file in the place of one."""

    def spoil(folder: Path) -> None:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    return spoil


def late_images(name: str) -> Callable[[Path], None]:
    """Put more than ten MiB of rows without images before all others."""

    def spoil(folder: Path) -> None:
        rows = [json.loads(line) for line in (folder / name).read_text(encoding="utf-8").splitlines()]
        bare = next(row for row in rows if not row["images"])
        filler = [bare | {"id": f"filler{number}", "extra": "x" * 1_100_000} for number in range(10)]
        lines = [json.dumps(row) for row in (*filler, *(row | {"extra": ""} for row in rows))]
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")

    return spoil
