"""`safecotc data leakage`: requests of a test set that stand among those that are trained on."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from safecot_dsl.cli.output import FORMAT, Exit, OutputFormat, console, fail, write_json
from safecot_dsl.extras import require

if TYPE_CHECKING:
    from rich.console import Console

    from safecot_dsl.dataset.leakage import Leakage


class ComparedBy(StrEnum):
    """What texts are compared by."""

    WORDS = "words"
    MEANING = "meaning"


def leakage(
    train: Path = typer.Argument(..., metavar="TRAIN", help="A data set, or Parquet or JSONL with `prompt`, `images`."),
    test: Path | None = typer.Argument(
        None, metavar="[TEST]", help="The same; without it, TRAIN's splits but `train`."
    ),
    text: ComparedBy = typer.Option(
        ComparedBy.WORDS, "--text", help="What prompts are compared by: their letters, or sentence embeddings."
    ),
    format: OutputFormat = FORMAT,
) -> None:
    """Find requests of TEST that stand in TRAIN, the same or nearly so. Exit code 1 where there are any."""
    by_meaning = text is ComparedBy.MEANING
    require(["data", *["annotate"] * by_meaning], vectors=by_meaning)
    from safecot_dsl.dataset.leakage import find_leakage, read_probes
    from safecot_dsl.dataset.selection import NearDuplicates
    from safecot_dsl.dataset.store import open_dataset

    similarity = 0.8 if text is ComparedBy.WORDS else 0.9
    settings = NearDuplicates.model_validate({"text": text.value, "similarity": similarity})
    if test is not None:
        trained, tested = read_probes(train), read_probes(test)
    else:
        splits = [split for split in open_dataset(train).splits if split != "train"]
        if not splits:
            fail(
                f"{train} has no split but `train`: name what is evaluated on, as in `safecotc data leakage TRAIN TEST`"
            )
        trained = read_probes(train, split="train")
        tested = (probe for split in splits for probe in read_probes(train, split=split))
    found = find_leakage(trained, tested, settings)
    if format is OutputFormat.JSON:
        write_json({"leaks": found.leaks, **found.model_dump(mode="json")})
    else:
        _show_leakage(found, console())
    if found.leaks:
        raise typer.Exit(Exit.ERRORS)


_OVERLAPS = {
    "same": "the same prompt and pictures",
    "near": "nearly the same prompt and pictures",
    "image": "nearly the same picture under another prompt",
    "prompt": "nearly the same prompt with other pictures (no leak by itself)",
}


def _show_leakage(found: Leakage, out: Console) -> None:
    from safecot_dsl.diagnostics.show import visible

    out.print(f"{found.leaks:,} of {found.test:,} requests stand among the {found.train:,} that are trained on")
    for kind, count in found.counts.items():
        if count:
            out.print(f"  {count:>6,}  {_OVERLAPS[kind]}")
        for example in found.examples:
            if example.kind == kind and kind != "prompt":
                out.print(visible(f"          {example.test} is {example.train}"))
    if found.unreadable:
        out.print(f"  {found.unreadable:>6,}  pictures cannot be opened, and were compared by their bytes alone")
