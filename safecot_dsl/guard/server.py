"""A guard before a served model: OpenAI-compatible in, OpenAI-compatible out.

`POST /v1/chat/completions` is read by an allow-list and passed on to the model's server, and the answer comes back once
its reasoning has been checked. `GET /v1/models` names the one model, and `GET /health` says under which policy the
guard stands. It is an ASGI application without a framework.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.guard.answers import GuardedAnswer, record_of, shown_reasoning, told_verdict
from safecot_dsl.guard.keys import ClientKeys
from safecot_dsl.guard.log import DecisionLog
from safecot_dsl.guard.pieces import MoreThanTextError, Pieces
from safecot_dsl.guard.requests import GuardRequest, RefusedError, read_request
from safecot_dsl.guard.responses import UPSTREAM_STATUSES, Receive, Send, described, send_error, send_json, send_part
from safecot_dsl.guard.settings import GuardSettings
from safecot_dsl.guard.upstream import Upstream, UpstreamError, UpstreamReply
from safecot_dsl.guard.watching import FactCheck, Guard
from safecot_dsl.render import Tags, policy_prompt

_log = logging.getLogger("uvicorn.error")

_BUSY = ((b"retry-after", b"1"), (b"connection", b"close"))  # the request's body is not read
#: Bodies of the longest kind that are held at once, in all.
_BODIES = 32
#: Seconds for an error to be taken by a client that does not read.
_FAREWELL = 1.0
#: Bytes of an error of the model's server that are kept for the operator.
_ERROR_KEPT = 500


class FactChecks(Protocol):
    """What else is known of a request's facts."""

    async def prepare(self, asked: GuardRequest) -> FactCheck:
        """Looks at a request; what is returned says which facts of a derivation are found to be otherwise."""
        ...


class GuardServer:
    """The guard's answers to HTTP requests: an ASGI application."""

    def __init__(
        self,
        policy: CompiledPolicy,
        settings: GuardSettings,
        log: Path | None = None,
        tags: Tags | None = None,
        *,
        keys: ClientKeys | None = None,
        facts: FactChecks | None = None,
    ) -> None:
        """Clients need one of the `keys`, where there are some. Raises `ValueError` where the environment variable of
        the server's key is named and not set, and for an address that is none."""
        name = settings.api_key_env
        if name is not None and not os.environ.get(name):
            raise ValueError(f"the environment variable `{name}`, which is to hold the key, is not set")
        self.guard = Guard(policy, tags, reasoning=settings.taught, own_words=settings.own_words)
        self.settings = settings
        self.log = DecisionLog(log) if log is not None else None
        self._keys = keys
        self._facts = facts
        self._prompt = policy_prompt(policy) if settings.policy_prompt else None
        self._upstream = Upstream(settings.base_url, os.environ[name] if name is not None else None)
        self._under_way = 0
        self._held = 0  # bytes of the bodies that are under way

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] != "http":
            raise ValueError(f"`{scope['type']}` is not spoken here")
        path, method = scope["path"], scope["method"]
        routes = {
            "/v1/chat/completions": ("POST", self._complete),
            "/v1/models": ("GET", self._models),
            "/health": ("GET", self._health),
        }
        if path not in routes:
            await send_error(send, 404, "there is no such path")
            return
        allowed, answer = routes[path]
        if method != allowed:
            await send_error(send, 405, f"`{path}` takes {allowed}", more=[(b"allow", allowed.encode())])
        elif path != "/health" and not self._may_ask(scope):
            more = [(b"www-authenticate", b"Bearer"), (b"connection", b"close")]
            await send_error(send, 401, "a client key is needed: Authorization: Bearer KEY", more=more)
        else:
            await answer(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self._upstream.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    def _may_ask(self, scope: Mapping[str, Any]) -> bool:
        if self._keys is None:
            return True
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        scheme, _, key = given[0].decode("latin-1").partition(" ") if len(given) == 1 else ("", "", "")
        return key.strip() in self._keys and scheme.lower() == "bearer"

    async def _complete(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if self._under_way >= self.settings.max_requests:
            await send_error(send, 503, "there are too many requests under way", more=_BUSY)
            return
        self._under_way += 1
        answer = GuardedAnswer()
        try:
            await self._guarded(answer, scope, receive, send)
        finally:
            self._under_way -= 1
            self._held -= answer.held
            self._record(answer)

    async def _guarded(self, answer: GuardedAnswer, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answers one request, and says in `answer` how that ended, whatever happens."""
        leaving: asyncio.Task[None] | None = None
        left = False
        task = asyncio.current_task()
        assert task is not None

        async def watch() -> None:
            nonlocal left
            while (await receive())["type"] != "http.disconnect":
                pass
            left = True
            task.cancel()

        try:
            data = await self._body(answer, scope, receive)
            asked = read_request(data, self.guard.checker.tags, self.settings.image_hosts)
            del data
            leaving = asyncio.create_task(watch())
            async with asyncio.timeout(self.settings.timeout):
                await self._ask(answer, asked, send)
        except RefusedError as refused:
            answer.ended, answer.refused = "refused", f"{refused.field}: {refused}" if refused.field else str(refused)
            await self._fail(answer, send, 400, str(refused), field=refused.field or None)
        except _TooLargeError as error:
            answer.ended = "refused"
            answer.refused = str(error)
            await self._fail(answer, send, error.status, str(error), close=True)
        except _LeftError:
            answer.ended = "client left"
        except UpstreamError as error:
            answer.ended = "upstream broke off" if error.began else "upstream failed"
            answer.upstream_error = str(error)
            said = "the model's server broke off" if error.began else "the model's server cannot be reached"
            await self._fail(answer, send, 502, said)
        except TimeoutError:
            answer.ended = "upstream was too slow"
            await self._fail(answer, send, 504, f"the model's server gave no answer in {self.settings.timeout:g} s")
        except asyncio.CancelledError:
            answer.ended = "client left" if left else "stopped"
            task.uncancel()
            if not left:
                await self._fail(answer, send, 503, "the guard is stopping")
        finally:
            if leaving is not None:
                leaving.cancel()

    async def _ask(self, answer: GuardedAnswer, asked: GuardRequest, send: Send) -> None:
        # The annotators look while the model writes: what they found is asked for at the end of its reasoning.
        looking = asyncio.create_task(self._facts.prepare(asked)) if self._facts is not None else None
        try:
            await self._pass_on(answer, asked, looking, send)
        finally:
            if looking is not None:
                looking.cancel()

    async def _pass_on(
        self, answer: GuardedAnswer, asked: GuardRequest, looking: asyncio.Task[FactCheck] | None, send: Send
    ) -> None:
        settings = self.settings
        messages = asked.messages
        if self._prompt is not None:
            messages = [{"role": "system", "content": self._prompt}, *messages]
        body = settings.body(messages, asked.sampling, stream=asked.stream)
        async with self._upstream.ask(body) as reply:
            answer.watcher = self.guard.watch(await looking if looking is not None else None)
            if reply.status != 200:
                await self._failed(answer, reply, send)
            elif asked.stream:
                await self._stream(answer, asked, reply, send)
            else:
                await self._whole(answer, reply, send)

    async def _failed(self, answer: GuardedAnswer, reply: UpstreamReply, send: Send) -> None:
        answer.ended, answer.upstream_status = "upstream failed", reply.status
        try:
            answer.upstream_error = (await reply.whole(_ERROR_KEPT)).decode("utf-8", "replace")
        except UpstreamError as error:
            answer.upstream_error = str(error)
        status, said = UPSTREAM_STATUSES.get(reply.status, (502, "the model's server failed"))
        await self._fail(answer, send, status, said)

    async def _whole(self, answer: GuardedAnswer, reply: UpstreamReply, send: Send) -> None:
        watcher = answer.watcher
        assert watcher is not None
        pieces = Pieces(self.guard.checker.tags)
        out: list[str] = []
        try:
            out.append(watcher.feed(pieces.of_whole(_json(await reply.whole()))))
        except MoreThanTextError as more:
            out.append(watcher.refuse(str(more)))
        rest, outcome = watcher.finish()
        answer.outcome, answer.usage = outcome, pieces.usage
        answer.finish_reason = pieces.finish_reason if outcome.let_through else "stop"
        content = "".join([*out, rest]).strip()
        message: dict[str, Any] = {
            "role": "assistant",
            "content": content,
            **shown_reasoning(outcome, content, self.settings, self.guard.checker.tags),
        }
        made = {
            "id": answer.identity,
            "object": "chat.completion",
            "created": int(time.time()),
            "model": self.settings.model,
            "choices": [{"index": 0, "finish_reason": answer.finish_reason, "message": message}],
            **({"usage": pieces.usage} if pieces.usage else {}),
            "safecot": told_verdict(self.guard.policy, outcome),
        }
        answer.ended = "answered"
        await self._respond(answer, send, made)

    async def _stream(self, answer: GuardedAnswer, asked: GuardRequest, reply: UpstreamReply, send: Send) -> None:
        watcher = answer.watcher
        assert watcher is not None
        tags = self.guard.checker.tags
        pieces = Pieces(tags)
        first = True

        def said(text: str) -> str:
            nonlocal first
            if not text:
                return ""
            delta: dict[str, Any] = {"content": text}
            if first:
                delta = {"role": "assistant", **delta, **shown_reasoning(watcher.checked(), text, self.settings, tags)}
                first = False
            return event({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})

        def event(more: Mapping[str, Any]) -> str:
            chunk = {
                "id": answer.identity,
                "object": "chat.completion.chunk",
                "created": int(time.time()),
                "model": self.settings.model,
                **more,
            }
            return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"

        await self._start(answer, send, "text/event-stream")
        end = ""  # what is left when the model has ended goes out at once: each part costs a write of its own
        try:
            async for chunks in reply.events():
                part = said(watcher.feed("".join([pieces.of_chunk(chunk) for chunk in chunks])))
                if part:
                    await send_part(send, part)
                if watcher.settled:
                    break  # the connection is closed, and the model stops
            else:
                pieces.ended()
            end += said(watcher.feed(pieces.rest()))
        except MoreThanTextError as more:
            end += said(watcher.refuse(str(more)))
        rest, outcome = watcher.finish()
        answer.outcome, answer.usage = outcome, pieces.usage
        end += said(rest)
        answer.finish_reason = pieces.finish_reason if outcome.let_through else "stop"
        done = {"index": 0, "delta": {}, "finish_reason": answer.finish_reason}
        end += event({"choices": [done], "safecot": told_verdict(self.guard.policy, outcome)})
        if asked.usage and pieces.usage:
            end += event({"choices": [], "usage": pieces.usage})
        answer.ended = "answered"
        await send_part(send, f"{end}data: [DONE]\n\n", last=True)

    def _record(self, answer: GuardedAnswer) -> None:
        """One line on an answer, however it ended."""
        if answer.upstream_error is not None:
            status = f" (status {answer.upstream_status})" if answer.upstream_status is not None else ""
            _log.warning("%s: %s%s", answer.identity, answer.ended, status)
        if self.log is None:
            return
        try:
            self.log.write(record_of(answer, self.guard.policy, self.settings))
        except OSError as error:
            _log.error("%s: the record cannot be written: %s", answer.identity, error)

    async def _body(self, answer: GuardedAnswer, scope: Mapping[str, Any], receive: Receive) -> bytes:
        most = self.settings.max_body
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > most:
                raise _TooLargeError(413, f"the request is longer than {most} bytes")
        data = bytearray()
        try:
            async with asyncio.timeout(self.settings.body_timeout):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _LeftError
                    part = message.get("body", b"")
                    data += part
                    answer.held += len(part)
                    self._held += len(part)
                    if len(data) > most:
                        raise _TooLargeError(413, f"the request is longer than {most} bytes")
                    if self._held > _BODIES * most:
                        raise _TooLargeError(503, "there is too much under way")
                    if not message.get("more_body"):
                        return bytes(data)
        except TimeoutError:
            raise _TooLargeError(408, f"the request did not arrive in {self.settings.body_timeout:g} s") from None

    async def _start(self, answer: GuardedAnswer, send: Send, kind: str, status: int = 200) -> None:
        answer.began, answer.status = True, status
        headers = [(b"content-type", kind.encode()), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": status, "headers": headers})

    async def _respond(self, answer: GuardedAnswer, send: Send, value: Any) -> None:
        answer.began, answer.status = True, 200
        await send_json(send, 200, value)

    async def _fail(
        self,
        answer: GuardedAnswer,
        send: Send,
        status: int,
        said: str,
        *,
        field: str | None = None,
        close: bool = False,
    ) -> None:
        """An error: as the response, or as the last event of one whose head is out."""
        if answer.began:
            with suppress(TimeoutError):
                async with asyncio.timeout(_FAREWELL):
                    await send_part(
                        send, f"data: {json.dumps({'error': described(status, said, field)})}\n\n", last=True
                    )
            return
        answer.began, answer.status = True, status
        more = [(b"connection", b"close")] if close else []
        more += [(b"retry-after", b"1")] if status in (429, 503) else []
        await send_error(send, status, said, field=field, more=more)

    async def _models(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        del scope, receive
        model = {"id": self.settings.model, "object": "model", "created": 0, "owned_by": "safecot"}
        await send_json(send, 200, {"object": "list", "data": [model]})

    async def _health(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        del scope, receive
        header, digest = self.guard.policy.header, self.guard.policy.digest
        await send_json(send, 200, {"policy": header.name, "version": header.version, "digest": digest})


class _TooLargeError(Exception):
    """A request that is too long, or too slow."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _LeftError(Exception):
    """The client left before it had asked."""


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UpstreamError(f"its answer is not JSON: {error}", began=True) from None
