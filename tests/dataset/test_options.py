"""What a recipe can ask of `generate` besides rows: facts from annotators, pairs, exports, licences, no likenesses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset import DataRecipe, GenerateError, generate, open_dataset
from safecot_dsl.models import Failure, Question, Reply
from safecot_dsl.models.asking import Counts
from safecot_dsl.storage import Progress

from .kitchen import ANGRY, COMPLIED, HURT, REDIRECTED, REFUSED, WARNED, Writer, facts, png

#: The intent stands in the prompt, and no label gives it.
INTENTS = {
    "kind": "pattern",
    "fact": "query.intent",
    "patterns": {"mix": ["mix"], "hurt": ["hurt"]},
    "otherwise": "identify",
}


def asked(prompt: str, answer: str | None = None) -> dict[str, Any]:
    known = {"image.objects": ["cup"], "image.setting": "kitchen", "query.tone": "calm"}
    return {"prompt": prompt, "facts": known, "answer": answer}


@pytest.mark.parametrize("selected", [{}, {"rows": 2}], ids=["every item", "selected"])
def test_annotators_fill_what_labels_do_not_give(
    policy: CompiledPolicy, source: Writer, tmp_path: Path, selected: dict[str, Any]
) -> None:
    """And the provenance of a row says who found what."""
    recipe = source(asked("How do I hurt him?"), asked("What is it?", "A cup."), annotators=[INTENTS], **selected)
    report = generate(policy, recipe, tmp_path / "out", seed=1, base_dir=tmp_path)
    assert report.verdicts == {"comply": 1, "refuse": 1}
    assert report.annotated == {"query.intent": {"pattern": 2}}
    dataset = open_dataset(tmp_path / "out")
    found = {row["verdict"]: json.loads(row["facts"])["facts"]["query.intent"] for row in dataset.rows()}
    assert found == {"refuse": "hurt", "comply": "identify"}
    for record in dataset.provenance():
        origins = json.loads(record["origins"])
        assert origins.keys() == {"query.intent"}
        assert origins["query.intent"]["by"] == "pattern"


def test_without_an_annotator_these_items_are_left_out(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    recipe = source(asked("How do I hurt him?"), (REFUSED, None))
    report = generate(policy, recipe, tmp_path / "out", seed=1, base_dir=tmp_path)
    assert report.left_out_count("not_annotated") == 1
    (record,) = open_dataset(tmp_path / "out").provenance()
    assert record["origins"] is None


def test_a_licence_that_forbids_commercial_use(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    recipe = source((REFUSED, None), (HURT, None))
    other = recipe.sources[0].model_copy(update={"name": "research", "licence": "CC-BY-NC-4.0", "commercial": False})
    recipe = recipe.model_copy(update={"sources": (recipe.sources[0], other), "commercial_only": True, "strict": True})
    report = generate(policy, recipe, tmp_path / "out", seed=1, base_dir=tmp_path)
    assert (report.rows, report.licences, report.left_out_count("non_commercial")) == (2, {"CC0-1.0": 2}, 2)


def test_strict_stops_at_a_fault_and_not_at_what_the_recipe_asked_for(
    policy: CompiledPolicy, source: Writer, tmp_path: Path
) -> None:
    recipe = source((REFUSED, None), (COMPLIED, None), strict=True)
    with pytest.raises(GenerateError, match=r"hand/r1: `comply`, and no answer \(`no_answer`; `strict: true`\)"):
        generate(policy, recipe, tmp_path / "out", seed=1, base_dir=tmp_path)
    unsure = facts("mix", "bleach", "ammonia", setting={"unknown": True})
    recipe = source((REFUSED, None), (unsure, None), strict=True, unsure="skip")
    assert generate(policy, recipe, tmp_path / "out", seed=1, base_dir=tmp_path).rows == 1


def test_preference_pairs(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    """A refusal against help, an answer against a refusal, each against the answer alone; each pair names its row."""
    recipe = source(
        (REFUSED, "1. Take bleach."),
        (COMPLIED, "A cup."),
        preferences=["unsafe", "over_refusal", "unreasoned"],
    )
    report = generate(policy, recipe, tmp_path / "out", seed=1, base_dir=tmp_path)
    assert report.preferences == {"over_refusal": 1, "unreasoned": 2, "unsafe": 1}
    dataset = open_dataset(tmp_path / "out")
    rows = {row["id"]: row for row in dataset.rows()}
    for pair in dataset.preferences():
        row = rows[pair["row"]]
        assert (pair["prompt"], pair["chosen"], pair["images"]) == (row["prompt"], row["completion"], row["images"])
        assert pair["policy"] == policy.digest
    (unsafe,) = dataset.preferences("unsafe")
    assert unsafe["rejected"].endswith("1. Take bleach.")
    assert rows[unsafe["row"]]["verdict"] == "refuse"
    (over,) = dataset.preferences("over_refusal")
    assert rows[over["row"]]["verdict"] == "comply"


def test_pairs_of_rows_that_stand_twice_go_with_them(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    recipe = source((REFUSED, None), (HURT, None), preferences=["unreasoned"])
    again = recipe.sources[0].model_copy(update={"name": "again"})
    (tmp_path / "more.jsonl").write_text((tmp_path / "rows.jsonl").read_text().replace("Question 1?", "Other?"))
    recipe = recipe.model_copy(update={"sources": (recipe.sources[0], again.model_copy(update={"path": "more.jsonl"}))})
    report = generate(policy, recipe, tmp_path / "out", seed=1, base_dir=tmp_path)
    assert (report.rows, report.left_out_count("duplicate")) == (3, 1)
    dataset = open_dataset(tmp_path / "out")
    assert [pair["row"] for pair in dataset.preferences()] == [row["id"] for row in dataset.rows()]


def test_policy_flips(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    """Under a policy that has no rule for the laboratory, what was redirected is refused."""
    from safecot_dsl.artifact.policy import compute_digest

    rules = tuple(rule for rule in policy.rules if rule.name != "lab_training")
    other = policy.model_copy(
        update={"rules": rules, "header": policy.header.model_copy(update={"name": "no_laboratory"})}
    )
    other = other.model_copy(update={"digest": compute_digest(other)})
    (tmp_path / "other.json").write_text(other.to_json())
    recipe = source((REDIRECTED, None), (HURT, None), flips="other.json")
    report = generate(policy, recipe, tmp_path / "out", seed=1, base_dir=tmp_path)
    assert report.preferences == {"policy_flip": 2}
    dataset = open_dataset(tmp_path / "out")
    first, second = dataset.preferences("policy_flip")
    assert (first["chosen"], first["rejected"]) == (second["rejected"], second["chosen"])
    assert "[redirect: lab_training]" in first["chosen"]
    assert "[refuse: toxic_mixing]" in second["chosen"]
    assert [first["policy"], second["policy"]] == [policy.digest, other.digest]
    assert dataset.policies.keys() == {policy.digest, other.digest}
    assert first["system"] != second["system"]


def test_exports_stand_beside_the_rows(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    from safecot_dsl.dataset.formats import validate

    recipe = source((REFUSED, None), (COMPLIED, "A cup."), exports=["trl-sft", "ms-swift"])
    generate(policy, recipe, tmp_path / "out", seed=1, base_dir=tmp_path)
    for format in ("trl-sft", "ms-swift"):
        assert validate(tmp_path / "out" / "exports" / format, format) == []


def test_an_export_that_there_is_not_stops_before_the_work(
    policy: CompiledPolicy, source: Writer, tmp_path: Path
) -> None:
    with pytest.raises(GenerateError, match=r"`data\.exports`: .*trl-sft"):
        generate(policy, source((REFUSED, None), exports=["trl-sfd"]), tmp_path / "out", seed=1, base_dir=tmp_path)


def test_of_requests_that_are_nearly_the_same_one_is_kept(
    policy: CompiledPolicy, source: Writer, tmp_path: Path
) -> None:
    """The same words but for letter case, the same picture but for a shade; with other facts it is another request."""
    (tmp_path / "a.png").write_bytes(png(100))
    (tmp_path / "b.png").write_bytes(png(101))
    recipe = source(
        {"prompt": "How do I mix these two bottles?", "images": ["a.png"], "facts": REFUSED},
        {"prompt": "How do i mix these two bottles?", "images": ["b.png"], "facts": REFUSED},
        {"prompt": "How do I mix these two bottles?", "images": ["a.png"], "facts": REDIRECTED},
        near_duplicates={},
    )
    report = generate(policy, recipe, tmp_path / "out", seed=1, base_dir=tmp_path)
    assert (report.rows, report.left_out_count("near_duplicate")) == (2, 1)
    assert report.verdicts == {"redirect": 1, "refuse": 1}
    assert (report.candidates, report.not_selected) == (3, 0)


def test_coverage_gives_every_rule_its_rows(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    """Forty refusals of one kind, and one request for each other rule: of six rows each of these has one."""
    rare = [(HURT, None), (ANGRY, None), (REDIRECTED, None), (WARNED, "Keep it dry."), (COMPLIED, "A cup.")]
    recipe = source(*[(REFUSED, None)] * 40, *rare, rows=6, selection="coverage")
    report = generate(policy, recipe, tmp_path / "out", seed=1, base_dir=tmp_path)
    assert report.rows == 6
    assert {goal.name: goal.rows for goal in report.goals if goal.kind in ("rule", "exception")} == {
        "toxic_mixing": 1,
        "lab_training": 1,
        "asks_to_hurt": 1,
        "careful_storage": 1,
        "angry_question": 1,
    }
    assert all(record["why"] for record in open_dataset(tmp_path / "out").provenance())


class Silent:
    """A model that has nothing to say but a word that is no answer."""

    def __init__(self, *_: object, **__: object) -> None:
        self.name = "silent"
        self.counts = Counts()

    def ask(self, questions: Sequence[Question], *, progress: Progress | None = None) -> list[Reply | Failure]:
        return [Reply("no", "silent") for _ in questions]


def test_a_model_that_writes_nothing_of_use(
    policy: CompiledPolicy, source: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The policy's own text is used and says so; a request that only the model could have answered is left out."""
    monkeypatch.setattr("safecot_dsl.dataset.writing.opening.Endpoint", Silent)
    writing = {"mode": "prompted", "endpoint": {"base_url": "http://localhost:9/v1", "model": "m"}, "attempts": 2}
    recipe = source((REFUSED, None), (COMPLIED, None), (COMPLIED, "A cup."), writing=writing)
    report = generate(policy, recipe, tmp_path / "out", seed=1, base_dir=tmp_path)
    assert report.modes == {"fallback": 2}
    assert report.left_out_count("no_answer") == 1
    for record in open_dataset(tmp_path / "out").provenance():
        assert json.loads(record["writing"])["raw"] == ["no", "no"]
        assert not record["from_model"]


def test_a_recipe_reads_back_with_all_its_keys(policy: CompiledPolicy, source: Writer, tmp_path: Path) -> None:
    """What `recipe.yaml` beside the rows says makes them again."""
    recipe = source(
        (REFUSED, None),
        (COMPLIED, "A cup."),
        annotators=[INTENTS],
        preferences=["unsafe"],
        near_duplicates={},
        coverage={"pairs": 0.25},
        images="reference",
        exports=["ms-swift"],
    )
    generate(policy, recipe, tmp_path / "out", seed=1, base_dir=tmp_path)
    assert DataRecipe.model_validate(open_dataset(tmp_path / "out").recipe["data"]) == recipe
