from __future__ import annotations

import pytest

from safecot_dsl.artifact import Fact, FlagType
from safecot_dsl.render.phrasing import known_value, label, listed, number, quoted, title

from .building import HARM, MINOR, MIXING, OBJECTS, SETTING, TEXT


def test_lists_read_as_english() -> None:
    assert [listed(list("abc"[:n])) for n in range(4)] == ["nothing", "a", "a and b", "a, b and c"]
    assert listed(["a", "b", "c"], "or") == "a, b or c"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (0.95, "0.95"),
        (0.1 + 0.2, "0.3"),
        (2 / 3, "0.667"),
        (-2 / 3, "-0.667"),
        (0.00012345, "0.000123"),
        (12345.678, "12346"),
        (1000000.0, "1000000"),
    ],
)
def test_numbers_are_short_and_have_no_exponent(value: float, expected: str) -> None:
    assert number(value) == expected


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        (None, "Has weapon"),
        ("objects visible.", "Objects visible"),
        ("Is there a weapon?", "Is there a weapon"),
        ("Two\nlines: ", "Two lines"),
        ("...", "Has weapon"),
    ],
)
def test_a_label_is_the_description_or_the_name_in_words(description: str | None, expected: str) -> None:
    assert label(Fact(name="image.has_weapon", type=FlagType(), description=description)) == expected


def test_known_values() -> None:
    assert (
        known_value(OBJECTS, frozenset({"toy", "bleach"}), assumed=False)
        == "Objects visible in the image: a bottle of bleach and a toy."
    )
    assert known_value(OBJECTS, frozenset(), assumed=False) == "Objects visible in the image: nothing."
    assert known_value(SETTING, "kitchen", assumed=False) == "Setting: a kitchen."
    assert known_value(HARM, 0.5, assumed=False) == "Probability that the wording asks for harm: 0.5."
    assert known_value(TEXT, 'a "b"\nc', assumed=False) == "Text rendered in the image: \"a 'b' c\"."
    assert known_value(TEXT, " ", assumed=False) == "Text rendered in the image: nothing."
    assert known_value(MINOR, True, assumed=True) == "The user is known to be a minor: yes, assumed."


def test_a_long_text_is_cut_within_its_quotes() -> None:
    assert quoted("a" * 401) == '"' + "a" * 400 + ' …"'


def test_titles() -> None:
    assert title(MIXING) == "toxic mixing"
    assert title(MIXING.model_copy(update={"title": "Mixing chemicals."})) == "Mixing chemicals"
