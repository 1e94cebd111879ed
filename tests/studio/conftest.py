"""A real folder, served: what the tests of the studio share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="the studio needs the extra `studio`")

from starlette.testclient import TestClient

from safecot_dsl.studio.access import Access
from safecot_dsl.studio.app import make_app
from safecot_dsl.studio.folder import StudioFolder
from safecot_dsl.studio.state import Studio

ROOT = Path(__file__).resolve().parents[2]
HOUSEHOLD = (ROOT / "policies" / "household_chemicals.safecot").read_text(encoding="utf-8")
PORT = 8020
HOST = f"http://127.0.0.1:{PORT}"
SOURCE = {"path": "policies/household.safecot", "text": None}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a policy, a recipe and a file that is neither."""
    place = tmp_path / "work"
    (place / "policies").mkdir(parents=True)
    (place / "policies" / "household.safecot").write_text(HOUSEHOLD, encoding="utf-8")
    (place / "demo.yaml").write_text((ROOT / "recipes" / "demo.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    (place / "notes.txt").write_text("nothing", encoding="utf-8")
    return place


@pytest.fixture
def access() -> Access:
    return Access.anew(PORT)


@pytest.fixture
def serve(folder: Path, tmp_path: Path, access: Access) -> Iterator[Callable[..., TestClient]]:
    """Serve the folder to a client of its own; with `session` it has opened the link."""
    clients: list[TestClient] = []

    def made(*, session: bool = True, **settings: object) -> TestClient:
        studio = Studio(StudioFolder(folder), state=tmp_path / "state")
        app = make_app(studio, access, prepare=False)
        client = TestClient(app, base_url=HOST, headers={"origin": HOST}, follow_redirects=False, **settings)
        client.__enter__()
        clients.append(client)
        if session:
            assert client.get(f"/?token={access.token}").status_code == 303
        return client

    yield made
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def client(serve: Callable[..., TestClient]) -> TestClient:
    return serve()
