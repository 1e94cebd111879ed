"""What the studio answers where it cannot do what it is asked: a status, a code for the page, a sentence for a
person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from safecot_dsl.errors import SafecotError


class StudioError(SafecotError):
    """An answer other than the one asked for. `code` is for the page, the message a sentence for a person, `path` the
    file that it is about, and `more` further keys of the answer beside `error`."""

    def __init__(self, status: int, code: str, message: str, *, path: str | None = None, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.path = path
        self.more = more

    def content(self, shown: Callable[[str], str] = str) -> dict[str, Any]:
        """The answer as JSON has it, its sentence as `shown` makes it."""
        return {"error": {"code": self.code, "message": shown(str(self)), "path": self.path}, **self.more}


def mistake(error: Exception) -> StudioError:
    """What is said of an error that nobody foresaw."""
    kind = type(error).__name__
    return StudioError(500, "broken", f"The studio made a mistake of its own ({kind}); nothing was written.")


def not_found(path: str) -> StudioError:
    return StudioError(404, "not_found", f"There is no file `{path}` in this folder.", path=path)
