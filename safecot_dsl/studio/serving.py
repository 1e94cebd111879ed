"""The studio's server as a process: it listens on this machine alone, and is opened by its link."""

from __future__ import annotations

import errno
import gc
import socket
import webbrowser
from collections.abc import Callable
from pathlib import Path
from threading import Timer

from uvicorn import Config, Server

from safecot_dsl.errors import SafecotError
from safecot_dsl.studio.access import Access
from safecot_dsl.studio.app import make_app
from safecot_dsl.studio.folder import StudioFolder
from safecot_dsl.studio.state import Studio, kept_for

HOST = "127.0.0.1"
#: Bytes of a request's head, and of a message on the language server's connection.
MAX_HEAD = 16 << 10
MAX_MESSAGE = 4 << 20
#: Seconds that answers under way are given when the server is told to stop.
GRACE = 2


class PortError(SafecotError):
    """The port cannot be listened on."""


def serve(folder: Path, *, port: int, demo: bool, open_page: bool, say: Callable[[str], None]) -> None:
    """Serve a folder until the process is told to stop. `say` is told the link.

    Raises:
        PortError: another program listens there, or the port is not to be had.
    """
    listening = listen(port)
    served = StudioFolder(folder)
    access = Access.kept(kept_for(served.root) / "session.json", listening.getsockname()[1])
    app = make_app(Studio(served, demo=demo), access)
    gc.disable()  # `Policies` collects when nobody types
    gc.freeze()
    config = Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=MAX_HEAD,
        http="h11",
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=GRACE,
    )
    say(f"the studio of {folder}: {access.link}")
    if open_page:
        opening = Timer(0.3, webbrowser.open, (access.link,))
        opening.daemon = True
        opening.start()
    Server(config).run(sockets=[listening])


def listen(port: int) -> socket.socket:
    """A socket on this machine's own address; raises :class:`PortError` where there is none."""
    # With its protocol named asyncio sends at once (TCP_NODELAY): without, the second part of an answer waits 40 ms.
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((HOST, port))
        made.listen(128)
    except OSError as error:
        made.close()
        if error.errno == errno.EADDRINUSE:
            raise PortError(
                f"port {port} is in use, perhaps by another studio: end that one, or choose another by --port "
                "(--port 0 takes any free one)"
            ) from None
        raise PortError(f"port {port} cannot be listened on: {error.strerror}") from None
    return made
