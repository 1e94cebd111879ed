"""The file of reviews: lines are added at its end, each whole or not at all, and none is ever changed.

Two people may write into one file at the same time, on one machine, and two files may be merged: a review is the same
where its id is.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from safecot_dsl.dataset.reviews.model import Review
from safecot_dsl.storage import sha256_bytes, write_whole
from safecot_dsl.storage.locks import Lock, lock, lock_beside
from safecot_dsl.systems import flush_folder, open_file

#: The file's name, beside the folder that holds the rows.
REVIEWS: Final = "reviews.jsonl"
#: Bytes of a line and of a file, at most.
LONGEST_LINE: Final = 256 << 10
LARGEST_FILE: Final = 1 << 30
#: Seconds that a writer waits for another one.
PATIENCE: Final = 10.0

_O_BINARY = getattr(os, "O_BINARY", 0)  # Windows otherwise writes two bytes for a line's end


class ReviewsError(ValueError):
    """A file of reviews that cannot be read or written at all; the message says what and how to mend it."""


@dataclass(frozen=True)
class LineFault:
    """A line that is no review, and is passed over: its number (from 1) and what is wrong with it."""

    line: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"


@dataclass(frozen=True)
class ReadReviews:
    """What a file holds: the reviews by time, each once, the lines that are none, and the digest of its bytes."""

    reviews: tuple[Review, ...]
    faults: tuple[LineFault, ...] = ()
    digest: str = ""

    def by_row(self) -> dict[str, list[Review]]:
        """The reviews of each row, by its key."""
        found: dict[str, list[Review]] = {}
        for review in self.reviews:
            found.setdefault(review.row, []).append(review)
        return found


def reviews_file(dataset: Path) -> Path:
    """The file of the reviews of the data set in a folder: beside it, as the folder is replaced when its rows are made
    again. `arms/safecot/data` has `arms/safecot/reviews.jsonl`."""
    return dataset.parent / REVIEWS


def read_reviews(path: Path) -> ReadReviews:
    """The reviews of a file; none where it is not there yet.

    A line that is no review is named among the faults and passed over: one that was being written when the process was
    killed, one of a newer version, one that was damaged. Raises :class:`ReviewsError` for what is no file of lines.
    """
    try:
        with open_file(path) as file:
            data = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        return ReadReviews(())
    except OSError as error:
        raise ReviewsError(f"{path} cannot be read ({error.strerror or error})") from error
    if len(data) > LARGEST_FILE:
        raise ReviewsError(f"{path} has more than {LARGEST_FILE >> 20} MiB, which no person's reviews come to")
    reviews, faults = parse_reviews(data)
    return ReadReviews(tuple(sorted(reviews, key=lambda one: one.order)), tuple(faults), sha256_bytes(data))


def parse_reviews(data: bytes) -> tuple[list[Review], list[LineFault]]:
    """The reviews in a file's bytes, in its order, each once, and the lines that are none."""
    found: dict[str, Review] = {}
    faults: list[LineFault] = []
    lines = data.split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        torn = number == len(lines)  # nothing ends it
        if len(line) > LONGEST_LINE:
            faults.append(LineFault(number, f"longer than {LONGEST_LINE >> 10} KiB"))
            continue
        try:
            review = Review.model_validate_json(line)
        except ValidationError as error:
            why = "it was cut off while it was being written" if torn else _said(error)
            faults.append(LineFault(number, f"{why}: {_shown(line)}"))
            continue
        first = found.setdefault(review.id, review)
        if first != review:
            faults.append(LineFault(number, f"the id {review.id} is another review's already; that one is kept"))
    return list(found.values()), faults


def append_review(path: Path, review: Review) -> None:
    """Add a review at the end of the file, and return when the disk has it.

    A line that another process left unfinished is ended first, so that it stays what it is and spoils no other. Where
    the disk is full, nothing of the line stays.

    Raises:
        ReviewsError: another process has held the file for :data:`PATIENCE` seconds, or the file cannot be written.
    """
    try:
        with _held(path):
            _append(path, review.line.encode("ascii"))
    except OSError as error:
        raise ReviewsError(f"{path} cannot be written ({error.strerror or error}); the review is not kept") from error


def merge_reviews(parts: Iterable[ReadReviews]) -> tuple[tuple[Review, ...], tuple[str, ...]]:
    """The reviews of several files as those of one, by time, each once; and what is wrong: ids that stand for
    different reviews, of which the first is kept."""
    found: dict[str, Review] = {}
    faults: list[str] = []
    for part in parts:
        for review in part.reviews:
            first = found.setdefault(review.id, review)
            if first != review:
                faults.append(f"the id {review.id} stands for two reviews; that of the first file is kept")
    return tuple(sorted(found.values(), key=lambda one: one.order)), tuple(faults)


def write_reviews(path: Path, reviews: Sequence[Review]) -> None:
    """Write a file of these reviews, whole or not at all."""
    write_whole(path, "".join(review.line for review in reviews))


def _held(path: Path) -> Lock:
    path.parent.mkdir(parents=True, exist_ok=True)
    held = lock(lock_beside(path), patience=PATIENCE)
    if held is None:
        raise ReviewsError(f"another process has been writing to {path} for {PATIENCE:g} seconds: try again")
    return held


def _append(path: Path, line: bytes) -> None:
    new = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _O_BINARY, 0o666)
    try:
        size = os.lseek(descriptor, 0, os.SEEK_END)
        if size:
            os.lseek(descriptor, size - 1, os.SEEK_SET)
            line = line if os.read(descriptor, 1) == b"\n" else b"\n" + line
            os.lseek(descriptor, size, os.SEEK_SET)
        try:
            written = 0
            while written < len(line):
                written += os.write(descriptor, line[written:])
            os.fsync(descriptor)
        except BaseException:
            os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)
    if new:
        flush_folder(path.parent)


def _said(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return f"`{where}`: {first['msg']}" if where else first["msg"]


def _shown(line: bytes) -> str:
    text = line[:60].decode("utf-8", "replace")
    return f"{text}…" if len(line) > 60 else text
