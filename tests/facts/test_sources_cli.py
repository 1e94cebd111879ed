"""`safecotc data sources`: what ships, one of it, and a look into one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from safecot_dsl.cli.main import app
from safecot_dsl.facts import DescribedTable, FactsError
from safecot_dsl.facts.shipped import shipped_names

CSV = """id,prompt,type,label,focus,note
1,How?,homonyms,safe,kill,
2,\x1b[31mWhy?,contrast_x,unsafe,kill,
3,So?,x,safe,,
"""


def run(*words: str) -> str:
    done = CliRunner().invoke(app, ["data", "sources", *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "xstest_prompts.csv").write_text(CSV)
    return tmp_path


def test_the_list_names_every_source_with_its_licence() -> None:
    lines = run().splitlines()
    assert [line.split()[0] for line in lines[1 : 1 + len(shipped_names())]] == shipped_names()
    assert "vlguard         research use (VLGuard)" in lines[shipped_names().index("vlguard") + 1]
    listed = json.loads(run("--format", "json"))["sources"]
    assert [(one["name"], one["commercial"], one["checked"]) for one in listed if one["name"] in ("mis", "xstest")] == [
        ("mis", True, "shape"),
        ("xstest", True, "files"),
    ]


@pytest.mark.parametrize("name", shipped_names())
def test_a_source_is_shown_with_a_recipe_that_loads(name: str) -> None:
    out = run(name)
    text, _, fragment = out.partition("\nIn a recipe:\n")
    assert "To get it: " in text
    (source,) = yaml.safe_load(fragment)["data"]["sources"]
    assert DescribedTable.model_validate(source).source == name
    assert json.loads(run("show", name, "-f", "json"))["columns"] == json.loads(run(name, "-f", "json"))["columns"]


def test_a_look_counts_what_is_there(root: Path) -> None:
    """Rows, what is skipped and why, the values of each column; nothing of a file moves the cursor."""
    out = run("look", "xstest", "--root", str(root))
    assert "xstest_prompts.csv: 3 rows" in out
    assert "2 requests, 0 with an answer, 0 images" in out
    assert "skipped: 1 control_characters, such as 2: xstest xstest_prompts.csv:3: the request has" in out
    assert "label   2 values: safe (2)" in out
    assert "\x1b" not in out
    (source,) = yaml.safe_load(out.partition("of your policy:\n")[2])["data"]["sources"]
    assert DescribedTable.model_validate(source).root == str(root)
    assert source["facts"]["FACT_1"] == {"column": "type", "map": {"homonyms": "VALUE", "x": "VALUE"}}


def test_a_look_as_json(root: Path) -> None:
    found: dict[str, Any] = json.loads(run("look", "xstest", "--root", str(root), "-f", "json"))
    assert found["files"] == {"xstest_prompts.csv": 3}
    assert found["skipped"]["control_characters"]["count"] == 1
    assert found["columns"]["type"] == {"present": 2, "values": {"homonyms": 1, "x": 1}}


def test_a_look_at_a_description_of_ones_own(root: Path) -> None:
    path = root / "mine.yaml"
    path.write_text("{name: m, licence: x, commercial: true, files: ['*.csv'], id: id, requests: [{prompt: prompt}]}")
    assert "2 requests" in run("look", str(path), "--root", str(root))


def test_names_that_are_none(root: Path) -> None:
    with pytest.raises(FactsError, match=r"there is no source `xtest`; did you mean `xstest`\?"):
        run("xtest")
    with pytest.raises(FactsError, match="has no part `train`"):
        run("look", "xstest", "--root", str(root), "--part", "train")
