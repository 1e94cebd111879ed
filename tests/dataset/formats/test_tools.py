"""LLaMA-Factory and ms-swift themselves on what is written for them, and on what our validators say they do.

Neither installs beside what this repository needs. Give the Pythons of environments that have them:

    SAFECOT_LLAMAFACTORY_PYTHON=…/bin/python SAFECOT_SWIFT_PYTHON=…/bin/python pytest -m long tests/dataset/formats

LLaMA-Factory 0.9.5 and ms-swift 4.6.0 were run so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from safecot_dsl.dataset.formats import FormatRule, validate
from safecot_dsl.dataset.formats.llamafactory import INFO
from tests.models import tiny

from .conftest import Export
from .spoiling import Seed, jsons, late_images, line, put

pytestmark = pytest.mark.long

TOOLS = Path(__file__).parent / "tools"
GPT, ASSISTANT = {"from": "gpt", "value": "I see."}, {"role": "assistant", "content": "I see."}


def _python(variable: str) -> str:
    found = os.environ.get(variable)
    if not found:
        pytest.skip(f"{variable} names no Python that has the tool: its own loading is not tested")
    return found


@pytest.fixture(scope="module")
def llava(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A family that both tools know, and whose processor needs no torchvision."""
    return tiny.build_llava(tmp_path_factory.mktemp("llava"))


def _ran(command: list[str], scratch: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    (scratch / "home").mkdir(exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    offline = {"HF_HUB_OFFLINE": "1", "HOME": str(scratch / "home"), "MODELSCOPE_CACHE": str(scratch / "cache")}
    return subprocess.run(
        command,
        env={**kept, **offline, "OMP_NUM_THREADS": "1", **environment},
        cwd=scratch,
        capture_output=True,
        text=True,
        check=False,
    )


def _llamafactory(folder: Path, entry: str, stage: str, model: Path, scratch: Path) -> Any:
    """What the tool learns of an entry: per row the texts with loss, and the number of images; its words on failure."""
    python = _python("SAFECOT_LLAMAFACTORY_PYTHON")
    script = str(TOOLS / "llamafactory_load.py")
    done = _ran([python, script, str(folder), entry, stage, str(model), str(scratch)], scratch)
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else done.stderr


def _swift(folder: Path, mode: str, names: list[str], model: Path, scratch: Path, strict: str = "strict") -> Any:
    python = _python("SAFECOT_SWIFT_PYTHON")
    files = [str(folder / name) for name in names]
    command = [python, str(TOOLS / "swift_load.py"), str(model), mode, strict, *files]
    done = _ran(command, scratch, ROOT_IMAGE_DIR=str(folder))
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else done.stderr


def _expected(made: Path, *, pairs: str | None, end: str, moved: bool) -> list[dict[str, Any]]:
    """What has to be learnt, in the order of the export: with lines, a row with images stands first."""
    part = f"preferences/{pairs}-00000.parquet" if pairs else "data/train-00000.parquet"
    columns = ("chosen", "rejected") if pairs else ("completion",)
    rows = [
        {"learnt": [row[name] + end for name in columns], "images": len(row["images"])}
        for row in pq.read_table(made / part).to_pylist()
    ]
    return [rows[1], rows[0], *rows[2:]] if moved else rows


@pytest.mark.parametrize("images", ["copy", "embed"])
@pytest.mark.parametrize(("entry", "pairs"), [("kitchen_train", None), ("kitchen_policy_flip", "policy_flip")])
def test_llamafactory_learns_the_answers(
    entry: str, pairs: str | None, images: str, exported: Export, made: Path, llava: Path, tmp_path: Path
) -> None:
    """The tokens that carry loss are those of the answers, end of turn included, and every image is counted."""
    stage = "rm" if pairs else "sft"
    learnt = _llamafactory(exported("llamafactory", images), entry, stage, llava, tmp_path)
    assert learnt == _expected(made, pairs=pairs, end="<|end|>", moved=images == "copy")


@pytest.mark.parametrize("images", ["copy", "embed"])
@pytest.mark.parametrize("pairs", [None, "policy_flip"])
def test_swift_learns_the_answers(
    pairs: str | None, images: str, exported: Export, made: Path, llava: Path, tmp_path: Path
) -> None:
    """The tokens that carry loss are those of the answers, end of turn included, and every image is counted."""
    name = f"preference-{pairs}" if pairs else "train"
    file = f"{name}.jsonl" if images == "copy" else f"{name}/{name}-00000.parquet"
    learnt = _swift(exported("ms-swift", images), "rlhf" if pairs else "train", [file], llava, tmp_path)
    assert learnt == _expected(made, pairs=pairs, end="</s>", moved=images == "copy")


FILE = "train.jsonl"
#: What LLaMA-Factory does with a fault: stops with these words, or learns so many of six rows.
LLAMAFACTORY = [
    (
        Seed(FormatRule.PLACEHOLDERS, line(FILE, 2, put("conversations.0.value", "What?")), ""),
        "number of images does not",
    ),
    (
        Seed(FormatRule.PLACEHOLDERS, line(FILE, 1, put("conversations.0.value", "See <video>.")), ""),
        "number of videos",
    ),
    (Seed(FormatRule.ROLES, line(FILE, 2, lambda row: row["conversations"].append(GPT)), ""), 5),
    (Seed(FormatRule.ROLES, line(FILE, 2, put("conversations.0.from", "user")), ""), 5),
    (Seed(FormatRule.IMAGES, line(FILE, 0, put("images", ["images/gone.png"])), ""), "No such file"),
    (Seed(FormatRule.READABLE, line(FILE, 2, put("conversations.0", 3)), ""), "JSON parse error"),
    (Seed(FormatRule.DECLARED, jsons(INFO, put("kitchen_train.file_name", "gone.jsonl")), ""), "not found"),
    (Seed(FormatRule.DECLARED, jsons(INFO, put("kitchen_train.columns", {"images": "images"})), ""), "Error"),
    (Seed(FormatRule.FIRST_BLOCK, late_images(FILE), ""), "An error occurred while generating the dataset"),
]
SWIFT = [
    (Seed(FormatRule.COLUMNS, line(FILE, 2, put("messages.0.content", None)), ""), 5),
    (Seed(FormatRule.COLUMNS, line(FILE, 2, put("messages", [])), ""), 5),
    (Seed(FormatRule.ROLES, line(FILE, 2, put("messages.0.role", "stranger")), ""), 5),
    (Seed(FormatRule.IMAGES, line(FILE, 0, put("images", ["images/gone.png"])), ""), "Error"),
    (Seed(FormatRule.FIRST_BLOCK, late_images(FILE), ""), "An error occurred while generating the dataset"),
]


@pytest.mark.parametrize(("seed", "outcome"), LLAMAFACTORY, ids=lambda value: getattr(value, "name", str(value)))
def test_llamafactory_does_what_the_validator_says(
    seed: Seed, outcome: str | int, exported: Export, llava: Path, tmp_path: Path
) -> None:
    """Each fault that the validator finds makes the tool stop, or drop the row in silence."""
    shutil.copytree(exported("llamafactory"), tmp_path / "copy")
    seed.spoil(tmp_path / "copy")
    assert validate(tmp_path / "copy", "llamafactory") != []
    learnt = _llamafactory(tmp_path / "copy", "kitchen_train", "sft", llava, tmp_path)
    _assert_outcome(learnt, outcome)


@pytest.mark.parametrize(("seed", "outcome"), SWIFT, ids=lambda value: getattr(value, "name", str(value)))
def test_swift_does_what_the_validator_says(
    seed: Seed, outcome: str | int, exported: Export, llava: Path, tmp_path: Path
) -> None:
    """Each fault that the validator finds makes the tool stop, or delete the row with a log line."""
    shutil.copytree(exported("ms-swift"), tmp_path / "copy")
    seed.spoil(tmp_path / "copy")
    assert validate(tmp_path / "copy", "ms-swift") != []
    _assert_outcome(_swift(tmp_path / "copy", "train", [FILE], llava, tmp_path, strict="lax"), outcome)


def _assert_outcome(learnt: Any, outcome: str | int) -> None:
    if isinstance(outcome, int):
        assert not isinstance(learnt, str), learnt[-2000:]
        assert len(learnt) == outcome
    else:
        assert isinstance(learnt, str), learnt
        assert outcome in learnt
