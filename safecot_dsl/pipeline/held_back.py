"""Requests of one's own that are held back for the test: read from sources, annotated as training rows are."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.evaluation import EvalItem
from safecot_dsl.evaluation.suites.own import HELD_BACK, own_items
from safecot_dsl.facts import Skipped, Source
from safecot_dsl.facts.annotators import Annotator, annotators_digest
from safecot_dsl.facts.digest import source_digest
from safecot_dsl.pipeline.annotated import annotated_entries
from safecot_dsl.storage import Progress, write_whole


def held_back_items(
    policy: CompiledPolicy,
    sources: tuple[Source, ...],
    annotators: tuple[Annotator, ...],
    folder: Path,
    *,
    base_dir: Path,
    cache: Path,
    seed: int,
    progress: Progress,
) -> tuple[EvalItem, ...]:
    """The items of the sources, in the recipe's order; none without sources. What gave no item, though the recipe wants
    it, is counted, and named row by row in `held_back.skipped.jsonl` below `folder`; `cache` keeps what annotators
    found.

    Raises:
        FactsError: a source cannot be read, or does not fit the policy.
        SuiteError: nothing of the sources can be asked.
    """
    if not sources:
        return ()
    entries = annotated_entries(
        policy, sources, annotators, base_dir=base_dir, cache=cache, seed=seed, progress=progress
    )
    wanted = (entry for entry in entries if not (isinstance(entry, Skipped) and entry.reason == "not_wanted"))
    read = own_items(policy, wanted, progress=progress)
    for reason, count in read.reasons.items():
        progress.note(f"held back: {count} skipped: {reason}")
    if read.skipped:
        lines = (json.dumps(asdict(skipped)) + "\n" for skipped in read.skipped)
        write_whole(folder / "held_back.skipped.jsonl", "".join(lines))
    return read.items


def held_back_inputs(sources: tuple[Source, ...], annotators: tuple[Annotator, ...], base_dir: Path) -> dict[str, str]:
    """What the items are made from, beside the policy and the seed; nothing without sources."""
    if not sources:
        return {}
    read = {f"held back {number}": source_digest(source, base_dir) for number, source in enumerate(sources)}
    return read | {"annotators": annotators_digest(annotators, base_dir)}


def held_back_splits(items: Iterable[EvalItem]) -> tuple[str, ...]:
    """The splits of items that were made here, in their order."""
    return tuple(dict.fromkeys(item.split for item in items if item.split == f"{item.source}/{HELD_BACK}"))
