"""Measure decisions a second beside other engines: `python -m benchmarks.decide [--cases N] [--rules N] [--seconds S]`.

Every engine gets the same rules, and all must name the same rules for the same cases before anything is timed. Times
are those of the clock, the least of several, since all may use every processor. Peers that decide one case at a time
get as many cases as take them about `--seconds`. The last line is the result in JSON, and it is kept as
`benchmarks/results/decide.json`.

The peers are in the dependency group `bench`; where the environment should stay without them, they install beside it:

    python -m venv peers && peers/bin/pip install '.[data]' cedarpy zen-engine common-expression-language \\
        rule-engine regopy && peers/bin/python -m benchmarks.decide
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

from benchmarks.compile.rules import Rule, applying, make_rules
from benchmarks.decide.engines import PEERS, Engine, OurInterpreter, by_hand
from benchmarks.decide.tables import cases_of, make_policy, make_table
from benchmarks.decide.texts import make_text_policy, make_texts
from safecot_dsl.engine.columnar import ColumnarPolicy
from safecot_dsl.storage import write_whole

RESULT = Path(__file__).resolve().parents[1] / "results" / "decide.json"
_AGREED = 100  # cases on which all engines are held against the plainest reading


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decide", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rules", type=int, default=100)
    parser.add_argument("--cases", type=int, default=1_000_000, help="of the tables")
    parser.add_argument("--seconds", type=float, default=2.0, help="about so long for each peer")
    parser.add_argument("--times", type=int, default=7, help="the least of so many is reported")
    parser.add_argument("--memory", type=int, nargs="*", default=[1_000_000, 10_000_000], help="cases of the files")
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 140)

    rules, table = make_rules(options.rules), make_table(options.cases)
    columnar = ColumnarPolicy(make_policy(rules))
    _agree(rules, columnar, table)
    rates, processor = _columns(rules, columnar, table, options.times)
    rates |= _texts(options.cases, options.times)
    peers: dict[str, float] = {}
    versions: dict[str, str] = {}
    for kind in (OurInterpreter, *PEERS):
        engine = kind()
        peers[engine.name] = _rate(engine, rules, table, options.seconds)
        versions[engine.package] = engine.version() if engine.package != "safecot-dsl" else _version("safecot-dsl")
    rates["safecot interpreter"] = peers.pop("safecot interpreter")
    memory = [_memory(count) for count in options.memory]
    _show(console, rates, processor, peers, memory)

    ours = rates["whole decisions"]
    result = {
        "benchmark": "decide",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "versions": versions
        | {name: _version(name) for name in ("polars", "numpy", "pyarrow", "google-re2")}
        | {"python": platform.python_version()},
        "ours": round(ours),
        "peers": {name: round(rate) for name, rate in peers.items()},
        "unit": f"cases a second, {options.rules} rules, {options.cases:,} cases",
        "ratio_to_best_peer": round(ours / max(peers.values()), 1),
        "detail": {
            "cases_per_second": {name: round(rate) for name, rate in rates.items()},
            "cases_per_processor_second": {name: round(rate) for name, rate in processor.items()},
            "memory_mib": memory,
            "load_average": round(os.getloadavg()[0], 1),
        },
    }
    RESULT.parent.mkdir(exist_ok=True)
    line = json.dumps(result)
    write_whole(RESULT, line + "\n")
    print(line)  # noqa: T201
    return 0


def _agree(rules: list[Rule], columnar: ColumnarPolicy, table: pl.DataFrame) -> None:
    """Raises where an engine names other rules than the plainest reading does."""
    few = table.head(_AGREED)
    cases = cases_of(few)
    expected = [applying(rules, case) for case in cases]
    found = [list(decision.deciding) for decision in columnar.decisions(columnar.decide(few))]
    assert found == expected, "columns"
    assert few.select(by_hand(rules)).to_series().to_list() == [bool(names) for names in expected], "by hand"
    for kind in (OurInterpreter, *PEERS):
        engine = kind()
        engine.prepare(rules)
        assert engine.applying([engine.facts(case) for case in cases]) == expected, engine.name


def _columns(
    rules: list[Rule], columnar: ColumnarPolicy, table: pl.DataFrame, times: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Cases a second over tables in memory, by the clock, and by the processors' time, which depends less on what else
    the machine does."""
    some, gaps = make_table(table.height, unknown=0.05), make_table(table.height, unknown=0.3)
    some_ambiguous = columnar.decide(some, columns=["certain"])["certain"]
    hand = by_hand(rules)
    verdicts = ["verdict"]
    runs: dict[str, Callable[[], object]] = {
        "whole decisions": lambda: columnar.decide(table),
        "verdicts alone": lambda: columnar.decide(table, columns=verdicts),
        f"whole decisions, each fact unknown in 5 % ({1 - (some_ambiguous.mean() or 0):.0%} ambiguous)":
            lambda: columnar.decide(some),
        "whole decisions, each fact unknown in 30 %": lambda: columnar.decide(gaps),
        "verdicts alone, each fact unknown in 5 %": lambda: columnar.decide(some, columns=verdicts),
        "Polars by hand, whether any rule applies": lambda: table.select(hand),
        "Polars by hand, lazily": lambda: table.lazy().select(hand).collect(),
    }  # fmt: skip
    rates = {name: table.height / _least(run, times) for name, run in runs.items()}
    return rates, {name: table.height / _least(run, times, time.process_time) for name, run in runs.items()}


def _texts(count: int, times: int) -> dict[str, float]:
    """Cases a second where ten rules look for phrases and ten for patterns in a text."""
    columnar = ColumnarPolicy(make_text_policy(10))
    few, all_distinct = make_texts(count, distinct=1_000), make_texts(count // 10, distinct=count // 10)
    return {
        "20 tests of texts, 1,000 distinct": few.height / _least(lambda: columnar.decide(few), times),
        "20 tests of texts, all distinct": all_distinct.height
        / _least(lambda: ColumnarPolicy(columnar.policy).decide(all_distinct), min(times, 2)),
    }


def _rate(engine: Engine, rules: list[Rule], table: pl.DataFrame, seconds: float) -> float:
    """Cases a second of an engine that takes one case after another."""
    engine.prepare(rules)
    few = [engine.facts(case) for case in cases_of(table.head(20))]
    one = _least(lambda: engine.applying(few), 2) / len(few)
    many = [engine.facts(case) for case in cases_of(table.head(max(20, int(seconds / one))))]
    return len(many) / _least(lambda: engine.applying(many), 2)


def _memory(count: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.decide.memory", str(count)], capture_output=True, check=True, text=True
    )
    return json.loads(done.stdout)


def _least(run: Callable[[], object], times: int, clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds, the least of `times` runs after one that counts for nothing."""
    run()
    spent: list[float] = []
    for _ in range(times):
        started = clock()
        run()
        spent.append(clock() - started)
    return min(spent)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # a checkout on the path
        from safecot_dsl import __version__

        return __version__


def _show(
    console: Console,
    rates: dict[str, float],
    processor: dict[str, float],
    peers: dict[str, float],
    memory: list[dict[str, Any]],
) -> None:
    table = Table(title="cases a second")
    table.add_column("what")
    table.add_column("by the clock", justify="right")
    table.add_column("by processor time", justify="right")
    for name, rate in (rates | peers).items():
        table.add_row(name, f"{rate:,.0f}", f"{processor[name]:,.0f}" if name in processor else "")
    console.print(table)
    for measured in memory:
        console.print(
            f"a file of {measured['cases']:,} cases: {measured['cases'] / measured['seconds']:,.0f} cases/s, "
            f"{measured['most']} MiB at most ({measured['before']} before)"
        )


if __name__ == "__main__":
    sys.exit(main())
