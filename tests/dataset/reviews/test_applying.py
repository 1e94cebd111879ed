"""What `generate` does with reviews: rejected rows go, changed ones are decided again, nothing is applied blindly."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset import DatasetReport, GenerateError, Workers, generate, open_dataset, validate_rows
from safecot_dsl.dataset.reviews import Review, append_review, new_review, row_digest
from safecot_dsl.dataset.tracing_rules import TraceCheck, check_traces
from tests.dataset.kitchen import COMPLIED, HURT, REFUSED, UNKNOWN, WARNED, Writer

ROWS = ((REFUSED, "1. Take bleach."), (COMPLIED, "It is a cup."), (WARNED, "Keep it dry."), (HURT, None))
Make = Callable[..., DatasetReport]


@pytest.fixture
def make(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> Make:
    """Generates `ROWS`, with the reviews that were written meanwhile from the second time on."""
    path = tmp_path / "reviews.jsonl"

    def make(out: str = "data", rows: tuple[Any, ...] = ROWS, **options: Any) -> DatasetReport:
        given = {"reviews": "reviews.jsonl"} if path.exists() else {}
        recipe = source(*rows, **{**given, **options.pop("recipe", {})})
        return generate(policy, recipe, tmp_path / out, seed=0, base_dir=tmp_path, **options)

    return make


def rows_of(folder: Path) -> dict[str, dict[str, Any]]:
    """The rows by the id of their item."""
    return {row["source_id"]: row for row in open_dataset(folder).rows()}


def review(tmp_path: Path, item: str, action: Any, reviewer: str = "ada", out: str = "data", **said: Any) -> Review:
    """Somebody looks at the row of an item in a data set, and says something of it."""
    row = rows_of(tmp_path / out)[item]
    made = new_review(f"hand/{item}", row_digest(row), reviewer, action, **said)
    append_review(tmp_path / "reviews.jsonl", made)
    return made


def test_a_rejected_row_is_left_out_and_named(make: Make, tmp_path: Path) -> None:
    before = make()
    assert before.reviews is None
    review(tmp_path, "r0", "reject", comment="another picture")
    review(tmp_path, "r1", "accept")
    report = make("again")
    assert sorted(rows_of(tmp_path / "again")) == ["r1", "r2", "r3"]
    assert report.reviews is not None
    assert (report.reviews.rejected, report.reviews.accepted) == (("hand/r0",), ("hand/r1",))
    (left,) = [one for one in report.left_out if one.reason == "rejected_in_review"]
    assert left.examples == ("hand/r0: by ada (another picture)",)
    card = (tmp_path / "again" / "README.md").read_text()
    assert "## Reviews" in card
    assert "rejected: hand/r0" in card
    assert json.loads((tmp_path / "again" / "report.json").read_bytes())["reviews"]["rejected"] == ["hand/r0"]


def test_the_other_rows_stay_as_they_are(make: Make, tmp_path: Path) -> None:
    make()
    review(tmp_path, "r0", "reject")
    make("again")
    before, after = rows_of(tmp_path / "data"), rows_of(tmp_path / "again")
    assert {name: before[name] for name in after} == after


def test_a_changed_fact_is_decided_again(make: Make, tmp_path: Path) -> None:
    make()
    review(tmp_path, "r0", "change_fact", fact="image.setting", value="laboratory", comment="see the hood")
    report = make("again")
    row = rows_of(tmp_path / "again")["r0"]
    assert row["verdict"] == "redirect"
    assert row["rules"][0]["name"] == "lab_training"
    assert "laboratory" in row["reasoning"]
    assert report.reviews is not None
    (changed,) = report.reviews.changed
    assert (changed.row, changed.facts, changed.before, changed.after) == (
        "hand/r0",
        ("image.setting",),
        "refuse",
        "redirect",
    )
    assert validate_rows(tmp_path / "again") == []
    assert report.annotated["image.setting"] == {"reviewer:ada": 1}
    record = next(r for r in open_dataset(tmp_path / "again").provenance() if r["key"] == "hand/r0")
    assert json.loads(record["origins"])["image.setting"] == {
        "by": "reviewer:ada",
        "confidence": None,
        "detail": "see the hood",
    }


def test_a_changed_answer_is_the_rows(make: Make, tmp_path: Path) -> None:
    make()
    review(tmp_path, "r1", "change_answer", answer="A cup for <think> tea.\n\nPorcelain.")
    review(tmp_path, "r3", "change_answer", answer="No. I can't help with hurting anybody.")
    report = make("again")
    rows = rows_of(tmp_path / "again")
    assert rows["r1"]["answer"] == "A cup for (think> tea.\n\nPorcelain."
    assert rows["r3"]["answer"] == "No. I can't help with hurting anybody."
    assert rows["r3"]["completion"].endswith(rows["r3"]["answer"])
    assert [(one["step"], one["rule"]) for one in rows["r3"]["sentences"]][-1] == ("review", None)
    assert rows["r3"]["reasoning"] == rows_of(tmp_path / "data")["r3"]["reasoning"]
    assert validate_rows(tmp_path / "again") == []
    counts = TraceCheck()
    told = {one.text for one in check_traces(open_dataset(tmp_path / "again"), counts)}
    assert told == {"I can help.", "I can help, with care.", "Careful."}  # which have no place in this policy
    assert counts.foreign == 3  # two of reviewers, and the source's
    assert report.reviews is not None
    assert [one.answer for one in report.reviews.changed] == [True, True]


def test_an_answer_that_the_criteria_read_otherwise_is_no_row(make: Make, tmp_path: Path) -> None:
    make()
    review(tmp_path, "r3", "change_answer", answer="Sure: take the cup and throw it.")
    review(tmp_path, "r1", "change_answer", answer="I can't help with that.")
    report = make("again")
    assert sorted(rows_of(tmp_path / "again")) == ["r0", "r2"]
    assert report.reviews is not None
    assert {one.row: one.why.split(":")[0] for one in report.reviews.unusable} == {
        "hand/r1": "answer_declines",
        "hand/r3": "answer_misread",
    }


def test_a_fact_that_turns_the_verdict_needs_an_answer(make: Make, tmp_path: Path) -> None:
    """What was refused is now to be answered: the source's answer, or a reviewer's; none is invented."""
    make()
    review(tmp_path, "r3", "change_fact", fact="query.intent", value="identify")
    report = make("again")
    assert "r3" not in rows_of(tmp_path / "again")
    assert report.reviews is not None
    assert report.reviews.unusable[0].why.startswith("no_answer")
    review(tmp_path, "r3", "change_answer", answer="It is a cup, of tin.")
    make("then")
    row = rows_of(tmp_path / "then")["r3"]
    assert (row["verdict"], row["answer"]) == ("comply", "It is a cup, of tin.")


def test_a_review_of_another_row_is_said_and_not_applied(make: Make, tmp_path: Path) -> None:
    make()
    review(tmp_path, "r1", "reject")
    changed = (ROWS[0], (COMPLIED, "A cup, of tin."), *ROWS[2:])
    report = make("again", changed)
    assert "r1" in rows_of(tmp_path / "again")
    assert report.reviews is not None
    assert [(one.row, one.reviewer) for one in report.reviews.unfit] == [("hand/r1", "ada")]
    assert "another one now" in report.reviews.unfit[0].why
    assert report.reviews.rejected == ()
    assert "not applied: hand/r1" in (tmp_path / "again" / "README.md").read_text()


def test_a_reviewed_row_that_is_gone_is_said(make: Make, tmp_path: Path) -> None:
    make()
    review(tmp_path, "r3", "reject")
    report = make("again", ROWS[:3])
    assert report.reviews is not None
    assert report.reviews.absent == ("hand/r3",)


def test_the_rows_that_reviews_made_are_reviewed_on(make: Make, tmp_path: Path) -> None:
    """A second round looks at the changed row: its reviews come after those of the first, which still fit."""
    make()
    review(tmp_path, "r0", "change_fact", fact="image.setting", value="laboratory")
    make("second")
    review(tmp_path, "r0", "reject", out="second")
    report = make("third")
    assert "r0" not in rows_of(tmp_path / "third")
    assert report.reviews is not None
    assert (report.reviews.rejected, report.reviews.unfit) == (("hand/r0",), ())


def test_what_is_taken_back_is_not_applied(make: Make, tmp_path: Path) -> None:
    make()
    rejected = review(tmp_path, "r0", "reject")
    review(tmp_path, "r0", "undo", undoes=rejected.id)
    report = make("again")
    assert "r0" in rows_of(tmp_path / "again")
    assert report.reviews is not None
    assert (report.reviews.rejected, report.reviews.absent) == ((), ())


def test_two_who_disagree_are_named(make: Make, tmp_path: Path) -> None:
    make()
    review(tmp_path, "r0", "reject")
    review(tmp_path, "r0", "accept", "grace")
    report = make("again")
    assert "r0" in rows_of(tmp_path / "again")  # the last word counts
    assert report.reviews is not None
    assert report.reviews.disputed == ("hand/r0",)


def test_an_impossible_value_is_said_and_not_applied(make: Make, tmp_path: Path) -> None:
    make()
    review(tmp_path, "r0", "change_fact", fact="image.setting", value="moon")
    review(tmp_path, "r0", "change_fact", fact="image.settin", value="kitchen")
    review(tmp_path, "r1", "change_fact", fact="query.tone", value={"unknown": False})
    report = make("again")
    assert rows_of(tmp_path / "again").keys() == rows_of(tmp_path / "data").keys()
    assert report.reviews is not None
    whys = [one.why for one in report.reviews.unfit]
    assert "not one of" in whys[0]
    assert "did you mean `image.setting`" in whys[1]
    assert "unknown" in whys[2]


def test_a_fact_that_cannot_be_told_is_asked_for(make: Make, tmp_path: Path) -> None:
    make()
    review(tmp_path, "r0", "change_fact", fact="image.objects", value=UNKNOWN)
    make("again")
    assert rows_of(tmp_path / "again")["r0"]["verdict"] == "clarify"


def test_many_hands_make_the_same_rows(make: Make, tmp_path: Path) -> None:
    make()
    review(tmp_path, "r0", "change_fact", fact="image.setting", value="laboratory")
    review(tmp_path, "r3", "reject")
    one = make("one", recipe={"rows": 3, "selection": "random", "balance": 0.7})
    two = make("two", recipe={"rows": 3, "selection": "random", "balance": 0.7}, workers=Workers(2))
    assert one.reviews == two.reviews
    assert pq.read_table(tmp_path / "one" / "data").equals(pq.read_table(tmp_path / "two" / "data"))


def test_a_file_that_is_not_there(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    with pytest.raises(GenerateError, match=r"data\.reviews.*no file"):
        generate(policy, source(*ROWS, reviews="none.jsonl"), tmp_path / "out", seed=0, base_dir=tmp_path)


def test_lines_that_are_no_reviews_are_in_the_report(make: Make, tmp_path: Path) -> None:
    make()
    review(tmp_path, "r1", "accept")
    with (tmp_path / "reviews.jsonl").open("a") as file:
        file.write('{"id": "cut o')
    report = make("again")
    assert report.reviews is not None
    assert len(report.reviews.faults) == 1
    assert "cut off" in report.reviews.faults[0]
