"""Changes to JSON that leave it JSON: bytes changed at random hardly ever do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

_ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1e308,
    -0.0,
    10**400,
    "",
    "a",
    "\ud800",
    "x" * 999,
    [],
    {},
    [[]],
    {"unknown": True},
)


def mutated(data: bytes, seed: int) -> bytes | None:
    """The JSON with one to three of its values changed; None where the bytes are no JSON."""
    random = Random(seed)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    for _ in range(random.randint(1, 3)):
        places = list(_places(value))
        if not places:
            return None
        holder, key = random.choice(places)
        other_holder, other_key = random.choice(places)
        other = other_holder[other_key]
        match random.randrange(6):
            case 0:
                del holder[key]
            case 1 | 2:
                alike = [h[k] for h, k in places if type(h[k]) is type(holder[key])]
                holder[key] = _copy(random.choice(alike))  # a name for another, a condition for another
            case 3:
                holder[key] = _copy(other)
            case 4:
                holder[key] = _copy(random.choice(_ODD))
            case _:
                if isinstance(holder, list):
                    holder.insert(key, _copy(other))
                else:
                    holder[random.choice([k for h, k in places if isinstance(h, dict)])] = _copy(other)
    return json.dumps(value).encode()


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
        for key in keys:
            yield holder, key
            waiting.append(holder[key])
