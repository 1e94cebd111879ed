"""`safecotc serve guard` and `safecotc serve merge`: what is wrong is said before anything is opened."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from safecot_dsl.models import ModelError
from tests.commands import COMMAND

from .conftest import Run

URL = "http://127.0.0.1:1/v1"
SERVED = ["--base-url", URL, "--model", "tuned"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--tags", "think"], "write two tags with a comma between them"),
        (["--tags", "x,y"], "is no tag"),
        (["--api-key-env", "NO_SUCH_KEY"], "`NO_SUCH_KEY`"),
        (["--client-keys-env", "NO_SUCH_KEY"], "`NO_SUCH_KEY`"),
        (["--client-keys", "missing.txt"], "missing.txt: the keys cannot be read"),
        (["--client-keys", "empty.txt"], "empty.txt: there is no client key in it"),
        (["--client-keys", "short.txt"], "a client key has 16 characters or more"),
        (["--base-url", "http://me:secret@127.0.0.1:1/v1"], "has a password in it"),
        (["--base-url", "localhost:8000"], "is named as http://HOST:PORT/v1"),
        (["--image-host", "https://images.example.org/"], "is no host"),
        (["--send", "temperature"], "is not NAME=JSON"),
        (["--send", "messages=[]"], "`messages` is the guard's to send"),
        (["--check-facts", "demo"], "has no `data.annotators`"),
    ],
)
def test_wrong_settings_end_it(
    safecotc: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, more: list[str], said: str
):
    pytest.importorskip("uvicorn", reason="the extra `guard` is not installed")
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    Path("empty.txt").write_text("# keys\n\n")
    Path("short.txt").write_text("abc\n")
    done = safecotc("serve", "guard", "p.safecot", *SERVED, *more)
    assert done.code == 2
    assert said in " ".join(done.err.split())
    assert "secret" not in done.err


def test_a_policy_with_errors_ends_it(safecotc: Run, folder: Path):
    Path("bad.safecot").write_text("policy bad { }\nrule x { when nothing verdict refuse }\n")
    assert safecotc("serve", "guard", "bad.safecot", *SERVED).code == 1


def test_a_key_is_never_an_argument(safecotc: Run):
    """What stands on a command line is seen by all of a machine: no option takes a key."""
    words = " ".join(safecotc("serve", "guard", "--help").out.split())
    assert "--client-keys" in words
    assert "--client-keys-env" in words
    assert "--client-key " not in words
    assert "--api-key " not in words
    assert "0.0.0.0 is every network" in words


def started(*more: str) -> tuple[subprocess.Popen[str], str, list[str]]:
    """A guard that listens, its address, and what it said."""
    command = [*COMMAND, "serve", "guard", "p.safecot", *SERVED, "--port", "0", *more]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    lines: list[str] = []
    for line in process.stderr:
        lines.append(line)
        if "running on" in line:
            break
    return process, lines[-1].split("running on ")[1].split()[0], lines


@pytest.mark.parametrize("stream", [False, True])
def test_it_ends_within_seconds_and_records_what_was_under_way(folder: Path, stream: bool):
    """A client waits for a model that says nothing, and the server is told to stop."""
    pytest.importorskip("uvicorn", reason="the extra `guard` is not installed")
    with socket.create_server(("127.0.0.1", 0)) as model:
        url = f"http://127.0.0.1:{model.getsockname()[1]}/v1"
        process, address, _ = started("--base-url", url, "--log", "log.jsonl")
        port = int(address.rsplit(":", 1)[1])
        body = json.dumps({"messages": [{"role": "user", "content": "Hello"}], "stream": stream}).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(head.encode() + body)
            asked, _ = model.accept()
            assert asked.recv(10)
            process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            assert process.wait(20) in (0, -signal.SIGTERM, 143)
            assert time.monotonic() - began < 15  # three seconds of grace; the machine may be busy
        asked.close()
    (line,) = Path("log.jsonl").read_text().splitlines()
    assert json.loads(line)["ended"] == "stopped"


def test_listening_to_all_without_keys_is_said(folder: Path):
    pytest.importorskip("uvicorn", reason="the extra `guard` is not installed")
    process, _, lines = started("--host", "0.0.0.0")
    process.kill()
    assert any("no client keys" in line for line in lines)


def test_it_listens_until_it_is_told_to_stop(folder: Path):
    pytest.importorskip("uvicorn", reason="the extra `guard` is not installed")
    process, address, lines = started()
    with urllib.request.urlopen(f"{address}/health", timeout=10) as answer:
        health = json.load(answer)
    assert health["policy"] == "kitchen"
    assert lines[0].startswith(f"policy kitchen 1.0.0 ({health['digest']})")
    process.send_signal(signal.SIGINT)
    assert process.wait(10) in (0, 130)


def test_merging_needs_an_adapter(safecotc: Run, folder: Path):
    with pytest.raises(ModelError, match="there is no adapter folder `nothing`"):
        safecotc("serve", "merge", "nothing", "--out", "merged")
