"""Rows whose answer somebody else began: how many, with which words, and that these carry no loss."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from safecot_dsl.models.local import load_chat
from safecot_dsl.render import Tags
from safecot_dsl.training import TrainingError, TrainingRecipe
from safecot_dsl.training.begun import MOST_WORDS, BegunAnswers, begun_rows, check_may_begin
from safecot_dsl.training.rows import Row, encode_row, read_rows

from .conftest import eight_rows, row


def rows_of(count: int) -> list[Row]:
    from safecot_dsl.models import Request

    return [Row(f"row {number}", Request("what is it ?"), "<think>\na\n</think>\nhere") for number in range(count)]


TAGS = Tags()


def test_without_it_rows_stay_as_they_are():
    rows = rows_of(5)
    assert list(begun_rows(rows, None, 0, TAGS)) == rows


def test_the_share_is_drawn_by_the_rows_ids():
    rows = rows_of(4000)
    wanted = BegunAnswers(share=0.25, texts=("one", "two three"))
    made = list(begun_rows(rows, wanted, 0, TAGS))
    begun = [row for row in made if row.request.begun]
    assert 900 < len(begun) < 1100
    assert {row.request.begun for row in begun} == {"one", "two three"}
    assert made[2000:] == list(begun_rows(rows[2000:], wanted, 0, TAGS))  # whatever stands beside them
    other = [row.id for row in begun_rows(rows, wanted, 1, TAGS) if row.request.begun]
    assert other != [row.id for row in begun]


def test_without_texts_they_begin_with_the_first_words_of_other_rows_answers():
    """Of the answers, not of the reasoning; never with a whole one, but where it is one word."""
    from safecot_dsl.models import Request

    long = "here is how to do it in ten words or more"
    answers = [long, "no", "i must not"]
    rows = [
        Row(f"row {number}", Request("?"), f"<think>\nreasoned [comply: default]\n</think>\n{answers[number % 3]}")
        for number in range(600)
    ]
    made = list(begun_rows(rows, BegunAnswers(share=1), 0, TAGS))
    words = long.split()
    wanted = {" ".join(words[:count]) for count in range(1, MOST_WORDS + 1)} | {"no", "i", "i must"}
    assert {row.request.begun for row in made} == wanted
    assert any(
        row.request.begun == "no" and before.completion.endswith(long) for row, before in zip(made, rows, strict=True)
    )
    assert made == list(begun_rows(rows, BegunAnswers(share=1), 0, TAGS))


def test_rows_without_an_answer_have_no_words_to_begin_with():
    from safecot_dsl.models import Request

    with pytest.raises(TrainingError, match="no row has an answer"):
        list(begun_rows([Row("a", Request("?"), "<think>\na\n</think>")], BegunAnswers(share=1), 0, TAGS))


def test_nothing_else_of_a_row_changes():
    rows = rows_of(20)
    for row_, made in zip(rows, begun_rows(rows, BegunAnswers(share=1, texts=("one two",)), 0, TAGS), strict=True):
        assert (made.id, made.request.prompt, made.request.begun) == (row_.id, row_.request.prompt, "one two")
        assert made.completion == f"\n{row_.completion}"


def test_the_beginning_carries_no_loss_and_the_rest_does(words, write_rows):
    chat = load_chat(str(words))
    (only,) = read_rows(write_rows([row("a", "what is it ?", "<think>\na red square\n</think>\nhere", "red")]))
    (begun,) = begun_rows([only], BegunAnswers(share=1, texts=("one two",)), 0, TAGS)
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
    rows = list(begun_rows(read_rows(write_rows(eight_rows())), BegunAnswers(share=1, texts=("one two",)), 0, TAGS))
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
