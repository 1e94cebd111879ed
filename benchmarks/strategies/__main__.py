"""Measure how many cases a second Hypothesis draws: `python -m benchmarks.strategies [--examples N]`.

Beside each strategy runs a bare one of as many whole numbers as a case of the policy takes choices: what Hypothesis
itself costs. Times are of the processor, after a first run in which the solver has done its part. The last line is the
result in JSON, and it is kept as `benchmarks/results/strategies.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from rich.console import Console
from rich.table import Table

from benchmarks.analysis.policies import policy_source
from safecot_dsl.artifact import SetType
from safecot_dsl.datafiles import policies_root
from safecot_dsl.storage import write_whole
from safecot_dsl.testing import cases, pairs, policy_texts
from safecot_dsl.testing.policies import policies
from safecot_dsl.workspace import Opened, open_policy

RESULT = Path(__file__).resolve().parents[1] / "results" / "strategies.json"
#: The policy and the kind of case by which the speed goes on record.
RECORD = ("household_chemicals", "any case")


def rate(strategy: SearchStrategy[Any], examples: int) -> float:
    """Values a second, as a test draws them."""
    count = 0

    @settings(
        max_examples=examples, database=None, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(strategy)
    def draw(value: object) -> None:
        nonlocal count
        count += 1

    draw()
    count, start = 0, time.process_time()
    draw()
    return count / (time.process_time() - start)


def choices(opened: Opened) -> int:
    """How many choices a complete case takes: one a fact, up to three a set, and which rule it is led to, and how."""
    assert opened.policy is not None
    sizes = [len(fact.type.values) if isinstance(fact.type, SetType) else 1 for fact in opened.policy.facts]
    return sum(min(3, size) for size in sizes) + 2


def measure(examples: int) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / "hundred_rules.safecot"
        large.write_text(policy_source(100), encoding="utf-8")
        for path in (
            policies_root() / "household_chemicals.safecot",
            policies_root() / "people_privacy.safecot",
            large,
        ):
            opened = open_policy(path)
            assert opened.policy is not None
            name = opened.policy.rules[0].name
            found[path.stem] = {
                "any case": rate(cases(opened), examples),
                "facts unknown": rate(cases(opened, unknown=True), examples),
                "where": rate(cases(opened, where=opened.policy.rules[0].when), examples),
                "decided by a rule": rate(cases(opened, decided_by=name), examples),
                "pairs": rate(pairs(opened), examples),
                "pairs near a rule": rate(pairs(opened, near=name), examples),
                "bare whole numbers": rate(st.tuples(*[st.integers(0, 5)] * choices(opened)), examples),
            }
    found["policies"] = {"artifacts": rate(policies(), examples), "texts": rate(policy_texts(), examples)}
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="How many cases a second are drawn.")
    parser.add_argument("--examples", type=int, default=500)
    found = measure(parser.parse_args().examples)
    table = Table("policy", "drawn", "a second")
    for policy, rates in found.items():
        for kind, value in rates.items():
            table.add_row(policy, kind, f"{value:,.0f}")
    Console(stderr=True).print(table)
    ours, bare = found[RECORD[0]][RECORD[1]], found[RECORD[0]]["bare whole numbers"]
    result = {
        "benchmark": "strategies",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "versions": {name: version(name) for name in ("safecot-dsl", "hypothesis", "z3-solver")}
        | {"python": platform.python_version()},
        "ours": round(ours),
        "peers": {"hypothesis: as many whole numbers": round(bare)},
        "unit": "cases a second of processor time, household_chemicals",
        "ratio_to_best_peer": round(ours / bare, 2),
        "detail": {policy: {kind: round(value) for kind, value in rates.items()} for policy, rates in found.items()},
    }
    RESULT.parent.mkdir(exist_ok=True)
    line = json.dumps(result)
    write_whole(RESULT, line + "\n")
    print(line)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
