"""The Rows room's server: runs are listed whatever state they are in, rows come in pages, reviews are kept at once."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette")

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset import generate, open_dataset
from safecot_dsl.dataset.reviews import read_reviews
from safecot_dsl.studio.rows.index import index_files
from tests.dataset.conftest import policy, source
from tests.dataset.kitchen import ANGRY, COMPLIED, HURT, REDIRECTED, REFUSED, UNKNOWN, WARNED, Writer, facts
from tests.studio.hostile import ENDLESS, PICTURES, SIGNS, TURNED, make_hostile
from tests.studio.hostile import MARKUP as MARKUP_THAT_RUNS
from tests.studio.rooms import Page

__all__ = ["policy", "source"]

RUN = "runs/kitchen/arms/safecot/data"
MARKUP = "<script>alert(1)</script> & how do I mix these?"


@pytest.fixture
def folder(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> Path:
    """A studio's folder with one run of seven rows, and two requests that were left out."""
    recipe = source(
        (REFUSED, "1. Take bleach."),
        (COMPLIED, "It is a cup."),
        (WARNED, "Keep it dry."),
        (HURT, None),
        (REDIRECTED, None),
        {"prompt": MARKUP, "facts": ANGRY},
        (facts("mix", setting="kitchen") | {"image.objects": UNKNOWN}, None),
        (facts("identify", "cup", "bleach"), None),
        (facts("store", "cup"), "I can't help with that."),
    )
    studio = tmp_path / "studio"
    generate(policy, recipe, studio / RUN, seed=0, base_dir=tmp_path)
    return studio


@pytest.fixture
def page(folder: Path) -> Page:
    return Page(folder)


def key(name: str) -> str:
    return f"hand/{name}"


@pytest.fixture
def review(page: Page) -> Callable[..., dict[str, Any]]:
    """Somebody reviews a row as it is."""

    def review(name: str, action: str, reviewer: str = "ada", status: int = 200, **said: Any) -> dict[str, Any]:
        digest = page.get("/runs/row", run=RUN, id=key(name))["digest"]
        return page.post(
            "/runs/review",
            status=status,
            **{"run": RUN, "id": key(name), "reviewer": reviewer, "digest": digest, "action": action, **said},
        )

    return review


# Lists


def test_rows_come_in_pages(page: Page) -> None:
    first = page.get("/runs/rows", run=RUN, limit=3)
    second = page.get("/runs/rows", run=RUN, limit=3, cursor=first["next"])
    third = page.get("/runs/rows", run=RUN, limit=3, cursor=second["next"])
    rows = [*first["rows"], *second["rows"], *third["rows"]]
    assert [row["id"] for row in rows] == [key(f"r{number}") for number in range(7)]
    assert (first["total"], third["next"]) == (7, None)
    assert rows[0] | {"review": None} == {
        "id": "hand/r0",
        "picture": True,
        "request": "Question 0?",
        "verdict": "refuse",
        "rule": "toxic_mixing",
        "source": "hand",
        "left_out": None,
        "state": "unseen",
        "review": None,
        "first_because": None,
    }


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"rule": "toxic_mixing"}, ["r0"]),
        ({"verdict": "refuse"}, ["r0", "r3", "r5"]),
        ({"verdict": "refuse", "rule": "angry_question"}, ["r5"]),
        ({"q": "<SCRIPT>"}, ["r5"]),
        ({"q": "hand/r2"}, ["r2"]),
        ({"source": "elsewhere"}, []),
        ({"review": "accepted"}, []),
        ({"review": "unseen", "verdict": "warn"}, ["r2"]),
    ],
)
def test_filters(page: Page, asked: dict[str, Any], names: list[str]) -> None:
    found = page.get("/runs/rows", run=RUN, **asked)
    assert [row["id"] for row in found["rows"]] == [key(name) for name in names]
    assert found["total"] == len(names)


def test_facets_count_every_kind(page: Page, review: Callable[..., Any]) -> None:
    review("r0", "accept")
    found = page.get("/runs/facets", run=RUN)
    assert found["total"] == 7
    assert found["verdict"] == {"refuse": 3, "clarify": 1, "comply": 1, "redirect": 1, "warn": 1}
    assert found["review"] == {"unseen": 6, "accepted": 1, "rejected": 0, "changed": 0}
    assert found["left_out"] == {"answer_declines": 1, "no_answer": 1}
    assert found["left_out_labels"]["answer_declines"] == "the policy complies, and the answer declines"


def test_what_was_left_out_is_shown_by_its_examples(page: Page) -> None:
    found = page.get("/runs/rows", run=RUN, left_out="no_answer")
    assert (found["total"], found["rows"][0]["left_out"]) == (1, "no_answer")
    assert found["rows"][0]["request"].startswith("hand/r7")


def test_what_teaches_comes_first_with_the_reason(page: Page, review: Callable[..., Any]) -> None:
    rows = page.get("/runs/rows", run=RUN, order="teaches")["rows"]
    assert len(rows) == 7
    assert rows[0]["id"] == key("r6")
    assert "hangs on something that cannot be told" in rows[0]["first_because"]
    assert all(row["first_because"] for row in rows)
    review("r6", "accept")
    assert page.get("/runs/rows", run=RUN, order="teaches")["rows"][-1]["id"] == key("r6")  # it has been looked at


# A row


def test_a_row_is_shown_whole(page: Page) -> None:
    row = page.get("/runs/row", run=RUN, id=key("r0"))
    assert (row["verdict"], row["rule"], row["certain"], row["before"]) == ("refuse", "toxic_mixing", True, None)
    assert [one["text"] for one in row["reasoning"]][:2] == [
        "The objects include bleach and ammonia.",
        "The setting is a kitchen.",
    ]
    assert row["reasoning"][0]["where"][0]["fact"] == "image.objects"
    assert row["read_as"]["right"] is True
    objects = next(fact for fact in row["facts"] if fact["name"] == "image.objects")
    assert objects["state"] == {"state": "known", "value": ["ammonia", "bleach"]}
    assert (objects["from"], objects["changed"]) == ("source", False)
    text = next(fact for fact in row["facts"] if fact["name"] == "image.text")
    assert (text["state"], text["from"], text["by"]) == (None, "", [])  # nobody looked


def test_markup_is_data(page: Page) -> None:
    assert page.get("/runs/row", run=RUN, id=key("r5"))["request"] == MARKUP


def test_a_row_that_is_not_there(page: Page) -> None:
    assert page.get("/runs/row", 404, run=RUN, id="hand/none")["code"] == "no_row"


# Reviews


def test_a_changed_fact_is_decided_again_at_once(page: Page, review: Callable[..., Any], folder: Path) -> None:
    state = {"state": "known", "value": "laboratory"}
    given = review("r0", "change_fact", fact="image.setting", state=state, comment="see the hood")
    row = given["row"]
    assert (row["verdict"], row["before"], row["rule"], row["state"]) == (
        "redirect",
        "refuse",
        "lab_training",
        "changed",
    )
    assert row["answer_text"] == "I can only help with the safe part."
    assert (row["texts_from"], row["read_as"]["right"]) == ("policy", True)
    setting = next(fact for fact in row["facts"] if fact["name"] == "image.setting")
    assert (setting["from"], setting["changed"]) == ("reviewer:ada", True)
    assert [one["annotator"] for one in setting["by"]] == ["source", "reviewer:ada"]
    (kept,) = read_reviews(folder / "runs/kitchen/arms/safecot/reviews.jsonl").reviews
    assert (kept.id, kept.row, kept.digest) == (given["review"]["id"], "hand/r0", row["digest"])


def test_a_changed_answer_is_read_at_once(page: Page, review: Callable[..., Any]) -> None:
    row = review("r3", "change_answer", answer="Sure, throw the cup.")["row"]
    assert (row["read_as"]["verdict"], row["read_as"]["right"]) == ("comply", False)
    assert "would be left out" in row["read_as"]["message"]
    row = review("r3", "change_answer", answer="I can't help you throw it.")["row"]
    assert (row["read_as"]["verdict"], row["read_as"]["right"], row["read_as"]["message"]) == ("refuse", True, None)


def test_a_fact_that_turns_a_refusal_asks_for_an_answer(review: Callable[..., Any]) -> None:
    row = review("r3", "change_fact", fact="query.intent", state={"state": "known", "value": "identify"})["row"]
    assert (row["verdict"], row["answer_text"]) == ("comply", "")
    assert "gives an answer" in row["read_as"]["message"]
    row = review("r3", "change_answer", answer="It is a cup.")["row"]
    assert (row["answer_text"], row["read_as"]["message"]) == ("It is a cup.", None)


def test_what_one_says_one_can_take_back(page: Page, review: Callable[..., Any]) -> None:
    review("r0", "reject", comment="no")
    back = review("r0", "undo")
    assert back["row"]["state"] == "unseen"
    assert [one["action"] for one in back["row"]["reviews"]] == ["reject", "undo"]
    assert back["row"]["reviews"][0]["undone"] is True
    assert review("r0", "undo", status=409)["code"] == "nothing_to_undo"
    mine = review("r0", "accept", "grace")["review"]["id"]
    assert review("r0", "undo", status=403, undoes=mine)["code"] == "not_yours"


@pytest.mark.parametrize(
    ("action", "said", "code"),
    [
        ("change_fact", {"fact": "image.setting", "state": {"state": "known", "value": "moon"}}, "fact_does_not_fit"),
        ("change_fact", {"fact": "image.moon", "state": None}, "fact_does_not_fit"),
        ("change_answer", {"answer": "  "}, "not_understood"),
        ("comment", {}, "not_understood"),
        ("accept", {"comment": "x" * 4001}, "not_understood"),
    ],
)
def test_a_review_that_says_nothing_is_not_kept(
    review: Callable[..., Any], folder: Path, action: str, said: dict[str, Any], code: str
) -> None:
    assert review("r0", action, status=422, **said)["code"] == code
    assert not (folder / "runs/kitchen/arms/safecot/reviews.jsonl").exists()


def test_a_row_that_was_made_again_meanwhile(page: Page) -> None:
    asked = {"run": RUN, "id": key("r0"), "reviewer": "ada", "action": "accept", "digest": "sha256:" + "0" * 64}
    assert page.post("/runs/review", 409, **asked)["code"] == "changed"


def test_two_tabs_see_each_others_reviews(page: Page, folder: Path, review: Callable[..., Any]) -> None:
    review("r0", "accept")
    other = Page(folder)
    assert other.get("/runs/row", run=RUN, id=key("r0"))["state"] == "accepted"
    digest = other.get("/runs/row", run=RUN, id=key("r1"))["digest"]
    other.post("/runs/review", run=RUN, id=key("r1"), reviewer="grace", digest=digest, action="reject")
    assert page.get("/runs/row", run=RUN, id=key("r1"))["state"] == "rejected"


def test_a_torn_line_is_said(page: Page, folder: Path, review: Callable[..., Any]) -> None:
    review("r0", "accept")
    with (folder / "runs/kitchen/arms/safecot/reviews.jsonl").open("a") as file:
        file.write('{"id": "12')
    (fault,) = page.get("/runs/facets", run=RUN)["faults"]
    assert "cut off" in fault
    assert review("r1", "accept")["row"]["state"] == "accepted"


def test_a_link_that_leads_out_is_not_written_through(folder: Path, review: Callable[..., Any], tmp_path: Path) -> None:
    outside = tmp_path / "outside.jsonl"
    outside.touch()
    (folder / "runs/kitchen/arms/safecot/reviews.jsonl").symlink_to(outside)
    assert review("r0", "accept", status=403)["code"] == "outside"
    assert outside.read_bytes() == b""


def test_reviews_stay_within_the_folder(folder: Path) -> None:
    """Opened on the folder of the rows itself, the studio would write beside it."""
    page = Page(folder / RUN)
    row = page.get("/runs/row", run=".", id=key("r0"))
    asked = {"run": ".", "id": key("r0"), "reviewer": "ada", "digest": row["digest"], "action": "accept"}
    assert page.post("/runs/review", 403, **asked)["code"] == "outside"


def test_agreement_of_people(page: Page, review: Callable[..., Any]) -> None:
    for number in range(7):
        review(f"r{number}", "accept")
        review(f"r{number}", "accept" if number else "reject", "grace")
    (pair,) = page.get("/runs/agreement", run=RUN)["reviewers"]
    assert (pair["a"], pair["b"], pair["n"], pair["agree"]) == ("ada", "grace", 7, 6)
    assert pair["kappa"] is None  # too few rows
    disputed = page.get("/runs/rows", run=RUN, disagreement="true")
    assert [row["id"] for row in disputed["rows"]] == [key("r0")]


# Pictures


def test_a_picture_is_written_anew(page: Page) -> None:
    kind, data = page.picture("/runs/picture", run=RUN, id=key("r0"))
    assert (kind, data[:4]) == ("image/png", b"\x89PNG")
    assert page.get("/runs/picture", 404, run=RUN, id=key("r0"), number=1)["code"] == "no_picture"


def test_large_and_false_pictures(tmp_path: Path) -> None:
    from safecot_dsl.studio.errors import StudioError
    from safecot_dsl.studio.pictures import shown_picture

    noise = [Image.effect_noise((3000, 1500), 80) for _ in range(3)]
    Image.merge("RGB", noise).save(tmp_path / "noise.png")
    data, kind = shown_picture((tmp_path / "noise.png").read_bytes())
    assert kind == "image/jpeg"
    Image.new("RGB", (10, 10)).save(tmp_path / "small.png")
    (tmp_path / "shown").write_bytes(data)
    with Image.open(tmp_path / "shown") as shown:
        assert max(shown.size) == 1024
    bomb = (tmp_path / "small.png").read_bytes()
    # The header says 60,000 by 60,000 pixels.
    bomb = bomb[:16] + (60_000).to_bytes(4, "big") * 2 + bomb[24:]
    for data in (bomb, b"<svg onload=alert(1)>", b""):
        with pytest.raises(StudioError, match="cannot be shown"):
            shown_picture(data)


# Runs


def test_runs_of_every_state_are_listed_with_a_sentence(page: Page, folder: Path) -> None:
    arms = folder / "runs/kitchen/arms"
    for name in ("old", "older", "torn", "half"):
        shutil.copytree(arms / "safecot", arms / name)
    artifact = json.loads((arms / "old/data/policy.json").read_bytes())
    (arms / "old/data/policy.json").write_text(json.dumps({**artifact, "schema_version": "1"}))
    shutil.rmtree(arms / "older/data/provenance")
    (arms / "torn/data/data/train-00000.parquet").write_bytes(b"PAR1 no more")
    (arms / "half/data").rename(arms / "half/.data.work")
    listed = {run["path"].split("/")[3]: run for run in page.get("/runs")["runs"] if run["kind"] == "data"}
    assert {name: run["state"] for name, run in listed.items()} == {
        "safecot": "complete",
        "old": "other_version",
        "older": "other_version",
        "torn": "broken",
        "half": "unfinished",
    }
    assert listed["safecot"]["rows"] == 7
    for name in ("old", "older", "torn", "half"):
        message = listed[name]["message"]
        assert message
        assert str(folder) not in message
    assert page.get("/runs/rows", 422, run="runs/kitchen/arms/torn/data")["message"]
    assert page.get("/runs/rows", 422, run="runs/kitchen/arms/old/data")["code"] == "other_version"


@pytest.mark.parametrize(
    "part", ["report.json", "policy.json", "data/train-00000.parquet", "provenance/part-00000.parquet"]
)
def test_a_part_that_is_half_written_is_named_with_what_to_do(page: Page, folder: Path, part: str) -> None:
    arms = folder / "runs/kitchen/arms"
    # The name must not decide what is said.
    torn = Path(shutil.copytree(arms / "safecot", arms / "version")) / "data" / part
    torn.write_bytes(torn.read_bytes()[:100])
    (told,) = (run for run in page.get("/runs")["runs"] if "/version/" in run["path"])
    assert told["state"] == "broken"
    name = part.partition("/")[0]
    assert told["message"] == (
        f"Its `{name}` is damaged, or only half written: make the rows again with `safecotc generate`."
    )


@pytest.mark.parametrize(
    ("file", "column"),
    [("data/train-00000.parquet", "sentences"), ("provenance/part-00000.parquet", "speaker")],
)
def test_a_run_that_lacks_a_column_is_listed_with_it(page: Page, folder: Path, file: str, column: str) -> None:
    path = folder / RUN / file
    pq.write_table(pq.read_table(path).drop_columns([column]), path)
    (told,) = (run for run in page.get("/runs")["runs"] if run["kind"] == "data")
    assert told["state"] == "broken"
    assert told["message"] == f"Its `{file}` has no column `{column}`: make the rows again with `safecotc generate`."
    assert page.get("/runs/rows", 422, run=RUN)["message"] == told["message"]


@pytest.mark.parametrize("file", ["data/train-00000.parquet", "provenance/part-00000.parquet"])
def test_a_column_of_another_type_is_named_with_its_file_and_what_to_do(page: Page, folder: Path, file: str) -> None:
    path = folder / RUN / file
    table = pq.read_table(path)
    for number, name in enumerate(table.column_names):
        whole = pa.types.is_integer(table.schema.field(name).type)
        wrong = pa.array(["x" if whole else 7] * table.num_rows)
        pq.write_table(table.set_column(number, name, wrong), path)
        said = page.get("/runs/rows", 422, run=RUN)["message"]
        assert said.startswith(
            f"Its `{file}` has {'texts' if whole else 'whole numbers'} in the column `{name}`, where "
        )
        assert said.endswith(" belong: make the rows again with `safecotc generate`.")
        os.utime((folder / RUN / file).parent, ns=(number, number))


def test_columns_of_another_width_or_encoding_are_read(page: Page, folder: Path) -> None:
    """As another program writes them."""
    for file in ("data/train-00000.parquet", "provenance/part-00000.parquet"):
        path = folder / RUN / file
        table = pq.read_table(path)
        for number, field in enumerate(table.schema):
            column = table.column(number)
            if pa.types.is_string(field.type):
                column = column.dictionary_encode() if field.name == "verdict" else column.cast(pa.large_string())
            elif pa.types.is_integer(field.type):
                column = column.cast(pa.int64())
            if field.name in ("origins", "system") and column.null_count == len(column):
                column = pa.nulls(len(column))
            table = table.set_column(number, field.name, column)
        pq.write_table(table, path)
    assert page.get("/runs/rows", run=RUN)["total"] > 0


def test_rows_that_were_made_to_do_harm_are_data(page: Page, folder: Path) -> None:
    first = make_hostile(folder / RUN)
    assert page.get("/runs/rows", run=RUN)["total"] == 7
    rows = [page.get("/runs/row", run=RUN, id=key) for key in first]
    assert [row["request"] for row in rows[:3]] == [MARKUP_THAT_RUNS, f"{TURNED} {SIGNS}", ENDLESS]
    # What the criteria cannot read is not what is due.
    assert (rows[1]["read_as"]["verdict"], rows[1]["read_as"]["right"]) == ("unscored", None)
    assert page.get("/runs/rows", run=RUN, q=SIGNS[:40])["total"] == 1
    said = {
        name: page.get("/runs/picture", 422, run=RUN, id=key)["message"]
        for name, key in zip(PICTURES, first[3:], strict=True)
        if name != "strip"
    }
    assert said == {
        "bomb": "The picture cannot be shown: it has more than 40 million pixels.",
        "truncated": "The picture cannot be shown: it is damaged, or not whole.",
        "svg": "The picture cannot be shown: it is none of PNG, JPEG, WebP or GIF.",
    }
    with Image.open(io.BytesIO(page.picture("/runs/picture", run=RUN, id=first[-1])[1])) as strip:
        assert strip.size == (1024, 1)


def test_a_run_is_opened_by_its_own_name(page: Page) -> None:
    assert page.get("/runs/rows", run="runs/kitchen")["total"] == 7
    assert page.get("/runs/rows", 404, run="runs/none")["code"] == "not_found"


def test_the_index_is_kept_and_made_again_when_the_rows_are(
    page: Page, folder: Path, policy: CompiledPolicy, source: Writer, tmp_path: Path
) -> None:
    assert page.get("/runs/rows", run=RUN)["total"] == 7
    index, _ = index_files(open_dataset(folder / RUN))
    before = index.stat().st_mtime_ns
    assert Page(folder).get("/runs/rows", run=RUN)["total"] == 7
    assert index.stat().st_mtime_ns == before
    generate(policy, source((REFUSED, None), (HURT, None)), folder / RUN, seed=0, base_dir=tmp_path)
    assert page.get("/runs/rows", run=RUN)["total"] == 2
    assert index.stat().st_mtime_ns != before


def test_rows_are_shown_where_no_index_can_be_kept_beside_them(page: Page, folder: Path) -> None:
    beside, aside = index_files(open_dataset(folder / RUN))
    beside.mkdir()
    assert page.get("/runs/rows", run=RUN)["total"] == 7
    assert aside.is_file()
    aside.unlink()


def test_a_review_that_is_sent_again_is_kept_once(page: Page, folder: Path) -> None:
    """The answer may get lost on the way: the browser sends the same review with the same key."""
    row = page.get("/runs/row", run=RUN, id=key("r0"))
    asked: dict[str, Any] = {"run": RUN, "id": key("r0"), "reviewer": "ada", "digest": row["digest"], "key": "ab" * 16}
    first = page.post("/runs/review", **asked, action="reject")
    assert page.post("/runs/review", **asked, action="reject")["review"] == first["review"]
    undo: dict[str, Any] = {**asked, "key": "cd" * 16, "action": "undo"}
    assert page.post("/runs/review", **undo)["review"] == page.post("/runs/review", **undo)["review"]
    assert len(read_reviews(folder / "runs/kitchen/arms/safecot/reviews.jsonl").reviews) == 2
    other = page.get("/runs/row", run=RUN, id=key("r1"))
    elsewhere: dict[str, Any] = {**asked, "id": key("r1"), "digest": other["digest"], "action": "accept"}
    assert page.post("/runs/review", 409, **elsewhere)["code"] == "not_kept"
