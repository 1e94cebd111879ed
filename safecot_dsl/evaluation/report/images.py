"""Pictures as data URIs, for a page that loads nothing."""

from __future__ import annotations

import base64
import io

from safecot_dsl.evaluation.report.markup import Markup, tag
from safecot_dsl.models.images import ImageError, ImageFault, image_type, open_image

_WHOLE = 60_000  # bytes of a file that is shown as it is, where no more than its beginning has to be read
_SMALL = 128  # pixels across
_ACROSS = 360  # pixels of the longer side of a picture that is made smaller


def show_image(data: bytes) -> Markup:
    """A picture as an element: a small PNG as it is, its pixels kept sharp, any other made smaller; what cannot be
    opened is named."""
    across = int.from_bytes(data[16:20]) if data.startswith(b"\x89PNG\r\n\x1a\n") else None
    if across is not None and across <= _SMALL and len(data) <= _WHOLE:
        return _element("image/png", data, enlarged=True)
    try:
        picture = open_image(data)
    except ImageError as error:
        known = image_type(data) != "application/octet-stream"
        reason = "of an unknown format" if error.fault is ImageFault.NOT_AN_IMAGE and not known else error.fault.value
        return tag("span", f"an image of {len(data):,} bytes, {reason}", cls="no-image")
    picture.thumbnail((_ACROSS, _ACROSS))
    sink = io.BytesIO()
    picture.save(sink, "JPEG", quality=80)
    return _element("image/jpeg", sink.getvalue(), enlarged=False)


def _element(kind: str, data: bytes, *, enlarged: bool) -> Markup:
    source = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    return tag("img", src=source, alt="the image of the request", loading="lazy", cls="enlarged" if enlarged else None)
