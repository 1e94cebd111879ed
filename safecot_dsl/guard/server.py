"""A guard before a served model: OpenAI-compatible in, OpenAI-compatible out.

`POST /v1/chat/completions` is passed on to the model's server, always as a stream, and the answer comes back when its
reasoning has been checked. `GET /v1/models` is passed on, and `GET /health` says under which policy the guard stands.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.guard.log import DecisionLog
from safecot_dsl.guard.watching import Guard, Outcome
from safecot_dsl.render import Reasoning, Tags, policy_prompt
from safecot_dsl.storage.secrets import Address

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

#: Bytes of a request's body, images in it included.
MAX_BODY = 64 << 20


class GuardSettings(Frozen):
    """Where the model is served, and what its users are shown."""

    base_url: Address = Field(description="The model's server, such as http://localhost:8000/v1.")
    model: str | None = Field(default=None, description="The model to ask, whatever a request names.")
    api_key_env: str | None = Field(default=None, description="The environment variable with the server's key.")
    timeout: float = Field(default=300.0, gt=0, description="Seconds to wait for the model.")
    reasoning: Literal["hide", "field", "inline"] = Field(
        default="hide",
        description="Where a checked reasoning goes: nowhere, into `reasoning_content`, or before the answer.",
    )
    policy_prompt: bool = Field(
        default=False, description="Put the policy into the system turn, for models that were taught to read it."
    )
    weigh: int = Field(
        default=3, ge=0, description="Of the rules in question that do not apply, so many stand in the model's texts."
    )
    own_words: bool = Field(
        default=False,
        description="Let reasons be in other words than the policy's, as a model wrote them.",
    )
    log_text: bool = Field(default=False, description="Keep the model's text in the log, not only what became of it.")


class GuardServer:
    """The guard's answers to HTTP requests."""

    def __init__(
        self, policy: CompiledPolicy, settings: GuardSettings, log: Path | None = None, tags: Tags | None = None
    ) -> None:
        """Raises `ValueError` where the key's environment variable is named and not set."""
        name = settings.api_key_env
        if name is not None and not os.environ.get(name):
            raise ValueError(f"the environment variable `{name}`, which is to hold the key, is not set")
        self.guard = Guard(policy, tags, reasoning=Reasoning(weigh=settings.weigh), own_words=settings.own_words)
        self.settings = settings
        self.log = DecisionLog(log) if log is not None else None
        self._prompt = policy_prompt(policy) if settings.policy_prompt else None
        self._key = os.environ[name] if name is not None else "none"
        self._client: AsyncOpenAI | None = None

    def application(self) -> Starlette:
        """The ASGI application."""
        from starlette.applications import Starlette
        from starlette.routing import Route

        return Starlette(
            routes=[
                Route("/v1/chat/completions", self._complete, methods=["POST"]),
                Route("/v1/models", self._models, methods=["GET"]),
                Route("/health", self._health, methods=["GET"]),
            ]
        )

    async def _complete(self, request: Request) -> Response:
        from openai import APIConnectionError, APIStatusError, APITimeoutError, OpenAIError
        from starlette.responses import StreamingResponse

        try:
            body = await _body(request)
            arguments = self._arguments(body)
        except ValueError as error:
            return _error(400, str(error))
        try:
            stream = await self._upstream().chat.completions.create(**arguments)
        except APIStatusError as error:
            return _error(error.status_code, f"the model's server: {error.message}")
        except APITimeoutError:
            return _error(504, f"the model's server gave no answer in {self.settings.timeout:g} s")
        except APIConnectionError as error:
            return _error(502, f"the model's server cannot be reached: {error.__cause__ or error}")
        except (OpenAIError, TypeError, ValueError) as error:
            return _error(502, f"the model's server: {error}")
        identity = f"chatcmpl-{uuid.uuid4().hex}"
        model = str(arguments["model"])
        if body.get("stream"):
            events = self._events(stream, identity, model)
            return StreamingResponse(events, media_type="text/event-stream")
        return await self._whole(stream, identity, model)

    async def _whole(self, stream: Any, identity: str, model: str) -> Response:
        from starlette.responses import JSONResponse

        watcher = self.guard.watch()
        out: list[str] = []
        try:
            async for piece in _pieces(stream, self.guard.checker.tags):
                out.append(watcher.feed(piece))
        except Exception as error:  # the connection to the model broke
            return _error(502, f"the model's server broke off: {error}")
        rest, outcome = watcher.finish()
        self._record(identity, model, outcome)
        message: dict[str, Any] = {"role": "assistant", "content": "".join([*out, rest]).strip()}
        message |= self._shown(outcome, message["content"])
        answer = {
            "id": identity,
            "object": "chat.completion",
            "created": int(time.time()),
            "model": model,
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "safecot": self._verdict(outcome),
        }
        return JSONResponse(answer)

    async def _events(self, stream: Any, identity: str, model: str) -> AsyncIterator[str]:
        watcher = self.guard.watch()
        first = True

        def event(delta: Mapping[str, Any], finish: str | None = None, **more: Any) -> str:
            chunk = {
                "id": identity,
                "object": "chat.completion.chunk",
                "created": int(time.time()),
                "model": model,
                "choices": [{"index": 0, "delta": dict(delta), "finish_reason": finish}],
                **more,
            }
            return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"

        def content(text: str) -> dict[str, Any]:
            nonlocal first
            delta: dict[str, Any] = {"content": text}
            if first:
                delta = {"role": "assistant", **delta, **self._shown(watcher.checked(), text)}
                first = False
            return delta

        try:
            async for piece in _pieces(stream, self.guard.checker.tags):
                text = watcher.feed(piece)
                if text:
                    yield event(content(text))
        except Exception as error:  # the connection to the model broke, and the answer's head is out already
            yield f"data: {json.dumps({'error': {'message': f'the model server broke off: {error}'}})}\n\n"
            return
        rest, outcome = watcher.finish()
        if rest:
            yield event(content(rest))
        self._record(identity, model, outcome)
        yield event({}, "stop", safecot=self._verdict(outcome))
        yield "data: [DONE]\n\n"

    def _shown(self, outcome: Outcome | None, content: str) -> dict[str, Any]:
        """The parts of the message that show the reasoning, where it was checked and is to be shown."""
        if outcome is None or not outcome.let_through:
            return {}
        match self.settings.reasoning:
            case "hide":
                return {}
            case "field":
                tags = self.guard.checker.tags
                return {
                    "reasoning_content": outcome.reasoning.strip()
                    .removeprefix(tags.open)
                    .removesuffix(tags.close)
                    .strip()
                }
            case "inline":
                return {"content": f"{outcome.reasoning.strip()}\n{content}"}

    def _verdict(self, outcome: Outcome) -> dict[str, Any]:
        derivation = outcome.derivation
        return {
            "policy": self.guard.policy.digest,
            "let_through": outcome.let_through,
            "verdict": derivation.verdict,
            "rules": list(derivation.cited),
            "checked": derivation.checked,
            "faults": [f"{fault}: {what}" for fault, what in derivation.faults],
        }

    def _record(self, identity: str, model: str, outcome: Outcome) -> None:
        if self.log is not None:
            text = {"reasoning": outcome.reasoning, "answer": outcome.answer} if self.settings.log_text else {}
            record = {"id": identity, "model": model, **self._verdict(outcome), "facts": outcome.derivation.facts}
            self.log.write({**record, "checked_ms": round(outcome.checked_ms, 3), **text})

    def _arguments(self, body: dict[str, Any]) -> dict[str, Any]:
        """What the model is asked. Raises `ValueError` for a request that cannot be guarded."""
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            raise ValueError("`messages` is not a list of turns")
        if body.get("n") not in (None, 1):
            raise ValueError("`n` is to be 1: each answer is checked by itself")
        if body.get("tools") or body.get("functions"):
            raise ValueError("`tools` cannot be guarded: a call is no answer that could be checked")
        if isinstance(messages[-1], dict) and messages[-1].get("role") == "assistant":
            raise ValueError("the last turn is the assistant's: an answer that somebody else began is not continued")
        model = self.settings.model or body.get("model")
        if not isinstance(model, str) or not model:
            raise ValueError("`model` is missing")
        if self._prompt is not None:
            messages = [{"role": "system", "content": self._prompt}, *messages]
        own = ("messages", "model", "n", "stream", "stream_options", "tools", "functions")
        rest = {key: value for key, value in body.items() if key not in own}
        return {"model": model, "messages": messages, "stream": True, "extra_body": rest}

    def _upstream(self) -> AsyncOpenAI:
        from openai import AsyncOpenAI

        if self._client is None:
            settings = self.settings
            self._client = AsyncOpenAI(
                base_url=settings.base_url, api_key=self._key, timeout=settings.timeout, max_retries=2
            )
        return self._client

    async def _models(self, request: Request) -> Response:
        from openai import OpenAIError
        from starlette.responses import JSONResponse

        del request
        try:
            listed = await self._upstream().models.list()
        except OpenAIError as error:
            return _error(502, f"the model's server: {error}")
        return JSONResponse({"object": "list", "data": [model.model_dump() for model in listed.data]})

    async def _health(self, request: Request) -> Response:
        from starlette.responses import JSONResponse

        del request
        header = self.guard.policy.header
        return JSONResponse({"policy": header.name, "version": header.version, "digest": self.guard.policy.digest})


async def _body(request: Request) -> dict[str, Any]:
    """The request's JSON object. Raises `ValueError` for another one, and for one that is too long."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BODY:
            raise ValueError(f"the request is longer than {MAX_BODY} bytes")
    try:
        body = json.loads(bytes(data))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the request is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise ValueError("the request is not a JSON object")
    return body


async def _pieces(stream: Any, tags: Tags) -> AsyncIterator[str]:
    """The model's text. A server that takes the reasoning apart itself sends it in a field of its own: it is put back
    between its tags."""
    inside = False
    async for chunk in stream:
        for choice in chunk.choices[:1]:
            delta = choice.delta
            reasoning = getattr(delta, "reasoning_content", None) or getattr(delta, "reasoning", None)
            if isinstance(reasoning, str) and reasoning:
                yield reasoning if inside else f"{tags.open}\n{reasoning}"
                inside = True
            if isinstance(delta.content, str) and delta.content:
                yield f"\n{tags.close}\n{delta.content}" if inside else delta.content
                inside = False
    if inside:
        yield f"\n{tags.close}"


def _error(status: int, message: str) -> Response:
    from starlette.responses import JSONResponse

    kind = "invalid_request_error" if status < 500 else "server_error"
    return JSONResponse({"error": {"message": message, "type": kind, "code": status}}, status_code=status)
