"""Rows in one sequence without padding: the same loss and gradient, and no row sees another."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from models.families import BUILDERS

from safecot_dsl.models import Request
from safecot_dsl.models.families import FAMILIES
from safecot_dsl.models.local import load_chat
from safecot_dsl.storage import Progress
from safecot_dsl.training import TrainingRecipe, packing, speedups
from safecot_dsl.training.packing import LAYOUT, POSITIONS, PackedLayout, all_at_once, pack, positions_of, row_by_row
from safecot_dsl.training.rows import Row, encode_row, read_rows
from safecot_dsl.training.speedups import Batches, pulled_levers
from tests.strategies import examples

from .conftest import eight_rows, row
from .steps import PLAIN, encoded, take, tuned_model

CPU = torch.device("cpu")


#: Families that are packed as one of the others is.
ALIKE = {"smolvlm", "llava_onevision", "internvl"}
KINDS = [
    pytest.param(family.model_type, marks=pytest.mark.long) if family.model_type in ALIKE else family.model_type
    for family in FAMILIES
]


@pytest.fixture(scope="module", params=KINDS)
def base(request, tmp_path_factory) -> Path:
    return BUILDERS[request.param](tmp_path_factory.mktemp(request.param))


def pictured(write_rows) -> list[Row]:
    """Six rows with one picture each, of five lengths."""
    rows = [each for each in eight_rows() if len(each["images"]) == 1]
    rows[0] = row("long", "what is it ? " * 5, "<think>\na red square\n</think>\n" + "one two " * 6, "red")
    return read_rows(write_rows(rows))


def test_where_tokens_stand_and_whom_they_see():
    """Rows of two and three tokens, the second with an image block of its first two: by hand."""
    layout = PackedLayout((2, 3), torch.tensor([-1, -1, 4, 4, -1]))
    assert layout.places(CPU).tolist() == [0, 1, 3, 4, 5]
    mask = layout.mask(None, CPU)
    assert mask is not None
    assert mask[1, 0].int().tolist() == [[1, 1, 0], [1, 1, 0], [1, 1, 1]]
    narrow = layout.mask(1, CPU)
    assert narrow is not None
    # A window counts back from a token, and leaves what comes after it in its own image.
    assert narrow[1, 0].int().tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]
    assert PackedLayout((2, 3)).mask(None, CPU) is None
    assert PackedLayout((2, 3)).mask(3, CPU) is None


@settings(examples(8), deadline=None)
@given(
    lengths=st.lists(st.integers(1, 7), min_size=1, max_size=4),
    window=st.none() | st.integers(1, 4),
    blocks=st.booleans(),
    groups=st.sampled_from([1, 2]),
    seed=st.integers(0, 99),
)
def test_attention_within_rows_is_the_softmax_written_out(lengths, window, blocks, groups, seed):
    """Both ways of computing it, against plain sums over the keys that a query sees."""
    torch.manual_seed(seed)
    total, heads, width = sum(lengths), 2, 8
    q = torch.randn(1, heads, total, width)
    k, v = (torch.randn(1, heads // groups, total, width) for _ in range(2))
    layout = PackedLayout(tuple(lengths), torch.randint(-1, 2, (total,)) if blocks else None)
    module = torch.nn.Module()
    module.num_key_value_groups = groups
    mask = layout.mask(window, CPU)
    expected = torch.zeros(1, total, heads, width)
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    for start, n in zip(starts, lengths, strict=True):
        for head in range(heads):
            for i in range(n):
                seen = []
                for j in range(n):
                    block = (-1, -2) if layout.blocks is None else (layout.blocks[start + i], layout.blocks[start + j])
                    both = block[0] == block[1] and block[0] >= 0
                    near = window is None or j > i - window
                    if (j <= i or both) and near:
                        seen.append(start + j)
                keys, values = k[0, head // groups, seen], v[0, head // groups, seen]
                weights = (keys @ q[0, head, start + i] / width**0.5).softmax(0)
                expected[0, start + i, head] = weights @ values
    for attend in (row_by_row, all_at_once):
        torch.testing.assert_close(attend(module, (q, k, v), mask, layout, {}), expected, atol=1e-5, rtol=1e-4)


def test_every_family_has_the_loss_and_gradient_of_the_padded_batch(base, write_rows):
    """And it is really packed: not a token of padding goes through the model."""
    model, chat = tuned_model(base)
    rows = encoded(chat, pictured(write_rows))
    batches = Batches(model.get_base_model(), rows, chat.pad_id)
    numbers = range(len(rows))
    padded = batches.plain([batches[i] for i in numbers])
    assert padded["input_ids"].shape == (6, max(rows.lengths))
    loss, gradient = take(model, padded)
    recipe = TrainingRecipe(**PLAIN | {"padding_free": True})
    with (
        Progress(quiet=True) as progress,
        pulled_levers(model, rows, recipe, pad_id=chat.pad_id, folder=Path(), progress=progress) as (packed, used),
    ):
        assert used.padding_free, used.reasons
        batch = packed.together([packed[i] for i in numbers])
        assert batch["input_ids"].shape == (1, sum(rows.lengths))
        ours, packed_gradient = take(model, batch)
    assert ours == pytest.approx(loss, rel=1e-5)
    torch.testing.assert_close(packed_gradient, gradient, atol=1e-5, rtol=1e-3)
    again, _ = take(model, padded)  # the attention is the model's own again
    assert again == loss


def test_positions_begin_anew_with_every_row_and_are_the_models_own(tmp_path, write_rows):
    """Qwen2.5-VL: one for text, three for images, as its forward works them out for a row by itself."""
    model, chat = tuned_model(BUILDERS["qwen2_5_vl"](tmp_path / "model"))
    base = model.get_base_model()
    seen: list[torch.Tensor] = []
    base.model.language_model.register_forward_pre_hook(
        lambda module, arguments, options: seen.append(options["position_ids"]), with_kwargs=True
    )
    rows = [encode_row(chat, each) for each in read_rows(write_rows(eight_rows()))]
    compared = 0
    for each in rows:
        with torch.no_grad():
            base(**{key: value for key, value in each.items() if key != "labels"})
        own = seen.pop()
        if own is not None:  # text alone, which the language model counts itself
            assert torch.equal(positions_of(base, each), own)
            compared += 1
    assert compared == 7
    text, picture = rows[-1], rows[0]
    assert torch.equal(positions_of(base, text), torch.arange(text["input_ids"].shape[1]).expand(3, 1, -1))
    prepared = [{**each, POSITIONS: positions_of(base, each)} for each in (picture, picture)]
    both = pack(prepared)[POSITIONS]
    assert torch.equal(both[..., : both.shape[-1] // 2], both[..., both.shape[-1] // 2 :])


def test_weights_and_labels_are_joined_in_order(words, write_rows):
    chat = load_chat(str(words))
    rows = [encode_row(chat, each) for each in read_rows(write_rows(eight_rows()[:2]))]
    prepared = [{**each, POSITIONS: torch.arange(each["input_ids"].shape[1])[None]} for each in rows]
    batch = pack(prepared)
    assert batch[LAYOUT].lengths == tuple(each["input_ids"].shape[1] for each in rows)
    assert batch["labels"][0].tolist() == [label for each in rows for label in each["labels"][0].tolist()]
    assert batch["pixel_values"].shape[0] == 2
    assert "attention_mask" not in batch


def used_with(model, chat, rows):
    recipe = TrainingRecipe(**PLAIN | {"padding_free": True})
    with (
        Progress(quiet=True) as progress,
        pulled_levers(model, rows, recipe, pad_id=chat.pad_id, folder=Path(), progress=progress) as (_, used),
    ):
        return used


def test_an_attention_that_lets_rows_see_each_other_is_found_out(idefics3, write_rows, monkeypatch):
    model, chat = tuned_model(idefics3)
    rows = encoded(chat, pictured(write_rows))

    def leaking(module, query, key, value, attention_mask, packed_rows=None, **options):
        return packing.sdpa_attention_forward(module, query, key, value, None, **options)

    monkeypatch.setattr(packing, "packed_attention", leaking)
    used = used_with(model, chat, rows)
    assert not used.padding_free
    assert used.reasons == {"padding_free": "one row would see another"}


def test_positions_that_go_on_from_row_to_row_are_found_out(idefics3, write_rows, monkeypatch):
    """Rotary positions are relative, so it takes one that a row's own tokens do not share."""
    model, chat = tuned_model(idefics3)
    rows = encoded(chat, pictured(write_rows))
    monkeypatch.setattr(speedups, "positions_of", lambda model, row: 2 * torch.arange(row["input_ids"].shape[1])[None])
    assert "its logits would differ by" in used_with(model, chat, rows).reasons["padding_free"]


def test_a_model_with_another_attention_is_not_packed_and_it_is_said(idefics3, write_rows, capsys):
    model, chat = tuned_model(idefics3)
    rows = encoded(chat, pictured(write_rows))
    model.get_base_model().model.text_model.set_attn_implementation("eager")
    with (
        Progress() as progress,
        pulled_levers(
            model, rows, TrainingRecipe(), pad_id=chat.pad_id, folder=write_rows([]).parent / "f", progress=progress
        ) as (batches, used),
    ):
        assert batches.together([batches[0], batches[1]])["input_ids"].shape[0] == 2
    assert used.reasons == {"padding_free": "its attention is `eager`, not `sdpa`"}
    assert "`padding_free` is of no use with this model: its attention is `eager`" in capsys.readouterr().err


def test_a_batch_that_is_not_packed_still_minds_its_padding(idefics3):
    """Generation pads on the left, and may be asked for while the attention is replaced."""
    model, chat = tuned_model(idefics3)
    base = model.get_base_model()
    request = {key: chat.encode(Request("what is it ?"))[key] for key in ("input_ids", "attention_mask")}
    with torch.no_grad():
        alone = base(**request).logits[0, -1]
        padded = {
            "input_ids": torch.nn.functional.pad(request["input_ids"], (3, 0), value=chat.pad_id),
            "attention_mask": torch.nn.functional.pad(request["attention_mask"], (3, 0)),
        }
        padded["position_ids"] = (padded["attention_mask"].cumsum(1) - 1).clamp(min=0)
        with packing.packing_attention(base):
            torch.testing.assert_close(base(**padded).logits[0, -1], alone, atol=1e-5, rtol=1e-4)
