"""Scenes drawn with Pillow: two icons side by side, a setting behind them and perhaps a sign below.

A *style* is an icon font. The base sees all but one of them, tuning sees three, and one is held out of both.
"""

from __future__ import annotations

import io
import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from safecot_dsl.miniature.fonts import glyph_mask, icon_font
from safecot_dsl.miniature.variety import VARIETY, varied_mask

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 64  # pixels; 4 by 4 patches of 16


class Style(StrEnum):
    """The drawing styles, each the name of a column of :data:`GLYPHS` or derived from one."""

    MATERIAL = "material"
    AWESOME = "awesome"
    PHOSPHOR = "phosphor"
    OUTLINE = "outline"
    VARIED = "varied"
    REMIX = "remix"


TUNING_STYLES = (Style.MATERIAL, Style.AWESOME, Style.PHOSPHOR)
BASE_STYLES = (*TUNING_STYLES, Style.OUTLINE, Style.VARIED)
HELD_OUT_STYLES = (Style.REMIX,)

_WEIGHTS = {Style.VARIED: 9}  # of a style among others, where it is not one

# Style: the font's file stem, and what the style adds to a glyph's name in that font.
_FONTS = {
    Style.MATERIAL: ("materialdesignicons6-webfont", ""),
    Style.AWESOME: ("fontawesome6-solid-webfont", ""),
    Style.PHOSPHOR: ("phosphor", "-fill"),
    Style.OUTLINE: ("phosphor", "-bold"),
    Style.REMIX: ("remixicon", "-fill"),
}

# Object: its glyph in Material Design, Font Awesome, Phosphor (two styles) and Remix; None where there is none.
GLYPHS: dict[str, tuple[str | None, str | None, str | None, str | None]] = {
    "flask": ("flask", "flask", "flask", "flask"),
    "vial": ("test-tube", "vial", "test-tube", "test-tube"),
    "dropper": ("eyedropper", "eye-dropper", "eyedropper", "sip"),
    "battery": ("battery", "battery-full", "battery-full", "battery"),
    "soap": ("lotion", "pump-soap", "hand-soap", "hand-sanitizer"),
    "bucket": ("format-color-fill", "fill-drip", "paint-bucket", "paint"),
    "brush": ("brush", "paintbrush", "paint-brush", "brush"),
    "drop": ("water", "droplet", "drop", "drop"),
    "pump": ("gas-station", "gas-pump", "gas-pump", "gas-station"),
    "canister": ("oil", "oil-can", None, "oil"),
    "spray": ("spray", "spray-can", None, None),
    "rocket": ("rocket", "rocket", "rocket", "rocket"),
    "fire": ("fire", "fire", "fire", "fire"),
    "spark": ("lightning-bolt", "bolt", "lightning", "flashlight"),
    "bulb": ("lightbulb", "lightbulb", "lightbulb", "lightbulb"),
    "sun": ("white-balance-sunny", "sun", "sun", "sun"),
    "knife": ("knife", None, "knife", "knife"),
    "cutter": ("content-cut", "scissors", "scissors", "scissors"),
    "sword": ("sword", None, "sword", "sword"),
    "hammer": ("hammer", "hammer", None, "auction"),
    "pill": ("pill", "capsules", "pill", "capsule"),
    "syringe": ("needle", "syringe", None, "syringe"),
    "wine": ("glass-wine", "wine-glass", "wine", "goblet"),
    "leaf": ("leaf", "leaf", "leaf", "leaf"),
    "book": ("book", "book", "book", "book"),
    "key": ("key", "key", "key", "key"),
    "cup": ("coffee", "mug-saucer", "coffee", "cup"),
    "camera": ("camera", "camera", "camera", "camera"),
    "bell": ("bell", "bell", "bell", "notification-4"),
    "gift": ("gift", "gift", "gift", "gift"),
}
_COLUMNS = {Style.MATERIAL: 0, Style.AWESOME: 1, Style.PHOSPHOR: 2, Style.OUTLINE: 2, Style.REMIX: 3}

# Setting: the colour of its wall and of its floor.
SETTINGS: dict[str, tuple[tuple[int, int, int], tuple[int, int, int]]] = {
    "kitchen": ((246, 226, 166), (214, 178, 116)),
    "laboratory": ((186, 222, 248), (232, 240, 246)),
    "street": ((182, 182, 186), (128, 128, 134)),
}

#: What can be made impossible to tell from a picture: the facts of the image.
HIDEABLE = ("image.objects", "image.setting", "image.sign")
_NOWHERE = (246, 246, 246)  # a plain ground, as in a catalogue: no place at all

# The shape of signs: words of a few letters, which 64 pixels can show.
SIGNS = ("open", "exit", "sale", "rx")


@dataclass(frozen=True)
class Scene:
    """What an image shows. `sign` is one of :data:`SIGNS`, or `none`."""

    left: str
    right: str
    setting: str
    sign: str = "none"

    @property
    def objects(self) -> frozenset[str]:
        return frozenset((self.left, self.right))


def drawable(item: str, style: Style) -> bool:
    """Whether the style's font has a glyph for the object."""
    return style is Style.VARIED or GLYPHS[item][_COLUMNS[style]] is not None


def draw(scene: Scene, styles: Sequence[Style], seed: str, hidden: Collection[str] = ()) -> bytes:
    """The scene as a PNG of 64 by 64 pixels, the same bytes for the same arguments.

    Place, size, colour and (among `styles`) the style of each icon are drawn by the seed, so that no pixel gives an
    object away. `hidden` names facts (of :data:`HIDEABLE`) that cannot be told from the picture: pictures of two scenes
    that differ in these alone are the same. Hidden objects lie under cloths, a hidden place is a plain ground, and a
    hidden sign is a plate with a scrawl on it.

    Raises:
        ValueError: none of `styles` has a glyph for an object of the scene.
    """
    sink = io.BytesIO()
    draw_image(scene, styles, seed, hidden).save(sink, "PNG", compress_level=1)
    return sink.getvalue()


def draw_image(scene: Scene, styles: Sequence[Style], seed: str, hidden: Collection[str] = ()) -> Image:
    """The same as :func:`draw`, as an RGB image.

    Raises:
        ValueError: none of the styles has an icon for an object of the scene.
    """
    from PIL import Image, ImageDraw

    rng = random.Random(seed)  # a text as seed is hashed with SHA-512: the same in every process
    shift = [rng.randint(-9, 9) for _ in range(3)]
    colours = (_NOWHERE, _NOWHERE) if "image.setting" in hidden else SETTINGS[scene.setting]
    wall, floor = (tuple(c + s for c, s in zip(colour, shift, strict=True)) for colour in colours)
    image = Image.new("RGB", (SIDE, SIDE), wall)
    brush = ImageDraw.Draw(image)
    brush.rectangle((0, 47, SIDE, SIDE), fill=floor)
    for item, centre in ((scene.left, 16), (scene.right, 48)):
        possible = [style for style in styles if drawable(item, style) for _ in range(_WEIGHTS.get(style, 1))]
        if not possible:
            raise ValueError(f"no style among {', '.join(styles)} has an icon for `{item}`")
        # One draw whatever the number of styles, so that another object here changes nothing else in the image.
        which, part = divmod(rng.random() * len(possible), 1)
        style, size = possible[int(which)], rng.randint(25, 28)
        if "image.objects" in hidden:
            mask = _cloth(size)
        elif style is Style.VARIED:
            mask = varied_mask(item, int(part * VARIETY))
        else:
            mask = _icon(item, style, size)
        x = min(max(centre + rng.randint(-2, 2) - mask.width // 2, 0), SIDE - mask.width)
        y = 24 + rng.randint(-2, 2) - mask.height // 2
        image.paste(tuple(rng.randint(0, 110) for _ in range(3)), (x, y), mask)
    if scene.sign != "none" or "image.sign" in hidden:
        plate = _scrawl() if "image.sign" in hidden else _sign(scene.sign.upper())
        image.paste(plate, (12 + rng.randint(-1, 1), 48 + rng.randint(-1, 1)))
    return image


def _icon(item: str, style: Style, size: int) -> Image:
    stem, suffix = _FONTS[style]
    glyph = GLYPHS[item][_COLUMNS[style]]
    assert glyph is not None
    return glyph_mask(icon_font(stem), glyph + suffix, size)


@cache
def _sign(word: str) -> Image:
    """A white plate with a word on it, in the font that Pillow carries."""
    from PIL import ImageDraw, ImageFont

    plate = _plate()
    ImageDraw.Draw(plate).text((19.5, 7.5), word, font=ImageFont.load_default(12), fill=(20, 20, 20), anchor="mm")
    return plate


@cache
def _scrawl() -> Image:
    """The same plate with a line on it that is no word."""
    from PIL import ImageDraw

    plate = _plate()
    line = [(x, 7 + (3, -2, 2, -3, 1, -1)[x // 3 % 6]) for x in range(4, 36, 3)]
    ImageDraw.Draw(plate).line(line, fill=(20, 20, 20), width=2)
    return plate


def _plate() -> Image:
    from PIL import Image

    return Image.new("RGB", (39, 15), (250, 250, 250))


@cache
def _cloth(size: int) -> Image:
    """A mask of a thing under a cloth that falls to the ground: its folds, and nothing of the thing."""
    from PIL import Image, ImageDraw

    mask = Image.new("L", (size, size), 0)
    brush = ImageDraw.Draw(mask)
    brush.pieslice((1, 1, size - 2, 2 * size - 3), 180, 360, fill=255)
    for x in range(5, size - 4, 5):
        brush.line((x, size - 2, x, size // 2), fill=150)
    return mask
