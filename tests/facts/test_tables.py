"""Every format gives the same rows, in blocks that can be read in any order, by any process."""

from __future__ import annotations

import csv
import io
import json
import pickle
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.facts import (
    BLOCK_ROWS,
    Block,
    FactsError,
    FigStep,
    Item,
    Jsonl,
    Skipped,
    open_source,
    read_source,
)
from safecot_dsl.facts.blocks import cut
from safecot_dsl.facts.sequential import Sequential
from safecot_dsl.facts.tables.delimited import Delimited
from safecot_dsl.facts.tables.document import JsonDocument
from safecot_dsl.facts.tables.file import Location
from safecot_dsl.facts.tables.ids import repeated_ids
from safecot_dsl.facts.tables.lines import Lines
from safecot_dsl.facts.tables.record import Broken
from tests.strategies import examples

from .making import png, read, table

FORMATS = ("kind: jsonl", "jsonl", "json", "keyed.json", "csv", "tsv", "parquet", "arrow", "zip")


def write(folder: Path, format: str, rows: list[dict[str, Any]]) -> str:
    """Write rows of texts in a format; the pattern that finds them."""
    path = folder / f"rows.{format}"
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    match format:
        case "jsonl" | "kind: jsonl":
            path = folder / "rows.jsonl"
            path.write_text(text)
        case "json":
            path.write_text(json.dumps(rows, indent=1, ensure_ascii=False))
        case "keyed.json":
            path.write_text(json.dumps({str(n): row for n, row in enumerate(rows)}))
        case "csv" | "tsv":
            buffer = io.StringIO()
            writer = csv.DictWriter(buffer, list(rows[0]), delimiter="\t" if format == "tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
            path.write_text(buffer.getvalue(), newline="")
        case "parquet":
            pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=3000)
        case "arrow":
            whole = pa.Table.from_pylist(rows)
            with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, whole.schema) as out:
                out.write_table(whole, max_chunksize=1000)
        case _:
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("inner/rows.jsonl", text)
            return "rows.zip/inner/*.jsonl"
    return path.name


@pytest.mark.parametrize("format", FORMATS)
def test_blocks_can_be_read_in_any_order_by_any_process(policy: CompiledPolicy, tmp_path: Path, format: str) -> None:
    """9,000 rows are two blocks; each alone, out of order and after a trip through pickle, gives what all in order
    give; lines and quotes inside of a text, and letters of two to four bytes, are no obstacle."""
    texts = ["plain", "two\nlines", 'a "quote", and a comma', "naïve 日本 🙂"]
    rows = [{"id": f"r{n % 8990}", "prompt": f"{texts[n % 4]} {n}"} for n in range(9000)]
    name = write(tmp_path, format, rows)
    source = Jsonl(path=name, licence="x") if format == "kind: jsonl" else table(files=[name], id="id", meta=["key"])
    opened = open_source(source, policy, tmp_path, seed=0)
    blocks = list(opened.blocks())
    assert blocks == [Block(0, 0, 8192), Block(1, 8192, 9000)]
    in_order = {block: [_seen(entry) for entry in opened.read(block)] for block in blocks}
    whole = [entry for block in blocks for entry in in_order[block]]
    assert [prompt for _, prompt in whole] == [row["prompt"] for row in rows]
    assert len({name for name, _ in whole}) == 9000
    assert whole[8990][0] == "r0#2"
    (*_, last) = opened.read(blocks[1])
    assert isinstance(last, Item)
    assert last.meta == ({"key": "8999"} if format == "keyed.json" else {})
    elsewhere = pickle.loads(pickle.dumps(opened))  # noqa: S301
    for block in (blocks[1], blocks[0], blocks[0]):
        assert [_seen(entry) for entry in elsewhere.read(block)] == in_order[block]


def _seen(entry: Item | Skipped) -> tuple[str, str]:
    assert isinstance(entry, Item)
    return entry.id, entry.prompt


@given(st.lists(st.sampled_from(["a", "b", "a#2", "a#3", "b#2", "a#2#2"]), max_size=12))
def test_ids_made_unique(ids: list[str]) -> None:
    """No two are the same; the first of each name keeps it, and so does all that comes but once."""
    repeated = repeated_ids(lambda: enumerate(ids).__iter__())
    made = [name + repeated.get(row, "") for row, name in enumerate(ids)]
    assert len(set(made)) == len(made)
    for row, name in enumerate(ids):
        assert (row in repeated) == (name in ids[:row])


def test_ids_of_a_source_that_is_told_in_order() -> None:
    """The same law, where the entries cannot be gone through twice."""

    def tell() -> Any:
        return iter([Skipped(name, "s", "r", "d") for name in ("a", "a", "a#2", "a")])

    source = Sequential("s", "l", True, "files", tell)
    (block,) = source.blocks()
    assert [entry.id for entry in source.read(block)] == ["a", "a#2", "a#2#2", "a#3"]


@given(st.integers(0, 50_000))
def test_blocks_cover_all_rows_in_order(rows: int) -> None:
    blocks = list(cut(rows))
    assert [row for block in blocks for row in (block.start, block.stop)] == sorted(
        [*range(0, rows, BLOCK_ROWS), *range(BLOCK_ROWS, rows, BLOCK_ROWS), *[rows] * (rows > 0)]
    )
    assert all(0 < block.stop - block.start <= BLOCK_ROWS for block in blocks)
    assert [block.index for block in blocks] == list(range(len(blocks)))


def _tell() -> Iterator[Item | Skipped]:
    return (Skipped(f"e{n % 8999}", "s", "r", str(n)) for n in range(9000))


def test_sources_that_are_told_in_order_are_the_same_in_any_order() -> None:
    source = Sequential("s", "l", True, "files", _tell)
    blocks = list(source.blocks())
    assert [block.stop for block in blocks] == [8192, 9000]
    last = pickle.loads(pickle.dumps(source)).read(blocks[1])  # noqa: S301
    first = source.read(blocks[0])
    assert source.read(blocks[1]) == last
    assert source.read(blocks[0]) == first
    assert [entry.id for entry in (*first, *last)] == [*(f"e{n}" for n in range(8999)), "e0#2"]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_RECORDS = st.lists(st.dictionaries(st.text(), _JSON, max_size=4), max_size=8)


@examples(25)
@given(_RECORDS, st.sampled_from([None, 0, 2]), st.booleans(), st.booleans())
def test_a_document_is_what_json_says(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], indent: int | None, ascii: bool, under: bool
) -> None:
    """The elements that are found by their brackets are those of the json module."""
    path = tmp_path_factory.mktemp("document") / "rows.json"
    whole = {"other": rows, "é": rows} if under else rows
    path.write_text(json.dumps(whole, indent=indent, ensure_ascii=ascii), encoding="utf-8", errors="surrogatepass")
    opened = JsonDocument.of(Location(str(path)), "é" if under else None)
    assert list(opened.read(0, opened.rows)) == list(enumerate(rows, start=1))


@examples(25)
@given(_RECORDS)
def test_lines_are_what_json_says(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    path = tmp_path_factory.mktemp("lines") / "rows.jsonl"
    path.write_text("\n\n".join(json.dumps(row) for row in rows))
    opened = Lines.of(Location(str(path)))
    found = [(line, record) for line, record in opened.read(0, opened.rows) if record is not None]
    assert found == list(zip(range(1, 2 * len(rows), 2), rows, strict=True))


@examples(25)
@given(st.lists(st.tuples(st.text(max_size=8), st.text(min_size=1, max_size=8)), max_size=8))
def test_records_of_csv_are_what_csv_says(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    """Whatever stands in the fields: quotes, commas and line ends. A record that is no UTF-8 alone is broken. Each has
    the line of the file on which it begins."""
    path = tmp_path_factory.mktemp("csv") / "rows.csv"
    with path.open("w", newline="", encoding="utf-8", errors="surrogatepass") as file:
        csv.writer(file).writerows([("a", "b"), *rows])
    opened = Delimited.of(Location(str(path)), ",")
    found = list(opened.read(0, opened.rows))
    assert [record if not isinstance(record, Broken) else None for _, record in found] == [
        None if any(0xD800 <= ord(c) < 0xE000 for c in a + b) else {"a": a or None, "b": b} for a, b in rows
    ]
    line, lines = 2, list[int]()
    for a, b in rows:
        lines.append(line)
        line += 1 + a.count("\n") + b.count("\n")
    assert [line for line, _ in found] == lines


def test_values_of_columns(policy: CompiledPolicy, tmp_path: Path) -> None:
    """Class labels give their names, an absent number of pandas is absent, lists and objects can be reached into."""
    import datasets

    features = datasets.Features(
        {
            "prompt": datasets.Value("string"),
            "label": datasets.ClassLabel(names=["harmless", "fraud"]),
            "score": datasets.Value("float64"),
            "turns": [{"role": datasets.Value("string"), "text": datasets.Value("string")}],
        }
    )
    rows = {
        "prompt": ["a", "b"],
        "label": [1, 0],
        "score": [0.5, float("nan")],
        "turns": [[{"role": "user", "text": "x"}], []],
    }
    datasets.Dataset.from_dict(rows, features=features).to_parquet(tmp_path / "rows.parquet")
    source = table(
        files=["rows.parquet"],
        facts={
            "image.topic": {"column": "label"},
            "image.clarity": {"column": "score"},
            "image.text": {"column": "turns.0.text"},
        },
        requests=[{"prompt": "prompt", "images": ["picture"]}],
        meta=["label"],
    )
    items, skipped = read(source, policy, tmp_path)
    assert skipped == []
    assert [item.meta for item in items] == [{"label": "fraud"}, {"label": "harmless"}]


def test_a_data_set_that_was_saved_to_disk(policy: CompiledPolicy, tmp_path: Path) -> None:
    """`datasets` saves Arrow files; pictures in them are read one by one, in any order, in lists too, and absent ones
    are none."""
    import datasets

    features = datasets.Features(
        {
            "prompt": datasets.Value("string"),
            "image": datasets.Image(),
            "more": datasets.Sequence(datasets.Image()),
        }
    )
    count = 50
    pictures = [{"bytes": png(n), "path": f"{n}.png"} for n in range(count)]
    rows = {
        "prompt": [f"q{n}" for n in range(count)],
        "image": [None if n == 3 else pictures[n] for n in range(count)],
        "more": [[pictures[n], pictures[0]] if n % 2 else [] for n in range(count)],
    }
    made = datasets.Dataset.from_dict(rows, features=features)
    made.save_to_disk(tmp_path / "saved")
    made.to_parquet(tmp_path / "rows.parquet")
    requests = [{"prompt": "prompt", "images": ["image", "more"]}]
    for pattern in ("saved/*.arrow", "rows.parquet"):
        items, skipped = read(table(files=[pattern], requests=requests), policy, tmp_path)
        assert skipped == []
        order = list(range(count))
        random.Random(0).shuffle(order)
        for n in order:
            expected = ([] if n == 3 else [png(n)]) + ([png(n), png(0)] if n % 2 else [])
            assert [image.read() for image in items[n].images] == expected
        assert [image.name for image in items[1].images] == ["1.png", "1.png", "0.png"]


@pytest.mark.parametrize("statistics", [True, False])
def test_pictures_that_are_half_there(policy: CompiledPolicy, tmp_path: Path, statistics: bool) -> None:
    """Bytes without a path, a path without bytes (which is looked up), neither, and no picture at all; whether or not
    the file says how many are absent."""
    (tmp_path / "beside.png").write_bytes(png(7))
    pictures = [
        {"bytes": png(1), "path": "in.png"},
        {"bytes": png(2), "path": None},
        {"bytes": None, "path": "beside.png"},
        {"bytes": None, "path": "../outside.png"},
        {"bytes": None, "path": None},
        None,
    ]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    rows = pa.table({"prompt": ["q"] * len(pictures), "image": pa.array(pictures, kind)})
    pq.write_table(rows, tmp_path / "rows.parquet", write_statistics=statistics)
    requests = [{"prompt": "prompt", "images": ["image"]}]
    items, skipped = read(table(files=["rows.parquet"], requests=requests), policy, tmp_path)
    assert {item.id: [(image.name, image.read()) for image in item.images] for item in items} == {
        "row-1": [("in.png", png(1))],
        "row-2": [("row-2-1", png(2))],
        "row-3": [("beside.png", png(7))],
        "row-5": [],
        "row-6": [],
    }
    assert [(entry.id, entry.reason) for entry in skipped] == [("row-4", "path_outside")]


@pytest.mark.parametrize("kind", ["binary", "large_binary"])
def test_pictures_as_plain_bytes(policy: CompiledPolicy, tmp_path: Path, kind: str) -> None:
    column = pa.array([png(1), None, png(2)], getattr(pa, kind)())
    pq.write_table(pa.table({"prompt": ["a", "b", "c"], "image": column}), tmp_path / "rows.parquet")
    requests = [{"prompt": "prompt", "images": ["image"]}]
    items, _ = read(table(files=["rows.parquet"], requests=requests), policy, tmp_path)
    assert [[image.read() for image in item.images] for item in items] == [[png(1)], [], [png(2)]]
    assert items[0].images[0].name == "row-1-1"


@pytest.mark.parametrize("kept", ["folder", "pictures.zip"])
def test_a_folder_of_pictures(policy: CompiledPolicy, tmp_path: Path, kept: str) -> None:
    """Each picture is a row; its folder's name is a label; other files are none; prompts take turns."""
    names = {"fraud/b.png": png(1), "fraud/a.JPG": png(2), "harmless/c.webp": png(3), "fraud/notes.txt": b"x"}
    if kept == "folder":
        for name, data in names.items():
            (tmp_path / kept / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / kept / name).write_bytes(data)
    else:
        with zipfile.ZipFile(tmp_path / kept, "w") as archive:
            for name, data in names.items():
                archive.writestr(name, data)
    source = table(
        files=[f"{kept}/**/*"],
        format="pictures",
        id="{folder}/{stem}",
        requests=[{"prompts": ["What is this?", "Describe it."], "images": ["path"]}],
        facts={"image.topic": {"column": "folder", "map": {"fraud": "fraud", "harmless": "harmless"}}},
    )
    items, skipped = read(source, policy, tmp_path)
    assert skipped == []
    assert [(i.id, i.prompt, i.case.known["image.topic"], i.images[0].read()) for i in items] == [
        ("fraud/a", "What is this?", "fraud", png(2)),
        ("fraud/b", "Describe it.", "fraud", png(1)),
        ("harmless/c", "What is this?", "harmless", png(3)),
    ]


def test_several_files_are_read_in_the_order_of_their_names(policy: CompiledPolicy, tmp_path: Path) -> None:
    for number in (2, 0, 1):
        (tmp_path / f"part-{number}.jsonl").write_text(f'{{"prompt": "{number}a"}}\n{{"prompt": "{number}b"}}\n')
    opened = open_source(table(files=["part-*.jsonl"]), policy, tmp_path, seed=0)
    assert [(block.start, block.stop) for block in opened.blocks()] == [(0, 2), (2, 4), (4, 6)]
    items = [entry for block in opened.blocks() for entry in opened.read(block) if isinstance(entry, Item)]
    assert [(item.id, item.prompt) for item in items] == [
        (f"row-{2 * number + at}", f"{number}{name}") for number in range(3) for at, name in ((1, "a"), (2, "b"))
    ]


def test_an_empty_file(policy: CompiledPolicy, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(b"")
    for source in (table(files=["rows.jsonl"]), Jsonl(path="rows.jsonl", licence="x")):
        assert list(open_source(source, policy, tmp_path, seed=0).blocks()) == []


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["rows.ods"], r"rows\.ods: what is in it\? known endings are \.arrow, .*; else say `format`"),
        (["none-*.csv"], r"there is no none-\*\.csv in .* \(part `row`\); set the source's `root`"),
    ],
)
def test_files_that_cannot_be_read(policy: CompiledPolicy, tmp_path: Path, files: list[str], message: str) -> None:
    (tmp_path / "rows.ods").write_bytes(b"")
    with pytest.raises(FactsError, match=message):
        read(table(files=files), policy, tmp_path)


def test_a_key_of_a_document(policy: CompiledPolicy, tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text('{"meta": {"n": [1, {"x": "]"}]}, "rows": [{"prompt": "a"}]}')
    items, _ = read(table(files=["rows.json"], under="rows"), policy, tmp_path)
    assert [item.prompt for item in items] == ["a"]
    with pytest.raises(FactsError, match=r"has no key `row` \(it has meta, rows\)"):
        read(table(files=["rows.json"], under="row"), policy, tmp_path)


def test_read_source_is_the_blocks_in_order(policy: CompiledPolicy, shared_data: Path) -> None:
    source = FigStep.model_validate({"root": "figstep", "read_out": ["Read it."]})
    flat = [entry.id for entry in read_source(source, policy, shared_data, seed=0)]
    opened = open_source(source, policy, shared_data, seed=0)
    assert flat == [entry.id for block in opened.blocks() for entry in opened.read(block)]
    assert len(flat) == 100
