"""What an editor says of a recipe's keys: the JSON Schemas, and the line by which a YAML file names its own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from safecot_dsl.cli.policy.schema import SchemaSubject, schema_of
from safecot_dsl.datafiles import recipes_root

SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schema"
MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)\n")
#: Settings of Accelerate, a program that has no schema of its own for them.
OTHERS = "accelerate"
FILES = sorted(path for path in recipes_root().glob("**/*.yaml") if OTHERS not in path.parts)


def _properties(nodes: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, node in nodes.items():
        for key, described in node.get("properties", {}).items():
            yield f"{name}.{key}", described


#: The published schemas, each with how many properties it has at least.
PUBLISHED = {"artifact": 207, "decision": 11, "recipe": 290, "source": 34, "suite": 72}


def test_every_subject_is_published() -> None:
    assert set(PUBLISHED) == {subject.value for subject in SchemaSubject}


@pytest.mark.parametrize("subject", SchemaSubject)
def test_every_key_is_described(subject: SchemaSubject) -> None:
    schema = schema_of(subject)
    described = dict(_properties({subject.value: schema, **schema.get("$defs", {})}))
    assert len(described) >= PUBLISHED[subject]
    _assert_described(described)


def test_every_key_of_the_studios_questions_is_described() -> None:
    page = json.loads((SCHEMAS / "studio.openapi.json").read_text(encoding="utf-8"))
    described = dict(_properties(page["components"]["schemas"]))
    assert len(described) >= 447
    _assert_described(described)
    bodies = _contents(page["paths"])
    assert len(bodies) >= 50
    _assert_described(dict(_properties({str(number): body for number, body in enumerate(bodies)})))


def _contents(node: Any) -> list[dict[str, Any]]:
    """The schemas of all bodies and parameters; those of components are referred to."""
    if isinstance(node, list):
        return [found for each in node for found in _contents(each)]
    if not isinstance(node, dict):
        return []
    own = [node["schema"]] if "schema" in node else []
    return own + [found for key, each in node.items() if key != "schema" for found in _contents(each)]


def _assert_described(properties: dict[str, dict[str, Any]]) -> None:
    for key, node in properties.items():
        text = node.get("description", "")
        assert re.fullmatch(r"(?s)[A-Z`].*\.", text), f"{key}: {text!r}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(recipes_root()).as_posix())
def test_a_shipped_file_names_the_schema_that_it_fits(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = MODELINE.match(text)
    assert named, "the first line says `# yaml-language-server: $schema=...`"
    kind = {"sources": "source", "suites": "suite"}.get(path.parent.name, "recipe")
    assert (path.parent / named[1]).resolve() == SCHEMAS / f"{kind}.schema.json"
    schema = json.loads((SCHEMAS / f"{kind}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(yaml.safe_load(text))


def test_the_schema_refuses_a_misspelt_key() -> None:
    schema = json.loads((SCHEMAS / "recipe.schema.json").read_text(encoding="utf-8"))
    recipe = yaml.safe_load((recipes_root() / "demo.yaml").read_text(encoding="utf-8"))
    recipe["data"]["stile"] = "full"
    (fault,) = jsonschema.Draft202012Validator(schema).iter_errors(recipe)
    assert "stile" in fault.message
