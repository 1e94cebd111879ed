"""Measure what the guard adds to a request: `python -m benchmarks.guard.serving [--requests N] [--clients 1,10]`.

Three processes: a model's server that answers at once, with one text of a shipped policy; the guard before it; and this
one, which asks on connections that it keeps, from so many clients at once. For each number of clients, asked whole and
as a stream (an event for each word): requests a second, the median and the 99th percentile of the time to the whole
answer, the same without the guard, and the processor time of the guard's process a request. Beside them the processor
time that the guard's client of the model's server takes a request, and what OpenAI's takes. Below the table stand its
rows as docs/how-to/guard.md has them. The last line is the result in JSON, and it is kept as
`benchmarks/results/guard_serving.json`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import platform
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from safecot_dsl.artifact import Case
from safecot_dsl.datafiles import policies_root
from safecot_dsl.engine import Interpreter
from safecot_dsl.guard.server import GuardServer
from safecot_dsl.guard.serving import server
from safecot_dsl.guard.settings import GuardSettings
from safecot_dsl.guard.upstream import Upstream
from safecot_dsl.render import ReasoningStyle, render, write_target
from safecot_dsl.storage import write_whole
from safecot_dsl.workspace import compile_policy

RESULT = Path(__file__).resolve().parents[1] / "results" / "guard_serving.json"
#: Milliseconds of processor time that the guard may take for a request.
GOAL = 2.0
POLICY = "household_chemicals"
CASE = {
    "image.objects": frozenset({"ammonia", "bleach"}),
    "image.setting": "kitchen",
    "query.intent": "mix",
    "query.harm": 0.0,
}
ASKED = [{"role": "user", "content": "How do I mix these two?"}]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.guard.serving", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--requests", type=int, default=2_000, help="requests of each measurement (default 2,000)")
    parser.add_argument("--clients", default="1,10,50,200", help="clients at once, with commas (default 1,10,50,200)")
    options = parser.parse_args(arguments)
    clients = [int(count) for count in options.clients.split(",")]
    spawn = multiprocessing.get_context("spawn")
    detail: list[dict[str, Any]] = []
    with TemporaryDirectory() as folder:
        model, models_end = _started(spawn, _model)
        models_port = models_end.recv()
        asking = asyncio.run(_clients(models_port, options.requests))
        guard, guards_end = _started(spawn, _guard, models_port, str(Path(folder) / "log.jsonl"))
        guards_port = guards_end.recv()
        asyncio.run(_load(guards_port, 1, 50, stream=False))  # what is prepared once
        for stream in (False, True):
            for count in clients:
                direct = asyncio.run(_load(models_port, count, options.requests, stream=stream))
                began = _seconds(guards_end)
                guarded = asyncio.run(_load(guards_port, count, options.requests, stream=stream))
                spent = _seconds(guards_end) - began
                cpu = 1e3 * spent / options.requests
                detail.append(
                    {"stream": stream, "clients": count, "cpu_ms": round(cpu, 2), "guard": guarded, "direct": direct}
                )
        for process in (guard, model):
            process.kill()
    show(Console(), detail)
    result = {
        "benchmark": "guard_serving",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} x {platform.machine()}, {platform.system()}",
        "load": [round(each, 1) for each in os.getloadavg()],
        "versions": {name: version(name) for name in ("safecot-dsl", "uvicorn", "h11")},
        "ours": max(found["cpu_ms"] for found in detail),
        "peers": {},
        "asking_the_model": asking,
        "unit": "milliseconds of processor time a request, at the number of clients where it is most",
        "ratio_to_best_peer": None,
        "goal": GOAL,
        "detail": detail,
    }
    write_whole(RESULT, json.dumps(result, indent=1) + "\n")
    print(json.dumps({key: value for key, value in result.items() if key != "detail"}))  # noqa: T201
    return 0


async def _clients(port: int, requests: int) -> dict[str, float]:
    """Milliseconds of this process's time for a request to the model's server, one after the other."""
    from openai import AsyncOpenAI

    address = f"http://127.0.0.1:{port}/v1"
    ours, theirs = Upstream(address), AsyncOpenAI(base_url=address, api_key="none")
    body: dict[str, Any] = {"model": POLICY, "messages": ASKED}

    async def by_ours() -> None:
        async with ours.ask(body) as reply:
            await reply.whole()

    async def by_theirs() -> None:
        await theirs.chat.completions.create(**body)

    found: dict[str, float] = {}
    for name, ask in (("guard", by_ours), ("openai", by_theirs)):
        for _ in range(20):
            await ask()
        began = time.process_time()
        for _ in range(requests):
            await ask()
        found[name] = round(1e3 * (time.process_time() - began) / requests, 3)
    await ours.close()
    await theirs.close()
    return found


def _started(spawn: Any, target: Any, *arguments: Any) -> tuple[Any, Connection]:
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=target, args=(theirs, *arguments), daemon=True)
    process.start()
    return process, ours


def _seconds(guard: Connection) -> float:
    """The processor time of the guard's process so far."""
    guard.send("time")
    return guard.recv()


def _guard(end: Connection, port: int, log: str) -> None:
    settings = GuardSettings(base_url=f"http://127.0.0.1:{port}/v1", model="small", max_requests=1_000)
    made = GuardServer(compile_policy(policies_root() / f"{POLICY}.safecot"), settings, Path(log))
    running = server(made, "127.0.0.1", 0, log_level="error")

    def answer() -> None:
        while not running.started:
            time.sleep(0.01)
        end.send(running.servers[0].sockets[0].getsockname()[1])
        while end.recv():
            end.send(time.process_time())

    threading.Thread(target=answer, daemon=True).start()
    running.run()


def _model(end: Connection) -> None:
    """A server that answers at once: the policy's own text on a case, whole or as a stream with an event a word."""
    policy = compile_policy(policies_root() / f"{POLICY}.safecot")
    rendered = render(Interpreter(policy), Case(CASE, frozenset()), style=ReasoningStyle.STEPWISE, seed="1")
    text = write_target(rendered)
    usage = {"prompt_tokens": 500, "completion_tokens": 100, "total_tokens": 600}
    common = {"id": "1", "created": 0, "model": "small"}
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    whole = json.dumps({**common, "object": "chat.completion", "choices": [choice], "usage": usage}).encode()
    events: list[dict[str, Any]] = [
        {"index": 0, "delta": {"content": word}, "finish_reason": None}
        for word in text.replace(" ", " \x00").split("\x00")
    ]
    events.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    chunks = [{**common, "object": "chat.completion.chunk", "choices": [event]} for event in events]
    stream = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks).encode() + b"data: [DONE]\n\n"
    head = "HTTP/1.1 200 OK\r\ncontent-type: {}\r\ncontent-length: {}\r\n\r\n"
    answers = {
        False: head.format("application/json", len(whole)).encode() + whole,
        True: head.format("text/event-stream", len(stream)).encode() + stream,
    }

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                body = await reader.readexactly(length)
                writer.write(answers[b'"stream": true' in body])
        except asyncio.IncompleteReadError:
            writer.close()

    async def serve() -> None:
        listening = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
        end.send(listening.sockets[0].getsockname()[1])
        await listening.serve_forever()

    asyncio.run(serve())


async def _load(port: int, clients: int, requests: int, *, stream: bool) -> dict[str, float]:
    """Requests a second, and times to the whole answer in milliseconds, from clients that each ask one at a time."""
    body = json.dumps({"model": "small", "messages": ASKED, "stream": stream}).encode()
    asked = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    taken: list[float] = []

    async def client(count: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(count):
            began = time.perf_counter()
            writer.write(asked)
            await _answer(reader)
            taken.append(1e3 * (time.perf_counter() - began))
        writer.close()

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(clients):
            group.create_task(client(requests // clients + (number < requests % clients)))
    seconds = time.perf_counter() - began
    taken.sort()
    return {
        "per_second": round(requests / seconds, 1),
        "p50_ms": round(median(taken), 2),
        "p99_ms": round(taken[min(len(taken) - 1, int(0.99 * len(taken)))], 2),
    }


async def _answer(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise RuntimeError(head.decode())
    if b"content-length:" in head:
        await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
    else:
        await reader.readuntil(b"\r\n0\r\n\r\n")


def show(console: Console, detail: list[dict[str, Any]]) -> None:
    table = Table(title=f"requests through the guard (goal: {GOAL:g} ms of processor time each, 300 a second)")
    for heading in ("asked", "clients", "processor, ms", "a second", "p50, ms", "p99, ms", "direct p50", "direct p99"):
        table.add_column(heading, justify="right")
    for found in detail:
        guard, direct = found["guard"], found["direct"]
        cells = [
            found["cpu_ms"],
            guard["per_second"],
            guard["p50_ms"],
            guard["p99_ms"],
            direct["p50_ms"],
            direct["p99_ms"],
        ]
        table.add_row("stream" if found["stream"] else "whole", str(found["clients"]), *map(str, cells))
    console.print(table)
    for line in page_rows(detail):
        print(line)  # noqa: T201


def page_rows(detail: list[dict[str, Any]]) -> list[str]:
    """The rows of the table in docs/how-to/guard.md."""
    return [
        f"| {'a stream' if found['stream'] else 'whole'} | {found['clients']} | {found['cpu_ms']:.2f} | "
        f"{1e3 / found['cpu_ms']:.0f} | {found['guard']['per_second']:.0f} | {_times(found['guard'])} | "
        f"{_times(found['direct'])} |"
        for found in detail
    ]


def _times(measured: dict[str, float]) -> str:
    return " / ".join(
        f"{value:.1f}" if value < 10 else f"{value:.0f}" for value in (measured["p50_ms"], measured["p99_ms"])
    )


if __name__ == "__main__":
    sys.exit(main())
