"""The many drawings of each object: made of seen fonts alone, and the same in every process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from safecot_dsl.miniature import BASE_STYLES, HELD_OUT_STYLES, TUNING_STYLES, Scene, Style, draw
from safecot_dsl.miniature.drawing import GLYPHS, drawable
from safecot_dsl.miniature.fonts import glyph_mask, icon_font
from safecot_dsl.miniature.variety import (
    VARIETY,
    _drawings,  # pyright: ignore[reportPrivateUsage]
    varied_mask,
)


def glyphs(item: str) -> list[tuple[str, str]]:
    return [glyph for drawing in _drawings(item) for glyph in drawing]


def test_every_object_has_glyphs_of_two_fonts_and_each_of_them_exists() -> None:
    for item in GLYPHS:
        own = glyphs(item)
        assert len(own) == len(set(own))
        assert len({stem for stem, _ in own}) >= 2, item
        for stem, name in own:
            assert name in icon_font(stem).codepoints


def test_no_glyph_is_of_the_held_out_font() -> None:
    assert HELD_OUT_STYLES == (Style.REMIX,)
    assert not [stem for item in GLYPHS for stem, _ in glyphs(item) if "remix" in stem]
    held_out = icon_font("remixicon")
    unseen = {
        item: glyph_mask(held_out, GLYPHS[item][3] + "-fill", 56).tobytes()  # pyright: ignore[reportOptionalOperand]
        for item in GLYPHS
        if drawable(item, Style.REMIX)
    }
    for item, ink in unseen.items():
        assert ink not in {glyph_mask(icon_font(stem), name, 56).tobytes() for stem, name in glyphs(item)}, item


@pytest.mark.parametrize("item", GLYPHS)
def test_a_drawing_is_a_mask_of_22_to_29_pixels_with_ink(item: str) -> None:
    drawings = [varied_mask(item, number) for number in range(40)]
    assert {mask.mode for mask in drawings} == {"L"}
    assert all(22 <= max(mask.size) <= 29 for mask in drawings)
    assert all(sum(mask.tobytes()) / 255 > 20 for mask in drawings), "too little to see"
    assert len({mask.tobytes() for mask in drawings}) == 40


def test_the_varied_style_draws_many_and_the_others_as_ever() -> None:
    """Tuning's images are those of its three fonts, whatever the base sees besides."""
    assert Style.VARIED in BASE_STYLES
    assert Style.VARIED not in TUNING_STYLES
    scene = Scene("cup", "key", "kitchen")
    assert len({draw(scene, (Style.VARIED,), f"{seed}")[50:] for seed in range(20)}) == 20
    assert VARIETY >= 100


def test_drawings_are_the_same_in_another_process() -> None:
    code = (
        "import hashlib; from safecot_dsl.miniature.variety import varied_mask;"
        "print(hashlib.sha256(b''.join(varied_mask('bell', n).tobytes() for n in range(20))).hexdigest())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1
