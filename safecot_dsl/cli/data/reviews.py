"""`safecotc data reviews`: what people said of rows, whether they agree, and their files merged into one."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from safecot_dsl.cli.output import FORMAT, Exit, OutputFormat, check_target, console, fail, write_json
from safecot_dsl.extras import require

if TYPE_CHECKING:
    from safecot_dsl.dataset.reviews import Standing
    from safecot_dsl.evaluation.reviewing import AnnotatorShare, ReviewerPair


def reviews(
    files: list[Path] = typer.Argument(..., metavar="FILE...", help="Files of reviews, `reviews.jsonl`."),
    out: Path | None = typer.Option(
        None, "--out", "-o", metavar="FILE", help="Write the reviews of all files into this one, each once, by time."
    ),
    rows: Path | None = typer.Option(
        None, "--rows", metavar="DATASET", help="The data set: which reviews still fit its rows, and its annotators."
    ),
    format: OutputFormat = FORMAT,
) -> None:
    """Count what people said of rows, say how far they agree, and merge their files. Exit code 1 where lines of a file
    are no reviews."""
    require(["data"])
    from safecot_dsl.dataset.reviews import Standing, merge_reviews, read_reviews, write_reviews
    from safecot_dsl.evaluation.reviewing import annotator_shares, reviewer_pairs

    missing = next((file for file in files if not file.is_file()), None)
    if missing is not None:
        fail(f"there is no file {missing}")
    if out is not None:
        check_target(out, *files)
    parts = {file: read_reviews(file) for file in files}
    merged, clashes = merge_reviews(parts.values())
    faults = [f"{file}: {fault}" for file, part in parts.items() for fault in part.faults] + list(clashes)
    by_row: dict[str, list[Any]] = {}
    for review in merged:
        by_row.setdefault(review.row, []).append(review)
    standing = {row: Standing.of(found) for row, found in by_row.items()}
    unfit = 0
    annotators: tuple[AnnotatorShare, ...] = ()
    if rows is not None:
        found = _rows(rows, standing)
        unfit = sum(len(one.reviews) for one in standing.values()) - sum(len(fit.reviews) for _, fit in found.values())
        standing = {row: fit for row, (_, fit) in found.items()}
        annotators = annotator_shares(found.values())
    if out is not None:
        write_reviews(out, merged)
    pairs = reviewer_pairs(standing.values())
    report = {
        "reviews": len(merged),
        "rows": len(standing),
        "reviewers": dict(sorted(Counter(one.reviewer for one in merged).items())),
        "states": dict(sorted(Counter(one.state for one in standing.values() if one.reviews).items())),
        "disputed": sorted(row for row, one in standing.items() if one.disputed),
        "unfit": unfit,
        "agreement": [pair.model_dump(mode="json") for pair in pairs],
        "annotators": [one.model_dump(mode="json") for one in annotators],
        "faults": faults,
    }
    if format is OutputFormat.JSON:
        write_json(report)
    else:
        _show(report, pairs, annotators, out)
    if faults:
        raise typer.Exit(Exit.ERRORS)


def _rows(path: Path, standing: dict[str, Standing]) -> dict[str, tuple[dict[str, str], Standing]]:
    """Of the reviewed rows that the data set has: the annotator of each fact, and the reviews that saw the row as it
    is."""
    from safecot_dsl.dataset.reviews import DIGESTED, row_digest
    from safecot_dsl.dataset.store import open_dataset

    dataset = open_dataset(path)
    keys: dict[str, tuple[str, dict[str, str]]] = {}
    for record in dataset.provenance(("id", "key", "origins")):
        if record["key"] in standing:
            origins = json.loads(record["origins"]) if record["origins"] else {}
            keys[record["id"]] = record["key"], {name: one["by"] for name, one in origins.items()}
    found: dict[str, tuple[dict[str, str], Standing]] = {}
    for row in dataset.rows(("id", *DIGESTED)):
        if row["id"] in keys:
            key, annotators = keys[row["id"]]
            found[key] = annotators, standing[key].fitting(row_digest(row))
    return found


def _rows_of(count: int) -> str:
    return f"{count} row" if count == 1 else f"{count} rows"


def _show(
    report: dict[str, Any], pairs: tuple[ReviewerPair, ...], annotators: tuple[AnnotatorShare, ...], out: Path | None
) -> None:
    to = console()

    def say(text: str) -> None:
        to.print(text, markup=False, highlight=False, soft_wrap=True)

    by = ", ".join(f"{count} by {name}" for name, count in report["reviewers"].items())
    say(f"{report['reviews']} reviews of {report['rows']} rows" + (f": {by}" if by else ""))
    if report["states"]:
        say(f"rows: {', '.join(f'{count} {state}' for state, count in report['states'].items())}")
    if report["unfit"]:
        say(f"{report['unfit']} reviews are of rows as they were before they were made again, or of other rows")
    for pair in pairs:
        say(f"{pair.first} and {pair.second}: {pair.agreed} % alike, {_rows_of(pair.agreed.n)}; kappa {pair.kappa}")
    for share in annotators:
        say(f"{share.annotator} on {share.fact}: {share.kept} % left as it found them, {_rows_of(share.kept.n)}")
    if report["disputed"]:
        say(f"rejected by one and not by another: {', '.join(report['disputed'][:10])}")
    for fault in report["faults"]:
        say(f"not read: {fault}")
    if out is not None:
        say(f"wrote {out}")
