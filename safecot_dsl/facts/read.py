"""One door to all sources."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import assert_never

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.facts.blocks import OpenSource
from safecot_dsl.facts.figstep import read_figstep
from safecot_dsl.facts.item import Item, Skipped
from safecot_dsl.facts.jsonl import JsonlSource
from safecot_dsl.facts.sequential import Sequential
from safecot_dsl.facts.sources import DescribedTable, FigStep, Jsonl, Miniature, Source
from safecot_dsl.facts.table import open_table_source


def open_source(source: Source, policy: CompiledPolicy, base_dir: Path, *, seed: int, unknown: float = 0) -> OpenSource:
    """A source, ready to be read in blocks. Images are not opened yet.

    `base_dir` is the folder that the source's paths are relative to; `seed` matters to sources that draw their items,
    and so does `unknown`: the share of them in which a fact cannot be told.

    Raises:
        FactsError: the source cannot be read, or its facts do not fit the policy; also while its blocks are read.
    """
    match source:
        case FigStep():
            start = functools.partial(read_figstep, source, policy, base_dir)
            return Sequential("figstep", "MIT", True, "files", start)
        case Jsonl():
            return JsonlSource.open(source, policy, base_dir)
        case DescribedTable():
            return open_table_source(source, policy, base_dir)
        case Miniature():
            from safecot_dsl.facts.miniature import read_miniature
            from safecot_dsl.miniature.world import LICENCE

            start = functools.partial(read_miniature, source, policy, seed=seed, unknown=unknown)
            return Sequential("miniature", LICENCE, True, "files", start, source.pool)
        case _:
            assert_never(source)


def read_source(source: Source, policy: CompiledPolicy, base_dir: Path, *, seed: int) -> Iterator[Item | Skipped]:
    """What a source gives, in its order: the entries of its blocks. Arguments and errors are those of `open_source`."""
    opened = open_source(source, policy, base_dir, seed=seed)
    for block in opened.blocks():
        yield from opened.read(block)
