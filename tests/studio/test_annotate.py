"""A recipe's annotators on one picture: what they find, what they refuse, and what a picture cannot do."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from safecot_dsl.studio.api_route import MAX_UPLOAD
from safecot_dsl.studio.errors import StudioError
from safecot_dsl.studio.folder import StudioFolder
from safecot_dsl.studio.messages.policy import AnnotatedPicture, AnnotateQuery
from safecot_dsl.studio.policy.annotating import look
from safecot_dsl.studio.policy.policies import Policies
from tests.studio.conftest import SOURCE

RECIPE = """
name: annotated
policy: policies/household.safecot
data:
  sources: [{kind: jsonl, path: r.jsonl, licence: CC0-1.0}]
  annotators:
    - {kind: pattern, fact: query.intent, patterns: {hurt: ["hurt"]}}
"""


def picture() -> bytes:
    held = io.BytesIO()
    Image.new("RGB", (8, 8), "white").save(held, "PNG")
    return held.getvalue()


def bomb() -> bytes:
    """A PNG that says that it is 60,000 by 60,000 pixels large."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(header)) + chunk + struct.pack(">I", zlib.crc32(chunk))


def annotate(client: TestClient, data: bytes, **more: str) -> Any:
    form = {"recipe": "annotated.yaml", "path": SOURCE["path"]} | more
    return client.post("/api/v1/policy/annotate", data=form, files={"picture": ("p.png", data, "image/png")})


def look_at(folder: Path, data: bytes, **more: str) -> AnnotatedPicture:
    """What the process that looks does, in this one."""
    asked = {"recipe": "annotated.yaml", "path": SOURCE["path"], "request": ""} | more
    return look(Policies(StudioFolder(folder)), AnnotateQuery(picture=base64.b64encode(data).decode(), **asked))


def test_annotators_look_and_say_what_they_left_out(folder: Path) -> None:
    (folder / "annotated.yaml").write_text(RECIPE)
    told = look_at(folder, picture(), request="How do I hurt him?").model_dump()
    assert told["facts"]["query.intent"]["state"] == {"state": "known", "value": "hurt"}
    assert told["facts"]["query.intent"]["annotator"] == "pattern"
    assert told["left_out"] == ()
    nothing = look_at(folder, picture()).model_dump()
    assert nothing["facts"] == {}
    assert [each["fact"] for each in nothing["left_out"]] == ["query.intent"]


@pytest.mark.parametrize("data", [bomb(), b"<svg onload=alert(1)>", b"", picture()[:40]])
def test_what_is_no_picture_is_refused(folder: Path, data: bytes) -> None:
    (folder / "annotated.yaml").write_text(RECIPE)
    with pytest.raises(StudioError) as refused:
        look_at(folder, data)
    assert (refused.value.status, refused.value.code) == (422, "no_picture")
    said = str(refused.value)
    assert "b'" not in said  # a person has chosen it, and reads this
    assert said.endswith("Choose another, or a smaller copy of it.")


def test_a_picture_with_too_many_pixels_is_said_to_have_them(folder: Path) -> None:
    (folder / "annotated.yaml").write_text(RECIPE)
    sound = picture()
    header = b"IHDR" + struct.pack(">II", 60_000, 60_000) + sound[24:29]
    with pytest.raises(StudioError, match="more than 40 million pixels"):
        look_at(folder, sound[:12] + header + struct.pack(">I", zlib.crc32(header)) + sound[33:])


def test_a_recipe_without_annotators_is_named_with_what_to_do(folder: Path) -> None:
    with pytest.raises(StudioError, match=r"`demo\.yaml` names no annotators: choose another recipe"):
        look_at(folder, picture(), recipe="demo.yaml")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"recipe": "demo.yaml"}, "no_annotators"),
        ({"recipe": "../demo.yaml"}, "outside"),
        ({"recipe": "notes.txt"}, "not_annotated"),
        ({"path": "none.safecot"}, "not_found"),
    ],
)
def test_what_cannot_be_looked_at_is_said(folder: Path, asked: dict[str, str], code: str) -> None:
    (folder / "annotated.yaml").write_text(RECIPE)
    with pytest.raises(StudioError) as refused:
        look_at(folder, picture(), **asked)
    assert refused.value.code == code


@pytest.mark.parametrize("form", [{}, {"recipe": "x"}, {"recipe": "x", "path": "y", "more": "z"}])
def test_a_form_that_lacks_something_is_said(client: TestClient, form: dict[str, str]) -> None:
    answer = client.post("/api/v1/policy/annotate", data=form, files={"picture": ("p", b"x", "image/png")})
    assert answer.json()["error"]["code"] == "not_understood"
    without = client.post("/api/v1/policy/annotate", data={"recipe": "x", "path": "y"}, files={"other": ("p", b"x")})
    assert without.json()["error"]["code"] == "not_understood"


def test_an_upload_has_an_end(client: TestClient) -> None:
    refused = annotate(client, b"x" * (MAX_UPLOAD + 1))
    assert refused.status_code == 413
    assert "larger than 24 MiB" in refused.json()["error"]["message"]
    garbage = client.post(
        "/api/v1/policy/annotate", content=b"\r\n" * 9, headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert garbage.status_code in (400, 422)


def test_a_recipe_that_cannot_be_read_is_named_by_its_path_in_the_folder(client: TestClient, folder: Path) -> None:
    (folder / "annotated.yaml").write_text("name: annotated\npolicy: policies/household.safecot\ndata: {nothing: 1}\n")
    answer = annotate(client, picture())
    assert answer.status_code == 422
    message = answer.json()["error"]["message"]
    assert "annotated.yaml" in message
    assert str(folder) not in message
