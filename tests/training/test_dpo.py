"""Preference training: the loss by hand and by TRL, what is learnt from, and what an interruption does to it."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file

from safecot_dsl.dataset.pairs import preference_schema
from safecot_dsl.models.chat import Chat
from safecot_dsl.models.local import load_parts, stop_ids
from safecot_dsl.storage import Progress
from safecot_dsl.training import TrainingError, TrainingRecipe, train
from safecot_dsl.training.dpo.losses import LogProbs, preference_loss
from safecot_dsl.training.dpo.pairs import EncodedPairs, PreferencePair, read_pairs, texts_of
from safecot_dsl.training.dpo.settings import DpoSettings, LossType
from safecot_dsl.training.lora import add_lora
from safecot_dsl.training.metrics import Metrics, read_metrics
from safecot_dsl.training.objective import FAULT
from safecot_dsl.training.show import look_at_batch

from .conftest import eight_rows

QUICK = TrainingRecipe(
    objective="dpo",
    r=4,
    max_steps=4,
    logging_steps=1,
    save_steps=2,
    learning_rate=1e-3,
    per_device_train_batch_size=4,
)
DIGESTS = {"policy_digest": "sha256:the-policy", "data_digest": "sha256:the-data"}
ADAPTER = "adapter_model.safetensors"


def pair_of(row: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A pair of a row: its own answer against the other one."""
    helps = "here" in row["completion"]
    rejected = f"<think>\nthe user asks\n</think>\n{'i must not help' if helps else 'here you go'}"
    given = {"id": f"p{row['id']}", "images": row["images"], "prompt": row["prompt"], "chosen": row["completion"]}
    return {**given, "rejected": rejected, "kind": "unsafe", "row": row["id"], "policy": "sha256:p"} | more


@pytest.fixture
def write_pairs(tmp_path: Path) -> Callable[[Sequence[dict[str, Any]]], Path]:
    """Writes pairs as the dataset stage does; the file."""

    def write(pairs: Sequence[dict[str, Any]]) -> Path:
        pq.write_table(pa.Table.from_pylist(list(pairs), schema=preference_schema()), tmp_path / "pairs.parquet")
        return tmp_path / "pairs.parquet"

    return write


def eight_pairs() -> list[dict[str, Any]]:
    return [pair_of(row) for row in eight_rows()]


def without_time(path: Path) -> list[dict[str, Any]]:
    return [{key: value for key, value in line.items() if key != "seconds"} for line in read_metrics(path)]


# The loss


def log_sigmoid(value: float) -> float:
    return -math.log1p(math.exp(-value))


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


# One pair: chosen -10 nats in 4 tokens where the reference has -12, rejected -9 in 2 where it has -8. So the chosen
# text is e² times as likely as it was and the rejected one e⁻¹ times; the margin is 3, that of the means 2/4 + 1/2 = 1.
BETA, SMOOTHING = 0.5, 0.1
BY_HAND: dict[LossType, float] = {
    "sigmoid": -log_sigmoid(1.5),
    "hinge": 0.0,  # 1 - 1.5 is below
    "ipo": (1 - 1 / (2 * BETA)) ** 2,
    "exo_pair": sigmoid(1.5) * (log_sigmoid(1.5) - math.log(0.9)) + sigmoid(-1.5) * (log_sigmoid(-1.5) - math.log(0.1)),
    "nca_pair": -log_sigmoid(1.0) - 0.5 * log_sigmoid(-1.0) - 0.5 * log_sigmoid(0.5),
    "robust": (-0.9 * log_sigmoid(1.5) + 0.1 * log_sigmoid(-1.5)) / 0.8,
    "bco_pair": -log_sigmoid(1.0) - log_sigmoid(0.5),
    "sppo_hard": (2 - 1) ** 2 + (-1 + 1) ** 2,
    "apo_zero": 1 - sigmoid(1.0) + sigmoid(-0.5),
    "apo_down": sigmoid(1.0) + 1 - sigmoid(1.5),
    "sigmoid_norm": -log_sigmoid(0.5),
    "sft": 10 / 4,
}


def one_pair() -> LogProbs:
    return LogProbs(
        *(torch.tensor([value]) for value in (-10.0, -9.0, -12.0, -8.0)), torch.tensor([4]), torch.tensor([2])
    )


def test_every_loss_has_its_value_by_hand():
    assert set(BY_HAND) == set(get_args(LossType))


@pytest.mark.parametrize("name", BY_HAND)
def test_a_loss_of_one_pair_by_hand(name: LossType):
    settings = DpoSettings(beta=BETA, loss_type=(name,), label_smoothing=SMOOTHING)
    loss = preference_loss(one_pair(), settings, pairs=torch.tensor(1), tokens=torch.tensor(4))
    assert loss.item() == pytest.approx(BY_HAND[name], abs=1e-6)


def test_losses_are_added_by_their_weights():
    settings = DpoSettings(beta=BETA, loss_type=("sigmoid", "bco_pair", "sft"), loss_weights=(0.8, 0.2, 1.0))
    loss = preference_loss(one_pair(), settings, pairs=torch.tensor(2), tokens=torch.tensor(8))
    assert loss.item() == pytest.approx((0.8 * BY_HAND["sigmoid"] + 0.2 * BY_HAND["bco_pair"] + BY_HAND["sft"]) / 2)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"loss_type": ["sigmoid", "sft"], "loss_weights": [1.0]}, "give one weight for each"),
        ({"loss_type": ["exo_pair"]}, "divides by `label_smoothing`"),
        ({"loss_type": []}, "at least 1 item"),
        ({"label_smoothing": 0.5}, "less than 0.5"),
        ({"beta": 0}, "greater than 0"),
        ({"loss_type": ["aot"]}, "'sigmoid', 'hinge'"),
    ],
)
def test_settings_that_cannot_be_meant(given: dict[str, Any], said: str):
    with pytest.raises(ValidationError, match=said):
        DpoSettings.model_validate(given)


def test_weights_of_reasoning_and_answer_belong_to_another_objective():
    with pytest.raises(ValidationError, match="compared as whole texts"):
        TrainingRecipe(objective="dpo", answer_weight=0.5)


@pytest.mark.long
def test_trl_has_the_same_losses_and_the_same_gradient(idefics3, write_pairs, tmp_path):
    """On six pairs with a picture each, with an adapter that has moved away from the reference."""
    from trl import DPOConfig, DPOTrainer

    from safecot_dsl.training.dpo.reference import reference_logprobs
    from safecot_dsl.training.dpo.trainer import PreferenceTrainer

    pairs = [pair for pair in read_pairs(write_pairs(eight_pairs())).pairs if len(pair.request.images) == 1]
    model, processor = load_parts(str(idefics3), device="cpu")
    chat = Chat(processor, stop_ids(model.generation_config))
    tuned = add_lora(model, TrainingRecipe(r=4))
    with Progress(quiet=True) as silent:
        encoded = EncodedPairs(chat, pairs, max_tokens=None, progress=silent)
        encoded.reference = reference_logprobs(tuned, encoded, 4, tmp_path / "reference", silent)
    batch = encoded.collate([encoded[i] for i in range(len(pairs))])
    options = {"output_dir": str(tmp_path / "theirs"), "use_cpu": True, "bf16": False, "report_to": []}
    arguments = DPOConfig(
        **options, max_length=None, per_device_train_batch_size=6, gradient_checkpointing=False, label_smoothing=0.1
    )
    theirs = DPOTrainer(tuned, args=arguments, train_dataset=as_trl_has_them(pairs), processing_class=processor)
    torch.manual_seed(0)
    for name, parameter in tuned.named_parameters():
        if "lora_B.default" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    their_batch = next(iter(theirs.get_train_dataloader()))
    assert int(their_batch["completion_mask"].sum()) == int((batch["labels"] != -100).sum())
    tuned.eval()
    for name in get_args(LossType):
        settings = DpoSettings(loss_type=(name,), label_smoothing=0.1)
        ours = loss_of_our_trainer(PreferenceTrainer, tuned, encoded, batch, settings, tmp_path)
        theirs.loss_types, theirs.loss_weights = [name], [1.0]
        expected = theirs.compute_loss(tuned, dict(their_batch))
        assert ours.item() == pytest.approx(expected.item(), rel=1e-4), name
        if name in ("sigmoid", "sft"):
            compare_gradients(tuned, ours, expected)


def loss_of_our_trainer(kind, tuned, encoded, batch, settings, folder):
    from transformers import TrainingArguments

    arguments = TrainingArguments(output_dir=str(folder / "ours"), use_cpu=True, report_to=[])
    trainer = kind(model=tuned, args=arguments, rows=encoded, schedule=None, fault=folder / "f", settings=settings)
    return trainer.compute_loss(tuned, batch)


def compare_gradients(tuned, ours, theirs) -> None:
    parameters = [parameter for parameter in tuned.parameters() if parameter.requires_grad]
    found, wanted = (torch.autograd.grad(loss, parameters) for loss in (ours, theirs))
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)
    assert max(float(each.abs().max()) for each in found) > 1e-3


def as_trl_has_them(pairs: Sequence[PreferencePair]):
    """Conversational preference rows with images, as the export `trl_preference` has them."""
    import datasets

    message = [{"role": datasets.Value("string"), "content": datasets.Value("string")}]
    features = datasets.Features(
        {"prompt": message, "chosen": message, "rejected": message, "images": datasets.List(datasets.Image())}
    )
    records = [
        {
            "prompt": [{"role": "user", "content": pair.request.prompt}],
            "chosen": [{"role": "assistant", "content": pair.chosen}],
            "rejected": [{"role": "assistant", "content": pair.rejected}],
            "images": [{"bytes": image, "path": None} for image in pair.request.images],
        }
        for pair in pairs
    ]
    return datasets.Dataset.from_list(records, features=features)


# A run


@pytest.mark.usefixtures("one_thread")
def test_a_run_begins_at_ln_2_and_learns_to_prefer(idefics3, write_pairs, tmp_path):
    """At the first step the model is its own reference; at the end it prefers every chosen text, and the card says of
    what it was made."""
    path = write_pairs(eight_pairs())
    recipe = QUICK.model_copy(update={"max_steps": 12, "learning_rate": 5e-3})
    result = train(path, str(idefics3), tmp_path / "a", recipe, **DIGESTS)
    lines: list[dict[str, Any]] = without_time(tmp_path / "a" / "metrics.jsonl")
    assert lines[0]["loss"] == pytest.approx(math.log(2), abs=1e-4)
    assert lines[0]["rewards/margins"] == pytest.approx(0, abs=1e-4)
    assert lines[-1]["rewards/accuracies"] == 1.0
    assert lines[-1]["rewards/margins"] == pytest.approx(
        lines[-1]["rewards/chosen"] - lines[-1]["rewards/rejected"], abs=1e-4
    )
    assert lines[-1]["rewards/margins"] > 1
    assert lines[-1]["logps/chosen"] < 0
    assert result.rows == 8
    record = json.loads((tmp_path / "a" / "training.json").read_text())
    assert (record["kinds"], record["rows"]) == ({"unsafe": 8}, 8)
    card = (tmp_path / "a" / "README.md").read_text()
    assert "8 preference pairs" in card
    assert "8 unsafe" in card
    assert not list((tmp_path / "a").glob(".reference*"))


def test_batches_that_are_accumulated_weigh_pairs_as_one_batch_does(idefics3, write_pairs, tmp_path):
    """Texts of unequal length: `sft` is a mean over all their tokens, `sigmoid` over all pairs."""
    rows = [row for row in eight_rows() if len(row["images"]) == 1][:4]
    pairs = [pair_of(row, chosen="one two three " * (1 + 4 * (n // 2))) for n, row in enumerate(rows)]
    path = write_pairs(pairs)
    one = QUICK.model_copy(update={"max_steps": 1, "save_steps": 1, "dpo": DpoSettings(loss_type=("sigmoid", "sft"))})
    two = one.model_copy(update={"per_device_train_batch_size": 2, "gradient_accumulation_steps": 2})
    found = [train(path, str(idefics3), tmp_path / f"{i}", each, **DIGESTS) for i, each in enumerate((one, two))]
    assert found[0].loss == pytest.approx(found[1].loss, rel=1e-5)
    lines: list[Any] = [read_metrics(each.adapter / "metrics.jsonl")[-1] for each in found]
    assert lines[0]["logps/chosen"] == pytest.approx(lines[1]["logps/chosen"], rel=1e-5)
    assert lines[0]["grad_norm"] == pytest.approx(lines[1]["grad_norm"], rel=1e-4)


@pytest.mark.usefixtures("one_thread")
def test_a_run_that_was_interrupted_comes_to_the_same_adapter(idefics3, write_pairs, tmp_path, monkeypatch):
    """A full disk at step 3 leaves the checkpoint of step 2; the reference is that of the run's beginning."""
    path, recipe = write_pairs(eight_pairs()), QUICK.model_copy(update={"lora_dropout": 0.1})
    train(path, str(idefics3), tmp_path / "whole", recipe, **DIGESTS)
    real = Metrics.append

    def full(self, step, *arguments, **options):
        if step == 3:
            raise OSError(28, "No space left on device")
        return real(self, step, *arguments, **options)

    monkeypatch.setattr(Metrics, "append", full)
    with pytest.raises(OSError, match="No space left"):
        train(path, str(idefics3), tmp_path / "torn", recipe, **DIGESTS)
    monkeypatch.undo()
    monkeypatch.setattr("safecot_dsl.training.dpo.reference.text_logprobs", None)  # it is not worked out again
    train(path, str(idefics3), tmp_path / "torn", recipe, **DIGESTS)
    assert without_time(tmp_path / "torn" / "metrics.jsonl") == without_time(tmp_path / "whole" / "metrics.jsonl")
    ours, theirs = (load_file(tmp_path / name / ADAPTER) for name in ("torn", "whole"))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_run_that_diverges_names_the_pairs(idefics3, write_pairs, tmp_path):
    recipe = QUICK.model_copy(update={"learning_rate": 1e30, "max_grad_norm": 1e30})
    with pytest.raises(TrainingError, match=r"the loss is (nan|inf) at step \d+: the run has diverged"):
        train(write_pairs(eight_pairs()), str(idefics3), tmp_path / "a", recipe, **DIGESTS)
    fault = json.loads((tmp_path / ".a.work" / FAULT).read_text())
    assert {entry["row"] for batch in fault["batches"] for entry in batch} <= {each["id"] for each in eight_pairs()}


@pytest.mark.long
def test_two_processes_take_the_steps_of_one(idefics3, write_pairs, tmp_path):
    from .test_processes import alike, finish, start

    path = write_pairs(eight_pairs())
    recipe = QUICK.model_copy(update={"max_steps": 4, "per_device_train_batch_size": 2})
    one = recipe.model_copy(update={"gradient_accumulation_steps": 2})
    train(path, str(idefics3), tmp_path / "one", one, **DIGESTS)
    assert finish(start(path, idefics3, tmp_path / "two", recipe)) == ["True 4", "True 4"]
    alike(tmp_path / "one", tmp_path / "two")
    lines: list[list[Any]] = [list(read_metrics(tmp_path / name / "metrics.jsonl")) for name in ("one", "two")]
    for ours, theirs in zip(*lines, strict=True):
        assert ours["rewards/margins"] == pytest.approx(theirs["rewards/margins"], abs=1e-3)


# What is learnt from


def write_dataset(folder: Path, pairs: Sequence[dict[str, Any]], test_row: str) -> Path:
    """A data set of the eight rows, of which one is in the split `test`."""
    (folder / "data").mkdir(parents=True)
    (folder / "preferences").mkdir()
    rows = {
        split: [row for row in eight_rows() if (row["id"] == test_row) == (split == "test")]
        for split in ("train", "test")
    }
    for split, held in rows.items():
        pq.write_table(pa.Table.from_pylist(held), folder / "data" / f"{split}-00000.parquet")
    for kind in {pair["kind"] for pair in pairs}:
        held = [pair for pair in pairs if pair["kind"] == kind]
        table = pa.Table.from_pylist(held, schema=preference_schema())
        pq.write_table(table, folder / "preferences" / f"{kind}-00000.parquet")
    return folder


def test_pairs_are_those_of_training_rows_and_of_the_kinds_that_are_named(tmp_path):
    """The pair of a row of another split is counted and left out; so are those of other kinds."""
    pairs = [*eight_pairs(), pair_of(eight_rows()[0], id="flip", kind="policy_flip", system="The policy.")]
    folder = write_dataset(tmp_path / "data-set", pairs, test_row="21")
    everything = read_pairs(folder)
    assert (everything.kinds, everything.other_splits, everything.other_kinds) == (
        {"policy_flip": 1, "unsafe": 7},
        1,
        0,
    )
    flips = read_pairs(folder, ("policy_flip",))
    assert [pair.request.system for pair in flips.pairs] == ["The policy."]
    assert flips.other_kinds == 8
    with pytest.raises(
        TrainingError, match=r"no preference pairs of the kinds unreasoned .* it has policy_flip, unsafe"
    ):
        read_pairs(folder, ("unreasoned",))


def test_a_data_set_without_pairs_says_how_to_get_some(tmp_path, write_rows):
    folder = write_dataset(tmp_path / "data-set", (), test_row="21")
    with pytest.raises(TrainingError, match=r"has no preference pairs, .* ask for some in `data.preferences`"):
        read_pairs(folder)
    with pytest.raises(TrainingError, match="has no column `chosen`"):
        read_pairs(write_rows(eight_rows()))
    with pytest.raises(TrainingError, match=r"there are no preference pairs: .* there is no such folder or file"):
        read_pairs(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rejected": " "}, r"row `p00 \(rejected\)` has no labelled tokens"),
        ({"chosen": "<|end|>"}, r"row `p00 \(chosen\)`: the completion holds `<\|end\|>`"),
        ({"id": "p01"}, "several preference pairs with one id"),
        ({"images": [{"bytes": b"no picture", "path": None}]}, r"row `p00 \(chosen\)`"),
    ],
)
def test_a_pair_that_cannot_be_trained_on_is_named(idefics3, write_pairs, tmp_path, change, said):
    pairs = eight_pairs()
    pairs[0] |= change
    with pytest.raises(TrainingError, match=said):
        train(write_pairs(pairs), str(idefics3), tmp_path / "a", QUICK, **DIGESTS)
    assert not (tmp_path / "a").exists()


def test_nothing_of_a_pair_is_cut_off(idefics3, write_pairs):
    """A text that is longer than the model has positions is an error that names the pair."""
    _, processor = load_parts(str(idefics3), device="cpu")
    chat = Chat(processor)
    pairs = read_pairs(write_pairs([pair_of(eight_rows()[0], rejected="no " * 200)])).pairs
    with Progress(quiet=True) as silent, pytest.raises(TrainingError, match=r"row `p00 \(rejected\)` has 2\d\d tokens"):
        EncodedPairs(chat, pairs, max_tokens=128, progress=silent)


def test_a_pair_is_shown_as_two_rows_with_loss_on_their_texts(idefics3, write_pairs):
    """The system turn and the request are the same in both, and carry none."""
    path = write_pairs([pair_of(eight_rows()[0], system="the policy of the house")])
    shown = look_at_batch(texts_of(read_pairs(path).pairs), str(idefics3))
    assert [row.row for row in shown] == ["p00 (chosen)", "p00 (rejected)"]
    for row, text in zip(shown, ("red square", "i must not help"), strict=True):
        before, _, learnt = row.marked.partition("⟦")
        assert "the policy of the house" in before
        assert text in learnt


def test_a_batch_holds_all_chosen_texts_and_then_all_rejected_ones(idefics3, write_pairs):
    _, processor = load_parts(str(idefics3), device="cpu")
    chat = Chat(processor)
    pairs = read_pairs(write_pairs(eight_pairs())).pairs[:2]
    with Progress(quiet=True) as silent:
        encoded = EncodedPairs(chat, pairs, max_tokens=None, progress=silent)
    batch = encoded.collate([encoded[0], encoded[1]])
    labels = [[int(token) for token in row if token != -100] for row in batch["labels"]]
    assert [chat.decode(row) for row in labels] == [
        pairs[0].chosen,
        pairs[1].chosen,
        pairs[0].rejected,
        pairs[1].rejected,
    ]
    assert encoded.lengths[0] == int(batch["attention_mask"][[0, 2]].sum())
