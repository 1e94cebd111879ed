"""Measure what selecting rows costs: `python -m benchmarks.selection [--sizes N ...] [--rows N]`.

Pools are made up: forty rules, a third of them laxer than a refusal, thirteen facts of which one is a set. In
`repeated` pools 10,000 cases come again and again, each as one object, as the light index gives them; in `distinct`
pools hardly two cases are equal. Times are of the processor, in seconds; the peak is of the whole process with its
pool. `all with all` is how a nearest partner is found by comparing each start with every request, which is what pairs
cost before there was an index: measured on few starts, and reckoned up. Near duplicates are looked for among so many
random sentences, and among so many random pictures under one sentence. The last line is the result in JSON, and it is
kept as `benchmarks/results/selection.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.selection.measuring import measure, twins
from safecot_dsl.storage import write_whole

RESULT = Path(__file__).resolve().parents[1] / "results" / "selection.json"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.selection", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000], help="requests of a pool")
    parser.add_argument("--rows", type=int, default=10_000, help="rows to select (default 10,000)")
    options = parser.parse_args(arguments)
    detail: dict[str, Any] = {}
    for kind in ("repeated", "distinct"):
        for size in options.sizes:
            name = f"{kind} {size:,}"
            # Each in a process of its own, whose peak is then its own.
            with ProcessPoolExecutor(1, get_context("spawn")) as process:
                detail[name] = process.submit(measure, kind, size, options.rows).result()
            print(name, json.dumps(detail[name]), file=sys.stderr)  # noqa: T201
    for size in options.sizes:
        detail[f"near duplicates {size:,}"] = found = twins(size)
        print("near duplicates", size, json.dumps(found), file=sys.stderr)  # noqa: T201
    largest = detail[f"distinct {max(options.sizes):,}"]
    result = {
        "benchmark": "selection",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "versions": {name: version(name) for name in ("safecot-dsl", "numpy")} | {"python": platform.python_version()},
        "ours": largest["contrast"],
        "peers": {"all with all": largest["all with all"]},
        "unit": f"seconds of processor time for {options.rows:,} rows in pairs of {max(options.sizes):,} requests",
        "ratio_to_best_peer": round(largest["all with all"] / largest["contrast"], 2),
        "detail": {"rows": options.rows, **detail},
    }
    line = json.dumps(result, sort_keys=False)
    write_whole(RESULT, line + "\n")
    print(line)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
