"""The plan: which candidates of the pool become rows. Made once from the light index, then read by every part."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safecot_dsl.artifact import Case, canonical_json
from safecot_dsl.artifact.case import read_case
from safecot_dsl.dataset.candidates import Candidate, Stratum
from safecot_dsl.dataset.parts import Wanted
from safecot_dsl.dataset.pool import BlockCounts, Entry, PoolIndex, candidate_of
from safecot_dsl.dataset.rows import facts_text
from safecot_dsl.dataset.selection import Chosen, GoalCount, Selection, WayCount
from safecot_dsl.dataset.setup import SourceBlock, Worker
from safecot_dsl.storage import write_whole

#: Rows of a part. It does not depend on how many processes there are.
PART_ROWS = 8192

_SUMMARY = b"safecot.summary"
_COLUMNS = ("block", "position", "neighbour", "key", "facts", "origins", "nearest", "pair", "distance", "why", "answer")


@dataclass
class PlanSummary:
    """What a plan came to. `counts` are those of the pool, and of what fell out when it was looked at."""

    counts: BlockCounts
    candidates: int
    not_selected: int
    rows: int
    short: dict[str, int]
    goals: tuple[GoalCount, ...]
    ways: tuple[WayCount, ...]

    @property
    def parts(self) -> int:
        return -(-self.rows // PART_ROWS)

    def rows_of(self, number: int) -> int:
        """How many rows part `number` has."""
        return min(PART_ROWS, self.rows - number * PART_ROWS)

    def to_json(self) -> dict[str, Any]:
        return {
            "counts": self.counts.to_json(),
            "candidates": self.candidates,
            "not_selected": self.not_selected,
            "rows": self.rows,
            "short": self.short,
            "goals": [goal.model_dump(mode="json") for goal in self.goals],
            "ways": [way.model_dump(mode="json") for way in self.ways],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PlanSummary:
        return cls(
            counts=BlockCounts.from_json(data["counts"]),
            candidates=data["candidates"],
            not_selected=data["not_selected"],
            rows=data["rows"],
            short=data["short"],
            goals=tuple(GoalCount.model_validate(goal) for goal in data["goals"]),
            ways=tuple(WayCount.model_validate(way) for way in data["ways"]),
        )


def read_summary(path: Path) -> PlanSummary:
    """What a plan came to."""
    import pyarrow.parquet as pq

    return PlanSummary.from_json(json.loads(pq.read_schema(path).metadata[_SUMMARY]))


def planned(worker: Worker, blocks: tuple[SourceBlock, ...], path: Path, number: int) -> Iterator[Wanted]:
    """The rows of part `number`, in the plan's order."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        rows = file.read_row_group(number).to_pylist()
    cases: dict[str, Case] = {}
    for facts in (row["facts"] for row in rows):
        if facts not in cases:
            cases[facts] = read_case(worker.policy, json.loads(facts))
    worker.interpreter.prime(list(cases.values()))
    entries = [_entry(worker, row, cases[row["facts"]]) for row in rows]
    # Blocks are read once each, in order, whatever the order of the rows.
    candidates: dict[int, Candidate] = {}
    for index in sorted(range(len(rows)), key=lambda index: (entries[index].place.block, index)):
        candidates[index] = candidate_of(worker, blocks, entries[index])
    for index, row in enumerate(rows):
        yield Wanted(candidates[index], entries[index].place, row["pair"], row["distance"], row["why"], row["answer"])


def _entry(worker: Worker, row: Mapping[str, Any], case: Case) -> Entry:
    decision = worker.interpreter.decide(case)
    stratum = Stratum(decision.verdict, decision.speaker, row["nearest"])
    place = PoolIndex(row["block"], row["position"], row["neighbour"])
    return Entry(row["key"], case, decision, stratum, place, row["origins"])


def write_plan(path: Path, selection: Selection[Entry], summary: PlanSummary, answers: Mapping[str, str]) -> None:
    """Write the plan of a selection. `answers` are those that a model gave, by key."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [_row(one, answers) for one in selection.chosen]
    number, text = pa.int32(), pa.string()
    types = (number, number, number, text, text, text, text, text, number, text, text)
    schema = pa.schema(
        list(zip(_COLUMNS, types, strict=True)), metadata={_SUMMARY: canonical_json(summary.to_json()).encode()}
    )
    columns = zip(*rows, strict=True) if rows else [()] * len(_COLUMNS)
    table = pa.table([pa.array(column, kind) for column, kind in zip(columns, types, strict=True)], schema=schema)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd", row_group_size=PART_ROWS)
    write_whole(path, buffer.getvalue())


def _row(chosen: Chosen[Entry], answers: Mapping[str, str]) -> tuple[Any, ...]:
    entry, place = chosen.candidate, chosen.candidate.place
    return (
        place.block,
        place.position,
        place.neighbour,
        entry.key,
        facts_text(entry.case),
        entry.origins,
        entry.stratum.nearest,
        chosen.pair,
        chosen.distance,
        chosen.why,
        answers.get(entry.key),
    )
