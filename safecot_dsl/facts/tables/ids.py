"""Ids that come again in a source, found without holding them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

#: What is put behind the id of a row, for the rows whose id came before.
Repeated = dict[int, str]


def repeated_ids(ids: Callable[[], Iterator[tuple[int, str]]]) -> Repeated:
    """The rows whose id came before, with `#2`, `#3`, ... in their order, so that what an id and this make comes once.

    `ids` gives the rows and their ids, from the beginning each time. It is gone through once, 64 bits of each being
    held, and a second time where some come again.
    """
    import numpy as np

    values, counts = np.unique(np.fromiter((_hash(text) for _, text in ids()), dtype=np.uint64), return_counts=True)
    again: set[int] = set(values[counts > 1].tolist())
    if not again:
        return {}
    taken: set[int] = set(values.tolist())
    seen: Counter[int] = Counter()
    repeated: Repeated = {}
    for row, text in ids():
        value = _hash(text)
        if value not in again:
            continue
        seen[value] += 1
        if seen[value] > 1:
            while _hash(f"{text}#{seen[value]}") in taken:  # another row is called that already
                seen[value] += 1
            repeated[row] = f"#{seen[value]}"
    return repeated


def may_repeat(ids: Iterable[bytes]) -> bool:
    """False only where no id comes twice among these, each as UTF-8: then nothing is repeated. 64 bits of each are
    held."""
    import numpy as np

    values = np.sort(np.fromiter(map(_hash_bytes, ids), dtype="S8").view(np.uint64))
    return bool((values[1:] == values[:-1]).any())


def _hash(text: str) -> int:
    return int.from_bytes(_hash_bytes(text.encode()), "little")


def _hash_bytes(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=8).digest()
