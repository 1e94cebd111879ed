"""The studio as an application: what is served at which address."""

from __future__ import annotations

import html
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from safecot_dsl.studio.access import Access, Guarded
from safecot_dsl.studio.api_route import ROOT, failed
from safecot_dsl.studio.errors import StudioError, mistake
from safecot_dsl.studio.state import Studio

#: The built page: `studio/` at the top of the repository builds it.
PAGE = Path(__file__).resolve().parent / "page"
#: The rooms' modules; each has a list `ROUTES`.
ROOMS = (
    "files",
    *(f"policy.{each}" for each in ("deciding", "testing", "changing", "rules", "coverage", "annotating", "language")),
    *(f"{each}.routes" for each in ("jobs", "rows", "results")),
    "openapi",
)
_NONCE = "__NONCE__"
_FOLDER = "__FOLDER__"
_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
}


def make_app(studio: Studio, access: Access, *, prepare: bool = True) -> Guarded:
    """The application, behind its access. With `prepare` it makes ready what the first page needs when it starts."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        del app
        if prepare:
            studio.prepare()
        yield
        await studio.close()

    app = Starlette(
        routes=[*routes(), Route("/{path:path}", page, methods=["GET"])],
        lifespan=lifespan,
        exception_handlers={HTTPException: _refused, Exception: _broken},
    )
    app.state.studio = studio
    return Guarded(app, access)


def routes() -> Sequence[BaseRoute]:
    """The routes of all rooms."""
    return [route for room in ROOMS for route in import_module(f"safecot_dsl.studio.{room}").ROUTES]


async def page(request: Request) -> Response:
    """A file of the built page; the page itself at every other address, which it reads."""
    path = request.path_params["path"]
    if path.startswith("api/"):
        return failed(StudioError(404, "not_found", "There is nothing at this address."))
    file = (PAGE / path).resolve()
    suffix = Path(path).suffix
    if suffix in _TYPES and file.is_relative_to(PAGE) and file.is_file():
        # Names below `assets` hold a digest of the content.
        kept = "private, max-age=31536000, immutable" if path.startswith("assets/") else "no-cache"
        return FileResponse(file, media_type=_TYPES[suffix], headers={"cache-control": kept})
    if path.startswith("assets/"):
        return Response("There is no such file.", 404, media_type="text/plain")
    index = PAGE / "index.html"
    if not index.is_file():
        return Response("The page is not built: run `make studio`.", 503, media_type="text/plain")
    studio: Studio = request.app.state.studio
    text = index.read_text(encoding="utf-8").replace(_NONCE, request.scope["nonce"])
    text = text.replace(_FOLDER, html.escape(studio.folder.uri))
    return Response(text, media_type="text/html")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        return failed(StudioError(405, "wrong_method", "This address does not take that kind of request."))
    return failed(StudioError(error.status_code, "refused", f"The request is not taken: {error.detail}."))


async def _broken(request: Request, error: Exception) -> Response:
    del request
    return failed(mistake(error))


__all__ = ["PAGE", "ROOMS", "ROOT", "make_app", "routes"]
