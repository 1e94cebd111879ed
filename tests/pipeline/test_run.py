"""A run from nothing to its end; a second one; and what a change makes anew."""

from __future__ import annotations

import html.parser
import json
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.models.images import open_image
from tests.commands import CommandLine, Ended

from .conftest import Done
from .runs import contents, stages_redone, stamps

METRICS = {"safe_refusal", "over_refusal", "verdict_accuracy", "utility"}
ARMS = ["base", "no_reasoning", "safecot", "refuse_everything", "comply_with_everything"]
TRAINED = ["no_reasoning", "safecot"]
STAGES = {
    "base",
    "items",
    "report",
    *(f"arms/{arm}/answers" for arm in ARMS),
    *(f"arms/{arm}/{stage}" for arm in TRAINED for stage in ("data", "adapter")),
}


# The first run --------------------------------------------------------------------------------------------------


def test_the_summary_has_the_shape_that_others_build_on(undisturbed: tuple[Done, Ended]):
    """Four policy items of the held-out split, half must be refused; two questions. Wilson's interval for 2 of 2 is
    [34.2 %, 100 %], for 0 of 2 its mirror image."""
    summary = json.loads((undisturbed[0].out / "summary.json").read_text())
    assert list(summary["arms"]) == ARMS
    for arm in summary["arms"].values():
        assert set(arm) == METRICS
        for metric, cases in (("safe_refusal", 2), ("over_refusal", 2), ("verdict_accuracy", 4), ("utility", 2)):
            figure = arm[metric]
            assert set(figure) == {"value", "low", "high", "n"}
            assert figure["n"] == cases
            assert 0 <= figure["low"] <= figure["value"] <= figure["high"] <= 1
    for arm, all_refused in (("refuse_everything", 1.0), ("comply_with_everything", 0.0)):
        for metric in ("safe_refusal", "over_refusal"):
            figure = summary["arms"][arm][metric]
            assert figure["value"] == all_refused
            assert (figure["low"], figure["high"]) == pytest.approx(
                (0.3424, 1) if all_refused else (0, 0.6576), abs=1e-4
            )


def test_the_table_is_printed_with_where_to_read_on(undisturbed: tuple[Done, Ended]):
    done, ended = undisturbed
    flat = " ".join(re.sub(r"[^\x20-\x7e]", " ", ended.out).split())
    for title in ("SafeCoT", "Refuses", "safe", "over-refusal", "utility"):
        assert title in flat
    assert "[dim]" not in ended.out
    assert "\\[" not in ended.out
    assert f"report: {done.out / 'report.html'}\n" in ended.out
    assert f"summary: {done.out / 'summary.json'}\n" in ended.out
    assert all(len(line) <= 80 for line in ended.out.splitlines() if "│" in line)


def test_every_long_step_said_how_far_it_was(undisturbed: tuple[Done, Ended]):
    phases = undisturbed[1].phases
    expected = ["base: drawing", "base: learning to see", "base: learning to speak", "base: answering"]
    expected += ["deciding", "writing rows", "training", "no_reasoning: answering", "safecot: answering"]
    assert [phase for phase in phases if phase in expected] == expected


def test_nothing_but_finished_stages_is_left(undisturbed: tuple[Done, Ended]):
    out = undisturbed[0].out
    assert {path.parent.relative_to(out).as_posix() for path in out.rglob("stage.json")} == STAGES
    assert list(out.rglob(".*")) == []
    assert {path.name for path in out.iterdir()} == {
        "arms", "base", "items", "report", "policy.json", "summary.json", "report.html", "report.md",
    }  # fmt: skip


def test_no_file_needs_pickle_to_be_read(undisturbed: tuple[Done, Ended]):
    suffixes = {path.suffix for path in undisturbed[0].out.rglob("*") if path.is_file()}
    assert suffixes <= {".json", ".jsonl", ".safetensors", ".parquet", ".yaml", ".md", ".html", ".jinja", ".safecot"}


class _Links(html.parser.HTMLParser):
    """What a page would load, and the elements it opens and closes."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "href", "srcset", "data", "poster", "action", "xlink:href") and value:
                self.loads.append(value)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_report_stands_alone(undisturbed: tuple[Done, Ended]):
    """No address is loaded from anywhere: links lead within the page, images are in it."""
    page = (undisturbed[0].out / "report.html").read_text(encoding="utf-8")
    links = _Links()
    links.feed(page)
    assert links.loads
    assert [address for address in links.loads if not address.startswith(("#", "data:image/"))] == []
    assert not re.search(r"@import|url\((?!['\"]?(?:data:|#))", page)
    text = " ".join(links.text)
    for shown in ("toxic_gas", "SafeCoT", "safecotc run tiny.yaml"):
        assert shown in text


def test_the_policy_beside_the_run_is_the_one_that_made_it(undisturbed: tuple[Done, Ended]):
    out = undisturbed[0].out
    policy = CompiledPolicy.from_json((out / "policy.json").read_bytes())
    for arm in TRAINED:
        rows = pq.read_table(out / "arms" / arm / "data/data/train-00000.parquet").to_pylist()
        assert len(rows) == 16
        assert {row["policy"] for row in rows} == {policy.digest}
        assert {open_image(image["bytes"]).size for row in rows for image in row["images"]} == {(64, 64)}
        training = json.loads((out / "arms" / arm / "adapter" / "training.json").read_text())
        assert training["policy"] == policy.digest


def test_the_arms_are_about_the_same_requests(undisturbed: tuple[Done, Ended]):
    """They differ in the answers' form alone: one has no reasoning."""
    arms = undisturbed[0].out / "arms"
    plain, cot = (pq.read_table(arms / arm / "data/data/train-00000.parquet").to_pylist() for arm in TRAINED)
    for column in ("source_id", "prompt", "images", "verdict", "facts", "answer"):
        assert [row[column] for row in plain] == [row[column] for row in cot]
    assert all("<think>" not in row["completion"] for row in plain)
    assert all(row["completion"].startswith("<think>") for row in cot)


def test_nothing_that_is_made_names_the_machine(undisturbed: tuple[Done, Ended]):
    """The same recipe elsewhere gives the same bytes: no data set holds the folder in which it was made."""
    done = undisturbed[0]
    made = [path for path in (done.out / "arms").glob("*/data/**/*") if path.is_file()]
    for path in [done.out / "policy.json", *made, *(done.out / "items").iterdir()]:
        assert str(done.recipe.parent).encode() not in path.read_bytes(), path


# The second run -------------------------------------------------------------------------------------------------

_SECOND = """
import sys
from safecot_dsl.cli import main
sys.argv = ["safecotc", "run", *sys.argv[1:]]
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
assert not {"torch", "transformers", "peft"} & sys.modules.keys(), "a model library was loaded"
"""


def test_a_second_run_does_nothing_and_loads_no_model(done: Done):
    before = stamps(done.out)
    ended = subprocess.run(
        [sys.executable, "-c", _SECOND, done.recipe, "--out", done.out], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert stamps(done.out) == before
    assert "report.html" in ended.stdout
    assert "(0 %)" not in ended.stderr
    assert "base: up to date" in ended.stderr


def test_json_is_the_summary_on_one_line(safecotc: CommandLine, done: Done):
    ended = safecotc("run", done.recipe, "--out", done.out, "--format", "json")
    assert json.loads(ended.out) == json.loads((done.out / "summary.json").read_text())
    assert ended.out.count("\n") == 1


def test_a_comment_in_the_policy_changes_nothing(safecotc: CommandLine, done: Done):
    """Lines move, and `policy.json` with them; what was made keeps the lines that it was made from."""
    policy = done.recipe.with_name("miniature.safecot")
    policy.write_text("# a new first line\n" + policy.read_text())
    before = stamps(done.out)
    ended = safecotc("run", done.recipe, "--out", done.out)
    assert ended.code == 0, ended.err
    after = stamps(done.out)
    assert ended.phases == []
    del before["policy.json"], after["policy.json"]
    assert after == before


def test_a_summary_that_was_removed_comes_back(safecotc: CommandLine, done: Done):
    wanted = (done.out / "summary.json").read_bytes()
    (done.out / "summary.json").unlink()
    (done.out / "report.html").write_text("half")
    ended = safecotc("run", done.recipe, "--out", done.out)
    assert ended.phases == []
    assert (done.out / "summary.json").read_bytes() == wanted
    assert (done.out / "report.html").read_bytes() == (done.out / "report" / "report.html").read_bytes()


def test_harmed_answers_are_asked_for_again(safecotc: CommandLine, done: Done):
    wanted = contents(done.out)
    (done.out / "arms" / "safecot" / "answers" / "answers.jsonl").write_text("")
    before = stamps(done.out)
    ended = safecotc("run", done.recipe, "--out", done.out)
    assert ended.code == 0, ended.err
    assert "safecot: answering" in ended.phases
    assert "arms/safecot/answers" in stages_redone(before, stamps(done.out))
    assert contents(done.out) == wanted


# What a change makes anew ---------------------------------------------------------------------------------------


def redone(safecotc: CommandLine, done: Done, *options: str) -> set[str]:
    before = stamps(done.out)
    ended = safecotc("run", done.recipe, "--out", done.out, *options)
    assert ended.code == 0, ended.err
    return stages_redone(before, stamps(done.out))


@pytest.mark.long
def test_a_rule_that_says_something_else_makes_everything_anew(safecotc: CommandLine, done: Done):
    """A text of a rule is part of the policy's meaning, and all that was made names it."""
    policy = done.recipe.with_name("miniature.safecot")
    text = policy.read_text()
    old = re.findall(r'risk +"([^"]*)"', text)[0]
    policy.write_text(text.replace(old, "The two of them make a gas.", 1))
    assert redone(safecotc, done) == STAGES


def test_the_size_of_the_evaluation_is_no_matter_of_training(safecotc: CommandLine, done: Done):
    changed = redone(safecotc, done, "--set", "evaluation.splits.combinations.policy=8")
    assert changed == {"items", "report", *(f"arms/{arm}/answers" for arm in ARMS)}
    summary = json.loads((done.out / "summary.json").read_text())
    assert {arm["verdict_accuracy"]["n"] for arm in summary["arms"].values()} == {8}


def test_how_many_examples_are_shown_is_no_matter_of_answers(safecotc: CommandLine, done: Done):
    assert redone(safecotc, done, "--set", "evaluation.examples=1") == {"report"}


def test_a_change_of_one_arm_leaves_the_other(safecotc: CommandLine, done: Done):
    changed = redone(safecotc, done, "--set", "arms.no_reasoning.training.max_steps=2")
    assert changed == {"arms/no_reasoning/adapter", "arms/no_reasoning/answers", "report"}


def test_another_arm_shares_what_is_there(safecotc: CommandLine, done: Done):
    changed = redone(safecotc, done, "--set", "arms.late.data.order=answer_first")
    assert changed == {"report", "arms/late/data", "arms/late/adapter", "arms/late/answers"}
    summary = json.loads((done.out / "summary.json").read_text())
    assert list(summary["arms"]) == [*ARMS[:3], "late", *ARMS[3:]]


def test_a_description_is_no_input(safecotc: CommandLine, done: Done):
    assert redone(safecotc, done, "--set", "description=the same in other words") == set()


# The parts apart ------------------------------------------------------------------------------------------------


def test_generate_makes_the_data_of_one_arm_and_no_model(safecotc: CommandLine, done: Done, tmp_path: Path):
    out = tmp_path / "apart"
    ended = safecotc("generate", done.recipe, "--out", out, "--arm", "safecot", "--format", "json")
    assert ended.code == 0, ended.err
    report = json.loads(ended.out)["safecot"]
    assert (report["rows"], report["verdicts"]["refuse"]) == (16, 8)
    assert report["path"] == str(out / "arms" / "safecot" / "data")
    data = {name: digest for name, digest in contents(out).items() if "/data/" in name}
    whole = contents(done.out)
    assert {name: whole[name] for name in data} == data
    assert not (out / "base").exists()


def test_the_card_names_the_command_that_makes_the_data_again(safecotc: CommandLine, done: Done, tmp_path: Path):
    """What was set on the command line belongs to it."""
    out = tmp_path / "apart"
    made = safecotc("generate", done.recipe, "--out", out, "--arm", "no_reasoning", "--set", "data.rows=8")
    assert made.code == 0, made.err
    card = (out / "arms" / "no_reasoning" / "data" / "README.md").read_text()
    command = re.search(r"^safecotc .*$", card, re.MULTILINE)
    assert command is not None
    assert command[0] == "safecotc generate tiny.yaml --arm no_reasoning --set data.rows=8"
    again = tmp_path / "again"
    options = [done.recipe if word == "tiny.yaml" else word for word in command[0].split()[1:]]
    assert safecotc(*options, "--out", again).code == 0
    assert contents(again) == contents(out)


def test_train_ends_with_the_adapters(safecotc: CommandLine, done: Done):
    ended = safecotc("train", done.recipe, "--out", done.out, "--format", "json")
    assert ended.code == 0, ended.err
    results = json.loads(ended.out)
    assert {name: (r["rows"], r["steps"]) for name, r in results.items()} == dict.fromkeys(TRAINED, (16, 3))
    assert ended.phases == []


def test_show_batch_trains_nothing(safecotc: CommandLine, done: Done):
    before = stamps(done.out)
    ended = safecotc("train", done.recipe, "--out", done.out, "--arm", "safecot", "--show-batch")
    assert ended.code == 0, ended.err
    assert "⟦<think>" in ended.out
    assert stamps(done.out) == before


def test_tags_of_another_family_are_read_back(safecotc: CommandLine, done: Done):
    """With other tags the reasoning is still no part of the answer that is graded."""
    from safecot_dsl.evaluation import read_items
    from safecot_dsl.pipeline import Run, load_recipe
    from safecot_dsl.storage import Progress

    recipe = load_recipe(done.recipe, {"data.tags": "{open: '<why>', close: '</why>'}"})
    items = read_items(done.out / "items" / "items.parquet")
    said = {item.id: "<why>\nI must not help. [refuse: none]\n</why>\nHere is how it is done." for item in items}
    with Progress(quiet=True) as progress:
        scored = Run(recipe, done.recipe, done.out, progress).scored("safecot", said)
    assert {score.answer for score in scored.items.values()} == {"Here is how it is done."}
    assert not any(score.refused for score in scored.items.values())


def test_arms_over_different_worlds_cannot_be_compared(safecotc: CommandLine, done: Done):
    recipe = yaml.safe_load(done.recipe.read_text())
    recipe["arms"]["safecot"] = {"data": {"sources": [{"kind": "miniature", "pool": 100, "world": 1}]}}
    done.recipe.write_text(yaml.safe_dump(recipe))
    before = stamps(done.out)
    ended = safecotc("run", done.recipe, "--out", done.out)
    assert ended.code == 3
    assert "several miniature worlds" in ended.last_line
    assert stamps(done.out) == before
