"""Measure the Rows room's server on a large run: `python -m benchmarks.studio_rows [--rows N] [--times N]`.

The run is one of the miniature world, whose rows are repeated, each with a request and a key of its own, until there
are N; pictures are embedded. The times are of the functions that answer the page, to the end of the message, without
HTTP: seconds of the clock, and seconds of this process on the processors, which other programs lengthen less. Memory
is the largest that the process had, in MiB. The last line is the result in JSON, and it is kept as
`benchmarks/results/studio_rows.json`.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from safecot_dsl.datafiles import policies_root
from safecot_dsl.dataset import DataRecipe, generate, open_dataset
from safecot_dsl.dataset.lineage import provenance_schema
from safecot_dsl.dataset.reviews import DIGESTED, append_review, new_review, row_digest
from safecot_dsl.dataset.rows import content_id
from safecot_dsl.dataset.schema import build_table
from safecot_dsl.dataset.writer import ROW_GROUP
from safecot_dsl.storage import write_whole
from safecot_dsl.studio.folder import StudioFolder
from safecot_dsl.studio.messages.rows import ReviewQuery, RowQuery, RowsQuery
from safecot_dsl.studio.rows.room import RowRoom
from safecot_dsl.workspace import compile_policy

RESULT = Path(__file__).resolve().parents[1] / "results" / "studio_rows.json"
RUN = "large/data"
_BASE = 256


def large_run(folder: Path, rows: int) -> None:
    """A data set of so many rows in `folder/large/data`."""
    import pyarrow as pa

    small, large = folder / ".small", folder / RUN
    policy = compile_policy(policies_root() / "miniature.safecot")
    recipe = DataRecipe.model_validate(
        {"sources": [{"kind": "miniature", "pool": 4 * _BASE}], "rows": _BASE, "selection": "stratified"}
    )
    generate(policy, recipe, small, seed=0, base_dir=folder)
    base = list(open_dataset(small).rows())
    records = list(open_dataset(small).provenance())
    (large / "data").mkdir(parents=True)
    (large / "provenance").mkdir()
    for name in ("policy.json", "report.json", "recipe.yaml"):
        (large / name).write_bytes((small / name).read_bytes())
    schema, told = build_table(base[:1]).schema, provenance_schema()
    with (
        pq.ParquetWriter(large / "data" / "train-00000.parquet", schema, compression="zstd") as data,
        pq.ParquetWriter(large / "provenance" / "part-00000.parquet", told, compression="zstd") as provenance,
    ):
        for start in range(0, rows, ROW_GROUP):
            made = [repeated(base, records, number) for number in range(start, min(start + ROW_GROUP, rows))]
            data.write_table(build_table([row for row, _ in made]))
            provenance.write_table(pa.Table.from_pylist([record for _, record in made], schema=told))


def repeated(
    base: list[dict[str, Any]], records: list[dict[str, Any]], number: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Row number `number`: one of the base's, with a request and a key of its own."""
    row, record = base[number % len(base)], records[number % len(base)]
    prompt = f"{row['prompt']} ({number})"
    name = content_id(prompt, row["image_sha256"], row["facts"], row["completion"], row["system"])
    return {**row, "prompt": prompt, "id": name}, {**record, "id": name, "key": f"{record['key']}-{number}"}


class Clock:
    """Times of the clock and of the processors, by what was measured."""

    def __init__(self) -> None:
        self.wall: dict[str, list[float]] = {}
        self.cpu: dict[str, list[float]] = {}

    def timed(self, what: str, ask: Callable[[], Any]) -> Any:
        wall, cpu = time.perf_counter(), time.process_time()
        answer = ask()
        if isinstance(answer, BaseModel):
            answer.model_dump_json(by_alias=True)
        self.cpu.setdefault(what, []).append(time.process_time() - cpu)
        self.wall.setdefault(what, []).append(time.perf_counter() - wall)
        return answer


def measure(folder: Path, times: int, clock: Clock) -> None:
    """Ask what the page asks."""
    room = RowRoom(StudioFolder(folder))
    clock.timed("the first page, with the index made", lambda: room.page(RowsQuery(run=RUN)))
    clock.timed("the first page, with the index there", lambda: RowRoom(StudioFolder(folder)).page(RowsQuery(run=RUN)))
    total = room.page(RowsQuery(run=RUN)).total
    clock.timed("the first page by what teaches", lambda: room.page(RowsQuery(run=RUN, order="teaches")))
    for number in range(times):
        cursor = number * total // times
        page = clock.timed("a page", lambda cursor=cursor: room.page(RowsQuery(run=RUN, cursor=cursor)))
        clock.timed("a page by what teaches", lambda c=cursor: room.page(RowsQuery(run=RUN, cursor=c, order="teaches")))
        clock.timed("a page of a text", lambda n=number: room.page(RowsQuery(run=RUN, q=f"bag? ({n}")))
        clock.timed("a page of a rule", lambda: room.page(RowsQuery(run=RUN, rule="armed", review="unseen")))
        clock.timed("counts", lambda: room.facets(RUN))
        key = page.rows[0].id
        row = clock.timed("a row", lambda key=key: room.row(RUN, key))
        clock.timed("a picture", lambda key=key: room.picture(RowQuery(run=RUN, id=key)))
        query = ReviewQuery(run=RUN, id=key, reviewer="ada", digest=row.digest, action="accept")
        clock.timed("a review, kept", lambda query=query: room.review(query))


def many_reviews(folder: Path, count: int) -> None:
    """So many reviews of rows in the file beside the run, before anything is measured."""
    path = folder / "large" / "reviews.jsonl"
    dataset = open_dataset(folder / RUN)
    rows, records = dataset.rows(DIGESTED), dataset.provenance(("key",))
    for number, row, record in zip(range(count), rows, records, strict=False):
        append_review(path, new_review(record["key"], row_digest(row), ("ada", "grace")[number % 2], "accept"))


def memory() -> int:
    """The largest that this process had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.studio_rows", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--reviews", type=int, default=200)
    asked = parser.parse_args()
    clock = Clock()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place).resolve()
        large_run(folder, asked.rows)
        many_reviews(folder, asked.reviews)
        measure(folder, asked.times, clock)
        size = sum(file.stat().st_size for file in (folder / RUN).rglob("*.parquet"))
        index = next((folder / "large").glob(".data.rows.arrow")).stat().st_size
    table = Table(title=f"{asked.rows:,} rows, {asked.reviews} reviews", box=None)
    for column in ("", "median, ms", "worst, ms", "median on the processor, ms"):
        table.add_column(column, justify="left" if not column else "right")
    told: dict[str, dict[str, float]] = {}
    for what, wall in clock.wall.items():
        told[what] = {
            "median_ms": round(1000 * statistics.median(wall), 1),
            "worst_ms": round(1000 * max(wall), 1),
            "median_cpu_ms": round(1000 * statistics.median(clock.cpu[what]), 1),
        }
        table.add_row(what, *(f"{value:,.1f}" for value in told[what].values()))
    Console().print(table)
    result = {
        "rows": asked.rows,
        "reviews": asked.reviews,
        "times": told,
        "memory_mib": memory(),
        "data_mib": size >> 20,
        "index_mib": index >> 20,
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "pyarrow": version("pyarrow"),
    }
    write_whole(RESULT, json.dumps(result, indent=1) + "\n")
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
