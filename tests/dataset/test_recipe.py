"""The data part of a recipe: what it takes and refuses, and that it reads back as it was written."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from safecot_dsl.dataset import DataRecipe, dump_recipe

RECIPE = """
sources:
  - kind: figstep
    root: data/figstep
    facts:
      image.topic: {column: category_name, map: {Fraud: fraud}, absent: harmless}
      query.act: {value: complete}
  - {kind: jsonl, path: rows.jsonl, licence: MIT, where: {safe: [true, null]}}
rows: 100
selection: stratified
"""


def parsed(text: str) -> DataRecipe:
    return DataRecipe.model_validate(yaml.safe_load(text))


def test_read_and_write_back() -> None:
    recipe = parsed(RECIPE)
    assert (recipe.rows, recipe.style, recipe.balance, recipe.tags.open) == (100, "stepwise", 0.5, "<think>")
    assert recipe.sources[1].where == {"safe": (True, None)}  # pyright: ignore
    for one in (recipe, recipe.model_copy(update={"balance": None})):
        written = yaml.safe_load(dump_recipe(one, name="n", policy="p.json", seed=3))
        assert DataRecipe.model_validate(written.pop("data")) == one
        assert written == {"name": "n", "policy": "p.json", "seed": 3}


def test_labels_of_a_map_may_be_no_texts() -> None:
    """YAML reads `true` and `3` as other things than text; a source's label may be any of them."""
    recipe = parsed(RECIPE.replace("{Fraud: fraud}", "{true: a, 3: b, x: c}"))
    assert recipe.sources[0].facts["image.topic"].map == {"true": "a", "3": "b", "x": "c"}  # pyright: ignore


@pytest.mark.parametrize(
    ("text", "location", "message"),
    [
        (RECIPE + "rowz: 3\n", "rowz", "Extra inputs"),
        (RECIPE.replace("root:", "rot:"), "sources.0.figstep.root", "Field required"),
        (RECIPE.replace("kind: figstep", "kind: figstap"), "sources.0", "'figstep', "),
        (RECIPE.replace("{value: complete}", "{valu: complete}"), "sources.0.figstep.facts.query.act.column.valu", ""),
        (RECIPE.replace("rows: 100", "rows: many"), "rows", "integer"),
        (RECIPE.replace("rows: 100", "rows: 0"), "rows", "greater than or equal to 1"),
        (RECIPE.replace("stratified", "contrast").replace("100", "99"), "", "`rows` must be even, not 99"),
        (RECIPE.replace("stratified", "contrast") + "balance: 0.3\n", "", "makes pairs, so `balance` is 0.5"),
        (RECIPE + "balance: 1.5\n", "balance", "less than or equal to 1"),
        (RECIPE + "tags: {open: think, close: x}\n", "tags.open", "is no tag"),
        ("sources: []\n", "sources", "at least 1 item"),
    ],
)
def test_faults(text: str, location: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        parsed(text)
    found: dict[str, Any] = {".".join(map(str, fault["loc"])): fault["msg"] for fault in caught.value.errors()}
    assert message in found[location]


def test_the_schema_names_every_key() -> None:
    schema = DataRecipe.model_json_schema()
    assert schema["additionalProperties"] is False
    assert {"sources", "rows", "style", "selection", "balance", "tags", "unsure", "strict"} <= schema[
        "properties"
    ].keys()
    kinds = schema["properties"]["sources"]["items"]["discriminator"]["mapping"].keys()
    assert {"figstep", "jsonl", "miniature"} <= kinds
