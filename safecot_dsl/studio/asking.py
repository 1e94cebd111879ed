"""Which of the open pages asks a question, and which folder it means: each says both in headers. What a browser asks
for by itself, a picture or a WebSocket, has no headers of the page's, and names the folder in its address."""

from __future__ import annotations

from contextvars import ContextVar

from starlette.requests import HTTPConnection

HEADER = "x-studio-page"
#: The address of the folder that a page was opened on: another folder's studio may be started in the place of its own.
FOLDER_HEADER = "x-studio-folder"
FOLDER_PARAMETER = "folder"
#: Letters of a page's name that count.
MAX_NAME = 64

#: The page whose question is being answered; empty for a program that names none.
asking: ContextVar[str] = ContextVar("asking", default="")


def means_folder(connection: HTTPConnection, uri: str) -> bool:
    """Whether a request is meant for the folder with this address. A program that names none means the one there is."""
    named = (connection.headers.get(FOLDER_HEADER), connection.query_params.get(FOLDER_PARAMETER))
    return all(each is None or each == uri for each in named)
