"""TSV files with pictures in them: every row once, whatever stands in it, and nothing of a broken one."""

from __future__ import annotations

import base64
import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.evaluation.suites import read_suite
from safecot_dsl.evaluation.suites.description import Embedded
from safecot_dsl.evaluation.suites.embedded import read_embedded, split_record
from safecot_dsl.facts import FactsError, Skipped
from safecot_dsl.facts.unfolding import Raw
from tests.strategies import examples

from .shapes import png

HEADER = ["index", "question", "image", "answer"]
PICTURE = base64.b64encode(png()).decode()

_CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=12)


@given(st.lists(_CELL, min_size=1, max_size=5))
def test_fields_are_those_that_the_csv_module_wrote(fields: list[str]) -> None:
    """Tabs, quotes and line ends within a field come back as they were (RFC 4180, with tabs)."""
    sink = io.StringIO()
    csv.writer(sink, delimiter="\t", lineterminator="").writerow(fields)
    written = sink.getvalue()
    assert split_record(written) == fields


def table(root: Path, rows: list[list[str]], name: str = "set.tsv", header: list[str] = HEADER) -> None:
    with (root / name).open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        csv.writer(file, delimiter="\t", lineterminator="\n").writerows([header, *rows])


def entries(root: Path) -> dict[str, Raw | Skipped]:
    return {entry.id: entry for entry in read_embedded(Embedded(files=("*.tsv",)), "hand", root)}


@examples(25)
@given(questions=st.lists(_CELL.filter(lambda text: text.isprintable() and text.strip() != ""), min_size=1, max_size=4))
def test_every_row_is_read_with_its_own_picture(questions: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("tsv")
    pictures = [png(number) for number in range(len(questions))]
    table(
        root,
        [
            [str(number), f"{question}\n", base64.b64encode(picture).decode(), "A"]
            for number, (question, picture) in enumerate(zip(questions, pictures, strict=True))
        ],
    )
    read = list(entries(root).values())
    assert [entry.prompt for entry in read if isinstance(entry, Raw)] == [f"{question}\n" for question in questions]
    assert [entry.images[0].read() for entry in read if isinstance(entry, Raw)] == pictures


def test_rows_that_are_none_are_skipped_with_why(tmp_path: Path) -> None:
    table(
        tmp_path,
        [
            ["1", "Fine?", PICTURE, "A"],
            ["2", "Short?", PICTURE],
            ["3", "Where?", "99", "A"],
            ["4", "Steered \x1b[31m?", PICTURE, "A"],
            ["5", "Latin \udce9?", PICTURE, "A"],
            ["6", "Same picture?", "1", "A"],
        ],
    )
    read = entries(tmp_path)
    reasons = {key: entry.reason for key, entry in read.items() if isinstance(entry, Skipped)}
    assert reasons == {"row-2": "malformed", "3": "image_absent", "4": "control_characters", "row-5": "malformed"}
    ours, other = read["1"], read["6"]
    assert isinstance(ours, Raw)
    assert isinstance(other, Raw)
    assert ours.images[0].read() == other.images[0].read() == png()
    detail = read["3"]
    assert isinstance(detail, Skipped)
    assert detail.detail == "hand set.tsv:3: no row '99' holds the picture"


def test_a_quote_that_is_never_closed_breaks_one_row(tmp_path: Path) -> None:
    """What stands on the lines after it is read as if it were not there."""
    lines = ["\t".join(HEADER), f'1\t"Open?\t{PICTURE}\tA', f"2\tFine?\t{PICTURE}\tA", f"3\tFine too?\t{PICTURE}\tA"]
    (tmp_path / "set.tsv").write_text("\n".join(lines), encoding="utf-8")
    read = entries(tmp_path)
    assert {key: type(entry).__name__ for key, entry in read.items()} == {"row-1": "Skipped", "2": "Raw", "3": "Raw"}


def test_a_cell_that_is_no_base64_is_a_refused_picture(tmp_path: Path) -> None:
    header = ["index", "question", "A", "B", "answer", "image"]
    row = ["1", "What?", "a cup", "a dog", "A"]
    table(tmp_path, [[*row, PICTURE], ["2", *row[1:], "no base64 " * 20]], header=header)
    read = read_suite("mmbench", tmp_path)
    assert [item.id for item in read.items] == ["mmbench/1"]
    assert read.reasons == {"image_refused": 1}


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(FactsError, match=r"there is no \*.tsv in .*; set the suite's root to the folder of its files"):
        entries(tmp_path)
    (tmp_path / "set.tsv").write_text("index\tquestion\n1\tWhat?\n")
    with pytest.raises(FactsError, match=r"set.tsv is no TSV with the column `image`"):
        entries(tmp_path)
