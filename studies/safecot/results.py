"""What a cell came to: figures by split, and every item's score, so that cells can be compared pair by pair."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.evaluation import EvalItem, Kind, Scored
from studies.safecot.design import HERE, Cell

RESULTS = HERE / "results" / "cells.jsonl"


class Result(Frozen):
    """One line of `results/cells.jsonl`.

    `digest` names what the cell was made from. Of the items, in their order, `refused`, `right`, `cited` and
    `observed` have one letter each: `1`, `0`, or `-` where there is nothing to say. `groups` are the items' splits and
    groups, kept once a run in `results/RUN.json`.
    """

    cell: Cell
    digest: str
    trained: dict[str, float]
    refused: str
    right: str
    cited: str
    observed: str


class RunItems(Frozen):
    """What a run's arms were asked, without the pictures: one entry an item."""

    splits: tuple[str, ...]
    kinds: tuple[str, ...]
    musts: tuple[str, ...]
    groups: tuple[str, ...]
    digest: str


def letters(values: Iterable[bool | None]) -> str:
    return "".join("-" if value is None else "01"[value] for value in values)


def result_of(cell: Cell, digest: str, items: Sequence[EvalItem], scored: Scored, trained: dict[str, float]) -> Result:
    scores = [scored.items[item.id] for item in items]
    policy = [item.kind is Kind.POLICY for item in items]
    return Result(
        cell=cell,
        digest=digest,
        trained=trained,
        refused=letters(score.refused for score in scores),
        right=letters(score.right for score in scores),
        cited=letters(score.cited_right if asked else None for score, asked in zip(scores, policy, strict=True)),
        observed=letters(score.observed_right if asked else None for score, asked in zip(scores, policy, strict=True)),
    )


def items_of(items: Sequence[EvalItem], digest: str) -> RunItems:
    return RunItems(
        splits=tuple(item.split for item in items),
        kinds=tuple(item.kind.value for item in items),
        musts=tuple(item.must for item in items),
        groups=tuple(item.group for item in items),
        digest=digest,
    )


def read_results(path: Path = RESULTS) -> dict[str, Result]:
    """The results by cell, the last of each; a torn last line is left out."""
    found: dict[str, Result] = {}
    if path.is_file():
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line.strip():
                try:
                    result = Result.model_validate_json(line)
                except ValueError:
                    continue
                found[key(result.cell)] = result
    return found


def key(cell: Cell) -> str:
    return f"{cell.run}/{cell.name}"


def add_result(result: Result, path: Path = RESULTS) -> None:
    """Append a line, on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(result.model_dump(mode="json")) + "\n")
        file.flush()
        os.fsync(file.fileno())


def write_items_of(run: str, items: RunItems, folder: Path = RESULTS.parent) -> None:
    from safecot_dsl.storage import write_whole

    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / f"{run}.json", json.dumps(items.model_dump(mode="json")) + "\n")


def read_items_of(run: str, folder: Path = RESULTS.parent) -> RunItems:
    return RunItems.model_validate_json((folder / f"{run}.json").read_text(encoding="utf-8"))


def as_dict(value: Any) -> dict[str, float]:
    return {name: float(getattr(value, name)) for name in ("rows", "labelled_tokens", "steps", "loss", "seconds")}
