"""Files of the folder: what may be read and written, and that nobody's edit is lost."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from safecot_dsl.storage import read_bounded, sha256_bytes
from safecot_dsl.studio.api_route import MAX_BODY
from safecot_dsl.studio.errors import StudioError
from safecot_dsl.studio.folder import MAX_TEXT, StudioFolder
from safecot_dsl.studio.messages.files import FileWrite
from safecot_dsl.studio.policy.language import ALIVE, OTHER_FOLDER
from tests.studio.conftest import HOUSEHOLD, PORT

POLICY = "policies/household.safecot"
RECIPE = "name: mine\npolicy: p.safecot\ndata: {}\n"


def read(client: TestClient, path: str) -> Any:
    return client.get("/api/v1/file", params={"path": path})


def write(client: TestClient, path: str, text: str, digest: str | None = None) -> Any:
    return client.put("/api/v1/file", json={"path": path, "text": text, "digest": digest})


def test_the_session_names_what_there_is(client: TestClient, folder: Path) -> None:
    told = client.get("/api/v1/session").json()
    assert told["folder"] == "work"
    assert told["root_uri"] == folder.as_uri()
    assert (told["policies"], told["recipes"], told["runs"]) == ([POLICY], ["demo.yaml"], [])


def test_the_tree_has_kinds_and_no_hidden_files(client: TestClient, folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / ".secret.safecot").write_text("")
    (folder / "node_modules").mkdir()
    (folder / "runs" / "one" / "provenance").mkdir(parents=True)
    (folder / "runs" / "one" / "policy.json").write_text("{}")
    (folder / "reviews.jsonl").write_text("")
    tree = client.get("/api/v1/files").json()
    assert tree["complete"] is True
    assert [(entry["name"], entry["kind"]) for entry in tree["children"]] == [
        ("policies", "folder"),
        ("runs", "folder"),
        ("demo.yaml", "recipe"),
        ("notes.txt", "other"),
        ("reviews.jsonl", "reviews"),
    ]
    runs = tree["children"][1]["children"]
    assert [(run["path"], run["kind"], run["children"]) for run in runs] == [("runs/one", "run", None)]


def test_the_tree_has_an_end(client: TestClient, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safecot_dsl.studio.folder.MAX_ENTRIES", 3)
    for number in range(9):
        (folder / f"{number}.safecot").write_text("")
    (folder / "circle").symlink_to(folder)
    assert client.get("/api/v1/files").json()["complete"] is False


def test_a_text_is_read_with_its_digest(client: TestClient) -> None:
    told = read(client, POLICY).json()
    assert told == {"path": POLICY, "text": HOUSEHOLD, "digest": sha256_bytes(HOUSEHOLD.encode()), "writable": True}
    assert read(client, "notes.txt").json()["writable"] is False


@pytest.mark.parametrize(
    "path",
    [
        "../outside.safecot",
        "policies/../../outside.safecot",
        "/etc/passwd",
        "//etc/passwd",
        "policies//household.safecot",
        "./notes.txt",
        "..\\outside.safecot",
        "C:\\outside.safecot",
        "notes.txt:stream",
        ".git/config",
        "policies/.secret.safecot",
        "notes.txt\0.safecot",
        "a" * 2_000,
    ],
)
def test_no_path_leads_outside(client: TestClient, folder: Path, path: str) -> None:
    (folder.parent / "outside.safecot").write_text("outside")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("secret")
    (folder / "policies" / ".secret.safecot").write_text("secret")
    for answer in (read(client, path), write(client, path, "policy x {}")):
        assert answer.status_code == 403, answer.text
        assert answer.json()["error"]["code"] == "outside"
    decided = client.post("/api/v1/policy/facts", json={"source": {"path": path, "text": HOUSEHOLD}})
    assert decided.status_code == 403
    assert (folder.parent / "outside.safecot").read_text() == "outside"


@pytest.mark.skipif(os.name != "posix", reason="links need a right of their own on Windows")
def test_links_out_of_the_folder_are_refused(client: TestClient, folder: Path) -> None:
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "secret.safecot").write_text("secret")
    (folder / "link.safecot").symlink_to(outside / "secret.safecot")
    (folder / "linked").symlink_to(outside)
    (folder / "dangling.safecot").symlink_to(outside / "new.safecot")
    (folder / "hidden.safecot").symlink_to(folder / ".hidden.safecot")
    (folder / ".hidden.safecot").write_text("secret")
    for path in ("link.safecot", "linked/secret.safecot", "dangling.safecot", "hidden.safecot"):
        assert read(client, path).status_code == 403
        assert write(client, path, "x").status_code == 403
    assert not (outside / "new.safecot").exists()
    shown = [entry["name"] for entry in client.get("/api/v1/files").json()["children"]]
    assert not {"link.safecot", "linked", "dangling.safecot"} & set(shown)


@pytest.mark.skipif(os.name != "posix", reason="links need a right of their own on Windows")
def test_a_link_within_the_folder_stays_a_link(client: TestClient, folder: Path) -> None:
    (folder / "same.safecot").symlink_to(folder / POLICY)
    digest = read(client, "same.safecot").json()["digest"]
    assert write(client, "same.safecot", "# new\n", digest).status_code == 200
    assert (folder / "same.safecot").is_symlink()
    assert (folder / POLICY).read_text() == "# new\n"


@pytest.mark.skipif(os.name != "posix", reason="Windows has no pipes among its files")
def test_a_pipe_is_no_file(client: TestClient, folder: Path) -> None:
    os.mkfifo(folder / "pipe.safecot")
    assert read(client, "pipe.safecot").status_code == 415


def test_only_policies_and_recipes_are_written(client: TestClient, folder: Path) -> None:
    (folder / "compose.yaml").write_text("services: {}\n")
    for path in ("notes.txt", "new.py", "compose.yaml", "reviews.jsonl", "policy.json", "policies", "new"):
        given = read(client, path)
        digest = given.json()["digest"] if given.status_code == 200 else None
        assert write(client, path, RECIPE, digest).status_code in (403, 415), path
    assert write(client, "new.yaml", "services: {}\n").status_code == 403
    assert write(client, "new.yaml", RECIPE).status_code == 200
    assert write(client, "new.safecot", "policy x {}\n").status_code == 200
    assert write(client, "nowhere/new.safecot", "").status_code == 404
    assert (folder / "compose.yaml").read_text() == "services: {}\n"


def test_a_recipe_that_is_half_written_may_still_be_written(client: TestClient) -> None:
    digest = read(client, "demo.yaml").json()["digest"]
    assert write(client, "demo.yaml", "name: [", digest).status_code == 200


def test_an_edit_from_elsewhere_is_never_overwritten(client: TestClient, folder: Path) -> None:
    digest = read(client, POLICY).json()["digest"]
    (folder / POLICY).write_text("# by another program\n")
    answer = write(client, POLICY, "# mine\n", digest)
    assert answer.status_code == 409
    told = answer.json()
    assert told["error"]["code"] == "changed"
    assert told["text"] == "# by another program\n"
    assert (folder / POLICY).read_text() == "# by another program\n"
    assert write(client, POLICY, "# both\n", told["digest"]).json() == {"digest": sha256_bytes(b"# both\n")}


def test_a_new_file_takes_no_other_ones_place(client: TestClient, folder: Path) -> None:
    assert write(client, POLICY, "# new\n").status_code == 409
    digest = read(client, POLICY).json()["digest"]
    (folder / POLICY).unlink()
    gone = write(client, POLICY, "# mine\n", digest)
    assert (gone.status_code, gone.json()["text"]) == (409, None)
    assert write(client, POLICY, "# mine\n").status_code == 200


def test_of_two_tabs_one_is_told(folder: Path) -> None:
    served = StudioFolder(folder)
    digest = served.read(POLICY).digest
    outcomes: list[str] = []
    refused: list[str] = []

    def save(number: int) -> None:
        try:
            served.write(FileWrite(path=POLICY, text=f"# {number}\n", digest=digest))
            outcomes.append(f"# {number}\n")
        except StudioError as error:
            refused.append(error.code)

    tabs = [threading.Thread(target=save, args=(number,)) for number in range(8)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert outcomes == [(folder / POLICY).read_text()]
    assert refused == ["changed"] * 7


def test_a_files_line_breaks_and_rights_stay(client: TestClient, folder: Path) -> None:
    file = folder / "crlf.safecot"
    file.write_bytes(b"# a\r\n# b\r\n")
    file.chmod(0o640)
    digest = read(client, "crlf.safecot").json()["digest"]
    told = write(client, "crlf.safecot", "# a\n# c\n", digest).json()
    assert file.read_bytes() == b"# a\r\n# c\r\n"
    assert told["digest"] == sha256_bytes(file.read_bytes())
    if os.name == "posix":
        assert file.stat().st_mode & 0o777 == 0o640


def test_what_is_too_large_or_no_text_is_said(client: TestClient, folder: Path) -> None:
    (folder / "large.safecot").write_bytes(b"#" * (MAX_TEXT + 1))
    (folder / "binary.safecot").write_bytes(b"\xff\xfe\x00")
    assert read(client, "large.safecot").status_code == 415
    assert read(client, "binary.safecot").json()["error"]["code"] == "not_a_text"
    assert read(client, "absent.safecot").status_code == 404
    assert write(client, "new.safecot", "#" * (MAX_TEXT + 1)).status_code == 413
    body = b'{"path": "new.safecot", "text": "\\ud800", "digest": null}'
    lone = client.put("/api/v1/file", content=body, headers={"content-type": "application/json"})
    assert lone.status_code == 422
    assert not (folder / "new.safecot").exists()


def test_a_body_without_an_end_is_cut_off(client: TestClient) -> None:
    def long() -> Any:  # of no length that is said beforehand
        for _ in range(MAX_BODY // (1 << 16) + 1):
            yield b" " * (1 << 16)

    answer = client.put("/api/v1/file", content=long(), headers={"content-type": "application/json"})
    assert answer.status_code == 413
    headers = {"content-type": "application/json", "content-length": "99999999999"}
    assert client.put("/api/v1/file", content=b"{}", headers=headers).status_code == 413


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"null", b'"x"', b"[" * 100_000, b'{"path": 1}', b'{"a": 1, "a": 2}', b"\xff", b'{"more": 1}'],
)
def test_what_is_no_question_is_said(client: TestClient, body: bytes) -> None:
    answer = client.put("/api/v1/file", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.json()["error"]["message"]


def test_names_are_data(client: TestClient, folder: Path) -> None:
    name = '<img src=x onerror="alert(1)">.safecot'
    (folder / name).write_text("")
    answer = client.get("/api/v1/files")
    assert answer.headers["content-type"] == "application/json"
    assert name in [entry["name"] for entry in answer.json()["children"]]
    assert read(client, name).status_code == 200


def test_a_policy_is_begun_from_a_template_and_compiles(client: TestClient, folder: Path) -> None:
    for template in ("starter", "minimal"):
        path = f"policies/{template}_of_mine.safecot"
        answer = client.post("/api/v1/policy/new", json={"path": path, "template": template})
        assert answer.status_code == 200, answer.text
        assert answer.json()["text"] == (folder / path).read_text(encoding="utf-8")
        assert f"policy {template}_of_mine" in answer.json()["text"]
        facts = client.post("/api/v1/policy/facts", json={"source": {"path": path, "text": None}})
        assert facts.json()["policy"] == f"{template}_of_mine"


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        (POLICY, 409, "There is a file"),
        ("My Policy.safecot", 422, "`My Policy` is no name for a policy"),
        ("mine.yaml", 422, "`mine.yaml` is no name for a policy"),
        ("ask.safecot", 422, "`ask` is a word of the language"),
        ("nowhere/mine.safecot", 404, "There is no file `nowhere`"),
        ("../mine.safecot", 403, "below its folder only"),
    ],
)
def test_a_policy_is_not_begun_where_none_can_be(
    client: TestClient, folder: Path, path: str, status: int, sentence: str
) -> None:
    before = sorted(folder.rglob("*"))
    answer = client.post("/api/v1/policy/new", json={"path": path, "template": "starter"})
    assert answer.status_code == status
    assert sentence in answer.json()["error"]["message"]
    assert sorted(folder.rglob("*")) == before


def test_a_template_that_does_not_ship_is_said(client: TestClient) -> None:
    answer = client.post("/api/v1/policy/new", json={"path": "mine.safecot", "template": "begin"})
    assert answer.status_code == 422
    assert "there is no template `begin`" in answer.json()["error"]["message"].lower()


def test_messages_name_files_by_their_paths_in_the_folder(client: TestClient, folder: Path) -> None:
    shown = StudioFolder(folder).shown
    root = folder.resolve()
    assert shown(f"{root}/recipes/a.yaml: `data` is missing") == "recipes/a.yaml: `data` is missing"
    assert shown(f"nothing below {root}") == "nothing below this folder"
    assert shown("/elsewhere/a.yaml") == "/elsewhere/a.yaml"


def test_a_page_of_another_folder_is_refused_whatever_it_asks(client: TestClient, folder: Path) -> None:
    """A page names the folder that it was opened on: a copy's studio on the same port is none of its business."""
    mine = {"x-studio-folder": folder.as_uri()}
    others = {"x-studio-folder": (folder.parent / "copy").as_uri()}
    assert f'content="{folder.as_uri()}"' in client.get("/policy").text
    asked = {"path": "policies/new.safecot", "template": "starter"}
    for answer in (
        client.get("/api/v1/session", headers=others),
        client.post("/api/v1/policy/new", json=asked, headers=others),
    ):
        assert answer.status_code == 409
        assert answer.json()["error"]["code"] == "other_folder"
    assert not (folder / "policies" / "new.safecot").exists()
    assert client.post("/api/v1/policy/new", json=asked, headers=mine).status_code == 200


def test_what_a_browser_asks_for_by_itself_names_the_folder_in_its_address(client: TestClient, folder: Path) -> None:
    """A picture and a WebSocket have no headers of the page's."""
    here, elsewhere = folder.as_uri(), (folder.parent / "copy").as_uri()
    picture = "/api/v1/runs/picture?run=none&id=none&folder="
    assert client.get(picture + elsewhere).json()["error"]["code"] == "other_folder"
    assert client.get(picture + here).json()["error"]["code"] == "not_found"
    language = f"ws://127.0.0.1:{PORT}/api/v1/language?folder="
    with client.websocket_connect(language + elsewhere) as socket, pytest.raises(WebSocketDisconnect) as ended:
        socket.receive_text()
    assert ended.value.code == OTHER_FOLDER
    with client.websocket_connect(language + here) as socket:
        socket.send_text(ALIVE)
        assert socket.receive_text() == ALIVE


def test_the_policy_of_each_recipe_is_told_where_it_is_in_the_folder(client: TestClient, folder: Path) -> None:
    recipe = "name: x\npolicy: {}\ndata: {{}}\n"
    (folder / "policies" / "near.yaml").write_text(recipe.format("household.safecot # near"), encoding="utf-8")
    (folder / "far.yaml").write_text(recipe.format("../../secret.safecot"), encoding="utf-8")
    (folder / "odd.yaml").write_text(recipe.format("[1, {"), encoding="utf-8")
    told = client.get("/api/v1/session").json()
    assert {"policies/near.yaml", "far.yaml", "odd.yaml"} <= set(told["recipes"])
    assert told["recipe_policies"] == {"policies/near.yaml": "policies/household.safecot"}


def test_a_recipe_that_names_no_policy_costs_the_page_nothing(
    client: TestClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []
    parse = yaml.safe_load
    monkeypatch.setattr(yaml, "safe_load", lambda text: (parsed.append(text), parse(text))[1])
    recipe = "name: x\npolicy: {}\ndata: {{}}\n"
    (folder / "a:b.yaml").write_text(recipe.format("policies/household.safecot"), encoding="utf-8")
    (folder / "deep.yaml").write_text(recipe.format("[" * 900), encoding="utf-8")
    (folder / "long.yaml").write_text(recipe.format(f"[{'a,' * 200_000}]"), encoding="utf-8")
    answer = client.get("/api/v1/session")
    assert answer.status_code == 200
    assert {"a:b.yaml", "deep.yaml", "long.yaml"} <= set(answer.json()["recipes"])
    assert answer.json()["recipe_policies"] == {}
    assert [len(text) for text in parsed if "[" in text] == [len("policy: ") + 900]


def test_a_recipe_is_read_once_until_it_changes(
    client: TestClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def reading(path: Path, most: int) -> bytes:
        read.append(path.name)
        return read_bounded(path, most)

    monkeypatch.setattr("safecot_dsl.studio.folder.read_bounded", reading)
    for _ in range(2):
        assert client.get("/api/v1/session").json()["recipes"] == ["demo.yaml"]
    client.get("/api/v1/files")
    assert read == ["demo.yaml"]
    (folder / "demo.yaml").write_text("name: x\n", encoding="utf-8")
    assert client.get("/api/v1/session").json()["recipes"] == []
    assert read == ["demo.yaml"] * 2
