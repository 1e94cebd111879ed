"""Who may ask the studio: whoever opened its link, from its own page, at its own address.

A page of another site, of another port of this machine, or of a name that was made to lead here, gets no answer. The
link holds a token; opening it sets a cookie that the browser sends from the studio's own page only, and forgets the
token from the address.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from safecot_dsl.storage import read_bounded, write_whole

_Message = MutableMapping[str, Any]
_Send = Callable[[_Message], Awaitable[None]]
_Receive = Callable[[], Awaitable[_Message]]
_App = Callable[[MutableMapping[str, Any], _Receive, _Send], Awaitable[None]]

_TOKEN = re.compile(r"[\w-]{43}", re.ASCII)
#: Seconds for which a token is good, and bytes of the file that holds it.
_KEPT_FOR = 30 * 24 * 3600
_MAX_KEPT = 1_000
_HOSTS = ("127.0.0.1", "localhost", "[::1]")
#: What a browser says of a request that this very page made, or the person by the address bar.
_OWN = ("same-origin", "none")
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' blob: data:; "
    "font-src 'self'; connect-src 'self' ws://{host}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
#: For what is no page: it may do nothing at all.
_NOTHING = b"default-src 'none'; frame-ancestors 'none'"


@dataclass(frozen=True)
class Access:
    """The token of the link, and the port that is listened on."""

    token: str
    port: int

    @classmethod
    def anew(cls, port: int) -> Access:
        return cls(secrets.token_urlsafe(32), port)

    @classmethod
    def kept(cls, file: Path, port: int) -> Access:
        """The access that a studio of the same folder had at the same port within the last month, so that a page which
        is open goes on after a restart; else a new one, which is kept in a file that only its owner may read."""
        try:
            told = json.loads(read_bounded(file, _MAX_KEPT))
            if told["port"] == port and 0 <= time.time() - told["made"] < _KEPT_FOR and _TOKEN.fullmatch(told["token"]):
                return cls(told["token"], port)
        except (OSError, ValueError, TypeError, KeyError):
            pass
        access = cls.anew(port)
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(file, json.dumps({"port": port, "made": time.time(), "token": access.token}) + "\n", mode=0o600)
        return access

    @property
    def link(self) -> str:
        """What to open."""
        return f"http://127.0.0.1:{self.port}/?token={self.token}"

    @property
    def cookie(self) -> str:
        """The cookie's name: cookies are shared among the ports of a machine."""
        return f"safecot-studio-{self.port}"

    @property
    def secret(self) -> str:
        """The cookie's value, of which the token cannot be told."""
        return hashlib.sha256(f"cookie:{self.token}".encode()).hexdigest()

    @property
    def hosts(self) -> frozenset[str]:
        """What a request may name as its host."""
        return frozenset(f"{host}:{self.port}" for host in _HOSTS)

    def admits(self, cookies: str) -> bool:
        """Whether a `Cookie` header holds the secret."""
        try:
            morsel = SimpleCookie(cookies).get(self.cookie)
        except CookieError:
            return False
        return morsel is not None and _same(morsel.value, self.secret)

    def opens(self, token: str) -> bool:
        return _same(token, self.token)


class Guarded:
    """An application behind :class:`Access`; every answer gets the headers that hold the page to itself."""

    def __init__(self, app: _App, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: MutableMapping[str, Any], receive: _Receive, send: _Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "").lower()
        nonce = secrets.token_urlsafe(18)
        scope["nonce"] = nonce
        answer = _with_headers(send, nonce, host)
        refusal = self._refusal(scope, headers, host)
        if scope["type"] == "websocket":
            if refusal is None and self._access.admits(headers.get("cookie", "")):
                await self._app(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 4403, "reason": refusal or "no session"})
            return
        if refusal is not None:
            await _say(answer, 403, refusal)
            return
        token = _token_of(scope)
        if token is not None and self._access.opens(token):
            await self._set_cookie(scope, answer)
        elif self._access.admits(headers.get("cookie", "")):
            await self._app(scope, receive, answer)
        elif scope["path"].startswith("/api/"):
            await _say_json(answer)
        else:
            await _say(answer, 403, "This studio opens by the link that `safecotc studio` printed.")

    def _refusal(self, scope: MutableMapping[str, Any], headers: dict[str, str], host: str) -> str | None:
        """Why a request gets no answer, whoever sends it."""
        if host not in self._access.hosts:
            return "The studio answers at its own address only."
        origin = headers.get("origin")
        changing = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD")
        if (origin is None and changing) or (origin is not None and origin.lower() != f"http://{host}"):
            return "The studio answers its own page only."
        # A link from elsewhere may open the page itself (without its cookie, which is not sent along then).
        navigating = headers.get("sec-fetch-mode") == "navigate" and not scope["path"].startswith("/api/")
        if headers.get("sec-fetch-site", "none") not in _OWN and not navigating:
            return "The studio answers its own page only."
        return None

    async def _set_cookie(self, scope: MutableMapping[str, Any], send: _Send) -> None:
        """The cookie, and the same address without the token."""
        rest = [(name, value) for name, value in _query(scope) if name != "token"]
        # A path that begins with two slashes would be another host's.
        place = "/" + scope["path"].lstrip("/") + (f"?{urlencode(rest)}" if rest else "")
        cookie = f"{self._access.cookie}={self._access.secret}; Path=/; HttpOnly; SameSite=Strict"
        headers = [(b"location", place.encode("ascii", "ignore")), (b"set-cookie", cookie.encode())]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def _same(given: str, held: str) -> bool:
    """Whether two texts are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), held.encode())


def _query(scope: MutableMapping[str, Any]) -> list[tuple[str, str]]:
    return parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)


def _token_of(scope: MutableMapping[str, Any]) -> str | None:
    """The token in the address of a page that is opened."""
    if scope["method"] != "GET" or scope["path"].startswith("/api/"):
        return None
    return next((value for name, value in _query(scope) if name == "token"), None)


def _with_headers(send: _Send, nonce: str, host: str) -> _Send:
    """`send`, with the headers that every answer has; a page may run what is its own."""

    async def sending(message: _Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            page = any(name == b"content-type" and value.startswith(b"text/html") for name, value in headers)
            policy = _POLICY.format(nonce=nonce, host=host).encode("latin-1") if page else _NOTHING
            named = {name for name, _ in headers}
            kept = [] if b"cache-control" in named else [(b"cache-control", b"no-store")]
            message = {**message, "headers": [*headers, *_HEADERS, (b"content-security-policy", policy), *kept]}
        await send(message)

    return sending


async def _say(send: _Send, status: int, sentence: str) -> None:
    body = f'<!doctype html><meta charset="utf-8"><title>Studio</title><p>{html.escape(sentence)}'.encode()
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _say_json(send: _Send) -> None:
    body = (
        b'{"error": {"code": "no_session", "message": "The studio was started anew: open the link that it printed.", '
        b'"path": null}}'
    )
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 401, "headers": headers})
    await send({"type": "http.response.body", "body": body})
