"""Adapters that are trained, really: what they learn, what they touch, and what a kill or a disk does to them."""

import json
import runpy
import signal
import time
from pathlib import Path

import pytest
import torch
from models.tiny import build_paligemma, picture
from safetensors.torch import load_file

from safecot_dsl.models import ModelError, Request, load_model, model_digest
from safecot_dsl.models.families import parts_of
from safecot_dsl.storage import Progress, sha256_file
from safecot_dsl.training import TrainingError, TrainingRecipe, train
from safecot_dsl.training.checkpoints import last_checkpoint, seal_checkpoint
from safecot_dsl.training.lora import add_lora, check_trainable
from safecot_dsl.training.metrics import Metrics, read_metrics
from safecot_dsl.training.objective import FAULT
from safecot_dsl.training.rows import read_rows
from tests.commands import forked

from .conftest import eight_rows, row, wait_after_each_step

QUICK = TrainingRecipe(r=4, max_steps=4, logging_steps=1, save_steps=2, learning_rate=1e-3)
DIGESTS = {"policy_digest": "sha256:the-policy", "data_digest": "sha256:the-data"}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def without_time(path: Path) -> list[dict]:
    return [{key: value for key, value in line.items() if key != "seconds"} for line in read_metrics(path)]


def test_eight_rows_are_learnt_by_heart_and_come_back_from_the_folder(any_family, write_rows, tmp_path):
    """The loss falls, generation reproduces every completion, and the base alone does not."""
    recipe = TrainingRecipe(
        r=16, max_steps=120, learning_rate=1e-2, per_device_train_batch_size=8, logging_steps=20, save_steps=60
    )
    path = write_rows(eight_rows())
    result = train(path, str(any_family), tmp_path / "adapter", recipe, **DIGESTS)
    lines = read_metrics(tmp_path / "adapter" / "metrics.jsonl")
    assert [line["step"] for line in lines] == [20, 40, 60, 80, 100, 120]
    assert lines[-1]["loss"] < 0.1 < 1 < lines[0]["loss"]
    assert result.loss == lines[-1]["loss"]
    assert names(tmp_path / "adapter") == [
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
        "metrics.jsonl",
        "stage.json",
        "training.json",
    ]
    rows = read_rows(path)
    requests = [each.request for each in rows]
    tuned = load_model(str(any_family), tmp_path / "adapter").generate(requests, max_new_tokens=60, batch_size=3)
    assert tuned == [each.completion for each in rows]
    base = load_model(str(any_family)).generate(requests, max_new_tokens=60, batch_size=3)
    assert not any(answer == each.completion for answer, each in zip(base, rows, strict=True))


def test_plain_peft_and_transformers_load_the_adapter(any_family, write_rows, tmp_path):
    """By the lines of the card, and to the same logits as the package's own (merged) model."""
    from peft import PeftModel
    from transformers import AutoModelForImageTextToText

    train(write_rows(eight_rows()), str(any_family), tmp_path / "adapter", QUICK, **DIGESTS)
    card = (tmp_path / "adapter" / "README.md").read_text()
    code = card.split("```python\n")[1].split("```")[0].replace("path/to/this/folder", str(tmp_path / "adapter"))
    (tmp_path / "card.py").write_text(code)
    loaded = runpy.run_path(str(tmp_path / "card.py"))["model"].eval()
    assert isinstance(loaded, PeftModel)
    ours = load_model(str(any_family), tmp_path / "adapter")
    inputs = ours.chat.encode(Request("what is it ?", (picture("blue"),)))
    with torch.no_grad():
        theirs = loaded(**inputs).logits
        torch.testing.assert_close(ours.model(**inputs).logits, theirs, atol=1e-4, rtol=1e-4)
        base = AutoModelForImageTextToText.from_pretrained(any_family)(**inputs).logits
    assert (theirs - base).abs().max() > 1e-3


def test_the_card_and_the_record_say_what_it_was_made_from(idefics3, write_rows, tmp_path):
    recipe_json = '{\n  "name": "the whole recipe"\n}'
    train(write_rows(eight_rows()), str(idefics3), tmp_path / "a", QUICK, **DIGESTS, recipe_json=recipe_json)
    card = (tmp_path / "a" / "README.md").read_text()
    assert card.startswith("---\nbase_model: ")
    for said in ("sha256:the-policy", "sha256:the-data", str(idefics3), "the whole recipe", '"learning_rate": 0.001'):
        assert said in card
    record = json.loads((tmp_path / "a" / "training.json").read_text())
    assert record["base_digest"] == model_digest(str(idefics3))
    assert record["policy"] == "sha256:the-policy"
    assert record["rows"] == 8
    assert TrainingRecipe.model_validate(record["recipe"]) == QUICK


def test_only_the_language_model_is_adapted(any_family, write_rows, tmp_path):
    """7 projections in each of 2 layers, two matrices each; the vision tower has some of the same names."""
    train(write_rows(eight_rows()), str(any_family), tmp_path / "a", QUICK, **DIGESTS)
    tensors = load_file(tmp_path / "a" / "adapter_model.safetensors")
    assert len(tensors) == 2 * 7 * 2
    assert all("text_model" in name or "language_model" in name for name in tensors)
    assert not any(word in name for name in tensors for word in ("vision", "visual", "connector", "projector"))
    base = load_model(str(any_family)).model
    assert any("vision" in name and name.endswith("q_proj") for name, _ in base.named_modules())


def test_layers_can_be_named_and_misnamed(idefics3):
    base = load_model(str(idefics3)).model
    message = r"no layer named c_attn .* Idefics3.*; its linear layers there are down_proj, "
    with pytest.raises(TrainingError, match=message):
        add_lora(base, TrainingRecipe(target_modules=("c_attn",)))
    recipe, parts = TrainingRecipe(target_modules=("q_proj",)), parts_of(base)
    tuned = add_lora(base, recipe)
    trainable = [name for name, parameter in tuned.named_parameters() if parameter.requires_grad]
    assert len(trainable) == 2 * 2
    vision = next(p for n, p in tuned.named_parameters() if "vision" in n)
    vision.requires_grad_(True)
    message = r"vision.* would be trained, but only adapters of these parts may be: language"
    with pytest.raises(TrainingError, match=message):
        check_trainable(tuned, parts, recipe)


def test_a_family_that_sees_the_answer_beforehand_is_refused(write_rows, tmp_path, monkeypatch):
    """PaliGemma, had its prompts and answers not been told apart by token types."""
    monkeypatch.setattr("safecot_dsl.models.chat.family_of_processor", lambda name: None)
    base = build_paligemma(tmp_path / "base")
    rows = [each for each in eight_rows() if len(each["images"]) == 1]
    with pytest.raises(TrainingError, match=r"PaliGemma.* sees tokens of the answer before it has predicted them"):
        train(write_rows(rows), str(base), tmp_path / "a", QUICK, **DIGESTS)


def test_a_second_run_does_nothing_and_another_recipe_trains_again(idefics3, write_rows, tmp_path):
    path = write_rows(eight_rows())
    first = train(path, str(idefics3), tmp_path / "a", QUICK, **DIGESTS)
    made = (tmp_path / "a" / "adapter_model.safetensors").stat()
    second = train(path, str(idefics3), tmp_path / "a", QUICK, **DIGESTS)
    assert (first.ran, second.ran) == (True, False)
    assert (tmp_path / "a" / "adapter_model.safetensors").stat().st_ino == made.st_ino
    assert (second.loss, second.steps, second.rows) == (first.loss, 4, 8)
    assert train(path, str(idefics3), tmp_path / "a", QUICK.model_copy(update={"seed": 1}), **DIGESTS).ran


def test_the_seed_decides_the_adapter(idefics3, write_rows, tmp_path):
    path = write_rows(eight_rows())
    dropout = QUICK.model_copy(update={"lora_dropout": 0.2, "per_device_train_batch_size": 2})
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(path, str(idefics3), tmp_path / name, dropout.model_copy(update={"seed": seed}), **DIGESTS)
    a, b, c = (sha256_file(tmp_path / name / "adapter_model.safetensors") for name in "abc")
    assert a == b != c
    assert without_time(tmp_path / "a" / "metrics.jsonl") == without_time(tmp_path / "b" / "metrics.jsonl")


def test_accumulated_batches_weigh_tokens_as_one_batch_does(idefics3, write_rows, tmp_path):
    """Two batches of 4 and one of 8 have the same loss, which is a mean over all tokens, not over batches."""
    rows = [row(f"{i}", "what ?", "one two three " * (1 + 4 * (i // 4)), "red") for i in range(8)]
    path = write_rows(rows)
    one = QUICK.model_copy(update={"max_steps": 1, "save_steps": 1, "per_device_train_batch_size": 8})
    two = one.model_copy(update={"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2})
    losses = [train(path, str(idefics3), tmp_path / f"{i}", each, **DIGESTS).loss for i, each in enumerate((one, two))]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_gradient_checkpointing_changes_nothing_but_memory(idefics3, write_rows, tmp_path):
    path = write_rows(eight_rows())
    plain = train(path, str(idefics3), tmp_path / "a", QUICK, **DIGESTS)
    less = train(
        path, str(idefics3), tmp_path / "b", QUICK.model_copy(update={"gradient_checkpointing": True}), **DIGESTS
    )
    assert less.loss == pytest.approx(plain.loss, rel=1e-4)


def test_steps_that_fill_no_line_are_logged_all_the_same(idefics3, write_rows, tmp_path):
    recipe = QUICK.model_copy(update={"max_steps": 3, "logging_steps": 2})
    train(write_rows(eight_rows()), str(idefics3), tmp_path / "a", recipe, **DIGESTS)
    lines = read_metrics(tmp_path / "a" / "metrics.jsonl")
    assert [line["step"] for line in lines] == [2, 3]
    assert set(lines[0]) == {"step", "loss", "learning_rate", "grad_norm", "seconds", "tokens"}


def test_tokens_count_rows_without_padding(words, write_rows, tmp_path):
    """24 tokens of template and image, 2 words of prompt, 3 and 5 of completion: 29 + 31 a step."""
    rows = [row("a", "what ?", "one two", "red"), row("b", "what ?", "one two three red", "red")]
    recipe = QUICK.model_copy(update={"per_device_train_batch_size": 2, "max_steps": 2})
    train(write_rows(rows), str(words), tmp_path / "a", recipe, **DIGESTS)
    assert [line["tokens"] for line in read_metrics(tmp_path / "a" / "metrics.jsonl")] == [60, 120]


def test_a_run_that_diverges_stops_with_the_step_and_leaves_no_adapter(idefics3, write_rows, tmp_path):
    recipe = QUICK.model_copy(update={"learning_rate": 1e30, "max_grad_norm": 1e30, "max_steps": 20})
    with pytest.raises(TrainingError, match=r"the loss is (nan|inf) at step \d+: the run has diverged; lower"):
        train(write_rows(eight_rows()), str(idefics3), tmp_path / "a", recipe, **DIGESTS)
    assert not (tmp_path / "a").exists()
    fault = json.loads((tmp_path / ".a.work" / FAULT).read_text())
    assert fault["fault"] in ("the loss is nan", "the loss is inf")
    assert {entry["row"] for batch in fault["batches"] for entry in batch} <= {each["id"] for each in eight_rows()}
    assert all(entry["tokens"] > 16 for batch in fault["batches"] for entry in batch)


@pytest.mark.parametrize(
    ("error", "batch", "checkpointing", "mend"),
    [
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
            4,
            False,
            "`per_device_train_batch_size: 2, gradient_accumulation_steps: 2` makes the same step in half the memory, "
            "and `gradient_checkpointing: true` takes less",
        ),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."), 1, True, "one row is"),
    ],
)
def test_out_of_memory_says_what_to_change(
    idefics3, write_rows, tmp_path, monkeypatch, error, batch, checkpointing, mend
):
    import transformers

    def full(*arguments, **options):
        raise error

    monkeypatch.setattr(transformers.Trainer, "training_step", full)
    recipe = QUICK.model_copy(update={"per_device_train_batch_size": batch, "gradient_checkpointing": checkpointing})
    with pytest.raises(TrainingError, match=rf"out of memory at step 1, with {batch} rows a batch") as caught:
        train(write_rows(eight_rows()), str(idefics3), tmp_path / "a", recipe, **DIGESTS)
    assert mend in str(caught.value)
    assert json.loads((tmp_path / ".a.work" / FAULT).read_text())["step"] == 1


def test_another_error_of_a_step_is_not_taken_for_it(idefics3, write_rows, tmp_path, monkeypatch):
    import transformers

    def broken(*arguments, **options):
        raise RuntimeError("something else")

    monkeypatch.setattr(transformers.Trainer, "training_step", broken)
    with pytest.raises(RuntimeError, match="something else"):
        train(write_rows(eight_rows()), str(idefics3), tmp_path / "a", QUICK, **DIGESTS)


def test_a_bad_row_stops_before_training_and_leaves_no_adapter(idefics3, write_rows, tmp_path):
    with pytest.raises(TrainingError, match="row `bad`"):
        train(write_rows([row("bad", "x", "")]), str(idefics3), tmp_path / "a", QUICK, **DIGESTS)
    with pytest.raises(TrainingError, match="there is no file of training rows"):
        train(tmp_path / "nowhere.parquet", str(idefics3), tmp_path / "a", QUICK, **DIGESTS)
    assert not (tmp_path / "a").exists()


KILLED = TrainingRecipe(
    r=4,
    lora_dropout=0.1,
    max_steps=12,
    logging_steps=1,
    save_steps=3,
    learning_rate=1e-3,
    per_device_train_batch_size=2,
    gradient_accumulation_steps=2,
)


def train_slowly(path: Path, model: Path, out: Path) -> None:
    """In a process of its own, which can be killed in the middle."""
    wait_after_each_step(0.3)
    train(path, str(model), out, KILLED, **DIGESTS)


@pytest.mark.usefixtures("one_thread")
def test_a_run_killed_in_the_middle_resumes_and_comes_to_the_same_adapter(idefics3, write_rows, tmp_path):
    """SIGKILL after step 7 of 12: it goes on from the checkpoint of step 6, with the same losses and weights."""
    path = write_rows(eight_rows())
    victim = forked(train_slowly, path, idefics3, tmp_path / "killed")
    metrics = tmp_path / ".killed.work" / "metrics.jsonl"
    deadline = time.monotonic() + 120
    while len(read_metrics(metrics)) < 7 and time.monotonic() < deadline:
        time.sleep(0.02)
    victim.kill()
    victim.join()
    assert victim.exitcode == -signal.SIGKILL
    assert not (tmp_path / "killed").exists()
    assert 7 <= read_metrics(metrics)[-1]["step"] < 12

    train(path, str(idefics3), tmp_path / "killed", KILLED, **DIGESTS)
    train(path, str(idefics3), tmp_path / "undisturbed", KILLED, **DIGESTS)
    lines = without_time(tmp_path / "killed" / "metrics.jsonl")
    assert [line["step"] for line in lines] == list(range(1, 13))
    assert lines == without_time(tmp_path / "undisturbed" / "metrics.jsonl")
    ours, theirs = (load_file(tmp_path / name / "adapter_model.safetensors") for name in ("killed", "undisturbed"))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert names(tmp_path) == ["killed", "rows.parquet", "undisturbed"]


def test_a_resumed_run_says_where_it_goes_on(idefics3, write_rows, tmp_path, capsys, monkeypatch):
    """An error after step 3 (a full disk, say) leaves the checkpoint of step 2; the next call begins there."""
    path = write_rows(eight_rows())
    real = Metrics.append

    def full(self, step, *arguments, **options):
        if step == 3:
            raise OSError(28, "No space left on device")
        return real(self, step, *arguments, **options)

    monkeypatch.setattr(Metrics, "append", full)
    with pytest.raises(OSError, match="No space left"):
        train(path, str(idefics3), tmp_path / "a", QUICK, **DIGESTS)
    assert not (tmp_path / "a").exists()
    monkeypatch.undo()
    with Progress() as progress:
        train(path, str(idefics3), tmp_path / "a", QUICK, **DIGESTS, progress=progress)
    assert "training: 2/4 steps (50 %)" in capsys.readouterr().err
    assert [line["step"] for line in read_metrics(tmp_path / "a" / "metrics.jsonl")] == [1, 2, 3, 4]


def test_checkpoints_hold_no_pickle_that_is_not_read_safely(idefics3, write_rows, tmp_path, monkeypatch):
    """What torch saved (optimizer, scheduler, random states) loads with `weights_only`; all else is no pickle."""
    from transformers.trainer_pt_utils import safe_globals

    import safecot_dsl.training.run as run

    monkeypatch.setattr(run, "remove", lambda path: None)
    train(write_rows(eight_rows()), str(idefics3), tmp_path / "a", QUICK, **DIGESTS)
    (checkpoint,) = (tmp_path / "a" / ".checkpoints").iterdir()
    assert checkpoint.name == "checkpoint-4"
    torch_files = sorted(path.name for path in checkpoint.iterdir() if path.suffix in {".pt", ".pth", ".bin"})
    assert torch_files == ["optimizer.pt", "rng_state.pth", "scheduler.pt"]
    with safe_globals():
        for name in torch_files:
            torch.load(checkpoint / name, weights_only=True)


@pytest.mark.parametrize("harm", ["unsealed", "torn"])
def test_a_checkpoint_that_is_not_whole_is_not_resumed_from(tmp_path, harm):
    for step in (2, 4):
        checkpoint = tmp_path / f"checkpoint-{step}"
        checkpoint.mkdir()
        (checkpoint / "adapter_model.safetensors").write_bytes(b"weights" * step)
    seal_checkpoint(tmp_path / "checkpoint-2")  # before the other was begun: it removes it
    assert names(tmp_path) == ["checkpoint-2"]
    later = tmp_path / "checkpoint-10"
    later.mkdir()
    (later / "adapter_model.safetensors").write_bytes(b"weights")
    if harm == "torn":
        (later / "complete.json").write_text((tmp_path / "checkpoint-2" / "complete.json").read_text())
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-2"
    assert names(tmp_path) == ["checkpoint-2"]


def test_metrics_drop_what_lies_beyond_the_checkpoint_and_what_is_torn(tmp_path):
    path = tmp_path / "metrics.jsonl"
    metrics = Metrics(path)
    for step in (1, 2, 3):
        metrics.append(step, 1.0 / step, 0.1, 1.0, tokens=10 * step)
    with path.open("a") as file:
        file.write('{"step": 4, "lo')
    Metrics(path, step=2).append(3, 0.3, 0.1, 1.0, tokens=30)
    assert [(line["step"], line["loss"]) for line in read_metrics(path)] == [(1, 1.0), (2, 0.5), (3, 0.3)]


def test_an_adapter_is_refused_on_another_base(idefics3, words, write_rows, tmp_path):
    train(write_rows(eight_rows()), str(idefics3), tmp_path / "a", QUICK, **DIGESTS)
    with pytest.raises(ModelError, match=f"was trained on another base: on `{idefics3}`.*, not on `{words}`"):
        load_model(str(words), tmp_path / "a")


def test_a_pickled_adapter_is_refused(idefics3, write_rows, tmp_path):
    train(write_rows(eight_rows()), str(idefics3), tmp_path / "a", QUICK, **DIGESTS)
    (tmp_path / "a" / "adapter_model.safetensors").unlink()
    torch.save({}, tmp_path / "a" / "adapter_model.bin")
    with pytest.raises(ModelError, match=r"no adapter_model.safetensors \(found adapter_model.bin: pickle is refused"):
        load_model(str(idefics3), tmp_path / "a")
    with pytest.raises(ModelError, match="this is a PEFT adapter: give its base as the model"):
        load_model(str(tmp_path / "a"))
    with pytest.raises(ModelError, match="there is no adapter folder"):
        load_model(str(idefics3), tmp_path / "nowhere")
