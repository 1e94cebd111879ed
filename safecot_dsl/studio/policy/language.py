"""The language server over a WebSocket: each connection has a `safecotc serve editor` of its own, unchanged.

The protocol's messages go to and from its standard streams as they are; only their framing differs, a text frame here
and a `Content-Length` header there. A process of its own keeps what an editor types from what a decision waits for.

A page asks with the frame :data:`ALIVE` whether the connection still is one, and is answered with the same.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pygls import uris
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from safecot_dsl.processes import command, environment
from safecot_dsl.storage.json_text import parse_json
from safecot_dsl.studio.api_route import ROOT
from safecot_dsl.studio.asking import means_folder

if TYPE_CHECKING:
    from safecot_dsl.studio.state import Studio

#: Connections at once: a tab has one.
MOST = 16
#: Bytes of a message.
MAX_MESSAGE = 4 << 20
#: What a page asks for a sign of life with, and the answer: a busy language server does not keep it waiting.
ALIVE = '{"jsonrpc":"2.0","method":"studio/alive"}'
#: Messages that wait for a busy language server.
_MOST_WAITING = 256
#: What a connection is ended with that is meant for another folder.
OTHER_FOLDER = 4409
#: The keys under which messages name files and folders.
_PLACES = frozenset({"uri", "rootUri", "rootPath", "oldUri", "newUri", "targetUri", "baseUri"})
#: Seconds that a server has to end after it was told to.
_GRACE = 1.0


class Editors:
    """The language servers of a studio. One more than is used is kept ready: to start one takes a second."""

    def __init__(self) -> None:
        self._used = 0
        self._spare: asyncio.Task[asyncio.subprocess.Process] | None = None

    def prepare(self) -> None:
        """Start one for who comes next."""
        if self._spare is None:
            self._spare = asyncio.create_task(_start())

    async def take(self) -> asyncio.subprocess.Process | None:
        """A language server that nobody used before, to be given back; None where too many are used."""
        if self._used >= MOST:
            return None
        self._used += 1
        try:
            spare, self._spare = self._spare, None
            process = None if spare is None else await spare
            if process is None or process.returncode is not None:
                process = await _start()
        except BaseException:
            self._used -= 1
            raise
        self.prepare()
        return process

    async def give_back(self, process: asyncio.subprocess.Process) -> None:
        """End one that was taken."""
        self._used -= 1
        await _end(process)

    async def stop(self) -> None:
        """End the spare one."""
        spare, self._spare = self._spare, None
        if spare is not None:
            await _end(await spare)


async def language(socket: WebSocket) -> None:
    """Serve one editor until it goes, or its server ends."""
    studio: Studio = socket.app.state.studio
    await socket.accept()
    if not means_folder(socket, studio.folder.uri):
        await socket.close(OTHER_FOLDER, "the studio of another folder answers here now")
        return
    process = await studio.editors.take()
    if process is None:
        await socket.close(4429, "too many editors are open")
        return
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        waiting: asyncio.Queue[str] = asyncio.Queue(_MOST_WAITING)
        ways = {
            asyncio.create_task(_from_editor(socket, waiting, studio.folder.root)),
            asyncio.create_task(_to_server(waiting, process.stdin)),
            asyncio.create_task(_to_editor(socket, process.stdout)),
        }
        _, going = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in going:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
    finally:
        await studio.editors.give_back(process)
        if socket.client_state is WebSocketState.CONNECTED and socket.application_state is WebSocketState.CONNECTED:
            with suppress(RuntimeError):
                await socket.close(1011, "the language server has ended")


async def _start() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command("serve", "editor"),
        env=environment(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=MAX_MESSAGE,
    )


async def _from_editor(socket: WebSocket, waiting: asyncio.Queue[str], root: Path) -> None:
    """Take every text frame for the server, but for one that names a file outside of the folder, which ends it."""
    with suppress(WebSocketDisconnect, KeyError, RuntimeError):
        while True:
            text = await socket.receive_text()
            if text == ALIVE:
                await socket.send_text(ALIVE)
                continue
            if not stays_inside(text, root):
                return
            await waiting.put(text)


async def _to_server(waiting: asyncio.Queue[str], writer: asyncio.StreamWriter) -> None:
    """Every message to the server, as fast as it takes them."""
    with suppress(ConnectionError):
        while True:
            message = (await waiting.get()).encode("utf-8", "replace")
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


def stays_inside(message: str, root: Path) -> bool:
    """Whether every file that a message names lies below the folder; false for what is no message."""
    try:
        waiting: list[Any] = [parse_json(message)]
    except ValueError:
        return False
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            for key, inner in cast("dict[str, Any]", value).items():
                if key in _PLACES and isinstance(inner, str) and not _inside(inner, root):
                    return False
                waiting.append(inner)
        elif isinstance(value, list):
            waiting.extend(cast("list[Any]", value))
    return True


def _inside(place: str, root: Path) -> bool:

    path = uris.to_fs_path(place) if place.startswith("file:") else place
    try:
        return path is not None and Path(path).resolve().is_relative_to(root)
    except (OSError, RuntimeError, ValueError):
        return False


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
