"""Take every family through it: `python -m benchmarks.families`.

Of each supported family a tiny model with random weights is made on the spot. It is trained on eight rows (six about
one picture, one about two, one without), saved, and loaded again with plain PEFT and Transformers, whose logits are
held against the package's own. Trained on, it writes the eight answers; how many come out word for word shows that the
picture reaches the answer. No figure here says anything of published weights. The last line is the result in JSON, and
it is kept as `benchmarks/results/families.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from peft import PeftModel
from rich.console import Console
from rich.table import Table
from transformers import AutoModelForImageTextToText

from safecot_dsl.models import load_model
from safecot_dsl.models.families import FAMILIES, Family
from safecot_dsl.storage import write_whole
from safecot_dsl.training import TrainingRecipe, train
from safecot_dsl.training.metrics import read_metrics
from safecot_dsl.training.rows import read_rows

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / "benchmarks" / "results" / "families.json"
SHORT = TrainingRecipe(r=4, max_steps=12, logging_steps=4, save_steps=12, learning_rate=1e-2)
LONG = TrainingRecipe(r=16, max_steps=400, logging_steps=20, save_steps=400, learning_rate=1e-2)


def main() -> None:
    argparse.ArgumentParser(
        prog="python -m benchmarks.families", description=(__doc__ or "").split("\n")[0]
    ).parse_args()
    torch.set_num_threads(1)
    sys.path.insert(0, str(ROOT / "tests"))  # the tiny models and their rows are the tests'
    found: dict[str, Any] = {}
    for family in FAMILIES:
        with tempfile.TemporaryDirectory() as folder:
            found[family.title] = measured(family, Path(folder))
    show(found)
    result = {
        "benchmark": "families",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} x {platform.machine()}, {platform.system()}",
        "versions": {name: version(name) for name in ("torch", "transformers", "peft", "safecot-dsl")},
        "ours": min(each["by_heart"] for each in found.values()),
        "peers": {},
        "unit": "answers of eight learnt by heart, in the worst family",
        "ratio_to_best_peer": None,
        "families": found,
    }
    write_whole(RESULT, json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))  # noqa: T201


def measured(family: Family, folder: Path) -> dict[str, Any]:
    """What comes of one family."""
    from models.families import BUILDERS
    from training.conftest import eight_rows

    base = BUILDERS[family.model_type](folder / "base")
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    schema = pa.schema(
        [("id", pa.string()), ("images", pa.list_(image)), ("prompt", pa.string()), ("completion", pa.string())]
    )
    rows = folder / "rows.parquet"
    pq.write_table(pa.Table.from_pylist(eight_rows(), schema=schema), rows)
    digests = {"policy_digest": "sha256:none", "data_digest": "sha256:none"}
    began = time.perf_counter()
    train(rows, str(base), folder / "short", SHORT, **digests)
    seconds = time.perf_counter() - began
    losses = [line["loss"] for line in read_metrics(folder / "short" / "metrics.jsonl")]
    train(rows, str(base), folder / "long", LONG, **digests)
    asked = read_rows(rows)
    ours = load_model(str(base), folder / "long")
    plain = PeftModel.from_pretrained(AutoModelForImageTextToText.from_pretrained(base), folder / "long").eval()
    inputs = ours.chat.encode(asked[0].request)
    with torch.no_grad():
        apart = float((ours.model(**inputs).logits - plain(**inputs).logits).abs().max())
    answers = ours.generate([row.request for row in asked], max_new_tokens=60, batch_size=3)
    return {
        "parameters": sum(parameter.numel() for parameter in ours.model.parameters()),
        "first_loss": losses[0],
        "last_loss": losses[-1],
        "seconds": round(seconds, 1),
        "saved_bytes": (folder / "short" / "adapter_model.safetensors").stat().st_size,
        "logits_apart": apart,
        "by_heart": sum(answer == row.completion for answer, row in zip(answers, asked, strict=True)),
        "answer": answers[0],
    }


def show(found: dict[str, Any]) -> None:
    table = Table(title="Tiny models of every family")
    for name in ("family", "parameters", "loss, 12 steps", "saved, KB", "plain reload: logits apart", "by heart, of 8"):
        table.add_column(name, justify="left" if name == "family" else "right")
    for title, each in found.items():
        table.add_row(
            title,
            f"{each['parameters']:,}",
            f"{each['first_loss']:.2f} to {each['last_loss']:.2f}",
            f"{each['saved_bytes'] / 1000:.0f}",
            f"{each['logits_apart']:.0e}",
            str(each["by_heart"]),
        )
    Console().print(table)


if __name__ == "__main__":
    main()
