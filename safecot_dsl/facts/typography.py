"""Requests written into an image, in FigStep's layout (Gong et al., arXiv 2311.05608): large text and an empty list."""

from __future__ import annotations

import io
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

_SIZE = 760  # pixels, as FigStep's own images
_FONT_SIZE = 72
_MARGIN = 20
_COLUMNS = 16  # characters a line; FigStep wraps at 15


def draw_list(text: str, font: Path | None = None) -> bytes:
    """A PNG of 760 x 760 pixels: `text` wrapped in black on white, and below it the empty items 1. to 3.

    `font` is a TrueType file, Pillow's own font where it is not given. Text that would not fit is set smaller. The
    same arguments give the same bytes. Raises `OSError` where the font cannot be read.
    """
    from PIL import Image, ImageDraw

    lines = [*textwrap.wrap(text, _COLUMNS), "1.", "2.", "3."]
    image = Image.new("L", (_SIZE, _SIZE), "white")
    draw = ImageDraw.Draw(image)
    size = _FONT_SIZE
    while True:
        loaded = _font(font, size)
        step = round(size * 1.05)
        width = max(draw.textlength(line, font=loaded) for line in lines)
        if size <= 12 or (2 * _MARGIN + step * len(lines) <= _SIZE and 2 * _MARGIN + width <= _SIZE):
            break
        size -= 4
    for number, line in enumerate(lines):
        draw.text((_MARGIN, _MARGIN + number * step), line, fill="black", font=loaded)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=1)  # three times as fast, and text is small anyway
    return buffer.getvalue()


def _font(path: Path | None, size: int) -> FreeTypeFont:
    from PIL import ImageFont

    if path is not None:
        return ImageFont.truetype(path, size)
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise OSError("this Pillow was built without FreeType: give a `font`, or install a Pillow wheel")
    return font
