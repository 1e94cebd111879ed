"""Choices that look random and are functions of the seed alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def draw(choices: Sequence[T], seed: str, key: str) -> T:
    """One of `choices`, uniform over the first 64 bits of SHA-256 of `seed` and `key`. Raises ValueError for none.

    `key` names the place of the choice (a source-map key), so that choices in different places are independent and one
    does not move when another place is added.
    """
    if not choices:
        raise ValueError(f"nothing to draw from at `{key}`")
    # The seed's length keeps ("a", "bc") and ("ab", "c") apart.
    message = f"{len(seed)}:{seed}:{key}".encode("utf-8", "surrogatepass")
    number = int.from_bytes(hashlib.sha256(message).digest()[:8], "big")
    return choices[number % len(choices)]
