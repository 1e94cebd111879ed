"""How long a command takes before it does anything: `python -m benchmarks.startup [--repeats N]`.

Processor time (user and system) of whole processes, the least of several: other work on the machine moves it less than
it moves the clock. The policy has 20 rules (`benchmarks.analysis.policies`). `python` alone is what an interpreter
takes that imports nothing. The last line is the result in JSON, and it is kept as `benchmarks/results/startup.json`;
`--most` fails where a command takes more than its goal times that factor, which is how a change that makes everything
slow is found.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.analysis.policies import policy_source
from safecot_dsl.storage import write_whole

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "startup.json"
RULES = 20
#: Seconds on an idle machine that the commands are to take at most.
GOALS = {"--help": 0.2, "check --quick": 0.4, "check": 0.5}


def processor_time(code: str, *arguments: str) -> float:
    """Seconds of a fresh interpreter that runs `code`."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):  # 1: it found faults, which drawn rules have
        raise SystemExit(f"{arguments}: exit code {process.returncode}")
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description="How long a command takes before it does anything.")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--most", type=float, help="fail where a command takes more than its goal times this")
    asked = parser.parse_args()
    safecotc = "from safecot_dsl.cli import main; main()"
    with tempfile.TemporaryDirectory() as folder:
        policy = Path(folder) / "rules.safecot"
        policy.write_text(policy_source(RULES), encoding="utf-8")
        runs = {"python": ("pass",)}
        runs |= {name: (safecotc, *name.split(), *[str(policy)] * name.startswith("check")) for name in GOALS}
        took = {name: min(processor_time(*run) for _ in range(asked.repeats)) for name, run in runs.items()}
    table = Table("command", "processor time, s", "goal, s")
    for name, seconds in took.items():
        table.add_row(name, f"{seconds:.2f}", str(GOALS.get(name, "")))
    Console().print(table)
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "rules": RULES,
        "seconds": {name: round(seconds, 3) for name, seconds in took.items()},
    }
    write_whole(RESULT, json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))  # noqa: T201
    slow = [name for name, goal in GOALS.items() if asked.most is not None and took[name] > goal * asked.most]
    if slow:
        raise SystemExit(f"slower than {asked.most} times the goal: {', '.join(slow)}")


if __name__ == "__main__":
    main()
