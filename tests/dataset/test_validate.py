"""`validate_rows` finds every column that does not say what the row is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset import canonical_schema, generate, validate_rows

from .kitchen import COMPLIED, REFUSED, Writer


@pytest.fixture
def data(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> Path:
    generate(policy, source((REFUSED, None), (COMPLIED, "It is a cup.")), tmp_path / "out", base_dir=tmp_path, seed=0)
    return tmp_path / "out" / "train.parquet"


def test_sound_rows(data: Path) -> None:
    assert validate_rows(data) == []


def _replace(column: str, old: str, new: str) -> Callable[[dict[str, Any]], None]:
    def change(row: dict[str, Any]) -> None:
        assert old in row[column]
        row[column] = row[column].replace(old, new)

    return change


def _set(column: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda row: row.update({column: value})


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (_set("verdict", "comply"), "the completion concludes refuse, the column says comply"),
        (_replace("completion", "</think>", ""), "the completion: the reasoning is opened but not closed"),
        (_replace("completion", "[refuse: toxic_mixing]", ""), "the completion: the reasoning does not end in"),
        (_set("answer", "Other."), "the answer in the completion is not that of the column"),
        (_set("reasoning", "Other."), "the reasoning in the completion is not that of the column"),
        (_set("rules", [{"name": "asks_to_hurt", "file": "f", "line": 1}]), "cites toxic_mixing, the column asks_to_h"),
        (_set("rules", [{"name": "gone", "file": "f", "line": 1}]), "the policy has no rule `gone`"),
        (_set("policy", "sha256:" + "1" * 64), "no policy at hand has the digest sha256:1111"),
        (_set("prompt", "<image> What?"), "`prompt` holds <image>"),
        (_set("images", [{"bytes": b"text", "path": "a.png"}]), "image 0: not an image of an allowed format"),
        (_set("prompt", "Another question?"), "the id is not that of the content"),
    ],
)
def test_a_changed_row(data: Path, change: Callable[[dict[str, Any]], None], fault: str) -> None:
    rows = pq.read_table(data).to_pylist()
    change(rows[0])
    pq.write_table(pa.Table.from_pylist(rows, schema=canonical_schema()), data)
    problems = validate_rows(data)
    assert {problem.row for problem in problems} == {0}
    assert any(problem.problem.startswith(fault) or fault in problem.problem for problem in problems)


def test_a_row_that_stands_twice(data: Path) -> None:
    rows = pq.read_table(data).to_pylist()
    pq.write_table(pa.Table.from_pylist([*rows, rows[0]], schema=canonical_schema()), data)
    assert [(p.row, p.problem) for p in validate_rows(data)] == [(2, "the id stands in row 0 too")]


def test_another_file(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`id` is missing"):
        validate_rows(data.with_name("trl.parquet"))
    (tmp_path / "text.parquet").write_text("text")
    with pytest.raises(ValueError, match="cannot be read as Parquet"):
        validate_rows(tmp_path / "text.parquet")
