from __future__ import annotations

import pytest

from safecot_dsl.artifact import Fact, FlagType
from safecot_dsl.render.phrasing import label, number, quoted, title

from .building import MIXING


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


def test_a_long_text_is_cut_within_its_quotes() -> None:
    assert quoted("a" * 401) == '"' + "a" * 400 + ' …"'


def test_titles() -> None:
    assert title(MIXING) == "toxic mixing"
    assert title(MIXING.model_copy(update={"title": "Mixing chemicals."})) == "Mixing chemicals"
