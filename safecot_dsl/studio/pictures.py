"""Pictures as the page may show them: read within limits, made small, written anew, so that nothing of a file that was
made to do harm reaches the browser."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict

from starlette.responses import Response

from safecot_dsl.models.images import MAX_PIXELS, ImageError, ImageFault, open_image
from safecot_dsl.studio.errors import StudioError

#: Pixels of the longer side, at most.
LONGEST_SIDE = 1_024
#: Bytes of a picture that is read.
MAX_BYTES = 64 << 20
#: Pictures with at most so many colours are drawn ones, which PNG keeps as they are; photographs are JPEG.
_FEW_COLOURS = 4_096
_QUALITY = 88
#: Bytes of shown pictures that are kept.
_KEPT_BYTES = 48 << 20


class ShownPictures:
    """Pictures that were shown last, by the digest of what they were made from."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[bytes, str]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def response(self, digest: str, data: bytes) -> Response:
        """A picture as an answer; its content never changes, as the digest is its name."""
        with self._lock:
            shown = self._kept.get(digest)
        if shown is None:
            shown = shown_picture(data)
            with self._lock:
                self._kept[digest] = shown
                self._bytes += len(shown[0])
                while self._bytes > _KEPT_BYTES:
                    _, (dropped, _) = self._kept.popitem(last=False)
                    self._bytes -= len(dropped)
        headers = {"cache-control": "private, max-age=3600", "etag": f'"{digest[:32]}"'}
        return Response(shown[0], media_type=shown[1], headers=headers)


def what_is_wrong(error: ImageError) -> str:
    """Why a picture is refused, in words for a person who has chosen it."""
    if error.fault is ImageFault.TOO_LARGE:
        return f"it has more than {MAX_PIXELS // 1_000_000} million pixels"
    if error.fault is ImageFault.NOT_AN_IMAGE:
        return "it is none of PNG, JPEG, WebP or GIF"
    return "it is damaged, or not whole"


def shown_picture(data: bytes) -> tuple[bytes, str]:
    """A picture written anew and its media type. Raises :class:`StudioError` for what is none, or too large."""
    if len(data) > MAX_BYTES:
        raise StudioError(
            422, "picture_too_large", f"The picture has more than {MAX_BYTES >> 20} MiB: it is not shown."
        )
    try:
        image = open_image(data)
    except ImageError as error:
        raise StudioError(422, "no_picture", f"The picture cannot be shown: {what_is_wrong(error)}.") from None
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    drawn = image.getcolors(_FEW_COLOURS) is not None
    sink = io.BytesIO()
    if drawn:
        image.save(sink, "PNG", optimize=False)
    else:
        image.save(sink, "JPEG", quality=_QUALITY)
    return sink.getvalue(), "image/png" if drawn else "image/jpeg"
