"""Measure the compiler beside its peers: `python -m benchmarks.compile [--rules N] [--cases N] [--times N]`.

Every language gets the same rules, and all must decide the same cases alike before anything is timed. Times are the
processor's, the least of several. The last line is the result in JSON, and it is kept as
`benchmarks/results/compile.json`. The peers are in the dependency group `bench`.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.compile.engines import ENGINES, Engine, SafeCoT, Sigma
from benchmarks.compile.rules import Case, Rule, applying, make_cases, make_rules
from benchmarks.compile.startup import cost
from safecot_dsl.storage import write_whole

RESULT = Path(__file__).resolve().parents[1] / "results" / "compile.json"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compile", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rules", type=int, default=100)
    parser.add_argument("--cases", type=int, default=1_000, help="decided in one go")
    parser.add_argument("--times", type=int, default=5, help="the least of so many is reported")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 140)

    rules, cases = make_rules(options.rules, options.seed), make_cases(options.cases)
    engines = [engine(rules) for engine in ENGINES]
    refused = _agree(engines, rules, cases[:200])
    console.print(
        f"{options.rules} rules; all engines agree on {min(200, len(cases))} cases, {refused} of them refused\n"
    )

    measured = {engine.name: _measure(engine, cases, options.times) for engine in engines}
    _peers_table(console, engines, measured)
    own = _own(rules, options.times)
    _own_table(console, own)

    decided = {name: times["one case"] for name, times in measured.items() if times["one case"] is not None}
    checked = {name: times["check"] for name, times in measured.items() if times["check"] is not None}
    ours = checked.pop("safecotc")
    result: dict[str, Any] = {
        "benchmark": "compile",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "versions": {engine.package: version(engine.package) for engine in engines}
        | {"lark": version("lark"), "z3-solver": version("z3-solver"), "python": platform.python_version()},
        "ours": round(ours, 6),
        "peers": {name: round(value, 6) for name, value in checked.items()},
        "unit": f"seconds of processor time to parse and check {options.rules} rules",
        "ratio_to_best_peer": round(ours / min(checked.values()), 2),
        "detail": {
            "rules": options.rules,
            "seconds": {name: {k: _rounded(v) for k, v in times.items()} for name, times in measured.items()},
            "one_case_ratio_to_best_peer": round(decided.pop("safecotc") / min(decided.values()), 2),
            "safecotc": {name: _rounded(value) for name, value in own.items()},
        },
    }
    RESULT.parent.mkdir(exist_ok=True)
    line = json.dumps(result)
    write_whole(RESULT, line + "\n")
    print(line)  # noqa: T201
    return 0


def _agree(engines: list[Engine], rules: list[Rule], cases: list[Case]) -> int:
    """How many cases some rule refuses; raises where an engine says otherwise than the plainest reading."""
    expected = [applying(rules, case) for case in cases]
    for engine in engines:
        engine.prepare()
        found = [engine.walked(case) for case in cases] if isinstance(engine, Sigma) else engine.decide_all(cases)
        for case, right, said in zip(cases, expected, found, strict=True):
            if right != said:
                raise AssertionError(f"{engine.name} says {said} of {case}, and {right} is right")
    return sum(map(bool, expected))


def _measure(engine: Engine, cases: list[Case], times: int) -> dict[str, float | None]:
    number = count(1)
    decides = engine.decide(cases[0]) is not None
    few = cases[:10]
    one = _least(lambda: [engine.decide(case) for case in few], times) / len(few) if decides else None
    # The slowest needs minutes for as many cases as the fastest decides in a tenth of a second.
    many = cases[: max(len(few), int(3 / one))] if one is not None else []
    return {
        "parse": _least(lambda: engine.parse(next(number)), times),
        "check": _least(lambda: engine.check(next(number)), times),
        "one case": one,
        "each of many cases": _least(lambda: engine.decide_all(many), 2) / len(many) if many else None,
    }


def _own(rules: list[Rule], times: int) -> dict[str, float]:
    """What only concerns us: beside the bare parser, with proofs, after an edit, and from the start of a process."""
    engine, number = SafeCoT(rules), count(1_000)
    parse = _least(lambda: engine.parse(next(number)), times)
    bare = _least(_bare_parse(engine.text), times)
    check = _least(lambda: engine.check(next(number)), times)
    own = {
        "bare Lark parse": bare,
        "parse": parse,
        "parse / bare": parse / bare,
        "parse and check": check,
        "parse and check / bare": check / bare,
        "with proofs": _least(lambda: engine.prove(next(number)), min(times, 3)),
        "again after an edit of one rule": _least(lambda: engine.check_edited(next(number), proofs=False), times),
        "the same with proofs": _least(lambda: engine.check_edited(next(number), proofs=True), min(times, 3)),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bench.safecot")
        path.write_text(engine.text, encoding="utf-8")
        commands: dict[str, list[str | Path]] = {
            "safecotc --help": ["--help"],
            "safecotc check --quick": ["check", "--quick", path],
            "safecotc check": ["check", path],
        }
        for name, arguments in commands.items():
            spent = cost(arguments, min(times, 5))
            own |= {name: spent.processor, f"{name}, on the clock": spent.clock}
    return own


def _bare_parse(text: str) -> Callable[[], object]:
    """The same grammar and the same tokens, and Lark's own tree instead of ours."""
    from lark import Lark

    from safecot_dsl.compiler import Reporter
    from safecot_dsl.compiler.syntax.parser import ContextualWords
    from safecot_dsl.compiler.syntax.scanner import tokenise
    from safecot_dsl.datafiles import grammar_path
    from safecot_dsl.diagnostics import SourceFile

    grammar = grammar_path("safecot.lark").read_text(encoding="utf-8")
    lark = Lark(grammar, parser="lalr", lexer=ContextualWords, start="file", maybe_placeholders=False)
    any_lark: Any = lark  # a lexer of one's own takes any input
    return lambda: any_lark.parse(tokenise(text, Reporter(SourceFile("bench.safecot", text))))


def _least(run: Callable[[], object], times: int) -> float:
    """Seconds of processor time, the least of `times` runs after one that counts for nothing."""
    run()
    spent: list[float] = []
    for _ in range(times):
        gc.collect()
        started = time.process_time()
        run()
        spent.append(time.process_time() - started)
    return min(spent)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else float(f"{seconds:.4g}")


def _peers_table(console: Console, engines: list[Engine], measured: dict[str, dict[str, float | None]]) -> None:
    table = Table(title="milliseconds of processor time, the least of several")
    table.add_column("engine")
    for heading in ("parse", "check", "one case", "each of many cases"):
        table.add_column(heading, justify="right")
    table.add_column("what is checked")
    for engine in engines:
        times = measured[engine.name].values()
        shown = ["-" if seconds is None else f"{seconds * 1000:.3f}" for seconds in times]
        table.add_row(f"{engine.name} {version(engine.package)}", *shown, engine.checks)
    console.print(table)


def _own_table(console: Console, own: dict[str, float]) -> None:
    table = Table(title="safecotc alone, milliseconds")
    table.add_column("what")
    table.add_column("", justify="right")
    for name, value in own.items():
        table.add_row(name, f"{value:.2f} times" if "/" in name else f"{value * 1000:.1f}")
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
