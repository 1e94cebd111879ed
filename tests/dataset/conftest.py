"""The kitchen policy, and a JSONL source of requests under it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset import DataRecipe

from .kitchen import Writer, kitchen_policy, png


@pytest.fixture(scope="session")
def policy() -> CompiledPolicy:
    return kitchen_policy()


@pytest.fixture
def source(tmp_path: Path) -> Writer:
    """Writes rows `(facts, answer)`, or whole records, each with an image of its own, and returns a recipe for them."""

    def write(*rows: tuple[dict[str, Any], str | None] | dict[str, Any], **recipe: Any) -> DataRecipe:
        lines: list[str] = []
        for number, row in enumerate(rows):
            record = (
                {"prompt": f"Question {number}?", "facts": row[0], "answer": row[1]} if isinstance(row, tuple) else row
            )
            record = {"id": f"r{number}", "prompt": f"Question {number}?", "images": [f"{number}.png"], **record}
            if record["images"] == [f"{number}.png"] and not (tmp_path / f"{number}.png").exists():
                (tmp_path / f"{number}.png").write_bytes(png(number % 256))
            lines.append(json.dumps(record))
        (tmp_path / "rows.jsonl").write_text("\n".join(lines) + "\n")
        given = {"kind": "jsonl", "path": "rows.jsonl", "licence": "CC0-1.0", "name": "hand"}
        return DataRecipe.model_validate({"sources": [given], "style": "full", **recipe})

    return write
