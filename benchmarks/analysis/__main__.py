"""Measure the analysis: `python -m benchmarks.analysis [--rules N ...] [--runs N]`.

Generated policies are opened and checked, findings and proofs included, each in a process of its own; the time is that
of the process, since the machine may be shared. The last line is the result in JSON, and it is kept as
`benchmarks/results/analysis.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.analysis.policies import policy_source
from safecot_dsl.storage import write_whole

RESULT = Path(__file__).resolve().parents[1] / "results" / "analysis.json"
#: The time of a process that opens and checks a policy, and how it is spent, as JSON.
MEASURED = """
import json, sys, time
start = time.process_time()
from safecot_dsl.analysis.limits import Limits
from safecot_dsl.workspace import check_policy, open_policy
opened = open_policy(sys.argv[1])
assert opened.policy is not None, opened.diagnostics
compiled = time.process_time()
quick = check_policy(opened, proofs=False)
checked = time.process_time()
found = check_policy(opened, limits=Limits(seconds_in_all=600))
proved = time.process_time()
codes = {}
for diagnostic in found:
    codes[diagnostic.code] = codes.get(diagnostic.code, 0) + 1
print(json.dumps({"open": compiled - start, "quick": checked - compiled, "proofs": proved - checked,
                  "rules": len(opened.policy.rules), "found": codes}))
"""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.analysis", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rules", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--runs", type=int, default=3, help="of each size; the best counts")
    options = parser.parse_args(arguments)

    console = Console(width=None if sys.stdout.isatty() else 120)
    table = Table(title="processor seconds to check a policy, best of the runs")
    for heading in ("rules", "start and compile", "examples and classes", "findings and proofs", "findings"):
        table.add_column(heading, justify="right")
    measured: dict[int, dict[str, Any]] = {}
    for rules in options.rules:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "generated.safecot"
            path.write_text(policy_source(rules), encoding="utf-8")
            runs = [_run(path) for _ in range(options.runs)]
        best = min(runs, key=lambda run: run["proofs"])
        measured[rules] = best
        count = sum(best["found"].values())
        seconds = [f"{best[part]:.2f}" for part in ("open", "quick", "proofs")]
        table.add_row(f"{rules:,}", *seconds, str(count))
    console.print(table)

    first = measured[options.rules[0]]
    result = {
        "benchmark": "analysis",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "versions": {name: version(name) for name in ("safecot-dsl", "z3-solver")}
        | {"python": platform.python_version()},
        "ours": round(first["open"] + first["quick"] + first["proofs"], 3),
        "peers": {},
        "unit": f"processor seconds to open and check a policy of {options.rules[0]} rules",
        "ratio_to_best_peer": None,
        "detail": {str(rules): best for rules, best in measured.items()},
    }
    RESULT.parent.mkdir(exist_ok=True)
    line = json.dumps(result, sort_keys=False)
    write_whole(RESULT, line + "\n")
    print(line)  # noqa: T201
    return 0


def _run(path: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(path)], capture_output=True, text=True, check=True, timeout=900
    )
    return json.loads(done.stdout)


if __name__ == "__main__":
    sys.exit(main())
