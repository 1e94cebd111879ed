"""Recipes: every fault is named with its key, and a written recipe reads back."""

from __future__ import annotations

from pathlib import Path

import pytest

from safecot_dsl.dataset import DataRecipe, RecipeError, dump_recipe, load_recipe

RECIPE = """
name: example
policy: p.safecot
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


def written(tmp_path: Path, text: str) -> Path:
    (tmp_path / "recipe.yaml").write_text(text)
    return tmp_path / "recipe.yaml"


def test_read_and_write_back(tmp_path: Path) -> None:
    recipe = load_recipe(written(tmp_path, RECIPE))
    assert (recipe.rows, recipe.style, recipe.balance, recipe.tags.open) == (100, "stepwise", 0.5, "<think>")
    assert recipe.sources[1].where == {"safe": (True, None)}  # pyright: ignore
    assert load_recipe(written(tmp_path, dump_recipe(recipe))) == recipe
    unbalanced = recipe.model_copy(update={"balance": None})
    assert load_recipe(written(tmp_path, dump_recipe(unbalanced))) == unbalanced


def test_overrides(tmp_path: Path) -> None:
    path = written(tmp_path, RECIPE)
    recipe = load_recipe(path, {"sources.0.root": "elsewhere", "rows": 10})
    assert (recipe.sources[0].root, recipe.rows) == ("elsewhere", 10)  # pyright: ignore
    with pytest.raises(RecipeError, match=r"there is no `sources\.5\.root` to set"):
        load_recipe(path, {"sources.5.root": "elsewhere"})
    with pytest.raises(RecipeError, match="unknown key `rowz`; did you mean `rows`"):
        load_recipe(path, {"rowz": 3})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RECIPE + "rowz: 3\n", r"recipe\.yaml: unknown key `rowz`; did you mean `rows`\?"),
        (
            RECIPE.replace("root:", "rot:"),
            r"`sources\.0\.root`: Field required; unknown key `sources\.0\.rot`; did you mean `root`\?",
        ),
        (RECIPE.replace("{value: complete}", "{valu: complete}"), r"unknown key `sources\.0\.facts\.query\.act\.valu`"),
        (RECIPE.replace("kind: figstep", "kind: figstap"), r"`sources\.0`: .*figstap.*'figstep'"),
        (RECIPE.replace("rows: 100", "rows: many"), "`rows`: "),
        (RECIPE.replace("rows: 100", "rows: 0"), "`rows`: "),
        (RECIPE.replace("stratified", "contrast").replace("100", "99"), "`rows` must be even, not 99"),
        (RECIPE.replace("stratified", "contrast") + "balance: 0.3\n", "makes pairs, so `balance` is 0.5"),
        (RECIPE + "tags: {open: think, close: x}\n", "is no tag"),
        ("sources: []\n", "`sources`: "),
        ("[1, 2]\n", "is not a mapping"),
        ("a: b: c\n", "is not YAML"),
        ("a: !!python/object/apply:os.system [ls]\n", "is not YAML"),
    ],
)
def test_faults(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe(written(tmp_path, text))


def test_a_recipe_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"cannot read the recipe .*none\.yaml: No such file"):
        load_recipe(tmp_path / "none.yaml")


def test_the_schema_names_every_key() -> None:
    schema = DataRecipe.model_json_schema()
    assert schema["additionalProperties"] is False
    assert {"sources", "rows", "style", "selection", "balance", "tags", "unsure", "strict"} <= schema[
        "properties"
    ].keys()
    kinds = schema["properties"]["sources"]["items"]["discriminator"]["mapping"].keys()
    assert set(kinds) == {"figstep", "vlguard", "jsonl", "miniature"}
