"""Recipes: what is read, and each fault with the key that its author wrote."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from safecot_dsl.datafiles import recipes_root
from safecot_dsl.dataset import DataRecipe
from safecot_dsl.pipeline import Recipe, find_recipe, load_recipe
from safecot_dsl.pipeline.recipe import MAX_BYTES, RecipeError

PLAIN: dict[str, Any] = {
    "name": "plain",
    "policy": "p.safecot",
    "data": {
        "sources": [
            {"kind": "miniature", "pool": 100},
            {"kind": "jsonl", "path": "rows.jsonl", "licence": "CC0-1.0"},
        ]
    },
}


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def changed(path: str, value: Any) -> dict[str, Any]:
    """The plain recipe with one more key, by dotted path."""
    data = copy.deepcopy(PLAIN)
    node: Any = data
    *parents, last = path.split(".")
    for part in parents:
        node = node[int(part)] if isinstance(node, list) else node.setdefault(part, {})
    node[int(last) if isinstance(node, list) else last] = value
    return data


def fault_of(tmp_path: Path, data: Any) -> str:
    """What is said of a recipe, without the file's name."""
    path = written(tmp_path, data if isinstance(data, str | bytes) else yaml.safe_dump(data))
    with pytest.raises(RecipeError) as raised:
        load_recipe(path)
    assert str(raised.value).startswith(str(path))
    assert "\n" not in str(raised.value)
    return str(raised.value).removeprefix(str(path)).removeprefix(": ")


def test_a_plain_recipe_has_one_arm_and_no_model(tmp_path: Path):
    recipe = load_recipe(written(tmp_path, yaml.safe_dump(PLAIN)))
    assert list(recipe.arms) == ["safecot"]
    assert recipe.model is None
    assert recipe.data_of("safecot") == recipe.data
    assert recipe.training_of("safecot") == recipe.training


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("nmae", "name"),
        ("polcy", "policy"),
        ("data.stlye", "style"),
        ("data.tags.opne", "open"),
        ("data.sources.0.poool", "pool"),
        ("data.sources.1.lisence", "licence"),
        ("training.learning_rat", "learning_rate"),
        ("evaluation.max_new_token", "max_new_tokens"),
        ("evaluation.splits.style.utilty", "utility"),
        ("arms.safecot.trainin", "training"),
        ("arms.safecot.data.stlye", "style"),
        ("arms.safecot.training.max_step", "max_steps"),
        ("model.miniature.stpes", "steps"),
    ],
)
def test_an_unknown_key_is_named_as_written_with_what_was_meant(tmp_path: Path, path: str, meant: str):
    assert fault_of(tmp_path, changed(path, 1)).split("; ")[:2] == [f"unknown key `{path}`", f"did you mean `{meant}`?"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("data.seed", "`seed` stands at the top"),
        ("evaluation.seed", "`seed` stands at the top"),
        ("data.reasoning.seed", "`seed` stands at the top"),
        ("data.sources.1.rows", "`rows` stands under `data`"),
        ("training.rows", "`rows` stands under `data`"),
        ("rows", "`rows` stands under `data`"),
        ("data.num_train_epochs", "`num_train_epochs` stands under `training`"),
        ("max_new_tokens", "`max_new_tokens` stands under `evaluation`"),
    ],
)
def test_a_key_in_the_wrong_place_is_said_where_it_stands(tmp_path: Path, path: str, said: str):
    """And it is so: the recipe has that key there."""
    fault = fault_of(tmp_path, changed(path, 1))
    assert fault.split("; ")[:2] == [f"unknown key `{path}`", said]


def test_the_key_of_another_kind_of_source_is_not_suggested(tmp_path: Path):
    """`root` is FigStep's and VLGuard's; a JSONL source has nothing like it."""
    fault = fault_of(tmp_path, changed("data.sources.1.rooot", "x"))
    assert fault.startswith("unknown key `data.sources.1.rooot`; the keys here are commercial, ")
    assert "root," not in fault


@pytest.mark.parametrize("key", ["size", "budget", "n"])
def test_a_key_that_is_like_none_is_answered_with_those_that_there_are(tmp_path: Path, key: str):
    fault = fault_of(tmp_path, changed(f"data.{key}", 24))
    head, known = fault.split("; the keys here are ")
    assert head == f"unknown key `data.{key}`"
    assert known.split(", ") == sorted(DataRecipe.model_fields)


def test_an_unknown_key_in_the_sources_of_an_arm(tmp_path: Path):
    sources = [{"kind": "miniature", "poool": 5}]
    fault = fault_of(tmp_path, changed("arms.safecot.data.sources", sources))
    assert fault == "unknown key `arms.safecot.data.sources.0.poool`; did you mean `pool`?"


def test_an_unknown_key_in_a_mapping_of_facts(tmp_path: Path):
    facts = {"query.intent": {"column": "what", "mapp": {}}}
    fault = fault_of(tmp_path, changed("data.sources.1.facts", facts))
    assert fault == "unknown key `data.sources.1.facts.query.intent.mapp`; did you mean `map`?"


def test_a_policy_is_no_recipe(tmp_path: Path):
    with pytest.raises(RecipeError, match=r"p\.safecot is a policy: a recipe is a YAML file that names one"):
        load_recipe(tmp_path / "p.safecot")


def test_every_fault_of_a_file_is_in_one_message(tmp_path: Path):
    data = changed("data.rows", 0) | {"seeed": 1}
    del data["policy"]
    fault = fault_of(tmp_path, data)
    assert "`policy` is missing" in fault
    assert "`data.rows`: `0` is too small: it is at least 1" in fault
    assert "unknown key `seeed`; did you mean `seed`?" in fault


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("data", 5, "`data`: a mapping of keys to values is wanted here; the keys are annotators, attacks, "),
        ("data.sources", [], "`data.sources`: "),
        ("data.sources", "miniature", "`data.sources`: "),
        (
            "data.sources.0",
            {"kind": "minature"},
            "`data.sources.0.kind`: there is no kind `minature`; did you mean `miniature`?",
        ),
        ("data.sources.0", {"kind": "csv"}, "`data.sources.0.kind`: there is no kind `csv`; did you mean `table`?"),
        ("data.sources.0", {"pool": 3}, "`data.sources.0.kind` is missing"),
        (
            "data.annotators",
            [{"kind": "patern"}],
            "`data.annotators.0.kind`: there is no kind `patern`; did you mean `pattern`?",
        ),
        ("data.annotators", [{"kind": "x"}], "`data.annotators.0.kind`: there is no kind `x`; there are "),
        ("data.sources.0.pool", "many", "`data.sources.0.pool`: `many` is no whole number"),
        ("data.rows", 1.5, "`data.rows`: `1.5` is no whole number"),
        (
            "data.style",
            "stepwize",
            "`data.style`: `stepwize` is none of `none`, `minimal`, `full` and `stepwise`; did you mean `stepwise`?",
        ),
        ("data.images", "picture", "`data.images`: `picture` is none of `embed` and `reference`"),
        ("data.strict", "maybe", "`data.strict`: `maybe` is neither `true` nor `false`"),
        ("data.exports", "trl-sft", "`data.exports`: `trl-sft` is no list; write `[trl-sft]`"),
        ("name", 1.0, '`name`: `1.0` is no text; in quotation marks it is one: `"1.0"`'),
        ("training.learning_rate", -1.0, "`training.learning_rate`: `-1.0` is too small: it is more than 0"),
        ("training.learning_rate", float("nan"), "`training.learning_rate`: "),
        ("arms", [], "`arms`: a mapping"),
        ("arms.safecot", None, "`arms.safecot`: a mapping"),
        ("arms.safecot.training", {"r": 0}, "`arms.safecot.training.r`: "),
        ("arms.safecot.data", {"selection": "contrast", "rows": 3}, "`arms.safecot.data`: `selection: contrast` makes"),
        ("name", "../elsewhere", "`name`: "),
        ("name", "", "`name`: "),
        ("arms.a/b", {}, "`arms.a/b`: "),
        ("arms.base", {}, "`arms.base` is an arm that is never trained"),
        ("seed", -1, "`seed`: `-1` is too small: it is at least 0"),
        ("model", {"minature": {}}, "`model` is a folder, a hub id, or `{miniature: {...}}`"),
        ("model", 3, "`model`: "),
        ("params", {"threshold": "high"}, "`params.threshold`: "),
        ("training.seed", 1, "`training.seed` has no effect"),
        ("arms.safecot.training", {"seed": 1}, "`arms.safecot.training.seed` has no effect"),
        ("evaluation.hypothesis_split", "nowhere", "`evaluation`: `hypothesis_split` is `nowhere`"),
        ("evaluation.splits", {"combinations": {"policy": 0}}, "`evaluation.splits.combinations.policy` is 0"),
    ],
)
def test_a_value_that_does_not_fit_is_named_by_its_key(tmp_path: Path, path: str, value: Any, said: str):
    fault = fault_of(tmp_path, changed(path, value))
    assert fault.startswith(said)
    for word in (
        "Input should",
        "DataRecipe",
        "TrainingRecipe",
        "EvaluationRecipe",
        "Arm",
        "MiniatureBase",
        "validation error",
    ):
        assert word not in fault


def test_the_keys_of_a_place_are_listed_once(tmp_path: Path):
    fault = fault_of(tmp_path, changed("training", {"zebra": 1, "yak": 2}))
    assert fault.startswith("unknown key `training.yak`; the keys here are ")
    assert fault.endswith("; unknown key `training.zebra`")


def test_a_fault_below_the_model_is_said_once(tmp_path: Path):
    """`model` may be a text too; a mapping is not told that it is none."""
    fault = fault_of(tmp_path, changed("model.miniature.steps", 0))
    assert fault == "`model.miniature.steps`: `0` is too small: it is at least 1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "a recipe is a mapping of keys to values"),
        (b"# nothing\n", "a recipe is a mapping of keys to values"),
        (b"- name\n", "a recipe is a mapping of keys to values"),
        (b"just words", "a recipe is a mapping of keys to values"),
        (b"name: \xff\xfe", "the file is not UTF-8"),
        (b"name: \x00", "not YAML: "),
        (b"name: [a,\n  b", ":2:4: not YAML: "),
        (b"name: a\n\tpolicy: b", ":2:1: not YAML: a tab stands here; indent with blanks; YAML says: found char"),
        (b"name: a\ndescription: Note: b", ":2:18: not YAML: there is one `:` too many in this line, or "),
        (b'name: "a\nseed: 1\n', ":3:1: not YAML: a quotation mark is not closed (it begins in line 1); YAML says: "),
        (b"name: {a\nb: 1", ":2:2: not YAML: a `}` or a comma is missing before this"),
        (b"name: @a", ":1:7: not YAML: a text that begins with `@` stands in quotation marks; YAML says: "),
        (b'name: "\\d"', ":1:9: not YAML: in double quotation marks `\\` begins an escape; take single ones"),
        (b"name: a\nname: b", ":2:1: not YAML: the key `name` stands twice"),
        (b"name: 2024-13-45", "not YAML: "),
        (b"seed: " + b"9" * 5000, "not YAML: "),
        (b"name: !!python/object/apply:os.system ['true']", "not YAML: could not determine a constructor"),
        (b"? [a]\n: b", "not YAML: "),
        (b"[" * 1_000_000, "nested more than 32 deep"),
        (b"name: a\n---\nname: b", "not YAML: "),
    ],
)
def test_what_is_no_recipe_at_all(tmp_path: Path, text: bytes, said: str):
    assert said in fault_of(tmp_path, text)


def test_a_key_that_stands_twice_deep_below(tmp_path: Path):
    fault = fault_of(tmp_path, "name: a\npolicy: b\ndata:\n  rows: 1\n  rows: 2\n  sources: []\n")
    assert fault == ":5:3: not YAML: the key `rows` stands twice".removeprefix(": ")


def test_a_hundred_million_laughs_are_refused_unlaughed(tmp_path: Path):
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert fault_of(tmp_path, "\n".join(lines)) == "YAML aliases (`*name`) are not allowed in a recipe"


def test_a_merge_key_is_an_alias_too(tmp_path: Path):
    assert "aliases" in fault_of(tmp_path, "base: &b {rows: 1}\ndata:\n  <<: *b\n")


def test_a_file_over_the_limit_is_refused_by_its_size(tmp_path: Path):
    assert "larger than" in fault_of(tmp_path, b"#" * (MAX_BYTES + 1))


def test_a_byte_order_mark_is_no_fault(tmp_path: Path):
    assert load_recipe(written(tmp_path, b"\xef\xbb\xbf" + yaml.safe_dump(PLAIN).encode())).name == "plain"


def test_a_file_that_is_not_there_and_a_folder(tmp_path: Path):
    with pytest.raises(RecipeError, match="No such file"):
        load_recipe(tmp_path / "absent.yaml")
    with pytest.raises(RecipeError, match="directory"):
        load_recipe(tmp_path)


# Overrides ------------------------------------------------------------------------------------------------------


def overridden(tmp_path: Path, **pairs: str) -> Recipe:
    path = written(tmp_path, yaml.safe_dump(PLAIN))
    return load_recipe(path, {key.replace("__", "."): value for key, value in pairs.items()})


def test_overrides_by_dotted_path(tmp_path: Path):
    recipe = overridden(
        tmp_path,
        data__rows="10",
        data__sources__0__pool="7",
        training__learning_rate="1e-3",
        description="two words",
        arms__quick__training__max_steps="3",
        params__threshold="0.5",
    )
    assert recipe.data.rows == 10
    assert [getattr(source, "pool", None) for source in recipe.data.sources] == [7, None]
    assert recipe.training.learning_rate == 0.001
    assert recipe.description == "two words"
    assert list(recipe.arms) == ["quick"]
    assert recipe.training_of("quick").max_steps == 3
    assert recipe.params == {"threshold": 0.5}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("data.rowz", "1", "unknown key `data.rowz`; did you mean `rows`?"),
        ("data.rows", "ten", "`data.rows`: "),
        ("data.rows", "", "`name`"),
        ("name.deeper", "1", "there is no `name.deeper` to set"),
        ("data.sources.2.pool", "1", "there is no `data.sources.2.pool` to set"),
        ("data.sources.-1.pool", "1", "there is no `data.sources.-1.pool` to set"),
        ("data.sources.first", "1", "there is no `data.sources.first` to set"),
        ("data.rows", "[1", "not YAML"),
        ("description", "*a", "aliases"),
        ("description", "2024-13-45", "not YAML"),
        ("", "1", "unknown key"),
    ],
)
def test_an_override_that_cannot_be(tmp_path: Path, key: str, value: str, said: str):
    path = written(tmp_path, yaml.safe_dump(PLAIN))
    if (key, value) == ("data.rows", ""):  # nothing is null: no limit
        assert load_recipe(path, {key: value}).data.rows is None
        return
    with pytest.raises(RecipeError) as raised:
        load_recipe(path, {key: value})
    assert said in str(raised.value)


# Names ----------------------------------------------------------------------------------------------------------


def test_every_shipped_recipe_is_found_by_name_and_loads():
    names = {path.stem for path in recipes_root().glob("*.yaml")}
    assert {"demo", "figstep", "figstep_twins", "vlguard"} <= names
    for name in names:
        path = find_recipe(name)
        recipe = load_recipe(path)
        assert path == recipes_root() / f"{name}.yaml"
        assert recipe.name == name
        assert (path.parent / recipe.policy).is_file()


def test_a_folder_of_that_name_does_not_hide_a_shipped_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo").mkdir()
    assert find_recipe("demo") == recipes_root() / "demo.yaml"


def test_a_file_of_that_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo").write_text("name: mine\n")
    assert find_recipe("demo") == Path("demo")


def test_a_name_that_is_neither(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RecipeError, match=r"no recipe `dmo`.*demo, figstep"):
        find_recipe("dmo")


def test_the_demo_compares_equal_rows_and_never_holds_the_control_back():
    """What the hypothesis is about: the arms differ in how a row is written, and the control has no fewer steps."""
    recipe = load_recipe(find_recipe("demo"))
    assert set(recipe.arms) == {"no_reasoning", "safecot"}
    plain, cot = recipe.data_of("no_reasoning"), recipe.data_of("safecot")
    assert (plain.style, cot.style) == ("none", "stepwise")
    assert plain.model_copy(update={"style": cot.style}) == cot
    control, ours = recipe.training_of("no_reasoning"), recipe.training_of("safecot")
    assert control.max_steps >= ours.max_steps
    assert control.model_copy(update={"max_steps": ours.max_steps}) == ours


def test_a_recipe_that_is_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    """It would be waited for without end."""
    os.mkfifo(tmp_path / "recipe.yaml")
    with pytest.raises(RecipeError, match="this is a pipe, not a file"):
        load_recipe(tmp_path / "recipe.yaml")
