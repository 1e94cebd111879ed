"""The light index of the pool on disk: what a selection is made from, a file a block."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from safecot_dsl.artifact import Case, canonical_json
from safecot_dsl.artifact.case import read_case
from safecot_dsl.dataset.candidates import Candidate, Stratum
from safecot_dsl.dataset.pool import BlockCounts, Entry, PoolIndex, judge_block, origins_json
from safecot_dsl.dataset.rows import facts_text
from safecot_dsl.dataset.selection import Fingerprint, compared_text, exact_facts, image_hash
from safecot_dsl.dataset.setup import SourceBlock, Worker
from safecot_dsl.models.images import ImageError
from safecot_dsl.storage import write_whole

_COUNTS = b"safecot.counts"
_READ = ("position", "key", "facts", "origins", "nearest", "neighbours")


def make_index(worker: Worker, place: SourceBlock, path: Path) -> None:
    """Write the light index of a block, unless it is there."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.is_file():
        return
    placed, counts = judge_block(worker, place)
    columns: dict[str, list[Any]] = {
        "position": [one.position for one in placed],
        "key": [one.candidate.key for one in placed],
        "facts": [facts_text(one.candidate.item.case) for one in placed],
        "origins": [origins_json(one.candidate.item) for one in placed],
        "nearest": [one.candidate.stratum.nearest for one in placed],
        "neighbours": [one.candidate.item.neighbours is not None for one in placed],
    }
    types = [pa.int32(), pa.string(), pa.string(), pa.string(), pa.string(), pa.bool_()]
    if worker.recipe.near_duplicates is not None:
        prints = [_fingerprint(worker, one.candidate) for one in placed]
        columns |= {
            "fingerprint": [found is not None for found in prints],
            "exact": [found.facts if found is not None else "" for found in prints],
            "text": [found.text if found is not None else "" for found in prints],
            "hashes": [found.images if found is not None else () for found in prints],
        }
        types += [pa.bool_(), pa.string(), pa.string(), pa.list_(pa.uint64())]
    schema = pa.schema(
        list(zip(columns, types, strict=True)), metadata={_COUNTS: canonical_json(counts.to_json()).encode()}
    )
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns, schema=schema), buffer, compression="zstd")
    write_whole(path, buffer.getvalue())


def _fingerprint(worker: Worker, candidate: Candidate) -> Fingerprint | None:
    """What a candidate is compared by; None where a picture cannot be opened, which is said of it when it is chosen."""
    item = candidate.item
    try:
        hashes = tuple(image_hash(image.read()) for image in item.images)
    except (ImageError, OSError):
        return None
    text = compared_text(worker.policy, item.case, item.prompt)
    return Fingerprint(candidate.key, exact_facts(worker.policy, item.case), hashes, text)


def load_fingerprints(paths: Iterable[Path]) -> Iterator[Fingerprint]:
    """What the candidates of all blocks are compared by, where the recipe compares them."""
    import pyarrow.parquet as pq

    for path in paths:
        table = pq.read_table(path, columns=["key", "fingerprint", "exact", "text", "hashes"])
        for row in table.to_pylist():
            if row["fingerprint"]:
                yield Fingerprint(row["key"], row["exact"], tuple(row["hashes"]), row["text"])


def load_index(worker: Worker, paths: Mapping[int, Path]) -> tuple[list[Entry], BlockCounts]:
    """The candidates of these blocks, by their numbers, in order, and what was counted. Equal cases are one object."""
    import pyarrow.parquet as pq

    entries: list[Entry] = []
    total = BlockCounts()
    cases: dict[str, Case] = {}
    for number, path in paths.items():
        table = pq.read_table(path, columns=list(_READ))
        total.add(BlockCounts.from_json(json.loads(table.schema.metadata[_COUNTS])))
        columns = table.to_pydict()
        for facts in columns["facts"]:
            if facts not in cases:
                cases[facts] = read_case(worker.policy, json.loads(facts))
        block_cases = [cases[facts] for facts in columns["facts"]]
        worker.interpreter.prime(block_cases)
        for case, position, key, origins, nearest, neighbours in zip(
            block_cases,
            *(columns[name] for name in ("position", "key", "origins", "nearest", "neighbours")),
            strict=True,
        ):
            decision = worker.interpreter.decide(case)
            stratum = Stratum(decision.verdict, decision.speaker, nearest)
            entries.append(Entry(key, case, decision, stratum, PoolIndex(number, position), origins, neighbours))
    return entries, total
