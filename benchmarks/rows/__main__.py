"""Measure the rows of every shipped policy: `python -m benchmarks.rows [--rows N] [--policies NAME ...]`.

A row is rendered from its decided case (stepwise), built, graded, and put into an Arrow table with 511 others; its one
image is kept by reference. The decision is not counted: the columnar engine gives it. `distinct` rows have no two
equal cases, `repeated` ones have 10,000 cases with a seed, a prompt and an answer of their own each. Beside them stand
the same rows one by one, with nothing kept from one to the next. Times are of the processor, in microseconds a row. The
last line is the result in JSON, and it is kept as `benchmarks/results/rows.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pyarrow as pa
from rich.console import Console
from rich.table import Table

from benchmarks.rows.requests import distinct_cases, requests
from safecot_dsl.artifact import CompiledPolicy, Decision
from safecot_dsl.criteria import Grader, grade
from safecot_dsl.datafiles import policies_root
from safecot_dsl.dataset.rows import RowBuilder, RowImage
from safecot_dsl.dataset.schema import build_table, canonical_schema
from safecot_dsl.engine import Interpreter
from safecot_dsl.facts import Item
from safecot_dsl.render import ReasoningStyle, Rendered, Renderer, render
from safecot_dsl.storage import write_whole
from safecot_dsl.workspace import compile_policy

RESULT = Path(__file__).resolve().parents[1] / "results" / "rows.json"
TABLE_ROWS = 512
REPEATED_CASES = 10_000
ONE_BY_ONE = 500
STAGES = ("render", "build", "grade", "table")
#: Enough for a million rows a minute on two processors.
GOAL = 120.0

Request = tuple[Item, Decision]
T = TypeVar("T")


class Clock:
    """Processor time by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = dict.fromkeys(STAGES, 0.0)

    def run(self, stage: str, work: Callable[[], T]) -> T:
        start = time.process_time()
        result = work()
        self.seconds[stage] += time.process_time() - start
        return result

    def each(self, rows: int) -> dict[str, float]:
        """Microseconds a row by stage, and of all of them together."""
        found = {stage: 1e6 * seconds / rows for stage, seconds in self.seconds.items()}
        return {stage: round(value, 1) for stage, value in (found | {"all": sum(found.values())}).items()}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rows", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rows", type=int, default=20_000, help="rows of each kind and policy (default 20,000)")
    parser.add_argument("--policies", nargs="*", help="names of shipped policies (default all)")
    options = parser.parse_args(arguments)
    shipped = {path.stem: path for folder in ("", "published") for path in (policies_root() / folder).glob("*.safecot")}
    unknown = sorted(set(options.policies or ()) - shipped.keys())
    if unknown:
        print(f"error: no shipped policy is named {unknown[0]}: write one of {', '.join(shipped)}", file=sys.stderr)  # noqa: T201
        return 2

    detail: dict[str, Any] = {}
    for name in options.policies or sorted(shipped):
        detail[name] = measure(compile_policy(shipped[name]), options.rows)
        print(name, json.dumps(detail[name]), file=sys.stderr)  # noqa: T201
    show(Console(width=None if sys.stdout.isatty() else 140), detail)

    def mean(kind: str) -> float:
        return round(sum(found[kind]["all"] for found in detail.values()) / len(detail), 1)

    ours, before = mean("distinct"), mean("one by one")
    result = {
        "benchmark": "rows",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "versions": {name: version(name) for name in ("safecot-dsl", "pyarrow")}
        | {"python": platform.python_version()},
        "ours": ours,
        "peers": {"one by one": before},
        "unit": "microseconds of processor time a distinct row, mean over the shipped policies; less is better",
        "ratio_to_best_peer": round(before / ours, 2),
        "detail": {"rows": options.rows, "goal": GOAL, "repeated": mean("repeated"), "policies": detail},
    }
    RESULT.parent.mkdir(exist_ok=True)
    line = json.dumps(result, sort_keys=False)
    write_whole(RESULT, line + "\n")
    print(line)  # noqa: T201
    return 0


def measure(policy: CompiledPolicy, rows: int) -> dict[str, Any]:
    """The times of `rows` rows of each kind, and by how many MiB the process grew over the second half of each."""
    interpreter = Interpreter(policy)
    random = Random(0)
    found: dict[str, Any] = {}
    cases = distinct_cases(policy, rows, random)
    decided = [(item, interpreter.decide(item.case)) for item in requests(cases, random)]
    kinds: dict[str, list[Request]] = {"distinct": decided}
    few = [cases[number % min(REPEATED_CASES, len(cases))] for number in range(rows)]
    decisions = {case: decision for case, (_, decision) in zip(cases, decided, strict=True)}
    kinds["repeated"] = [(item, decisions[item.case]) for item in requests(few, random)]
    for kind, wanted in kinds.items():
        found[kind] = prepared(policy, wanted)
    found["one by one"] = one_by_one(policy, decided[:ONE_BY_ONE])
    found["cases"] = len(cases)
    return found


def prepared(policy: CompiledPolicy, wanted: Sequence[Request]) -> dict[str, float]:
    """As rows are made by the thousand."""
    clock = Clock()
    renderer, builder, grader = Renderer(Interpreter(policy)), RowBuilder(policy), Grader(policy)
    build_table([])
    halfway = 0
    for start in range(0, len(wanted), TABLE_ROWS):
        block = wanted[start : start + TABLE_ROWS]
        numbers = range(start, start + len(block))
        images = [(RowImage(f"images/{number}.png", f"{number:064x}", None),) for number in numbers]
        texts = clock.run("render", lambda: [_told(renderer, *block[n - start], n) for n in numbers])  # noqa: B023
        rows = clock.run(
            "build",
            lambda: [
                builder.build(item, text, image, seed=f"0/{n}")
                for n, (item, _), text, image in zip(numbers, block, texts, images, strict=True)  # noqa: B023
            ],
        )
        clock.run(
            "grade",
            lambda: [
                grader.grade(row["answer"], due=decision.verdict, rules=decision.deciding)
                for row, (_, decision) in zip(rows, block, strict=True)  # noqa: B023
            ],
        )
        clock.run("table", lambda: build_table(rows))  # noqa: B023
        if start <= len(wanted) // 2:
            halfway = _peak_mib()
    return clock.each(len(wanted)) | {"growth_mib": _peak_mib() - halfway}


def one_by_one(policy: CompiledPolicy, wanted: Sequence[Request]) -> dict[str, float]:
    """The same with nothing kept from one row to the next."""
    clock = Clock()
    interpreter = Interpreter(policy)
    rows: list[dict[str, Any]] = []
    for number, (item, decision) in enumerate(wanted):
        image = RowImage(f"images/{number}.png", f"{number:064x}", None)
        text = clock.run("render", lambda: _rendered(interpreter, item, number))  # noqa: B023
        row = clock.run("build", lambda: RowBuilder(policy).build(item, text, [image], seed=f"0/{number}"))  # noqa: B023
        clock.run("grade", lambda: grade(policy, row["answer"], due=decision.verdict, rules=decision.deciding))  # noqa: B023
        rows.append(row)
    clock.run("table", lambda: pa.Table.from_pylist(rows, schema=canonical_schema()))
    return clock.each(len(wanted))


def _told(renderer: Renderer, item: Item, decision: Decision, number: int) -> Rendered:
    return renderer.render(
        item.case, style=ReasoningStyle.STEPWISE, seed=f"0/{number}", source_answer=item.answer, decision=decision
    )


def _rendered(interpreter: Interpreter, item: Item, number: int) -> Rendered:
    return render(interpreter, item.case, style=ReasoningStyle.STEPWISE, seed=f"0/{number}", source_answer=item.answer)


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def show(console: Console, detail: dict[str, Any]) -> None:
    table = Table(title=f"microseconds of processor time a row (goal: {GOAL:.0f})")
    table.add_column("policy")
    for heading in ("rows", *STAGES, "all", "growth, MiB"):
        table.add_column(heading, justify="left" if heading == "rows" else "right")
    for name, found in detail.items():
        for kind in ("distinct", "repeated", "one by one"):
            times = found[kind]
            cells = [f"{times[stage]:.1f}" for stage in (*STAGES, "all")]
            table.add_row(name if kind == "distinct" else "", kind, *cells, str(times.get("growth_mib", "")))
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
