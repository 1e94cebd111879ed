"""What is sent back over ASGI: JSON, parts of a stream, and errors in OpenAI's shape."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

#: What a client is told of an error of the model's server: never its words, which may speak of other clients, of
#: addresses and of keys.
UPSTREAM_STATUSES = {
    400: (400, "the model's server refused the request"),
    404: (502, "the model's server does not have the model"),
    413: (413, "the request is too long for the model's server"),
    422: (400, "the model's server refused the request"),
    429: (429, "the model's server has too much to do"),
    503: (503, "the model's server has too much to do"),
}


def described(status: int, message: str, field: str | None) -> dict[str, Any]:
    """An error as OpenAI's API tells it; `field` is the request's field that is at fault."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    return {"message": message, "type": kind, "code": status, "param": field}


async def send_error(
    send: Send, status: int, message: str, *, field: str | None = None, more: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    """Send an error as the response, with `more` headers."""
    await send_json(send, status, {"error": described(status, message, field)}, more)


async def send_json(send: Send, status: int, value: Any, more: Sequence[tuple[bytes, bytes]] = ()) -> None:
    """Send a value as the response, with `more` headers."""
    data = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(data)).encode()), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})


async def send_part(send: Send, text: str, *, last: bool = False) -> None:
    """Send a part of a response whose head is out."""
    await send({"type": "http.response.body", "body": text.encode("utf-8", "replace"), "more_body": not last})
