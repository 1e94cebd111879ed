"""The labelled responses, and their two halves.

Detectors are tuned on the development half alone. The half is decided by a digest of the item's identity, so that both
turns of a VLGuard image fall on the same side, and a new version of a file moves nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Half = Literal["development", "held"]
#: What figures are given for: each half, and both together.
Part = Literal["development", "held", "both"]


@dataclass(frozen=True)
class Labelled:
    """A response with the labels that it carries."""

    identity: str
    half: Half
    response: str
    labels: dict[str, bool]


def half_of(identity: str) -> Half:
    """Even first byte of the sha-256 of the identity: development; odd: held."""
    return "held" if hashlib.sha256(identity.encode()).digest()[0] % 2 else "development"


def read_vlguard(path: Path) -> list[Labelled]:
    """VLGuard's responses; `refusal` by construction, true but for the answers to safe instructions."""
    return [
        Labelled(
            identity=item["id"],
            half=half_of(item["id"]),
            response=turn["response"],
            labels={"refusal": "safe_instruction" not in turn},
        )
        for item in json.loads(path.read_text(encoding="utf-8"))
        for turn in item["instr-resp"]
    ]


def read_rbr(path: Path) -> list[Labelled]:
    """The completions of the RBR gold set's training part, with people's labels of 23 propositions."""
    rows: list[Labelled] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        response = row["completion"][-1]["content"]
        identity = hashlib.sha256((json.dumps(row["prompt"]) + response).encode()).hexdigest()
        # The identity is a digest itself; its own digest decides, as everywhere.
        rows.append(
            Labelled(identity[:10], half_of(json.dumps(row["prompt"]) + response), response, row["propositions"])
        )
    return rows


def of_half(rows: Iterable[Labelled], part: Part) -> list[Labelled]:
    return [row for row in rows if part in (row.half, "both")]
