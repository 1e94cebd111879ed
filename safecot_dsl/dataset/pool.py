"""The pool: the items of a block that may become rows, decided; and its light index, which a selection is made from."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from safecot_dsl.artifact import Case, Decision, Verdict, canonical_json
from safecot_dsl.dataset.candidates import Candidate, LeftOut, Rejected, Stratum
from safecot_dsl.dataset.reviews.applying import ReviewTally
from safecot_dsl.dataset.setup import SourceBlock, Worker
from safecot_dsl.facts import FactOrigin, Item, Skipped

_COUNTS = b"safecot.counts"
#: What a split may be called: `datasets` takes no other names, and a file is named for it.
_SPLIT = re.compile(r"\w+(\.\w+)*")
_READ = ("position", "key", "facts", "origins", "nearest", "neighbours")


@dataclass
class BlockCounts:
    """What became of the entries of a block: how many there were, what was left out, and the strata of the rest.

    `dropped` counts, by the fact, the items that had a fact of an image and no image, so that it says nothing.
    `reviews` says what became of reviewed rows.
    """

    items: int = 0
    left_out: LeftOut = field(default_factory=LeftOut)
    strata: Counter[Stratum] = field(default_factory=Counter[Stratum])
    dropped: Counter[str] = field(default_factory=Counter[str])
    reviews: ReviewTally = field(default_factory=ReviewTally)

    def add(self, other: BlockCounts) -> None:
        """Count another block in, which comes after this one."""
        self.items += other.items
        merge_left_out(self.left_out, other.left_out)
        self.strata.update(other.strata)
        self.dropped.update(other.dropped)
        self.reviews.add(other.reviews)

    def to_json(self) -> dict[str, Any]:
        return {
            "items": self.items,
            "left_out": self.left_out.counts,
            "examples": self.left_out.examples,
            "dropped": self.dropped,
            "strata": [[s.verdict.value, s.speaker, s.nearest, count] for s, count in sorted(self.strata.items())],
            **({"reviews": self.reviews.to_json()} if self.reviews.met else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> BlockCounts:
        strata = Counter(
            {Stratum(Verdict(v), speaker, nearest): count for v, speaker, nearest, count in data["strata"]}
        )
        left_out, dropped = LeftOut(data["left_out"], data["examples"]), Counter[str](data["dropped"])
        return cls(data["items"], left_out, strata, dropped, ReviewTally(**data.get("reviews", {})))


def merge_left_out(into: LeftOut, other: LeftOut) -> None:
    """Count in what was left out after what `into` holds; of each reason the first few examples stay."""
    for reason, examples in other.examples.items():
        for detail in examples:
            into.add(Rejected(reason, detail))
        into.counts[reason] += other.counts[reason] - len(examples)


@dataclass(frozen=True)
class PlacedCandidate:
    """A candidate and where its item stands in its block."""

    candidate: Candidate
    position: int


def judge_block(worker: Worker, place: SourceBlock) -> tuple[list[PlacedCandidate], BlockCounts]:
    """Decide the items of a block, annotated. What cannot become a row is counted.

    Raises :class:`GenerateError` where the recipe is strict and something is left out.
    """
    counts = BlockCounts()
    items = list(_wanted(worker, place, counts))
    annotated = worker.annotate([item for _, item in items])
    worker.interpreter.prime(item.case for item in annotated)
    placed: list[PlacedCandidate] = []
    for (position, _), item in zip(items, annotated, strict=True):
        judged = worker.judge.judge(item, worker.key(place.source, item))
        if isinstance(judged, Candidate):
            placed.append(PlacedCandidate(judged, position))
        else:
            worker.leave_out(judged, counts.left_out)
    counts.strata.update(one.candidate.stratum for one in placed)
    return placed, counts


def _wanted(worker: Worker, place: SourceBlock, counts: BlockCounts) -> Iterable[tuple[int, Item]]:
    for position, entry in enumerate(worker.read(place)):
        if not worker.looks_at(position):
            continue
        counts.items += 1
        if worker.progress is not None:
            worker.progress.advance()
        if isinstance(entry, Skipped):
            detail = f"{entry.source}/{entry.id}: {entry.detail}"
            worker.leave_out(Rejected(entry.reason, detail), counts.left_out)
        elif worker.recipe.commercial_only and not entry.commercial:
            worker.leave_out(Rejected("non_commercial", f"{entry.key}: {entry.licence}"), counts.left_out)
        elif not _SPLIT.fullmatch(entry.split):
            worker.leave_out(Rejected("split", f"{entry.key}: the split {entry.split!r}"), counts.left_out)
        else:
            counts.dropped.update(entry.dropped)
            yield position, entry


@dataclass(frozen=True, slots=True)
class PoolIndex:
    """Where an item is found again: the number of its block, its position there, and (not -1) which neighbour of the
    item there it is."""

    block: int
    position: int
    neighbour: int = -1


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A candidate in the light index: what a selection asks for, and where the rest of it is found."""

    key: str
    case: Case
    decision: Decision
    stratum: Stratum
    place: PoolIndex
    origins: str = ""
    has_neighbours: bool = False

    @property
    def refused(self) -> bool:
        return self.decision.verdict is Verdict.REFUSE


def entry_of(candidate: Candidate, place: PoolIndex) -> Entry:
    """What the light index keeps of a candidate."""
    item = candidate.item
    return Entry(
        candidate.key,
        item.case,
        candidate.decision,
        candidate.stratum,
        place,
        origins_json(item),
        item.neighbours is not None,
    )


def candidate_of(worker: Worker, blocks: tuple[SourceBlock, ...], entry: Entry) -> Candidate:
    """The candidate that an entry of the index stands for, with its item."""
    item = worker.read(blocks[entry.place.block])[entry.place.position]
    assert isinstance(item, Item)
    if entry.place.neighbour >= 0:
        assert item.neighbours is not None
        item = list(item.neighbours())[entry.place.neighbour]
    if entry.origins:
        item = replace(item, case=entry.case, annotated=read_origins(entry.origins))
    return Candidate(entry.key, item, entry.decision, entry.stratum)


def origins_json(item: Item) -> str:
    """The origins of the facts that annotators filled in, as JSON; empty where there are none."""
    if not item.annotated:
        return ""
    return canonical_json({name: asdict(origin) for name, origin in item.annotated.items()})


def read_origins(text: str) -> dict[str, FactOrigin]:
    """What :func:`origins_json` wrote."""
    return {name: FactOrigin(**origin) for name, origin in json.loads(text).items()}
