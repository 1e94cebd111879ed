"""`safecotc decide POLICY TABLE -o OUT`."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from safecot_dsl.engine.columnar import ColumnarPolicy
from safecot_dsl.workspace import compile_policy

from .conftest import MIXING, Run


@pytest.fixture
def table(folder: Path) -> Path:
    """Three cases: one is refused, of one nothing is known, one is mixed for training."""
    rows = [{"id": f"row {n}", "facts": facts} for n, facts in enumerate([MIXING, {}, MIXING])]
    (folder / "cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder / "cases.jsonl"


def test_a_table(safecotc: Run, table: Path) -> None:
    """Is decided as its cases are, one by one, and what became of it is said in a line."""
    result = safecotc("decide", "p.safecot", "cases.jsonl", "-o", "out.parquet")
    assert result.code == 0, result.err
    assert result.out == "out.parquet: 3 cases decided: clarify 1, refuse 2\n"
    decided = pl.read_parquet(table.parent / "out.parquet")
    assert decided["id"].to_list() == ["row 0", "row 1", "row 2"]
    one_by_one = safecotc("decide", "p.safecot", "--cases", "cases.jsonl").lines()
    for row, decision in zip(decided.iter_rows(named=True), one_by_one, strict=True):
        del row["id"], decision["policy"]
        assert row == {**decision, "assumed": sorted(decision["assumed"])}


@pytest.mark.parametrize("options", [("cases.csv", "--out", "d.parquet"), ("--cases", "cases.csv")])
def test_a_column_that_is_probably_misspelt(options: tuple[str, ...], safecotc: Run, folder: Path) -> None:
    """Its fact is known of no case, which alone would be said of no case as such."""
    (folder / "cases.csv").write_text("objects,intnet,note\nbleach;ammonia,mix,a\n")
    result = safecotc("decide", "p.safecot", *options)
    assert result.code == 0
    said = "warning: cases.csv: the column `intnet` is no fact; did you mean `query.intent`? As it is, no case has that"
    assert [line for line in result.err.splitlines() if line.startswith("warning")] == [said]


def test_from_parquet_with_masks(safecotc: Run, folder: Path) -> None:
    """Some columns of the decision, and the summary as JSON."""
    policy = compile_policy("p.safecot")
    columns = ColumnarPolicy(policy)
    frame = pl.DataFrame({"query.intent": ["mix", None]})
    frame.write_parquet(folder / "cases.parquet")
    words = ("--columns", "verdict, deciding", "--masks", "-f", "json")
    result = safecotc("decide", "p.safecot", "cases.parquet", "-o", "out.parquet", *words)
    assert result.json()["cases"] == 2
    assert result.json()["policy"] == policy.digest
    assert sum(result.json()["verdicts"].values()) == 2
    expected = columns.decide(frame, columns=["verdict", "deciding"])
    assert pl.read_parquet(folder / "out.parquet").equals(expected)


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (("cases.jsonl",), 2, "a TABLE of cases needs --out FILE.parquet, and neither --case nor --cases"),
        (("cases.jsonl", "-o", "out.csv"), 2, "out.csv: decisions are written as Parquet; let the file's name end in"),
        (("nowhere.csv", "-o", "out.parquet"), 2, "nowhere.csv: there is no such file"),
        (("a.parquet", "-o", "a.parquet"), 2, "a.parquet is a file that this command reads; name another with --out"),
        (("cases.jsonl", "-o", "o.parquet", "--columns", "verdct"), 1, "a decision has no column `verdct`; did you"),
        (
            ("wrong.csv", "-o", "o.parquet"),
            1,
            "wrong.csv:3: `query.intent`: `mx` is no value of the fact; did you mean `mix`?",
        ),
        (("--case", "case.json", "-o", "o.parquet"), 2, "--out, --columns and --masks are for a TABLE of cases"),
    ],
)
def test_wrong_usage(words: tuple[str, ...], code: int, error: str, safecotc: Run, table: Path) -> None:
    """Is one line, and leaves nothing behind."""
    folder = table.parent
    (folder / "a.parquet").write_bytes(b"")
    (folder / "wrong.csv").write_text("query.intent\nmix\nmx\n")
    before = sorted(folder.iterdir())
    result = safecotc("decide", "p.safecot", *words)
    assert (result.code, result.out) == (code, "")
    assert result.err.splitlines()[-1].startswith(f"error: {error}")
    assert sorted(folder.iterdir()) == before
