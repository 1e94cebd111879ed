"""A question of the page's and its answer, declared once: its route is made of it, and its part of the OpenAPI page."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Literal, cast

from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from safecot_dsl.storage.json_text import parse_json
from safecot_dsl.studio.asking import FOLDER_PARAMETER, HEADER, MAX_NAME, asking, means_folder
from safecot_dsl.studio.errors import StudioError
from safecot_dsl.studio.messages.files import Nothing

if TYPE_CHECKING:
    from safecot_dsl.studio.state import Studio

Method = Literal["GET", "POST", "PUT", "DELETE"]
Handle = Callable[..., Any]

ROOT = "/api/v1"
#: Bytes of a question, and of one that brings a picture.
MAX_BODY = 4 << 20
MAX_UPLOAD = 24 << 20


class ApiRoute(Route):
    """One question. `handle(studio, asked)` answers it, in a thread where it is no coroutine, by a message of the type
    `gives`, or a response of its own (`media` is its type then: a picture). `asked` is of the type `takes`, read from
    the body of a POST or PUT, else from the query, and from the path in any case. With `uploads` the body is a form,
    and `handle` is given its files by name, too: `handle(studio, asked, files)`."""

    def __init__(
        self,
        method: Method,
        path: str,
        handle: Handle,
        *,
        takes: type[BaseModel] = Nothing,
        gives: type[BaseModel] | None = None,
        media: str = "application/json",
        uploads: tuple[str, ...] = (),
    ) -> None:
        self.asked_by: Method = method
        self.answers = handle
        self.takes = takes
        self.gives = gives
        self.media = media
        self.uploads = uploads
        super().__init__(ROOT + path, self._answer, methods=[method])

    async def _answer(self, request: Request) -> Response:
        asking.set(request.headers.get(HEADER, "")[:MAX_NAME])
        try:
            _check_folder(request)
            arguments = [request.app.state.studio, await self._asked(request)]
            if self.uploads:
                arguments = [arguments[0], *cast("tuple[Any, Any]", arguments[1])]
            if iscoroutinefunction(self.answers):
                answer = await cast("Awaitable[Any]", self.answers(*arguments))
            else:
                answer = await run_in_threadpool(self.answers, *arguments)
        except StudioError as error:
            studio: Studio = request.app.state.studio
            return failed(error, studio.folder.shown)
        if isinstance(answer, Response):
            return answer
        assert isinstance(answer, BaseModel)
        return Response(answer.model_dump_json(by_alias=True), media_type="application/json")

    async def _asked(self, request: Request) -> Any:
        given: dict[str, Any] = {}
        files: dict[str, bytes] = {}
        if self.uploads:
            await body_of(request, MAX_UPLOAD)
            async with request.form(max_files=len(self.uploads), max_fields=16) as form:
                for name, value in form.multi_items():
                    if isinstance(value, UploadFile):
                        files[name] = await value.read()
                    else:
                        given[name] = value
            lacking = [name for name in self.uploads if name not in files]
            if lacking:
                raise StudioError(422, "not_understood", f"The form has no file `{lacking[0]}`.")
        elif self.asked_by in ("POST", "PUT"):
            given = _object(await body_of(request, MAX_BODY), request)
        else:
            given = {name: value for name, value in request.query_params.items() if name != FOLDER_PARAMETER}
        asked = read_message(self.takes, {**given, **request.path_params})
        return (asked, files) if self.uploads else asked


def _check_folder(request: Request) -> None:
    """Refuse a page that was opened on another folder, whatever it asks."""
    studio: Studio = request.app.state.studio
    if not means_folder(request, studio.folder.uri):
        raise StudioError(
            409,
            "other_folder",
            "The studio of another folder answers here now: start this page's own again, or open the link of that one. "
            "Nothing was written.",
        )


def read_message(model: type[BaseModel], given: dict[str, Any]) -> BaseModel:
    """A message from its JSON form. Raises :class:`StudioError` where it is none."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise StudioError(
            422, "not_understood", f"The question is not understood: `{where}`: {first['msg']}."
        ) from None


def failed(error: StudioError, shown: Callable[[str], str] = str) -> Response:
    """An error as an answer. `shown` says of its sentence how the page has it."""
    return Response(
        json.dumps(error.content(shown), ensure_ascii=False).encode("utf-8", "replace"),
        error.status,
        media_type="application/json",
    )


async def body_of(request: Request, most: int) -> bytes:
    """The body, of at most so many bytes; a form that is read after it is read from there.

    Raises:
        StudioError: it is too long, or ends before its end.
    """
    too_large = StudioError(
        413, "too_large", f"What was sent is larger than {most >> 20} MiB: choose something smaller."
    )
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > most:
        raise too_large
    parts: list[bytes] = []
    held = 0
    try:
        async for part in request.stream():
            held += len(part)
            if held > most:
                raise too_large
            parts.append(part)
    except ClientDisconnect:
        raise StudioError(400, "gone", "The request ended before its end.") from None
    request._body = body = b"".join(parts)  # pyright: ignore[reportPrivateUsage] - where `form()` looks for it
    return body


def _object(body: bytes, request: Request) -> dict[str, Any]:
    """The object that a body of JSON is."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise StudioError(415, "not_json", "The question has to be JSON.")
    try:
        given = parse_json(body.decode("utf-8") or "{}")
    except ValueError:
        raise StudioError(400, "not_json", "The question is not JSON.") from None
    if not isinstance(given, dict):
        raise StudioError(422, "not_understood", "The question has to be an object.")
    return cast("dict[str, Any]", given)
