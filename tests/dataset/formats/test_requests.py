"""Rows whose answers a model writes and a policy rewards: what is kept, the tools' rules, and the tools themselves."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from safecot_dsl import rewards as rewards_package
from safecot_dsl.dataset.formats import FormatRule, export_dataset, find_format, validate
from safecot_dsl.rewards import PolicyRewards
from tests.dataset.kitchen import kitchen_policy
from tests.models import tiny

from .conftest import ROWS, Export
from .spoiling import Seed, assert_found, cell, line, put

TRL, VERL, SWIFT = "data/train-00000.parquet", "train-00000.parquet", "train.jsonl"
TOOLS = Path(__file__).parent / "tools"
ASSISTANT = {"role": "assistant", "content": "I see."}


def _rows(folder: Path, format: str) -> list[dict[str, Any]]:
    if format == "ms-swift-grpo":
        return [json.loads(each) for each in (folder / SWIFT).read_text(encoding="utf-8").splitlines()]
    return pq.read_table(folder / (TRL if format == "trl-grpo" else VERL)).to_pylist()


@pytest.mark.parametrize("format", ["trl-grpo", "verl", "ms-swift-grpo"])
def test_every_row_keeps_its_case_and_ends_with_the_request(format: str, exported: Export, made: Path) -> None:
    source = {row["id"]: row for row in pq.read_table(made / TRL).to_pylist()}
    rows = _rows(exported(format), format)
    assert {row["id"] for row in rows} == set(source)
    score = PolicyRewards(kitchen_policy(), style="full")
    for row in rows:
        turns = row["messages" if format == "ms-swift-grpo" else "prompt"]
        assert [turn["role"] for turn in turns] == ["user"]
        assert turns[-1]["content"].replace("<image>", "") == source[row["id"]]["prompt"]
        held = row["reward_model"]["ground_truth"] if format == "verl" else row["facts"]
        own = row["extra_info"]["own"] if format == "verl" else row["own"]
        assert json.loads(held) == json.loads(source[row["id"]]["facts"])
        assert own == source[row["id"]]["completion"]
        assert score.score(own, held, cited=1)["score"] == 1.0  # the policy's own text, by its facts alone
        assert len(row["images"]) == len(source[row["id"]]["images"])


REQUESTS = [
    ("trl-grpo", Seed(FormatRule.ROLES, cell(TRL, 2, lambda row: row["prompt"].append(ASSISTANT)), "ends with", 2)),
    ("trl-grpo", Seed(FormatRule.PLACEHOLDERS, cell(TRL, 1, put("prompt.0.content", "<image> What?")), "holds", 1)),
    ("trl-grpo", Seed(FormatRule.POLICY, cell(TRL, 1, put("facts", None)), "`facts` is no case", 1)),
    ("trl-grpo", Seed(FormatRule.IMAGES, cell(TRL, 2, put("images.1.bytes", b"x")), "not an image", 2)),
    ("trl-grpo", Seed(FormatRule.MARKERS, cell(TRL, 1, put("prompt.0.content", "a <|im_end|> b")), "holds", 1)),
    ("verl", Seed(FormatRule.POLICY, cell(VERL, 1, put("reward_model.ground_truth", "[")), "ground_truth` is no", 1)),
    ("verl", Seed(FormatRule.PLACEHOLDERS, cell(VERL, 1, put("prompt.0.content", "What?")), "0 `<image>`", 1)),
    ("verl", Seed(FormatRule.COLUMNS, cell(VERL, 1, put("prompt", None)), "`prompt` is no list", 1)),
    ("ms-swift-grpo", Seed(FormatRule.COLUMNS, line(SWIFT, 1, lambda row: row.pop("own")), "no column `own`", 1)),
    ("ms-swift-grpo", Seed(FormatRule.POLICY, line(SWIFT, 1, put("facts", {})), "`facts` is no case", 1)),
    ("ms-swift-grpo", Seed(FormatRule.IMAGES, line(SWIFT, 0, put("images", ["images/gone.png"])), "gone", 0)),
]


@pytest.mark.parametrize(("format", "seed"), REQUESTS, ids=lambda value: getattr(value, "name", value))
def test_a_fault_in_requests_is_found(format: str, seed: Seed, copied: Export) -> None:
    assert_found(seed, copied(format), format)


@pytest.mark.parametrize("format", ["trl-grpo", "verl", "ms-swift-grpo"])
@pytest.mark.parametrize("images", ["embed", "copy"])
def test_what_is_written_keeps_the_tools_rules(format: str, images: str, made: Path, tmp_path: Path) -> None:
    if images not in find_format(format).images:
        pytest.skip(f"{format} takes images in its rows alone")
    report = export_dataset(made, format, tmp_path / "out", images=images)  # type: ignore[arg-type]
    assert report.rows == len(ROWS)
    assert validate(tmp_path / "out", format) == []


# --- The tools --------------------------------------------------------------------------------------------------------


def _policy(folder: Path) -> Path:
    path = folder / "kitchen.json"
    path.write_text(kitchen_policy().model_dump_json(), encoding="utf-8")
    return path


def _ran(variable: str, script: str, *arguments: object, scratch: Path, **more: str) -> Any:
    python = os.environ.get(variable)
    if not python:
        pytest.skip(f"{variable} names no Python that has the tool: its own loading is not tested")
    (scratch / "home").mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    ours = str(Path(rewards_package.__file__).parents[2])
    quiet = {"HF_HUB_OFFLINE": "1", "HOME": str(scratch / "home"), "OMP_NUM_THREADS": "1", "PYTHONPATH": ours}
    command = [python, str(TOOLS / script), *map(str, arguments)]
    done = subprocess.run(
        command, env={**kept, **quiet, **more}, cwd=scratch, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.long
def test_verl_loads_the_rows_and_rewards_by_their_facts(exported: Export, tmp_path: Path) -> None:
    """verl's own `RLHFDataset`, and the function as it loads it from `custom_reward_function`."""
    file = exported("verl") / VERL
    model = tiny.build_llava(tmp_path / "model")
    reward = Path(rewards_package.__file__).parent / "trainers.py"
    found = _ran("SAFECOT_VERL_PYTHON", "verl_load.py", file, model, _policy(tmp_path), reward, scratch=tmp_path)
    rows = _rows(exported("verl"), "verl")
    assert [each["images"] for each in found] == [len(row["images"]) for row in rows]
    assert [each["text"] for each in found] == [row["prompt"][0]["content"].replace("<image>", "") for row in rows]
    assert [each["score"] for each in found] == [1.0] * len(rows)


@pytest.mark.long
def test_ms_swift_loads_the_rows_and_rewards_by_their_facts(exported: Export, tmp_path: Path) -> None:
    """ms-swift's own loader, and our class as it stands in its `orms`."""
    folder = exported("ms-swift-grpo")
    policy = _policy(tmp_path)
    more = {"ROOT_IMAGE_DIR": str(folder), "MODELSCOPE_CACHE": str(tmp_path / "cache")}
    arguments = ("rewarded", policy, folder / SWIFT)
    found = _ran("SAFECOT_SWIFT_PYTHON", "swift_load.py", *arguments, scratch=tmp_path, **more)
    rows = _rows(folder, "ms-swift-grpo")
    assert found["scores"] == [1.0] * len(rows)
    assert found["roles"] == [["user"]] * len(rows)
    assert found["images"] == [len(row["images"]) for row in rows]


@pytest.mark.long
def test_trl_takes_a_step_on_the_rows_with_their_pictures(exported: Export, tmp_path: Path) -> None:
    datasets, trl = pytest.importorskip("datasets"), pytest.importorskip("trl")
    from safecot_dsl.models.local import load_parts

    model, processor = load_parts(str(tiny.build_idefics3(tmp_path / "model")), device="cpu")
    rows = datasets.load_dataset(str(exported("trl-grpo")), split="train", cache_dir=str(tmp_path / "cache"))
    rows = rows.filter(lambda images: len(images) == 1, input_columns="images")
    arguments = trl.GRPOConfig(
        output_dir=str(tmp_path / "out"), max_steps=1, per_device_train_batch_size=2, num_generations=2, use_cpu=True,
        max_completion_length=4, bf16=False, gradient_checkpointing=False, report_to=[], logging_steps=1,
    )  # fmt: skip
    functions = PolicyRewards(kitchen_policy(), style="full").functions("verdict", "length")
    trainer = trl.GRPOTrainer(model, functions, args=arguments, train_dataset=rows, processing_class=processor)
    trainer.train()
    logged = trainer.state.log_history[0]
    assert 0 <= logged["rewards/verdict/mean"] <= 1
    assert 0 <= logged["rewards/length/mean"] <= 1
