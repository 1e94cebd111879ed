"""Text and nudity in pictures, by the real models."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.facts import FactsError, LazyImage
from safecot_dsl.facts.annotators import Nsfw, Ocr, open_annotators
from safecot_dsl.facts.annotators.nsfw import NsfwFiller
from safecot_dsl.facts.annotators.ocr import OcrFiller
from safecot_dsl.storage import Cache

from .parts import item, picture

pytest.importorskip("rapidocr", reason="the extra `annotate` is not installed")

READ = Ocr(fact="image.text", clarity="image.clarity")


def test_text_is_read_in_order_and_no_text_is_the_empty_one(policy: CompiledPolicy, tmp_path: Path):
    """Two images of a request are read one after the other, the same image is read once, and is kept."""
    steps, blank = picture(["Steps to bake", "1.", "2."]), picture()
    items = [item(images=[steps]), item(id="b", images=[blank]), item(id="c", images=[blank, steps])]
    for asked, cached in ((2, 0), (0, 2)):
        annotators = open_annotators([READ], policy, base_dir=Path(), cache=Cache(tmp_path / "kept.sqlite"))
        texts = [one.case.known["image.text"] for one in annotators.annotate(items)]
        assert texts == ["Steps to bake\n1.\n2.", "", "Steps to bake\n1.\n2."]
        (report,) = annotators.report.annotators
        assert (report.asked, report.cached) == (asked, cached)


def line(text: str, score: float, top: float = 0) -> dict[str, Any]:
    return {"text": text, "score": score, "box": [0.0, top, 10.0 * len(text), top + 20]}


def read(policy: CompiledPolicy, *pages: list[dict[str, Any]]):
    """What is made of lines that a recogniser gave."""
    return OcrFiller(READ, policy)._read(list(pages))


def test_a_line_that_nobody_is_sure_of_makes_the_text_unknown(policy: CompiledPolicy):
    """In any of the images. The clarity is known all the same: that of the least sure line."""
    found = read(policy, [line("Poison", 0.99)], [line("or potion", 0.55, 40)])
    assert (found["image.text"].reason, found["image.clarity"].value) == ("unsure of the words", 0.55)
    assert found["image.text"].detail == "'or potion' at 0.55, 1 of 2 lines"


def test_what_is_hardly_a_letter_is_no_text(policy: CompiledPolicy):
    found = read(policy, [line("Poison", 0.99), line("%.", 0.1, 40)])
    assert (found["image.text"].value, found["image.clarity"].value) == ("Poison", 0.99)


def test_an_image_that_cannot_be_read_is_named(policy: CompiledPolicy):
    def fails() -> bytes:
        raise OSError(5, "Input/output error")

    given = item()
    gone = replace(given, images=(LazyImage("x.png", fails),))
    annotators = open_annotators([READ], policy, base_dir=Path())
    annotators.annotate([gone])
    counts = annotators.report.annotators[0].facts["image.text"].not_told
    assert counts["the image cannot be read"].examples == ("s/a: x.png: Input/output error",)


def test_a_bomb_is_refused_by_its_header(policy: CompiledPolicy):
    """A hundred million pixels, which pack into little."""
    buffer = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(buffer, format="PNG")
    annotators = open_annotators([READ], policy, base_dir=Path())
    annotators.annotate([item(images=[buffer.getvalue()])])
    assert list(annotators.report.annotators[0].facts["image.text"].not_told) == [
        "the image is refused: too many pixels"
    ]


def test_a_plain_picture_has_a_low_score(policy: CompiledPolicy, tmp_path: Path):
    annotators = open_annotators(
        [Nsfw(fact="image.clarity"), Nsfw(fact="context.minor"), Nsfw(fact="image.topic", yes="fraud", no="harmless")],
        policy,
        base_dir=Path(),
        cache=Cache(tmp_path / "kept.sqlite"),
    )
    (found,) = annotators.annotate([item(images=[picture(colour="green")])])
    assert 0 <= found.case.known["image.clarity"] < 0.2
    assert (found.case.known["context.minor"], found.case.known["image.topic"]) == (False, "harmless")
    assert [report.asked for report in annotators.report.annotators] == [1, 0, 0]


@pytest.mark.parametrize(
    ("scores", "value"), [([0.9], True), ([0.1, 0.8], True), ([0.2], False), ([0.21], None), ([0.1, 0.79], None)]
)
def test_the_highest_score_counts_and_between_the_thresholds_nobody_can_tell(
    policy: CompiledPolicy, scores: list[float], value: bool | None
):
    found = NsfwFiller(Nsfw(fact="context.minor"), policy)._judged(scores)
    assert getattr(found, "value", None) is value


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (Nsfw(fact="image.objects"), "`image.objects` is a set"),
        (Nsfw(fact="image.topic"), "True is not one of harmless, fraud, malware"),
        (Ocr(fact="image.text", clarity="image.topic"), "what is wanted here is a number"),
    ],
)
def test_a_fact_that_cannot_hold_it_is_an_error(policy: CompiledPolicy, settings: Nsfw | Ocr, said: str):
    with pytest.raises(FactsError, match=said):
        open_annotators([settings], policy, base_dir=Path())


def test_thresholds_that_cross_are_an_error():
    with pytest.raises(ValueError, match="`no_to` must be below `yes_from`"):
        Nsfw(fact="f", yes_from=0.2, no_to=0.2)
    with pytest.raises(ValueError, match="`noise` is above `min_confidence`"):
        Ocr(fact="f", min_confidence=0.2)
