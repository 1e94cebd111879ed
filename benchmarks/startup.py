"""How long a command takes before it does anything: `python -m benchmarks.startup [--repeats N] [--seconds S]`.

Processor time (user and system) and time by the clock of whole processes, each the least of several: other work on the
machine moves processor time less than it moves the clock, which means something on an idle machine alone; how many
processes were running or waiting before (the load of the last minute) is kept with it. The policy has 20 rules
(`benchmarks.analysis.policies`). `python` alone is what an interpreter
takes that imports nothing. As where a wheel was installed, byte code is at hand (a first run that does not count writes
it, whatever `PYTHONDONTWRITEBYTECODE` says), and packages that only development brings are hidden. `--instructions`
counts what is executed under `valgrind` besides, which other work does not move at all. No command is begun again
after `--seconds`, so that the benchmark ends on a busy machine, too.

The last line is the result in JSON, kept as `benchmarks/results/startup.json`, and what was kept before is shown beside
it; `--most` fails where a command takes more than its goal times that factor, which is how a change that makes
everything slow is found.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.analysis.policies import policy_source
from safecot_dsl.storage import write_whole

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "startup.json"
RULES = 20
#: Seconds on an idle machine that the commands are to take at most.
GOALS = {"--help": 0.2, "check --quick": 0.4, "check": 0.5}
#: A command without a goal: the verdict of a case that says nothing.
DECIDE = "decide"
#: Lark imports these where it finds them; the core does not bring them.
HIDDEN = "import sys; sys.modules.update(dict.fromkeys(('regex', 'interegular')))\n"
SAFECOTC = f"{HIDDEN}from safecot_dsl.cli import main; main()"


def environment(byte_code: Path) -> dict[str, str]:
    """That of a fresh interpreter: this checkout, with its byte code in a folder of the benchmark's own."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONPYCACHEPREFIX": str(byte_code)}


class Took(NamedTuple):
    """Seconds of a process: of the processor, and by the clock."""

    processor: float
    clock: float


def took(byte_code: Path, code: str, *arguments: str) -> Took:
    """What a fresh interpreter takes that runs `code`."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(byte_code),
    )
    _, status, used = os.wait4(process.pid, 0)
    clock = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):  # 1: it found faults, which drawn rules have
        raise SystemExit(f"{arguments}: exit code {process.returncode}")
    return Took(used.ru_utime + used.ru_stime, clock)


def least(byte_code: Path, runs: Mapping[str, tuple[str, ...]], repeats: int, seconds: float) -> dict[str, Took]:
    """The least of each command, all of them in turn, so that a busy minute falls on no single one."""
    for run in runs.values():
        took(byte_code, *run)  # writes the byte code
    until = time.monotonic() + seconds
    found: dict[str, list[Took]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            if not found[name] or time.monotonic() < until:
                found[name].append(took(byte_code, *run))
    return {name: Took(*map(min, zip(*times, strict=True))) for name, times in found.items()}


def instructions(byte_code: Path, code: str, *arguments: str) -> float:
    """Millions of instructions of a fresh interpreter that runs `code`."""
    count = "valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null".split()
    command = [*count, sys.executable, "-c", code, *arguments]
    fixed = {**environment(byte_code), "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, capture_output=True, text=True, env=fixed, check=False)
    (line,) = [line for line in done.stderr.splitlines() if "refs:" in line]
    return int(line.rpartition(":")[2].replace(",", "")) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description="How long a command takes before it does anything.")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=150, help="begin no command again after these")
    parser.add_argument("--most", type=float, help="fail where a command takes more than its goal times this")
    parser.add_argument("--instructions", action="store_true", help="count them as well, by valgrind")
    asked = parser.parse_args()
    before = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.is_file() else {"seconds": {}}
    counted: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        policy, byte_code = Path(folder) / "rules.safecot", Path(folder) / "byte_code"
        policy.write_text(policy_source(RULES), encoding="utf-8")
        runs = {"python": ("pass",)}
        runs |= {name: (SAFECOTC, *name.split(), *[str(policy)] * name.startswith("check")) for name in GOALS}
        (case := Path(folder) / "case.json").write_text('{"facts": {}}', encoding="utf-8")
        runs[DECIDE] = (SAFECOTC, "decide", str(policy), "--case", str(case))
        load = os.getloadavg()[0]
        times = least(byte_code, runs, asked.repeats, asked.seconds)
        if asked.instructions:
            counted = {name: instructions(byte_code, *run) for name, run in runs.items()}
    table = Table(
        "command", "processor, s", f"on {before.get('date', 'no day')}", "clock, s", "goal, s", "million instructions"
    )
    for name, one in times.items():
        last = before["seconds"].get(name)
        shown = "" if last is None else f"{last:.2f}"
        executed = f"{counted[name]:,.0f}" if name in counted else ""
        table.add_row(name, f"{one.processor:.2f}", shown, f"{one.clock:.2f}", str(GOALS.get(name, "")), executed)
    Console().print(table)
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "rules": RULES,
        "load": round(load, 2),
        "seconds": {name: round(one.processor, 3) for name, one in times.items()},
        "clock_seconds": {name: round(one.clock, 3) for name, one in times.items()},
        "million_instructions": {name: round(count) for name, count in counted.items()},
    }
    write_whole(RESULT, json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))  # noqa: T201
    slow = [
        name for name, goal in GOALS.items() if asked.most is not None and times[name].processor > goal * asked.most
    ]
    if slow:
        raise SystemExit(f"slower than {asked.most} times the goal: {', '.join(slow)}")


if __name__ == "__main__":
    main()
