"""The page on a model of one's own: with SmolVLM by its name, in a hub's cache without a network."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from safecot_dsl.pipeline import Run, load_recipe
from safecot_dsl.storage import Progress
from tests.models.families import build_smolvlm
from tests.models.hub import FIRST, fill_cache, go_offline
from tests.test_documentation import ROOT, blocks

PAGE = "docs/how-to/own-model.md"


@pytest.mark.filterwarnings("ignore::safecot_dsl.models.UnpinnedModelWarning")
def test_the_walk_with_smolvlm_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's policy, table and recipe, with the model and the settings that it names for SmolVLM, for two steps."""
    found = blocks(PAGE)
    for block in found:
        name = block.file or ("playroom.safecot" if block.language == "safecot" else None)
        if name is not None:
            (tmp_path / name).write_text(block.text, encoding="utf-8")
    (changed,) = [block.text for block in found if block.language == "yaml" and block.file is None]
    (model,) = re.findall(r"^model: (\S+)", changed, flags=re.MULTILINE)
    folder = build_smolvlm(tmp_path / "tiny")
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["max_position_embeddings"] = 4096  # a byte is nearly a token
    (folder / "config.json").write_text(json.dumps(config))
    go_offline(monkeypatch, fill_cache(tmp_path / "hub", {FIRST: folder}, {"main": FIRST}, model))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "pictures.py"], cwd=tmp_path, env=environment, check=True)
    settings = dict(re.findall(r"^  (\w+): (\S+)", changed, flags=re.MULTILINE))
    sets = {f"training.{key}": value for key, value in settings.items()}
    few = {"max_steps": "2", "logging_steps": "1", "save_steps": "2"}
    sets |= {
        "model": model,
        **{f"training.{key}": value for key, value in few.items()},
        "evaluation.max_new_tokens": "4",
    }
    with Progress(quiet=True) as progress:
        path = tmp_path / "playroom.yaml"
        run = Run(load_recipe(path, sets), path, tmp_path / "run", progress)
        summary = run.evaluate()
        trained = run.train("safecot")
    assert summary.held_out == ("requests/held_back",)
    assert summary.items == 10
    assert trained.rows == 20
    recorded = json.loads((tmp_path / "run/arms/safecot/adapter/training.json").read_text())
    assert recorded["base_digest"] == f"hub:{model}@{FIRST}"
    assert float(settings["learning_rate"]) == recorded["recipe"]["learning_rate"]
