"""Canonical JSON and the digest made of it."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> str:
    """Equal values give equal text: keys sorted, no spaces, no escapes beyond what JSON needs."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def digest_of(value: Any) -> str:
    """`sha256:` and the hexadecimal digest of the value's canonical JSON in UTF-8."""
    # A lone surrogate can come out of a JSON escape in a policy's text; it has no UTF-8 form of its own.
    return "sha256:" + hashlib.sha256(canonical_json(value).encode("utf-8", "surrogatepass")).hexdigest()
