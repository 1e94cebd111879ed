"""Who gets an answer, and what a page may do: the ways that a stranger would try."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from safecot_dsl.studio.access import Access
from safecot_dsl.studio.app import PAGE
from tests.studio.conftest import HOST, PORT

SESSION = "/api/v1/session"
LANGUAGE = f"ws://127.0.0.1:{PORT}/api/v1/language"


def test_the_link_sets_a_strict_cookie_and_leaves_the_address(serve: Callable[..., TestClient], access: Access) -> None:
    client = serve(session=False)
    assert client.get(SESSION).status_code == 401
    opened = client.get(f"/policy?path=a&token={access.token}")
    assert opened.status_code == 303
    assert opened.headers["location"] == "/policy?path=a"
    cookie = opened.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert access.token not in cookie
    assert client.get(SESSION).status_code == 200


@pytest.mark.parametrize("token", ["", "x", "ä", "0" * 43, "'; --"])
def test_a_wrong_token_opens_nothing(serve: Callable[..., TestClient], token: str) -> None:
    client = serve(session=False)
    assert client.get("/", params={"token": token}).status_code == 403
    assert "set-cookie" not in client.get("/", params={"token": token}).headers
    assert client.get(SESSION).status_code == 401


def test_the_token_is_no_cookie_and_opens_no_question(serve: Callable[..., TestClient], access: Access) -> None:
    client = serve(session=False)
    assert client.get(f"{SESSION}?token={access.token}").status_code == 401
    client.cookies.set(access.cookie, access.token)
    assert client.get(SESSION).status_code == 401


def test_the_link_leads_to_no_other_host(serve: Callable[..., TestClient], access: Access) -> None:
    client = serve(session=False)
    opened = client.get(f"{HOST}//evil.example/x?token={access.token}")
    assert opened.headers["location"] == "/evil.example/x"


@pytest.mark.parametrize("host", ["evil.example:8020", "127.0.0.1", "127.0.0.1:8021", "localhost.evil:8020", ""])
def test_a_name_that_was_made_to_lead_here_gets_nothing(client: TestClient, host: str) -> None:
    """DNS rebinding: the browser sends the name of the other site."""
    answer = client.get(SESSION, headers={"host": host, "origin": f"http://{host}"})
    assert answer.status_code == 403
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(LANGUAGE, headers={"host": host}):
        pass


def test_localhost_is_this_machine_too(client: TestClient, access: Access) -> None:
    headers = {"host": "localhost:8020", "origin": "http://localhost:8020"}
    assert client.get(SESSION, headers=headers | {"cookie": f"{access.cookie}={access.secret}"}).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:9999", "null", f"{HOST}.evil", "file://"])
def test_another_page_gets_nothing(client: TestClient, origin: str) -> None:
    """A page of another port of this machine is of the same *site*: its requests bring the cookie."""
    body = {"path": "policies/new.safecot", "text": "", "digest": None}
    assert client.put("/api/v1/file", json=body, headers={"origin": origin}).status_code == 403
    assert client.get(SESSION, headers={"origin": origin}).status_code == 403
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(LANGUAGE, headers={"origin": origin}):
        pass


def test_a_change_without_an_origin_is_refused(client: TestClient) -> None:
    del client.headers["origin"]
    body = {"path": "policies/new.safecot", "text": "", "digest": None}
    assert client.put("/api/v1/file", json=body).status_code == 403
    assert client.get(SESSION).status_code == 200  # reading harms nobody: no other page may see the answer
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(LANGUAGE):
        pass


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_picture_or_script_of_another_page_gets_nothing(client: TestClient, site: str) -> None:
    assert client.get(SESSION, headers={"sec-fetch-site": site, "sec-fetch-mode": "no-cors"}).status_code == 403
    assert client.get(SESSION, headers={"sec-fetch-site": site, "sec-fetch-mode": "navigate"}).status_code == 403
    assert client.get(SESSION, headers={"sec-fetch-site": "same-origin"}).status_code == 200


def test_a_websocket_needs_the_session(serve: Callable[..., TestClient]) -> None:
    client = serve(session=False)
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(LANGUAGE, headers={"origin": HOST}):
        pass


def test_a_form_of_another_site_is_no_question(client: TestClient) -> None:
    """What a form can send without asking first is never read as JSON."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        body = b'{"path": "policies/new.safecot", "text": "", "digest": null}'
        assert client.put("/api/v1/file", content=body, headers={"content-type": kind}).status_code == 415


def test_the_page_may_load_nothing_from_elsewhere(client: TestClient) -> None:
    answers = [client.get("/"), client.get("/policy?path=x")]
    nonces: set[str] = set()
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; ")
        assert "unsafe" not in policy
        assert "http:" not in policy
        assert "frame-ancestors 'none'" in policy
        nonces.add(re.findall("'nonce-([^']+)'", policy)[0])
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert len(nonces) == 2
    assert client.get(SESSION).headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_the_nonce_stands_where_the_page_wants_it(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "index.html").write_text('<meta property="csp-nonce" nonce="__NONCE__">', encoding="utf-8")
    monkeypatch.setattr("safecot_dsl.studio.app.PAGE", tmp_path)
    answer = client.get("/")
    nonce = re.findall("'nonce-([^']+)'", answer.headers["content-security-policy"])[0]
    assert answer.text == f'<meta property="csp-nonce" nonce="{nonce}">'


@pytest.mark.parametrize(
    "path", ["/..%2fapp.py", "/assets/..%2f..%2faccess.py", "/%2e%2e/app.py", "/assets/%2e%2e/%2e%2e/app.py"]
)
def test_nothing_beside_the_built_page_is_served(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert "import" not in answer.text
    assert answer.status_code in (200, 404)
    assert answer.status_code == 404 or "<html" in answer.text


def test_assets_are_kept_and_have_their_type(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "a.js").write_text("1", encoding="utf-8")
    (tmp_path / "assets" / "a.html").write_text("<script>", encoding="utf-8")
    monkeypatch.setattr("safecot_dsl.studio.app.PAGE", tmp_path)
    script = client.get("/assets/a.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "immutable" in script.headers["cache-control"]
    assert client.get("/assets/a.html").status_code == 404
    assert client.get("/assets/b.js").status_code == 404


def test_a_session_outlives_the_server_and_no_longer_than_a_month(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "state" / "session.json"
    first = Access.kept(file, PORT)
    assert file.stat().st_mode & 0o077 == 0
    assert Access.kept(file, PORT) == first
    assert Access.kept(file, PORT + 1).token != first.token
    now = Access.kept(file, PORT)
    monkeypatch.setattr("safecot_dsl.studio.access.time.time", lambda: 4e9)
    assert Access.kept(file, PORT).token != now.token
    for broken in (
        "",
        "{",
        "[]",
        '{"port": 8020, "made": "x", "token": "y"}',
        '{"port": 8020, "made": 4e9, "token": 1}',
    ):
        file.write_text(broken, encoding="utf-8")
        assert len(Access.kept(file, PORT).token) == 43


def test_the_page_that_is_built_ships() -> None:
    assert (PAGE / "index.html").is_file()


def test_an_error_of_ours_is_said_without_its_details(
    serve: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serve(raise_server_exceptions=False)

    def broken(*_: object) -> None:
        raise RuntimeError("/home/somebody/secret")

    monkeypatch.setattr("safecot_dsl.studio.folder.StudioFolder.read", broken)
    answer = client.get("/api/v1/file", params={"path": "notes.txt"})
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["error"]["code"] == "broken"
