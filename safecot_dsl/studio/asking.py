"""Which of the open pages asks a question, and which folder it means: each says both in headers."""

from __future__ import annotations

from contextvars import ContextVar

HEADER = "x-studio-page"
#: The address of the folder that a page was opened on: another folder's studio may be started in the place of its own.
FOLDER_HEADER = "x-studio-folder"
#: Letters of a page's name that count.
MAX_NAME = 64

#: The page whose question is being answered; empty for a program that names none.
asking: ContextVar[str] = ContextVar("asking", default="")
