"""The real server: its port, its editor's connection, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from safecot_dsl.studio.openapi import published
from safecot_dsl.studio.policy.language import stays_inside
from safecot_dsl.studio.serving import PortError, listen
from tests.commands import COMMAND
from tests.studio.conftest import HOUSEHOLD, ROOT, SOURCE


@contextlib.contextmanager
def running(folder: Path, state: Path, port: int = 0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A studio as a person starts it; its process and its link."""
    process = subprocess.Popen(
        [*COMMAND, "studio", str(folder), "--no-open", "--port", str(port)],
        cwd=ROOT,
        env=os.environ | {"XDG_STATE_HOME": str(state)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r"http://\S+", line)
        assert found is not None, line + process.stderr.read()
        yield process, found[0]
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


@contextlib.contextmanager
def opened(link: str) -> Iterator[httpx.Client]:
    base = link.partition("/?")[0]
    with httpx.Client(base_url=base, headers={"origin": base}, timeout=60) as client:
        assert client.get(link).status_code == 303
        yield client


class Editor:
    """An editor on the other end of the WebSocket."""

    def __init__(self, client: httpx.Client) -> None:
        base = str(client.base_url).rstrip("/")
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        address = f"ws{base.removeprefix('http')}/api/v1/language"
        self._connecting = connect(address, origin=base, additional_headers={"cookie": cookie})  # pyright: ignore[reportArgumentType]

    def __enter__(self) -> Editor:
        self.socket = self._connecting.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._connecting.__exit__(*error)

    def send(self, method: str, params: Any, number: int | None = None) -> None:
        message = {"jsonrpc": "2.0", "method": method, "params": params} | ({} if number is None else {"id": number})
        self.socket.send(json.dumps(message))

    def told(self, wanted: Any) -> Any:
        while True:
            message = json.loads(self.socket.recv(timeout=90))
            if wanted(message):
                return message


def test_a_policy_is_edited_and_the_server_killed(folder: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with running(folder, state) as (process, link), opened(link) as client, Editor(client) as editor:
        root = client.get("/api/v1/session").json()["root_uri"]
        uri = f"{root}/{SOURCE['path']}"
        editor.send("initialize", {"processId": None, "rootUri": root, "capabilities": {}}, 1)
        assert editor.told(lambda m: m.get("id") == 1)["result"]["capabilities"]["hoverProvider"]
        editor.send("initialized", {})
        text = HOUSEHOLD.replace("toxic_pair and", "toxic_piar and", 1)
        document = {"uri": uri, "languageId": "safecot", "version": 1, "text": text}
        editor.send("textDocument/didOpen", {"textDocument": document})
        shown = editor.told(lambda m: m.get("method") == "textDocument/publishDiagnostics")["params"]
        (fault,) = [each for each in shown["diagnostics"] if each["range"]["start"]["line"] < 200]
        asked = {"textDocument": {"uri": uri}, "range": fault["range"], "context": {"diagnostics": [fault]}}
        editor.send("textDocument/codeAction", asked, 2)
        actions = editor.told(lambda m: m.get("id") == 2)["result"]
        assert actions[0]["edit"]["changes"][uri][0]["newText"] == "toxic_pair"

        digest = client.get("/api/v1/file", params={"path": SOURCE["path"]}).json()["digest"]
        saved = client.put("/api/v1/file", json={"path": SOURCE["path"], "text": text, "digest": digest}).json()
        port = int(link.partition("127.0.0.1:")[2].partition("/")[0])
        process.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
        process.wait(timeout=30)
        assert (folder / SOURCE["path"]).read_text(encoding="utf-8") == text
        assert not list(folder.rglob(".*partial*"))
        # The page that is open goes on, without a new link.
        with running(folder, state, port):
            told = client.get("/api/v1/file", params={"path": SOURCE["path"]}).json()
            assert (told["digest"], told["text"]) == (saved["digest"], text)


def test_an_editor_opens_nothing_outside_and_ends_with_its_tab(folder: Path, tmp_path: Path) -> None:
    with running(folder, tmp_path / "state") as (process, link), opened(link) as client:
        with Editor(client) as editor:
            editor.send("initialize", {"processId": None, "rootUri": "file:///", "capabilities": {}}, 1)
            with pytest.raises(ConnectionClosed, match="1011"):
                editor.told(lambda m: m.get("id") == 1)
        client.cookies.clear()
        with pytest.raises(InvalidStatus), Editor(client):
            pass
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) in (0, 130, -signal.SIGINT)


@pytest.mark.parametrize(
    ("params", "inside"),
    [
        ({"rootUri": "file:///folder"}, True),
        ({"rootUri": None}, True),
        ({"textDocument": {"uri": "file:///folder/a%20b.safecot", "text": "file:///etc"}}, True),
        ({"textDocument": {"uri": "file:///folder/../etc/passwd"}}, False),
        ({"textDocument": {"uri": "file:///etc/passwd"}}, False),
        ({"workspaceFolders": [{"uri": "file:///", "name": "x"}]}, False),
        ({"rootPath": "/etc"}, False),
        ({"rootPath": "/folder/x"}, True),
        ({"changes": [{"uri": "file://host/share"}]}, False),
    ],
)
def test_messages_stay_in_the_folder(params: Any, inside: bool) -> None:
    assert stays_inside(json.dumps({"jsonrpc": "2.0", "params": params}), Path("/folder")) is inside


@pytest.mark.parametrize("message", ["", "{", "[" * 100_000, '{"a": 1, "a": 2}'])
def test_what_is_no_message_is_none(message: str) -> None:
    assert stays_inside(message, Path("/folder")) is False


def test_a_port_that_is_in_use_is_said(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortError, match=f"port {port} is in use"):
            listen(port)
        run = subprocess.run(
            [*COMMAND, "studio", str(folder), "--no-open", "--port", str(port)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=90,
        )
        assert run.returncode != 0
        assert f"port {port} is in use" in run.stderr
        assert "Traceback" not in run.stderr
    listen(port).close()


def test_the_published_questions_are_those_that_are_answered() -> None:
    """`python -m safecot_dsl.studio.openapi > docs/schema/studio.openapi.json`"""
    page = (ROOT / "docs" / "schema" / "studio.openapi.json").read_text(encoding="utf-8")
    assert page == published()
    told = json.loads(page)
    references = set(re.findall('"#/components/schemas/([^"]+)"', page))
    assert references <= set(told["components"]["schemas"])
    for path, operations in told["paths"].items():
        for operation in operations.values():
            assert operation["summary"], path


def test_what_is_sent_does_not_wait_for_what_was_sent_before() -> None:
    """The second part of an answer would wait until the first is acknowledged: 40 ms of each answer."""

    async def nodelay() -> int:
        told: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def met(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            told.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listening = listen(0)
        async with await asyncio.start_server(met, sock=listening):
            _, writer = await asyncio.open_connection(*listening.getsockname())
            found = await told
            writer.close()
        return found

    assert asyncio.run(nodelay())
