"""`safecotc data annotate`: facts filled in, compared with labels, and tried for what errors would do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from safecot_dsl.facts import FactsError

from .conftest import Run

ROWS = [
    {"id": "a", "prompt": "Where should I keep it?", "intent": "store"},
    {"id": "b", "prompt": "May I mix or store them?", "intent": "mix"},
]
PATTERN = {"kind": "pattern", "fact": "query.intent", "patterns": {"store": ["keep", "store"], "mix": ["mix"]}}


def write_recipe(name: str, source: dict[str, Any], **data: Any) -> None:
    sources = [{"kind": "jsonl", "path": "rows.jsonl", "licence": "CC0-1.0", "name": "hand", **source}]
    recipe = {"name": name, "policy": "p.safecot", "data": {"sources": sources, **data}}
    Path(f"{name}.yaml").write_text(yaml.safe_dump(recipe))


@pytest.fixture
def recipes(folder: Path) -> None:
    """A recipe with an annotator, and one with the labels of the same two rows."""
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    write_recipe("found", {"ignore": ["intent"]}, annotators=[PATTERN])
    write_recipe("labels", {"facts": {"query.intent": {"column": "intent"}}})


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.csv", "found.yaml"])
def test_facts_are_not_written_over_what_they_are_read_from(name: str, safecotc: Run, recipes: None):
    """The requests, by line or in a table, and the recipe."""
    Path("rows.csv").write_text("id,prompt\nc,May I mix them?\n")
    described: dict[str, Any] = {
        "name": "table",
        "licence": "CC0-1.0",
        "commercial": True,
        "files": ["*.csv"],
        "id": "id",
    }
    described["requests"] = [{"prompt": "prompt"}]
    recipe = yaml.safe_load(Path("found.yaml").read_text())
    recipe["data"]["sources"].append({"kind": "table", "describe": described})
    Path("found.yaml").write_text(yaml.safe_dump(recipe))
    before = Path(name).read_text()
    done = safecotc("data", "annotate", "found.yaml", "-o", name)
    assert (done.code, done.err) == (2, f"error: {name} is a file that this command reads; name another with --out\n")
    assert Path(name).read_text() == before


def test_a_table_at_an_absolute_path_is_refused_as_without_a_file_to_write(safecotc: Run, recipes: None):
    described = {"name": "table", "licence": "CC0-1.0", "commercial": True, "files": [str(Path("rows.csv").absolute())]}
    source = {"kind": "table", "describe": {**described, "id": "id", "requests": [{"prompt": "prompt"}]}}
    recipe = yaml.safe_load(Path("found.yaml").read_text())
    recipe["data"]["sources"].append(source)
    Path("found.yaml").write_text(yaml.safe_dump(recipe))
    with pytest.raises(FactsError, match=r"leaves the source's folder"):
        safecotc("data", "annotate", "found.yaml", "-o", "facts.jsonl")


def test_what_was_filled_in_is_written_with_its_origin(safecotc: Run, recipes: None):
    done = safecotc("data", "annotate", "found.yaml", "-o", "facts.jsonl")
    assert done.code == 0, done.err
    assert "pattern did not tell query.intent: 1 patterns of several values are found\n  hand/b: " in done.out
    kept, mixed = [json.loads(line) for line in Path("facts.jsonl").read_text().splitlines()]
    assert kept["facts"]["query.intent"] == "store"
    assert kept["origins"] == {"query.intent": {"by": "pattern", "confidence": None, "detail": "'keep'"}}
    assert ("query.intent" in mixed["facts"], mixed["origins"]) == (False, {})


def test_labels_of_another_recipe_are_set_against_what_was_found(safecotc: Run, recipes: None):
    """And errors are tried; everything is in the JSON form."""
    done = safecotc("data", "annotate", "found.yaml", "--against", "labels.yaml", "--sensitivity", "-f", "json")
    told = done.json()
    assert told["annotation"]["annotators"][0]["facts"]["query.intent"]["filled"] == 1
    compared = told["comparison"]["facts"]["query.intent"]
    assert (compared["labelled"], compared["told"], compared["right"]) == (2, 1, 1)
    assert compared["table"] == {"mix": {"unknown": 1}, "store": {"store": 1}}
    assert told["sensitivity"]["cases"] == 2
    assert told["skipped"] == {}


def test_the_tables_are_for_people(safecotc: Run, recipes: None):
    done = safecotc("data", "annotate", "found.yaml", "--against", "labels.yaml", "--sensitivity")
    assert "query.intent: 1 right, 0 wrong, 1 unknown, of 2 with a label" in done.out
    assert "label \\ found" in done.out
    assert "errors that would change verdicts, of 2 cases" in done.out


def test_the_schema_is_that_of_the_policy_or_of_the_models_facts(safecotc: Run, recipes: None):
    whole = json.loads(safecotc("data", "annotate", "p.safecot", "--schema").out)
    assert "query.intent" in whole["properties"]
    write_recipe("asked", {"ignore": ["intent"]}, annotators=[{"kind": "model", "facts": ["query.intent"]}])
    assert list(json.loads(safecotc("data", "annotate", "asked.yaml", "--schema").out)["properties"]) == [
        "query.intent"
    ]


def test_a_recipe_without_annotators_is_no_use(safecotc: Run, recipes: None):
    done = safecotc("data", "annotate", "labels.yaml")
    assert (done.code, done.err) == (2, "error: the recipe labels has no `data.annotators`\n")


def test_a_fact_that_the_policy_does_not_declare_is_named(safecotc: Run, recipes: None):
    write_recipe("typo", {"ignore": ["intent"]}, annotators=[{**PATTERN, "fact": "query.intend"}])
    with pytest.raises(FactsError, match=r"no fact `query.intend`; did you mean `query.intent`\?"):
        safecotc("data", "annotate", "typo.yaml")


def test_what_steers_a_terminal_is_shown_and_not_obeyed(safecotc: Run, recipes: None):
    """An escape in a prompt that a pattern finds."""
    Path("rows.jsonl").write_text(json.dumps({"id": "a", "prompt": "keep \x1b[2J and mix", "intent": "mix"}) + "\n")
    spread = {**PATTERN, "patterns": {"store": ["keep.*"], "mix": ["mix"]}}
    write_recipe("found", {"ignore": ["intent"]}, annotators=[spread])
    assert "\x1b" not in safecotc("data", "annotate", "found.yaml").out
