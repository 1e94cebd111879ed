"""Images of exports: one file for equal ones, and nothing read that is not in their folder."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from safecot_dsl.dataset.formats.images import ImageChecks, ImageFiles, image_list
from tests.dataset.kitchen import png


def _encoded(format: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(buffer, format)
    return buffer.getvalue()


def test_equal_images_are_one_file(tmp_path: Path) -> None:
    """Named by content, with the suffix of what they are, whatever they were called."""
    files = ImageFiles(tmp_path)
    names = [files.add(data) for data in (png(1), png(2), png(1), _encoded("JPEG"))]
    assert names[0] == names[2] != names[1]
    assert [Path(name).suffix for name in names] == [".png", ".png", ".png", ".jpg"]
    assert (files.files, files.bytes) == (3, len(png(1)) + len(png(2)) + len(_encoded("JPEG")))
    assert all((tmp_path / name).is_file() for name in names)


def test_what_is_no_image_is_not_written(tmp_path: Path) -> None:
    """A web page under an image's name stays out."""
    with pytest.raises(ValueError, match="not an image of an allowed format"):
        ImageFiles(tmp_path).add(b"<html>")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("value", "expected"), [(None, []), ("a.png", ["a.png"]), ([], []), (["a", "b"], ["a", "b"]), ({"path": "a"}, 1)]
)
def test_images_as_the_tools_read_them(value: Any, expected: Any) -> None:
    """Null is none, and one alone is a list of one."""
    assert image_list(value) == (expected if isinstance(expected, list) else [value])


def _faults(root: Path, image: Any, decode: bool = True) -> list[str]:
    return [fault for fault, _ in ImageChecks(root, decode=decode).faults(image)]


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    """Neither of files nor of folders, nor loops of links."""
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret.png").write_bytes(png(1))
    (root / "file.png").symlink_to(tmp_path / "secret.png")
    (root / "folder").symlink_to(tmp_path)
    (root / "loop.png").symlink_to(root / "loop.png")
    (root / "inside.png").write_bytes(png(1))
    (root / "link.png").symlink_to(root / "inside.png")
    assert _faults(root, "file.png") == ["image 0 (`file.png`): the path leaves the folder"]
    assert _faults(root, "folder/secret.png") == ["image 0 (`folder/secret.png`): the path leaves the folder"]
    assert _faults(root, "loop.png") != []
    assert _faults(root, ["inside.png", "link.png"]) == []


def test_pipes_and_devices_are_not_opened(tmp_path: Path) -> None:
    """A pipe that nobody writes to would be waited for."""
    os.mkfifo(tmp_path / "pipe.png")
    assert _faults(tmp_path, "pipe.png") == ["image 0 (`pipe.png`): there is no such file"]


def test_a_file_is_read_once(tmp_path: Path) -> None:
    """Rows share images; what was found is told for each of them."""
    (tmp_path / "a.png").write_bytes(b"text")
    checks = ImageChecks(tmp_path, decode=True)
    first = list(checks.faults(["a.png"]))
    (tmp_path / "a.png").write_bytes(png(1))
    assert list(checks.faults(["a.png"])) == first != []
    assert list(ImageChecks(tmp_path, decode=True).faults(["a.png"])) == []


def test_without_decoding_it_only_has_to_be_there(tmp_path: Path) -> None:
    """For what was decoded before."""
    (tmp_path / "a.png").write_bytes(b"text")
    assert _faults(tmp_path, "a.png", decode=False) == []
    assert _faults(tmp_path, {"bytes": b"text", "path": None}, decode=False) == []
    assert _faults(tmp_path, "b.png", decode=False) == ["image 0 (`b.png`): there is no such file"]


def test_bombs_are_refused_by_their_header(tmp_path: Path) -> None:
    """A picture of a thousand million pixels in a small file is never decoded."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    (fault,) = _faults(tmp_path, {"bytes": bomb, "path": None})
    assert fault.startswith("image 0: too many pixels")
