"""The guard's server as a process: limits on connections, and an end within seconds."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from safecot_dsl.guard.server import GuardServer

#: Seconds that answers under way are given when the server is told to stop.
GRACE = 3
#: Bytes of a request's head.
MAX_HEAD = 16 << 10
_FULL = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\nretry-after: 1\r\n\r\n"


def server(guard: GuardServer, host: str, port: int, *, log_level: str = "info") -> Server:
    """The server, to be run; it ends on SIGINT and SIGTERM."""
    settings = guard.settings

    class Protocol(_Limited):
        most = settings.max_connections
        seconds = settings.body_timeout

    return Server(
        Config(
            guard,
            host=host,
            port=port,
            http=Protocol,
            ws="none",
            log_level=log_level,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=settings.max_connections,
            h11_max_incomplete_event_size=MAX_HEAD,
            timeout_graceful_shutdown=GRACE,
        )
    )


def is_local(host: str) -> bool:
    """Whether only this machine reaches an address that is listened on."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Limited(H11Protocol):
    """HTTP on a connection that ends where its requests do not come, and where there are too many others."""

    most = 1
    seconds = 30.0
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.write(_FULL)
            transport.close()
        else:
            self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle and not self.cycle.response_complete:
            self._stop_waiting()
        elif self._late is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._late = self.loop.call_later(self.seconds, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
