"""Rows whose answer somebody else began: how many, with which words, and that these carry no loss."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from safecot_dsl.models.local import load_chat
from safecot_dsl.training import TrainingError, TrainingRecipe
from safecot_dsl.training.begun import NEUTRAL, BegunAnswers, begun_rows, check_may_begin
from safecot_dsl.training.rows import Row, encode_row, read_rows

from .conftest import eight_rows, row


def rows_of(count: int) -> list[Row]:
    from safecot_dsl.models import Request

    return [Row(f"row {number}", Request("what is it ?"), "<think>\na\n</think>\nhere") for number in range(count)]


def test_without_it_rows_stay_as_they_are():
    rows = rows_of(5)
    assert list(begun_rows(rows, None, 0)) == rows


def test_the_share_is_drawn_by_the_rows_ids():
    rows = rows_of(4000)
    made = list(begun_rows(rows, BegunAnswers(share=0.25), 0))
    begun = [row for row in made if row.request.begun]
    assert 900 < len(begun) < 1100
    assert {row.request.begun for row in begun} == set(NEUTRAL)
    assert made[2000:] == list(begun_rows(rows[2000:], BegunAnswers(share=0.25), 0))  # whatever stands beside them
    other = [row.id for row in begun_rows(rows, BegunAnswers(share=0.25), 1) if row.request.begun]
    assert other != [row.id for row in begun]


def test_nothing_else_of_a_row_changes():
    rows = rows_of(20)
    for row_, made in zip(rows, begun_rows(rows, BegunAnswers(share=1, texts=("one two",)), 0), strict=True):
        assert (made.id, made.request.prompt, made.request.begun) == (row_.id, row_.request.prompt, "one two")
        assert made.completion == f"\n{row_.completion}"


def test_the_beginning_carries_no_loss_and_the_rest_does(words, write_rows):
    chat = load_chat(str(words))
    (only,) = read_rows(write_rows([row("a", "what is it ?", "<think>\na red square\n</think>\nhere", "red")]))
    (begun,) = begun_rows([only], BegunAnswers(share=1, texts=("one two",)), 0)
    plain, encoded = encode_row(chat, only), encode_row(chat, begun)
    labels = encoded["labels"][0]
    assert labels[labels != -100].tolist() == plain["labels"][0][plain["labels"][0] != -100].tolist()
    text = chat.tokenizer.convert_ids_to_tokens(encoded["input_ids"][0].tolist())
    start = text.index("assistant")
    assert text[start : start + 4] == ["assistant", "one", "two", "<think>"]
    assert labels[start + 1 : start + 3].tolist() == [-100, -100]


def test_a_template_that_begins_the_answer_itself_is_refused(any_family, write_rows):
    """In every family: begun rows are taken where the template leaves the answer to the model, and refused where it
    writes the opening tag."""
    chat = load_chat(str(any_family))
    rows = list(begun_rows(read_rows(write_rows(eight_rows())), BegunAnswers(share=1, texts=("one two",)), 0))
    check_may_begin(chat, rows)
    chat.processor.chat_template += "{% if add_generation_prompt %}{{ '<think>\n' }}{% endif %}"
    with pytest.raises(TrainingError, match="begins each answer with `<think>` itself"):
        check_may_begin(chat, rows)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"begun": {"share": 0}}, "greater than 0"),
        ({"begun": {"share": 0.1, "texts": []}}, "at least 1"),
        ({"begun": {"share": 0.1, "texts": [""]}}, "at least 1 character"),
        ({"begun": {"share": 0.1}, "objective": "dpo"}, "leave it out with `objective: dpo`"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, Any], message: str):
    with pytest.raises(ValidationError, match=message):
        TrainingRecipe.model_validate(settings)


def test_a_recipe_without_it_is_written_as_before():
    assert "begun" not in TrainingRecipe().model_dump(mode="json")
    assert TrainingRecipe(begun=BegunAnswers(share=0.1)).model_dump(mode="json")["begun"]["share"] == 0.1
