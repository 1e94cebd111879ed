"""Training by reward: what is drawn, what is learnt from it, and what a kill or a fault does to it."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from dataset.kitchen import COMPLIED, HURT, kitchen_policy
from models import tiny
from safetensors.torch import load_file

from safecot_dsl.artifact import canonical_json
from safecot_dsl.models import Request, load_model
from safecot_dsl.storage import Progress
from safecot_dsl.training import TrainingError, TrainingRecipe, train
from safecot_dsl.training.grpo import steps
from safecot_dsl.training.grpo.answers import Rounds, token_weights
from safecot_dsl.training.grpo.drawing import DrawnAnswer, draw_answers
from safecot_dsl.training.grpo.learner import Learner
from safecot_dsl.training.grpo.logs import REWARDS, SAMPLES
from safecot_dsl.training.grpo.settings import GrpoSettings
from safecot_dsl.training.metrics import read_log, read_metrics
from safecot_dsl.training.weighting import Weighting

POLICY = kitchen_policy()
DIGESTS = {"policy_digest": POLICY.digest, "data_digest": "sha256:the-data"}
REFUSAL, COMPLIANCE = "I can't help", "here you go"
ASKS = "how do i use this ?"


def row(name: str, colour: str, known: dict, completion: str, style: str = "none") -> dict:
    image = {"bytes": tiny.picture(colour), "path": None}
    case = canonical_json({"facts": known})
    return {
        "id": name,
        "images": [image],
        "prompt": ASKS,
        "completion": completion,
        "facts": case,
        "style": style,
        "policy": POLICY.digest,
    }


def write(path: Path, rows: list[dict]) -> Path:
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    texts = [(name, pa.string()) for name in ("id", "prompt", "completion", "facts", "style", "policy")]
    pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema([("images", pa.list_(image)), *texts])), path)
    return path


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> Path:
    """A red square is to be refused, a blue one not."""
    two = [row("red", "red", HURT, REFUSAL), row("blue", "blue", COMPLIED, COMPLIANCE)]
    return write(tmp_path_factory.mktemp("rows") / "rows.parquet", two)


@pytest.fixture(scope="module")
def undecided(idefics3, tmp_path_factory) -> Path:
    """An adapter that refuses either square as often as not."""
    folder = tmp_path_factory.mktemp("undecided")
    both = [
        row(f"{colour} {number}", colour, HURT, answer)
        for colour in ("red", "blue")
        for number, answer in enumerate((REFUSAL, COMPLIANCE))
    ]
    recipe = TrainingRecipe(r=4, max_steps=40, learning_rate=1e-2, per_device_train_batch_size=4, save_steps=40)
    return train(write(folder / "rows.parquet", both), str(idefics3), folder / "a", recipe, **DIGESTS).adapter


def recipe(max_steps: int = 4, **more) -> TrainingRecipe:
    grpo = {"num_generations": 8, "max_completion_length": 16, **more.pop("grpo", {})}
    settings = {"learning_rate": 1e-3, "lr_scheduler_type": "constant", "logging_steps": 1, "save_steps": 2}
    settings |= {"per_device_train_batch_size": 16, **more}
    return TrainingRecipe(objective="grpo", r=4, max_steps=max_steps, grpo=grpo, **settings)


def taught(rows: Path, model: Path, out: Path, settings: TrainingRecipe, start: Path | None, **more):
    return train(rows, str(model), out, settings, **DIGESTS, policy=POLICY, start_from=start, **more)


def without_time(path: Path) -> list[dict]:
    return [{key: value for key, value in line.items() if key != "seconds"} for line in read_metrics(path)]


def test_what_is_rewarded_becomes_the_rule(idefics3, rows, undecided, tmp_path):
    """Half of the first answers are right; after the training the likeliest ones are, and what it was is written."""
    result = taught(rows, idefics3, tmp_path / "a", recipe(12), undecided)
    lines = read_log(tmp_path / "a" / REWARDS)
    assert [line["step"] for line in lines] == list(range(1, 13))
    assert lines[0]["rewards/verdict"] == lines[0]["reward"] == pytest.approx(0.5, abs=0.26)
    assert lines[-1]["reward"] > 0.9
    assert result.steps == 12
    asked = [Request(ASKS, (tiny.picture(colour),)) for colour in ("red", "blue")]
    tuned = load_model(str(idefics3), tmp_path / "a")
    assert tuned.generate(asked, max_new_tokens=16, batch_size=2) == [REFUSAL, COMPLIANCE]
    metrics = read_metrics(tmp_path / "a" / "metrics.jsonl")[-1]
    assert {"loss", "reward", "rewards/verdict", "frac_reward_zero_std", "entropy", "tokens"} <= metrics.keys()
    sample = read_log(tmp_path / "a" / SAMPLES)[-1]
    assert sample["row"] in ("red", "blue")
    assert len(sample["answers"]) == 8
    assert json.loads((tmp_path / "a" / "training.json").read_text())["reward"] == {"verdict": 1.0}


class _Killed(Exception):
    """Stands for whatever ends a process."""


class _KillingProgress(Progress):
    """Ends the run when it has come to a step."""

    def __init__(self, step: int) -> None:
        super().__init__(quiet=True)
        self._left = step

    def advance(self, n: int = 1, **fields: object) -> None:
        if "reward" in fields:
            self._left -= 1
            if self._left == 0:
                raise _Killed
        super().advance(n, **fields)


@pytest.mark.parametrize(
    "more",
    [{}, pytest.param({"grpo": {"num_iterations": 2, "beta": 0.05}, "lora_dropout": 0.1}, marks=pytest.mark.long)],
    ids=["plain", "held to its start, twice on the same answers, with dropout"],
)
def test_a_run_that_was_killed_comes_to_the_same_adapter(idefics3, rows, undecided, tmp_path, more):
    """Killed in step 3, after the checkpoint of step 2: no line stands twice, and the weights are equal to the bit."""
    settings = recipe(4, **more)
    taught(rows, idefics3, tmp_path / "whole", settings, undecided)
    with _KillingProgress(3) as progress, pytest.raises(_Killed):
        taught(rows, idefics3, tmp_path / "killed", settings, undecided, progress=progress)
    assert not (tmp_path / "killed").exists()
    taught(rows, idefics3, tmp_path / "killed", settings, undecided)
    whole, killed = (load_file(tmp_path / name / "adapter_model.safetensors") for name in ("whole", "killed"))
    assert all(torch.equal(whole[name], killed[name]) for name in whole)
    started = load_file(undecided / "adapter_model.safetensors")
    assert not all(torch.equal(whole[name], started[name]) for name in whole)
    for name in (REWARDS, SAMPLES):
        assert (tmp_path / "whole" / name).read_text() == (tmp_path / "killed" / name).read_text()
    metrics = "metrics.jsonl"
    assert without_time(tmp_path / "whole" / metrics) == without_time(tmp_path / "killed" / metrics)


def test_an_answer_is_the_same_whatever_it_is_drawn_beside(idefics3, undecided):
    """Drawn alone, with its group, and again; under another key or seed it is another."""
    model = load_model(str(idefics3), undecided)
    request = Request(ASKS, (tiny.picture("red"),))
    settings = GrpoSettings(max_completion_length=12)

    def drawn(keys: list[str], at_once: int, seed: int = 0) -> list[tuple[int, ...]]:
        made = draw_answers(model.model, model.chat, [request] * len(keys), keys, settings, seed=seed, at_once=at_once)
        assert all(one.finished == (one.ids[-1] in model.chat.stop_ids) for one in made)
        return [one.ids for one in made]

    keys = [f"{number}" for number in range(8)]
    together = drawn(keys, 8)
    assert drawn(keys, 3) == together
    assert drawn(keys[5:6], 1) == [together[5]]
    assert len(set(together)) > 1
    assert drawn(keys, 8, seed=1) != together
    assert not model.model.training


def test_every_row_is_asked_once_an_epoch_by_one_process_or_several():
    """Five rows, two requests a round: two epochs are five rounds; two processes share them."""
    settings = recipe(-1, num_train_epochs=2.0)
    rounds = Rounds(settings, [""] * 5)
    assert (rounds.requests, rounds.steps) == (2, 5)
    asked = [row for number in range(5) for row in rounds.of(number)]
    assert sorted(asked[:5]) == sorted(asked[5:]) == list(range(5))
    assert asked[:5] != asked[5:]
    shared = Rounds(settings, [""] * 5, processes=2)
    assert [shared.of(0, 0), shared.of(0, 1)] == [asked[0:4:2], asked[1:4:2]]
    twice = recipe(-1, num_train_epochs=2.0, grpo={"num_iterations": 2})
    assert Rounds(twice, [""] * 5).steps == 10


def test_the_rows_of_a_contrast_pair_are_asked_together():
    """Four pairs, two requests a round: whatever the epoch's order, a round has both rows of one."""
    pairs = ["a", "b", "c", "d"] * 2
    rounds = Rounds(recipe(-1), pairs)
    asked = [[pairs[row] for row in rounds.of(number)] for number in range(12)]
    assert all(one == other for one, other in asked)
    assert [sorted({one for one, _ in asked[start : start + 4]}) for start in (0, 4, 8)] == [["a", "b", "c", "d"]] * 3


def test_the_tokens_of_reasoning_and_answer_weigh_what_the_recipe_says(idefics3):
    chat = load_model(str(idefics3)).chat
    weighting = Weighting(reasoning=0.0, answer=1.0)

    def learnt(text: str, weighting: Weighting = weighting) -> str:
        ids = (*chat.token_ids(text), *sorted(chat.stop_ids)[:1])
        weights = token_weights(chat, DrawnAnswer(ids, text, True), weighting)
        assert len(weights) == len(ids)
        return chat.tokenizer.decode([i for i, weight in zip(ids, weights, strict=True) if weight])

    end = chat.tokenizer.eos_token
    assert learnt("<think>\nthe user asks\n</think>\nhere you go") == f"\nhere you go{end}"
    assert learnt("here you go") == f"here you go{end}"
    assert learnt("<think>\nthe user asks") == ""
    assert learnt("look <think>\nthe user\n</think>\nhere") == f"look \nhere{end}"
    assert learnt("<think>\nthe user\n</think>\nhere", Weighting(1.0, 0.0)) == "<think>\nthe user\n</think>"


def test_a_loss_that_is_not_finite_stops_the_run_and_names_its_rows(idefics3, rows, undecided, tmp_path, monkeypatch):
    look = Learner.look

    def diverged(self, asked, step, *, first):
        sums, norm = look(self, asked, step, first=first)
        sums.loss = float("nan") if step == 2 else sums.loss
        return sums, norm

    monkeypatch.setattr(Learner, "look", diverged)
    with pytest.raises(
        TrainingError, match=r"the loss is nan.* at step 2: the run has diverged; lower `learning_rate`"
    ):
        taught(rows, idefics3, tmp_path / "a", recipe(4), undecided)
    fault = json.loads((tmp_path / ".a.work" / "fault.json").read_text())
    assert fault["step"] == 2
    assert sorted(fault["rows"]) == ["blue", "red"]
    assert len(fault["answers"]) == 16
    assert {answer["row"] for answer in fault["answers"]} == {"red", "blue"}


def test_out_of_memory_says_what_takes_less(idefics3, rows, undecided, tmp_path, monkeypatch):
    def full(self, asked, step, *, first):
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(Learner, "look", full)
    message = r"out of memory at step 1, where 16 answers are drawn at once .* `per_device_train_batch_size: 8, "
    with pytest.raises(TrainingError, match=message):
        taught(rows, idefics3, tmp_path / "a", recipe(4), undecided)
    assert json.loads((tmp_path / ".a.work" / "fault.json").read_text())["fault"] == "no room"


def test_a_run_without_anything_to_learn_from_ends_early(idefics3, rows, tmp_path, monkeypatch):
    """A base of random weights never writes a right answer."""
    monkeypatch.setattr(steps, "_PATIENCE", 2)
    with pytest.raises(TrainingError, match=r"in 2 steps no answer earned more than another .*`start_from`"):
        taught(rows, idefics3, tmp_path / "a", recipe(6), None)


@pytest.mark.parametrize(
    ("changes", "settings", "said"),
    [
        ({"facts": '{"facts":{"query.intent":"fly"}}'}, {}, "row `red`: its facts are no case of the policy"),
        ({}, {"grpo": {"reward": {"cited": 1}}}, "`reward.cited` is about the reasoning, and the rows have none"),
        (
            {},
            {"grpo": {"max_completion_length": 500}},
            r"row `red` has \d+ tokens, and the model has positions for 12 and",
        ),
        ({"images": [{"bytes": b"GIF89a", "path": None}]}, {}, "row `red`: "),
    ],
)
def test_rows_that_cannot_be_asked(idefics3, tmp_path, changes, settings, said):
    path = write(tmp_path / "rows.parquet", [row("red", "red", HURT, REFUSAL) | changes])
    with pytest.raises(TrainingError, match=said):
        taught(path, idefics3, tmp_path / "a", recipe(2, **settings), None)


def test_rows_without_facts(idefics3, tmp_path):
    whole = write(tmp_path / "whole.parquet", [row("red", "red", HURT, REFUSAL)])
    pq.write_table(pq.read_table(whole).drop(["facts"]), tmp_path / "rows.parquet")
    with pytest.raises(TrainingError, match=r"`objective: grpo` needs rows with their facts: .*no column `facts`"):
        taught(tmp_path / "rows.parquet", idefics3, tmp_path / "a", recipe(2), None)


@pytest.mark.long
def test_answers_of_every_family_are_drawn_and_learnt_from(any_family, rows, tmp_path):
    """Taught to refuse and to comply as often, it comes to do what is due, as it is asked in every other way."""
    both = [
        row(f"{colour} {number}", colour, HURT, answer)
        for colour in ("red", "blue")
        for number, answer in enumerate((REFUSAL, COMPLIANCE))
    ]
    first = TrainingRecipe(r=4, max_steps=60, learning_rate=1e-2, per_device_train_batch_size=4, save_steps=60)
    path = write(tmp_path / "both.parquet", both)
    start = train(path, str(any_family), tmp_path / "start", first, **DIGESTS).adapter
    settings = recipe(12, grpo={"beta": 0.01, "num_iterations": 2}, gradient_checkpointing=True)
    taught(rows, any_family, tmp_path / "a", settings, start)
    lines = read_log(tmp_path / "a" / REWARDS)
    assert lines[0]["clip_ratio"] == 0 == lines[0]["kl"]
    assert lines[-1]["kl"] > 0
    assert lines[-1]["reward"] > lines[0]["reward"]


@pytest.mark.long
def test_two_processes_take_the_steps_of_one(idefics3, rows, undecided, tmp_path):
    """One request each, where a single process has both: the same answers, and but for rounding the same steps."""
    settings = {"grpo": {"num_iterations": 2, "beta": 0.05}}
    taught(rows, idefics3, tmp_path / "one", recipe(4, **settings), undecided)
    half = recipe(4, per_device_train_batch_size=8, **settings)
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).resolve().parents[1])!r})
import torch
torch.set_num_threads(1)
from pathlib import Path
from dataset.kitchen import kitchen_policy
from safecot_dsl.training import TrainingRecipe, train
settings = TrainingRecipe.model_validate_json({half.model_dump_json()!r})
train(Path({str(rows)!r}), {str(idefics3)!r}, Path({str(tmp_path / "two")!r}), settings, **{DIGESTS!r},
      policy=kitchen_policy(), start_from=Path({str(undecided)!r}))
"""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = os.environ | {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env=common | {"RANK": str(rank), "LOCAL_RANK": str(rank), "MASTER_PORT": str(port)},
        )
        for rank in range(2)
    ]
    assert [process.wait(timeout=300) for process in started] == [0, 0]
    one, two = (read_log(tmp_path / name / REWARDS) for name in ("one", "two"))
    for first, second in zip(one, two, strict=True):
        assert first == pytest.approx(second, rel=1e-3, abs=1e-5)
    weights = [load_file(tmp_path / name / "adapter_model.safetensors") for name in ("one", "two")]
    for name in weights[0]:
        torch.testing.assert_close(weights[0][name], weights[1][name], atol=2e-4, rtol=1e-3)
