"""Compares the accounts on many pairs: `python -m tests.differential --pairs 1000000 --log pairs.jsonl`.

Each chunk of pairs that is done is a line of the log; running the command again goes on behind the last. It ends with 1
at the first disagreement, which Hypothesis has made small by then, and no line is written for that chunk.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from .chunks import compare_chunk
from .compare import NOTHING, Compared, Disagreement


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    parser.add_argument("--pairs", type=int, default=1_000_000, help="how many to reach in all")
    parser.add_argument("--log", type=Path, required=True, help="a line for each chunk: what was done already counts")
    arguments = parser.parse_args()
    lines = arguments.log.read_text(encoding="utf-8").splitlines() if arguments.log.is_file() else []
    done = [json.loads(line) for line in lines]
    total = sum((Compared(**line["compared"]) for line in done), NOTHING)
    seconds = sum(line["seconds"] for line in done)
    number = max((line["chunk"] for line in done), default=-1)
    while total.pairs < arguments.pairs:
        number += 1
        started = time.perf_counter()
        try:
            compared = compare_chunk(number)
        except Disagreement as found:
            sys.stderr.write(f"chunk {number}: {found}\n")
            return 1
        took = time.perf_counter() - started
        line = {"chunk": number, "compared": asdict(compared), "seconds": round(took, 2)}
        with arguments.log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        total, seconds = total + compared, seconds + took
        sys.stderr.write(f"chunk {number}: {total.pairs:,} pairs, no disagreement, {seconds:.0f} s\n")
    sys.stdout.write(f"chunks 0 to {number}: {total}, no disagreement, {seconds:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
