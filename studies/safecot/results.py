"""What a cell came to: every item's score, so that cells can be compared case by case."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from safecot_dsl.artifact import Verdict
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.evaluation import EvalItem, ItemKind, Scored
from safecot_dsl.evaluation.score import ItemScore
from safecot_dsl.storage import sha256_bytes, write_whole
from studies.safecot.design import RESULTS, Cell

_Line = TypeVar("_Line", bound=Frozen)


class Result(Frozen):
    """One line of `results/cells.jsonl`.

    `digest` names what the cell was made from, and `seconds` is how long it took. Of the items, in their order, the
    others have one letter each: `1`, `0`, or `-` where there is nothing to say. `refused` and `asked` are what the
    answer does, `right` whether that is due; of the reasoning, `cited` says that it cites the deciding rules, `true`
    that it states nothing that is not so, and `follows` that its conclusion follows from what it states.
    """

    cell: Cell
    digest: str
    seconds: float
    trained: dict[str, float]
    refused: str
    asked: str
    right: str
    cited: str
    true: str
    follows: str


class RunItems(Frozen):
    """What a run's arms were asked, without the pictures: one entry an item. Runs with the same `digest` were asked the
    same, with the same verdicts due. `splits` are told apart as :func:`split_of` says."""

    splits: tuple[str, ...]
    kinds: tuple[str, ...]
    musts: tuple[str, ...]
    dues: tuple[str, ...]
    groups: tuple[str, ...]
    digest: str


class Failure(Frozen):
    """A cell that failed, or a trial of the search, and why."""

    name: str
    why: str


def letters(values: Iterable[bool | None]) -> str:
    return "".join("-" if value is None else "01"[value] for value in values)


def result_of(
    cell: Cell, digest: str, items: Sequence[EvalItem], scored: Scored, trained: dict[str, float], seconds: float
) -> Result:
    scores = [scored.items[item.id] for item in items]

    def policy(part: str) -> str:
        return letters(
            getattr(score, part) if item.kind is ItemKind.POLICY else None
            for item, score in zip(items, scores, strict=True)
        )

    return Result(
        cell=cell,
        digest=digest,
        seconds=seconds,
        trained=trained,
        refused=letters(score.refused for score in scores),
        asked=letters(asks(score) for score in scores),
        right=letters(score.right for score in scores),
        cited=policy("cited_right"),
        true=policy("facts_right"),
        follows=policy("follows"),
    )


def asks(score: ItemScore) -> bool:
    """Whether an answer asks back."""
    return score.verdict is Verdict.CLARIFY


def split_of(item: EvalItem) -> str:
    """The split of an item. Of suites, those that something was done to have one below the suite's: `attacks/KIND`,
    `unknown/hidden`; and those as they were `unattacked` and `unknown/told`."""
    if item.split == "attacks":
        return f"attacks/{item.change}" if item.of else "unattacked"
    if item.split == "unknown":
        return "unknown/hidden" if item.of else "unknown/told"
    return item.split


def items_of(items: Sequence[EvalItem]) -> RunItems:
    asked = [
        [item.id, item.prompt, item.begun, item.due or "", item.expected or "", *(sha256_bytes(i) for i in item.images)]
        for item in items
    ]
    return RunItems(
        splits=tuple(split_of(item) for item in items),
        kinds=tuple(item.kind.value for item in items),
        musts=tuple(item.must for item in items),
        dues=tuple(item.due or "" for item in items),
        groups=tuple(item.group for item in items),
        digest=sha256_bytes(json.dumps(asked).encode()),
    )


def read_results(folder: Path = RESULTS) -> dict[str, Result]:
    """The results by cell, the last of each; a torn last line is left out."""
    return {result.cell.key: result for result in read_lines(folder / "cells.jsonl", Result)}


def add_result(result: Result, folder: Path = RESULTS) -> None:
    """Put a result with the others, in the place of an earlier one of its cell: the file is whole at any moment."""
    found = {**read_results(folder), result.cell.key: result}
    write_lines(folder / "cells.jsonl", found.values())


def read_failures(folder: Path = RESULTS) -> tuple[Failure, ...]:
    """What failed in the last run and was not done since."""
    return tuple(read_lines(folder / "failures.jsonl", Failure))


def write_failures(failures: Iterable[Failure], folder: Path = RESULTS) -> None:
    """Keep what failed; nothing where nothing did."""
    found = list(failures)
    if found:
        write_lines(folder / "failures.jsonl", found)
    else:
        (folder / "failures.jsonl").unlink(missing_ok=True)


def write_items_of(run: str, items: RunItems, folder: Path = RESULTS) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / f"{run}.json", json.dumps(items.model_dump(mode="json")) + "\n")


def read_items_of(run: str, folder: Path = RESULTS) -> RunItems:
    return RunItems.model_validate_json((folder / f"{run}.json").read_text(encoding="utf-8"))


def write_lines(path: Path, values: Iterable[Frozen]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, "".join(json.dumps(value.model_dump(mode="json")) + "\n" for value in values))


def read_lines(path: Path, kind: type[_Line]) -> list[_Line]:
    """The values that a file has, one a line; a line that is none, such as a torn one, is left out."""
    found: list[_Line] = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line.strip():
                try:
                    found.append(kind.model_validate_json(line))
                except ValueError:
                    continue
    return found


def as_dict(value: Any) -> dict[str, float]:
    return {name: float(getattr(value, name)) for name in ("rows", "labelled_tokens", "steps", "loss", "seconds")}
