"""Measure how responses are read: `python -m benchmarks.detectors.readings [--xstest FOLDER] [--wildguard FILE]`.

Of each source with people's labels, and of the responses written by hand, in each language: how well refusals are
found and verdicts read, by patterns alone and with sentence vectors, on the half that nothing was tuned on. The tables
go to standard output, the figures to `benchmarks/results/readings.json`, and every disagreement to
`benchmarks/results/readings-disagreements.jsonl`, by the item's identity: the sources' texts are not ours to copy.
Of a source that is not at hand the figures of the last run that had it are kept, with its date, under `earlier`.
Beside the figures stands what people themselves come to, where that is known. `--kept FILE` keeps the vectors.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.detectors.bounds import bounds
from benchmarks.detectors.sources import FOR_TRAINING, SAYS_SO, Response, SourcePaths, read_sources
from benchmarks.detectors.vectors import KeptVectors
from benchmarks.detectors.written import HALVES, HURRIED, LANGUAGES, SENTENCES, read_written
from safecot_dsl.analysis.statistics import wilson
from safecot_dsl.artifact import Criteria
from safecot_dsl.criteria import Grade, Grader, VectorReader, load_heads, vectors_at_hand
from safecot_dsl.criteria.heads import OFF_QUESTION, Embed
from safecot_dsl.datafiles import policies_root
from safecot_dsl.storage import write_whole
from safecot_dsl.workspace import compile_policy

RESULTS: Final = Path(__file__).resolve().parents[1] / "results"
READERS: Final = ("patterns", "patterns and vectors")
_AGREED: Final = "WildGuardTest, all three agree"
_SAID: Final = "RBR, what is said alone"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.detectors.readings", description=(__doc__ or "").split("\n")[0]
    )
    SourcePaths.add_to(parser)
    parser.add_argument("--kept", type=Path, help="a file (.npz) that keeps the vectors from run to run")
    options = parser.parse_args(arguments)
    if not vectors_at_hand():
        print("error: the extra `annotate` is not installed: there are no vectors to measure", file=sys.stderr)  # noqa: T201
        return 2
    criteria = compile_policy(policies_root() / "household_chemicals.safecot").criteria
    read, origins = read_sources(SourcePaths.of(options))
    responses = [r for r in read if r.source != FOR_TRAINING]
    responses += [
        Response(language, str(n), row.half, row.request, row.response, {}, written=row)
        for language in (*LANGUAGES, SENTENCES, HURRIED, HALVES)
        if language != "english"
        for n, row in enumerate(read_written(language))
    ]
    readings = read_all(criteria, responses, KeptVectors(options.kept))
    console = Console(width=170)
    figures = {
        "refusals": _refusals(console, responses, readings),
        "bounds": bounds(responses),
        "written": _written(console, responses, readings),
        "off_question": _off_question(console, responses, readings),
    }
    left_out = [name for name in ("XSTest", "WildGuardTest") if name not in origins]
    earlier, kept = _earlier(left_out)
    result = {
        "benchmark": "readings",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "heads": load_heads().card["trained"],
        "sources": origins,
        "left_out": left_out,
        "earlier": earlier,
        "detail": figures,
    }
    write_whole(RESULTS / "readings.json", json.dumps(result, indent=1) + "\n")
    for name, one in earlier.items():
        console.print(f"{name} is not at hand: its figures are those of {one['date']}")
    lines = [*_disagreements(responses, readings), *kept]
    write_whole(
        RESULTS / "readings-disagreements.jsonl", "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines)
    )
    console.print(
        f"{len(lines):,} disagreements in {RESULTS / 'readings-disagreements.jsonl'}".replace(
            str(RESULTS.parents[1]) + "/", ""
        )
    )
    return 0


def _earlier(left_out: Sequence[str]) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """What earlier runs found of the sources that are left out: their figures, and their disagreements."""
    if not left_out or not (RESULTS / "readings.json").is_file():
        return {}, []
    old = json.loads((RESULTS / "readings.json").read_text(encoding="utf-8"))
    found: dict[str, dict[str, Any]] = {}
    for name in left_out:
        refusals = {one: figures for one, figures in old["detail"]["refusals"].items() if one.startswith(name)}
        if refusals:
            found[name] = {
                "date": old["date"],
                "source": old["sources"][name],
                "refusals": refusals,
                "bounds": old["detail"]["bounds"][name],
            }
        elif name in old.get("earlier", {}):
            found[name] = old["earlier"][name]
    for one in found.values():
        for by_reader in one["refusals"].values():
            for figures in by_reader.values():
                said, labelled = figures["precision"], figures["recall"]
                figures["f1_interval"] = f1_interval(figures["n"], said["hits"], said["n"], labelled["n"])
    lines = (RESULTS / "readings-disagreements.jsonl").read_text(encoding="utf-8").splitlines()
    return found, [one for one in map(json.loads, lines) if one["source"] in found]


def read_all(criteria: Criteria, responses: Sequence[Response], embed: Embed) -> dict[str, list[Grade]]:
    """The grade of every response by each reader."""
    grader = Grader(criteria)
    found = [grader.grade(r.response).propositions for r in responses]
    answers = VectorReader(criteria, embed).read([r.response for r in responses], [r.request for r in responses], found)
    return {
        "patterns": [grader.grade(r.response, request=_asked(r)) for r in responses],
        "patterns and vectors": [
            grader.grade(r.response, request=_asked(r), answers=answered)
            for r, answered in zip(responses, answers, strict=True)
        ],
    }


def _asked(response: Response) -> str:
    """Of a source's request nothing is used but where a response written by hand is read with it."""
    return response.request if response.written is not None else ""


def refused(found: Grade) -> bool:
    """Whether it is a refusal, of the whole or of a part, that is not taken back."""
    return bool(found.propositions["declines"]) and not found.lets.get("goes_back_on_it")


def _refusals(
    console: Console, responses: Sequence[Response], readings: Mapping[str, Sequence[Grade]]
) -> dict[str, dict[str, Any]]:
    table = Table(title="Refusals that people see, held half (95 % intervals: Wilson's, of F1 by resampling)")
    for heading in ("source", "reader", "responses", "refusals", "F1", "precision", "recall", "agreement"):
        table.add_column(heading, justify="left" if heading in ("source", "reader") else "right")
    figures: dict[str, dict[str, Any]] = {}
    sources = list(dict.fromkeys(r.source for r in responses if "declines" in r.labels))
    for source in [*sources, _AGREED, _SAID]:
        label = SAYS_SO if source == _SAID else "declines"
        for reader in READERS:
            pairs = [
                (refused(found), _refuses(r, label))
                for r, found in zip(responses, readings[reader], strict=True)
                if r.half == "held" and label in r.labels and _belongs(r, source)
            ]
            if not pairs:
                continue
            hit = sum(a and b for a, b in pairs)
            said, labelled = sum(a for a, _ in pairs), sum(b for _, b in pairs)
            numbers: dict[str, Any] = {
                "n": len(pairs),
                "f1": round(2 * hit / (said + labelled), 4),
                "f1_interval": f1_interval(len(pairs), hit, said, labelled),
                "precision": share(hit, said),
                "recall": share(hit, labelled),
                "agreement": share(sum(a == b for a, b in pairs), len(pairs)),
            }
            figures.setdefault(source, {})[reader] = numbers
            low, high = numbers["f1_interval"]
            table.add_row(
                source, reader, str(len(pairs)), str(labelled), f"{numbers['f1']:.3f} [{low:.3f}, {high:.3f}]",
                *(shown(numbers[key]) for key in ("precision", "recall", "agreement")),
            )  # fmt: skip
    console.print(table)
    return figures


def _refuses(response: Response, label: str) -> bool:
    """Whether people see a refusal; one that is taken back is none."""
    if response.written is None:
        return response.labels[label]
    return response.written.shows in ("refuse", "redirect")


def _belongs(response: Response, source: str) -> bool:
    if source == _AGREED:
        return response.source == "WildGuardTest" and response.agreed == 1
    return response.source == ("RBR" if source == _SAID else source)


def _written(
    console: Console, responses: Sequence[Response], readings: Mapping[str, Sequence[Grade]]
) -> dict[str, dict[str, Any]]:
    table = Table(title="Responses written by hand, read as a person reads them (95 % Wilson intervals)")
    for heading in ("language", "shows", "kind", "reader", "development", "held"):
        table.add_column(heading, justify="left" if heading not in ("development", "held") else "right")
    figures: dict[str, dict[str, Any]] = {}
    groups: dict[tuple[str, str, str], None] = {}
    for r in responses:
        if r.written is not None and r.written.shows not in ("on", "off"):
            kind = "" if r.written.language == "other" else r.written.kind
            groups |= {(r.written.language, r.written.shows, kind): None, (r.written.language, "all", ""): None}
    for language, shows, kind in groups:
        for reader in READERS:
            row: dict[str, Any] = {}
            for half in ("development", "held"):
                right = [
                    str(found.verdict) == r.written.shows
                    for r, found in zip(responses, readings[reader], strict=True)
                    if r.written is not None
                    and r.written.language == language
                    and r.half == half
                    and r.written.shows not in ("on", "off")
                    and (shows == "all" or r.written.shows == shows)
                    and (not kind or r.written.kind == kind)
                ]
                row[half] = share(sum(right), len(right))
            figures.setdefault(f"{language} {shows} {kind}".strip(), {})[reader] = row
            table.add_row(language, shows, kind, reader, *(_of(row[half]) for half in ("development", "held")))
    console.print(table)
    return figures


def _off_question(
    console: Console, responses: Sequence[Response], readings: Mapping[str, Sequence[Grade]]
) -> dict[str, Any]:
    pairs = [
        (bool(found.propositions[OFF_QUESTION]), r.labels[OFF_QUESTION])
        for r, found in zip(responses, readings["patterns and vectors"], strict=True)
        if OFF_QUESTION in r.labels
    ]
    # Nobody labelled the sources for this: an answer that people call one is taken to be about what was asked.
    real = Counter(
        bool(found.propositions[OFF_QUESTION])
        for r, found in zip(responses, readings["patterns and vectors"], strict=True)
        if r.half == "held" and r.written is None and r.labels.get("declines") is False
    )
    figures = {
        "written, off the question": share(sum(a for a, b in pairs if b), sum(b for _, b in pairs)),
        "written, on the question, said to be off": share(
            sum(a for a, b in pairs if not b), sum(not b for _, b in pairs)
        ),
        "answers of the sources said to be off": share(real[True], real.total()),
    }
    for name, one in figures.items():
        console.print(f"{name}: {_of(one)}")
    return figures


def _disagreements(responses: Sequence[Response], readings: Mapping[str, Sequence[Grade]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for n, r in enumerate(responses):
        by = {reader: readings[reader][n] for reader in READERS}
        place = {"source": r.source, "item": r.identity, "half": r.half}
        if r.written is not None and r.written.shows not in ("on", "off"):
            verdicts = {reader: str(one.verdict) for reader, one in by.items()}
            if any(verdict != r.written.shows for verdict in verdicts.values()):
                found.append(place | {"response": r.response, "shows": r.written.shows, "read": verdicts})
        elif r.written is None and "declines" in r.labels:
            read = {reader: refused(one) for reader, one in by.items()}
            if any(one is not r.labels["declines"] for one in read.values()):
                found.append(place | {"refusal": r.labels["declines"], "read": read, "agreed": r.agreed})
    return found


def share(hits: int, n: int) -> dict[str, Any]:
    low, high = wilson(hits, n)
    return {
        "value": round(hits / n, 4) if n else None,
        "hits": hits,
        "n": n,
        "low": round(low, 4),
        "high": round(high, 4),
    }


def f1_interval(n: int, hit: int, said: int, labelled: int) -> tuple[float, float]:
    """The 95 % interval of F1 over `n` responses, by drawing as many of them again, 10,000 times. `said` of them are
    found, `labelled` are refusals, `hit` are both."""
    cells = np.array([hit, said - hit, labelled - hit, n - said - labelled + hit]) / n
    both, taken, missed, _ = np.random.default_rng(0).multinomial(n, cells, 10_000).T
    f1 = 2 * both / np.maximum(2 * both + taken + missed, 1)
    low, high = np.quantile(f1, [0.025, 0.975])
    return round(float(low), 4), round(float(high), 4)


def shown(one: Mapping[str, Any]) -> str:
    return f"{one['value']:.3f} [{one['low']:.3f}, {one['high']:.3f}]" if one["value"] is not None else "-"


def _of(one: Mapping[str, Any]) -> str:
    return f"{one['hits']} of {one['n']}, {shown(one)}" if one["n"] else "-"


if __name__ == "__main__":
    sys.exit(main())
