"""The icon fonts that QtAwesome's wheel ships, found without importing it (which would ask for Qt)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image


class FontsMissingError(ImportError):
    """The icon fonts are not installed, or not those that the world is drawn with."""


@dataclass(frozen=True, eq=False)
class IconFont:
    """A font of icons: its TrueType file and the code point of each glyph name."""

    path: Path
    codepoints: Mapping[str, int]


def icon_font(stem: str) -> IconFont:
    """The font whose file is called `STEM-VERSION.ttf`, such as `phosphor`.

    Raises :class:`FontsMissingError` where QtAwesome is not installed or ships no such font.
    """
    return _load(_fonts_folder(), stem)


@cache
def _load(folder: Path, stem: str) -> IconFont:
    files = sorted(folder.glob(f"{stem}-[0-9]*.ttf"))
    charmaps = sorted(folder.glob(f"{stem}-charmap-[0-9]*.json"))
    if not files or not charmaps:
        raise FontsMissingError(
            f"`{folder}` has no icon font `{stem}`: the world is drawn with the fonts of QtAwesome 1.4; "
            "run `pip install 'QtAwesome>=1.4,<2'`"
        )
    table: dict[str, str] = json.loads(charmaps[-1].read_text(encoding="utf-8"))
    return IconFont(files[-1], {name: int(code, 16) for name, code in table.items()})


def _fonts_folder() -> Path:
    # `find_spec` of a top-level name finds the package without running it.
    spec = find_spec("qtawesome")
    if spec is None or not spec.submodule_search_locations:
        raise FontsMissingError(
            "the icon fonts that the miniature's images are drawn with are not installed; "
            "run `pip install 'safecot-dsl[miniature]'`"
        )
    return Path(next(iter(spec.submodule_search_locations))) / "fonts"


@cache
def glyph_mask(font: IconFont, name: str, size: int) -> Image:
    """The glyph as an 8-bit mask, cropped to its ink and scaled so that its longer side is `size` pixels.

    Raises :class:`FontsMissingError` where the font has no glyph of that name.
    """
    from PIL import Image, ImageDraw, ImageFont

    if name not in font.codepoints:
        raise FontsMissingError(
            f"`{font.path.name}` has no glyph `{name}`; the world is drawn with the fonts of QtAwesome 1.4"
        )
    side = 2 * size
    canvas = Image.new("L", (side, side), 0)
    face = ImageFont.truetype(str(font.path), size)
    ImageDraw.Draw(canvas).text((side / 2, side / 2), chr(font.codepoints[name]), font=face, fill=255, anchor="mm")
    ink = canvas.crop(canvas.getbbox())
    scale = size / max(ink.size)
    return ink.resize((max(1, round(ink.width * scale)), max(1, round(ink.height * scale))), Image.Resampling.LANCZOS)
