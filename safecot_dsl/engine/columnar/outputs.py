"""Planes to the columns of decisions, and those to decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from safecot_dsl.engine.columnar.program import Plane


def unpack(plane: Plane | bool, count: int) -> NDArray[np.uint8]:
    """A plane as a byte for each of `count` cases, 0 or 1."""
    import numpy as np

    if isinstance(plane, bool):
        return np.full(count, plane, dtype=np.uint8)
    return np.unpackbits(plane.view(np.uint8), count=count, bitorder="little")


def strictness(at_least: Sequence[Plane | bool], count: int) -> NDArray[np.uint8]:
    """How strict each decision is, from where it is at least as strict as each level above 0."""
    import numpy as np

    total = np.zeros(count, dtype=np.uint8)
    for plane in at_least:
        if plane is not False:
            total += unpack(plane, count)
    return total


def words(planes: Sequence[Plane | bool], count: int) -> list[NDArray[np.uint64]]:
    """Masks in words of 64 bits, one word at least: bit n of each case's mask is its bit of the n-th plane."""
    import numpy as np

    found: list[NDArray[np.uint64]] = []
    for start in range(0, max(1, len(planes)), 64):
        word = np.zeros(count, dtype="<u8")
        lanes = word.view(np.uint8).reshape(count, 8)
        for lane in range(8):
            eight = planes[start + 8 * lane : start + 8 * lane + 8]
            if any(plane is not False for plane in eight):
                lanes[:, lane] = _byte(eight, count)
        found.append(word.astype(np.uint64, copy=False))
    return found


def _byte(planes: Sequence[Plane | bool], count: int) -> NDArray[np.uint8]:
    """Up to eight planes as the bits of a byte, the first as the lowest."""
    import numpy as np

    byte = np.zeros(count, dtype=np.uint8)
    for plane in reversed(planes):
        np.add(byte, byte, byte)
        if plane is not False:
            np.bitwise_or(byte, unpack(plane, count), byte)
    return byte


def speakers(deciding: Sequence[NDArray[np.uint64]], ambiguous: NDArray[np.uint8], rules: int) -> NDArray[Any]:
    """Who speaks: n for the n-th rule, the lowest bit of `deciding`; behind the rules stand `default` and `unsure`."""
    import numpy as np

    one = np.uint64(1)
    # Zeros below the lowest bit; 64 where there is none, so that they add up from word to word.
    place = np.bitwise_count(~deciding[0] & (deciding[0] - one)).astype(np.uint8 if rules < 190 else np.uint32)
    for number, word in enumerate(deciding[1:], 1):
        place += np.bitwise_count(~word & (word - one)) * (place == 64 * number)
    return np.minimum(place, place.dtype.type(rules)) + ambiguous
