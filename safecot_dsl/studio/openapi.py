"""The OpenAPI page: every question and answer, from the declarations of the routes and the messages' models.

`python -m safecot_dsl.studio.openapi > docs/schema/studio.openapi.json` writes the published one.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from starlette.responses import Response

from safecot_dsl import __version__
from safecot_dsl.studio.api_route import ROOT, ApiRoute
from safecot_dsl.studio.asking import FOLDER_HEADER, FOLDER_PARAMETER
from safecot_dsl.studio.messages.files import ErrorMessage, Nothing
from safecot_dsl.studio.messages.policy import DoesNotCompile
from safecot_dsl.studio.policy.language import ALIVE
from safecot_dsl.studio.state import Studio

_REFERENCE = "#/components/schemas/{model}"
_FILE = {"type": "string", "format": "binary", "description": "The bytes of the file."}


def document(questions: Sequence[ApiRoute]) -> dict[str, Any]:
    """The page of these questions."""
    models: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {
        (ErrorMessage, "serialization"): None,
        (DoesNotCompile, "serialization"): None,
    }
    for question in questions:
        if question.takes is not Nothing:
            models[question.takes, "validation"] = None
        if question.gives is not None:
            models[question.gives, "serialization"] = None
    named, definitions = models_json_schema(list(models), ref_template=_REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for question in questions:
        paths.setdefault(question.path, {})[question.asked_by.lower()] = _operation(question, named, definitions)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "The studio of SafeCoT-DSL",
            "version": __version__,
            "description": "What the page asks the local server. Every request needs the cookie that the link sets; a "
            "request that changes something needs the page's own `Origin`. A request that names a folder, in the "
            f"header `{FOLDER_HEADER}` or the query's `{FOLDER_PARAMETER}`, is refused where another one is served. "
            f"The language server is at `{ROOT}/language`, a WebSocket with a JSON-RPC message a text frame; the frame "
            f"`{ALIVE}` is answered with itself, whatever the language server does.",
        },
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": dict(sorted(definitions["$defs"].items()))},
    }


def _operation(question: ApiRoute, named: dict[Any, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """One question with its parameters, its body and its answers."""
    described = (question.answers.__doc__ or "").strip()
    operation: dict[str, Any] = {
        "operationId": f"{question.asked_by.lower()}_{_words(question.path)}",
        "summary": " ".join(described.split("\n\n")[0].split()),
        "responses": {"200": {"description": "The answer.", "content": {question.media: _answer(question, named)}}},
    }
    in_path = re.findall(r"\{(\w+)", question.path)
    taken = {} if question.takes is Nothing else _resolved(named[question.takes, "validation"], definitions)
    properties: dict[str, Any] = taken.get("properties", {})
    required: list[str] = taken.get("required", [])
    if question.uploads:
        form = {
            "type": "object",
            "properties": {**properties, **dict.fromkeys(question.uploads, _FILE)},
            "required": [*required, *question.uploads],
        }
        operation["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": form}}}
        asked: list[str] = []
    elif question.asked_by in ("POST", "PUT"):
        if taken:
            content = {"application/json": {"schema": named[question.takes, "validation"]}}
            operation["requestBody"] = {"required": True, "content": content}
        asked = []
    else:
        asked = [name for name in properties if name not in in_path]
    parameters = [
        *({"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in in_path),
        *({"name": name, "in": "query", "required": name in required, "schema": properties[name]} for name in asked),
    ]
    if parameters:
        operation["parameters"] = parameters
    errors = {"default": "ErrorMessage", **({"422": "DoesNotCompile"} if "source" in properties else {})}
    for status, model in errors.items():
        schema = {"$ref": _REFERENCE.format(model=model)}
        described = "The policy does not compile." if model == "DoesNotCompile" else "Why there is no answer."
        operation["responses"][status] = {"description": described, "content": {"application/json": {"schema": schema}}}
    return operation


def _answer(question: ApiRoute, named: dict[Any, Any]) -> dict[str, Any]:
    if question.gives is None:
        return {"schema": {"type": "string", "format": "binary"}}
    return {"schema": named[question.gives, "serialization"]}


def _resolved(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    reference: str = schema.get("$ref", "")
    return definitions["$defs"][reference.rpartition("/")[2]] if reference else schema


def _words(path: str) -> str:
    return re.sub(r"\W+", "_", path.removeprefix(ROOT)).strip("_")


@cache
def published() -> str:
    """The page of all rooms, as JSON."""
    from safecot_dsl.studio.app import routes

    questions = [
        route for route in routes() if isinstance(route, ApiRoute) and route.answers.__name__ != "show_openapi"
    ]
    return json.dumps(document(questions), indent=2, ensure_ascii=False) + "\n"


def show_openapi(studio: Studio, asked: Nothing) -> Response:
    """This page."""
    del studio, asked
    return Response(published(), media_type="application/json")


ROUTES = [ApiRoute("GET", "/openapi.json", show_openapi)]


if __name__ == "__main__":
    sys.stdout.write(published())
