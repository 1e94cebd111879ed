"""One data set of the kitchen policy, with and without images, and preference pairs; and its exports."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from safecot_dsl.dataset import DataRecipe, generate
from safecot_dsl.dataset.formats import export_dataset
from safecot_dsl.dataset.formats.tables import IMAGES, TEXT
from safecot_dsl.dataset.schema import features_schema
from tests.dataset.kitchen import COMPLIED, HURT, REDIRECTED, REFUSED, WARNED, kitchen_policy, png

PAIRS = dict.fromkeys(("id", "prompt", "system", "chosen", "rejected", "kind", "row", "policy"), TEXT)
#: Facts, answer, and how many images: the first row has none, one has two.
ROWS: list[tuple[dict[str, Any], str | None, int]] = [
    (HURT, None, 0),
    (REFUSED, None, 1),
    (COMPLIED, "It is a cup, painted < by hand > & „fired“.", 2),
    (WARNED, "Keep it closed.", 1),
    (REDIRECTED, None, 1),
    (COMPLIED, "Two lines.\nThe second.", 0),
]

Export = Callable[..., Path]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of six rows; nothing may write into it."""
    base = tmp_path_factory.mktemp("formats")
    lines: list[str] = []
    shade = 0
    for number, (facts, answer, images) in enumerate(ROWS):
        names = [f"{shade + place}.png" for place in range(images)]
        for place, name in enumerate(names):
            (base / name).write_bytes(png(shade + place))
        shade += images
        record = {"id": f"r{number}", "prompt": f"Question {number}?", "images": names, "facts": facts}
        lines.append(json.dumps(record | ({"answer": answer} if answer else {})))
    (base / "rows.jsonl").write_text("\n".join(lines) + "\n")
    source = {"kind": "jsonl", "path": "rows.jsonl", "licence": "CC0-1.0", "name": "hand"}
    recipe = DataRecipe.model_validate({"sources": [source], "style": "full"})
    generate(kitchen_policy(), recipe, base / "kitchen", base_dir=base, seed=0, name="kitchen")
    write_pairs(base / "kitchen")
    return base / "kitchen"


def write_pairs(folder: Path) -> None:
    """Two kinds of preference pairs beside the rows of a data set, one of them under a policy's prompt."""
    rows = pq.read_table(folder / "data/train-00000.parquet").to_pylist()
    for kind, system in (("over_refusal", None), ("policy_flip", "Follow the kitchen policy.")):
        pairs = [
            {
                "id": f"{row['id']}-{kind}",
                "images": [{"bytes": image["bytes"], "path": image["path"]} for image in row["images"]],
                "prompt": row["prompt"],
                "system": system,
                "chosen": row["completion"],
                "rejected": "I can't help with that.",
                "kind": kind,
                "row": row["id"],
                "policy": row["policy"],
            }
            for row in rows[:3]
        ]
        (folder / "preferences").mkdir(exist_ok=True)
        schema = features_schema({**PAIRS, "images": IMAGES})
        pq.write_table(pa.Table.from_pylist(pairs, schema=schema), folder / f"preferences/{kind}-00000.parquet")


@pytest.fixture(scope="session")
def exported(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Export:
    """Exports the data set, once in each way; nothing may write into what it gives."""
    base = tmp_path_factory.mktemp("exports")

    def export(format: str, images: Any = None) -> Path:
        out = base / f"{format}-{images}"
        if not out.exists():
            export_dataset(made, format, out, images=images)
        return out

    return export


@pytest.fixture
def copied(exported: Export, tmp_path: Path) -> Export:
    """A copy of an export, to be spoilt."""

    def copy(format: str, images: Any = None) -> Path:
        shutil.copytree(exported(format, images), tmp_path / "copy")
        return tmp_path / "copy"

    return copy


@pytest.fixture
def dataset(made: Path, tmp_path: Path) -> Path:
    """A copy of the data set, to be spoilt."""
    shutil.copytree(made, tmp_path / "dataset")
    return tmp_path / "dataset"
