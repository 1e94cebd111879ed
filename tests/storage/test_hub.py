"""What goes to the Hub, against a server of our own that speaks what `huggingface_hub` says to it."""

from __future__ import annotations

import base64
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from safecot_dsl.storage.hub import HubError, check_ready, plan_upload, push

pytest.importorskip("huggingface_hub")


class Hub(ThreadingHTTPServer):
    """Makes repositories, and takes commits of files that are small enough to stand in them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.made: list[dict[str, Any]] = []
        self.files: dict[str, bytes] = {}
        self.tokens: set[str | None] = set()
        self.refuse = False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answers(BaseHTTPRequestHandler):
    server: Hub  # type: ignore[assignment]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # quiet
        del format, args

    def do_GET(self) -> None:
        self._answer({"id": "me/rows", "sha": "0" * 40, "siblings": [], "private": True})

    def do_POST(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.tokens.add(self.headers.get("Authorization"))
        if self.server.refuse and "/preupload/" in self.path:
            self._answer({"error": "You are not allowed"}, 403)
        elif self.path == "/api/validate-yaml":
            self._answer({"errors": [], "warnings": []})
        elif self.path == "/api/repos/create":
            self.server.made.append(json.loads(body))
            self._answer({"url": f"{self.server.address}/datasets/me/rows"})
        elif "/preupload/" in self.path:
            asked = json.loads(body)["files"]
            self._answer(
                {"files": [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in asked]}
            )
        elif "/commit/" in self.path:
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    self.server.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            url = f"{self.server.address}/datasets/me/rows/commit/{'1' * 40}"
            self._answer({"success": True, "commitOid": "1" * 40, "commitUrl": url})
        else:
            self._answer({"error": "no such page"}, 404)

    def _answer(self, value: Any, code: int = 200) -> None:
        text = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def is_private(made: dict[str, Any]) -> bool:
    """What a request to make a repository says of who may see it, in the words of either version of the client."""
    return made.get("visibility") == "private" or made.get("private") is True


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_test")
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rows" / "data").mkdir(parents=True)
    (tmp_path / "rows" / "README.md").write_text("card", encoding="utf-8")
    (tmp_path / "rows" / "data" / "a[1].txt").write_text("one", encoding="utf-8")
    (tmp_path / "rows" / ".secret").write_text("not this", encoding="utf-8")
    (tmp_path / "elsewhere").write_text("nor this", encoding="utf-8")
    (tmp_path / "rows" / "link").symlink_to(tmp_path / "elsewhere")
    return tmp_path / "rows"


def test_what_is_said_to_be_uploaded_is_what_is_uploaded(hub: Hub, folder: Path) -> None:
    upload = plan_upload(folder, "me/rows", "dataset", below="report")
    assert upload.told(public=False).splitlines() == [
        "to the Hub: dataset me/rows (private, unless the repository is there already): 2 files, 0.0 MB",
        "             4  report/README.md",
        "             3  report/data/a[1].txt",
    ]
    assert push(upload, endpoint=hub.address).endswith("/commit/" + "1" * 40)
    assert hub.files == {"report/README.md": b"card", "report/data/a[1].txt": b"one"}
    (made,) = hub.made
    assert (made["name"], made["type"]) == ("rows", "dataset")
    assert is_private(made)
    assert hub.tokens == {"Bearer hf_of_the_test"}


def test_a_new_repository_is_public_only_where_that_is_asked_for(hub: Hub, folder: Path) -> None:
    push(plan_upload(folder, "me/adapter", "model"), public=True, endpoint=hub.address)
    assert not is_private(hub.made[0])
    assert hub.made[0].get("type", "model") == "model"


def test_what_the_hub_does_not_take_is_said_in_a_line(hub: Hub, folder: Path) -> None:
    hub.refuse = True
    with pytest.raises(HubError, match=r"the Hub did not take me/rows: .*403"):
        push(plan_upload(folder, "me/rows", "dataset"), endpoint=hub.address)


@pytest.mark.parametrize("name", ["rows", "me/rows/more", "me/", "../me", "me/ro ws", "https://hub/me/rows"])
def test_a_name_that_is_none_is_refused_before_anything_is_done(name: str, folder: Path) -> None:
    with pytest.raises(HubError, match="write OWNER/NAME"):
        plan_upload(folder, name, "dataset")


def test_an_empty_folder_is_no_upload(tmp_path: Path) -> None:
    with pytest.raises(HubError, match="nothing to upload"):
        plan_upload(tmp_path, "me/rows", "dataset")


def test_what_is_missing_for_a_push_is_said_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.get_token", lambda: "hf_of_the_test")
    check_ready("me/rows")
    with pytest.raises(HubError, match="write OWNER/NAME"):
        check_ready("rows")
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    with pytest.raises(HubError, match="hf auth login"):
        check_ready("me/rows")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(HubError, match="pip install huggingface_hub"):
        check_ready("me/rows")
