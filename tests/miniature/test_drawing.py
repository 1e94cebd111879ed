"""Fonts are found without Qt, and scenes are drawn as their contract says."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from safecot_dsl.miniature import BASE_STYLES, HELD_OUT_STYLES, TUNING_STYLES, FontsMissingError, Scene, Style, draw
from safecot_dsl.miniature import fonts as fonts_module
from safecot_dsl.miniature.drawing import GLYPHS, SETTINGS, SIGNS, draw_image, drawable
from safecot_dsl.miniature.fonts import glyph_mask, icon_font

SCENE = Scene("cup", "key", "kitchen", "open")


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)), dtype=np.int16)


def test_fonts_are_found_without_importing_qtawesome_or_qt() -> None:
    code = (
        "import sys; from safecot_dsl.miniature.fonts import icon_font; font = icon_font('phosphor');"
        "assert font.path.suffix == '.ttf' and font.codepoints['cup' if 'cup' in font.codepoints else 'coffee'];"
        "assert not [m for m in sys.modules if m.startswith(('qtawesome', 'qtpy', 'PyQt', 'PySide'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_without_qtawesome_the_error_names_the_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts_module, "find_spec", lambda name: None)
    with pytest.raises(FontsMissingError, match=r"pip install 'safecot-dsl\[miniature\]'"):
        icon_font("phosphor")


def test_a_font_that_qtawesome_no_longer_ships_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts_module, "_fonts_folder", lambda: tmp_path)
    with pytest.raises(FontsMissingError, match="no icon font `phosphor`"):
        icon_font("phosphor")


def test_a_glyph_that_a_font_lacks_is_an_error() -> None:
    with pytest.raises(FontsMissingError, match="no glyph `no-such-thing`"):
        glyph_mask(icon_font("phosphor"), "no-such-thing", 24)


@pytest.mark.parametrize("style", sorted({*Style} - {Style.VARIED}))
def test_every_object_that_a_style_claims_is_drawn_in_it(style: Style) -> None:
    """Ink covers a good part of the icon's 25 pixels, so it is no blank and no missing-glyph box of hairlines."""
    claimed = [item for item in GLYPHS if drawable(item, style)]
    assert len(claimed) >= 26
    for item in claimed:
        empty = np.asarray(draw_image(Scene("cup", "cup", "kitchen"), (Style.MATERIAL,), "s"), dtype=np.int16)
        image = np.asarray(draw_image(Scene(item, item, "kitchen"), (style,), "s"), dtype=np.int16)
        wall = image[0, 0]
        assert (empty[0, 0] == wall).all()  # the seed alone decides the wall
        for half in (image[:46, :32], image[:46, 32:]):
            assert 80 < (np.abs(half - wall).sum(axis=2) > 60).sum() < 700, item


def test_every_object_can_be_drawn_where_it_must() -> None:
    """Tuning draws every object; each kind of the held-out style still has most of its objects."""
    assert all(any(drawable(item, style) for style in TUNING_STYLES) for item in GLYPHS)
    assert sum(drawable(item, HELD_OUT_STYLES[0]) for item in GLYPHS) >= 28


def test_no_two_objects_of_a_style_look_alike() -> None:
    for style in {*Style} - {Style.VARIED}:
        drawn = {
            item: np.asarray(draw_image(Scene(item, item, "street"), (style,), "same"), dtype=np.int16)
            for item in GLYPHS
            if drawable(item, style)
        }
        for one, other in combinations(drawn, 2):
            different = (np.abs(drawn[one] - drawn[other]).sum(axis=2) > 60).sum()
            assert different > 60, f"{one} and {other} in {style}"


def test_the_held_out_style_is_seen_by_neither_base_nor_tuning() -> None:
    assert not set(HELD_OUT_STYLES) & {*BASE_STYLES, *TUNING_STYLES}
    assert set(TUNING_STYLES) < set(BASE_STYLES)
    held_out = {draw(SCENE, HELD_OUT_STYLES, str(seed)) for seed in range(5)}
    assert not held_out & {draw(SCENE, (style,), str(seed)) for style in BASE_STYLES for seed in range(5)}


def test_an_image_is_a_png_of_64_pixels_and_depends_on_nothing_but_its_arguments() -> None:
    once, again = (draw(SCENE, TUNING_STYLES, "seed") for _ in range(2))
    assert once == again
    assert once != draw(SCENE, TUNING_STYLES, "another seed")
    with Image.open(io.BytesIO(once)) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (64, 64))


def test_drawing_is_the_same_in_another_process() -> None:
    code = (
        "import hashlib; from safecot_dsl.miniature import *;"
        "print(hashlib.sha256(draw(Scene('cup', 'key', 'kitchen', 'open'), TUNING_STYLES, 'seed')).hexdigest())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        (replace(SCENE, left="fire"), np.s_[:46, 32:]),  # the right half of the wall stays
        (replace(SCENE, right="fire"), np.s_[:46, :32]),
        (replace(SCENE, sign="exit"), np.s_[:46, :]),  # and both icons, where only the sign changes
    ],
)
def test_what_is_not_changed_in_a_scene_stays_pixel_for_pixel(changed: Scene, where: tuple[slice, slice]) -> None:
    before, after = pixels(draw(SCENE, TUNING_STYLES, "s")), pixels(draw(changed, TUNING_STYLES, "s"))
    assert (before[where] == after[where]).all()
    assert (before != after).any()


def test_settings_and_signs_show() -> None:
    images = [
        draw(Scene("cup", "key", setting, sign), TUNING_STYLES, "s")
        for setting in SETTINGS
        for sign in ("none", *SIGNS)
    ]
    assert len(set(images)) == 15


def test_an_object_without_an_icon_in_the_styles_is_an_error() -> None:
    with pytest.raises(ValueError, match="no style among remix has an icon for `spray`"):
        draw(Scene("spray", "cup", "kitchen"), HELD_OUT_STYLES, "s")
