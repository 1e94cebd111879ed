"""Compares the accounts on many pairs: `python -m tests.differential --pairs 1000000 --log FOLDER`.

Each chunk of pairs that is done is a line of a log in the folder; running the command again goes on behind the last.
With `--part I/N` several processes share the work, each with chunks and a log of its own. A policy counts once, however
often it was drawn. It ends with 1 at the first disagreement, which Hypothesis has made small by then, and no line is
written for that chunk. `--summary FILE` writes what the logs come to, as JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .chunks import CASES, POLICIES, compare_chunk
from .compare import NOTHING, Compared
from .disagreement import Disagreement


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    parser.add_argument("--pairs", type=int, default=1_000_000, help="how many to reach in all")
    parser.add_argument("--log", type=Path, required=True, help="a folder of logs: what was done already counts")
    parser.add_argument("--part", default="0/1", help="which of how many processes this one is")
    parser.add_argument("--summary", type=Path, help="where to write the totals")
    options = parser.parse_args(arguments)
    part, parts = map(int, options.part.split("/"))
    options.log.mkdir(parents=True, exist_ok=True)
    log = options.log / f"part-{part}-of-{parts}.jsonl"
    while sum((found := _read(options.log))[1].values(), NOTHING).pairs < options.pairs:
        number = max((line["chunk"] + parts for line in _lines(log)), default=part)
        started, processor = time.perf_counter(), time.process_time()
        try:
            compared = compare_chunk(number, seen=found[1].keys())
        except Disagreement as differing:
            sys.stderr.write(f"chunk {number}: {differing}\n")
            return 1
        line = {
            "chunk": number,
            "seconds": round(time.perf_counter() - started, 2),
            "processor": round(time.process_time() - processor, 2),
            "policies": {digest: asdict(one) for digest, one in compared.items()},
        }
        with log.open("a", encoding="utf-8") as opened:
            opened.write(json.dumps(line) + "\n")
        sys.stderr.write(f"chunk {number}: {sum(compared.values(), NOTHING).pairs:,} pairs, no disagreement\n")
    summary = json.dumps(_summary(*_read(options.log)), indent=1) + "\n"
    sys.stdout.write(summary)
    if options.summary is not None:
        options.summary.write_text(summary, encoding="utf-8")
    return 0


def _lines(log: Path) -> list[dict[str, Any]]:
    if not log.is_file():
        return []
    # A line that another process is writing has no end yet.
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines(keepends=True) if line[-1] == "\n"]


def _read(folder: Path) -> tuple[list[dict[str, Any]], dict[str, Compared]]:
    """The lines of all logs, and what was compared of each policy."""
    lines = [line for log in sorted(folder.glob("part-*.jsonl")) for line in _lines(log)]
    return lines, {digest: Compared(**one) for line in lines for digest, one in line["policies"].items()}


def _summary(lines: Sequence[dict[str, Any]], compared: dict[str, Compared]) -> dict[str, Any]:
    """What logs come to. `processor` is seconds of processor time, of all threads; `seconds` are on the clock."""
    return {
        "seeds": [min(line["chunk"] for line in lines), max(line["chunk"] for line in lines)] if lines else [],
        "chunks": len(lines),
        "policies_drawn": POLICIES * len(lines),
        "policies": len(compared),
        "cases_of_each_at_most": CASES,
        "disagreements": 0,
        **asdict(sum(compared.values(), NOTHING)),
        "seconds": round(sum(line["seconds"] for line in lines)),
        "processor": round(sum(line["processor"] for line in lines)),
    }


if __name__ == "__main__":
    sys.exit(main())
