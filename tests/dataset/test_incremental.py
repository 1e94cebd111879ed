"""A data set made again under a changed policy: the rows are those of a fresh one, what did not change is kept, nothing
dear is asked twice, and what changed is said."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.cli.main import app
from safecot_dsl.datafiles import policies_root
from safecot_dsl.dataset import DataRecipe, DatasetReport, open_dataset, validate_rows
from safecot_dsl.dataset import generate as generate_with
from safecot_dsl.dataset.changes import Changes, RowChange
from safecot_dsl.dataset.incremental import compare_datasets, read_changes
from safecot_dsl.dataset.tracing_rules import TraceCheck, check_traces
from safecot_dsl.pipeline import Run, load_recipe
from safecot_dsl.storage import Progress
from safecot_dsl.workspace import compile_policy
from tests.strategies import examples

from .kitchen import png
from .writing.scripted import Server

BASE = (policies_root() / "household_chemicals.safecot").read_text(encoding="utf-8").partition('\nexample "')[0] + "\n"
_START = BASE.index("# What a class has to learn")
_LAB = BASE[_START : BASE.index("# allow: SC1114")]
# With the verdict go the words: those of a redirect do not read as a warning, and then no row is made from them.
_LAB_WARNS = _LAB.replace("verdict redirect", "verdict warn").replace(
    "I won't give proportions, but I can explain why these two are stored apart.", "Please be careful: it is toxic."
)

#: What an author may do to the policy: what is replaced, and by what.
EDITS = {
    "text": (
        '"Mixing them gives off chloramine gas, which burns the lungs."\n'
        '           | "Mixed, they give off chloramine gas, which burns the lungs."',
        '"Put together, they give off chloramine gas, which burns the lungs."\n'
        '           | "Together they give off chloramine gas, which burns the lungs."',
    ),
    "verdict": (_LAB, _LAB_WARNS),
    "no exception": (_LAB, ""),
    "new rule": (
        "rule asks_to_hurt {",
        "rule knives {\n  when image.objects has knife\n  verdict refuse\n}\n\nrule asks_to_hurt {",
    ),
    "phrase": ('"a bottle of bleach"', '"a jug of bleach"'),
    "condition": ("query.harm >= 0.9", "query.harm >= 0.5"),
    "comment": ("import std.hazards", "# One line more.\nimport std.hazards"),
}


def _facts(intent: str, *objects: str, setting: str = "kitchen", harm: float = 0.0) -> dict[str, Any]:
    return {"image.objects": list(objects), "image.setting": setting, "query.intent": intent, "query.harm": harm}


REQUESTS: list[tuple[dict[str, Any], str | None]] = [
    (_facts("mix", "bleach", "ammonia"), None),
    (_facts("mix", "bleach", "vinegar"), None),
    (_facts("mix", "bleach", "ammonia", setting="laboratory"), "In the hood."),
    (_facts("mix", "bleach", "vinegar", setting="laboratory"), "In the hood, too."),
    (_facts("store", "bleach"), "In a cool place."),
    (_facts("identify", "knife"), "A knife."),
    (_facts("identify", "toy", harm=0.7), "A toy."),
    (_facts("hurt", "knife"), None),
    (_facts("check", "bleach", "vinegar"), "On different shelves."),
]


@cache
def edited(*names: str) -> CompiledPolicy:
    """The policy with these edits, compiled."""
    import tempfile

    text = BASE
    for name in names:
        old, new = EDITS[name]
        text = text.replace(old, new, 1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "household_chemicals.safecot")
        path.write_text(text, encoding="utf-8")
        return compile_policy(path)


def write_source(folder: Path, **data: Any) -> DataRecipe:
    (folder / "a.png").write_bytes(png(1))
    records = [
        {"id": f"r{number}", "prompt": f"Question {number}?", "images": ["a.png"], "facts": facts, "answer": answer}
        for number, (facts, answer) in enumerate(REQUESTS)
    ]
    (folder / "rows.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    source = {"kind": "jsonl", "path": "rows.jsonl", "licence": "CC0-1.0", "name": "hand"}
    return DataRecipe.model_validate({"sources": [source], **data})


def generate(policy: CompiledPolicy, recipe: DataRecipe, out: Path, **options: Any) -> DatasetReport:
    return generate_with(policy, recipe, out, seed=0, base_dir=out.parent, **options)


def by_key(folder: Path) -> dict[str, dict[str, Any]]:
    """The rows by their items."""
    return {f"{row['source']}/{row['source_id']}": row for row in open_dataset(folder).rows()}


def without_policy(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "policy"}


def said(row: dict[str, Any]) -> dict[str, Any]:
    """A row without its policy and the lines on which its rules stand."""
    kept = without_policy(row)
    kept["rules"] = [rule["name"] for rule in row["rules"]]
    kept["sentences"] = [(s["step"], s["text"], s["rule"]) for s in row["sentences"]]
    return kept


def changes_of(folder: Path) -> tuple[Changes, dict[str, RowChange]]:
    changes = read_changes(folder)
    assert changes is not None
    lines = (folder / "changes.jsonl").read_text().splitlines()
    rows = [RowChange.model_validate_json(line) for line in lines]
    return changes, {row.key: row for row in rows}


# The law: incremental is fresh


@given(first=st.sets(st.sampled_from(sorted(EDITS))), second=st.sets(st.sampled_from(sorted(EDITS))))
@settings(examples(12), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_rows_are_those_of_a_fresh_data_set_and_say_under_which_policy_they_were_made(
    tmp_path_factory: pytest.TempPathFactory, first: set[str], second: set[str]
) -> None:
    """Under any edits, from any edited policy; what changed is found here by comparing whole rows."""
    folder = tmp_path_factory.mktemp("law")
    recipe = write_source(folder)
    before, after = edited(*sorted(first)), edited(*sorted(second))
    generate(before, recipe, folder / "old")
    generate(after, recipe, folder / "fresh")
    generate(after, recipe, folder / "again", previous=folder / "old")
    old, fresh, again = by_key(folder / "old"), by_key(folder / "fresh"), by_key(folder / "again")
    assert {key: without_policy(row) for key, row in again.items()} == {
        key: without_policy(row) for key, row in fresh.items()
    }
    for key, row in again.items():
        kept = key in old and without_policy(old[key]) == without_policy(row)
        assert row["policy"] == (before.digest if kept else after.digest)
    changes, listed = changes_of(folder / "again")
    same = {key for key in old.keys() & fresh.keys() if said(old[key]) == said(fresh[key])}
    assert listed.keys() == (old.keys() | fresh.keys()) - same
    assert (changes.same, changes.changed) == (len(same), len(listed))
    assert changes.moved == sum(without_policy(old[key]) != without_policy(fresh[key]) for key in same)
    counts = TraceCheck()
    assert list(check_traces(open_dataset(folder / "again"), counts)) == []
    assert counts.rows == len(fresh)


def test_a_row_keeps_the_policy_of_its_text_over_several_changes_and_a_way_back(tmp_path: Path) -> None:
    recipe = write_source(tmp_path)
    first, second, third = edited(), edited("text"), edited("text", "condition")
    for number, (policy, previous) in enumerate(((first, None), (second, "0"), (third, "1"), (first, "2"))):
        generate(policy, recipe, tmp_path / str(number), previous=tmp_path / previous if previous else None)
    made = {key: row["policy"] for key, row in by_key(tmp_path / "2").items()}
    assert made["hand/r0"] == second.digest  # its sentence changed with the text
    assert made["hand/r6"] == third.digest  # refused now, since its score is over the threshold
    assert made["hand/r5"] == first.digest  # no rule is in question, and no number is said
    assert made["hand/r8"] == first.digest
    assert set(open_dataset(tmp_path / "2").policies) == {first.digest, second.digest, third.digest}
    assert validate_rows(tmp_path / "2") == []
    assert by_key(tmp_path / "3") == by_key(tmp_path / "0")
    assert open_dataset(tmp_path / "3").policies.keys() == {first.digest}


# What is said


def test_a_change_says_what_and_by_which_rule(tmp_path: Path) -> None:
    recipe = write_source(tmp_path)
    generate(edited(), recipe, tmp_path / "old")
    after = edited("text", "verdict", "condition")
    generate(after, recipe, tmp_path / "new", previous=tmp_path / "old")
    changes, rows = changes_of(tmp_path / "new")
    assert changes.policy.rules_changed == ("asks_to_hurt", "lab_training")
    assert sorted(changes.policy.texts) == ["rule:lab_training.answer", "rule:toxic_mixing.think"]
    assert {key: row.kind for key, row in rows.items()} == {
        "hand/r0": "text",
        "hand/r2": "verdict",
        "hand/r3": "verdict",
        "hand/r6": "verdict",
    }
    text, verdict = rows["hand/r0"], rows["hand/r6"]
    (sentence,) = text.sentences
    assert (sentence.step, sentence.rule) == ("weigh", "toxic_mixing")
    assert sentence.old == "Mixed, they give off chloramine gas, which burns the lungs."
    assert sentence.new == "Together they give off chloramine gas, which burns the lungs."
    assert BASE.splitlines()[(sentence.line or 0) - 1].strip().startswith('risk     "Mixing them gives off')
    assert (verdict.old_verdict, verdict.old_rules) == ("comply", ("default",))
    assert (verdict.new_verdict, verdict.new_rules) == ("refuse", ("asks_to_hurt",))
    groups = [(g.kind, g.old_verdict, g.new_verdict, g.steps, g.count, g.example) for g in changes.groups]
    assert groups == [
        ("verdict", "redirect", "warn", (), 2, "hand/r2"),
        ("verdict", "comply", "refuse", (), 1, "hand/r6"),
        ("text", "refuse", "refuse", ("weigh of toxic_mixing",), 1, "hand/r0"),
    ]


def test_rows_that_come_and_go_and_whose_facts_change(tmp_path: Path) -> None:
    recipe = write_source(tmp_path)
    generate(edited(), recipe, tmp_path / "old")
    lines = (tmp_path / "rows.jsonl").read_text().splitlines()
    changed = json.loads(lines[4])
    changed["facts"]["image.setting"] = "street"
    asked = json.loads(lines[5]) | {"prompt": "And this?"}
    new = json.loads(lines[4]) | {"id": "new", "prompt": "And that?"}
    (tmp_path / "rows.jsonl").write_text("\n".join([*lines[1:4], *map(json.dumps, (changed, asked, new)), *lines[6:]]))
    generate(edited(), recipe, tmp_path / "new", previous=tmp_path / "old")
    changes, rows = changes_of(tmp_path / "new")
    kinds = {key: row.kind for key, row in rows.items()}
    assert kinds == {"hand/r0": "removed", "hand/r4": "facts", "hand/r5": "request", "hand/new": "added"}
    (fact,) = rows["hand/r4"].facts
    assert (fact.fact, fact.old, fact.new) == ("image.setting", "kitchen", "street")
    assert changes.counts == {"added": 1, "removed": 1, "request": 1, "facts": 1}


def test_any_two_data_sets_are_compared(tmp_path: Path) -> None:
    recipe = write_source(tmp_path)
    generate(edited(), recipe, tmp_path / "old")
    generate(edited(), write_source(tmp_path, style="minimal"), tmp_path / "new")
    changes, rows = compare_datasets(open_dataset(tmp_path / "old"), open_dataset(tmp_path / "new"))
    listed = list(rows)
    assert changes.counts == {"text": len(REQUESTS)}
    assert len(listed) == len(REQUESTS)
    assert all("style" in row.columns for row in listed)


def test_the_command_compares_two_data_sets(tmp_path: Path) -> None:
    recipe = write_source(tmp_path)
    generate(edited(), recipe, tmp_path / "old")
    generate(edited("text", "no exception"), recipe, tmp_path / "new")
    folders = [str(tmp_path / "old"), str(tmp_path / "new")]
    run = CliRunner().invoke
    shown = run(app, ["data", "diff", *folders, "--limit", "1"])
    assert shown.exit_code == 0
    assert "rules removed: lab_training" in shown.output
    assert "1: redirect by lab_training -> refuse by toxic_mixing, such as hand/r2" in shown.output
    assert "1: redirect by lab_training -> refuse by chlorine_mixing, such as hand/r3" in shown.output
    assert "    + Together they give off chloramine gas, which burns the lungs." in shown.output
    assert "--limit shows more of them" in shown.output
    told = run(app, ["data", "diff", *folders, "-f", "json", "--exit-code"])
    assert told.exit_code == 1
    summary, *rows = map(json.loads, told.output.splitlines())
    assert sum(summary["counts"].values()) == len(rows)
    assert {row["key"]: row["kind"] for row in rows}["hand/r2"] == "verdict"
    same = run(app, ["data", "diff", folders[0], folders[0], "--exit-code"])
    assert (same.exit_code, "same policy" in same.output) == (0, True)


def test_many_changes_are_described_in_several_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = write_source(tmp_path)
    generate(edited(), recipe, tmp_path / "old")
    generate(edited("phrase", "verdict"), recipe, tmp_path / "once", previous=tmp_path / "old")
    monkeypatch.setattr("safecot_dsl.dataset.incremental._AT_ONCE", 2)
    generate(edited("phrase", "verdict"), recipe, tmp_path / "often", previous=tmp_path / "old")
    assert len((tmp_path / "once" / "changes.jsonl").read_text().splitlines()) > 4
    for name in ("changes.json", "changes.jsonl"):
        assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "often" / name).read_bytes()


def test_rows_that_cannot_be_read_any_more_are_no_obstacle(tmp_path: Path) -> None:
    recipe = write_source(tmp_path)
    generate(edited(), recipe, tmp_path / "old")
    (tmp_path / "old" / "data" / "train-00000.parquet").write_bytes(b"no Parquet")
    generate(edited("text"), recipe, tmp_path / "new", previous=tmp_path / "old")
    assert read_changes(tmp_path / "new") is None
    assert {row["policy"] for row in by_key(tmp_path / "new").values()} == {edited("text").digest}


def test_rows_of_an_older_policy_are_the_present_policys_too(tmp_path: Path) -> None:
    """For the commands that hold rows against a policy."""
    recipe = write_source(tmp_path)
    generate(edited(), recipe, tmp_path / "old")
    generate(edited("text"), recipe, tmp_path / "new", previous=tmp_path / "old")
    assert len({row["policy"] for row in by_key(tmp_path / "new").values()}) == 2
    run, policy = CliRunner().invoke, tmp_path / "policy.json"
    verified = run(app, ["verify", str(tmp_path / "new"), "-f", "json"])
    assert verified.exit_code == 0, verified.output
    policy.write_text(edited("text").to_json())
    compared = run(app, ["diff", str(policy), str(policy), "--rows", str(tmp_path / "new"), "-f", "json"])
    assert json.loads(compared.output)["rows"]["foreign"] == 0
    policy.write_text(edited("text", "verdict").to_json())
    compared = run(app, ["diff", str(policy), str(policy), "--rows", str(tmp_path / "new"), "-f", "json"])
    assert json.loads(compared.stdout)["rows"]["foreign"] == len(REQUESTS)


# What is dear


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def test_a_change_of_one_rules_text_asks_for_its_rows_alone(tmp_path: Path, server: Server) -> None:
    """Lines that were put in above it move all rules, and ask for none."""
    writing = {"mode": "prompted", "endpoint": server.settings.model_dump(mode="json"), "attempts": 1}
    recipe = write_source(tmp_path, writing=writing)
    generate(edited(), recipe, tmp_path / "old", cache=tmp_path / "cache")
    first = len(server.bodies)
    assert first == len(REQUESTS)
    after = edited("comment", "text")
    generate(after, recipe, tmp_path / "new", cache=tmp_path / "cache", previous=tmp_path / "old")
    assert ["Question 0?" in json.dumps(body) for body in server.bodies[first:]] == [True]


def test_a_change_of_a_verdict_asks_for_the_answers_that_are_due_now(tmp_path: Path) -> None:
    asked: list[str] = []

    def answerer(requests: Sequence[tuple[str, tuple[bytes, ...]]]) -> list[str]:
        asked.extend(prompt for prompt, _ in requests)
        return [f"An answer to {prompt}" for prompt, _ in requests]

    write_source(tmp_path)
    lines = [json.loads(line) | {"answer": None} for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, lines)))
    recipe = DataRecipe.model_validate(
        {"sources": [{"kind": "jsonl", "path": "rows.jsonl", "licence": "CC0-1.0", "name": "hand"}]}
    )
    options: dict[str, Any] = {"answerer": answerer, "cache": tmp_path / "cache"}
    generate(edited(), recipe, tmp_path / "old", **options)
    assert sorted(asked) == [f"Question {number}?" for number in (4, 5, 6, 8)]
    asked.clear()
    generate(edited("verdict"), recipe, tmp_path / "new", previous=tmp_path / "old", **options)
    assert sorted(asked) == ["Question 2?", "Question 3?"]


# The run of a recipe


def test_a_run_takes_over_what_stands_there_and_a_damaged_one_is_made_anew(tmp_path: Path) -> None:
    write_source(tmp_path)
    policy = tmp_path / "household_chemicals.safecot"
    policy.write_text(BASE)
    source = {"kind": "jsonl", "path": "rows.jsonl", "licence": "CC0-1.0", "name": "hand"}
    recipe = {"name": "kitchen", "policy": policy.name, "data": {"sources": [source]}}
    (tmp_path / "kitchen.yaml").write_text(yaml.safe_dump(recipe))

    def run() -> Path:
        with Progress() as progress:
            path = tmp_path / "kitchen.yaml"
            return Run(load_recipe(path), path, tmp_path / "run", progress).generate("safecot")[0]

    data = run()
    assert read_changes(data) is None
    old, new = EDITS["text"]
    policy.write_text(BASE.replace(old, new))
    assert run() == data
    changes, rows = changes_of(data)
    assert (changes.counts, rows.keys()) == ({"text": 1}, {"hand/r0"})
    kept = {path.name: path.read_bytes() for path in data.iterdir() if path.is_file()}
    assert run() == data  # nothing changed
    assert kept == {path.name: path.read_bytes() for path in data.iterdir() if path.is_file()}
    (data / "data" / "train-00000.parquet").write_bytes(b"damaged")
    run()
    assert read_changes(data) is None
