"""Long work: begun, watched, stopped, and there again after the server was."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from safecot_dsl.dataset.reviews import reviews_file
from safecot_dsl.processes import module as run_module
from safecot_dsl.studio.folder import StudioFolder
from safecot_dsl.studio.jobs import routes as module
from safecot_dsl.studio.jobs.store import JobStore
from safecot_dsl.studio.messages.jobs import JobQuery

SMALL = 'policy p { version "1" }\nfacts query { harm : flag }\nrule r { when query.harm verdict refuse }\n'
SMALL += "default comply\nunsure clarify\n"
SMALL += 'example "one" { given query.harm = yes expect refuse by r }\n'
SLEEPS = [*run_module("timeit"), "-n", "1", "-r", "1", "-s", "import time", "time.sleep(60)"]


def wait(get: Callable[[], Any], seconds: float = 90) -> Any:
    end = time.monotonic() + seconds
    while (job := get())["state"] == "running" and time.monotonic() < end:
        time.sleep(0.1)
    return job


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    return JobStore(tmp_path / "state" / "jobs")


def begin(store: JobStore, tmp_path: Path, arguments: list[str] | None = None, **asked: Any) -> str:
    query = JobQuery(**({"kind": "test"} | asked))
    return store.begin(query, arguments or SLEEPS, "safecotc test", tmp_path, asked.get("out")).id


def test_a_policy_is_tested(client: TestClient, folder: Path) -> None:
    (folder / "small.safecot").write_text(SMALL)
    begun = client.post("/api/v1/jobs", json={"kind": "test", "path": "small.safecot"}).json()
    assert (begun["state"], begun["command"]) == ("running", "safecotc test ./small.safecot")
    job = wait(lambda: client.get(f"/api/v1/jobs/{begun['id']}").json())
    assert job["state"] == "done", job
    assert "1 test: 1 passed" in job["line"]
    assert [each["id"] for each in client.get("/api/v1/jobs").json()["jobs"]] == [begun["id"]]
    told = client.get(f"/api/v1/jobs/{begun['id']}/events")
    assert told.headers["content-type"].startswith("text/event-stream")
    assert json.loads(told.text.removeprefix("data: "))["state"] == "done"


def test_work_that_fails_says_why(client: TestClient, folder: Path) -> None:
    (folder / "small.safecot").write_text(SMALL.replace("expect refuse by r", "expect comply"))
    begun = client.post("/api/v1/jobs", json={"kind": "test", "path": "small.safecot"}).json()
    job = wait(lambda: client.get(f"/api/v1/jobs/{begun['id']}").json())
    assert job["state"] == "failed"
    assert "1 failed" in job["message"]


def test_work_is_stopped_and_says_that_it_goes_on_from_there(store: JobStore, tmp_path: Path) -> None:
    name = begin(store, tmp_path)
    end = time.monotonic() + 60
    while not (tmp_path / "state" / "jobs" / name / "begun").exists() and time.monotonic() < end:
        time.sleep(0.05)
    store.stop(name)
    job = wait(lambda: store.get(name).model_dump())
    assert job["state"] == "stopped"
    assert "goes on from there" in job["message"]
    assert store.stop(name).state == "stopped"  # once more does no harm


def test_work_outlives_the_store_that_began_it(store: JobStore, tmp_path: Path) -> None:
    said = [*run_module("timeit"), "-n", "1", "-r", "1", "print('made 3/7 rows')"]
    name = begin(store, tmp_path, said)
    later = JobStore(tmp_path / "state" / "jobs")  # as a server that was started anew has it
    job = wait(lambda: later.get(name).model_dump())
    assert job["state"] == "done"
    assert (job["done"], job["total"]) == (3, 7)


def test_work_whose_process_was_killed_has_broken_off(store: JobStore, tmp_path: Path) -> None:
    name = begin(store, tmp_path, ["true"])
    wait(lambda: store.get(name).model_dump())
    (tmp_path / "state" / "jobs" / name / "ended.json").unlink()
    job = store.get(name)
    assert job.state == "failed"
    assert "broke off" in (job.message or "")


def test_so_much_runs_at_once_and_one_writes_a_run(store: JobStore, tmp_path: Path) -> None:
    first = begin(store, tmp_path, out="runs/a")
    for out in ("runs/a", "runs/b"):
        if out == "runs/b":
            second = begin(store, tmp_path, out=out)
            out = "runs/c"
        with pytest.raises(Exception, match="Other work"):
            begin(store, tmp_path, out=out)
    for name in (first, second):
        store.stop(name)
    for name in (first, second):
        wait(lambda name=name: store.get(name).model_dump())


def test_what_a_command_says_is_text_without_control(store: JobStore, tmp_path: Path) -> None:
    said = [*run_module("timeit"), "-n", "1", "-r", "1", r"print('\x1b[31m<b>red</b>\x1b[0m\x07')"]
    name = begin(store, tmp_path, said)
    job = wait(lambda: store.get(name).model_dump())
    assert not any("\x1b" in line or "\x07" in line for line in job["tail"])
    assert any("<b>red</b>" in line for line in job["tail"])


def test_old_work_is_forgotten(store: JobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safecot_dsl.studio.jobs.store.MOST_KEPT", 1)
    names: list[str] = []
    for _ in range(3):
        names.append(begin(store, tmp_path, ["true"]))
        wait(lambda: store.get(names[-1]).model_dump())
    assert [job.id for job in store.all()] == names[:0:-1]


@pytest.mark.parametrize("name", ["", "..", "../x", "x" * 16, "0" * 15, "%2e%2e"])
def test_a_name_that_is_none_finds_no_work(client: TestClient, name: str) -> None:
    assert client.get(f"/api/v1/jobs/{name}").status_code in (200, 404, 405)
    assert client.delete(f"/api/v1/jobs/{name}").status_code in (404, 405)


# What is run ---------------------------------------------------------------------------------------------------------


def arguments(folder: Path, **asked: Any) -> list[str]:
    query = JobQuery(**asked)
    served = StudioFolder(folder)
    match query.kind:
        case "test":
            return module._test(served, query)
        case "generate":
            return module._generate(served, query)[0]
        case "ask":
            return module._ask(served, query)[0]


def test_rows_are_made_into_a_run_of_their_own(folder: Path) -> None:
    told = arguments(folder, kind="generate", path="demo.yaml", rows=10, arm="safecot")
    assert told == ["generate", "./demo.yaml", "--out", "./runs/demo", "--arm=safecot", "--set=data.rows=10"]
    (folder / "runs" / "demo").mkdir(parents=True)
    assert "./runs/demo-2" in arguments(folder, kind="generate", path="demo.yaml")


def test_rows_are_made_again_by_their_reviews(folder: Path) -> None:
    data = folder / "runs" / "demo" / "arms" / "safecot" / "data"
    (data / "provenance").mkdir(parents=True)
    (data / "policy.json").write_text("{}")
    (data / "recipe.yaml").write_text("name: demo\npolicy: policy.json\ndata: {}\n")
    for run in ("runs/demo", "runs/demo/arms/safecot/data"):
        reviews_file(data).unlink(missing_ok=True)
        with pytest.raises(Exception, match="no reviews yet"):
            arguments(folder, kind="generate", run=run)
        reviews_file(data).write_text("")
        told = arguments(folder, kind="generate", run=run)
        assert told[:5] == ["generate", "./demo.yaml", "--out", "./runs/demo-reviewed", "--arm=safecot"]
        assert told[5] == "--set=data.reviews=runs/demo/arms/safecot/reviews.jsonl"
    (folder / "demo.yaml").unlink()
    assert arguments(folder, kind="generate", run="runs/demo")[1] == "./runs/demo/arms/safecot/data/recipe.yaml"


def test_items_are_asked_of_a_model(folder: Path) -> None:
    (folder / "items.parquet").write_bytes(b"")
    asked = {"kind": "ask", "path": "items.parquet", "out": "answers"}
    told = arguments(folder, **asked, endpoint="http://localhost:8000/v1", name="--help")
    assert told == [
        "eval",
        "ask",
        "./items.parquet",
        "--out",
        "./answers",
        "--endpoint=http://localhost:8000/v1",
        "--name=--help",
    ]
    with pytest.raises(Exception, match="Name a model"):
        arguments(folder, **asked)


@pytest.mark.parametrize(
    "out", ["../out", "/tmp/out", ".git", "policies", "notes.txt", ".", "a/../../b", "runs/.hidden"]
)
def test_nothing_is_written_outside_or_over_other_files(folder: Path, out: str) -> None:
    with pytest.raises(Exception, match=r"studio opens files|is no folder|holds other files"):
        arguments(folder, kind="generate", path="demo.yaml", out=out)


def test_a_path_is_never_an_option(folder: Path) -> None:
    (folder / "--help").write_text("name: a\npolicy: b\ndata: c\n")
    assert arguments(folder, kind="generate", path="--help", out="--version")[:4] == [
        "generate",
        "./--help",
        "--out",
        "./--version",
    ]


@pytest.mark.parametrize(
    "asked", [{"kind": "rm"}, {"kind": "test"}, {"kind": "generate"}, {"kind": "test", "path": "x"}]
)
def test_what_cannot_be_begun_is_said(client: TestClient, asked: dict[str, str]) -> None:
    answer = client.post("/api/v1/jobs", json=asked)
    assert answer.status_code in (404, 422)
    assert client.get("/api/v1/jobs").json() == {"jobs": []}
