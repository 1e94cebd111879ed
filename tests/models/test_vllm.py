"""A server that speaks vLLM's protocol is started, asked and stopped: its command, its key, what is said of faults."""

from __future__ import annotations

import json
import os
import stat
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from safecot_dsl.errors import MissingExtraError
from safecot_dsl.models import Endpoint, EndpointSettings, ModelError, Question
from safecot_dsl.models.vllm import KEY, command, serve

#: What `vllm serve` answers, by its documentation, with the words that it was started by.
SERVER = """
import argparse, json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
assert sys.argv[1] == "serve"
words = argparse.ArgumentParser()
words.add_argument("model"); words.add_argument("--host"); words.add_argument("--port", type=int)
words.add_argument("--served-model-name"); words.add_argument("--enable-lora", action="store_true")
words.add_argument("--max-lora-rank", type=int, default=16); words.add_argument("--lora-modules", nargs="*", default=[])
words.add_argument("--max-model-len", type=int)
asked = words.parse_args(sys.argv[2:])
print("loading", asked.model, flush=True)
if asked.model == "broken":
    sys.exit("ValueError: no such model")
names = [asked.served_model_name, *(each.partition("=")[0] for each in asked.lora_modules)]
class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        self.give(200, {"version": "0.33.0"} if self.path == "/version" else {})
    def do_POST(self):
        if self.headers["Authorization"] != "Bearer " + os.environ["VLLM_API_KEY"]:
            return self.give(401, {"error": "Unauthorized"})
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if body["model"] not in names:
            return self.give(404, {"object": "error", "message": "no such model"})
        text = f"{body['model']} of {asked.model}, {asked.max_lora_rank}, {asked.max_model_len}, {body.get('seed')}"
        self.give(200, {"id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": body["model"],
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}})
    def give(self, code, value):
        body = json.dumps(value).encode()
        self.send_response(code); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass
ThreadingHTTPServer((asked.host, asked.port), Answers).serve_forever()
"""


@pytest.fixture
def vllm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command, first on the path."""
    program = tmp_path / "bin" / "vllm"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\n{SERVER}", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return program


def _adapter(folder: Path, rank: int) -> Path:
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({"r": rank}))
    return folder


def test_a_model_and_its_adapter_are_served_asked_and_stopped(vllm: Path, tmp_path: Path) -> None:
    adapter = _adapter(tmp_path / "tuned", 24)
    with serve("some/model", adapter, tmp_path / "vllm.log", more="--max-model-len 4096") as served:
        assert (served.name, served.version) == ("adapter", "0.33.0")
        settings = EndpointSettings(base_url=served.base_url, model=served.name, api_key_env=KEY, retries=0)
        (reply,) = Endpoint(settings).ask([Question("Hello?", seed=5)])
        assert getattr(reply, "text", reply) == "adapter of some/model, 32, 4096, 5"
        keyless = urllib.request.Request(f"{served.base_url}/chat/completions", data=b"{}")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(keyless, timeout=5)
    assert KEY not in os.environ
    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.urlopen(f"{served.base_url}/models", timeout=5)
    assert (tmp_path / "vllm.log").read_text() == "loading some/model\n"


def test_a_server_that_ends_at_once_is_quoted(vllm: Path, tmp_path: Path) -> None:
    said = r"exit code 1 before it answered; (?s:.*)ValueError: no such model"
    with pytest.raises(ModelError, match=said), serve("broken", None, tmp_path / "vllm.log"):
        pass


def test_a_server_is_stopped_where_what_asks_it_fails(vllm: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), serve("m", None, tmp_path / "vllm.log") as served:
        raise KeyboardInterrupt
    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.urlopen(f"{served.base_url}/models", timeout=5)


def test_an_adapter_says_its_rank(tmp_path: Path) -> None:
    made = command("vllm", "m", _adapter(tmp_path / "a", 8), 1, ["--dtype", "half"])
    assert made[made.index("--max-lora-rank") + 1] == "8"
    assert made[-4:] == ["--lora-modules", f"adapter={(tmp_path / 'a').resolve()}", "--dtype", "half"]
    assert "--enable-lora" not in command("vllm", "m", None, 1)
    with pytest.raises(ModelError, match="rank 1024, and vLLM takes up to 512"):
        command("vllm", "m", _adapter(tmp_path / "b", 1024), 1)
    with pytest.raises(ModelError, match="no configuration of an adapter"):
        command("vllm", "m", tmp_path, 1)


def test_without_vllm_the_line_that_installs_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(MissingExtraError, match=r"safecot-dsl\[vllm\]"), serve("m", None, tmp_path / "vllm.log"):
        pass
