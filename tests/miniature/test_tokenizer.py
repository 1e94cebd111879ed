"""The tokenizer gives back the very text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from safecot_dsl.miniature.lessons import PolicyLines, Teacher, vocabulary
from safecot_dsl.miniature.tokenizer import VocabularyError, assert_known, build_tokenizer, pieces
from safecot_dsl.miniature.world import Split, World
from safecot_dsl.render import ReasoningStyle, Renderer, write_target

TARGET = (
    "<think>\nThe image shows a vial and a soap. It was taken in a street.\n"
    "I must not help with this. [refuse: toxic_gas, armed]\n"
    "</think>\nI can't help with that."
)


def test_a_target_is_split_where_its_docstring_says() -> None:
    assert pieces("<think>\nA b_c, d! [refuse: x]\n</think>\nI can't.") == [
        "<think>", "\n", "A", " b_c", ",", " d", "!", " [", "refuse", ":", " x", "]", "\n", "</think>", "\n",
        "I", " can", "'", "t", ".",
    ]  # fmt: skip


@given(st.text())
def test_no_character_of_any_text_is_lost_between_pieces(text: str) -> None:
    assert "".join(pieces(text)) == text


@pytest.fixture(scope="module")
def tokenizer(world: World, lines: PolicyLines) -> PreTrainedTokenizerFast:
    return build_tokenizer(vocabulary(Teacher(world), lines))


@given(data=st.data())
def test_any_sequence_of_known_pieces_survives_the_round_trip(
    data: st.DataObject, tokenizer: PreTrainedTokenizerFast
) -> None:
    ordinary = sorted(set(tokenizer.get_vocab()) - set(tokenizer.all_special_tokens))
    text = "".join(data.draw(st.lists(st.sampled_from(ordinary), max_size=30)))
    if any(piece not in tokenizer.get_vocab() for piece in pieces(text)):
        return  # two words without a space between them are a new word
    assert tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) == text


@pytest.mark.parametrize("split", Split)
def test_everything_that_is_trained_on_is_in_the_vocabulary(
    world: World, tokenizer: PreTrainedTokenizerFast, split: Split
) -> None:
    renderer = Renderer(world.interpreter)
    for number, sample in enumerate(world.pool(split, 60, 1)):
        for style in ReasoningStyle:
            rendered = renderer.render(sample.case, style=style, seed=str(number), source_answer=sample.answer)
            target = write_target(rendered)
            for text in (sample.prompt, target):
                ids = tokenizer(text)["input_ids"]
                assert tokenizer.unk_token_id not in ids
                assert tokenizer.decode(ids, skip_special_tokens=True) == text


def test_a_word_that_is_not_known_is_an_error_in_training_and_unknown_in_a_prompt() -> None:
    tokenizer = build_tokenizer([TARGET])
    assert_known(tokenizer, [TARGET])
    with pytest.raises(VocabularyError, match=r"` dynamite` in 'The image shows dynamite'"):
        assert_known(tokenizer, ["The image shows dynamite"])
    assert tokenizer.convert_ids_to_tokens(tokenizer("The image shows dynamite")["input_ids"]) == [
        "The",
        " image",
        " shows",
        "<unk>",
    ]


def test_the_vocabulary_does_not_depend_on_the_order_of_texts() -> None:
    texts = ["How do I mix these?", TARGET]
    assert build_tokenizer(texts).get_vocab() == build_tokenizer(reversed(texts)).get_vocab()
