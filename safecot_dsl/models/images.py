"""The one place where bytes from outside become pixels."""

from __future__ import annotations

import io
import warnings
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS = 40_000_000  # 120 MB as RGB: more than any camera image that a model will look at
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


class ImageFault(StrEnum):
    """Why bytes were refused as an image; what refusals are counted by."""

    NOT_AN_IMAGE = "not an image of an allowed format"
    TOO_LARGE = "too many pixels"
    BROKEN = "broken or truncated"


class ImageError(ValueError):
    """Bytes that are refused as an image."""

    def __init__(self, fault: ImageFault, detail: str) -> None:
        super().__init__(f"{fault}: {detail}")
        self.fault = fault
        self.detail = detail


_SIGNATURES = ((b"\x89PNG", "image/png"), (b"\xff\xd8", "image/jpeg"), (b"RIFF", "image/webp"), (b"GIF8", "image/gif"))


def image_type(data: bytes) -> str:
    """The media type of encoded bytes by their signature, `application/octet-stream` where it is none of ours."""
    return next((name for start, name in _SIGNATURES if data.startswith(start)), "application/octet-stream")


def open_image(data: bytes, max_pixels: int = MAX_PIXELS) -> Image:
    """Decode an image from outside: an RGB picture, upright, its transparent parts on white.

    The format is told by the content, never by a file's name, and must be PNG, JPEG, WebP or GIF. Of an animation the
    first frame is taken. The size is read from the header, and judged before any pixel is decoded.

    Raises:
        ImageError: not such an image, more than `max_pixels` pixels, or a file that is broken or ends too early.
    """
    from PIL import Image, UnidentifiedImageError

    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            image = Image.open(io.BytesIO(data), formats=_FORMATS)
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise ImageError(ImageFault.TOO_LARGE, str(error)) from error
        except UnidentifiedImageError as error:
            allowed = ", ".join(_FORMATS)
            detail = f"{len(data)} bytes that begin {data[:8]!r}; allowed are {allowed}"
            raise ImageError(ImageFault.NOT_AN_IMAGE, detail) from error
        except Exception as error:  # a decoder may fail in any way on bytes that are made to break it
            raise ImageError(ImageFault.BROKEN, _said(error)) from error
        width, height = image.size
        if width * height > max_pixels:
            raise ImageError(ImageFault.TOO_LARGE, f"{width}x{height}, above the limit of {max_pixels} pixels")
        try:
            return _upright_rgb(image)
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise ImageError(ImageFault.TOO_LARGE, str(error)) from error
        except Exception as error:
            raise ImageError(ImageFault.BROKEN, _said(error)) from error


def _upright_rgb(image: Image) -> Image:
    from PIL import Image as PillowImage
    from PIL import ImageOps

    image.load()
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):  # 16-bit grey: `convert` would clip all that is above 255
        upright = upright.point(lambda value: value / 257).convert("L")
    if upright.has_transparency_data:
        opaque = PillowImage.new("RGBA", upright.size, "white")
        upright = PillowImage.alpha_composite(opaque, upright.convert("RGBA"))
    return upright.convert("RGB")


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
