"""What the public functions raise: one family, so that one `except` is enough."""

from __future__ import annotations


class SafecotError(Exception):
    """The base of every error that the public functions raise on purpose. The message is meant for people: it names the
    file and line, the row or the fact, says what is wrong with it and, where that can be said, what was meant."""


class UsageError(SafecotError, ValueError, TypeError):
    """An argument is none that the function takes: of another type, or a name that there is not."""


class MissingExtraError(SafecotError, ModuleNotFoundError):
    """What is asked for needs packages that are not installed; the message says which, and has the line that
    installs all of them."""


class NoSuchCaseError(SafecotError, ValueError):
    """No case is as it is asked for: the solver has ruled it out."""


class UndecidedError(SafecotError, RuntimeError):
    """The solver took too long, or no text was found that fits: whether there is such a case is not known."""
