"""Small files that sources are made of, and how a source is read in one go."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.facts import DescribedTable, Item, Skipped, open_source


def png(shade: int = 0, size: tuple[int, int] = (4, 4)) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", size, shade).save(buffer, format="PNG")
    return buffer.getvalue()


def table(**settings: Any) -> DescribedTable:
    """A table described on the spot: keys of a description, and `root`, `parts`, `images`, `where`, `facts`."""
    own = {key: settings.pop(key) for key in ("root", "parts", "where", "facts") if key in settings}
    if isinstance(settings.get("images"), str):
        own["images"] = settings.pop("images")
    describe = {
        "name": "hand",
        "licence": "CC0-1.0",
        "commercial": True,
        "requests": [{"prompt": "prompt"}],
        **settings,
    }
    return DescribedTable.model_validate({"describe": describe, **own})


def read(source: Any, policy: CompiledPolicy, base: Path) -> tuple[list[Item], list[Skipped]]:
    """The items and what was skipped, all blocks in order."""
    opened = open_source(source, policy, base, seed=0)
    entries = [entry for block in opened.blocks() for entry in opened.read(block)]
    return [e for e in entries if isinstance(e, Item)], [e for e in entries if isinstance(e, Skipped)]
