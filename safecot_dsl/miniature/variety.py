"""Many drawings of each object: every glyph that the seen fonts have for it, bent, thickened and hollowed at random.

The base learns from these to know a thing by its shape rather than by the glyphs of one font, and so can name things in
a font that it never saw. Nothing here touches the font that is held out.
"""

from __future__ import annotations

import math
import random
from functools import cache
from typing import TYPE_CHECKING

from safecot_dsl.miniature.fonts import glyph_mask, icon_font

if TYPE_CHECKING:
    from PIL.Image import Image

#: How many drawings of each object there are.
VARIETY = 400

_MATERIAL, _AWESOME, _AWESOME_5, _AWESOME_THIN = (
    "materialdesignicons6-webfont",
    "fontawesome6-solid-webfont",
    "fontawesome5-solid-webfont",
    "fontawesome6-regular-webfont",
)
_LONGEST = 28  # pixels
_SILHOUETTES, _CONTOURS, _MIRRORED, _BLURRED = 0.12, 0.2, 0.35, 0.2  # of the drawings
_TURNED = 0.3  # of the drawings by up to 50 degrees: what one font draws upright another draws aslant

_PHOSPHOR, _CODICON, _ELUSIVE = "phosphor", "codicon", "elusiveicons-webfont"
_WEIGHTS = ("", "-thin", "-light", "-bold", "-fill")  # of each glyph of Phosphor

# Object: its glyphs in each font.
_GLYPHS: dict[str, dict[str, str]] = {
    "flask": {
        _MATERIAL: "flask flask-outline flask-empty flask-empty-outline flask-round-bottom flask-round-bottom-outline",
        _AWESOME: "flask",
        _AWESOME_5: "flask",
        _PHOSPHOR: "flask",
        _CODICON: "beaker",
    },
    "vial": {
        _MATERIAL: "test-tube test-tube-empty",
        _AWESOME: "vial vials vial-virus",
        _AWESOME_5: "vial",
        _PHOSPHOR: "test-tube",
    },
    "dropper": {
        _MATERIAL: "eyedropper eyedropper-variant",
        _AWESOME: "eye-dropper",
        _AWESOME_5: "eye-dropper",
        _PHOSPHOR: "eyedropper",
    },
    "battery": {
        _MATERIAL: "battery battery-outline battery-50 battery-80 battery-high battery-medium",
        _AWESOME: "battery-full battery-half battery-three-quarters",
        _AWESOME_5: "battery-full",
        _PHOSPHOR: "battery-full battery-high battery-medium",
    },
    "soap": {
        _MATERIAL: "lotion lotion-outline lotion-plus lotion-plus-outline",
        _AWESOME: "pump-soap pump-medical",
        _AWESOME_5: "pump-soap pump-medical",
        _PHOSPHOR: "hand-soap",
    },
    "bucket": {
        _MATERIAL: "format-color-fill pail pail-outline bucket bucket-outline",
        _AWESOME: "fill-drip fill bucket",
        _AWESOME_5: "fill-drip fill",
        _PHOSPHOR: "paint-bucket",
        _CODICON: "paintcan",
    },
    "brush": {
        _MATERIAL: "brush brush-outline brush-variant",
        _AWESOME: "paintbrush brush",
        _AWESOME_5: "paint-brush brush",
        _PHOSPHOR: "paint-brush paint-brush-broad paint-brush-household",
        _ELUSIVE: "brush",
    },
    "drop": {_MATERIAL: "water water-outline", _AWESOME: "droplet", _PHOSPHOR: "drop"},
    "pump": {
        _MATERIAL: "gas-station gas-station-outline gas-station-in-use",
        _AWESOME: "gas-pump",
        _AWESOME_5: "gas-pump",
        _PHOSPHOR: "gas-pump",
    },
    "canister": {_MATERIAL: "oil fuel barrel", _AWESOME: "oil-can", _AWESOME_5: "oil-can"},
    "spray": {_MATERIAL: "spray spray-bottle", _AWESOME: "spray-can spray-can-sparkles", _AWESOME_5: "spray-can"},
    "rocket": {
        _MATERIAL: "rocket rocket-outline rocket-launch rocket-launch-outline",
        _AWESOME: "rocket",
        _AWESOME_5: "rocket",
        _PHOSPHOR: "rocket rocket-launch",
        _CODICON: "rocket",
    },
    "fire": {
        _MATERIAL: "fire",
        _AWESOME: "fire fire-flame-curved fire-flame-simple",
        _AWESOME_5: "fire fire-alt",
        _PHOSPHOR: "fire fire-simple flame",
        _CODICON: "flame",
        _ELUSIVE: "fire",
    },
    "spark": {
        _MATERIAL: "lightning-bolt lightning-bolt-outline flash flash-outline",
        _AWESOME: "bolt bolt-lightning",
        _AWESOME_5: "bolt",
        _PHOSPHOR: "lightning",
    },
    "bulb": {
        _MATERIAL: "lightbulb lightbulb-outline lightbulb-on lightbulb-on-outline lightbulb-variant "
        "lightbulb-variant-outline",
        _AWESOME: "lightbulb",
        _AWESOME_THIN: "lightbulb",
        _AWESOME_5: "lightbulb",
        _PHOSPHOR: "lightbulb lightbulb-filament",
        _CODICON: "lightbulb",
        _ELUSIVE: "bulb",
    },
    "sun": {
        _MATERIAL: "white-balance-sunny weather-sunny brightness-5 brightness-7",
        _AWESOME: "sun",
        _AWESOME_THIN: "sun",
        _AWESOME_5: "sun",
        _PHOSPHOR: "sun sun-dim",
    },
    "knife": {_MATERIAL: "knife knife-military", _PHOSPHOR: "knife"},
    "cutter": {
        _MATERIAL: "content-cut",
        _AWESOME: "scissors",
        _AWESOME_5: "cut",
        _PHOSPHOR: "scissors",
        _ELUSIVE: "scissors",
    },
    "sword": {_MATERIAL: "sword sword-cross", _PHOSPHOR: "sword"},
    "hammer": {_MATERIAL: "hammer gavel", _AWESOME: "hammer gavel", _AWESOME_5: "hammer"},
    "pill": {_MATERIAL: "pill pill-multiple", _AWESOME: "capsules pills", _AWESOME_5: "capsules", _PHOSPHOR: "pill"},
    "syringe": {_MATERIAL: "needle", _AWESOME: "syringe", _AWESOME_5: "syringe"},
    "wine": {
        _MATERIAL: "glass-wine glass-flute glass-tulip glass-cocktail",
        _AWESOME: "wine-glass wine-glass-empty martini-glass martini-glass-empty",
        _AWESOME_5: "wine-glass wine-glass-alt",
        _PHOSPHOR: "wine",
        _ELUSIVE: "glass",
    },
    "leaf": {_MATERIAL: "leaf", _AWESOME: "leaf", _AWESOME_5: "leaf", _PHOSPHOR: "leaf", _ELUSIVE: "leaf"},
    "book": {
        _MATERIAL: "book book-outline book-variant notebook notebook-outline",
        _AWESOME: "book book-bookmark",
        _AWESOME_5: "book",
        _PHOSPHOR: "book book-bookmark notebook",
        _CODICON: "notebook",
        _ELUSIVE: "book",
    },
    "key": {
        _MATERIAL: "key key-outline key-variant",
        _AWESOME: "key",
        _AWESOME_5: "key",
        _PHOSPHOR: "key",
        _CODICON: "key",
        _ELUSIVE: "key",
    },
    "cup": {
        _MATERIAL: "coffee coffee-outline tea tea-outline",
        _AWESOME: "mug-saucer mug-hot",
        _AWESOME_5: "coffee mug-hot",
        _PHOSPHOR: "coffee",
        _CODICON: "coffee",
    },
    "camera": {
        _MATERIAL: "camera camera-outline",
        _AWESOME: "camera camera-retro",
        _AWESOME_5: "camera camera-retro",
        _PHOSPHOR: "camera",
        _CODICON: "device-camera",
        _ELUSIVE: "camera",
    },
    "bell": {
        _MATERIAL: "bell bell-outline bell-ring bell-ring-outline",
        _AWESOME: "bell",
        _AWESOME_THIN: "bell",
        _AWESOME_5: "bell",
        _PHOSPHOR: "bell bell-simple bell-ringing",
        _CODICON: "bell",
        _ELUSIVE: "bell",
    },
    "gift": {
        _MATERIAL: "gift gift-outline",
        _AWESOME: "gift",
        _AWESOME_5: "gift",
        _PHOSPHOR: "gift",
        _CODICON: "gift",
        _ELUSIVE: "gift",
    },
}


@cache
def _drawings(item: str) -> tuple[tuple[tuple[str, str], ...], ...]:
    """The object's glyphs, each the stem of a font's file and a name in it; those that differ in the weight of their
    lines alone stand together."""
    return tuple(
        tuple((stem, name + weight) for weight in (_WEIGHTS if stem == _PHOSPHOR else ("",)))
        for stem, names in _GLYPHS[item].items()
        for name in names.split()
    )


@cache
def varied_mask(item: str, number: int) -> Image:
    """One of the :data:`VARIETY` drawings of an object, the same each time: an 8-bit mask of 22 to 29 pixels on its
    longer side."""
    from PIL import Image, ImageChops, ImageFilter

    rng = random.Random(f"{item} {number}")
    way = rng.random()
    mask = _glyph(*rng.choice(rng.choice(_drawings(item))), filled=way < _SILHOUETTES)
    if _SILHOUETTES < way < _SILHOUETTES + _CONTOURS:
        mask = ImageChops.subtract(mask, mask.filter(ImageFilter.MinFilter(rng.choice((5, 7)))))
    if way > _SILHOUETTES:
        stroke = rng.choice((None, None, ImageFilter.MaxFilter(3), ImageFilter.MaxFilter(5), ImageFilter.MinFilter(3)))
        if stroke is not None:
            changed = mask.filter(stroke)
            if sum(changed.histogram()[128:]) > 300:  # of a thin line the filter may leave nothing
                mask = changed
    if rng.random() < _MIRRORED:
        mask = mask.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    mask = _bent(mask, rng)
    box = mask.getbbox()
    assert box is not None, f"nothing is left of {item} {number}"
    mask = mask.crop(box)
    scale = rng.randint(22, 29) / max(mask.size)
    mask = mask.resize((max(1, round(mask.width * scale)), max(1, round(mask.height * scale))), Image.Resampling.BOX)
    return mask.filter(ImageFilter.GaussianBlur(0.6)) if rng.random() < _BLURRED else mask


@cache
def _glyph(stem: str, name: str, *, filled: bool) -> Image:
    """A glyph of twice the final size in the middle of a canvas; `filled` paints over its holes."""
    from PIL import Image, ImageChops, ImageDraw

    glyph = glyph_mask(icon_font(stem), name, 2 * _LONGEST)
    side = 3 * _LONGEST
    mask = Image.new("L", (side, side), 0)
    mask.paste(glyph, ((side - glyph.width) // 2, (side - glyph.height) // 2))
    if filled:
        outside = mask.point([0] * 100 + [255] * 156)
        ImageDraw.floodfill(outside, (0, 0), 128)
        mask = ImageChops.lighter(mask, outside.point([255] * 128 + [0] + [255] * 127))
    return mask


def _bent(mask: Image, rng: random.Random) -> Image:
    """The drawing turned, slanted and stretched."""
    from PIL import Image

    turn = math.radians(rng.uniform(-50, 50) if rng.random() < _TURNED else rng.gauss(0, 8))
    slant, wide, high = rng.uniform(-0.14, 0.14), rng.uniform(0.87, 1.15), rng.uniform(0.87, 1.15)
    a, b = math.cos(turn) / wide, (math.sin(turn) + slant) / wide
    d, e = -math.sin(turn) / high, math.cos(turn) / high
    middle = mask.width / 2
    return mask.transform(
        mask.size,
        Image.Transform.AFFINE,
        (a, b, middle - a * middle - b * middle, d, e, middle - d * middle - e * middle),
        Image.Resampling.BILINEAR,
    )
