"""`safecotc eval ask`: a local model and a served one, and what is said of failures."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from safecot_dsl.cli.main import app
from safecot_dsl.datafiles import policies_root, recipes_root
from safecot_dsl.evaluation import EvalItem, ItemKind, write_items
from safecot_dsl.evaluation.asking.folder import read_asked
from safecot_dsl.models import load_model
from tests.models.test_endpoint import Server, says
from tests.models.test_vllm import SERVER

pytest.importorskip("openai", reason="the extra `endpoint` is not installed")

BASE = recipes_root() / "miniature-base"


def _items(path: Path, *more: EvalItem) -> Path:
    asked = [
        EvalItem(id=f"q{n}", split="hand", kind=ItemKind.UTILITY, prompt=prompt)
        for n, prompt in enumerate(("What is it ?", "How do I mix these ?", "Which colour is this ?"))
    ]
    write_items(path, [*asked, *more])
    return path


def _run(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["eval", "ask", *map(str, words)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def test_a_local_models_answers_are_those_of_the_model(tmp_path: Path) -> None:
    """With one bad image among the items: it is counted as a failure, and the command ends with 1."""
    bad = EvalItem(id="bad", split="hand", kind=ItemKind.UTILITY, prompt="What is it ?", images=(b"none",))
    items = _items(tmp_path / "items.parquet", bad)
    out = tmp_path / "out"
    words = (items, "--model", "miniature-base", "--out", out, "--max-new-tokens", "12", "--label", "mine")
    code, text = _run(*words)
    assert code == 1
    assert "mine: 3 of 4 items answered" in text
    assert "1 failed: image" in text
    asked = read_asked(out)
    assert asked.failed["bad"].detail.startswith("not an image")
    requests = [item.request for item in asked.items if item.id != "bad"]
    expected = load_model(str(BASE)).generate(requests, max_new_tokens=12, batch_size=1)
    assert list(asked.answers.values()) == expected
    made = asked.provenance
    assert (made.kind, made.name, made.settings["batch_size"], made.settings["device"]) == ("local", "mine", 256, "cpu")
    assert made.model == "miniature-base"
    assert made.model_digest.startswith("sha256:")


def test_a_served_model_is_asked_under_a_policy_and_its_failures_are_kept(tmp_path: Path, server: Server) -> None:
    """Two answers and one error of the server; the same command then asks for that one alone."""

    def behaviour(body: dict[str, Any]) -> tuple[int, dict[str, str], object]:
        return (
            (400, {}, {"error": {"message": "no"}})
            if "mix" in json.dumps(body["messages"][-1])
            else (200, {}, says("yes"))
        )

    server.behaviour = behaviour
    policy = policies_root() / "miniature.safecot"
    out = tmp_path / "out"
    words = (_items(tmp_path / "items.parquet"), "--endpoint", server.url, "--name", "small", "--out", out)
    code, text = _run(*words, "--policy-prompt", policy, "--retries", "0")
    assert code == 1
    assert "out: 2 of 3 items answered" in text
    assert "1 failed: http 400" in text
    assert all(body["messages"][0]["role"] == "system" for body in server.bodies)
    assert read_asked(out).provenance.policy_prompt is not None
    server.bodies.clear()
    server.behaviour = lambda body: (200, {}, says("yes"))
    code, text = _run(*words, "--policy-prompt", policy)
    assert code == 0
    assert len(server.bodies) == 1
    assert set(read_asked(out).answers.values()) == {"yes"}


def test_a_password_in_an_endpoints_address_is_written_nowhere(tmp_path: Path, server: Server) -> None:
    """It is used, and neither the folder of answers nor what is printed has it; also where the server says it again."""
    address = server.url.replace("http://", "http://ann:s3cret@")
    server.behaviour = lambda body: (400, {}, {"error": {"message": f"no such model at {address}"}})
    items, out = _items(tmp_path / "items.parquet"), tmp_path / "out"
    words = (items, "--endpoint", address, "--name", "small", "--out", out, "--retries", "0")
    code, text = _run(*words)
    assert (code, len(server.bodies)) == (1, 3)
    server.behaviour = lambda body: (200, {}, says("yes"))
    code, more = _run(*words)
    assert code == 0
    assert "s3cret" not in text + more
    kept = [path for path in out.rglob("*") if path.is_file()]
    assert kept
    assert not [path.name for path in kept if b"s3cret" in path.read_bytes()]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "give `--model FOLDER`"),
        (("--model", "m", "--endpoint", "u"), "give `--model FOLDER`"),
        (("--endpoint", "u"), "`--endpoint` needs `--name`"),
        (("--endpoint", "u", "--name", "n", "--adapter", "a"), "`--adapter` goes over a `--model`"),
    ],
)
def test_wrong_usage_says_what_to_give(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    code, text = _run(tmp_path / "items.parquet", "--out", tmp_path / "out", *words)
    assert code == 2
    assert message in text


def test_vllm_is_started_for_the_questions_and_is_no_port_in_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same command goes on with the same answers, whatever port the next server has."""
    program = tmp_path / "bin" / "vllm"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\n{SERVER}", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    items, out = _items(tmp_path / "items.parquet"), tmp_path / "out"
    words = (
        items,
        "--engine",
        "vllm",
        "--model",
        "miniature-base",
        "--engine-args",
        "--max-model-len 64",
        "--out",
        out,
    )
    for _ in range(2):
        code, text = _run(*words)
        assert code == 0, text
        assert "3 of 3 items answered" in text
    asked = read_asked(out)
    assert set(asked.answers.values()) == {f"model of {BASE}, 16, 64, None"}
    made = asked.provenance
    assert (made.kind, made.model, made.versions["vllm"]) == ("endpoint", "miniature-base", "0.33.0")
    assert made.model_digest.startswith("sha256:")
    assert made.settings["base_url"] == "vllm serve"
    code, text = _run(items, "--engine", "vllm", "--endpoint", "http://localhost:1/v1", "--name", "m", "--out", out)
    assert code == 2
    assert "serves the `--model`" in text
