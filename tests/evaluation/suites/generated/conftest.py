"""The miniature's policy and its world as a pool, and every suite that is made of them."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.evaluation import EvalItem
from safecot_dsl.evaluation.suites.generated import MADE, UNSEEN, Made, MiniaturePool, make

#: How many items of each suite; the one of unseen policies has a test of its own (`test_unseen_policies.py`).
ITEMS = {name: 48 if name in ("boundary", "unknown") else 24 for name in MADE if name != UNSEEN}


@pytest.fixture(scope="session")
def made(miniature: CompiledPolicy, pool: MiniaturePool) -> dict[str, Made]:
    """Some items of every suite; of the boundary as many as it takes for every rule to have several."""
    return {name: make(name, miniature, pool, items=ITEMS[name]) for name in ITEMS}


def grouped(items: tuple[EvalItem, ...]) -> list[list[EvalItem]]:
    """The items by their group, in order."""
    groups: dict[str, list[EvalItem]] = {}
    for item in items:
        groups.setdefault(item.group, []).append(item)
    return list(groups.values())


def png(level: int) -> bytes:
    """A grey picture, another one for each level."""
    sink = io.BytesIO()
    Image.new("RGB", (120, 90), (level, level, level)).save(sink, "PNG")
    return sink.getvalue()
