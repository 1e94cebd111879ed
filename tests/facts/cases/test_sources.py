"""Sources read tables as `decide` does: columns by name, cells as people write them, all faults at once, nothing lost
in silence, and nothing that lies outside."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.evaluation import agreement
from safecot_dsl.facts import FactsError, Jsonl, open_source
from safecot_dsl.facts.cases.faults import CasesError
from safecot_dsl.facts.table import ColumnsNote
from tests.facts.conftest import policy
from tests.facts.making import png, read, table

__all__ = ["policy"]

PICTURED: dict[str, Any] = {"requests": [{"prompt": "prompt", "images": ["picture"]}]}


def test_columns_are_facts_by_their_names(policy: CompiledPolicy, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "rows.csv").write_text(
        "prompt,picture,image.objects,image.topic,query.act,context.minor,notes\n"
        "one,a.png,bleach; knife,Fraud,other,yes,not a fact\n"
        "two,a.png,{},,,0,\n"
    )
    items, skipped = read(table(files=["rows.csv"], **PICTURED), policy, tmp_path)
    assert skipped == []
    assert [dict(item.case.known) for item in items] == [
        {
            "image.objects": frozenset({"bleach", "knife"}),
            "image.topic": "fraud",
            "query.act": "other",
            "context.minor": True,
        },
        {"image.objects": frozenset(), "context.minor": False},
    ]


def test_the_bare_name_of_a_fact_will_do_and_is_said(policy: CompiledPolicy, tmp_path: Path) -> None:
    """As for `decide`; not for a column that the description has a use for, nor where it explains its columns."""
    (tmp_path / "rows.csv").write_text("text,objects,act,split\nasked,knife,other,x\n")
    own: dict[str, Any] = {"files": ["rows.csv"], "requests": [{"prompt": "text"}]}
    with pytest.warns(ColumnsNote, match="hand: `act` is read as `query.act`, `objects` is read as `image.objects`"):
        items, _ = read(table(**own), policy, tmp_path)
    assert items[0].case.known == {"query.act": "other", "image.objects": frozenset(), "image.text": ""}
    assert items[0].dropped == ("image.objects",)
    items, _ = read(table(**own, columns={"text": "", "objects": "", "act": "", "split": ""}), policy, tmp_path)
    assert "query.act" not in items[0].case.known


def test_a_mapping_comes_before_a_columns_name(policy: CompiledPolicy, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("prompt,query.act,act\none,other,complete\n")
    source = table(files=["rows.csv"], facts={"query.act": {"column": "act"}})
    items, _ = read(source, policy, tmp_path)
    assert items[0].case.known["query.act"] == "complete"


@pytest.mark.parametrize("kind", ["described", "jsonl"])
def test_keys_of_json_are_facts_by_their_names(policy: CompiledPolicy, tmp_path: Path, kind: str) -> None:
    """Their own, and not a part of another key."""
    row = {"prompt": "one", "query.act": "other", "context.minor": "no"}
    inner = {"context": {"minor": True}, "query": {"act": "other"}}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n" + json.dumps({"prompt": "two", **inner}) + "\n")
    jsonl = Jsonl(path="rows.jsonl", licence="x", ignore=("context", "query"))
    items, _ = read(jsonl if kind == "jsonl" else table(files=["rows.jsonl"]), policy, tmp_path)
    known = [{name: v for name, v in item.case.known.items() if not name.startswith("image.")} for item in items]
    assert known == [{"query.act": "other", "context.minor": False}, {}]


def test_a_misspelt_column_is_named_before_anything_is_read(policy: CompiledPolicy, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("prompt,image.objcts,query.actt\none,bleach,other\n")
    with pytest.raises(CasesError) as error:
        open_source(table(files=["rows.csv"]), policy, tmp_path, seed=0)
    assert str(error.value).splitlines() == [
        "hand: the column `image.objcts` is no fact of the policy; did you mean `image.objects`?; rename or drop it",
        "hand: the column `query.actt` is no fact of the policy; did you mean `query.act`?; rename or drop it",
    ]


def test_all_faults_of_a_source_are_named_with_their_lines(policy: CompiledPolicy, tmp_path: Path) -> None:
    rows = ["prompt,query.act,context.minor", '"one\ntwo",othr,yes', "three,other,2", ",other,no", "four,othr,maybe"]
    (tmp_path / "rows.csv").write_text("\n".join(rows) + "\n")
    with pytest.raises(CasesError) as error:
        read(table(files=["rows.csv"]), policy, tmp_path)
    assert str(error.value).splitlines() == [
        "hand rows.csv, lines 2 and 6: `query.act`: `othr` is no value of the fact; did you mean `other`?",
        "hand rows.csv:4: `context.minor`: `2` is not yes or no (nor true, false, 1 or 0)",
        "hand rows.csv:6: `context.minor`: `maybe` is not yes or no (nor true, false, 1 or 0)",
    ]


def test_all_faults_of_a_jsonl_are_named_with_their_lines(policy: CompiledPolicy, tmp_path: Path) -> None:
    rows = [
        {"prompt": "a", "facts": {"query.act": "othr", "image.objcts": []}},
        {"prompt": "b"},
        {"prompt": "c", "facts": {"query.act": "othr"}},
        {"prompt": "d", "query.actt": "other", "note": 1},
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(CasesError) as error:
        read(Jsonl(path="rows.jsonl", licence="x"), policy, tmp_path)
    assert str(error.value).splitlines() == [
        "rows.jsonl, lines 1 and 3: `query.act`: 'othr' is not one of complete, transcribe, other (did you mean "
        "`other`?)",
        "rows.jsonl:1: the policy declares no fact `image.objcts` (did you mean `image.objects`?)",
        "rows.jsonl:4: unknown key `note`; use it in `facts`, or list it under `ignore`",
        "rows.jsonl:4: unknown key `query.actt`; did you mean `query.act`?",
    ]


# -- facts of an image that is not there ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_facts_of_an_image_without_one_are_counted(policy: CompiledPolicy, tmp_path: Path, kind: str) -> None:
    """What is true without an image too is none; a value that the recipe gives all rows is no loss."""
    if kind == "csv":
        text = "prompt,image.topic,image.objects,image.text\na,fraud,knife,\nb,,{},x\nc,,{},\n"
        (tmp_path / "rows.csv").write_text(text)
        source: Any = table(files=["rows.csv"], facts={"image.clarity": {"value": 0.5}})
    else:
        rows = [
            {"prompt": "a", "facts": {"image.topic": "fraud", "image.objects": ["knife"]}},
            {"prompt": "b", "facts": {"image.objects": [], "image.text": "x"}},
            {"prompt": "c", "facts": {"image.objects": [], "image.text": ""}},
        ]
        (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        source = Jsonl(path="rows.jsonl", licence="x", facts={"image.clarity": {"value": 0.5}})  # pyright: ignore
    items, _ = read(source, policy, tmp_path)
    assert [set(item.dropped) for item in items] == [{"image.topic", "image.objects"}, {"image.text"}, set()]
    assert all(item.case.known == {"image.objects": frozenset(), "image.text": ""} for item in items)
    found = agreement(policy, items, label="x", declining=["y"])
    assert found.image_facts_dropped == {"image.objects": 1, "image.text": 1, "image.topic": 1}


# -- links ------------------------------------------------------------------------------------------------------------


def _outside(tmp_path: Path) -> Path:
    """A folder `root` beside files that it may not lead to."""
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "out.csv").write_text("prompt\nsecret\n")
    with zipfile.ZipFile(tmp_path / "out.zip", "w") as archive:
        archive.writestr("rows.csv", "prompt\nsecret\n")
        archive.writestr("a.png", png())
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(png())
    (root / "own.csv").write_text("prompt,picture\none,a.png\n")
    return root


@pytest.mark.parametrize(
    ("link", "target", "files"),
    [
        ("rows.csv", "../out.csv", "rows.csv"),
        ("rows.csv", "../out.csv", "*.csv"),
        ("inner", "..", "inner/*.csv"),
        ("data.zip", "../out.zip", "data.zip/*.csv"),
    ],
)
def test_files_of_rows_that_links_lead_out_to_are_refused(
    policy: CompiledPolicy, tmp_path: Path, link: str, target: str, files: str
) -> None:
    root = _outside(tmp_path)
    (root / link).symlink_to(target)
    with pytest.raises(FactsError, match="is a link, or lies behind one, that leaves"):
        open_source(table(files=[files], root="root"), policy, tmp_path, seed=0)


@pytest.mark.parametrize(("link", "target"), [("shown", "../pictures"), ("shown.zip", "../out.zip")])
def test_folders_and_archives_of_images_that_are_links_out_are_refused(
    policy: CompiledPolicy, tmp_path: Path, link: str, target: str
) -> None:
    root = _outside(tmp_path)
    (root / link).symlink_to(target)
    described = table(files=["own.csv"], root="root", **PICTURED)
    assert described.describe is not None
    source = described.model_copy(update={"describe": described.describe.model_copy(update={"images": (link,)})})
    with pytest.raises(FactsError, match="is a link, or lies behind one, that leaves"):
        open_source(source, policy, tmp_path, seed=0)


def test_links_that_stay_inside_are_followed(policy: CompiledPolicy, tmp_path: Path) -> None:
    root = _outside(tmp_path)
    (root / "rows.csv").symlink_to("own.csv")
    items, _ = read(table(files=["rows.csv"], root="root"), policy, tmp_path)
    assert [item.prompt for item in items] == ["one"]


def test_pictures_that_are_links_out_are_counted(policy: CompiledPolicy, tmp_path: Path) -> None:
    root = _outside(tmp_path)
    (root / "a.png").write_bytes(png())
    (root / "b.png").symlink_to("../pictures/a.png")
    source = table(files=["*.png"], root="root", format="pictures", requests=[{"prompts": ["?"], "images": ["path"]}])
    items, skipped = read(source, policy, tmp_path)
    assert [item.images[0].name for item in items] == ["a.png"]
    assert [entry.reason for entry in skipped] == ["path_outside"]
