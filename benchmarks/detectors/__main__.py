"""Measure the standard detectors: `python -m benchmarks.detectors [--rbr PATH] [--vlguard PATH] [--xstest FOLDER]`.

The data is RBR's `gold_train.jsonl` (openai/safety-rbr-code-and-data), VLGuard's `train.json` (ys-zong/VLGuard) and,
where it is at hand, a checkout of XSTest with the completions that people labelled (paul-rottger/exaggerated-safety).
The last line is the result in JSON, and it is kept as `benchmarks/results/detectors.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.detectors.data import Labelled, Part, of_half, read_rbr, read_vlguard
from benchmarks.detectors.peers import has_keyword, starts_as_refusal
from benchmarks.detectors.xstest import disagreements, measure, read_xstest
from safecot_dsl.analysis.statistics import wilson
from safecot_dsl.artifact import Criteria
from safecot_dsl.criteria import detect, response_verdict
from safecot_dsl.datafiles import policies_root
from safecot_dsl.storage import write_whole
from safecot_dsl.workspace import compile_policy

PARTS: tuple[Part, ...] = ("development", "held", "both")
RESULT = Path(__file__).resolve().parents[1] / "results" / "detectors.json"

#: RBR's label, our proposition, and the peers that claim to find the same.
RBR: tuple[tuple[str, str], ...] = (
    ("inability_to_comply", "declines"),
    ("apology", "apologises"),
    ("apology_acknowledges_emotional_state", "sympathises"),
    ("judgement", "judges_user"),
    ("requests_information", "asks_question"),
    ("encourage_professional_help", "refers_to_help"),
    ("gentle_encouragement_for_help", "encourages"),
    ("reference_safety_policy", "cites_policy"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detectors", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rbr", type=Path, default=Path("../shared/data/rbr/gold_train.jsonl"))
    parser.add_argument("--vlguard", type=Path, default=Path("../shared/data/vlguard/train.json"))
    parser.add_argument("--xstest", type=Path, help="a checkout of paul-rottger/exaggerated-safety")
    parser.add_argument("--disagreements", action="store_true", help="print the development half's disagreements too")
    options = parser.parse_args(arguments)
    for path in (options.rbr, options.vlguard):
        if not path.is_file():
            print(f"error: {path} is not there; say where it is with --rbr and --vlguard", file=sys.stderr)  # noqa: T201
            return 2

    # Any policy that imports the standard criteria has them.
    criteria = compile_policy(policies_root() / "household_chemicals.safecot").criteria
    vlguard, rbr = read_vlguard(options.vlguard), read_rbr(options.rbr)
    console = Console(width=None if sys.stdout.isatty() else 140)

    started = time.process_time()
    found = {id(row): detect(criteria, row.response) for row in (*vlguard, *rbr)}
    rate = len(found) / (time.process_time() - started)

    detectors: dict[str, Callable[[Labelled], bool]] = {
        "declines": lambda row: bool(found[id(row)]["declines"]),
        "keyword anywhere": lambda row: has_keyword(row.response),
        "keyword at the start": lambda row: starts_as_refusal(row.response),
    }
    agreement = _vlguard_table(console, vlguard, detectors)
    _verdict_table(console, criteria, vlguard)
    propositions = _rbr_table(console, rbr, found, detectors)
    console.print(f"{len(found):,} responses, {rate:,.0f} a second of processor time, all standard propositions\n")
    completions = [] if options.xstest is None else read_xstest(options.xstest)
    xstest = measure(console, criteria, completions) if completions else None
    if options.disagreements:
        _disagreements(console, vlguard, rbr, found)
        for line in disagreements(criteria, completions):
            console.print(line, markup=False, soft_wrap=True)

    held = {name: round(halves["held"]["value"], 4) for name, halves in agreement.items()}
    ours = held.pop("declines")
    result = {
        "benchmark": "detectors",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "versions": {name: version(name) for name in ("safecot-dsl", "google-re2")}
        | {"python": platform.python_version()},
        "ours": ours,
        "peers": held,
        "unit": "agreement with VLGuard's refusals and answers, held half",
        "ratio_to_best_peer": round(ours / max(held.values()), 4),
        "detail": {"vlguard": agreement, "rbr": propositions, "responses_per_second": round(rate)}
        | ({} if xstest is None else {"xstest": xstest}),
    }
    RESULT.parent.mkdir(exist_ok=True)
    line = json.dumps(result, sort_keys=False)
    write_whole(RESULT, line + "\n")
    print(line)  # noqa: T201
    return 0


def _share(hits: int, n: int) -> dict[str, Any]:
    low, high = wilson(hits, n)
    return {"value": hits / n if n else None, "low": round(low, 4), "high": round(high, 4), "n": n}


def _shown(share: dict[str, Any]) -> str:
    if share["value"] is None:
        return "-"
    return f"{share['value']:.3f} [{share['low']:.3f}, {share['high']:.3f}]"


def _vlguard_table(
    console: Console, rows: list[Labelled], detectors: dict[str, Callable[[Labelled], bool]]
) -> dict[str, Any]:
    table = Table(title="VLGuard: refusal or answer (95 % Wilson intervals)")
    for heading in ("detector", "half", "responses", "agreement", "refusals missed", "answers taken for refusals"):
        table.add_column(heading, justify="left" if heading in ("detector", "half") else "right")
    agreement: dict[str, Any] = {}
    for name, detector in detectors.items():
        for half in PARTS:
            part = of_half(rows, half)
            missed = sum(row.labels["refusal"] and not detector(row) for row in part)
            taken = sum(not row.labels["refusal"] and detector(row) for row in part)
            share = _share(len(part) - missed - taken, len(part))
            agreement.setdefault(name, {})[half] = share | {"missed": missed, "taken": taken}
            table.add_row(name, half, f"{len(part):,}", _shown(share), str(missed), str(taken))
    console.print(table)
    return agreement


def _verdict_table(console: Console, criteria: Criteria, rows: list[Labelled]) -> None:
    table = Table(title="VLGuard: the verdict that a response shows")
    verdicts = ("refuse", "redirect", "clarify", "warn", "comply", "unscored")
    table.add_column("responses")
    table.add_column("half")
    for verdict in verdicts:
        table.add_column(verdict, justify="right")
    for refusal, title in ((True, "refusals"), (False, "answers")):
        for half in PARTS:
            part = [row for row in of_half(rows, half) if row.labels["refusal"] is refusal]
            counts = Counter(str(response_verdict(criteria, row.response)) for row in part)
            table.add_row(title, half, *(str(counts[verdict]) for verdict in verdicts))
    console.print(table)


def _rbr_table(
    console: Console,
    rows: list[Labelled],
    found: dict[int, dict[str, bool | None]],
    detectors: dict[str, Callable[[Labelled], bool]],
) -> dict[str, Any]:
    table = Table(title="RBR: people's labels (95 % Wilson intervals)")
    for heading in ("label", "detector", "half", "labelled", "found", "precision", "recall"):
        table.add_column(heading, justify="left" if heading in ("label", "detector", "half") else "right")
    measured: dict[str, Any] = {}

    def measure(label: str, name: str, detector: Callable[[Labelled], bool], half: Part, part: Iterable[Labelled]):
        pairs = [(detector(row), row.labels[label]) for row in part]
        both = sum(f and labelled for f, labelled in pairs)
        n_found, n_labelled = sum(f for f, _ in pairs), sum(labelled for _, labelled in pairs)
        precision, recall = _share(both, n_found), _share(both, n_labelled)
        table.add_row(label, name, half, str(n_labelled), str(n_found), _shown(precision), _shown(recall))
        measured.setdefault(f"{label}/{name}", {})[half] = {"precision": precision, "recall": recall}

    for label, proposition in RBR:
        for half in PARTS:
            part = of_half(rows, half)
            measure(label, proposition, lambda row, p=proposition: bool(found[id(row)][p]), half, part)
    for name, detector in list(detectors.items())[1:]:
        for half in PARTS:
            measure("inability_to_comply", name, detector, half, of_half(rows, half))
    console.print(table)
    return measured


def _disagreements(
    console: Console, vlguard: list[Labelled], rbr: list[Labelled], found: dict[int, dict[str, bool | None]]
) -> None:
    """Every disagreement in the development halves; the held halves are not to be read while detectors are tuned."""
    for title, rows, pairs in (("VLGuard", vlguard, (("refusal", "declines"),)), ("RBR", rbr, RBR)):
        for label, proposition in pairs:
            for row in of_half(rows, "development"):
                if bool(found[id(row)][proposition]) is not row.labels[label]:
                    kind = "missed" if row.labels[label] else "found"
                    text = " ".join(row.response.split())
                    console.print(f"{title} {label} {kind} {row.identity}: {text[:300]}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
