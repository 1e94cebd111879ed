"""Measure the data factory: `python -m benchmarks.generate [--rows N ...] [--processes P] [--selection coverage]`.

For each number of rows a source is written, and `generate` makes the rows from it in a process of its own, by the same
path as `safecotc generate`: template text, images by reference, every usable item a row (or, with `--selection`, half
of them). Said are rows a second, and the most memory that any one process held.

The last line is the result in JSON, and it is kept as `benchmarks/results/generate.json`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.generate.measuring import generate_rows
from benchmarks.generate.source import write_source
from safecot_dsl.storage import write_whole

RESULT = Path(__file__).resolve().parents[1] / "results" / "generate.json"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generate", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--style", default="stepwise")
    parser.add_argument("--selection", help="choose half of the items in this way, where every item is a row without")
    options = parser.parse_args(arguments)
    measured = [_measure(rows, options) for rows in options.rows]
    largest = measured[-1]
    result = {
        "benchmark": "generate",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "versions": {name: version(name) for name in ("safecot-dsl", "pyarrow", "polars")}
        | {"python": platform.python_version()},
        "ours": largest["rows_per_second"],
        "peers": {},
        "unit": f"rows/s, {largest['rows']:,} template rows, images by reference, {options.processes} processes",
        "ratio_to_best_peer": None,
        "detail": measured,
    }
    line = json.dumps(result)
    RESULT.parent.mkdir(exist_ok=True)
    write_whole(RESULT, line + "\n")
    print(line)  # noqa: T201
    return 0


def _measure(items: int, options: argparse.Namespace) -> dict[str, Any]:
    data: dict[str, Any] = {
        "sources": [{"kind": "jsonl", "path": "requests.jsonl", "licence": "CC0-1.0"}],
        "images": "reference",
        "style": options.style,
    }
    if options.selection is not None:
        data |= {"selection": options.selection, "rows": items // 2}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_source(folder, items)
        context = multiprocessing.get_context("spawn")
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(target=generate_rows, args=(folder, data, options.processes, sending))
        process.start()
        sending.close()
        try:
            measured: dict[str, Any] = receiving.recv()
        except EOFError:
            raise SystemExit("the process that makes the rows has failed") from None
        process.join()
        measured["bytes"] = sum(file.stat().st_size for file in (folder / "out").rglob("*") if file.is_file())
    print(json.dumps(measured), file=sys.stderr)  # noqa: T201
    return measured


if __name__ == "__main__":
    sys.exit(main())
