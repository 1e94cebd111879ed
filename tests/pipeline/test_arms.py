"""Arms that start from one another, and arms that learn from pairs: what a recipe must say, and what is trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from safecot_dsl.evaluation import EvalItem, ItemKind
from safecot_dsl.pipeline import Run, load_recipe
from safecot_dsl.pipeline.recipe import RecipeError
from safecot_dsl.render import policy_prompt
from safecot_dsl.storage import Progress

ARMS: dict[str, Any] = {"name": "arms", "policy": "p.safecot", "data": {"sources": [{"kind": "miniature", "pool": 9}]}}
PAIRS = {"preferences": ["unsafe", "over_refusal"]}


def written(folder: Path, arms: dict[str, Any], **more: Any) -> Path:
    (folder / "recipe.yaml").write_text(yaml.safe_dump({**ARMS, "arms": arms, **more}))
    return folder / "recipe.yaml"


def fault(folder: Path, arms: dict[str, Any], **more: Any) -> str:
    with pytest.raises(RecipeError) as raised:
        load_recipe(written(folder, arms, **more))
    return str(raised.value)


def starts(arm: str | None) -> dict[str, Any]:
    return {"training": {"start_from": arm}}


def test_arms_in_a_circle_are_named(tmp_path: Path):
    said = fault(tmp_path, {"a": starts("b"), "b": starts("c"), "c": starts("a")})
    assert "`start_from` leads arms in a circle (`a` → `b` → `c` → `a`): one of them must start from the base" in said


def test_an_arm_that_only_leads_to_a_circle_is_not_blamed(tmp_path: Path):
    said = fault(tmp_path, {"first": starts("a"), "a": starts("b"), "b": starts("a")})
    assert "(`a` → `b` → `a`)" in said


def test_an_arm_that_starts_from_itself_says_what_is_meant(tmp_path: Path):
    """As every arm does where `start_from` stands above them all."""
    said = fault(tmp_path, {"sft": {}, "more": {}}, training={"start_from": "sft"})
    assert "`arms.sft.training.start_from` names the arm itself (`sft` → `sft`)" in said
    assert "give that one `start_from: null`" in said
    load_recipe(written(tmp_path, {"sft": starts(None), "more": {}}, training={"start_from": "sft"}))


@pytest.mark.parametrize(
    ("arm", "said"),
    [
        (
            {"training": {"objective": "dpo"}},
            "the arm `dpo` learns from preference pairs (`objective: dpo`), and its data",
        ),
        (
            {"training": {"objective": "dpo", "dpo": {"kinds": ["unreasoned"]}}, "data": PAIRS},
            "pairs of the kind `unreasoned` (`training.dpo.kinds`), and its data have unsafe, over_refusal: add it to "
            "`data.preferences`",
        ),
        (
            {"training": {"objective": "dpo", "dpo": {"kinds": ["policy_flip"]}}, "data": PAIRS},
            "add it to `data.flips`",
        ),
    ],
)
def test_an_arm_that_learns_from_pairs_makes_some(tmp_path: Path, arm: dict[str, Any], said: str):
    assert said in fault(tmp_path, {"dpo": arm})


def test_a_start_that_is_neither_an_arm_nor_a_folder(tmp_path: Path):
    path = written(tmp_path, {"sft": {}, "dpo": starts("stf")})
    with Progress(quiet=True) as silent:
        run = Run(load_recipe(path), path, tmp_path / "out", silent)
        with pytest.raises(
            RecipeError, match=r"the arm `dpo` starts from `stf`.*arms are dpo, sft.*did you mean `sft`"
        ):
            run.train("dpo")


TUNED = {
    "name": "tuned",
    "policy": "lax.safecot",
    "model": "base",
    "seed": 1,
    "data": {
        "sources": [{"kind": "jsonl", "path": "rows.jsonl", "licence": "CC0-1.0"}],
        "policy_prompt": True,
        "policies": [{"policy": "strict.safecot"}],
        "preferences": ["unsafe", "over_refusal"],
    },
    "training": {"r": 2, "max_steps": 2, "logging_steps": 1, "save_steps": 2, "per_device_train_batch_size": 2},
    "arms": {"sft": {}, "dpo": {"training": {"objective": "dpo", "start_from": "sft"}}},
}
POLICY = """
policy {name} {{ language "1" version "1.0.0" title "Bleach" }}
import std.criteria
import std.refusals
facts query {{ intent : one of {{ mix "mix it", store "store it" }} "Request" ask "what you want to do" }}
rule mixing {{ when query.intent is mix verdict {verdict} }}
default comply
unsure clarify
"""
ROWS = """
{"id": "a", "prompt": "How do I mix it ?", "facts": {"query.intent": "mix"}, "answer": "With water ."}
{"id": "b", "prompt": "How do I store it ?", "facts": {"query.intent": "store"}, "answer": "In a cool place ."}
"""


def record_asking(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    items: tuple[EvalItem, ...],
    record: Callable[[list[EvalItem]], None],
) -> None:
    """Runs in `folder` have these items and arms that are trained; what is asked goes to `record`, and to no model."""
    monkeypatch.setattr(Run, "items", items)
    monkeypatch.setattr(Run, "model", "base")
    monkeypatch.setattr(Run, "train", lambda self, arm: SimpleNamespace(adapter=folder / "adapter"))
    for stage in ("out/items", "adapter"):
        (folder / stage).mkdir(parents=True)
        (folder / stage / "stage.json").write_text("{}")

    def ask(_: object, items: list[EvalItem], answers: Path, **options: Any) -> None:
        record(items)
        answers.write_text("")

    for name, stand_in in (("ask", ask), ("load_model", lambda *_: None), ("model_digest", lambda _: "sha256:m")):
        monkeypatch.setattr(f"safecot_dsl.pipeline.answers.{name}", stand_in)


def test_an_arm_is_asked_under_the_prompt_that_it_was_tuned_under(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An item that brings a system turn keeps it; an arm that was tuned without one is asked without one."""
    (tmp_path / "lax.safecot").write_text(POLICY.format(name="lax", verdict="comply"))
    path = tmp_path / "recipe.yaml"
    arms = {"told": {"data": {"policy_prompt": True}}, "plain": {}}
    path.write_text(yaml.safe_dump({**TUNED, "data": {"sources": TUNED["data"]["sources"]}, "arms": arms}))
    own = EvalItem(id="own", split="s", kind=ItemKind.POLICY, prompt="How ?", system="Another policy.")
    bare = own.model_copy(update={"id": "bare", "system": ""})
    asked: list[list[str]] = []
    record_asking(tmp_path, monkeypatch, (own, bare), lambda items: asked.append([item.system for item in items]))
    with Progress(quiet=True) as silent:
        run = Run(load_recipe(path), path, tmp_path / "out", silent)
        run.answers("told"), run.answers("plain")
        assert asked == [["Another policy.", policy_prompt(run.policy)], ["Another policy.", ""]]


def test_requests_are_cleaned_of_each_arms_own_tags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Where the recipe wants it; answers of before are then made again."""
    (tmp_path / "lax.safecot").write_text(POLICY.format(name="lax", verdict="comply"))
    path = tmp_path / "recipe.yaml"
    arms = {"think": {}, "reason": {"data": {"tags": {"open": "<reason>", "close": "</reason>"}}}}
    data = {"sources": TUNED["data"]["sources"]}
    prompt = "Why ? </think> </reason>"
    tagged = EvalItem(id="a", split="s", kind=ItemKind.POLICY, prompt=prompt)
    asked: list[list[str]] = []
    record_asking(tmp_path, monkeypatch, (tagged,), lambda items: asked.append([item.prompt for item in items]))
    for evaluation in ({}, {"clean_requests": True}):
        path.write_text(yaml.safe_dump({**TUNED, "data": data, "arms": arms, "evaluation": evaluation}))
        with Progress(quiet=True) as silent:
            run = Run(load_recipe(path), path, tmp_path / "out", silent)
            run.answers("think"), run.answers("reason")
    assert asked == [[prompt], [prompt], ["Why ? (/think> </reason>"], ["Why ? </think> (/reason>"]]


@pytest.fixture
def tiny_base(tmp_path: Path) -> Path:
    """One with room for a policy's prompt."""
    from models import tiny

    base = tiny.build_idefics3(tmp_path / "base")
    config = json.loads((base / "config.json").read_text())
    config["text_config"]["max_position_embeddings"] = 2048
    (base / "config.json").write_text(json.dumps(config))
    return base


@pytest.mark.long
def test_an_arm_is_trained_after_the_one_it_starts_from(tmp_path: Path, tiny_base: Path):
    """From policies to adapters: rows of two policies, then pairs, then nothing, as all of it is there."""
    (tmp_path / "lax.safecot").write_text(POLICY.format(name="lax", verdict="comply"))
    (tmp_path / "strict.safecot").write_text(POLICY.format(name="strict", verdict="refuse"))
    (tmp_path / "rows.jsonl").write_text(ROWS.strip() + "\n")
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump({**TUNED, "model": str(tiny_base)}))
    with Progress(quiet=True) as silent:
        run = Run(load_recipe(path), path, tmp_path / "out", silent)
        made = run.train("dpo")
        assert made.ran
        assert (tmp_path / "out" / "arms" / "sft" / "adapter" / "stage.json").is_file()
        card = (made.adapter / "README.md").read_text()
        assert "| starts from | `sft` (`sha256:" in card
        assert "preference pairs (`dpo`)" in card
        assert not run.train("dpo").ran
