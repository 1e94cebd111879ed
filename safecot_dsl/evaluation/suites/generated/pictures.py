"""The same picture as another camera, screen or web site would give it. What it shows, and where, stays."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from safecot_dsl.models import open_image

if TYPE_CHECKING:
    from PIL.Image import Image

_JPEG_QUALITY = 30
_SMALLER, _LEAST_SIDE = 0.6, 56  # of the sides, and pixels below which nothing is made smaller
_BRIGHTER, _DARKER, _PALER = 1.3, 0.7, 0.7
_FRAME, _TILT = 0.06, 4  # of the shorter side; degrees


def pictures(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The changes by name and the changed pictures, as PNG or JPEG: coarse compression, fewer pixels, brighter, darker,
    paler, framed, tilted. No colour turns into another, nothing is cut off or mirrored. Equal bytes give equal bytes.

    Raises :class:`~safecot_dsl.models.ImageError` where the picture is refused.
    """
    image = open_image(data)
    yield "coarse JPEG", _saved(image, "JPEG", quality=_JPEG_QUALITY)
    for name, change in _CHANGES.items():
        changed = change(image)
        if changed is not None:
            yield name, _saved(changed, "PNG", compress_level=1)


def _smaller(image: Image) -> Image | None:
    from PIL import Image as PillowImage

    width, height = (round(_SMALLER * side) for side in image.size)
    if min(width, height) < _LEAST_SIDE:
        return None
    return image.resize((width, height), PillowImage.Resampling.LANCZOS)


def _bright(factor: float) -> Callable[[Image], Image]:
    def change(image: Image) -> Image:
        from PIL import ImageEnhance

        return ImageEnhance.Brightness(image).enhance(factor)

    return change


def _paler(image: Image) -> Image:
    from PIL import ImageEnhance

    return ImageEnhance.Contrast(image).enhance(_PALER)


def _framed(image: Image) -> Image:
    from PIL import ImageOps

    return ImageOps.expand(image, max(2, round(_FRAME * min(image.size))), fill="white")


def _tilted(image: Image) -> Image:
    from PIL import Image as PillowImage

    return image.rotate(_TILT, PillowImage.Resampling.BICUBIC, expand=True, fillcolor="white")


def _saved(image: Image, form: str, **settings: int) -> bytes:
    sink = io.BytesIO()
    image.save(sink, form, **settings)
    return sink.getvalue()


_CHANGES: dict[str, Callable[[Image], Image | None]] = {
    "fewer pixels": _smaller,
    "brighter": _bright(_BRIGHTER),
    "darker": _bright(_DARKER),
    "paler": _paler,
    "framed": _framed,
    "tilted": _tilted,
}
