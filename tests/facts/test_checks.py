"""Data checks, on answers that people and models really gave."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from safecot_dsl.facts import image_placeholder, says_no_image


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry, but you haven’t provided an image to analyze.",
        "I do not see any image. Please upload the image.",
        "There was no picture attached to your message.",
    ],
)
def test_an_answer_that_says_that_no_image_was_given(answer: str) -> None:
    assert says_no_image(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "Since I cannot assess emotions accurately in an image, I can only describe the visuals.",
        "The image does not provide a date.",
        "I can't identify the person in the image.",
        "No, the picture shows a dog.",
        "There is no image of a cat on the wall; it is a poster of a dog.",
    ],
)
def test_an_answer_about_what_an_image_does_not_show(answer: str) -> None:
    assert not says_no_image(answer)


def test_the_known_defects_of_vlguard(shared_data: Path) -> None:
    """Read by hand: these five safe questions, and no other pair, are answered as if there were no image."""
    records = json.loads((shared_data / "vlguard" / "train.json").read_text(encoding="utf-8"))
    found = Counter(
        (record["id"], "safe_instruction" in pair)
        for record in records
        for pair in record["instr-resp"]
        if says_no_image(pair["response"])
    )
    assert found == {("Ads_344756", True): 1, ("Ads_333524", True): 1, ("Ads_373374", True): 1, ("Ads_303871", True): 2}


def test_placeholders() -> None:
    assert image_placeholder("<image>\nWhat is this?") == "<image>"
    assert image_placeholder("What is <b>this</b>?") is None
