"""The most memory that deciding a file takes: `python -m benchmarks.decide.memory CASES`, in a process of its own.

Prints JSON: the cases, the seconds, and the resident set in MiB before and at its largest, which should not depend on
how many cases there are.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as parquet

from benchmarks.compile.rules import make_rules
from benchmarks.decide.tables import make_policy, make_table
from safecot_dsl.engine.columnar import ColumnarPolicy
from safecot_dsl.facts.cases.frames import decide_file

_PART = 100_000


def main(count: int) -> None:
    columnar = ColumnarPolicy(make_policy(make_rules(100)))
    with tempfile.TemporaryDirectory() as folder:
        cases, decided = Path(folder, "cases.parquet"), Path(folder, "decided.parquet")
        writer = None
        for part in range(count // _PART):
            table = make_table(_PART, part, unknown=0.05).to_arrow()
            writer = writer or parquet.ParquetWriter(cases, table.schema)
            writer.write_table(table)
        assert writer is not None, f"at least {_PART} cases"
        writer.close()
        before = _mebibytes("VmRSS")
        started = time.perf_counter()
        assert decide_file(columnar, cases, decided, masks=True) == count
        seconds = time.perf_counter() - started
        most = _mebibytes("VmHWM")
    print(json.dumps({"cases": count, "seconds": round(seconds, 2), "before": before, "most": most}))  # noqa: T201


def _mebibytes(name: str) -> int:
    """A figure of Linux on this process. (`getrusage` knows the largest resident set too, but a child's begins with its
    parent's.)"""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    main(int(sys.argv[1]))
