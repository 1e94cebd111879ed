"""Writers that follow a script: in the process, and behind a server that really listens."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from safecot_dsl.artifact import CompiledPolicy, read_case
from safecot_dsl.dataset.writing import Job
from safecot_dsl.engine import Interpreter
from safecot_dsl.models import Counts, EndpointSettings, Failure, Question, Reply
from safecot_dsl.storage import Progress

MIXING = {"image.objects": ["bleach", "ammonia"], "image.setting": "kitchen", "query.intent": "mix"}
STORING = {"image.objects": ["bleach", "ammonia"], "image.setting": "kitchen", "query.intent": "store"}

#: What a reply says on each of the rules in question, by number, where nothing else is given.
REASON = "Breathing the fumes does harm, and nothing can undo it."
DECIDE = "I must not explain the mixing."
RIGHT_ANSWER = (
    "I can't help with mixing these two, because the fumes burn the lungs. If they were mixed already, leave the room "
    "and call poison control."
)


def reply(
    question: Question | Mapping[str, Any],
    reason: str = REASON,
    decide: str = DECIDE,
    answer: str | None = RIGHT_ANSWER,
) -> str:
    """A reply as the schema of the question asks for it: the first reason is `reason`."""
    schema = question.schema if isinstance(question, Question) else question
    numbers = schema["properties"]["reasons"]["items"]["properties"]["rule"].get("enum", [])  # pyright: ignore[reportOptionalSubscript]
    reasons = [{"rule": n, "text": reason if n == 1 else f"That is no matter here, for cause {n}."} for n in numbers]
    said: dict[str, Any] = {"reasons": reasons, "decide": decide}
    return json.dumps(said if answer is None else {**said, "answer": answer})


def job(policy: CompiledPolicy, facts: dict[str, Any], *, prompt: str = "What now?", answer: str | None = None) -> Job:
    case = read_case(policy, {"facts": facts})
    return Job("hand/1", case, Interpreter(policy).decide(case), prompt, (), answer, "0/hand/1")


class Script:
    """An asker that answers as a function says."""

    name = "scripted"

    def __init__(self, answer: Callable[[Question], str | Reply | Failure]) -> None:
        self.counts = Counts()
        self.questions: list[Question] = []
        self._answer = answer

    def ask(self, questions: Sequence[Question], *, progress: Progress | None = None) -> list[Reply | Failure]:
        del progress
        self.questions += questions
        answers = [self._answer(question) for question in questions]
        return [Reply(answer, self.name) if isinstance(answer, str) else answer for answer in answers]


def in_turn(*answers: str | Reply | Failure | Callable[[Question], str]) -> Script:
    """An asker that gives these answers one after another."""
    left = iter(answers)

    def answer(question: Question) -> str | Reply | Failure:
        said = next(left)
        return said(question) if callable(said) else said

    return Script(answer)


def schema_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema that a request asks a reply by."""
    return body["response_format"]["json_schema"]["schema"]


class Server:
    """Answers chat completions on a free port as `answer` says of a request's body, and keeps the bodies."""

    def __init__(self) -> None:
        self.answer: Callable[[dict[str, Any]], str] = lambda body: reply(schema_of(body))
        self.bodies: list[dict[str, Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.bodies.append(body)
                message = {"role": "assistant", "content": outer.answer(body)}
                said = {
                    "id": "1",
                    "object": "chat.completion",
                    "created": 0,
                    "model": "medium-1",
                    "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
                }
                data = json.dumps(said).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.settings = EndpointSettings(
            base_url=f"http://127.0.0.1:{self._server.server_address[1]}/v1", model="medium", retries=0
        )

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
