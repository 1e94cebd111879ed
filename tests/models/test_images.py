"""Bytes from outside become upright RGB pixels, or an `ImageError` with the reason."""

import io
import struct
import zlib

import pytest
from PIL import Image, ImageDraw

from safecot_dsl.models import ImageError, open_image
from safecot_dsl.models.images import ImageFault

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG with a true header and next to no pixel data."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
def test_the_allowed_formats_come_out_as_rgb(form: str):
    image = open_image(encoded(Image.new("RGB", (8, 4), RED), form))
    assert (image.mode, image.size) == ("RGB", (8, 4))
    red, green, blue = image.getpixel((4, 2))
    assert red > 245
    assert green < 10
    assert blue < 10


@pytest.mark.parametrize("form", ["BMP", "TIFF", "ICO", "PPM", "TGA"])
def test_other_formats_are_refused(form: str):
    with pytest.raises(ImageError, match="not an image of an allowed format") as caught:
        open_image(encoded(Image.new("RGB", (16, 16)), form))
    assert caught.value.fault is ImageFault.NOT_AN_IMAGE


@pytest.mark.parametrize("data", [b"", b"not an image", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%!PS-Adobe"])
def test_what_is_no_image_is_refused_whatever_its_name_was(data: bytes):
    with pytest.raises(ImageError) as caught:
        open_image(data)
    assert caught.value.fault is ImageFault.NOT_AN_IMAGE


@pytest.mark.parametrize("size", [(7_000, 7_000), (12_000, 12_000), (60_000, 60_000)])
def test_a_bomb_is_refused_by_its_header(size: tuple[int, int]):
    """Below Pillow's own warning (49 Mpx), between its warning and its error (144 Mpx), and above (3.6 Gpx)."""
    with pytest.raises(ImageError) as caught:
        open_image(png_that_claims(*size))
    assert caught.value.fault is ImageFault.TOO_LARGE


def test_the_limit_itself_is_allowed():
    data = encoded(Image.new("RGB", (10, 10)), "PNG")
    assert open_image(data, max_pixels=100).size == (10, 10)
    with pytest.raises(ImageError, match="10x10, above the limit of 99 pixels"):
        open_image(data, max_pixels=99)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_truncated_file_is_refused(form: str):
    image = Image.effect_noise((64, 64), 50).convert("RGB")
    data = encoded(image, form)
    with pytest.raises(ImageError) as caught:
        open_image(data[: len(data) // 2])
    assert caught.value.fault is ImageFault.BROKEN


def test_a_header_without_pixels_is_refused():
    with pytest.raises(ImageError) as caught:
        open_image(png_that_claims(100, 100))
    assert caught.value.fault is ImageFault.BROKEN


def test_cmyk_and_grey_and_palette_become_rgb():
    assert open_image(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG")).getpixel((4, 4))[0] > 245
    assert open_image(encoded(Image.new("L", (8, 8), 128), "PNG")).getpixel((4, 4)) == (128, 128, 128)
    palette = Image.new("RGB", (8, 8), BLUE).quantize(4)
    assert open_image(encoded(palette, "PNG")).getpixel((4, 4)) == BLUE


def test_sixteen_bit_grey_is_scaled_not_clipped():
    """65535 / 257 = 255, 32896 / 257 = 128."""
    grey = Image.new("I;16", (2, 1))
    grey.putpixel((0, 0), 65535)
    grey.putpixel((1, 0), 32896)
    image = open_image(encoded(grey, "PNG"))
    assert image.getpixel((0, 0)) == WHITE
    assert image.getpixel((1, 0)) == (128, 128, 128)


def test_transparent_parts_are_white():
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (*RED, 255))
    opened = open_image(encoded(image, "PNG"))
    assert opened.getpixel((0, 0)) == WHITE
    assert opened.getpixel((1, 0)) == RED


@pytest.mark.parametrize("form", ["GIF", "WEBP"])
def test_of_an_animation_the_first_frame_is_taken(form: str):
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, BLUE)]
    options = {"lossless": True} if form == "WEBP" else {}
    data = encoded(frames[0], form, save_all=True, append_images=frames[1:], **options)
    assert Image.open(io.BytesIO(data)).n_frames == 2
    assert open_image(data).getpixel((4, 4)) == RED


def test_a_rotated_photograph_is_turned_upright():
    """EXIF orientation 6: the stored left edge is the top of the scene, so the picture is turned clockwise."""
    stored = Image.new("RGB", (40, 20), BLUE)
    ImageDraw.Draw(stored).rectangle((20, 0, 39, 19), fill=RED)
    exif = Image.Exif()
    exif[0x0112] = 6
    image = open_image(encoded(stored, "JPEG", exif=exif.tobytes(), quality=95))
    assert image.size == (20, 40)
    assert image.getpixel((10, 5))[2] > 200  # the stored left half is on top
    assert image.getpixel((10, 35))[0] > 200
