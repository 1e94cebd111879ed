"""Reasoning and answer weigh in the loss what the recipe says, and equal weights change nothing."""

import pytest
import torch

from safecot_dsl.models import Request
from safecot_dsl.models.local import load_chat, load_parts
from safecot_dsl.models.tensors import IGNORED, collate
from safecot_dsl.render import Tags
from safecot_dsl.storage import sha256_file
from safecot_dsl.training import TrainingError, TrainingRecipe, train
from safecot_dsl.training.forward import step_weight, target_logits, target_loss, with_targets
from safecot_dsl.training.metrics import read_metrics
from safecot_dsl.training.rows import Row, encode_row
from safecot_dsl.training.weighting import LOSS_WEIGHTS, Weighting

from .conftest import eight_rows

DIGESTS = {"policy_digest": "sha256:the-policy", "data_digest": "sha256:the-data"}


def encoded(words, weighting: Weighting, completion: str):
    chat = load_chat(str(words))
    return chat, encode_row(chat, Row("a", Request("what ?"), completion), weighting)


def test_every_token_weighs_what_its_part_does(words):
    """Three tokens of reasoning with its tags, one of the answer, and the end of the turn with it."""
    chat, row = encoded(words, Weighting(0.5, 2.0), "<think> so </think> help")
    weights = row[LOSS_WEIGHTS][0].tolist()
    learnt = len(chat.token_ids("<think> so </think> help")) + len(chat.closing_ids)
    assert weights[:-learnt] == [0.0] * (len(weights) - learnt)
    assert weights[-learnt:] == [0.5, 0.5, 0.5] + [2.0] * (1 + len(chat.closing_ids))


def test_what_weighs_nothing_carries_no_loss(words):
    chat, row = encoded(words, Weighting(0.0, 1.0), "<think> so </think> help")
    labels = row["labels"][0].tolist()
    assert [label for label in labels if label != IGNORED] == chat.token_ids("help") + chat.closing_ids


@pytest.mark.parametrize(
    ("completion", "reasoning"),
    [
        ("help so", 0),  # no reasoning at all
        ("help <think> so </think>", 3),  # the control whose reasoning comes after
        ("so </think> help", 2),  # a template that has opened it already
    ],
)
def test_the_reasoning_is_found_wherever_it_stands(words, completion, reasoning):
    _, row = encoded(words, Weighting(0.25, 1.0), completion)
    assert row[LOSS_WEIGHTS][0].tolist().count(0.25) == reasoning


def test_other_tags_are_other_reasoning(words):
    _, row = encoded(words, Weighting(0.25, 1.0, Tags(open="<why>", close="</why>")), "<think> so </think> help")
    assert 0.25 not in row[LOSS_WEIGHTS][0].tolist()


def test_a_row_of_which_nothing_counts_is_an_error(words):
    with pytest.raises(TrainingError, match="row `a` has no labelled tokens: all of its completion has the weight 0"):
        encoded(words, Weighting(1.0, 0.0), "help so")


def test_equal_weights_leave_the_tensors_as_they_were(words):
    _, plain = encoded(words, Weighting(), "<think> so </think> help")
    _, even = encoded(words, Weighting(3.0, 3.0), "<think> so </think> help")
    assert plain.keys() == even.keys()
    assert LOSS_WEIGHTS not in even
    assert all(torch.equal(plain[key], even[key]) for key in plain)


def test_the_loss_is_the_weighted_mean_of_the_tokens_losses(idefics3):
    """Against the model's own loss, taken part by part."""
    model, processor = load_parts(str(idefics3))
    del processor
    chat = load_chat(str(idefics3))
    source = Row("a", Request("what is it ?"), "<think>\nso\n</think>\nhere you go")
    row = encode_row(chat, source, Weighting(0.5, 2.0))
    batch = with_targets(row)
    weights, labels = row.pop(LOSS_WEIGHTS), row.pop("labels")
    with torch.no_grad():
        ours = target_loss(target_logits(model, batch, model), batch, step_weight(batch))
        losses, counts = [], []
        for part in (0.5, 2.0):
            of_part = torch.where(weights == part, labels, IGNORED)
            losses.append(model(**row, labels=of_part).loss)
            counts.append(int((of_part[:, 1:] != IGNORED).sum()))
    total = 0.5 * counts[0] + 2.0 * counts[1]
    expected = (0.5 * losses[0] * counts[0] + 2.0 * losses[1] * counts[1]) / total
    torch.testing.assert_close(ours, expected)


def test_a_batch_in_two_halves_is_the_same_step(idefics3, write_rows, tmp_path):
    """Rows of unequal lengths and weights: a mean of means would be another loss."""
    rows = write_rows([row for row in eight_rows() if len(row["images"]) == 1])
    base = {"r": 4, "max_steps": 2, "logging_steps": 1, "save_steps": 2, "reasoning_weight": 0.2}
    found = []
    for name, size, accumulated in (("one", 6, 1), ("two", 3, 2)):
        recipe = TrainingRecipe(
            **base, per_device_train_batch_size=size, gradient_accumulation_steps=accumulated, learning_rate=1e-3
        )
        train(rows, str(idefics3), tmp_path / name, recipe, **DIGESTS)
        found.append([(line["loss"], line["grad_norm"]) for line in read_metrics(tmp_path / name / "metrics.jsonl")])
    for one, two in zip(*found, strict=True):
        assert one == pytest.approx(two, rel=1e-3)


def test_weights_change_the_adapter_and_equal_ones_do_not(idefics3, write_rows, tmp_path):
    digests = []
    for name, weights in (
        ("a", {}),
        ("b", {"reasoning_weight": 2.0, "answer_weight": 2.0}),
        ("c", {"answer_weight": 0.1}),
    ):
        recipe = TrainingRecipe(r=4, max_steps=2, logging_steps=1, save_steps=2, learning_rate=1e-3, **weights)
        train(write_rows(eight_rows()), str(idefics3), tmp_path / name, recipe, **DIGESTS)
        digests.append(sha256_file(tmp_path / name / "adapter_model.safetensors"))
    assert digests[0] == digests[1] != digests[2]


def test_weights_survive_padding():
    one = {
        "input_ids": torch.tensor([[1, 2]]),
        "labels": torch.tensor([[1, 2]]),
        LOSS_WEIGHTS: torch.tensor([[0.0, 2.0]]),
    }
    two = {"input_ids": torch.tensor([[1]]), "labels": torch.tensor([[1]]), LOSS_WEIGHTS: torch.tensor([[0.5]])}
    batch = collate([one, two], pad_id=9, side="right")
    assert batch[LOSS_WEIGHTS].tolist() == [[0.0, 2.0], [0.5, 0.0]]


def test_a_recipe_that_weighs_nothing_is_refused():
    with pytest.raises(ValueError, match="are both 0"):
        TrainingRecipe(reasoning_weight=0, answer_weight=0)
