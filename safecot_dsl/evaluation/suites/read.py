"""A suite's own files become evaluation items."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.suites.drawing import drawn
from safecot_dsl.evaluation.suites.requests import PlainItem, asked_of
from safecot_dsl.evaluation.suites.shipped import describe_suite
from safecot_dsl.evaluation.suites.suite import SuiteError, SuiteItems
from safecot_dsl.facts import LazyImage, Skipped
from safecot_dsl.models.images import ImageError, open_image
from safecot_dsl.storage import Progress


def read_suite(
    name: str,
    root: str | Path,
    *,
    parts: tuple[str, ...] = (),
    limit: int | None = None,
    seed: int = 0,
    base_dir: Path = Path(),
    progress: Progress | None = None,
) -> SuiteItems:
    """The items of a suite, in the order of its files, and the rows that gave none.

    `name` is a suite that ships, or a YAML file that describes one; `root` the folder of its files, or
    `hf://datasets/OWNER/NAME[@REVISION]`; both are relative to `base_dir`. `parts` are those of its source that are
    read, instead of the usual ones. With `limit`, at most so many items are drawn by `seed` (:func:`drawn`). Every
    picture of an item is opened once: what is no picture, or too large, is skipped here and not met by a model.

    Raises:
        SuiteError: there is no such suite, nothing in its files is a request, or the limit has room for no group.
        FactsError: its files cannot be read.
    """
    described = describe_suite(name, base_dir)
    skipped: list[Skipped] = []
    asked: dict[str, PlainItem] = {}
    for entry in asked_of(described, str(root), base_dir, parts, progress):
        if isinstance(entry, Skipped):
            skipped.append(entry)
        elif entry.item.id in asked:
            skipped.append(Skipped(entry.item.id, described.name, "same_id", f"{entry.where}: the id is taken"))
        else:
            asked[entry.item.id] = entry
    if not asked:
        why = f"; the first of {len(skipped)} rows: {skipped[0].detail}" if skipped else ""
        raise SuiteError(f"there is no request of {described.name} in {root}{why}")
    items = paired([entry.item for entry in asked.values()])
    chosen = items if limit is None else drawn(items, limit, seed)
    if not chosen:
        smallest = min(Counter(item.group or item.id for item in items).values())
        raise SuiteError(
            f"{described.name}: a limit of {limit} leaves nothing: the smallest group has {smallest} items"
        )
    made = with_pictures(chosen, asked, skipped, progress)
    return SuiteItems(tuple(made), tuple(skipped), len(items) - len(chosen))


def paired(items: list[EvalItem]) -> tuple[EvalItem, ...]:
    """The items, those alone in their group without one."""
    sizes = Counter(item.group for item in items)
    return tuple(item if sizes[item.group] > 1 else item.model_copy(update={"group": ""}) for item in items)


def with_pictures(
    items: tuple[EvalItem, ...], asked: dict[str, PlainItem], skipped: list[Skipped], progress: Progress | None
) -> list[EvalItem]:
    """The items with their pictures; those whose pictures cannot be opened are skipped. Bytes that several items share
    are held once."""
    shown = progress if any(asked[item.id].images for item in items) else None
    if shown is not None:
        shown.start(f"opening the pictures of {items[0].suite}", len(items), unit="items")
    held: dict[Path, bytes | str] = {}
    made: list[EvalItem] = []
    for item in items:
        entry = asked[item.id]
        pictures = [_picture(image, held) for image in entry.images]
        problem = next((picture for picture in pictures if isinstance(picture, str)), None)
        if problem is not None:
            skipped.append(Skipped(item.id, item.suite, "image_refused", f"{entry.where}: {problem}"))
        else:
            made.append(item.model_copy(update={"images": tuple(pictures)}))
        if shown is not None:
            shown.advance()
    return made


def _picture(image: LazyImage, held: dict[Path, bytes | str]) -> bytes | str:
    """The bytes of a picture that can be opened, or why it cannot."""
    if image.path is not None and image.path in held:
        return held[image.path]
    try:
        found: bytes | str = image.read()
        open_image(found)
    except OSError as error:
        found = f"{image.name}: {error.strerror or error}"
    except ImageError as error:
        found = f"{image.name}: {error}"
    if image.path is not None:
        held[image.path] = found
    return found
