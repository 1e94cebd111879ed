"""verl, OpenRLHF and ms-swift themselves, which reward answers to exported rows as their trainers do.

None installs beside what this repository needs. Give the Pythons of environments that have them, and our core:

    SAFECOT_VERL_PYTHON=…/bin/python SAFECOT_OPENRLHF_PYTHON=…/bin/python SAFECOT_SWIFT_PYTHON=…/bin/python \\
        pytest -m long tests/rewards/test_trainers.py

verl 0.9.1, OpenRLHF 0.11.2 (`--no-deps`, and of its dependencies those that need no CUDA) and ms-swift 4.6.0 (with
`msgspec`, which its trainer imports and its metadata do not name) were run so. TRL is tried in `test_functions.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from safecot_dsl import rewards as rewards_package
from safecot_dsl.rewards import PolicyRewards
from tests.dataset.formats.conftest import Export, exported, made  # noqa: F401  (fixtures)
from tests.dataset.kitchen import kitchen_policy
from tests.models import tiny

pytestmark = pytest.mark.long

TOOLS = Path(__file__).parent / "tools"
REWARDS = Path(rewards_package.__file__).parent / "trainers.py"
#: It says no to everything, and gives no reason.
REFUSAL = "I can't help with that."


@pytest.fixture(scope="module")
def llava(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its tokenizer has the tags as tokens of their own, but no special ones: verl leaves those out of an answer."""
    folder = tiny.build_llava(tmp_path_factory.mktemp("llava"))
    file = folder / "tokenizer.json"
    held = json.loads(file.read_text(encoding="utf-8"))
    for token in held["added_tokens"]:
        token["special"] = token["special"] and token["content"] not in ("<think>", "</think>")
    file.write_text(json.dumps(held), encoding="utf-8")
    return folder


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "kitchen.json"
    path.write_text(kitchen_policy().model_dump_json(), encoding="utf-8")
    return path


def _python(variable: str) -> str:
    found = os.environ.get(variable)
    if not found:
        pytest.skip(f"{variable} names no Python that has the tool: its own loading is not tested")
    return found


def _ran(command: Sequence[object], folder: Path, home: Path, **more: str) -> str:
    """What a tool prints, run in a folder without a network, and with our package in reach."""
    (home / "home").mkdir(exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    quiet = {"HF_HUB_OFFLINE": "1", "HOME": str(home / "home"), "OMP_NUM_THREADS": "1"}
    ours = {"PYTHONPATH": str(REWARDS.parents[2]), "MODELSCOPE_CACHE": str(home / "cache")}
    done = subprocess.run(
        list(map(str, command)), env={**kept, **quiet, **ours, **more}, cwd=folder, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


def test_verls_managers_reward_answers_to_the_rows(
    exported: Export,  # noqa: F811
    llava: Path,
    policy: Path,
    tmp_path: Path,
) -> None:
    """Both `naive` managers, with verl's whole configuration: the score stands on the answer's last token."""
    file = exported("verl") / "train-00000.parquet"
    rows = pq.read_table(file).to_pylist()
    answers = [row["extra_info"]["own"] for row in rows]
    answers[-1] = REFUSAL
    settings = [
        f"reward.custom_reward_function.path={REWARDS}",
        f"+reward.custom_reward_function.reward_kwargs.policy={policy}",
        "+reward.custom_reward_function.reward_kwargs.weights='verdict=1,cited=1'",
    ]
    command = [_python("SAFECOT_VERL_PYTHON"), TOOLS / "verl_managers.py", file, llava, json.dumps(answers)]
    found = json.loads(_ran([*command, *settings], tmp_path, tmp_path).splitlines()[-1])
    assert found["manager"].startswith("verl.experimental.reward_loop.")
    assert found["loop"] == found["older"]
    here = PolicyRewards(kitchen_policy())
    facts = [row["reward_model"]["ground_truth"] for row in rows]
    earned = [here.score(answer, case, verdict=1, cited=1) for answer, case in zip(answers, facts, strict=True)]
    assert found["loop"] == earned
    assert [parts["cited"] for parts in earned] == [1.0] * (len(rows) - 1) + [0.0]
    scores = [parts["score"] for parts in found["loop"]]
    assert found["at_the_end"] == [scores, scores]
    assert found["elsewhere"] == [0.0, 0.0]


def test_openrlhf_rewards_answers_to_the_rows(
    exported: Export,  # noqa: F811
    llava: Path,
    policy: Path,
    tmp_path: Path,
) -> None:
    """Its own prompts, its reading of pictures, its decoding and its loading of our file."""
    folder = exported("ms-swift-grpo")
    rows = [json.loads(line) for line in (folder / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    answers = [row["own"] for row in rows]
    answers[-1] = REFUSAL
    python = _python("SAFECOT_OPENRLHF_PYTHON")
    command = [python, TOOLS / "openrlhf_executor.py", folder / "train.jsonl", llava, REWARDS, json.dumps(answers)]
    settings = {"SAFECOT_POLICY": str(policy), "SAFECOT_REWARD": "cited=1,format=1"}
    found = json.loads(_ran(command, folder, tmp_path, **settings).splitlines()[-1])
    assert [each["images"] for each in found] == [len(row["images"]) for row in rows]
    # A picture's tokens come between: a text that begins with its prompt has none.
    assert [each["begins"] for each in found] == [not row["images"] for row in rows]
    assert [each["reward"] for each in found[:-1]] == [1.0] * (len(rows) - 1)
    assert all(each["score"] == each["reward"] for each in found)
    assert found[-1]["logged"] == {"cited": 0.0, "format": 0.0}


def test_ms_swift_trains_by_the_rewards_of_a_plugin(
    exported: Export,  # noqa: F811
    llava: Path,
    policy: Path,
    tmp_path: Path,
) -> None:
    """`swift rlhf` on a processor, a step for each row, pictures included; each reward is logged under a name."""
    folder = exported("ms-swift-grpo")
    rows = len((folder / "train.jsonl").read_text(encoding="utf-8").splitlines())
    (tmp_path / "plugin.py").write_text(
        "from swift.rewards import orms\n"
        "from safecot_dsl.rewards import swift_reward\n"
        f"orms['safecot'] = swift_reward({str(policy)!r}, verdict=1, length=1)\n"
        f"orms['safecot_cited'] = swift_reward({str(policy)!r}, cited=1)\n",
        encoding="utf-8",
    )
    swift = Path(_python("SAFECOT_SWIFT_PYTHON")).with_name("swift")
    path = f"{swift.parent}:{os.environ['PATH']}"  # the command starts `python` anew
    arguments = (
        f"--model {llava} --model_type llava1_5_hf --template llava1_5_hf --dataset {folder / 'train.jsonl'} "
        "--external_plugins plugin.py --reward_funcs safecot safecot_cited --use_vllm false --torch_dtype float32 "
        f"--max_steps {rows} --per_device_train_batch_size 2 --num_generations 2 --max_completion_length 8 "
        f"--logging_steps 1 --report_to none --output_dir {tmp_path / 'out'}"
    )
    command = [swift, "rlhf", "--rlhf_type", "grpo", *arguments.split()]
    _ran(command, tmp_path, tmp_path, ROOT_IMAGE_DIR=str(folder), PATH=path)
    (log,) = (tmp_path / "out").glob("*/logging.jsonl")
    steps = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    logged = [step for step in steps if "reward" in step]
    assert len(logged) == rows
    for step in logged:
        # So few words are never too many; that a model of random weights cites a rule is out of the question.
        assert 0.5 <= float(step["rewards/verdict_length/mean"]) <= 1
        assert float(step["rewards/cited/mean"]) == 0
    assert list((tmp_path / "out").glob("*/checkpoint-*/adapter_model.safetensors"))
