from __future__ import annotations

import pytest

from safecot_dsl.render.english import continued, definite, is_plural, listed, spelled, within


def test_lists_read_as_english() -> None:
    assert [listed(list("abc"[:n])) for n in range(4)] == ["nothing", "a", "a and b", "a, b and c"]
    assert listed(["a", "b", "c"], "or") == "a, b or c"


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("a bottle of bleach", "the bottle of bleach"),
        ("an open sign", "the open sign"),
        ("knives", "the knives"),
        ("ammunition", "the ammunition"),
        ("the user", "the user"),
        ("no sign", "no sign"),
        ("somebody else", "somebody else"),
        ("a", "the a"),
        ("Paris", "Paris"),
        ("how to mix it", "how to mix it"),
        ("9 mm rounds", "9 mm rounds"),
    ],
)
def test_what_was_spoken_of_before_is_definite(phrase: str, expected: str) -> None:
    assert definite(phrase) == expected


@pytest.mark.parametrize(
    ("phrase", "plural"),
    [
        ("knives", True),
        ("a pair of knives", False),
        ("fresh cuts", True),
        ("children at play", True),
        ("people", True),
        ("gas", False),
        ("glass", False),
        ("ammunition", False),
        ("two flasks", True),
        ("signs of a crisis", True),
        ("a number of pills", False),
        ("bread and butter", True),
    ],
)
def test_the_number_of_a_phrase_is_that_of_its_head(phrase: str, plural: bool) -> None:
    assert is_plural(phrase) is plural


def test_a_sentence_goes_on_within_another() -> None:
    assert continued("The wording is harmless.") == "the wording is harmless"
    assert continued("It was taken in a kitchen.") == "it was taken in a kitchen"
    assert continued("Paris is shown.") == "Paris is shown"
    assert continued("I see a knife.") == "I see a knife"


def test_a_title_stands_within_a_sentence() -> None:
    assert within("Carrying a weapon") == "carrying a weapon"
    assert within("A child alone") == "a child alone"
    assert within("CBRN weapons") == "CBRN weapons"
    assert within("X") == "X"


def test_numbers_are_spelled() -> None:
    assert [spelled(n) for n in (1, 7, 12)] == ["one", "seven", "twelve"]
