"""The language server over a WebSocket: each connection has a `safecotc serve editor` of its own, unchanged.

The protocol's messages go to and from its standard streams as they are; only their framing differs, a text frame here
and a `Content-Length` header there. A process of its own keeps what an editor types from what a decision waits for.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from safecot_dsl.studio.endpoint import ROOT
from safecot_dsl.studio.processes import command, environment
from safecot_dsl.studio.state import Studio

#: Connections at once: a tab has one.
MOST = 16
#: Bytes of a message.
MAX_MESSAGE = 4 << 20
#: Seconds that a server has to end after it was told to.
_GRACE = 1.0


async def language(socket: WebSocket) -> None:
    """Serve one editor until it goes, or its server ends."""
    studio: Studio = socket.app.state.studio
    await socket.accept()
    if studio.editors >= MOST:
        await socket.close(4429, "too many editors are open")
        return
    studio.editors += 1
    process: asyncio.subprocess.Process | None = None
    try:
        process = await asyncio.create_subprocess_exec(
            *command("serve", "editor"),
            env=environment(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=MAX_MESSAGE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        ways = {
            asyncio.create_task(_from_editor(socket, process.stdin)),
            asyncio.create_task(_to_editor(socket, process.stdout)),
        }
        _, going = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in going:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
    finally:
        studio.editors -= 1
        if process is not None:
            await _end(process)
        if socket.client_state is WebSocketState.CONNECTED and socket.application_state is WebSocketState.CONNECTED:
            with suppress(RuntimeError):
                await socket.close(1011, "the language server has ended")


async def _from_editor(socket: WebSocket, writer: asyncio.StreamWriter) -> None:
    """Every text frame to the server."""
    with suppress(WebSocketDisconnect, ConnectionError):
        while True:
            message = (await socket.receive_text()).encode("utf-8", "replace")
            writer.write(b"Content-Length: %d\r\n\r\n" % len(message))
            writer.write(message)
            await writer.drain()


async def _to_editor(socket: WebSocket, reader: asyncio.StreamReader) -> None:
    """Every message of the server as a text frame."""
    with suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, RuntimeError, ValueError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.partition(b":")[2])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length:")
            )
            await socket.send_text((await reader.readexactly(length)).decode("utf-8", "replace"))


async def _end(process: asyncio.subprocess.Process) -> None:
    """Let the process end by itself, as it does when nobody speaks to it any more; else end it."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), _GRACE)
    except TimeoutError:
        process.kill()
        await process.wait()


ROUTES = [WebSocketRoute(f"{ROOT}/language", language)]
