"""vLLM as a process of its own: it serves a model by the OpenAI protocol on this machine while answers are written."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from safecot_dsl.errors import MissingExtraError
from safecot_dsl.extras import install_line
from safecot_dsl.models.folder import ModelError

#: The name of the model, and of the adapter over it, at the server.
MODEL, ADAPTER = "model", "adapter"
#: Where the server's key stands: drawn for each server, and read by nobody but its own endpoint.
KEY = "SAFECOT_VLLM_KEY"
#: The ranks that vLLM makes room for.
_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
#: Seconds between two looks, for the server to end by itself, and for loading a model unless told otherwise.
_LOOK, _END, PATIENCE = 0.5, 20.0, 1800.0
_SHOWN = 12  # lines of the log in a message


@dataclass(frozen=True)
class Served:
    """Where a model is asked: the server's address, the name to ask for, and the version that answers."""

    base_url: str
    name: str
    version: str


def command(program: str, model: str, adapter: Path | None, port: int, more: Sequence[str] = ()) -> list[str]:
    """The command that serves a model and the adapter over it.

    Raises :class:`ModelError` where the adapter's rank is more than vLLM makes room for.
    """
    made = [program, "serve", model, "--host", "127.0.0.1", "--port", str(port), "--served-model-name", MODEL]
    if adapter is not None:
        rank = _rank(adapter)
        room = next((each for each in _RANKS if each >= rank), None)
        if room is None:
            raise ModelError(f"{adapter}: the adapter has rank {rank}, and vLLM takes up to {_RANKS[-1]}")
        made += ["--enable-lora", "--max-lora-rank", str(room), "--lora-modules", f"{ADAPTER}={adapter.resolve()}"]
    return [*made, *more]


def program_of_vllm() -> str | None:
    """The command `vllm`, of this environment or of another that is on the path; None where there is none."""
    return shutil.which("vllm") or shutil.which("vllm", path=str(Path(sys.executable).parent))


@contextmanager
def serve(
    model: str, adapter: Path | None, log: Path, *, more: str = "", patience: float = PATIENCE
) -> Generator[Served]:
    """A server that stands while the block runs, and is stopped at its end, however it ends.

    `model` is a folder or a name of the Hub, `more` are further arguments of `vllm serve` in the words of a shell, and
    `log` takes all that the server says. Raises :class:`MissingExtraError` where there is no vLLM, and
    :class:`ModelError` where it does not stand within `patience` seconds, with the end of what it said.
    """
    program = program_of_vllm()
    if program is None:
        raise MissingExtraError(
            f"this needs the command `vllm`, which is not on the path: {install_line(['vllm'])}, or an environment of "
            "its own"
        )
    port, key = _free_port(), secrets.token_urlsafe(24)
    base = f"http://127.0.0.1:{port}"
    log.parent.mkdir(parents=True, exist_ok=True)
    # Pydantic's plugins are ours to leave out and not vLLM's; what it reports of use is nobody's to send unasked.
    kept = {name: value for name, value in os.environ.items() if name != "PYDANTIC_DISABLE_PLUGINS"}
    environment = {**kept, "VLLM_API_KEY": key, "VLLM_NO_USAGE_STATS": "1"}
    with log.open("ab") as output:
        # A group of its own: Ctrl-C is ours to act on, and its workers end with it.
        server = subprocess.Popen(
            command(program, model, adapter, port, shlex.split(more)),
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment, start_new_session=True,
        )  # fmt: skip
        before = os.environ.get(KEY)
        os.environ[KEY] = key
        try:
            _wait(server, f"{base}/health", log, patience)
            name = MODEL if adapter is None else ADAPTER
            yield Served(f"{base}/v1", name, _version(f"{base}/version", key))
        finally:
            os.environ.pop(KEY) if before is None else os.environ.update({KEY: before})
            _stop(server)


def _wait(server: subprocess.Popen[bytes], address: str, log: Path, patience: float) -> None:
    end = time.monotonic() + patience
    while True:
        code = server.poll()
        if code is not None:
            raise ModelError(f"vLLM ended with exit code {code} before it answered; {log} ends with:\n{_last(log)}")
        if _answer(address) is not None:
            return
        if time.monotonic() > end:
            raise ModelError(f"vLLM does not answer after {patience:g} s; {log} ends with:\n{_last(log)}")
        time.sleep(_LOOK)


def _stop(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(_END)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _answer(address: str, key: str = "") -> bytes | None:
    """What a server on this machine answers; None where it does not, or with a fault."""
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {key}"} if key else {})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as answer:
            return answer.read(1 << 16)
    except (OSError, urllib.error.URLError):
        return None


def _version(address: str, key: str) -> str:
    try:
        return str(json.loads(_answer(address, key) or b"{}").get("version", ""))
    except (ValueError, AttributeError):
        return ""


def _rank(adapter: Path) -> int:
    path = adapter / "adapter_config.json"
    try:
        return int(json.loads(path.read_text(encoding="utf-8"))["r"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: no configuration of an adapter with its rank `r`") from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _last(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 8192))
        lines = file.read().decode("utf-8", "replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-_SHOWN:])
