"""Words written onto a picture, so that they can be read and nothing that it shows is hidden."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from safecot_dsl.models.images import open_image

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont


#: Left, top, right and bottom, in pixels.
Box = tuple[int, int, int, int]

_SMALLEST = 7  # pixels of a line: below it the letters of Pillow's font cannot be told apart
_LINES = 3
_PART = 0.12  # of a picture's height for a strip of one line, where it has no margin
_LEAST_STRIP, _LEAST_WIDTH = 18, 160


def write_on(data: bytes, texts: Sequence[str], margin: Box | None, *, above: bool) -> tuple[bytes, str] | None:
    """The picture as a PNG with the first of `texts` on it that fits, dark on white, and that text.

    With a `margin` (left, top, right, bottom; pixels) the words stand on one line within it, and where none of `texts`
    can be read there the result is None. Without one the picture grows by a strip, `above` it or below, and is made
    wider where it is too narrow for words: all that it showed it still shows. Equal arguments give equal bytes.

    Raises:
        ImageError: the picture is refused.
        OSError: this Pillow was built without FreeType.
    """
    image = open_image(data)
    written = _in_margin(image, texts, margin) if margin is not None else _on_strip(image, texts[0], above)
    if written is None:
        return None
    made, text = written
    sink = io.BytesIO()
    made.save(sink, "PNG", compress_level=1)
    return sink.getvalue(), text


def _in_margin(image: Image, texts: Sequence[str], margin: Box) -> tuple[Image, str] | None:
    from PIL import ImageDraw

    left, top, right, bottom = margin
    size = bottom - top
    if size < _SMALLEST:
        return None
    brush = ImageDraw.Draw(image)
    font = _font(size)
    for text in texts:
        if brush.textlength(text, font=font) <= right - left - 2:
            brush.rectangle((left, top, right - 1, bottom - 1), fill="white")
            middle = ((left + right) / 2, (top + bottom) / 2)
            brush.text(middle, text, font=font, fill="black", anchor="mm")
            return image, text
    return None


def _on_strip(image: Image, text: str, above: bool) -> tuple[Image, str]:
    from PIL import Image as PillowImage
    from PIL import ImageDraw

    width = max(image.width, _LEAST_WIDTH)
    step = max(_LEAST_STRIP, round(image.height * _PART))
    lines, font = _laid_out(text, width, step)
    strip = (len(lines) + 1) * step - step // 2
    made = PillowImage.new("RGB", (width, image.height + strip), "white")
    made.paste(image, ((width - image.width) // 2, strip if above else 0))
    brush = ImageDraw.Draw(made)
    top = 0 if above else image.height
    for number, line in enumerate(lines):
        brush.text((width / 2, top + step * (number + 0.75)), line, font=font, fill="black", anchor="mm")
    return made, text


def _laid_out(text: str, width: int, step: int) -> tuple[list[str], FreeTypeFont]:
    """The text in lines that fit the width, few of them or small."""
    size = max(_SMALLEST, round(step * 0.8))
    while True:
        font = _font(size)
        columns = max(1, int(0.95 * width / (font.getlength("abcdefghijklmnopqrstuvwxyz ") / 27)))
        lines = textwrap.wrap(text, columns, break_long_words=True)
        if size <= _SMALLEST + 3 or (len(lines) <= _LINES and all(font.getlength(line) <= width for line in lines)):
            return lines, font
        size -= 1


def _font(size: int) -> FreeTypeFont:
    from PIL import ImageFont

    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise OSError("this Pillow was built without FreeType: install a Pillow wheel")
    return font
