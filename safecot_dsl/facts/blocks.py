"""A source in blocks: pieces that can be read in any order, by any process, with the same result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from safecot_dsl.facts.item import Item, Skipped

#: The most rows of a source that one block holds.
BLOCK_ROWS = 8192

#: Whether a source's reader was checked on the source's own files, or only on the shape that its authors document.
Checked = Literal["files", "shape"]


@dataclass(frozen=True)
class Block:
    """The rows `start` to `stop` (exclusive) of a source; `index` is the block's place among its blocks, from 0."""

    index: int
    start: int
    stop: int


class OpenSource(Protocol):
    """A source that was found, and whose mapping fits the policy.

    `blocks` gives the whole source in order, and opens no image. `read` gives a block's entries in the order of its
    rows, the same each time, whatever was read before; a row may give several items. Ids are unique within the source:
    what comes again gets `#2`, `#3`, ... . An open source can be pickled, and read in another process.
    """

    @property
    def name(self) -> str: ...

    @property
    def licence(self) -> str: ...

    @property
    def commercial(self) -> bool: ...

    @property
    def checked(self) -> Checked: ...

    def blocks(self) -> Iterable[Block]: ...

    def read(self, block: Block) -> list[Item | Skipped]: ...


def cut(rows: int, *, first: Block | None = None) -> Iterator[Block]:
    """`rows` rows as blocks, as many rows each as a block may hold; they go on after `first` where it is given."""
    index, start = (first.index + 1, first.stop) if first is not None else (0, 0)
    for number, begin in enumerate(range(0, rows, BLOCK_ROWS)):
        yield Block(index + number, start + begin, start + min(begin + BLOCK_ROWS, rows))
