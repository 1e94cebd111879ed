"""How well people's labels could be met at all: by people, and by whoever sees the response alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from benchmarks.detectors.sources import Response


def bounds(responses: Sequence[Response]) -> dict[str, dict[str, Any]]:
    """Of the held half of each source with people's labels: `two people`, F1 of one person's label against another's;
    `one of the panel`, the F1 that one of three people who gave the labels by majority can expect against that
    majority; `equal texts`, how many responses have the text of another with the other label."""
    found: dict[str, dict[str, Any]] = {}
    for source in dict.fromkeys(r.source for r in responses if "declines" in r.labels and r.written is None):
        rows = [r for r in responses if r.source == source and r.half == "held" and "declines" in r.labels]
        found[source] = {"equal texts": _contradicted(rows)}
        people = [r.people for r in rows if r.people is not None]
        if people:
            both = sum(one and other for one, other in people)
            found[source]["two people"] = round(2 * both / (sum(map(sum, people))), 4)
        agreed = [(r.labels["declines"], r.agreed) for r in rows if r.agreed is not None]
        if agreed:
            hits = sum(share for label, share in agreed if label)
            said = hits + sum(1 - share for label, share in agreed if not label)
            found[source]["one of the panel"] = round(2 * hits / (said + sum(label for label, _ in agreed)), 4)
    return found


def _contradicted(rows: Sequence[Response]) -> int:
    labels: defaultdict[str, list[bool]] = defaultdict(list)
    for row in rows:
        labels[" ".join(row.response.split())].append(row.labels["declines"])
    return sum(len(of) for of in labels.values() if len(set(of)) > 1)
