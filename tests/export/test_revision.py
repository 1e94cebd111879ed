"""A run on a model of the hub is handed over with the commit."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from safecot_dsl.export.trainers import hand_over
from safecot_dsl.models import UnpinnedModelWarning
from safecot_dsl.training.recipe import TrainingRecipe
from tests.dataset.formats.conftest import made  # noqa: F401  (a fixture)
from tests.models import tiny
from tests.models.hub import FIRST, ID, fill_cache, go_offline


def test_other_trainers_load_the_same_commit(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # noqa: F811
    """Also where the recipe names a branch: the other tool runs later."""
    llava = tiny.build_llava(tmp_path / "llava")
    go_offline(monkeypatch, fill_cache(tmp_path / "hub", {FIRST: llava}, {"main": FIRST}))
    for tool in ("trl", "llamafactory"):
        folder = hand_over(tool, made, f"{ID}@{FIRST}", TrainingRecipe(), tmp_path / tool).path
        written = yaml.safe_load((folder / f"{tool}.yaml").read_text())
        assert (written["model_name_or_path"], written["model_revision"]) == (ID, FIRST)
    with pytest.warns(UnpinnedModelWarning):
        folder = hand_over("trl", made, ID, TrainingRecipe(), tmp_path / "unpinned").path
    assert yaml.safe_load((folder / "trl.yaml").read_text())["model_revision"] == FIRST
    folder = hand_over("trl", made, str(llava), TrainingRecipe(), tmp_path / "folder").path
    assert "model_revision" not in yaml.safe_load((folder / "trl.yaml").read_text())
