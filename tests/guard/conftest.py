"""A policy, texts under it, and servers that really listen."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from safecot_dsl.artifact import Case, CompiledPolicy
from safecot_dsl.datafiles import policies_root
from safecot_dsl.engine import Interpreter
from safecot_dsl.render import Reasoning, ReasoningStyle, Renderer, write_target
from safecot_dsl.workspace import compile_policy


@pytest.fixture(scope="session")
def policy() -> CompiledPolicy:
    return compile_policy(policies_root() / "household_chemicals.safecot")


@pytest.fixture(scope="session")
def text_of(policy: CompiledPolicy) -> Callable[..., str]:
    """The stepwise text on a case with these facts, written as a recipe's `reasoning` has it."""
    interpreter = Interpreter(policy)

    def write(known: dict[str, Any], answer: str = "It is a sponge.", **reasoning: Any) -> str:
        case = Case({k: frozenset(v) if isinstance(v, set) else v for k, v in known.items()}, frozenset())
        renderer = Renderer(interpreter, Reasoning.model_validate(reasoning))
        rendered = renderer.render(case, style=ReasoningStyle.STEPWISE, seed="1", source_answer=answer)
        return write_target(rendered)

    return write


class Model:
    """A served model that streams what it is told to, in pieces of a few characters."""

    def __init__(self) -> None:
        self.text = ""
        self.size = 7
        self.reasoning: str | None = None  # sent in a field of its own, as servers with a reasoning parser do
        self.status = 200
        self.error = "not now"
        self.break_after: int | None = None
        self.pause = 0.0  # seconds before each piece
        self.finish_reason = "stop"
        self.usage = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
        self.more: dict[str, Any] = {}  # further keys of the message
        self.choices = 1
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.left = threading.Event()  # somebody went away before the end
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._json(
                    200,
                    {"object": "list", "data": [{"id": "small", "object": "model", "created": 0, "owned_by": "us"}]},
                )

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.bodies.append(body)
                outer.headers.append({name.lower(): value for name, value in self.headers.items()})
                if outer.status != 200:
                    self._json(outer.status, {"error": {"message": outer.error}})
                elif body["stream"]:
                    try:
                        self._stream()
                    except OSError:
                        outer.left.set()
                else:
                    self._whole()

            def _whole(self) -> None:
                if outer.pause and self._waits(outer.pause):
                    outer.left.set()
                    return
                if outer.break_after is not None:
                    self.send_response(200)
                    self.send_header("content-length", "1000")
                    self.end_headers()
                    self.wfile.write(b'{"choices": [')
                    return
                message = {"role": "assistant", "content": outer.text, **outer.more}
                if outer.reasoning is not None:
                    message["reasoning_content"] = outer.reasoning
                choice = {"message": message, "finish_reason": outer.finish_reason}
                choices = [{"index": index, **choice} for index in range(outer.choices)]
                self._json(200, {"id": "1", "choices": choices, "usage": outer.usage})

            def _waits(self, seconds: float) -> bool:
                """Whether whoever asked goes away within so many seconds."""
                self.connection.settimeout(seconds)
                try:
                    return not self.connection.recv(1)
                except TimeoutError:
                    return False
                except OSError:
                    return True
                finally:
                    self.connection.settimeout(None)

            def _stream(self) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.end_headers()
                pieces = [outer.text[at : at + outer.size] for at in range(0, len(outer.text), outer.size)]
                deltas: list[dict[str, Any]] = [{"content": piece} for piece in pieces]
                if outer.reasoning is not None:
                    deltas = [{"reasoning_content": outer.reasoning}, *deltas]
                deltas += [outer.more] if outer.more else []
                for number, delta in enumerate(deltas):
                    if number == outer.break_after:
                        return
                    if outer.pause and self._waits(outer.pause):
                        outer.left.set()
                        return
                    for index in range(outer.choices):
                        self._event({"choices": [{"index": index, "delta": delta, "finish_reason": None}]})
                self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": outer.finish_reason}]})
                self._event({"choices": [], "usage": outer.usage})
                self.wfile.write(b"data: [DONE]\n\n")

            def _event(self, chunk: dict[str, Any]) -> None:
                chunk |= {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "small"}
                self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
                self.wfile.flush()

            def _json(self, status: int, value: Any) -> None:
                data = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model()
    yield made
    made.close()
