"""Rows under the policy's prompt, and rows of several policies in one data set."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from safecot_dsl.artifact import CompiledPolicy, Verdict, VerdictPhrases
from safecot_dsl.artifact.policy import compute_digest
from safecot_dsl.dataset import DataRecipe, DatasetReport, GenerateError, Workers, generate, validate_rows
from safecot_dsl.dataset.formats import export_dataset
from safecot_dsl.dataset.incremental import read_changes
from safecot_dsl.dataset.store import open_dataset
from safecot_dsl.dataset.tracing import trace_row
from safecot_dsl.render import policy_prompt

from .kitchen import COMPLIED, HURT, REFUSED, WARNED, Writer

Other = Callable[..., CompiledPolicy]


@pytest.fixture
def other(policy: CompiledPolicy, tmp_path: Path) -> Other:
    """Writes a policy that differs in what it says of stored bleach, as `NAME.json`; the policy."""

    def write(name: str = "strict", verdict: Verdict = Verdict.REFUSE, header: str | None = None) -> CompiledPolicy:
        rules = tuple(
            rule.model_copy(update={"verdict": verdict}) if rule.name == "careful_storage" else rule
            for rule in policy.rules
        )
        head = policy.header.model_copy(update={"name": header or name})
        draft = policy.model_copy(update={"header": head, "rules": rules})
        made = draft.model_copy(update={"digest": compute_digest(draft)})
        (tmp_path / f"{name}.json").write_text(made.to_json())
        return made

    return write


def made(policy: CompiledPolicy, recipe: DataRecipe, folder: Path, **options: Any) -> DatasetReport:
    return generate(policy, recipe, folder, seed=3, base_dir=folder.parent, **options)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [row for file in open_dataset(folder).files for row in pq.read_table(file).to_pylist()]


def faults(folder: Path) -> list[str]:
    return [str(fault) for fault in validate_rows(folder)]


def test_the_policy_prompt_stands_in_the_system_turn_and_in_the_id(policy, source: Writer, tmp_path):
    recipe = source((COMPLIED, "It is a cup."), (REFUSED, None))
    made(policy, recipe, tmp_path / "plain")
    report = made(policy, recipe.model_copy(update={"policy_prompt": True}), tmp_path / "told")
    plain, told = rows_of(tmp_path / "plain"), rows_of(tmp_path / "told")
    assert [row["system"] for row in plain] == [None, None]
    assert [row["system"] for row in told] == [policy_prompt(policy)] * 2
    same = [name for name in plain[0] if name not in ("system", "id")]
    assert [[row[name] for name in same] for row in told] == [[row[name] for name in same] for row in plain]
    assert not {row["id"] for row in plain} & {row["id"] for row in told}
    (counted,) = report.policies
    assert (counted.name, counted.rows, counted.words) == ("kitchen", 2, len(policy_prompt(policy).split()))
    assert "## Policies in the system turn" in (tmp_path / "told" / "README.md").read_text()
    assert "system turn" not in (tmp_path / "plain" / "README.md").read_text()
    assert faults(tmp_path / "told") == faults(tmp_path / "plain") == []


def test_one_request_under_two_policies_is_two_rows_with_two_answers(policy, other: Other, source: Writer, tmp_path):
    """Stored bleach is a warning under one and refused under the other; what both say alike differs in the prompt."""
    strict = other()
    recipe = source(
        (COMPLIED, "It is a cup."),
        (WARNED, "Keep it dry."),
        (HURT, None),
        policy_prompt=True,
        policies=[{"policy": "strict.json"}],
        preferences=["unsafe", "over_refusal"],
    )
    report = made(policy, recipe, tmp_path / "out", policy_file=tmp_path / "kitchen.safecot")
    rows = rows_of(tmp_path / "out")
    found = {(row["source_id"], row["policy"]): row for row in rows}
    assert len(found) == len(rows) == len({row["id"] for row in rows}) == 6
    lax, firm = (found["r1", each.digest] for each in (policy, strict))
    assert (lax["prompt"], lax["images"], lax["seed"]) == (firm["prompt"], firm["images"], firm["seed"])
    assert (lax["verdict"], firm["verdict"]) == ("warn", "refuse")
    assert lax["answer"] == "Careful. Keep it dry."
    assert firm["answer"] in strict.verdict_phrases[Verdict.REFUSE].say
    assert (lax["system"], firm["system"]) == (policy_prompt(policy), policy_prompt(strict))
    assert found["r0", strict.digest]["completion"] == found["r0", policy.digest]["completion"]

    counts = {each.name: (each.digest, each.verdicts) for each in report.policies}
    assert counts == {
        "kitchen": (policy.digest, {"comply": 1, "refuse": 1, "warn": 1}),
        "strict": (strict.digest, {"comply": 1, "refuse": 2}),
    }
    assert {rule.name: rule.deciding for rule in report.rules}["careful_storage"] == 1  # the other's are not counted in
    assert report.verdicts == {"comply": 2, "refuse": 3, "warn": 1}

    dataset = open_dataset(tmp_path / "out")
    assert [record["under"] for record in dataset.provenance()] == ["", "", "", "strict", "strict", "strict"]
    trace = trace_row(dataset, "strict:hand/r1")
    assert (trace.id, trace.policy_name, trace.current) == (firm["id"], "strict", True)
    assert trace_row(dataset, "hand/r1").policy_name == "kitchen"
    assert {(pair["kind"], pair["policy"], pair["system"]) for pair in dataset.preferences()} == {
        ("over_refusal", policy.digest, lax["system"]),
        ("over_refusal", strict.digest, firm["system"]),
        ("unsafe", policy.digest, lax["system"]),
        ("unsafe", strict.digest, firm["system"]),
    }
    assert [dataset.present(row["policy"]) for row in rows] == [policy] * 3 + [strict] * 3
    assert faults(tmp_path / "out") == []
    export_dataset(dataset, "trl-sft", tmp_path / "trl")
    turns = pq.read_table(tmp_path / "trl" / "data" / "train-00000.parquet").column("prompt").to_pylist()
    assert {turn[0]["content"] for turn in turns} == {lax["system"], firm["system"]}


def test_only_requests_that_are_decided_otherwise(policy, other: Other, source: Writer, tmp_path):
    other()
    entry = {"policy": "strict.json", "name": "firm", "differing": True}
    recipe = source((COMPLIED, "A cup."), (WARNED, "Dry."), (HURT, None), policy_prompt=True, policies=[entry])
    report = made(policy, recipe, tmp_path / "out")
    assert {each.name: each.verdicts for each in report.policies}["firm"] == {"refuse": 1}
    assert (tmp_path / "out" / "policies" / "firm.json").is_file()


def test_a_share_is_drawn_by_the_request_alone(policy, other: Other, source: Writer, tmp_path):
    """Twice the same, whichever other policies there are; of 60 requests about a half."""
    other(), other("mild", Verdict.REDIRECT)

    def drawn(*entries: dict[str, Any]) -> set[str]:
        folder = tmp_path / f"out{len(list(tmp_path.glob('out*')))}"
        recipe = source(*[(REFUSED, None)] * 60, policy_prompt=True, policies=entries)
        made(policy, recipe, folder)
        return {record["key"] for record in open_dataset(folder).provenance() if record["under"] == "strict"}

    half = {"policy": "strict.json", "share": 0.5}
    alone, beside = drawn(half), drawn({"policy": "mild.json"}, half)
    assert alone == beside
    assert 15 < len(alone) < 45


def test_a_request_that_stands_twice_is_left_out_under_each_policy(policy, other: Other, source: Writer, tmp_path):
    other()
    twice = {"prompt": "The same?", "facts": HURT, "answer": None, "images": []}
    recipe = source(twice, twice, policy_prompt=True, policies=[{"policy": "strict.json"}])
    report = made(policy, recipe, tmp_path / "out")
    assert (report.rows, report.left_out_count("duplicate")) == (2, 2)


def test_what_another_policy_cannot_make_a_row_of_is_counted_with_its_name(
    policy, other: Other, source: Writer, tmp_path
):
    """It complies where the recipe's own refuses, and there is no answer."""
    other("open", Verdict.COMPLY)
    strict = policy.model_copy(
        update={
            "rules": tuple(
                rule.model_copy(update={"verdict": Verdict.REFUSE}) if rule.name == "careful_storage" else rule
                for rule in policy.rules
            )
        }
    )
    recipe = source((WARNED, None), (HURT, None), policy_prompt=True, policies=[{"policy": "open.json"}])
    report = made(strict.model_copy(update={"digest": compute_digest(strict)}), recipe, tmp_path / "out")
    (reason,) = report.left_out
    assert (reason.reason, reason.count) == ("no_answer", 1)
    assert reason.examples == ("under `open`: hand/r0: `comply`, and no answer",)
    with pytest.raises(GenerateError, match=r"under `open`: .* `strict: true`"):
        made(strict, recipe.model_copy(update={"strict": True}), tmp_path / "never")


def test_a_data_set_that_is_made_again_keeps_no_policy_of_its_own_as_an_older_one(
    policy, other: Other, source: Writer, tmp_path
):
    strict = other()
    recipe = source((COMPLIED, "A cup."), (WARNED, "Dry."), policy_prompt=True, policies=[{"policy": "strict.json"}])
    made(policy, recipe, tmp_path / "one")
    made(policy, recipe, tmp_path / "two", previous=tmp_path / "one")
    assert sorted(path.name for path in (tmp_path / "two" / "policies").glob("*.json")) == ["strict.json"]
    changes = read_changes(tmp_path / "two")
    assert changes is not None
    assert (changes.same, changes.changed) == (4, 0)
    assert open_dataset(tmp_path / "two").current == {policy.digest, strict.digest}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"policies": [{"policy": "strict.json"}]}, "add `policy_prompt: true`"),
        ({"policy_prompt": True, "order": "answer_first"}, "rows of `order: answer_first` teach otherwise"),
        ({"policy_prompt": True, "policies": [{"policy": "a.json", "share": 0}]}, "greater than 0"),
        ({"policy_prompt": True, "policies": [{"policy": "a.json", "name": "../a"}]}, "match pattern"),
    ],
)
def test_a_recipe_that_contradicts_itself(source: Writer, given: dict[str, Any], said: str):
    with pytest.raises(ValidationError, match=said):
        source((COMPLIED, "A cup."), **given)


def test_policies_that_cannot_stand_beside_each_other(policy, other: Other, source: Writer, tmp_path):
    other("twin", header="kitchen")
    (tmp_path / "same.json").write_text(policy.to_json())

    def fault(*entries: dict[str, Any]) -> str:
        with pytest.raises(GenerateError) as raised:
            made(policy, source((COMPLIED, "A cup."), policy_prompt=True, policies=entries), tmp_path / "out")
        return str(raised.value)

    assert fault({"policy": "twin.json"}) == (
        "`data.policies.0`: the policy is called `kitchen`, as is the recipe's own: give it a `name`"
    )
    twin = {"policy": "twin.json", "name": "twin"}
    assert fault(twin, {"policy": "same.json", "name": "b"}) == (
        "`data.policies.1`: `same.json` says the same as the recipe's own: leave it out"
    )
    foreign = policy.model_copy(
        update={"facts": (policy.facts[0].model_copy(update={"name": "image.else"}),), "rules": ()}
    )
    foreign = foreign.model_copy(update={"digest": compute_digest(foreign)})
    (tmp_path / "foreign.json").write_text(foreign.to_json())
    assert "declares no fact that `kitchen` does" in fault({"policy": "foreign.json", "name": "foreign"})


@pytest.mark.long
def test_several_processes_make_the_same_bytes(policy, other: Other, source: Writer, tmp_path):
    other()
    recipe = source(
        *[(COMPLIED, "A cup."), (WARNED, "Dry."), (HURT, None)] * 5,
        policy_prompt=True,
        policies=[{"policy": "strict.json"}],
        rows=8,
    )
    made(policy, recipe, tmp_path / "one")
    made(policy, recipe, tmp_path / "two", workers=Workers(processes=2))
    digests = [json.loads((tmp_path / name / "report.json").read_text())["files"] for name in ("one", "two")]
    assert digests[0] == digests[1]


def test_a_row_that_says_the_same_under_a_new_version_stays_with_the_old_one(
    policy, other: Other, source: Writer, tmp_path
):
    """The other policy asks in other words, and nothing changes that its rows or its prompt say."""
    before = other()
    recipe = source((COMPLIED, "A cup."), policy_prompt=True, policies=[{"policy": "strict.json"}])
    made(policy, recipe, tmp_path / "one")
    asks = VerdictPhrases(decide=("I have to ask.",), say=("What is it?",))
    draft = before.model_copy(update={"verdict_phrases": before.verdict_phrases | {Verdict.CLARIFY: asks}})
    after = draft.model_copy(update={"digest": compute_digest(draft)})
    assert after.digest != before.digest
    (tmp_path / "strict.json").write_text(after.to_json())
    made(policy, recipe, tmp_path / "two", previous=tmp_path / "one")
    dataset = open_dataset(tmp_path / "two")
    assert [row["policy"] for row in dataset.rows(("policy",))] == [policy.digest, before.digest]
    assert dataset.current == {policy.digest, after.digest}
    assert dataset.present(before.digest) == after
    assert dataset.present("sha256:another") is None
    assert not trace_row(dataset, "strict:hand/r0").current
