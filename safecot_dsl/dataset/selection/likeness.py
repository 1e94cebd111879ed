"""Which texts are alike, and which hashes of pictures are near, without comparing all with all."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from safecot_dsl.engine import normalise

if TYPE_CHECKING:
    import numpy as np

_GRAM = 5  # characters
_BANDS, _ROWS = 16, 4
#: A text is compared with so many of those that share a band with it; what it is really like shares several bands.
_MOST_IN_BAND = 64
_BITS = 64
_FEW = 32


class HashIndex:
    """Hashes of requests' pictures, 64 bits each; finds those in which at most `radius` bits differ.

    By the pigeonhole principle, two hashes that differ in `radius` bits agree in one of `radius` + 1 parts. All
    requests of an index have the same number of pictures.
    """

    def __init__(self, radius: int) -> None:
        self._radius = radius
        cuts = [_BITS * part // (radius + 1) for part in range(radius + 2)]
        self._parts = [(low, (1 << (high - low)) - 1) for low, high in pairwise(cuts)]
        self._keys: list[str] = []
        self._hashes: list[tuple[int, ...]] = []
        self._by_part: list[dict[int, list[tuple[int, int]]]] = []  # the first picture's hash, and whose it is

    def add(self, hashes: tuple[int, ...], key: str) -> None:
        """Hold a request by its pictures' hashes."""
        self._keys.append(key)
        self._hashes.append(hashes)
        if self._by_part:
            self._enter(len(self._keys) - 1)
        elif hashes and len(self._keys) > _FEW:
            self._by_part = [{} for _ in self._parts]
            for at in range(len(self._keys)):
                self._enter(at)

    def find(self, hashes: tuple[int, ...]) -> tuple[str, int] | None:
        """The request whose pictures are all near, the nearest and then the first; its key, and by how many bits."""
        if not hashes:
            return (self._keys[0], 0) if self._keys else None
        near = self._near(hashes[0])
        if len(hashes) > 1:
            near = [(self._apart(hashes, at), at) for _, at in near]
        bits, at = min(near, default=(self._radius + 1, -1))
        return (self._keys[at], bits) if bits <= self._radius else None

    def _near(self, first: int) -> list[tuple[int, int]]:
        """How many bits apart, and whose: of those whose first picture is near, some of them several times."""
        radius = self._radius
        if not self._by_part:
            apart = [((first ^ other[0]).bit_count(), at) for at, other in enumerate(self._hashes)]
            return [found for found in apart if found[0] <= radius]
        return [
            (bits, at)
            for (low, mask), held in zip(self._parts, self._by_part, strict=True)
            for other, at in held.get(first >> low & mask, ())
            if (bits := (first ^ other).bit_count()) <= radius
        ]

    def _apart(self, hashes: tuple[int, ...], at: int) -> int:
        return max((a ^ b).bit_count() for a, b in zip(hashes, self._hashes[at], strict=True))

    def _enter(self, at: int) -> None:
        first = self._hashes[at][0]
        for (low, mask), held in zip(self._parts, self._by_part, strict=True):
            held.setdefault(first >> low & mask, []).append((first, at))


class LikeWords:
    """Texts by their letters: two are alike where at least `similarity` of their five-letter strings are common to both
    (Jaccard). Letter case and spaces do not count.

    Candidates are found by MinHash in bands (A. Broder, 1997; Leskovec et al., Mining of Massive Datasets, ch. 3): at
    a similarity of 0.8 one like text in 4,600 is missed, at 0.7 one in 80.
    """

    def __init__(self, similarity: float) -> None:
        import numpy as np

        self._similarity = similarity
        self._first: dict[str, str] = {}  # by plain form
        self._leaders: list[str] = []  # in their plain form
        self._signatures = np.empty((_FEW, _BANDS * _ROWS), np.uint32)
        self._bands: list[dict[bytes, list[int]]] = [{} for _ in range(_BANDS)]

    def prime(self, texts: Sequence[str]) -> None:
        """These are asked about next; nothing to be done."""

    def first(self, text: str) -> str:
        """The text that was given before and that this one is like; where there is none, it is one itself."""
        plain = _plain(text)
        if plain not in self._first:
            leader = self._leader(plain)
            self._first[plain] = text if leader is None else self._first[leader]
        return self._first[plain]

    def _leader(self, plain: str) -> str | None:
        """The leader that the text is like; where there is none, it becomes one."""
        signature = _signature(plain)
        keys = [part.tobytes() for part in signature.reshape(_BANDS, _ROWS)]
        bands = list(zip(self._bands, keys, strict=True))
        found = list(dict.fromkeys(at for held, key in bands for at in held.get(key, ())))
        # What MinHash guesses to be most like is tried first; a guess is off by 0.2 less than once in a thousand times.
        guesses = (self._signatures[found] == signature).mean(axis=1)
        for at in guesses.argsort(kind="stable")[::-1].tolist():
            leader = self._leaders[found[at]]
            if guesses[at] < self._similarity - 0.2:
                break
            if _shared(_grams(plain), _grams(leader)) >= self._similarity:
                return leader
        for held, key in bands:
            members = held.setdefault(key, [])
            if len(members) < _MOST_IN_BAND:
                members.append(len(self._leaders))
        self._signatures = _grown(self._signatures, len(self._leaders))
        self._signatures[len(self._leaders)] = signature
        self._leaders.append(plain)
        return None


class LikeMeaning:
    """As :class:`LikeWords`, by sentence embeddings: two are alike where their cosine is at least `similarity`. The
    time to compare grows as the square of the number of unlike texts; to embed them takes longer up to some 100,000."""

    def __init__(self, similarity: float) -> None:
        import numpy as np

        self._similarity = similarity
        self._first: dict[str, str] = {}
        self._leaders: list[str] = []
        self._vectors = np.empty((_FEW, 384), np.float32)
        self._primed: dict[str, np.ndarray] = {}

    def prime(self, texts: Sequence[str]) -> None:
        """These are asked about next, so that they are embedded together."""
        from safecot_dsl.models.embedding import embed

        fresh = [text for text in dict.fromkeys(texts) if text not in self._first]
        self._primed = dict(zip(fresh, embed(fresh), strict=True))

    def first(self, text: str) -> str:
        """The text that was given before and that this one is like; where there is none, it is one itself."""
        if text not in self._first:
            if text not in self._primed:
                self.prime([text])
            vector = self._primed[text]
            cosines = self._vectors[: len(self._leaders)] @ vector
            if self._leaders and cosines.max() >= self._similarity:
                self._first[text] = self._leaders[int(cosines.argmax())]
            else:
                self._vectors = _grown(self._vectors, len(self._leaders))
                self._vectors[len(self._leaders)] = vector
                self._leaders.append(text)
                self._first[text] = text
        return self._first[text]


def _grown(rows: np.ndarray, used: int) -> np.ndarray:
    """Room for one row more than are used, twice the size where it is full."""
    import numpy as np

    return rows if used < len(rows) else np.concatenate((rows, np.empty_like(rows)))


def _shared(one: frozenset[str], other: frozenset[str]) -> float:
    """The share of strings that two texts have in common (Jaccard's index); 1 for equal texts."""
    common = len(one & other)
    return common / (len(one) + len(other) - common)


@lru_cache(maxsize=1 << 14)
def _grams(plain: str) -> frozenset[str]:
    return frozenset(plain[at : at + _GRAM] for at in range(max(1, len(plain) - _GRAM + 1)))


def _plain(text: str) -> str:
    return " ".join(normalise(text).split())


def _signature(plain: str) -> np.ndarray:
    """MinHash: uint32 (bands x rows,)."""
    import numpy as np

    words = np.array([zlib.crc32(gram.encode("utf-8", "surrogatepass")) for gram in _grams(plain)], np.uint64)
    factors, terms = _permutations()
    with np.errstate(over="ignore"):
        return ((words[:, None] * factors + terms) >> np.uint64(32)).min(axis=0).astype(np.uint32)


@lru_cache(maxsize=1)
def _permutations() -> tuple[np.ndarray, np.ndarray]:
    """Odd factors and terms of multiply-shift hashes (Dietzfelbinger et al., 1997), always the same."""
    import numpy as np

    random = np.random.Generator(np.random.PCG64(1997))
    size = _BANDS * _ROWS
    return (
        random.integers(0, 1 << 63, size, np.uint64) * np.uint64(2) + np.uint64(1),
        random.integers(0, 1 << 63, size, np.uint64),
    )
