"""The images of items, as annotators look at them: by content, each opened once, faults by name."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from safecot_dsl.facts.annotators.caching import digest_key, through_cache
from safecot_dsl.facts.annotators.finding import NotTold
from safecot_dsl.facts.annotators.report import Effort
from safecot_dsl.facts.item import Item, LazyImage
from safecot_dsl.models import ImageError, open_image
from safecot_dsl.storage import Cache, Progress, sha256_bytes

if TYPE_CHECKING:
    from PIL.Image import Image

_CHUNK = 4  # images whose results are kept together: what a kill can lose


def of_images(
    items: Sequence[Item],
    made_by: str,
    look: Callable[[Sequence[Image]], Sequence[Any]],
    *,
    cache: Cache | None,
    effort: Effort,
    progress: Progress | None,
    title: str,
) -> list[list[Any] | NotTold]:
    """For each item the JSON values that `look` gives of its images, in their order, or why one cannot be looked at.

    `made_by` names all that a value follows from besides the image: the model and its version. An image that several
    items show is looked at once. At most four images are held open.
    """
    keys: list[list[str] | NotTold] = []
    subjects: dict[str, LazyImage] = {}
    for item in items:
        found = _digests(item)
        if not isinstance(found, NotTold):
            named = {digest_key("image", made_by, digest): image for digest, image in found}
            subjects.update(named)
            keys.append([digest_key("image", made_by, digest) for digest, _ in found])
        else:
            keys.append(found)

    def work(images: Sequence[LazyImage]) -> list[Any]:
        opened = [_opened(image) for image in images]
        seen = iter(look([image for image in opened if not isinstance(image, NotTold)]))
        return [
            {"fault": image.reason, "detail": image.detail} if isinstance(image, NotTold) else {"seen": next(seen)}
            for image in opened
        ]

    values: Mapping[str, Any] = through_cache(
        list(subjects.items()),
        work,
        cache=cache,
        effort=effort,
        chunk=_CHUNK,
        progress=progress,
        title=title,
        unit="images",
    )
    return [entry if isinstance(entry, NotTold) else _joined([values[key] for key in entry]) for entry in keys]


def threads() -> int | None:
    """How many threads a recogniser may use: what `OMP_NUM_THREADS` says, as for other libraries, or None for all."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdecimal() and int(given) > 0 else None


def _digests(item: Item) -> list[tuple[str, LazyImage]] | NotTold:
    found: list[tuple[str, LazyImage]] = []
    for image in item.images:
        try:
            found.append((sha256_bytes(image.read()), image))
        except OSError as error:
            return NotTold("the image cannot be read", f"{image.name}: {error.strerror or error}")
    return found


def _opened(image: LazyImage) -> Image | NotTold:
    try:
        return open_image(image.read())
    except ImageError as error:
        return NotTold(f"the image is refused: {error.fault}", error.detail)


def _joined(values: Sequence[Mapping[str, Any]]) -> list[Any] | NotTold:
    fault = next((value for value in values if "fault" in value), None)
    if fault is not None:
        return NotTold(fault["fault"], fault["detail"])
    return [value["seen"] for value in values]
