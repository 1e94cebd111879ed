"""Tables as people have them: cells, columns, lines and sheets, one meaning in every format."""

from __future__ import annotations

import builtins
import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from safecot_dsl.artifact import (
    UNKNOWN,
    Case,
    CompiledPolicy,
    Fact,
    FlagIs,
    FlagType,
    NumberType,
    OneOfType,
    Rule,
    SetType,
    TextType,
    ValueName,
    Verdict,
)
from safecot_dsl.engine import Interpreter
from safecot_dsl.engine.columnar import ColumnarPolicy
from safecot_dsl.facts import FactsError
from safecot_dsl.facts.cases.cells import CellError, read_cell
from safecot_dsl.facts.cases.columns import match_columns
from safecot_dsl.facts.cases.faults import CasesError
from safecot_dsl.facts.cases.file import open_cases
from safecot_dsl.facts.cases.frames import case_tables, decide_file
from safecot_dsl.facts.tables.file import Location
from safecot_dsl.facts.tables.workbook import Workbook
from tests.strategies import build_policy


def _values(*names: str) -> tuple[ValueName, ...]:
    return tuple(ValueName(name=name, phrase=f"the {name}") for name in names)


DRUG = Fact(name="image.drug", type=OneOfType(values=_values("over_the_counter", "opioid", "none_seen")))
SEEN = Fact(name="image.seen", type=SetType(values=_values("pills", "leaflet")))
MINOR = Fact(name="context.minor", type=FlagType())
HARM = Fact(name="query.harm", type=NumberType(low=0, high=1))
NOTE = Fact(name="query.note", type=TextType())
KIND = Fact(name="query.kind", type=OneOfType(values=_values("ask", "tell")))
AGAIN = Fact(name="context.kind", type=FlagType())
POLICY: CompiledPolicy = build_policy(
    [DRUG, SEEN, MINOR, HARM, NOTE, KIND, AGAIN],
    [Rule(name="young", when=FlagIs(fact="context.minor"), verdict=Verdict.REFUSE)],
    Verdict.COMPLY,
    Verdict.CLARIFY,
)

NOBODY = (None, "", "  ", float("nan"))


@pytest.mark.parametrize(
    ("fact", "cells", "value"),
    [
        (MINOR, (*NOBODY,), None),
        (DRUG, (*NOBODY,), None),
        (SEEN, (*NOBODY,), None),
        (HARM, (*NOBODY,), None),
        (NOTE, (None, float("nan")), None),
        (NOTE, ("",), ""),
        (NOTE, ("unknown",), "unknown"),
        (NOTE, (7, 7.0, "7"), "7"),
        (MINOR, (True, 1, 1.0, "1", "yes", "Yes", " TRUE ", "true"), True),
        (MINOR, (False, 0, 0.0, "0", "no", "No", "FALSE"), False),
        (MINOR, ("unknown", "UNKNOWN", {"unknown": True}), UNKNOWN),
        (DRUG, ("opioid", "Opioid", " OPIOID "), "opioid"),
        (DRUG, ("over_the_counter", "over the counter", "Over-the-Counter"), "over_the_counter"),
        (SEEN, ("pills;leaflet", "leaflet; pills ;", ["pills", "leaflet"], "{pills;leaflet}"), {"pills", "leaflet"}),
        (SEEN, ("{}", "{ }", []), set()),
        (SEEN, ("unknown",), UNKNOWN),
        (HARM, (0.5, "0.5", " 0.5", "5e-1"), 0.5),
    ],
)
def test_what_cells_mean(fact: Fact, cells: tuple[Any, ...], value: Any) -> None:
    for cell in cells:
        found = read_cell(fact, cell)
        assert found == (frozenset(value) if isinstance(value, set) else value), cell
        assert type(found) is (frozenset if isinstance(value, set) else type(value)), cell


@pytest.mark.parametrize(
    ("fact", "cell", "message"),
    [
        (MINOR, "perhaps", "`perhaps` is not yes or no (nor true, false, 1 or 0)"),
        (MINOR, 2, "`2` is not yes or no (nor true, false, 1 or 0)"),
        (DRUG, "opoid", "`opoid` is no value of the fact; did you mean `opioid`?"),
        (DRUG, "the opioid", "`the opioid` is no value of the fact; did you mean `opioid`?"),
        (DRUG, "xyz", "`xyz` is no value of the fact: one of over_the_counter, opioid, none_seen"),
        (DRUG, "opioid; None seen", "`opioid; None seen` are 2 values, and the fact has one"),
        (DRUG, 3, "`3` is no name of a value: one of over_the_counter, opioid, none_seen"),
        (SEEN, "pills;leaflt", "`leaflt` is no value of the fact; did you mean `leaflet`?"),
        (SEEN, "pills, leaflet", "`pills, leaflet` is no value of the fact; write `;` between the members of a set"),
        (SEEN, "pills,leaflet,x,y,z,and,more", "write `;` between the members of a set"),
        (HARM, "0,5", "`0,5` is not a number; write 0.5"),
        (HARM, "high", "`high` is not a number"),
        (HARM, "1_0", "`1_0` is not a number"),
        (HARM, "1.5", "`1.5` is not a number from 0 to 1"),
        (HARM, float("inf"), "`inf` is not a number from 0 to 1"),
        (HARM, True, "`True` is not a number from 0 to 1"),
        (NOTE, ["a"], "`['a']` is not a text"),
        (NOTE, {"unknown": 1}, 'an object has to be {"unknown": true}'),
    ],
)
def test_what_no_cell_means(fact: Fact, cell: Any, message: str) -> None:
    with pytest.raises(CellError) as error:
        read_cell(fact, cell)
    assert message in str(error.value)


def test_columns_are_matched_by_name() -> None:
    names = ["id", "Image Drug", "image.seen", "minor", "notes", "query.harm"]
    found = match_columns(POLICY, names, bare=True)
    assert found.facts == {
        "image.drug": "Image Drug",
        "image.seen": "image.seen",
        "query.harm": "query.harm",
        "context.minor": "minor",
    }
    assert found.others == ("id", "notes")
    assert found.faults == ()
    assert match_columns(POLICY, names, bare=False).others == ("id", "minor", "notes")


def test_all_columns_that_are_wrong_are_named() -> None:
    found = match_columns(POLICY, ["image.durg", "kind", "query.harm", "Query_Harm", "context.xyzzy"], bare=True)
    assert found.faults == (
        "the columns `query.harm` and `Query_Harm` are both `query.harm`; drop one",
        "the column `kind` could be `query.kind` or `context.kind`; write which",
        "the column `image.durg` is no fact of the policy; did you mean `image.drug`?; rename or drop it",
        "the column `context.xyzzy` is no fact of the policy; rename or drop it",
    )


def test_a_table_that_other_policies_read_may_have_their_facts() -> None:
    """Only what looks like a fact that has no column is misspelt."""
    shared = match_columns(POLICY, ["context.xyzzy", "image.drug", "image.drugs"], bare=False, shared=True)
    assert (shared.faults, shared.others) == ((), ("context.xyzzy", "image.drugs"))
    assert len(match_columns(POLICY, ["image.drugs"], bare=False, shared=True).faults) == 1
    assert match_columns(POLICY, ["image.drugs"], bare=False, shared=True, taken=["image.drug"]).faults == ()


HEADER = ["id", "image.drug", "image.seen", "context.minor", "query.harm", "query.note"]
ROWS: list[list[Any]] = [
    ["a", "Opioid", "pills; leaflet", "yes", 0.5, "two\nlines"],
    ["b", None, "{}", "0", "0.25", "7"],
    ["c", "unknown", None, None, None, None],
    ["d", "over the counter", "pills", "TRUE", 1, "x;y"],
]
CASES = [
    Case(
        {
            "image.drug": "opioid",
            "image.seen": frozenset({"pills", "leaflet"}),
            "context.minor": True,
            "query.harm": 0.5,
            "query.note": "two\nlines",
        }
    ),
    Case({"image.seen": frozenset(), "context.minor": False, "query.harm": 0.25, "query.note": "7"}),
    Case({}, frozenset({"image.drug"})),
    Case(
        {
            "image.drug": "over_the_counter",
            "image.seen": frozenset({"pills"}),
            "context.minor": True,
            "query.harm": 1.0,
            "query.note": "x;y",
        }
    ),
]


def write_table(path: Path, header: list[str], rows: list[list[Any]]) -> Path:
    """A table in the format that the file's name says; a row of None alone is an empty one where there can be such."""
    match path.suffix:
        case ".csv" | ".tsv":
            text = io.StringIO()
            writer = csv.writer(text, delimiter="\t" if path.suffix == ".tsv" else ",")
            for row in [header, *rows]:
                writer.writerow([] if all(cell is None for cell in row) else row)
            path.write_text("\ufeff" + text.getvalue(), encoding="utf-8", newline="")
        case ".xlsx":
            openpyxl = pytest.importorskip("openpyxl", reason="openpyxl (the extra xlsx) is not installed")
            book = openpyxl.Workbook()
            book.active.title = "Cases"
            for row in [header, *rows]:
                book.active.append(row)
            book.create_sheet("Empty")
            book.save(path)
        case ".json":
            raise AssertionError("cases in JSON have their own form")
        case _:
            columns = {
                name: [None if row[place] is None else str(row[place]) for row in rows]
                for place, name in enumerate(header)
            }
            frame = pl.DataFrame(columns)
            frame.write_parquet(path) if path.suffix == ".parquet" else frame.write_ipc(path)
    return path


FORMATS = ("csv", "tsv", "xlsx", "parquet", "arrow")


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_says_the_same(tmp_path: Path, format: str) -> None:
    """One by one, and in columns."""
    path = write_table(tmp_path / f"cases.{format}", HEADER, ROWS)
    found = list(open_cases(POLICY, path).rows())
    assert [row.faults for row in found] == [()] * 4
    assert [row.case for row in found] == CASES
    assert [row.id for row in found] == ["a", "b", "c", "d"]
    columnar = ColumnarPolicy(POLICY)
    assert decide_file(columnar, path, tmp_path / "out.parquet") == 4
    decided = pl.read_parquet(tmp_path / "out.parquet")
    assert decided["id"].to_list() == ["a", "b", "c", "d"]
    assert decided["verdict"].to_list() == [Interpreter(POLICY).decide(case).verdict for case in CASES]
    (frame,) = case_tables(columnar.layout, path)
    assert frame.select(["image.drug", "image.seen", "query.harm", "query.note"]).to_dicts() == [
        {
            "image.drug": case.known.get("image.drug"),
            "image.seen": None if (seen := case.known.get("image.seen")) is None else _mask(seen),
            "query.harm": case.known.get("query.harm"),
            "query.note": case.known.get("query.note"),
        }
        for case in CASES
    ]


def _mask(members: Any) -> int:
    return sum(1 << place for place, name in enumerate(("pills", "leaflet")) if name in members)


WRONG: list[list[Any]] = [
    ["a", "opoid", "pills", "yes", 0.5, "two\nlines"],
    [None] * 6,
    ["b", "opioid", "pils", "2", "x", None],
    ["c", "opoid", None, None, None, None],
]
#: Where the rows stand in each format, and how messages call that.
PLACES = {
    "csv": ("cases.csv", "lines 2 and 6", ":5"),
    "tsv": ("cases.tsv", "lines 2 and 6", ":5"),
    "xlsx": ("cases.xlsx", "sheet `Cases`, rows 2 and 5", ", sheet `Cases`, row 4"),
    "parquet": ("cases.parquet", "rows 1 and 4", ", row 3"),
    "arrow": ("cases.arrow", "rows 1 and 4", ", row 3"),
}


@pytest.mark.parametrize("format", FORMATS)
def test_all_that_is_wrong_is_named_with_its_line_or_row(tmp_path: Path, format: str) -> None:
    """And nothing is written."""
    path = write_table(tmp_path / f"cases.{format}", HEADER, WRONG)
    with pytest.raises(CasesError) as error:
        decide_file(ColumnarPolicy(POLICY), path, tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()
    name, both, one = PLACES[format]
    lines = [line.removeprefix(f"{tmp_path}/") for line in str(error.value).splitlines()]
    assert lines == [
        f"{name}, {both}: `image.drug`: `opoid` is no value of the fact; did you mean `opioid`?",
        f"{name}{one}: `image.seen`: `pils` is no value of the fact; did you mean `pills`?",
        f"{name}{one}: `context.minor`: `2` is not yes or no (nor true, false, 1 or 0)",
        f"{name}{one}: `query.harm`: `x` is not a number",
    ]


def test_a_csv_with_semicolons_as_spreadsheets_of_some_countries_write_it(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    path.write_text('image.drug;image.seen;query.harm\nOpioid;"pills;leaflet";0.5\n;{};"0,5"\n')
    first, second = open_cases(POLICY, path).rows()
    assert first.case == Case(
        {"image.drug": "opioid", "image.seen": frozenset({"pills", "leaflet"}), "query.harm": 0.5}
    )
    assert second.faults == ("`query.harm`: `0,5` is not a number; write 0.5",)


def test_a_text_with_a_comma_and_no_quotes(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    path.write_text("image.drug,query.note\nopioid,one, two\n")
    (row,) = open_cases(POLICY, path).rows()
    assert row.faults == ("3 fields, and the header has 2; a text with a comma in it stands in quotes",)


def test_faults_of_a_large_table_are_counted(tmp_path: Path) -> None:
    """Each once, with its first places; what stands after the first block is looked at, too."""
    rows = [
        ["x", "opoid" if n % 2 else "opioid", None, None, "y" if n == 39_999 else None, None] for n in range(40_000)
    ]
    path = write_table(tmp_path / "cases.csv", HEADER, rows)
    with pytest.raises(CasesError) as error:
        list(case_tables(ColumnarPolicy(POLICY).layout, path))
    first, second = str(error.value).splitlines()
    assert "lines 3, 5, 7, 9, 11, 13, 15, 17 and 19,992 more: `image.drug`" in first
    assert ":40001: `query.harm`: `y` is not a number" in second


def test_a_list_of_cases_in_json(tmp_path: Path) -> None:
    path = tmp_path / "cases.json"
    path.write_text(json.dumps([CASES[0].to_json(), {"facts": {"image.durg": "x", "image.drug": "opoid"}}]))
    first, second = open_cases(POLICY, path).rows()
    assert first.case == CASES[0]
    assert second.faults == (
        "the policy declares no fact `image.durg` (did you mean `image.drug`?)",
        "`image.drug`: 'opoid' is not one of over_the_counter, opioid, none_seen (did you mean `opioid`?)",
    )


# -- workbooks --------------------------------------------------------------------------------------------------------


def _book(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl (the extra xlsx) is not installed")
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_the_sheet_is_the_only_one_with_anything_in_it_or_named(tmp_path: Path) -> None:
    path = _book(tmp_path / "b.xlsx", {"One": [["image.drug"], ["opioid"]], "Two": [["image.drug"], ["none_seen"]]})
    with pytest.raises(FactsError, match="has the sheets `One`, `Two`: say which"):
        open_cases(POLICY, path)
    (row,) = open_cases(POLICY, path, sheet="Two").rows()
    assert row.case == Case({"image.drug": "none_seen"})
    with pytest.raises(FactsError, match="has no sheet `Three`"):
        open_cases(POLICY, path, sheet="Three")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [["image.drug", "image.drug"], ["opioid"]],
            r"the header \(sheet `S`, row 1\) has the column `image.drug` twice",
        ),
        ([[], ["image.drug", None, "x"]], r"the header \(sheet `S`, row 2\) has a column without a name"),
        ([], "has nothing in it"),
    ],
)
def test_a_sheet_without_a_header(tmp_path: Path, rows: list[list[Any]], message: str) -> None:
    with pytest.raises(FactsError, match=message):
        open_cases(POLICY, _book(tmp_path / "b.xlsx", {"S": rows}))


def test_a_cell_with_an_error_and_one_beyond_the_header(tmp_path: Path) -> None:
    path = _book(tmp_path / "b.xlsx", {"S": [["image.drug", "query.harm"], ["#N/A", 1], ["opioid", 0, "x"]]})
    first, second = open_cases(POLICY, path).rows()
    assert first.faults == ("`image.drug` holds the error #N/A",)
    assert second.faults == ("there is a cell to the right of the header's last",)


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    path = _book(tmp_path / "b.xlsx", {"S": [["image.drug"], ["opioid"]]})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/bomb.xml", b" " * (64 << 20))
    with pytest.raises(FactsError, match=r"bomb.xml unpacks from .* above 200 to 1"):
        open_cases(POLICY, path)


SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
)


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        (
            SHEET.format('<row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c></row><row r="999999999"/>'),
            "a row above",
        ),
        (
            "<!DOCTYPE x ["
            + '<!ENTITY a0 "lol">'
            + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
            + "]>"
            + SHEET.format('<row r="1"><c r="A1" t="inlineStr"><is><t>&a11;</t></is></c></row>'),
            "is not an XLSX workbook",
        ),
        ("<worksheet", "is not an XLSX workbook"),
    ],
)
def test_hostile_sheets_are_refused_at_once(tmp_path: Path, xml: str, message: str) -> None:
    """A row number that would be filled up to, entities that unfold without end, and what is no XML."""
    path, hostile = _book(tmp_path / "b.xlsx", {"S": [["image.drug"], ["opioid"]]}), tmp_path / "h.xlsx"
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(hostile, "w") as archive:
        for name in whole.namelist():
            archive.writestr(name, xml if name == "xl/worksheets/sheet1.xml" else whole.read(name))
    with pytest.raises(FactsError, match=message):
        open_cases(POLICY, hostile)


def test_what_is_no_workbook(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl", reason="openpyxl (the extra xlsx) is not installed")
    (tmp_path / "b.xlsx").write_text("no zip")
    with pytest.raises(FactsError, match=r"b\.xlsx is not an XLSX workbook"):
        open_cases(POLICY, tmp_path / "b.xlsx")


def test_without_openpyxl_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safecot_dsl.extras import missing_extra

    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] == "openpyxl":
            raise ModuleNotFoundError(name="openpyxl")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    (tmp_path / "b.xlsx").write_bytes(b"")
    with pytest.raises(ModuleNotFoundError) as error:
        Workbook.of(Location(str(tmp_path / "b.xlsx")))
    assert missing_extra(error.value) == (
        "this needs `openpyxl`, which is not installed: pip install 'safecot-dsl[xlsx]'"
    )
