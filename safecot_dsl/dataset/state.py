"""The pieces of a data set that is being made: each a file or folder that is there whole or not at all.

    blocks.json                  the blocks of the sources
    pool/block-000000.parquet    the candidates of a block, decided
    plan.parquet                 the rows that were chosen
    parts/part-000000/           rows, their provenance, and counts
    cache/                       what was dear to ask

A piece depends on nothing but the setup: any process may make any of them, in any order and more than once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from safecot_dsl.dataset.setup import SourceBlock, Worker
from safecot_dsl.facts import Block
from safecot_dsl.storage import write_whole


@dataclass(frozen=True)
class GenerationState:
    """Where the pieces are."""

    folder: Path

    def pool(self, number: int) -> Path:
        return self.folder / "pool" / f"block-{number:06d}.parquet"

    @property
    def plan(self) -> Path:
        return self.folder / "plan.parquet"

    def part(self, number: int) -> Path:
        return self.folder / "parts" / f"part-{number:06d}"

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    def blocks(self, worker: Worker) -> tuple[SourceBlock, ...]:
        """The blocks of the sources; their rows are counted once, and the counts kept."""
        file = self.folder / "blocks.json"
        if not file.is_file():
            counted = [[place.source, place.block.start, place.block.stop] for place in worker.blocks()]
            write_whole(file, json.dumps(counted) + "\n")
        found: list[SourceBlock] = []
        for source, start, stop in json.loads(file.read_bytes()):
            index = found[-1].block.index + 1 if found and found[-1].source == source else 0
            found.append(SourceBlock(source, Block(index, start, stop)))
        return tuple(found)
