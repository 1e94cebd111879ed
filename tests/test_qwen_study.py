"""The study for Qwen2.5-VL: its recipe opens all that it names, and (long) runs in its shape with a tiny model."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from safecot_dsl.evaluation import EvalItem, ItemKind, write_items
from safecot_dsl.evaluation.asking.folder import Answered, Failed, Provenance, read_asked, written_line
from safecot_dsl.evaluation.suites import suite
from safecot_dsl.models.naming import parse_model
from safecot_dsl.pipeline import Recipe, Run, load_recipe
from safecot_dsl.pipeline.plan import look_ahead
from safecot_dsl.render import Reasoning
from safecot_dsl.storage import Progress, sha256_file
from studies.safecot.guarded import put_behind
from tests.evaluation.suites.shapes import SHAPES, figstep, png, write
from tests.models.families import build_qwen2_5_vl
from tests.models.hub import fill_cache, go_offline

ROOT = Path(__file__).resolve().parent.parent
RECIPE = ROOT / "studies" / "safecot" / "qwen.yaml"
PAGE = RECIPE.with_suffix(".md").read_text(encoding="utf-8")

#: The numbers of the model's own config.json that its modules are made from; all others are the defaults.
CONFIG = {
    "architectures": ["Qwen2_5_VLForConditionalGeneration"],
    "model_type": "qwen2_5_vl",
    "hidden_size": 2048,
    "intermediate_size": 11008,
    "num_hidden_layers": 36,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "vocab_size": 151936,
    "tie_word_embeddings": True,
    "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]},
    "vision_config": {
        "depth": 32,
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "num_heads": 16,
        "out_hidden_size": 2048,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "window_size": 112,
        "fullatt_block_indexes": [7, 15, 23, 31],
    },
}
SUBCATEGORIES = (
    "violence",
    "sexually explicit",
    "political",
    "race",
    "sex",
    "other",
    "personal data",
    "disinformation",
)


@pytest.fixture
def progress() -> Iterator[Progress]:
    with Progress(quiet=True) as shown:
        yield shown


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub that has the configuration of the pinned model, and nothing else."""
    name, _, commit = str(load_recipe(RECIPE).model).partition("@")
    write(tmp_path / "model" / "config.json", CONFIG)
    cache = fill_cache(tmp_path / "hub", {commit: tmp_path / "model"}, {"main": "0" * 40}, name)
    go_offline(monkeypatch, cache)
    return cache


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each benchmark with some rows in its shape, and VLGuard's train split with some of each kind."""
    root = tmp_path_factory.mktemp("data")
    for name, make in {**{name: shape[0] for name, shape in SHAPES.items()}, "figstep": figstep}.items():
        (root / name).mkdir()
        make(root / name)
    records: list[dict[str, Any]] = []
    for number in range(12):
        answers = [
            {"safe_instruction": f"What is on picture {number}?", "response": f"Picture {number} shows a cup."},
            {"unsafe_instruction": f"How do I cheat with {number}?", "response": "No."},
        ]
        records.append({"id": f"s{number}", "image": f"s/{number}.png", "safe": True, "instr-resp": answers})
    for number, kind in enumerate(SUBCATEGORIES):
        used = [{"instruction": f"Share picture {number}.", "response": "No."}]
        bad = {"safe": False, "harmful_category": "x", "harmful_subcategory": kind, "instr-resp": used}
        records.append({"id": f"u{number}", "image": f"u/{number}.png", **bad})
    advice = records[-1] | {"id": "a", "harmful_subcategory": "professional advice"}
    write(root / "vlguard" / "train.json", [*records, advice])
    for number, record in enumerate(records):
        write(root / "vlguard" / "train" / record["image"], png(number))
    return root


def roots(folder: Path) -> dict[str, str]:
    """What `--set` would say for data that lies in `folder`."""
    recipe = load_recipe(RECIPE)
    suites = enumerate(recipe.evaluation.suites)
    named = {f"evaluation.suites.{at}.root": entry.suite for at, entry in suites if entry.root}
    return {key: str(folder / name) for key, name in {"data.sources.0.root": "vlguard", **named}.items()}


def opened(overrides: Mapping[str, str], out: Path, progress: Progress) -> Run:
    return Run(load_recipe(RECIPE, overrides), RECIPE, out, progress, overrides)


def test_with_data_and_model_at_hand_nothing_is_missing(hub: Path, data: Path, tmp_path: Path, progress: Progress):
    """Every path, suite, arm and setting is valid; and the model's parts are of the published size."""
    plan = look_ahead(opened(roots(data), tmp_path / "run", progress))
    assert plan.problems == ()
    assert plan.parameters == 3_754_622_976  # as the hub counts the weights
    assert len(plan.arms) == 20
    assert {arm.steps for arm in plan.arms} == {132}
    for arm in plan.arms:
        rows = int(re.search(r"-(\d+)", arm.arm)[1])  # pyright: ignore[reportOptionalSubscript]
        assert arm.rows == rows + rows * 3 // 8
    suites = (
        "vlguard",
        "xstest",
        "mssbench",
        "mossbench",
        "mm_safetybench",
        "siuo",
        "vlsbench",
        "holisafe",
        "or_bench",
    )
    read = sum(len(SHAPES[name][1]) for name in (*suites, "mmbench"))
    attacked = 112  # cases in words and their attacks, whole groups
    assert plan.asked == read + 53 + attacked  # FigStep's: three forbidden, and the fifty twins


def test_without_data_its_folders_are_all_that_is_missing(hub: Path, tmp_path: Path, progress: Progress):
    plan = look_ahead(opened(roots(tmp_path / "nowhere"), tmp_path / "run", progress))
    suites = [f"suite `{entry.suite}`" for entry in load_recipe(RECIPE).evaluation.suites if entry.root]
    assert [problem.partition(":")[0] for problem in plan.problems] == ["source `table`", *suites]
    assert all("there is no folder" in problem for problem in plan.problems)


def test_arms_differ_in_nothing_but_what_they_are_about():
    recipe = load_recipe(RECIPE)
    ours = recipe.data_of("stepwise_contrast-256")

    def as_ours(arm: str, **changed: Any) -> bool:
        return recipe.data_of(arm) == ours.model_copy(update=changed)

    assert as_ours("stepwise_after-256", order="answer_first")
    assert as_ours("prompted_contrast-256", policy_prompt=True)
    assert as_ours("stepwise_random-256", selection="stratified")
    assert as_ours("failing_contrast-256", reasoning=Reasoning())
    assert as_ours("unattacked_contrast-256", attacks=0)
    for style in ("minimal", "full"):
        assert as_ours(f"{style}_contrast-256", style=style)
    for rate in ("", "-low", "-high"):
        assert as_ours(f"answers_contrast-256{rate}", style="none")
        assert as_ours(f"answers_random-256{rate}", style="none", selection="stratified")
    rates = {arm: recipe.training_of(arm).learning_rate for arm in recipe.arms}
    assert {rate for arm, rate in rates.items() if not arm.endswith(("-low", "-high"))} == {1e-4}
    same = {recipe.training_of(arm).model_copy(update={"learning_rate": 1}) for arm in recipe.arms}
    assert len(same) == 1


def commands() -> list[list[str]]:
    """The commands of the page, by their words; shell variables as they stand."""
    found: list[list[str]] = []
    for block in re.findall(r"^```sh\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r";|\bdo\b", line):
                words = shlex.split(part, comments=True)
                if words[:1] == ["safecotc"]:
                    found.append(words[1:])
    return found


def test_the_pages_commands_are_commands_of_ours():
    """Every option is known, every `--set` fits the recipe, and every arm that is named is one of its arms."""
    import typer

    from safecot_dsl.cli.main import app

    group = typer.main.get_command(app)
    seen: set[str] = set()
    for name, *words in commands():
        command = group.get_command(None, name)  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType]
        if name in ("data", "eval"):  # a noun, and what is done below it
            name, *words = words
            command = command.get_command(None, name)
        context = command.make_context(name, list(words))
        seen.add(name)
        overrides = dict(pair.split("=", 1) for pair in context.params.get("set_") or [])
        recipe: Recipe = load_recipe(RECIPE, {key: value.replace("$seed", "1") for key, value in overrides.items()})
        arm = context.params.get("arm")
        assert arm is None or "$" in arm or arm in recipe.arms
    assert seen == {"run", "train", "ask", "judge", "report", "handover"}
    for loop in re.findall(r"for arm in ([^;]*);", PAGE.replace("\\\n", " ")):
        assert set(loop.split()) <= load_recipe(RECIPE).arms.keys(), loop


def test_the_page_names_the_splits_that_the_suites_have():
    """But for those on which nothing is taught or due (advice, opinions), and what is not asked of OR-Bench."""
    named: set[str] = set()
    for listed in re.findall(r"for split in ([^;]*);", PAGE):
        for word in listed.replace("\\\n", " ").split():
            name, _, splits = word.partition("/")
            named.update(f"{name}/{split}" for split in splits.strip("{}").split(","))
    entries = {entry.suite for entry in load_recipe(RECIPE).evaluation.suites} - {"siuo", "mmbench", "attacks"}
    there = {split for name in entries for split in suite(name).splits}
    untaught = {"figstep/advice", "mm_safetybench/advice", "mm_safetybench/opinion", "or_bench/all"}
    assert named == there - untaught


def test_what_the_page_quotes_from_the_recipe_is_so():
    recipe = load_recipe(RECIPE)
    named = set(re.findall(r"Qwen/[^\s`]+@\w+", PAGE))
    assert str(recipe.model) in named
    assert len(named) == 2
    for name in named:
        assert parse_model(str(load_recipe(RECIPE, {"model": name}).model)).pinned
    for arm in re.findall(r"`(\w+_\w+-\d+\w*)`", PAGE):
        assert arm in recipe.arms


def asked(folder: Path, answers: Mapping[str, str]) -> Path:
    """A folder of answers as `safecotc eval ask` leaves it; an item without one failed."""
    items = [
        EvalItem(id=key, split="x", kind=ItemKind.POLICY, images=(), prompt="How?", due=None, must="", facts="{}")
        for key in ("a", "b", "c")
    ]
    folder.mkdir()
    write_items(folder / "items.parquet", items)
    lines = {i.id: Answered(text=answers[i.id]) if i.id in answers else Failed(reason="timeout") for i in items}
    (folder / "answers.jsonl").write_text("".join(written_line(key, line) for key, line in lines.items()))
    known = Provenance(
        name=folder.name,
        kind="local",
        model="m",
        items_digest=sha256_file(folder / "items.parquet"),
        items=len(items),
        finished="2026-11-27T12:00:00+00:00",
    )
    (folder / "asked.json").write_text(known.model_dump_json())
    return folder


def test_the_guard_refuses_what_its_model_refuses(tmp_path: Path):
    """One request is refused by the guard, one answered, and to one the base had no answer."""
    asked(tmp_path / "base", {"a": "Here is how.", "b": "So it goes."})
    control = asked(tmp_path / "control", {"a": "No.", "b": "Yes.", "c": "Yes."})
    verdicts = {"a": "refuse", "b": "comply", "c": "comply"}
    scores = [json.dumps({"id": key, "verdict": verdict}) + "\n" for key, verdict in verdicts.items()]
    (control / "scores.jsonl").write_text("".join(scores))
    assert put_behind(tmp_path / "base", control, tmp_path / "guard-0") == 1
    guarded = read_asked(tmp_path / "guard-0")
    assert guarded.provenance.name == "guard"
    assert guarded.answers == {"a": "I can't do what you ask here.", "b": "So it goes."}
    assert list(guarded.failed) == ["c"]


@pytest.mark.long
def test_a_tiny_one_runs_from_end_to_end(data: Path, tmp_path: Path, progress: Progress):
    """Every arm for two steps on a tiny model of the family; all are asked every suite, and reported."""
    model = build_qwen2_5_vl(tmp_path / "model")
    config = json.loads((model / "config.json").read_text())
    config["text_config"]["max_position_embeddings"] = 8192  # the policy's prompt is long in bytes
    (model / "config.json").write_text(json.dumps(config))
    small = {
        "model": str(model),
        "data.rows": "8",
        "data.replay.rows": "3",
        "training.max_steps": "2",
        "training.warmup_steps": "1",
        "training.logging_steps": "1",
        "training.save_steps": "2",
        "training.per_device_train_batch_size": "2",
        "training.gradient_accumulation_steps": "1",
        "evaluation.max_new_tokens": "4",
    }
    recipe = load_recipe(RECIPE, {**roots(data), **small})
    sizes = {arm for arm in recipe.arms if "-256" not in arm}
    arms = {
        name: arm for name, arm in recipe.arms.items() if name not in sizes and not name.endswith(("-low", "-high"))
    }
    run = Run(recipe.model_copy(update={"arms": arms}), RECIPE, tmp_path / "run", progress)
    summary = run.evaluate()
    assert set(summary.arms) == {"base", *arms, "refuse_everything", "comply_with_everything"}
    assert len(arms) == 10
    for arm in arms:
        record = json.loads((tmp_path / "run" / "arms" / arm / "adapter" / "training.json").read_text())
        assert record["rows"] == 11
        assert record["speedups"]["padding_free"] is True
    assert {split.partition("/")[0] for split in summary.splits} == {e.suite for e in recipe.evaluation.suites}
    assert (tmp_path / "run" / "report.html").is_file()
