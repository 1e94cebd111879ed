"""The images of an export: written once each under a name that their content gives, and looked at again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from safecot_dsl.dataset.formats.model import ExportError
from safecot_dsl.dataset.store import Dataset
from safecot_dsl.models.images import ImageError, image_type, open_image

FOLDER = "images"
#: A picture of 40 million pixels that does not compress at all is smaller.
MAX_FILE = 256 << 20  # bytes
_REMEMBERED = 1 << 16  # files

SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif"}


class ImageFiles:
    """Writes images below `folder`, equal ones once, and counts what it wrote."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files = 0
        self.bytes = 0

    def add(self, data: bytes) -> str:
        """The path of the file that holds `data`, relative to the folder: `images/3f/3fa9….png`.

        The first two digits of its digest are a folder of their own: file systems and their tools are slow in folders
        of a million files.

        Raises:
            ValueError: `data` is not an image of an allowed format.
        """
        suffix = SUFFIXES.get(image_type(data))
        if suffix is None:
            raise ValueError(f"not an image of an allowed format: {len(data)} bytes that begin {data[:8]!r}")
        digest = hashlib.sha256(data).hexdigest()[:32]
        name = f"{FOLDER}/{digest[:2]}/{digest}.{suffix}"
        path = self._folder / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            self.files += 1
            self.bytes += len(data)
        return name


def embedded(dataset: Dataset, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The images of a row with their bytes in them, as Hugging Face `datasets` keeps images: `bytes` and `path`.

    Raises:
        DatasetError: an image that the row only refers to is not to be had.
    """
    held = zip(dataset.images(row), row["images"], strict=True)
    return [{"bytes": data, "path": _name(image["path"])} for data, image in held]


def named(
    dataset: Dataset, row: Mapping[str, Any], files: ImageFiles, images: Literal["copy", "reference"]
) -> list[str]:
    """The paths of a row's images: of copies in the export, or, by reference, from the data set's `image_root`.

    Raises:
        DatasetError: an image that the row only refers to is not to be had.
        ExportError: an image cannot be copied or referred to.
    """
    if images == "reference":
        if any(image["bytes"] is not None for image in row["images"]):
            raise ExportError(
                f"{dataset.path}: row {row['id']} holds its images itself, so that there is no file to refer to: "
                "export with `copy` or `embed`"
            )
        return [image["path"] for image in row["images"]]
    try:
        return [files.add(data) for data in dataset.images(row)]
    except ValueError as error:
        raise ExportError(f"{dataset.path}: row {row['id']}: {error}") from error


class ImageChecks:
    """Looks at the images of rows, at each once.

    Relative paths start from `root` and may not leave it. With `decode` images are decoded; without it they only have
    to be there.
    """

    def __init__(self, root: Path, *, decode: bool) -> None:
        self._root, self._decode = root, decode
        self._seen: dict[str | bytes, tuple[str, str] | None] = {}

    def faults(self, images: Any) -> Iterator[tuple[str, str]]:
        """What is wrong with the images of a row, as pairs of a fault and what mends it.

        `images` is the row's own value: a path, a `{"bytes", "path"}`, or a list of these. What cannot be an image at
        all is a fault like any other.
        """
        for number, image in enumerate(image_list(images)):
            where = f"image {number}"
            if isinstance(image, dict) and isinstance(image.get("bytes"), bytes):
                fault = self._held(image["bytes"])
            else:
                name = image.get("path") if isinstance(image, dict) else image
                if not isinstance(name, str) or not name:
                    yield f"{where} is neither a path nor bytes", "write a path, or bytes and a name"
                    continue
                where = f"{where} (`{name}`)"
                fault = self._named(name)
            if fault is not None:
                yield f"{where}: {fault[0]}", fault[1]

    def read(self, images: Any) -> list[bytes]:
        """The bytes of the images of a row, without those that are at fault."""
        found: list[bytes] = []
        for image in image_list(images):
            held = image.get("bytes") if isinstance(image, dict) else None
            name = image.get("path") if isinstance(image, dict) else image
            if isinstance(held, bytes):
                found.append(held)
            elif isinstance(name, str) and self._named(name) is None:
                found.append((self._root / name).read_bytes())
        return found

    def _named(self, name: str) -> tuple[str, str] | None:
        return self._once(name, lambda: _file_fault(self._root, name, self._decode))

    def _held(self, data: bytes) -> tuple[str, str] | None:
        if not self._decode:
            return None
        return self._once(hashlib.sha256(data).digest(), lambda: _decoded(data))

    def _once(self, key: str | bytes, look: Callable[[], tuple[str, str] | None]) -> tuple[str, str] | None:
        if key not in self._seen:
            if len(self._seen) >= _REMEMBERED:
                self._seen.clear()
            self._seen[key] = look()
        return self._seen[key]


def image_list(images: Any) -> list[Any]:
    """The images of a row as a list, as the tools read what is written for them: null is none, one alone is a list."""
    if images is None:
        return []
    return list(images) if isinstance(images, list | tuple) else [images]


def _file_fault(root: Path, name: str, decode: bool) -> tuple[str, str] | None:
    if "://" in name:
        return "an address: nothing is fetched", "put the file beside the rows, and its path in its place"
    if "\0" in name:
        return "a path with a NUL byte", "write the path of the file"
    if PurePosixPath(name).is_absolute():
        return "an absolute path: it leads somewhere on one machine alone", "write it relative to the images' folder"
    try:
        path = (root / name).resolve()
        if not path.is_relative_to(root.resolve()):
            return "the path leaves the folder", "put the file inside, or name the folder that it is in"
        if not path.is_file():
            return "there is no such file", "bring it back, or name the folder that the paths start from"
        if path.stat().st_size > MAX_FILE:
            return f"more than {MAX_FILE >> 20} MiB", "leave the image out, or make it smaller"
        return _decoded(path.read_bytes()) if decode else None
    except (OSError, RuntimeError) as error:  # a name that is too long, a loop of links
        return f"it cannot be read ({error})", "bring the file back"


def _decoded(data: bytes) -> tuple[str, str] | None:
    try:
        open_image(data)
    except ImageError as error:
        return str(error), "leave the row out, or save the image anew as PNG or JPEG"
    return None


def _name(path: str | None) -> str | None:
    """A file's name alone: where the bytes are at hand, the path that they came from says nothing to anybody else."""
    return PurePosixPath(path).name if path else None
