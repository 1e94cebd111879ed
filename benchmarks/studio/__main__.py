"""Measure how fast the studio answers a page: `python -m benchmarks.studio [--rules N ...] [--times N]`.

The times are those of a client that speaks to a `safecotc studio` process over HTTP and a WebSocket, as a browser does:
from sending a question until its whole answer is there. *After a key stroke* the policy's text is another one each
time, so that it is compiled; *another case* asks of a text that is known. The first page is the page itself, with the
session and the tree of files, to a server that has just begun to listen. Beside the time stands what it took of the
server's processor, which other work on the machine lengthens less. The last line is the result in JSON, and it is kept
as `benchmarks/results/studio.json`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx2 as httpx
import psutil
from rich.console import Console
from rich.table import Table
from websockets.sync.client import ClientConnection, connect

from benchmarks.analysis.policies import policy_source
from safecot_dsl.storage import write_whole

RESULT = Path(__file__).resolve().parents[1] / "results" / "studio.json"
COMMAND = (sys.executable, "-c", "from safecot_dsl.cli import main; main()")
TYPED = "\nrule typed { when query.harm > 0.5 and image.people and query.intent is hurt verdict refuse }\n"


@contextlib.contextmanager
def studio(folder: Path, state: Path) -> Iterator[tuple[httpx.Client, float, psutil.Process]]:
    """A studio that has just begun to listen, how long that took, in seconds, and its process."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [*COMMAND, "studio", str(folder), "--no-open", "--port", "0"],
        env=os.environ | {"XDG_STATE_HOME": str(state)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        found = re.search(r"http://\S+", process.stderr.readline())
        assert found is not None
        took = time.perf_counter() - began
        base = found[0].partition("/?")[0]
        with httpx.Client(base_url=base, headers={"origin": base}, timeout=120) as client:
            client.get(found[0])
            yield client, took, psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def case(number: int) -> dict[str, Any]:
    """A case that is another each time, where it matters: the score."""
    known = {"query.intent": "hurt", "query.harm": (number % 97) / 97, "image.people": True}
    return {"facts": {name: {"state": "known", "value": value} for name, value in known.items()}}


def measure(rules: int, times: int) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Seconds by what was measured, of a policy of so many rules, and the seconds of the server's processor for each of
    them, where the server answers by itself."""
    text = policy_source(rules)
    middle = text.index("\nrule ", len(text) // 2)
    told: dict[str, list[float]] = {}
    spent: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place).resolve() / "work"
        folder.mkdir()
        (folder / "policy.safecot").write_text(text, encoding="utf-8")
        with studio(folder, Path(place) / "state") as (client, took, server):
            told["until it listens"] = [took]

            def processor() -> float:
                used = server.cpu_times()
                return used.user + used.system

            def timed(what: str, number: int, ask: Callable[[int], httpx.Response]) -> None:
                time.sleep(1.0)  # what was begun before has ended, tidying memory too
                before = processor()
                for each in range(number):
                    start = time.perf_counter()
                    answer = ask(each)
                    told.setdefault(what, []).append(time.perf_counter() - start)
                    answer.raise_for_status()
                spent[what] = (processor() - before) / number

            start = time.perf_counter()
            for path in ("/", "/api/v1/session", "/api/v1/files", "/api/v1/file?path=policy.safecot"):
                client.get(path).raise_for_status()
            told["first page"] = [time.perf_counter() - start]

            def decide(content: str | None, number: int) -> httpx.Response:
                source = {"path": "policy.safecot", "text": content}
                return client.post("/api/v1/policy/decide", json={"source": source, "case": case(number)})

            def typed(number: int) -> httpx.Response:
                return decide(f"{text[:middle]}\n# {number} {'x' * number}{text[middle:]}", number)

            timed("the first decision", 1, lambda number: decide(None, number))
            timed("decision after a key stroke", times, typed)
            timed("decision on another case", times, lambda number: decide(None, number))
            source = {"source": {"path": "policy.safecot", "text": None}}
            for what in ("facts", "examples", "rules", "coverage"):
                timed(what, 3, lambda _, what=what: client.post(f"/api/v1/policy/{what}", json=source))
            told |= diagnostics(client, text, middle, times)
    return told, spent


def diagnostics(client: httpx.Client, text: str, middle: int, times: int) -> dict[str, list[float]]:
    """From a key stroke to its diagnostics, over the WebSocket."""
    base = str(client.base_url).rstrip("/")
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    root = client.get("/api/v1/session").json()["root_uri"]
    uri = f"{root}/policy.safecot"
    took: dict[str, list[float]] = {}
    address = f"ws{base.removeprefix('http')}/api/v1/language"
    headers = {"cookie": cookie}
    with connect(address, origin=base, additional_headers=headers, max_size=None) as socket:  # pyright: ignore[reportArgumentType]
        start = time.perf_counter()
        _send(socket, "initialize", {"processId": None, "rootUri": root, "capabilities": {}}, 1)
        _told(socket, lambda message: message.get("id") == 1)
        took["language server ready"] = [time.perf_counter() - start]
        _send(socket, "initialized", {})
        for number in range(1, times + 2):
            content = text[:middle] + TYPED[: number % len(TYPED)] + text[middle:]
            start = time.perf_counter()
            if number == 1:
                document = {"uri": uri, "languageId": "safecot", "version": number, "text": content}
                _send(socket, "textDocument/didOpen", {"textDocument": document})
            else:
                changed = {"textDocument": {"uri": uri, "version": number}, "contentChanges": [{"text": content}]}
                _send(socket, "textDocument/didChange", changed)
            _told(
                socket,
                lambda message, number=number: (
                    message.get("method") == "textDocument/publishDiagnostics"
                    and message["params"]["version"] == number
                ),
            )
            what = "diagnostics of a file that is opened" if number == 1 else "diagnostics after a key stroke"
            took.setdefault(what, []).append(time.perf_counter() - start)
    return took


def _send(socket: ClientConnection, method: str, params: Any, number: int | None = None) -> None:
    message = {"jsonrpc": "2.0", "method": method, "params": params} | ({} if number is None else {"id": number})
    socket.send(json.dumps(message))


def _told(socket: ClientConnection, wanted: Callable[[Any], bool]) -> None:
    while not wanted(json.loads(socket.recv(timeout=120))):
        pass


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.studio", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rules", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--times", type=int, default=20)
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 120)
    detail: dict[str, dict[str, dict[str, float]]] = {}
    for rules in options.rules:
        table = Table(title=f"A policy of {rules} rules: milliseconds at the client")
        for heading in ("what", "times", "median", "95 %", "most", "processor"):
            table.add_column(heading, justify="left" if heading == "what" else "right")
        told, spent = measure(rules, options.times)
        for name, seconds in told.items():
            ordered = sorted(1000 * value for value in seconds)
            high = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
            row = {"median": statistics.median(ordered), "p95": high, "most": ordered[-1]}
            shown = [f"{value:.0f}" for value in row.values()] + [f"{1000 * spent[name]:.0f}" if name in spent else ""]
            row |= {"processor": 1000 * spent[name]} if name in spent else {}
            detail.setdefault(str(rules), {})[name] = {key: round(value, 1) for key, value in row.items()}
            table.add_row(name, str(len(ordered)), *shown)
        console.print(table)
    hundred = detail.get("100", next(iter(detail.values())))
    result = {
        "benchmark": "studio",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "versions": {name: version(name) for name in ("safecot-dsl", "starlette", "uvicorn", "websockets", "lark")}
        | {"python": platform.python_version()},
        "ours": hundred["decision after a key stroke"]["median"],
        "peers": {},
        "unit": "ms from a key stroke to verdict and text, 100 rules, median",
        "ratio_to_best_peer": None,
        "detail": {**detail, "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None},
    }
    RESULT.parent.mkdir(exist_ok=True)
    line = json.dumps(result)
    write_whole(RESULT, line + "\n")
    print(line)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
