"""A run handed over to another trainer is that run: same rows, same settings, same layers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from safetensors import safe_open

from safecot_dsl.export.trainers import TrainerExportError, hand_over
from safecot_dsl.models.bare import bare_model
from safecot_dsl.training.begun import BegunAnswers
from safecot_dsl.training.dpo.settings import DpoSettings
from safecot_dsl.training.lora import adapted_layers
from safecot_dsl.training.recipe import TrainingRecipe
from tests.dataset.formats.conftest import made  # noqa: F401  (a fixture)
from tests.models import tiny

RECIPE = TrainingRecipe(r=4, max_steps=2, per_device_train_batch_size=2, warmup_steps=1, seed=7, logging_steps=1)

LOSSES = DpoSettings(kinds=("over_refusal",), loss_type=("sigmoid", "sft"), loss_weights=(1.0, 0.2))


@pytest.fixture(scope="module")
def llava(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.build_llava(tmp_path_factory.mktemp("llava"))


def settings(folder: Path, file: str) -> dict:
    return yaml.safe_load((folder / file).read_text(encoding="utf-8"))


def test_a_run_is_written_for_trl(made: Path, llava: Path, tmp_path: Path):  # noqa: F811
    handed = hand_over("trl", made, str(llava), RECIPE, tmp_path / "to")
    assert handed.command == "trl sft --config trl.yaml"
    assert handed.otherwise == ()
    written = settings(handed.path, "trl.yaml")
    assert (written["lora_r"], written["max_steps"], written["warmup_steps"], written["seed"]) == (4, 2, 1, 7)
    assert written["max_length"] is None
    (pattern,) = written["lora_target_modules"]
    named = [name for name, _ in bare_model(str(llava)).named_modules() if re.fullmatch(pattern, name)]
    assert len(named) == 2 * 7  # layers, projections
    assert all(name.startswith("model.language_model.") for name in named)
    assert (handed.path / written["dataset_name"] / "data" / "train-00000.parquet").is_file()


def test_other_rows_have_another_name(made: Path, llava: Path, tmp_path: Path):  # noqa: F811
    """`datasets` takes rows that it loaded once by a relative path for those of every folder with that path."""
    pairs = RECIPE.model_copy(update={"objective": "dpo"})
    runs = (("one", RECIPE), ("again", RECIPE), ("pairs", pairs))
    names = [
        settings(hand_over("trl", made, str(llava), recipe, tmp_path / name).path, "trl.yaml")["dataset_name"]
        for name, recipe in runs
    ]
    assert names[0] == names[1] != names[2]


def test_what_the_tool_has_no_word_for_is_said(made: Path, llava: Path, tmp_path: Path):  # noqa: F811
    weighed = RECIPE.model_copy(update={"reasoning_weight": 0.5, "begun": BegunAnswers(share=0.5)})
    handed = hand_over("llamafactory", made, str(llava), weighed, tmp_path / "to")
    weights, begun = handed.otherwise
    assert weights.startswith("`reasoning_weight`")
    assert begun.startswith("`begun`")
    readme = (handed.path / "README.md").read_text(encoding="utf-8")
    assert weights in readme
    assert begun in readme


def test_preferences_are_handed_over_with_theirs(made: Path, llava: Path, tmp_path: Path):  # noqa: F811
    pairs = RECIPE.model_copy(update={"objective": "dpo"})
    written = settings(hand_over("llamafactory", made, str(llava), pairs, tmp_path / "lf").path, "llamafactory.yaml")
    assert (written["stage"], written["dataset"]) == ("dpo", "kitchen_over_refusal,kitchen_policy_flip")
    assert (written["freeze_vision_tower"], written["freeze_language_model"]) == (True, False)
    assert settings(hand_over("trl", made, str(llava), pairs, tmp_path / "trl").path, "trl.yaml")["beta"] == 0.1


def test_losses_of_preferences_are_handed_over_or_said_to_be_others(made: Path, llava: Path, tmp_path: Path):  # noqa: F811
    recipe = RECIPE.model_copy(update={"objective": "dpo", "dpo": LOSSES})
    handed = hand_over("trl", made, str(llava), recipe, tmp_path / "trl")
    written = settings(handed.path, "trl.yaml")
    assert (written["loss_type"], written["loss_weights"]) == (["sigmoid", "sft"], [1.0, 0.2])
    assert [said.partition(":")[0] for said in handed.otherwise] == ["`dpo.kinds`"]
    handed = hand_over("llamafactory", made, str(llava), recipe, tmp_path / "lf")
    assert settings(handed.path, "llamafactory.yaml")["dataset"] == "kitchen_over_refusal"
    assert [said.partition(":")[0] for said in handed.otherwise] == ["`dpo.loss_type`"]
    rows = hand_over("trl", made, str(llava), recipe.model_copy(update={"objective": "sft"}), tmp_path / "sft")
    assert rows.otherwise == ()  # what is said of pairs does not count there


def test_what_a_tool_cannot_do_is_refused_and_nothing_is_written(made: Path, tmp_path: Path):  # noqa: F811
    idefics3 = str(tiny.build_idefics3(tmp_path / "idefics3"))
    with pytest.raises(TrainerExportError, match="no template for Idefics3: hand the run over to `trl`"):
        hand_over("llamafactory", made, idefics3, RECIPE, tmp_path / "to")
    with pytest.raises(TrainerExportError, match="cannot be given the objective `grpo`"):
        hand_over("trl", made, idefics3, RECIPE.model_copy(update={"objective": "grpo"}), tmp_path / "to")
    with pytest.raises(TrainerExportError, match="did you mean `trl`"):
        hand_over("tlr", made, idefics3, RECIPE, tmp_path / "to")
    assert not (tmp_path / "to").exists()


def test_layers_of_a_model_without_weights_are_those_of_one_with(llava: Path):
    from safecot_dsl.models.local import load_parts

    model, _ = load_parts(str(llava), device="cpu")
    everything = RECIPE.model_copy(update={"adapt": ("language", "vision", "projector")})
    assert adapted_layers(bare_model(str(llava)), everything) == adapted_layers(model, everything)


def ran(command: list[str], folder: Path) -> None:
    """Run a tool where its files are, offline."""
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "HOME": str(folder.parent)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def adapted(folder: Path) -> set[str]:
    with safe_open(folder / "adapter_model.safetensors", "pt") as weights:
        return set(weights.keys())


@pytest.mark.long
def test_trl_trains_by_it(made: Path, llava: Path, tmp_path: Path):  # noqa: F811
    for objective in ("sft", "dpo"):
        recipe = RECIPE.model_copy(update={"objective": objective, "dpo": LOSSES})
        handed = hand_over("trl", made, str(llava), recipe, tmp_path / objective)
        trl = str(Path(sys.executable).with_name("trl"))
        on_a_cpu = ["--bf16", "false", "--use_cpu", "true", "--dtype", "float32"]
        ran([trl, *handed.command.split()[1:], *on_a_cpu], handed.path)
        layers = adapted(handed.path / "adapter")
        assert len(layers) == 2 * 7 * 2  # two matrices each
        assert all("language_model" in name for name in layers)


@pytest.mark.long
def test_llamafactory_trains_by_it(made: Path, llava: Path, tmp_path: Path):  # noqa: F811
    """LLaMA-Factory 0.9.5, in an environment of its own (see tests/dataset/formats/test_tools.py)."""
    python = os.environ.get("SAFECOT_LLAMAFACTORY_PYTHON")
    if not python:
        pytest.skip("SAFECOT_LLAMAFACTORY_PYTHON names no Python that has the tool: its own training is not tested")
    for objective in ("sft", "dpo"):
        recipe = RECIPE.model_copy(update={"objective": objective})
        handed = hand_over("llamafactory", made, str(llava), recipe, tmp_path / objective)
        command = str(Path(python).with_name("llamafactory-cli"))
        ran([command, "train", "llamafactory.yaml", "bf16=false", "use_cpu=true"], handed.path)
        layers = adapted(handed.path / "adapter")
        assert layers
        assert all("language_model" in name for name in layers)
