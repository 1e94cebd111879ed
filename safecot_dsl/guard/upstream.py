"""The model's server, asked over HTTP/1.1: connections that are kept, and ended at once where nobody waits any more.

Written on h11 and asyncio's streams: general clients take several times what the check of an answer does. It follows no
redirect and uses no proxy.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import h11
from pydantic_core import from_json

#: Bytes of an answer, the protocol's own included, and of one line of a stream.
MAX_REPLY = 32 << 20
MAX_LINE = 4 << 20
#: Seconds for a connection to be made, and connections that are kept between requests.
CONNECTING = 30.0
MOST_KEPT = 256
_PIECE = 1 << 16


class UpstreamError(Exception):
    """The model's server gave no answer, or broke off. `began` says that an answer had begun."""

    def __init__(self, message: str, *, began: bool = False) -> None:
        super().__init__(message)
        self.began = began


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.state = h11.Connection(h11.CLIENT)
        self.used = False

    def abort(self) -> None:
        self.writer.transport.abort()


class UpstreamReply:
    """An answer of which the head has come: its HTTP status, and its body to be read."""

    def __init__(self, connection: _Connection, status: int) -> None:
        self.status = status
        self.ended = False
        self._connection = connection
        self._length = 0

    async def parts(self) -> AsyncIterator[bytes]:
        """The body in pieces as they come.

        Raises:
            UpstreamError: the reply is too long, or breaks off.
        """
        while True:
            event = await _next_event(self._connection, began=True)
            if isinstance(event, h11.Data):
                self._length += len(event.data)
                if self._length > MAX_REPLY:
                    raise UpstreamError(f"its answer is longer than {MAX_REPLY} bytes", began=True)
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                self.ended = True
                return

    async def whole(self, most: int = MAX_REPLY) -> bytes:
        """The body; what is beyond `most` bytes is left."""
        data = bytearray()
        async for part in self.parts():
            data += part
            if len(data) > most:
                break
        return bytes(data[:most])

    async def events(self) -> AsyncIterator[list[Any]]:
        """The JSON values of a stream of events, up to `[DONE]`: those that came together at once. Raises
        `UpstreamError` for one that ends without, and for what is no such stream."""
        rest = b""
        async for part in self.parts():
            *lines, rest = (rest + part).split(b"\n")
            if len(rest) > MAX_LINE:
                raise UpstreamError(f"a line of its stream is longer than {MAX_LINE} bytes", began=True)
            told = [line[5:].strip() for line in lines if line.startswith(b"data:")]
            done = told.index(b"[DONE]") if b"[DONE]" in told else None
            try:
                values = [_json(data) for data in told[:done]]
            except (ValueError, RecursionError) as error:
                raise UpstreamError(f"an event of its stream is not JSON: {error}", began=True) from None
            if values:
                yield values
            if done is not None:
                await self._drain()
                return
        raise UpstreamError("its stream ended before it was done", began=True)

    async def _drain(self) -> None:
        """Reads what is left behind the last event, where that is little, so that the connection can be kept."""
        try:
            async with asyncio.timeout(0.2):
                async for _ in self.parts():
                    pass
        except (UpstreamError, TimeoutError):
            pass  # then it is not kept


class Upstream:
    """A server, with the connections to it."""

    def __init__(self, base_url: str, key: str | None = None) -> None:
        """Raises `ValueError` for what is no address of a server, and for one with a secret in it."""
        try:
            parts = urlsplit(base_url)
            port = parts.port
        except ValueError as error:
            raise ValueError(f"the address of the model's server is none: {error}") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("the model's server is named as http://HOST:PORT/v1")
        if "@" in parts.netloc:
            raise ValueError("the address of the model's server has a password in it: give the key by --api-key-env")
        self._host = parts.hostname
        self._port = port or (443 if parts.scheme == "https" else 80)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._target = f"{parts.path.rstrip('/')}/chat/completions" + (f"?{parts.query}" if parts.query else "")
        self._headers = [
            ("host", parts.netloc),
            ("user-agent", "safecotc-guard"),
            ("content-type", "application/json"),
            ("accept-encoding", "identity"),
        ]
        if key is not None:
            self._headers.append(("authorization", f"Bearer {key}"))
        self._kept: list[_Connection] = []

    @asynccontextmanager
    async def ask(self, body: Mapping[str, Any]) -> AsyncGenerator[UpstreamReply]:
        """Asks for an answer. Left before its end, or cancelled, the connection is closed at once, so that the server
        knows that nobody waits. Raises `UpstreamError` where no answer comes."""
        data = json.dumps(body).encode()
        connection, status = await self._send(data)
        reply = UpstreamReply(connection, status)
        whole = False
        try:
            yield reply
            whole = reply.ended
        finally:
            state = connection.state
            if whole and state.our_state is h11.DONE and state.their_state is h11.DONE:
                state.start_next_cycle()
                self._keep(connection)
            else:
                connection.abort()

    async def close(self) -> None:
        """Closes the connections that are kept."""
        while self._kept:
            self._kept.pop().abort()

    async def _send(self, data: bytes) -> tuple[_Connection, int]:
        while True:
            connection = await self._open()
            try:
                return connection, await self._head(connection, data)
            except UpstreamError as error:
                connection.abort()
                # A server ends connections that were idle: that it did so is no answer.
                if not connection.used or error.began:
                    raise
            except BaseException:
                connection.abort()
                raise

    async def _open(self) -> _Connection:
        while self._kept:
            connection = self._kept.pop()
            if not connection.reader.at_eof() and not connection.writer.is_closing():
                connection.used = True
                return connection
            connection.abort()
        try:
            async with asyncio.timeout(CONNECTING):
                return _Connection(*await asyncio.open_connection(self._host, self._port, ssl=self._tls, limit=_PIECE))
        except TimeoutError:
            raise UpstreamError(f"no connection within {CONNECTING:g} s") from None
        except (OSError, ssl.SSLError) as error:
            raise UpstreamError(f"no connection: {error}") from None

    async def _head(self, connection: _Connection, data: bytes) -> int:
        state, writer = connection.state, connection.writer
        headers = [*self._headers, ("content-length", str(len(data)))]
        try:
            request = h11.Request(method="POST", target=self._target, headers=headers)
            writer.write((state.send(request) or b"") + data)
            state.send(h11.Data(data=data))
            state.send(h11.EndOfMessage())
            await writer.drain()
        except (OSError, h11.LocalProtocolError) as error:
            raise UpstreamError(f"the connection broke: {error}") from None
        while True:
            event = await _next_event(connection, began=False)
            if isinstance(event, h11.Response):
                return event.status_code

    def _keep(self, connection: _Connection) -> None:
        if len(self._kept) < MOST_KEPT:
            self._kept.append(connection)
        else:
            connection.abort()


def _json(data: bytes) -> Any:
    """As `json.loads` reads it, in a third of the time, which counts where every word is an event of its own."""
    try:
        return from_json(data)
    except ValueError:  # half of a surrogate pair is JSON, and not Rust's
        return json.loads(data)


async def _next_event(connection: _Connection, *, began: bool) -> Any:
    state = connection.state
    while True:
        try:
            event = state.next_event()
        except h11.RemoteProtocolError as error:
            raise UpstreamError(f"it broke off: {error}", began=began) from None
        if event is not h11.NEED_DATA:
            if event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                raise UpstreamError("it broke off", began=began)
            return event
        try:
            data = await connection.reader.read(_PIECE)
        except OSError as error:
            raise UpstreamError(f"the connection broke: {error}", began=began) from None
        state.receive_data(data)
