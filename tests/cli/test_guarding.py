"""`safecotc guard` and `safecotc merge`: what is wrong is said before anything is opened."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from safecot_dsl.models import ModelError

from .conftest import Run

URL = "http://127.0.0.1:1/v1"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--tags", "think"], "write two tags with a comma between them"),
        (["--tags", "x,y"], "is no tag"),
        (["--api-key-env", "NO_SUCH_KEY"], "`NO_SUCH_KEY`"),
    ],
)
def test_wrong_settings_end_it(
    safecotc: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, more: list[str], said: str
):
    pytest.importorskip("uvicorn", reason="the extra `guard` is not installed")
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    done = safecotc("guard", "p.safecot", "--base-url", URL, *more)
    assert done.code == 2
    assert said in done.err


def test_a_policy_with_errors_ends_it(safecotc: Run, folder: Path):
    Path("bad.safecot").write_text("policy bad { }\nrule x { when nothing verdict refuse }\n")
    assert safecotc("guard", "bad.safecot", "--base-url", URL).code == 1


def test_it_listens_until_it_is_told_to_stop(folder: Path):
    pytest.importorskip("uvicorn", reason="the extra `guard` is not installed")
    code = "from safecot_dsl.cli import main; main()"
    command = [sys.executable, "-c", code, "guard", "p.safecot", "--base-url", URL, "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    lines: list[str] = []
    for line in process.stderr:
        lines.append(line)
        if "running on" in line:
            break
    address = lines[-1].split("running on ")[1].split()[0]
    with urllib.request.urlopen(f"{address}/health", timeout=10) as answer:
        health = json.load(answer)
    assert health["policy"] == "kitchen"
    assert lines[0].startswith(f"policy kitchen 1.0.0 ({health['digest']})")
    process.send_signal(signal.SIGINT)
    assert process.wait(10) in (0, 130)


def test_merging_needs_an_adapter(safecotc: Run, folder: Path):
    with pytest.raises(ModelError, match="there is no adapter folder `nothing`"):
        safecotc("merge", "nothing", "--out", "merged")
