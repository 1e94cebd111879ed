"""Folders of answers by scripted models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safecot_dsl.evaluation import EvalItem, write_items
from safecot_dsl.evaluation.asking.folder import Answered, AnswerFolder, Failed, Provenance, read_asked, written_line
from safecot_dsl.storage import sha256_file


def answered(folder: Path, items: Sequence[EvalItem], answers: Mapping[str, str], **known: Any) -> AnswerFolder:
    """A finished folder of these answers; an item without one has failed. `known` is more of its provenance."""
    folder.mkdir(parents=True)
    write_items(folder / "items.parquet", items)
    lines = {
        item.id: Answered(text=answers[item.id]) if item.id in answers else Failed(reason="timeout") for item in items
    }
    (folder / "answers.jsonl").write_text("".join(written_line(key, line) for key, line in lines.items()))
    given = {"name": "mine", "kind": "scripted", "model": "by hand", "finished": "2026-01-01T00:00:00+00:00"} | known
    provenance = Provenance.model_validate(
        {"items_digest": sha256_file(folder / "items.parquet"), "items": len(items), **given}
    )
    (folder / "asked.json").write_text(provenance.model_dump_json())
    return read_asked(folder)
