"""Files of cases decided into a Parquet file, in parts."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import polars as pl
import pytest

from safecot_dsl.artifact import (
    Case,
    CompiledPolicy,
    Fact,
    FlagIs,
    FlagType,
    NumberType,
    Rule,
    SetType,
    TextType,
    ValueName,
    Verdict,
)
from safecot_dsl.engine.columnar import ColumnarPolicy, FrameError
from safecot_dsl.facts import FactsError
from safecot_dsl.facts.cases import frames
from safecot_dsl.facts.cases.frames import count_cases, decide_file
from tests.differential.compare import random_cases
from tests.strategies import build_policy

PETS = tuple(ValueName(name=name, phrase=name) for name in ("cat", "dog"))
POLICY: CompiledPolicy = build_policy(
    [
        Fact(name="context.minor", type=FlagType()),
        Fact(name="image.pets", type=SetType(values=PETS)),
        Fact(name="query.harm", type=NumberType(low=0.0, high=1.0)),
        Fact(name="image.text", type=TextType()),
    ],
    [Rule(name="one", when=FlagIs(fact="context.minor"), verdict=Verdict.REFUSE)],
    Verdict.COMPLY,
    Verdict.WARN,
)
COLUMNS = ColumnarPolicy(POLICY)
CASES = random_cases(POLICY, 300, Random(0))
#: What stands beside the facts.
NUMBERED = COLUMNS.frame(CASES).with_columns(id=pl.format("c{}", pl.int_range(pl.len())))
EXPECTED = COLUMNS.readable(COLUMNS.decide(NUMBERED, keep=["id"]))


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "BLOCK", 16)


def jsonl(path: Path) -> None:
    lines = [json.dumps({"id": f"c{n}", **case.to_json()}) for n, case in enumerate(CASES)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize("kind", ["parquet", "arrow", "jsonl"])
def test_every_kind_of_file(tmp_path: Path, kind: str) -> None:
    """Decides as the table does, in the order of the file, and tells how far it has come."""
    path, steps = tmp_path / f"cases.{kind}", list[int]()
    match kind:
        case "parquet":
            NUMBERED.write_parquet(path, row_group_size=70)
        case "arrow":
            NUMBERED.write_ipc(path)
        case _:
            jsonl(path)
    assert decide_file(COLUMNS, path, tmp_path / "out.parquet", advance=steps.append) == 300
    assert pl.read_parquet(tmp_path / "out.parquet").equals(EXPECTED)
    assert sum(steps) == 300
    assert len(steps) > 3
    assert [file.name for file in tmp_path.glob(".*")] == []


def test_masks_are_kept_on_demand(tmp_path: Path) -> None:
    NUMBERED.write_parquet(tmp_path / "cases.parquet")
    decide_file(COLUMNS, tmp_path / "cases.parquet", tmp_path / "out.parquet", columns=["deciding"], masks=True)
    assert pl.read_parquet(tmp_path / "out.parquet").equals(COLUMNS.decide(NUMBERED, columns=["deciding"], keep=["id"]))


def test_csv(tmp_path: Path) -> None:
    """Empty is not known, `{}` is the empty set; what looks like a number is a text where it is no fact."""
    (tmp_path / "cases.csv").write_text(
        "id,context.minor,image.pets,query.harm,image.text\n1,true,cat;dog,0.25,a\n2,,{},,007\n\n3,false,cat,1,\n"
    )
    assert decide_file(COLUMNS, tmp_path / "cases.csv", tmp_path / "out.parquet") == 3
    cases = [
        Case({"context.minor": True, "image.pets": frozenset({"cat", "dog"}), "query.harm": 0.25, "image.text": "a"}),
        Case({"image.pets": frozenset(), "image.text": "007"}),
        Case({"context.minor": False, "image.pets": frozenset({"cat"}), "query.harm": 1.0}),
    ]
    expected = COLUMNS.readable(COLUMNS.decide(COLUMNS.frame(cases)))
    assert pl.read_parquet(tmp_path / "out.parquet").equals(expected.insert_column(0, pl.Series("id", ["1", "2", "3"])))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("cases.txt", "", r"cases.txt: the file's name has to end in one of .jsonl, .csv"),
        ("cases.parquet", "x" * 100, r"cases.parquet is not a Parquet file"),
        ("cases.arrow", "x" * 100, r"cases.arrow is not an Arrow file"),
        ("cases.csv", "query.harm\n0.5\nhigh\n", r"cases.csv:3: `query.harm`: `high` is not a number"),
        ("cases.csv", "context.minor\nperhaps\n", r"cases.csv:2: `context.minor`: `perhaps` is not yes or no"),
        (
            "cases.csv",
            "image.pets\ncat;cow\n",
            r"cases.csv:2: `image.pets`: `cow` is no value of the fact: one of cat, dog",
        ),
        ("cases.csv", "query.hram\n1\n", r"`query.hram` is no fact of the policy; did you mean `query.harm`"),
        ("cases.csv", "query.harm,verdict\n1,a\n", r"`verdict` of the cases is also one of the decision's"),
        (
            "cases.jsonl",
            '{"facts": {}}\n{"facts": {"query.harm": 2}}\n',
            r"cases.jsonl:2: `query.harm`: 2 is not",
        ),
        ("cases.jsonl", "{\n", r"cases.jsonl:1: line 1 is not JSON"),
        ("cases.jsonl", '{"facts": {}}\n\udcff', r"cases.jsonl: the file is not UTF-8"),
        ("cases.jsonl", "[" * 100_000, r"cases.jsonl:1: line 1 is not JSON"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    """And no file is written."""
    (tmp_path / name).write_text(text, errors="surrogateescape")
    with pytest.raises((FrameError, FactsError), match=message):
        decide_file(COLUMNS, tmp_path / name, tmp_path / "out.parquet")
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_the_row_of_a_later_part(tmp_path: Path) -> None:
    """Counts from the beginning of the file."""
    pl.DataFrame({"query.harm": [0.5] * 200 + [7.0]}).write_parquet(tmp_path / "cases.parquet")
    with pytest.raises(FactsError, match=r"cases.parquet, row 201: `query.harm`: `7.0` is not"):
        decide_file(COLUMNS, tmp_path / "cases.parquet", tmp_path / "out.parquet")


@pytest.mark.parametrize("kind", ["parquet", "arrow", "jsonl"])
@pytest.mark.parametrize("masks", [False, True])
def test_a_file_without_cases(tmp_path: Path, kind: str, masks: bool) -> None:
    """Gives one without decisions, and the same columns."""
    path = tmp_path / f"cases.{kind}"
    match kind:
        case "parquet":
            NUMBERED.clear().write_parquet(path)
        case "arrow":
            NUMBERED.clear().write_ipc(path)
        case _:
            path.write_text("")
    assert decide_file(COLUMNS, path, tmp_path / "out.parquet", masks=masks) == 0
    expected = COLUMNS.decide(NUMBERED, keep=["id"]) if masks else EXPECTED
    expected = expected.drop("id") if kind == "jsonl" else expected
    assert pl.read_parquet(tmp_path / "out.parquet").schema == expected.schema


def test_how_many_cases_there_are(tmp_path: Path) -> None:
    """Is known of Parquet files alone."""
    NUMBERED.write_parquet(tmp_path / "cases.parquet")
    jsonl(tmp_path / "cases.jsonl")
    assert count_cases(tmp_path / "cases.parquet") == 300
    assert count_cases(tmp_path / "cases.jsonl") is None
