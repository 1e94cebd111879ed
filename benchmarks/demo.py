"""Keep what a run of the demo came to, for the documents: `python -m benchmarks.demo RUN [--seconds S]`.

Writes `docs/results/demo.json`: the shares (0..1) of each split and arm with their 95 % intervals, the claims, what the
run was made of, and the digest of the picture of its report. A test holds README.md and docs/results.md against it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from safecot_dsl.storage import sha256_file, write_whole

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs/results/demo.json"
PICTURE = ROOT / "docs/images/report.png"
ARMS = ("base", "no_reasoning", "safecot")
METRICS = ("safe_refusal", "over_refusal", "verdict_accuracy", "utility")


def kept(summary: dict, seconds: float | None) -> dict:
    """The part of a run's `summary.json` that documents show."""
    splits = {
        name: {arm: {metric: arms[arm][metric] for metric in METRICS} for arm in ARMS}
        for name, arms in summary["splits"].items()
        if name != "validation"
    }
    claims = {
        claim["name"]: {key: claim[key] for key in ("statement", "effect", "low", "high", "held")}
        | {"p": (claim["paired"] or {}).get("p")}
        for claim in summary["hypothesis"]["claims"]
    }
    changed = summary["faithfulness"]["safecot"]["reasoning"]
    return {
        "command": "safecotc run demo",
        "seconds": seconds,
        "policy": summary["policy"],
        "splits": splits,
        "claims": claims,
        "faithfulness": {name: changed[name] for name in ("premise", "conclusion")},
        "facts_right": {name: arms["safecot"]["facts_right"] for name, arms in summary["splits"].items()},
        "picture": sha256_file(PICTURE),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.demo", description=__doc__)
    parser.add_argument("run", type=Path, help="the run's folder, such as runs/demo")
    parser.add_argument("--seconds", type=float, help="how long the run took")
    arguments = parser.parse_args()
    summary = json.loads((arguments.run / "summary.json").read_text(encoding="utf-8"))
    write_whole(OUT, json.dumps(kept(summary, arguments.seconds), indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
