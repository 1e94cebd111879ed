"""`generate` and its sisters: what they write where, and how they end. Runs with a model: `tests/pipeline`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from safecot_dsl import extras

from .conftest import MIXING, Run

#: Answered by its source; to be answered, without an answer; refused.
ROWS: list[dict[str, Any]] = [
    {"id": "kept", "facts": {"query.intent": "store", "query.harm": 0.0}, "answer": "In a cool place, apart."},
    {"id": "mute", "facts": {"query.intent": "store", "query.harm": 0.1}},
    {"id": "bad", "images": ["a.png"], "facts": MIXING},
]


@pytest.fixture
def recipe(folder: Path) -> Path:
    """A recipe over the kitchen's policy and three rows."""
    from PIL import Image

    Image.new("RGB", (8, 8), "white").save(folder / "a.png")
    lines = [json.dumps({"prompt": f"Question {number}?", **row}) for number, row in enumerate(ROWS)]
    (folder / "rows.jsonl").write_text("\n".join(lines) + "\n")
    source = {"kind": "jsonl", "path": "rows.jsonl", "licence": "CC0-1.0", "name": "hand"}
    path = folder / "kitchen.yaml"
    arms = {"no_reasoning": {"data": {"style": "none"}}, "safecot": {}}
    path.write_text(
        yaml.safe_dump({"name": "kitchen", "policy": "p.safecot", "data": {"sources": [source]}, "arms": arms})
    )
    return path


def test_generate_shows_what_was_made_and_what_was_left_out(safecotc: Run, recipe: Path):
    done = safecotc("generate", "kitchen.yaml", "--arm", "safecot")
    assert done.code == 0, done.err
    lines = [line.rstrip() for line in done.out.splitlines()]
    assert lines[0] == "safecot: 2 rows of 3 items: runs/kitchen/arms/safecot/data", done.out
    assert [line.split() for line in lines[1:4]] == [["verdict", "rows"], ["comply", "1"], ["refuse", "1"]]
    assert lines[4:6] == ["left out:", "       1  no_answer, such as hand/mute: `comply`, and no answer"]


def test_generate_makes_every_arm_unless_one_is_named(safecotc: Run, recipe: Path):
    done = safecotc("generate", "kitchen.yaml", "-o", "out", "-f", "json")
    made = done.json()
    assert list(made) == ["no_reasoning", "safecot"]
    for arm, report in made.items():
        assert report["path"] == f"out/arms/{arm}/data"
        assert report["verdicts"] == {"comply": 1, "refuse": 1}, report["left_out"]
        assert report == {"path": report["path"], **json.loads(Path(report["path"], "report.json").read_text())}


def test_progress_goes_to_standard_error_and_results_to_standard_output(process: Run, recipe: Path):
    done = process("generate", "kitchen.yaml", "--format", "json")
    assert done.json().keys() == {"no_reasoning", "safecot"}
    assert "writing rows: 0/3 items (0 %)" in done.err
    assert "writing rows: 3/3 items (100 %)" in done.err


def test_generate_loads_no_model_library(recipe: Path):
    """It needs the extra `data` alone."""
    code = """
import sys
from safecot_dsl.cli import main
sys.argv = ["safecotc", "generate", "kitchen.yaml", "--arm", "safecot"]
try:
    main()
except SystemExit as ended:
    assert not ended.code
assert not {"torch", "transformers", "peft"} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", code], cwd=recipe.parent, check=True, capture_output=True)


def test_paths_are_relative_to_the_recipe_and_the_run_to_the_current_folder(
    safecotc: Run, recipe: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    done = safecotc("generate", str(recipe), "--arm", "safecot")
    assert done.code == 0, done.err
    assert (elsewhere / "runs/kitchen/arms/safecot/data/data/train-00000.parquet").is_file()
    assert not (recipe.parent / "runs").exists()


def test_a_setting_changes_the_recipe_for_this_run(safecotc: Run, recipe: Path):
    made = safecotc("generate", "kitchen.yaml", "--set", "data.rows=1", "--set", "name=other", "-f", "json").json()
    assert {report["rows"] for report in made.values()} == {1}
    assert made["safecot"]["path"] == "runs/other/arms/safecot/data"


@pytest.mark.parametrize("pair", ["data.rows", "=3", "  =3"])
def test_a_setting_that_is_no_pair_is_wrong_usage(safecotc: Run, recipe: Path, pair: str):
    done = safecotc("generate", "kitchen.yaml", "--set", pair)
    assert (done.code, done.out) == (2, "")
    assert f"`--set {pair}`: write KEY=VALUE" in done.err


def test_a_name_that_is_no_recipe(process: Run, folder: Path):
    done = process("run", "dmeo")
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("error: there is no recipe `dmeo`: neither a file nor one that ships (demo, ")


@pytest.mark.parametrize("verb", ["generate", "train", "run"])
def test_a_policy_with_errors_is_shown_as_check_shows_it(process: Run, recipe: Path, verb: str):
    policy = recipe.with_name("p.safecot")
    policy.write_text(policy.read_text().replace("query.intent is mix\n", "query.intent is mixx\n"))
    done = process(verb, "kitchen.yaml")
    shown = process("check", "p.safecot").out
    assert done.code == 1
    assert "did you mean `mix`?" in done.err
    assert shown.startswith(done.err.replace(f"{recipe.parent}/", ""))
    assert not (recipe.parent / "runs").exists()


def test_a_recipe_with_nothing_to_ask_says_what_could_be_asked(process: Run, recipe: Path):
    done = process("run", "kitchen.yaml")
    assert done.code == 3
    assert "there is nothing to ask, since no source is the miniature's" in done.err


@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("pyarrow.parquet", "data"),
        ("PIL", "data"),
        ("torch.nn", "train"),
        ("peft", "train"),
        ("qtawesome", "miniature"),
    ],
)
def test_the_extra_that_brings_a_module(name: str, extra: str):
    message = extras.missing_extra(ModuleNotFoundError(name=name))
    assert message is not None
    assert message.endswith(f"pip install 'safecot-dsl[{extra}]'")


def test_a_module_of_no_extra_is_a_fault_of_the_program():
    assert extras.missing_extra(ModuleNotFoundError(name="json5")) is None
    assert extras.missing_extra(ModuleNotFoundError("who knows")) is None


def test_every_module_of_the_extras_is_installed_for_development():
    """So that no name in the table is misspelt. Inspect, with some forty packages of its own, has an environment of its
    own (tests/evaluation/test_inspect.py); tests of workbooks skip where openpyxl is not installed, and trackers and
    vLLM are tried against the real packages by hand."""
    from importlib.util import find_spec

    elsewhere = ("inspect", "xlsx", "vllm", "wandb", "trackio", "mlflow")
    for modules in (modules for extra, modules in extras.EXTRAS.items() if extra not in elsewhere):
        for module in modules:
            assert find_spec(module) is not None


def test_shards_are_made_and_then_joined(safecotc: Run, recipe: Path):
    """The last call finds what the shards left, and leaves nothing of it behind."""
    one = safecotc("generate", "kitchen.yaml", "--arm", "safecot", "--shard", "1/2")
    assert one.code == 0, one.err
    assert one.out == (
        "safecot: shard 1/2 is done; 1 of 1 parts are there: the same command without --shard joins them\n"
    )
    two = safecotc("generate", "kitchen.yaml", "--arm", "safecot", "--shard", "2/2", "-f", "json")
    assert two.json() == {"safecot": {"parts": 1, "of": 1}}
    arm = recipe.parent / "runs" / "kitchen" / "arms" / "safecot"
    assert [entry.name.startswith(".data.pieces-") for entry in arm.iterdir()] == [True]
    joined = safecotc("generate", "kitchen.yaml", "--arm", "safecot")
    assert "writing rows: 3/3 items (100 %)" in joined.err.splitlines()[0]
    assert [entry.name for entry in arm.iterdir()] == ["data"]


@pytest.mark.parametrize("shard", ["2", "0/2", "3/2", "a/b", "1/"])
def test_a_shard_that_there_is_not_is_wrong_usage(safecotc: Run, recipe: Path, shard: str):
    done = safecotc("generate", "kitchen.yaml", "--shard", shard)
    assert (done.code, done.out) == (2, "")
    assert f"`--shard {shard}`: write I/N, such as `--shard 1/4`" in done.err


def test_strict_stops_at_what_is_left_out(process: Run, recipe: Path):
    done = process("generate", "kitchen.yaml", "--strict")
    assert (done.code, done.out) == (3, "")
    assert "error: hand/mute: `comply`, and no answer (`no_answer`; `strict: true`)" in done.err
