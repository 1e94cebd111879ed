"""Choices that look random and are functions of the seed alone."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

T = TypeVar("T")


def draw(choices: Sequence[T], seed: str, key: str) -> T:
    """One of `choices`, uniform over the first 64 bits of SHA-256 of `seed` and `key`. Raises ValueError for none.

    `key` names the place of the choice (a source-map key), so that choices in different places are independent and one
    does not move when another place is added.
    """
    if not choices:
        raise ValueError(f"nothing to draw from at `{key}`")
    return choices[drawn_place(seed_bytes(seed), key_bytes(key), len(choices))]


def seed_bytes(seed: str) -> bytes:
    """What :func:`drawn_place` takes for a seed; its length keeps ("a", "bc") and ("ab", "c") apart."""
    return f"{len(seed)}:{seed}:".encode("utf-8", "surrogatepass")


def key_bytes(key: str) -> bytes:
    """What :func:`drawn_place` takes for a key."""
    return key.encode("utf-8", "surrogatepass")


def drawn_place(seed: bytes, key: bytes, count: int) -> int:
    """The place of the one that :func:`draw` takes from `count` choices."""
    return int.from_bytes(sha256(seed + key).digest()[:8], "big") % count
