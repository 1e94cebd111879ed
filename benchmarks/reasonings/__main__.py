"""Measure the texts of every shipped policy and of one with a hundred rules: `python -m benchmarks.reasonings`.

Words of a stepwise reasoning over drawn cases (median, 95th percentile), and the seconds in which a reader who reads
240 words a minute has come to the end of the line on the rule that decides, or of the reasoning where `default` or
`unsure` speaks. The last line is the result in JSON, and it is kept as `benchmarks/results/reasonings.json`.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.reasonings.large import large_policy
from benchmarks.rows.requests import distinct_cases
from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.datafiles import policies_root
from safecot_dsl.engine import Interpreter
from safecot_dsl.render import ReasoningStyle, Rendered, Renderer, sentence_lines
from safecot_dsl.storage import write_whole
from safecot_dsl.workspace import compile_policy

RESULT = Path(__file__).resolve().parents[1] / "results" / "reasonings.json"
CASES = 2_000
WORDS_A_MINUTE = 240
#: The goal for the 95th percentile.
GOAL = 120


def main() -> int:
    detail: dict[str, Any] = {}
    for path in sorted(policies_root().glob("*.safecot")) + sorted((policies_root() / "published").glob("*.safecot")):
        detail[path.stem] = measure(compile_policy(path))
        print(path.stem, json.dumps(detail[path.stem]), file=sys.stderr)  # noqa: T201
    with TemporaryDirectory() as folder:
        source = Path(folder) / "large.safecot"
        source.write_text(large_policy(), encoding="utf-8")
        detail["a hundred rules"] = measure(compile_policy(source))
    result = {
        "benchmark": "reasonings",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "versions": {"safecot-dsl": version("safecot-dsl"), "python": platform.python_version()},
        "ours": max(found["p95"] for found in detail.values()),
        "peers": {},
        "unit": f"words of a stepwise reasoning, 95th percentile, the longest policy; goal {GOAL}",
        "ratio_to_best_peer": None,
        "detail": {"cases": CASES, "policies": detail},
    }
    RESULT.parent.mkdir(exist_ok=True)
    line = json.dumps(result, sort_keys=False)
    write_whole(RESULT, line + "\n")
    print(line)  # noqa: T201
    return 0


def measure(policy: CompiledPolicy) -> dict[str, Any]:
    """Words and reading times of drawn cases."""
    interpreter = Interpreter(policy)
    renderer = Renderer(interpreter)
    words: list[int] = []
    found: list[float] = []
    for number, case in enumerate(distinct_cases(policy, CASES, Random(0))):
        rendered = renderer.render(case, style=ReasoningStyle.STEPWISE, seed=str(number), source_answer="Fine.")
        lines = [sum(len(s.text.split()) for s in line) for line in sentence_lines(rendered)]
        words.append(sum(lines))
        found.append(sum(lines[: deciding_line(policy, rendered) + 1]) * 60 / WORDS_A_MINUTE)
    words.sort()
    found.sort()
    return {
        "rules": len(policy.rules),
        "median": median(words),
        "p95": words[int(0.95 * len(words))],
        "seconds": {"median": round(median(found), 1), "p95": round(found[int(0.95 * len(found))], 1)},
    }


def deciding_line(policy: CompiledPolicy, rendered: Rendered) -> int:
    """The number of the line after which a reader knows which rule decides."""
    lines = sentence_lines(rendered)
    cited = set(rendered.cited)
    lineage = {rule.name: {rule.name, *rule.exception_to} for rule in policy.rules}
    wanted = set().union(*(lineage.get(name, set()) for name in cited))
    places = [place for place, line in enumerate(lines) if line[0].about in wanted or {s.rule for s in line} & cited]
    return places[0] if places and cited & set(lineage) else len(lines) - 1


if __name__ == "__main__":
    sys.exit(main())
