"""Sources that are drawn or told one after another, given out in blocks."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from safecot_dsl.facts.blocks import Block, Checked, cut
from safecot_dsl.facts.item import Item, Skipped


@dataclass
class Sequential:
    """A source whose n-th entry can only be had after those before it.

    Blocks read in order cost one pass in all; a block out of order begins the pass again. `start` begins it, and must
    give the same each time. `rows` is how many entries there are; where it is None a pass counts them.
    """

    name: str
    licence: str
    commercial: bool
    checked: Checked
    start: Callable[[], Iterator[Item | Skipped]]
    rows: int | None = None
    _pass: Iterator[Item | Skipped] | None = field(default=None, repr=False)
    _at: int = 0

    def blocks(self) -> Iterable[Block]:
        if self.rows is None:
            self.rows = sum(1 for _ in self.start())
        return cut(self.rows)

    def read(self, block: Block) -> list[Item | Skipped]:
        if self._pass is None or self._at != block.start:
            self._pass = itertools.islice(_with_unique_ids(self.start()), block.start, None)
        entries = list(itertools.islice(self._pass, block.stop - block.start))
        self._at = block.start + len(entries)
        return entries

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_pass": None}  # a pass that was begun stays in its process


def _with_unique_ids(entries: Iterator[Item | Skipped]) -> Iterator[Item | Skipped]:
    seen: Counter[str] = Counter()
    for entry in entries:
        seen[entry.id] += 1
        if seen[entry.id] == 1:
            yield entry
            continue
        while (name := f"{entry.id}#{seen[entry.id]}") in seen:
            seen[entry.id] += 1
        seen[name] += 1
        yield replace(entry, id=name)
