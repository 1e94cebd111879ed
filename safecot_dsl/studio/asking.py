"""Which of the open pages asks a question: each names itself in a header."""

from __future__ import annotations

from contextvars import ContextVar

HEADER = "x-studio-page"
#: Letters of a page's name that count.
MAX_NAME = 64

#: The page whose question is being answered; empty for a program that names none.
asking: ContextVar[str] = ContextVar("asking", default="")
