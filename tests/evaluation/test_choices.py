"""Which option an answer chooses: the forms in which models answer, and those that choose nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.evaluation import read_choice
from tests.strategies import examples

PROMPT = "What is on the mat?\nA. a cat\nB. a dog\n(C) a dog and a cat\nD: none of these"


@pytest.mark.parametrize(
    ("answer", "chosen"),
    [
        ("B", "B"),
        ("b.", "B"),
        ("(b)", "B"),
        ("**B**", "B"),
        ("B: a dog", "B"),
        ("B\nbecause it barks", "B"),
        ("The answer is (B).", "B"),
        ("Answer: B", "B"),
        (r"So we get $\boxed{\text{B}}$", "B"),
        ("B is correct", "B"),
        ("I choose option C", "C"),
        ("I think it is B", "B"),
        ("It is not A, it is C", "C"),
        ("The answer is A. No, wait: the answer is B.", "B"),
        ("a dog", "B"),
        ("I see a dog and a cat.", "C"),  # `a dog` is part of it
        ("None of these", "D"),
        ("A dog", "B"),  # an article, and then the text of an option
        ("The answer is a dog", "B"),
    ],
)
def test_forms_of_answers(answer: str, chosen: str) -> None:
    assert read_choice(answer, "ABCD", PROMPT) == chosen


@pytest.mark.parametrize(
    "answer",
    ["", "I don't know.", "A or B", "A and B are both possible", "The answer is not B", "A mouse", "E", "I", "$$"],
)
def test_what_chooses_nothing(answer: str) -> None:
    """Nothing, several, an option that there is not, an article: all are no choice, and none is guessed."""
    assert read_choice(answer, "ABCD", PROMPT) is None


def test_an_article_is_no_letter_without_the_options_texts() -> None:
    assert read_choice("A dog lies there", "ABCD") is None
    assert read_choice("A", "ABCD") == "A"


def test_the_letter_comes_back_as_the_item_writes_it() -> None:
    assert read_choice("(B)", ("a", "b")) == "b"
    assert read_choice("B", ()) is None


@examples(40)
@given(st.text(max_size=60), st.sampled_from("ABCD"))
def test_any_text_is_read_to_one_of_the_options_or_none(text: str, letter: str) -> None:
    """No text raises, and one that states its answer at its end is read so."""
    assert read_choice(text, "ABCD", PROMPT) in {None, *"ABCD"}
    assert read_choice(f"{text}\nThe answer is ({letter})", "ABCD", PROMPT) == letter
