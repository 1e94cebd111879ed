"""A limited number of items that still stands for its suite: whole groups, from each subset in turn."""

from __future__ import annotations

from collections.abc import Sequence

from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.storage import sha256_bytes


def drawn(items: Sequence[EvalItem], limit: int, seed: int) -> tuple[EvalItem, ...]:
    """At most `limit` of the items, in their own order; of a group either all or none.

    Groups (an item without one is its own) are drawn by the hash of their name, from each subset in turn: those whose
    items have the same splits and the same `must`. A group that does not fit any more is passed over.
    """
    groups: dict[str, list[EvalItem]] = {}
    for item in items:
        groups.setdefault(item.group or f"\0{item.id}", []).append(item)
    subsets: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for name, members in groups.items():
        subsets.setdefault(tuple(sorted({(item.split, item.must) for item in members})), []).append(name)
    queues = [
        sorted(names, key=lambda name: sha256_bytes(f"{seed}\0suite\0{name}".encode()), reverse=True)
        for _, names in sorted(subsets.items())
    ]
    chosen: set[str] = set()
    while any(queues):
        for queue in queues:
            if queue:
                members = groups[queue.pop()]
                if len(chosen) + len(members) <= limit:
                    chosen.update(item.id for item in members)
    return tuple(item for item in items if item.id in chosen)
