"""The file of reviews: nothing is lost, whoever is killed, whoever writes beside, whatever stands in it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from safecot_dsl.dataset.reviews import (
    Review,
    ReviewsError,
    Standing,
    append_review,
    merge_reviews,
    new_review,
    read_reviews,
    row_digest,
    write_reviews,
)
from safecot_dsl.storage.locks import lock, lock_beside

DIGEST = "sha256:" + "0" * 64

_WRITER = """
import sys
from pathlib import Path
from safecot_dsl.dataset.reviews import append_review, new_review
path, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for number in range(count):
    append_review(path, new_review(f"hand/{number}", "sha256:" + "0" * 64, name, "comment", comment="x" * 500))
    print(number, flush=True)
"""


def said(row: str, action: str, reviewer: str = "ada", **more: object) -> Review:
    return new_review(row, DIGEST, reviewer, action, **more)  # pyright: ignore[reportArgumentType]


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    path = tmp_path / "arms" / "reviews.jsonl"
    given = [
        said("hand/a", "accept"),
        said("hand/a", "change_fact", fact="image.objects", value=["bleach"]),
        said("hand/b", "change_answer", answer="Eine Zeile\u2028noch eine: <b>\n"),
        said("hand/b", "reject", comment="the picture is another one"),
    ]
    for review in given:
        append_review(path, review)
    read = read_reviews(path)
    assert list(read.reviews) == given
    assert read.faults == ()
    assert len(path.read_bytes().split(b"\n")) == len(given) + 1
    assert not lock_beside(path).exists()


def test_a_file_that_is_not_there_has_no_reviews(tmp_path: Path) -> None:
    assert read_reviews(tmp_path / "reviews.jsonl").reviews == ()


def test_a_torn_line_is_named_and_spoils_no_other(tmp_path: Path) -> None:
    """At every byte at which a process can be killed, what stood before is there, and what comes after, too."""
    path = tmp_path / "reviews.jsonl"
    first, torn, later = said("hand/a", "accept"), said("hand/b", "accept"), said("hand/c", "reject")
    line = torn.line.encode()
    for cut in range(1, len(line)):
        path.write_bytes(first.line.encode() + line[:cut])
        read = read_reviews(path)
        whole = cut == len(line) - 1  # all but the end of the line
        assert read.reviews == ((first, torn) if whole else (first,))
        assert len(read.faults) == (0 if whole else 1)
        append_review(path, later)
        after = read_reviews(path)
        assert {one.id for one in after.reviews} == {first.id, later.id, *([torn.id] if whole else [])}
        if not whole:
            assert "cut off" in str(read.faults[0])
            assert after.faults[0].line == 2


def test_a_killed_writer_loses_nothing_that_it_said_was_kept(tmp_path: Path) -> None:
    path = tmp_path / "reviews.jsonl"
    for _ in range(2):
        before = len(read_reviews(path).reviews)
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path), "ada", "100000"], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            for _ in range(20):
                writer.stdout.readline()
            writer.kill() if os.name != "posix" else writer.send_signal(signal.SIGKILL)
            kept = 20 + len(writer.stdout.read().splitlines())
        assert len(read_reviews(path).reviews) - before >= kept


def test_two_who_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "reviews.jsonl"
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(path), name, "60"], stdout=subprocess.DEVNULL)
        for name in ("ada", "grace")
    ]
    assert [writer.wait() for writer in writers] == [0, 0]
    read = read_reviews(path)
    assert read.faults == ()
    assert sorted(one.reviewer for one in read.reviews) == ["ada"] * 60 + ["grace"] * 60


def test_who_waits_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "reviews.jsonl"
    monkeypatch.setattr("safecot_dsl.dataset.reviews.file.PATIENCE", 0.05)
    held = lock(lock_beside(path))
    assert held is not None
    began = time.monotonic()
    with held, pytest.raises(ReviewsError, match="another process"):
        append_review(path, said("hand/a", "accept"))
    assert time.monotonic() - began < 5
    assert not path.exists()


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "reviews.jsonl"
    append_review(path, said("hand/a", "accept"))
    before, write = path.read_bytes(), os.write

    def half(descriptor: int, data: bytes) -> int:
        if len(data) < 100:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[: len(data) - 50])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(ReviewsError, match="No space left"):
        append_review(path, said("hand/b", "accept"))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("not json", "JSON"),
        ("{}", "id"),
        (json.dumps({"id": "0" * 32, "row": "a/b", "digest": DIGEST, "reviewer": "ada", "action": "accept"}), "at"),
        ("[" * 100_000, "JSON"),
        ("x" * (300 << 10), "longer than"),
    ],
)
def test_lines_that_are_no_reviews_are_named(tmp_path: Path, line: str, why: str) -> None:
    path = tmp_path / "reviews.jsonl"
    good = said("hand/a", "accept")
    path.write_text(line + "\n" + good.line)
    read = read_reviews(path)
    assert read.reviews == (good,)
    assert [fault.line for fault in read.faults] == [1]
    assert why in read.faults[0].message


def test_what_is_no_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ReviewsError, match="cannot be read"):
        read_reviews(tmp_path)


def test_files_of_two_people_merge_by_id(tmp_path: Path) -> None:
    both, ada, grace = said("hand/a", "accept"), said("hand/b", "reject"), said("hand/b", "accept", "grace")
    write_reviews(tmp_path / "one.jsonl", [both, ada])
    write_reviews(tmp_path / "two.jsonl", [grace, both])
    one, two = read_reviews(tmp_path / "one.jsonl"), read_reviews(tmp_path / "two.jsonl")
    assert merge_reviews([one, two]) == merge_reviews([two, one]) == ((both, ada, grace), ())
    # The lines of one file after those of the other come to the same: who merges by `cat` or by git's union loses none.
    (tmp_path / "cat.jsonl").write_bytes((tmp_path / "two.jsonl").read_bytes() + (tmp_path / "one.jsonl").read_bytes())
    assert read_reviews(tmp_path / "cat.jsonl").reviews == (both, ada, grace)


def test_two_reviews_of_one_id_are_told(tmp_path: Path) -> None:
    review = said("hand/a", "accept")
    other = review.model_copy(update={"action": "reject"})
    (tmp_path / "reviews.jsonl").write_text(review.line + other.line)
    read = read_reviews(tmp_path / "reviews.jsonl")
    assert read.reviews == (review,)
    assert "another review's" in read.faults[0].message


@pytest.mark.parametrize(
    "given",
    [
        {"action": "change_fact"},
        {"action": "change_answer", "answer": "  "},
        {"action": "comment"},
        {"action": "undo"},
        {"action": "accept", "fact": "image.objects"},
        {"action": "accept", "value": True},
        {"action": "reject", "answer": "no"},
        {"action": "accept", "reviewer": " "},
        {"action": "accept", "comment": "x" * 4001},
        {"action": "burn"},
    ],
)
def test_a_review_says_what_it_does(given: dict[str, object]) -> None:
    named = {"reviewer": "ada", **given}
    with pytest.raises(ValidationError):
        new_review("hand/a", DIGEST, **named)  # pyright: ignore[reportArgumentType]


# What stands


def test_the_last_word_counts_and_what_is_undone_does_not() -> None:
    accepted, rejected = said("hand/a", "accept"), said("hand/a", "reject", "grace")
    standing = Standing.of([accepted, rejected])
    assert (standing.state, standing.disputed) == ("rejected", True)
    undone = Standing.of([accepted, rejected, said("hand/a", "undo", "grace", undoes=rejected.id)])
    assert (undone.state, undone.disputed, undone.last) == ("accepted", False, accepted)


def test_a_comment_leaves_a_row_unseen() -> None:
    assert Standing.of([said("hand/a", "comment", comment="who is this?")]).state == "unseen"


def test_a_change_stands_beside_an_acceptance() -> None:
    changed = said("hand/a", "change_answer", answer="A cup.")
    assert Standing.of([changed, said("hand/a", "accept")]).state == "changed"
    assert Standing.of([changed, said("hand/a", "reject")]).state == "rejected"


def test_only_reviews_of_this_row_fit() -> None:
    old = said("hand/a", "reject").model_copy(update={"digest": "sha256:" + "1" * 64})
    assert Standing.of([old]).fitting(DIGEST).state == "unseen"


def test_the_digest_is_of_what_is_judged() -> None:
    row = {"prompt": "p", "image_sha256": ["00"], "facts": "{}", "verdict": "refuse", "answer": "No.", "reasoning": "r"}
    assert row_digest(row) == row_digest({**row, "reasoning": "otherwise", "completion": "c", "id": "i"})
    for name in ("prompt", "facts", "verdict", "answer"):
        assert row_digest({**row, name: "x"}) != row_digest(row)
    assert row_digest({**row, "image_sha256": ["01"]}) != row_digest(row)
