"""Files of records: written so that they load anywhere, and read whatever they hold."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.dataset.formats import lines
from safecot_dsl.dataset.formats.lines import LinesWriter, UnreadableError, read_records
from tests.strategies import examples


def _written(path: Path, rows: list[tuple[int, bool]]) -> list[dict[str, Any]]:
    with LinesWriter(path) as writer:
        for number, has_images in rows:
            writer.add({"row": number}, has_images=has_images)
    assert writer.rows == len(rows)
    return [json.loads(line) for line in path.read_text().splitlines()]


@examples(30)
@given(st.lists(st.booleans(), max_size=12))
def test_a_record_with_images_stands_first_and_the_others_in_their_order(images: list[bool]) -> None:
    """Only the first record with images moves, to the front; nothing is lost."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        found = [row["row"] for row in _written(Path(folder) / "a.jsonl", list(enumerate(images)))]
    first = images.index(True) if any(images) else None
    order = list(range(len(images)))
    assert found == (order if first is None else [first, *(number for number in order if number != first)])


def test_waiting_records_are_kept_on_disk(tmp_path: Path) -> None:
    """More of them than are held in memory are all there."""
    with LinesWriter(tmp_path / "a.jsonl") as writer:
        for number in range(30):
            writer.add({"row": number, "text": "x" * 100_000}, has_images=number == 29)
    rows = [json.loads(line)["row"] for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert rows == [29, *range(29)]


def test_a_writer_that_fails_leaves_the_error_alone(tmp_path: Path) -> None:
    """What cannot be written as JSON is an error of the record."""
    with pytest.raises(ValueError, match="not JSON compliant"), LinesWriter(tmp_path / "a.jsonl") as writer:
        writer.add({"a": float("nan")}, has_images=False)


# No text that holds a line break of JSON Lines; everything else is a line.
@examples(50)
@given(st.lists(st.binary(max_size=40).filter(lambda data: b"\n" not in data), max_size=8))
def test_whatever_lines_hold_each_gives_a_record_or_a_fault(raw: list[bytes]) -> None:
    """No line stops the reading; empty ones are skipped, and rows are numbered without gaps."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.jsonl"
        path.write_bytes(b"\n".join(raw))
        records = list(read_records(path))
    assert [record.row for record in records] == list(range(sum(bool(line.strip()) for line in raw)))
    assert all(isinstance(record.value, dict) for record in records)


@examples(40)
@given(st.dictionaries(st.text(string.ascii_letters, min_size=1), st.text() | st.integers() | st.none(), min_size=1))
def test_what_is_written_is_read(record: dict[str, Any]) -> None:
    """Any text and any number come back, but for lone surrogates, which no UTF-8 file holds."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.jsonl"
        with LinesWriter(path) as writer:
            writer.add(record, has_images=False)
        (read,) = read_records(path)
    assert (read.value, read.fault) == (record, None)


def test_a_line_above_the_limit_is_a_fault_and_the_next_is_read(tmp_path: Path, monkeypatch: Any) -> None:
    """It is not held in memory, and places stay right after it."""
    monkeypatch.setattr(lines, "MAX_LINE", 1 << 20)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": "' + b"x" * (3 << 20) + b'"}\n{"b": 1}\n')
    long, short = read_records(path)
    assert (long.row, long.fault) == (0, "a line of 3 MiB, above the limit of 1")
    assert (short.row, short.value, short.start) == (1, {"b": 1}, (3 << 20) + 10)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"[" * 1_000_000, "nested too deeply"),
        (b'{"a": ' * 200_000, "nested too deeply"),
        (b"\x00", "not JSON"),
        (b"\xff\xfe{}", "not UTF-8 (byte 0)"),
        (b'{"a": Infinity}', "`Infinity` is no number of JSON"),
        (b'"text"', "not a JSON object"),
    ],
)
def test_hostile_lines(line: bytes, fault: str, tmp_path: Path) -> None:
    """Bombs and broken texts are faults."""
    (tmp_path / "a.jsonl").write_bytes(line)
    (record,) = read_records(tmp_path / "a.jsonl")
    assert record.fault is not None
    assert fault in record.fault


def test_a_number_of_a_million_digits(tmp_path: Path) -> None:
    """It is read as what a column would hold, and costs nothing."""
    (tmp_path / "a.jsonl").write_bytes(b'{"a": ' + b"9" * 1_000_000 + b"}")
    (record,) = read_records(tmp_path / "a.jsonl")
    assert record.value == {"a": float("inf")}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"a,b", "`.csv` files are not read"),
        ("a.json", b'{"a": 1}', "it holds no JSON list"),
        ("a.json", b"[1", "not JSON"),
        ("a.parquet", b"text", "cannot be read as Parquet"),
    ],
)
def test_files_that_hold_no_records(name: str, content: bytes, says: str, tmp_path: Path) -> None:
    """The file as a whole is refused, with the reason."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableError, match=says):
        list(read_records(tmp_path / name))
    with pytest.raises(UnreadableError, match="it cannot be read"):
        list(read_records(tmp_path / f"gone{Path(name).suffix}" if name != "a.csv" else tmp_path / "gone.json"))


def test_a_large_json_list_is_to_be_lines(tmp_path: Path, monkeypatch: Any) -> None:
    """A list has to be held in memory whole."""
    monkeypatch.setattr(lines, "MAX_LINE", 10)
    (tmp_path / "a.json").write_text(json.dumps([{"a": "x" * 200}]))
    with pytest.raises(UnreadableError, match="write it as JSON Lines"):
        list(read_records(tmp_path / "a.json"))
