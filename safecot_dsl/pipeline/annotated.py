"""What a recipe's sources give, with the facts that its annotators fill in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.facts import Item, Skipped, Source, open_source
from safecot_dsl.facts.annotators import Annotator, open_annotators
from safecot_dsl.storage import Cache, Progress


def annotated_entries(
    policy: CompiledPolicy,
    sources: Iterable[Source],
    annotators: tuple[Annotator, ...],
    *,
    base_dir: Path,
    cache: Path,
    seed: int,
    progress: Progress,
) -> Iterator[Item | Skipped]:
    """The entries of the sources, block by block; of each block first what was skipped. What annotators find is kept in
    `cache`, the folder in which `generate` looks, too.

    Raises:
        FactsError: a source or an annotator cannot be used with this policy, or a source cannot be read.
    """
    finders = None
    if annotators:
        kept = Cache(cache / "kept.sqlite")
        finders = open_annotators(annotators, policy, base_dir=base_dir, cache=kept, progress=progress)
    progress.start("deciding", unit="items")
    for source in sources:
        opened = open_source(source, policy, base_dir, seed=seed)
        for block in opened.blocks():
            entries = opened.read(block)
            progress.advance(len(entries))
            items = [entry for entry in entries if isinstance(entry, Item)]
            yield from (entry for entry in entries if not isinstance(entry, Item))
            yield from finders.annotate(items) if finders is not None else items
