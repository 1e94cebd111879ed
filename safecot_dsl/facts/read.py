"""One door to all sources."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import assert_never

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.facts.figstep import read_figstep
from safecot_dsl.facts.item import Item, Skipped
from safecot_dsl.facts.jsonl import read_jsonl_items
from safecot_dsl.facts.sources import FigStep, Jsonl, Miniature, Source, VLGuard
from safecot_dsl.facts.vlguard import read_vlguard


def read_source(source: Source, policy: CompiledPolicy, base_dir: Path, *, seed: int) -> Iterator[Item | Skipped]:
    """What a source gives, in an order that depends only on the arguments. Images are not opened yet.

    `base_dir` is the folder that the source's paths are relative to; `seed` matters to sources that draw their items.

    Raises:
        FactsError: the source cannot be read, or its facts do not fit the policy.
    """
    match source:
        case FigStep():
            return read_figstep(source, policy, base_dir)
        case VLGuard():
            return read_vlguard(source, policy, base_dir)
        case Jsonl():
            return read_jsonl_items(source, policy, base_dir)
        case Miniature():
            from safecot_dsl.facts.miniature import read_miniature

            return read_miniature(source, policy, seed=seed)
        case _:
            assert_never(source)
