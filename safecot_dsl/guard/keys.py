"""Who may ask: keys that an operator hands out, compared in constant time."""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

_SHORTEST = 16  # characters
_LARGEST = 1 << 20  # bytes of a file of keys


class ClientKeys:
    """The keys that open the door. Only their digests are kept."""

    def __init__(self, keys: Iterable[str]) -> None:
        """Raises `ValueError` where there is none, and for one that is short enough to be guessed."""
        given = list(keys)
        if not given:
            raise ValueError("there is no client key")
        if any(len(key) < _SHORTEST for key in given):
            raise ValueError(f"a client key has {_SHORTEST} characters or more")
        self._digests = tuple({sha256(key.encode()).digest() for key in given})

    def __contains__(self, key: object) -> bool:
        """Whether a key is one of them. It takes as long for any key, whichever it is like."""
        if not isinstance(key, str):
            return False
        digest = sha256(key.encode("utf-8", "replace")).digest()
        found = False
        for known in self._digests:
            found |= hmac.compare_digest(known, digest)
        return found


def client_keys(file: Path | None, environment: str | None) -> ClientKeys | None:
    """The keys in a file, a line each (`#` begins a comment), and those in an environment variable, with white space
    between them; None where neither is named.

    Raises `ValueError` where one is named and has no keys, or cannot be read.
    """
    if file is None and environment is None:
        return None
    keys: list[str] = []
    if file is not None:
        try:
            with file.open("rb") as opened:
                data = opened.read(_LARGEST + 1)
            text = data.decode()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{file}: the keys cannot be read: {error}") from None
        if len(data) > _LARGEST:
            raise ValueError(f"{file}: that is no file of keys: it is longer than {_LARGEST} bytes")
        lines = (line.strip() for line in text.splitlines())
        found = [line for line in lines if line and not line.startswith("#")]
        if not found:
            raise ValueError(f"{file}: there is no client key in it")
        keys += found
    if environment is not None:
        found = os.environ.get(environment, "").split()
        if not found:
            raise ValueError(f"the environment variable `{environment}`, which is to hold the client keys, is not set")
        keys += found
    return ClientKeys(keys)
