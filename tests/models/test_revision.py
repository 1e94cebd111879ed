"""A model of the hub is the commit that its name says, wherever it is loaded."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

from safecot_dsl.models import ModelError, UnpinnedModelWarning, load_model, load_processor, model_digest, naming
from safecot_dsl.models.bare import bare_model
from safecot_dsl.models.folder import base_of_adapter, check_adapter_fits
from safecot_dsl.models.local import load_chat, load_parts
from safecot_dsl.models.merging import merge_adapter
from safecot_dsl.models.naming import parse_model, resolve_model
from safecot_dsl.training import TrainingRecipe
from safecot_dsl.training.lora import add_lora

from . import tiny
from .hub import FIRST, ID, SECOND, fill_cache, go_offline


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two states of a model: other weights, another end of turn, another template."""
    made = {
        commit: tiny.build_idefics3(tmp_path_factory.mktemp(commit), seed=seed)
        for seed, commit in enumerate((FIRST, SECOND))
    }
    settings = made[SECOND] / "generation_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"eos_token_id": 5}))
    template = made[SECOND] / "chat_template.jinja"
    template.write_text(template.read_text().replace("<|turn|>", "<|turn|>second "))
    return made


@pytest.fixture
def cache(folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub with both; `main` stands at the second, and the tag `v1` at the first."""
    made = fill_cache(tmp_path / "hub", folders, {"main": SECOND, "v1": FIRST})
    go_offline(monkeypatch, made)
    naming._commit.cache_clear()  # pyright: ignore[reportPrivateUsage]
    return made


def weight(model: Any) -> torch.Tensor:
    return model.get_input_embeddings().weight


def test_each_revision_loads_its_own_parts(cache: Path, folders: dict[str, Path]):
    """Weights, processor, template and generation settings, against those of the folders that they were made from."""
    for commit, folder in folders.items():
        name = f"{ID}@{commit}"
        model, processor = load_parts(name)
        own, own_processor = load_parts(str(folder))
        assert torch.equal(weight(model), weight(own))
        assert processor.chat_template == own_processor.chat_template == load_processor(name).chat_template
        assert load_chat(name).stop_ids == load_chat(str(folder)).stop_ids
    assert len({load_chat(f"{ID}@{commit}").stop_ids for commit in folders}) == 2
    assert not torch.equal(weight(load_parts(f"{ID}@{FIRST}")[0]), weight(load_parts(f"{ID}@{SECOND}")[0]))


def test_a_pinned_name_gives_no_warning_and_is_its_own_digest(cache: Path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model_digest(f"{ID}@{FIRST}") == f"hub:{ID}@{FIRST}"
        assert bare_model(f"{ID}@{FIRST}").config.model_type == "idefics3"
        assert str(resolve_model(f"{ID}@{FIRST}")) == f"{ID}@{FIRST}"


@pytest.mark.parametrize(
    ("name", "commit", "stood"), [(ID, SECOND, "main"), (f"{ID}@main", SECOND, "main"), (f"{ID}@v1", FIRST, "v1")]
)
def test_what_is_not_pinned_says_so_and_which_commit_it_is(cache: Path, name: str, commit: str, stood: str):
    with pytest.warns(UnpinnedModelWarning, match=f"`{ID}` is not pinned: `{stood}` is {commit}.*`{ID}@{commit}`"):
        assert model_digest(name) == f"hub:{ID}@{commit}"


def test_a_name_means_one_commit_as_long_as_the_process_runs(cache: Path, folders: dict[str, Path]):
    """What is recorded is what was loaded, even where the branch moves in between."""
    with pytest.warns(UnpinnedModelWarning):
        digest = model_digest(ID)
    (cache / "models--tiny--model" / "refs" / "main").write_text(FIRST)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UnpinnedModelWarning)
        model, _ = load_parts(ID)
        assert model_digest(ID) == digest
    assert torch.equal(weight(model), weight(load_parts(str(folders[SECOND]))[0]))


def test_a_commit_that_is_not_there_is_an_error(cache: Path):
    other = "3" * 40
    with pytest.raises(ModelError, match=f"`{ID}@{other}` is no folder here, and the hub does not give it"):
        load_model(f"{ID}@{other}")


@pytest.mark.parametrize(
    ("revision", "fault"),
    [
        ("", "no revision stands after `@`"),
        ("66285546d2", "`66285546d2` is a commit of 10 digits, and a whole one has 40"),
        (FIRST.upper(), "has capital letters, and commits are written without"),
        ("../../../etc", "cannot be the name of a commit, a tag or a branch"),
        ("refs/../x", "cannot be the name"),
        ("a b", "cannot be the name"),
        ("-x", "cannot be the name"),
        ("main.lock", "cannot be the name"),
        ("v1@v2", "cannot be the name"),
    ],
)
def test_a_malformed_revision_says_how_to_mend_it(revision: str, fault: str):
    with pytest.raises(ModelError, match=fault) as raised:
        parse_model(f"{ID}@{revision}")
    assert f"write `{ID}@COMMIT`" in str(raised.value)


@pytest.mark.parametrize("revision", ["main", "v1.0", "refs/pr/3", "feature/x-y_z", "20261127", FIRST])
def test_names_of_commits_tags_and_branches_are_taken(revision: str):
    found = parse_model(f"{ID}@{revision}")
    assert (found.source, found.revision, found.folder) == (ID, revision, None)
    assert found.pinned == (revision == FIRST)
    assert parse_model(str(found)) == found


def test_a_folder_may_have_an_at_in_its_path(folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Also where the name could be that of a hub id at a revision."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(folders[FIRST], tmp_path / "tiny" / f"model@{FIRST}")
    name = f"{ID}@{FIRST}"
    assert parse_model(name).folder == Path(name)
    assert model_digest(name) == model_digest(str(folders[FIRST]))
    assert load_processor(name).chat_template
    with pytest.raises(ModelError, match="there is no model folder"):
        parse_model(f"./{ID}@{SECOND}")


def saved_adapter(name: str, folder: Path) -> Path:
    """An adapter that changes the model, saved as training saves it."""
    model, _ = load_parts(name)
    tuned = add_lora(model, TrainingRecipe(r=2), revision=resolve_model(name).revision)
    torch.manual_seed(0)
    for key, parameter in tuned.named_parameters():
        if "lora_B" in key:
            torch.nn.init.normal_(parameter, std=0.2)
    tuned.save_pretrained(folder, save_embedding_layers=False)
    return folder


def test_an_adapter_names_its_base_as_peft_does(cache: Path, folders: dict[str, Path], tmp_path: Path):
    """Plain PEFT finds the commit by it, and merging does too."""
    from peft import AutoPeftModel, PeftModelForCausalLM
    from transformers import AutoModelForImageTextToText

    name = f"{ID}@{FIRST}"
    adapter = saved_adapter(name, tmp_path / "adapter")
    settings = json.loads((adapter / "adapter_config.json").read_text())
    assert (settings["base_model_name_or_path"], settings["revision"]) == (ID, FIRST)
    assert base_of_adapter(adapter) == name

    class Loader(AutoPeftModel):
        """PEFT has no class of its own for these models."""

        _target_class = AutoModelForImageTextToText
        _target_peft_class = PeftModelForCausalLM

    plain = Loader.from_pretrained(str(adapter))
    assert torch.equal(weight(plain), weight(load_parts(str(folders[FIRST]))[0]))

    merged = merge_adapter(adapter, tmp_path / "merged")
    assert json.loads((merged / "merged.json").read_text())["base"] == name
    assert torch.equal(weight(load_parts(str(merged))[0]), weight(load_parts(str(folders[FIRST]))[0]))
    assert load_processor(str(merged)).chat_template == load_processor(name).chat_template


def test_an_adapter_of_another_commit_is_refused(cache: Path, tmp_path: Path):
    adapter = saved_adapter(f"{ID}@{FIRST}", tmp_path / "adapter")
    check_adapter_fits(adapter, f"{ID}@{FIRST}")
    with pytest.raises(ModelError, match=f"trained on another base: on `{ID}@{FIRST}`, not on `{ID}@{SECOND}`"):
        check_adapter_fits(adapter, f"{ID}@{SECOND}")
    with pytest.raises(ModelError, match="trained on another base"):
        check_adapter_fits(adapter, f"tiny/other@{FIRST}")
    settings = adapter / "adapter_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"revision": None}))
    check_adapter_fits(adapter, f"{ID}@{SECOND}")  # it does not say which commit
