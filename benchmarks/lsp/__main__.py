"""Measure how fast the language server answers an editor: `python -m benchmarks.lsp [--rules N] [--keystrokes N]`.

The times are those of a client that speaks to a `safecotc serve editor` process over a pipe: from sending a change
until its diagnostics are there, and from sending a request that follows a change at once until its answer is there. The
server waits for a pause between keystrokes before it checks; that pause is part of the time. The last line is the
result in JSON, and it is kept as `benchmarks/results/lsp.json`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from lsprotocol import types
from pygls.lsp.client import LanguageClient
from rich.console import Console
from rich.table import Table

from benchmarks.analysis.policies import policy_source
from safecot_dsl.storage import write_whole

RESULT = Path(__file__).resolve().parents[1] / "results" / "lsp.json"
COMMAND = (sys.executable, "-c", "from safecot_dsl.cli import main; main()", "lsp")
TYPED = "\nrule typed { when query.harm > 0.5 and image.people and query.intent is hurt verdict refuse }\n"


class Client(LanguageClient):
    """Notes when which version's diagnostics came first, and when its findings did."""

    def __init__(self) -> None:
        super().__init__("benchmark", "1")
        self.came: dict[int, list[float]] = {}
        self._news = asyncio.Condition()

        @self.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        async def publish(params: types.PublishDiagnosticsParams) -> None:
            async with self._news:
                self.came.setdefault(params.version or 0, []).append(time.perf_counter())
                self._news.notify_all()

    async def told(self, number: int, count: int = 1) -> float:
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: len(self.came.get(number, [])) >= count), 120)
        return self.came[number][count - 1]


async def measure(folder: Path, text: str, keystrokes: int) -> dict[str, list[float]]:
    """Seconds by what was measured."""
    client = Client()
    await client.start_io(*COMMAND)
    await client.initialize_async(types.InitializeParams(types.ClientCapabilities(), root_uri=folder.as_uri()))
    uri = (folder / "policy.safecot").as_uri()
    document = types.TextDocumentIdentifier(uri)
    times: dict[str, list[float]] = {}
    start = time.perf_counter()
    client.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "safecot", 1, text)))
    times["first diagnostics of a file"] = [await client.told(1) - start]
    last = await _typed(client, uri, text, keystrokes, times)
    at = types.Position(text.count("\n") // 2, 12)
    requests: dict[str, Callable[[], Awaitable[object]]] = {
        "hover": lambda: client.text_document_hover_async(types.HoverParams(document, at)),
        "outline": lambda: client.text_document_document_symbol_async(types.DocumentSymbolParams(document)),
        "semantic tokens": lambda: client.text_document_semantic_tokens_full_async(
            types.SemanticTokensParams(document)
        ),
        "references": lambda: client.text_document_references_async(
            types.ReferenceParams(types.ReferenceContext(True), document, at)
        ),
    }
    for name, request in requests.items():
        for _ in range(5):
            start = time.perf_counter()
            await request()
            times.setdefault(name, []).append(time.perf_counter() - start)
    sent = _change(client, uri, last + 1, text + TYPED)
    times["findings of the analysis"] = [await client.told(last + 1, count=2) - sent]
    await client.shutdown_async(None)
    client.exit(None)
    await client.stop()
    return times


def _change(client: Client, uri: str, number: int, text: str) -> float:
    now = time.perf_counter()
    client.text_document_did_change(
        types.DidChangeTextDocumentParams(
            types.VersionedTextDocumentIdentifier(number, uri), [types.TextDocumentContentChangeWholeDocument(text)]
        )
    )
    return now


async def _typed(client: Client, uri: str, text: str, keystrokes: int, times: dict[str, list[float]]) -> int:
    """A rule is typed in the middle of the file, character by character; the number of the last version."""
    middle = text.index("\nrule ", len(text) // 2)
    line = text.count("\n", 0, middle) + 1
    number = 1
    for length in range(1, min(keystrokes, len(TYPED) - 1) + 1):
        number += 1
        sent = _change(client, uri, number, text[:middle] + TYPED[:length] + text[middle:])
        at = types.Position(line, max(0, length - 1))
        start = time.perf_counter()
        await client.text_document_completion_async(types.CompletionParams(types.TextDocumentIdentifier(uri), at))
        times.setdefault("completion after a keystroke", []).append(time.perf_counter() - start)
        times.setdefault("diagnostics after a keystroke", []).append(await client.told(number) - sent)
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lsp", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rules", type=int, default=100)
    parser.add_argument("--keystrokes", type=int, default=60)
    options = parser.parse_args(arguments)
    text = policy_source(options.rules)
    with tempfile.TemporaryDirectory() as folder:
        times = asyncio.run(measure(Path(folder).resolve(), text, options.keystrokes))

    console = Console(width=None if sys.stdout.isatty() else 120)
    table = Table(title=f"A policy of {options.rules} rules, {len(text):,} characters: milliseconds at the client")
    for heading in ("what", "times", "median", "95 %", "most"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    detail: dict[str, dict[str, float]] = {}
    for name, seconds in times.items():
        ordered = sorted(1000 * value for value in seconds)
        high = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
        detail[name] = {"median": statistics.median(ordered), "p95": high, "most": ordered[-1]}
        table.add_row(name, str(len(ordered)), *(f"{value:.0f}" for value in detail[name].values()))
    console.print(table)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    result = {
        "benchmark": "lsp",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "versions": {name: version(name) for name in ("safecot-dsl", "pygls", "lark")}
        | {"python": platform.python_version()},
        "ours": round(detail["diagnostics after a keystroke"]["median"], 1),
        "peers": {},
        "unit": f"ms from a keystroke to its diagnostics, {options.rules} rules, median",
        "ratio_to_best_peer": None,
        "detail": {name: {key: round(value, 1) for key, value in row.items()} for name, row in detail.items()}
        | {"load": load},
    }
    RESULT.parent.mkdir(exist_ok=True)
    line = json.dumps(result)
    write_whole(RESULT, line + "\n")
    print(line)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
