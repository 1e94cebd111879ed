"""Compares the accounts on many pairs: `python -m tests.differential --pairs 1000000 --log pairs.jsonl`.

Each chunk of pairs that is done is a line of the log; running the command again goes on behind the last. A policy that
an earlier chunk had is left out, so that no pair counts twice. It ends with 1 at the first disagreement, which
Hypothesis has made small by then, and no line is written for that chunk. `--summary FILE` writes what a log comes to,
as JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .chunks import CASES, POLICIES, compare_chunk
from .compare import NOTHING, Compared
from .disagreement import Disagreement


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    parser.add_argument("--pairs", type=int, default=1_000_000, help="how many to reach in all")
    parser.add_argument("--log", type=Path, required=True, help="a line for each chunk: what was done already counts")
    parser.add_argument("--summary", type=Path, help="where to write the totals")
    arguments = parser.parse_args()
    lines = arguments.log.read_text(encoding="utf-8").splitlines() if arguments.log.is_file() else []
    done = [json.loads(line) for line in lines]
    total = sum((Compared(**line["compared"]) for line in done), NOTHING)
    seen = {digest for line in done for digest in line["policies"]}
    while total.pairs < arguments.pairs:
        number = done[-1]["chunk"] + 1 if done else 0
        started, processor = time.perf_counter(), time.process_time()
        try:
            compared, digests = compare_chunk(number, seen=seen)
        except Disagreement as found:
            sys.stderr.write(f"chunk {number}: {found}\n")
            return 1
        line = {
            "chunk": number,
            "compared": asdict(compared),
            "seconds": round(time.perf_counter() - started, 2),
            "processor": round(time.process_time() - processor, 2),
            "policies": digests,
        }
        with arguments.log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        done.append(line)
        total, seen = total + compared, seen.union(digests)
        sys.stderr.write(f"chunk {number}: {total.policies:,} policies, {total.pairs:,} pairs, no disagreement\n")
    summary = _summary(done, total)
    sys.stdout.write(json.dumps(summary, indent=1) + "\n")
    if arguments.summary is not None:
        arguments.summary.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    return 0


def _summary(done: list[dict[str, Any]], total: Compared) -> dict[str, Any]:
    """What a log comes to. `processor` is seconds of processor time, of all threads; `seconds` are on the clock."""
    return {
        "seeds": [done[0]["chunk"], done[-1]["chunk"]] if done else [],
        "policies_drawn": POLICIES * len(done),
        "cases_of_each_at_most": CASES,
        "disagreements": 0,
        **asdict(total),
        "seconds": round(sum(line["seconds"] for line in done)),
        "processor": round(sum(line["processor"] for line in done)),
    }


if __name__ == "__main__":
    sys.exit(main())
