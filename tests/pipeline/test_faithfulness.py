"""The stage that changes reasonings: arm by arm, killed in the middle, and not at all where there is no reasoning."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from safecot_dsl.datafiles import policies_root
from safecot_dsl.evaluation import EvalItem, write_items
from safecot_dsl.evaluation.faithfulness.record import read_record
from safecot_dsl.evaluation.suites.generated import make_suite, miniature_pool
from safecot_dsl.pipeline import Run, load_recipe
from safecot_dsl.pipeline import answers as answers_module
from safecot_dsl.pipeline.faithfulness import effects_in, examine_arms
from safecot_dsl.storage import Progress
from safecot_dsl.workspace import compile_policy
from tests.commands import CommandLine
from tests.evaluation.faithfulness.scripted import HELP, ByRequest, Scripted

from .conftest import Done
from .runs import TINY, contents, stages_redone, stamps, write_tiny

SETTINGS = TINY["evaluation"] | {"batch_size": 1, "faithfulness": {"reasonings": 4}}
FILES = {"items.parquet", "answers.jsonl", "interventions.jsonl", "skipped.jsonl", "faithfulness.json", "stage.json"}


@pytest.fixture(scope="module")
def pairs() -> list[EvalItem]:
    policy = compile_policy(policies_root() / "miniature.safecot")
    return make_suite("boundary", policy, miniature_pool(policy), items=8)


def opened(folder: Path, progress: Progress, pairs: list[EvalItem]) -> Run:
    """A run whose items are four pairs of the held-out split, and as many that are not held out."""
    recipe = write_tiny(folder, evaluation=SETTINGS)
    run = Run(load_recipe(recipe), recipe, folder / "out", progress)
    items = [item.model_copy(update={"split": "combinations"}) for item in pairs]
    items += [
        item.model_copy(update={"id": f"{item.id}!", "of": item.of and f"{item.of}!", "split": "validation"})
        for item in pairs
    ]
    run.__dict__["items"] = tuple(items)
    (run.out / "items").mkdir(parents=True)
    write_items(run.out / "items" / "items.parquet", items)
    (run.out / "items" / "stage.json").write_text("{}")
    return run


def answers_of(run: Run, arm: str, model: Scripted | None) -> Path:
    """The finished answers of an arm."""
    folder = run.out / "arms" / arm / "answers"
    folder.mkdir(parents=True)
    texts = model(run.items) if model is not None else {item.id: HELP for item in run.items}
    lines = [json.dumps({"id": key, "answer": text}) + "\n" for key, text in texts.items()]
    (folder / "answers.jsonl").write_text("".join(lines))
    (folder / "stage.json").write_text("{}")
    return folder / "answers.jsonl"


def test_arms_are_examined_and_a_kill_costs_no_byte(
    tmp_path: Path, progress: Progress, pairs: list[EvalItem], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The base answers without reasoning, and is not asked; the arm follows its own. Sixteen interventions are
    asked in blocks of eight, so that a kill in the second leaves the first."""
    asked: list[ByRequest] = []

    def load(run: Run, dies_after: int | None = None) -> None:
        def loaded(*_: object) -> ByRequest:
            held_out = [item for item in run.items if item.split == "combinations"]
            asked.append(ByRequest(Scripted(run.policy, obeys="reasoning"), held_out, dies_after))
            return asked[-1]

        run.__dict__["model"] = "scripted"
        monkeypatch.setattr(answers_module, "load_model", loaded)

    def arms(run: Run) -> dict[str, Path]:
        follower = Scripted(run.policy, obeys="reasoning")
        return {"base": answers_of(run, "base", None), "safecot": answers_of(run, "safecot", follower)}

    run = opened(tmp_path / "one", progress, pairs)
    answers = arms(run)
    load(run)
    stages = examine_arms(run, answers)
    assert len(asked) == 1
    base, ours = effects_in(stages["base"]), effects_in(stages["safecot"])
    assert (base.reasons, base.skipped) == (False, {"no reasoning": 8})
    assert (ours.kept.value, ours.premise.value, ours.conclusion.value, ours.reasonings) == (1.0, 1.0, 1.0, 4)
    record = read_record(stages["safecot"])
    assert record is not None
    assert (record.settings.reasonings, record.settings.seed, record.policy.digest) == (4, 3, run.policy.digest)
    assert {path.name for path in stages["safecot"].iterdir()} == FILES

    killed = opened(tmp_path / "two", progress, pairs)
    answers = arms(killed)
    load(killed, dies_after=12)
    with pytest.raises(KeyboardInterrupt):
        examine_arms(killed, answers)
    assert not (killed.out / "arms" / "safecot" / "faithfulness").exists()
    load(killed)
    again = examine_arms(killed, answers)
    assert len(asked[-1].asked) == 8
    for arm, stage in stages.items():
        assert contents(stage) == contents(again[arm])
    load(killed)
    asked.clear()
    assert examine_arms(killed, answers) == again
    assert asked == []


def test_a_recipe_that_does_not_ask_for_it_has_no_such_stage(tmp_path: Path, progress: Progress) -> None:
    recipe = write_tiny(tmp_path)
    run = Run(load_recipe(recipe), recipe, tmp_path / "out", progress)
    assert examine_arms(run, {"base": tmp_path / "answers.jsonl"}) == {}


@pytest.mark.long
def test_the_report_of_a_run_says_that_a_tiny_model_does_not_reason(done: Done, safecotc: CommandLine) -> None:
    """Only the new stages and the report are made; a second time nothing is."""
    before = stamps(done.out)
    words = ("run", done.recipe, "--out", done.out, "--set", "evaluation.faithfulness={reasonings: 4}")
    assert safecotc(*words).code == 0
    redone = stages_redone(before, stamps(done.out))
    assert redone == {"report", *(f"arms/{arm}/faithfulness" for arm in ("base", "no_reasoning", "safecot"))}
    found = json.loads((done.out / "summary.json").read_text())["faithfulness"]
    assert {arm: effects["reasoning"]["reasonings"] for arm, effects in found.items()} == dict.fromkeys(
        ("base", "no_reasoning", "safecot"), 0
    )
    for name in ("report.html", "report.md"):
        assert "Does the answer come from the reasoning?" in (done.out / name).read_text()
    before = stamps(done.out)
    assert safecotc(*words).code == 0
    assert stages_redone(before, stamps(done.out)) == set()
