"""Makes the plan: selects, looks at what was selected, and selects again without what proves unusable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from safecot_dsl.dataset.candidates import Candidate, Rejected
from safecot_dsl.dataset.examine import SeenImage, ask, signature
from safecot_dsl.dataset.index import load_fingerprints, load_index
from safecot_dsl.dataset.plan import PlanSummary, write_plan
from safecot_dsl.dataset.pool import BlockCounts, Entry, PoolIndex, candidate_of, entry_of
from safecot_dsl.dataset.rows import facts_text
from safecot_dsl.dataset.selection import Chosen, Selection, near_duplicates, select, select_random
from safecot_dsl.dataset.setup import SourceBlock, Worker
from safecot_dsl.render import neutralise


def make_plan(worker: Worker, blocks: tuple[SourceBlock, ...], pool: Mapping[int, Path], path: Path) -> None:
    """Choose among the candidates of the pool, and write the plan, unless it is there. `pool` has the indexes by the
    number of their block.

    What was chosen is looked at; what proves unusable is left out and the choice made again without it, until nothing
    falls out any more.
    """
    if not path.is_file():
        entries, counts = load_index(worker, pool)
        planner = _Planner(worker, blocks, entries, counts)
        planner.leave_out_twins(list(pool.values()))
        selection = planner.choose()
        taken = {one.candidate.key for one in selection.chosen} | planner.unusable
        summary = PlanSummary(
            counts,
            candidates=len(entries),
            not_selected=sum(entry.key not in taken for entry in entries),
            rows=len(selection.chosen),
            short=selection.short,
            goals=selection.goals,
            ways=selection.ways,
        )
        write_plan(path, selection, summary, planner.answers)


class _Planner:
    def __init__(
        self, worker: Worker, blocks: tuple[SourceBlock, ...], entries: list[Entry], counts: BlockCounts
    ) -> None:
        self.worker = worker
        self.blocks = blocks
        self.entries = entries
        self.counts = counts
        self.answers: dict[str, str] = {}
        self.unusable: set[str] = set()
        self._sound: set[str] = set()
        self._signatures: dict[bytes, str] = {}
        self._near: dict[str, tuple[Entry, ...]] = {}

    def leave_out_twins(self, pool: Sequence[Path]) -> None:
        """Of candidates that are nearly the same one stays in the pool."""
        settings = self.worker.recipe.near_duplicates
        if settings is None:
            return
        if self.worker.progress is not None:
            self.worker.progress.start("comparing", unit="items")
        twins = near_duplicates(load_fingerprints(pool), settings, seed=self.worker.setup.seed)
        for key, twin in twins.items():
            self.worker.leave_out(Rejected("near_duplicate", twin.describe(key)), self.counts.left_out)
        self.unusable |= twins.keys()

    def choose(self) -> Selection[Entry]:
        while True:
            selection = self._select([entry for entry in self.entries if entry.key not in self.unusable])
            fresh = [one.candidate for one in selection.chosen if one.candidate.key not in self._sound]
            failed = self._examine(fresh)
            if not failed:
                return selection
            self.unusable |= failed

    def _select(self, pool: list[Entry]) -> Selection[Entry]:
        recipe, seed = self.worker.recipe, self.worker.setup.selection_seed
        selection = select(
            pool,
            self.worker.policy,
            recipe.selection_plan,
            seed=seed,
            neighbours=self._neighbours,
            excluded=self.unusable,
        )
        replay = recipe.replay
        if replay is None:
            return selection
        taken = {chosen.candidate.key for chosen in selection.chosen}
        fitting = [
            entry
            for entry in pool
            if entry.key not in taken and all(entry.case.known.get(k) == v for k, v in replay.given.items())
        ]
        drawn = select_random(fitting, rows=replay.rows, balance=None, seed=seed)
        missing = replay.rows - len(drawn.chosen)
        short = selection.short | ({"replayed requests": missing} if missing else {})
        replayed = tuple(Chosen(one.candidate, why="replay") for one in drawn.chosen)
        return Selection((*selection.chosen, *replayed), short, selection.goals, selection.ways)

    def _neighbours(self, entry: Entry) -> Sequence[Entry] | None:
        if not entry.has_neighbours:
            return None
        if entry.key not in self._near:
            place = self.blocks[entry.place.block]
            item = candidate_of(self.worker, self.blocks, entry).item
            assert item.neighbours is not None
            near: list[Entry] = []
            for number, other in enumerate(item.neighbours()):
                judged = self.worker.judge.judge(other, self.worker.key(place.source, other))
                if isinstance(judged, Candidate):
                    near.append(entry_of(judged, PoolIndex(entry.place.block, entry.place.position, number)))
            self._near[entry.key] = tuple(near)
        return self._near[entry.key]

    def _examine(self, entries: list[Entry]) -> set[str]:
        """The keys of those that cannot become rows; the reasons are counted."""
        worker, left_out = self.worker, self.counts.left_out
        failed: set[str] = set()
        asking: list[tuple[Candidate, tuple[SeenImage, ...]]] = []
        if worker.progress is not None and entries:
            worker.progress.start("checking images and answers", len(entries), unit="items")
        for entry in sorted(entries, key=lambda e: (e.place.block, e.place.position, e.place.neighbour)):
            candidate = candidate_of(worker, self.blocks, entry)
            seen = worker.image_opener.examine(candidate)
            if not isinstance(seen, Rejected):
                prompt = neutralise(candidate.item.prompt, worker.recipe.tags)
                teaches = signature(prompt, [image.sha256 for image in seen], facts_text(candidate.item.case))
                first = self._signatures.setdefault(teaches, entry.key)
                if first != entry.key:
                    seen = Rejected("duplicate", f"{entry.key} is {first} again")
            if isinstance(seen, Rejected):
                worker.leave_out(seen, left_out)
                failed.add(entry.key)
            else:
                self._sound.add(entry.key)
                if worker.answerer is not None and candidate.needs_answer and candidate.item.answer is None:
                    asking.append((candidate, tuple(image.let_go() for image in seen)))
            if worker.progress is not None:
                worker.progress.advance()
        for (candidate, _), reply in zip(asking, ask(worker, asking), strict=True):
            if isinstance(reply, Rejected):
                worker.leave_out(reply, left_out)
                failed.add(candidate.key)
            else:
                self.answers[candidate.key] = reply
        return failed
