"""What another process is asked: claims, findings, and what changed since a version."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from safecot_dsl.studio.asking import asking
from safecot_dsl.studio.errors import StudioError
from safecot_dsl.studio.folder import StudioFolder
from safecot_dsl.studio.messages import policy as messages
from safecot_dsl.studio.policy import worker
from safecot_dsl.studio.policy.policies import Policies
from safecot_dsl.studio.policy.proving import Prover
from safecot_dsl.studio.policy.revisions import revisions_of, text_at
from tests.studio.conftest import HOUSEHOLD, SOURCE

LAXER = HOUSEHOLD.replace("query.intent is mix\n  verdict refuse", "query.intent is mix\n  verdict warn", 1)
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


def ask(client: TestClient, what: str, text: str | None = None, **question: Any) -> Any:
    answer = client.post(f"/api/v1/policy/{what}", json={"source": {**SOURCE, "text": text}, **question})
    return answer.json()


def git(folder: Path, *arguments: str) -> str:
    settings = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    run = subprocess.run(["git", "-C", str(folder), *settings, *arguments], check=True, capture_output=True, text=True)
    return run.stdout


def test_claims_are_proved_or_refuted_by_a_case(client: TestClient) -> None:
    held = ask(client, "claims")["items"]
    assert [item["kind"] for item in held] == ["property"] * 5 + ["law"] * 3
    assert {item["state"] for item in held} == {"holds"}
    fails = {item["name"]: item for item in ask(client, "claims", LAXER)["items"] if item["state"] == "fails"}
    item = fails["nobody is told how to make a toxic gas"]
    decided = ask(client, "decide", LAXER, case=item["witness"])
    assert decided["verdict"] == "warn"


def test_findings_are_those_of_check(client: TestClient) -> None:
    assert ask(client, "findings")["findings"] == []
    codes = {finding["code"] for finding in ask(client, "findings", LAXER)["findings"]}
    assert "SC1003" in codes
    broken = ask(client, "findings", HOUSEHOLD.replace("toxic_pair and", "toxic_piar and", 1))["findings"]
    assert {finding["code"] for finding in broken} == {"SC0101"}


def test_what_changed_since_the_saved_file_comes_with_a_case(client: TestClient) -> None:
    assert ask(client, "changes", HOUSEHOLD + "# a comment\n", against="saved")["regions"] == []
    told = ask(client, "changes", LAXER, against="saved")
    assert told["complete"] is True
    assert "laxer" in told["message"]
    region = next(region for region in told["regions"] if (region["before"], region["after"]) == ("refuse", "warn"))
    assert "toxic_mixing" in region["rules"]
    assert ask(client, "decide", case=region["witness"])["verdict"] == "refuse"
    assert ask(client, "decide", LAXER, case=region["witness"])["verdict"] == "warn"
    assert told["rows"] is None


def test_a_saved_file_that_does_not_compile_is_said(client: TestClient, folder: Path) -> None:
    (folder / SOURCE["path"]).write_text("policy", encoding="utf-8")
    assert ask(client, "changes", HOUSEHOLD, against="saved")["error"]["code"] == "before_does_not_compile"
    (folder / SOURCE["path"]).unlink()
    assert ask(client, "changes", HOUSEHOLD, against="saved")["error"]["code"] == "nothing_before"


@needs_git
def test_a_version_in_git_is_compared_with_its_own_imports(client: TestClient, folder: Path) -> None:
    git(folder, "init", "--quiet")
    library, policy = folder / "policies" / "shared.safecot", folder / SOURCE["path"]
    library.write_text(
        'library shared { version "1" }\nfacts query { harm : score }\nlet harmful = query.harm >= 0.5\n'
    )
    policy.write_text(
        'policy p { version "1" }\nimport shared\nrule r { when shared.harmful verdict refuse }\n'
        "default comply\nunsure clarify\n"
    )
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "The <b>first</b> one\x1fand more")
    library.write_text(library.read_text().replace("0.5", "0.9"))
    told = client.get("/api/v1/policy/revisions", params={"path": SOURCE["path"]}).json()["revisions"]
    assert [revision["subject"] for revision in told] == ["The <b>first</b> one\x1fand more"]
    changes = ask(client, "changes", against=told[0]["revision"])
    assert [(region["before"], region["after"]) for region in changes["regions"]] == [("refuse", "comply")]


@needs_git
@pytest.mark.parametrize("revision", ["HEAD", "--help", "-x", "0123456;ls", "$(touch x)", "0123456:./../x", "main", ""])
def test_what_is_no_version_is_refused(folder: Path, revision: str) -> None:
    git(folder, "init", "--quiet")
    with pytest.raises(StudioError) as refused:
        text_at(folder / SOURCE["path"], revision)
    assert refused.value.code == "no_revision"


@needs_git
def test_a_version_that_is_not_there_is_said(client: TestClient, folder: Path) -> None:
    git(folder, "init", "--quiet")
    assert ask(client, "changes", HOUSEHOLD, against="0" * 40)["error"]["code"] == "no_revision"


@needs_git
def test_a_repositorys_own_settings_run_nothing(folder: Path, tmp_path: Path) -> None:
    """A folder from elsewhere may name programs in `.git/config`."""
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "one")
    mark = tmp_path / "ran"
    program = tmp_path / "program.sh"
    program.write_text(f"#!/bin/sh\ntouch {mark}\n")
    program.chmod(0o755)
    for name in ("core.fsmonitor", "core.pager", "diff.external", "gpg.program", "core.sshCommand", "core.editor"):
        git(folder, "config", name, str(program))
    git(folder, "config", "log.showSignature", "true")
    git(folder, "config", "diff.policy.textconv", str(program))
    git(folder, "config", "filter.policy.smudge", str(program))
    (folder / ".gitattributes").write_text("*.safecot diff=policy filter=policy\n")
    mark.unlink(missing_ok=True)  # by `git config`, which has no pager, or not
    file = folder / SOURCE["path"]
    (revision,) = revisions_of(file)
    assert text_at(file, revision.revision) == HOUSEHOLD
    assert not mark.exists()


def test_without_git_there_are_no_versions(client: TestClient) -> None:
    assert client.get("/api/v1/policy/revisions", params={"path": SOURCE["path"]}).json() == {"revisions": []}
    assert client.get("/api/v1/policy/revisions", params={"path": "../x.safecot"}).status_code == 403


def test_a_newer_question_ends_an_older_one(folder: Path) -> None:
    async def two() -> list[Any]:
        prover = Prover(folder, "claims", seconds=60)
        first = asyncio.create_task(
            prover.ask(messages.SourceQuery.model_validate({"source": SOURCE}), messages.TestedItems)
        )
        await asyncio.sleep(0.2)
        second = asyncio.create_task(
            prover.ask(
                messages.SourceQuery.model_validate({"source": {**SOURCE, "text": "policy"}}), messages.TestedItems
            )
        )
        found = await asyncio.gather(first, second, return_exceptions=True)
        await prover.stop()
        return found

    older, newer = asyncio.run(two())
    assert isinstance(older, StudioError)
    assert older.code == "superseded"
    assert isinstance(newer, StudioError)
    assert newer.code == "does_not_compile"


def test_another_page_s_question_ends_none(folder: Path) -> None:
    async def asked_by(prover: Prover, page: str) -> messages.TestedItems:
        asking.set(page)
        return await prover.ask(messages.SourceQuery.model_validate({"source": SOURCE}), messages.TestedItems)

    async def two() -> list[messages.TestedItems]:
        prover = Prover(folder, "claims", seconds=60)
        first = asyncio.create_task(asked_by(prover, "one"))
        await asyncio.sleep(0.2)
        try:
            return list(await asyncio.gather(first, asked_by(prover, "other")))
        finally:
            await prover.stop()

    assert [len(found.items) for found in asyncio.run(two())] == [8, 8]


def test_a_process_that_ends_is_not_said_to_have_taken_too_long(folder: Path) -> None:
    async def one() -> None:
        prover = Prover(folder / "gone", "claims", seconds=60)
        try:
            await prover.ask(messages.SourceQuery.model_validate({"source": SOURCE}), messages.TestedItems)
        finally:
            await prover.stop()

    with pytest.raises(StudioError, match="try again") as ended:
        asyncio.run(one())
    assert ended.value.code == "broken"


def test_a_mistake_of_what_works_is_an_answer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def mistaken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(worker.QUESTIONS, "claims", (mistaken, messages.SourceQuery))
    question = json.dumps({"what": "claims", "asked": {"source": SOURCE}})
    answer = worker.answer(Policies(StudioFolder(folder)), question)
    assert answer["status"] == 500
    assert "a mistake of its own (ZeroDivisionError)" in answer["error"]["error"]["message"]


def test_what_takes_too_long_is_given_up(folder: Path) -> None:
    async def one() -> None:
        prover = Prover(folder, "claims", seconds=0.05)
        try:
            await prover.ask(messages.SourceQuery.model_validate({"source": SOURCE}), messages.TestedItems)
        finally:
            await prover.stop()

    with pytest.raises(StudioError) as given_up:
        asyncio.run(one())
    assert given_up.value.code == "took_too_long"


def test_a_folder_from_elsewhere_has_no_say_in_what_is_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python would take modules from the working folder first."""
    for name in ("json", "typing", "safecot_dsl", "sitecustomize"):
        (folder / f"{name}.py").write_text("raise SystemExit('the folder was run')\n")
    monkeypatch.chdir(folder)

    async def one() -> messages.TestedItems:
        prover = Prover(folder, "claims", seconds=60)
        try:
            return await prover.ask(messages.SourceQuery.model_validate({"source": SOURCE}), messages.TestedItems)
        finally:
            await prover.stop()

    assert len(asyncio.run(one()).items) == 8
