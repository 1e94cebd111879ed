"""A studio's server for tests of the Rows and Results rooms: a folder with runs, and a page that asks questions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from safecot_dsl.studio.access import Access
from safecot_dsl.studio.app import make_app
from safecot_dsl.studio.folder import StudioFolder
from safecot_dsl.studio.state import Studio

PORT = 8020
_ORIGIN = f"http://127.0.0.1:{PORT}"


class Page:
    """The page with its session."""

    def __init__(self, folder: Path) -> None:
        access = Access.anew(PORT)
        self.client = TestClient(make_app(Studio(StudioFolder(folder)), access), base_url=_ORIGIN)
        self.client.get(f"/?token={access.token}", follow_redirects=False)

    def get(self, path: str, status: int = 200, **asked: Any) -> Any:
        """The answer to a question as JSON; of an error, what stands under `error`."""
        answer = self.client.get(f"/api/v1{path}", params=asked)
        assert answer.status_code == status, answer.text
        return answer.json() if status == 200 else answer.json()["error"]

    def post(self, path: str, status: int = 200, **asked: Any) -> Any:
        """As :meth:`get`, with a body."""
        answer = self.client.post(f"/api/v1{path}", json=asked, headers={"origin": _ORIGIN})
        assert answer.status_code == status, answer.text
        return answer.json() if status == 200 else answer.json()["error"]

    def picture(self, path: str, **asked: Any) -> tuple[str, bytes]:
        """A picture's type and bytes."""
        answer = self.client.get(f"/api/v1{path}", params=asked)
        assert answer.status_code == 200, answer.text
        return answer.headers["content-type"], answer.content
