"""Patterns over texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.facts.annotators import Pattern, open_annotators

from .parts import item, picture


def found(policy: CompiledPolicy, prompt: str, **settings: Any):
    """The value, and whether it cannot be told."""
    unsure = {"unsure": "cannot_tell", **settings}
    annotators = open_annotators([Pattern.model_validate(unsure)], policy, base_dir=Path())
    (one,) = annotators.annotate([item(prompt, images=[picture()], facts=settings.get("facts"))])
    name = settings["fact"]
    return one.case.known.get(name), name in one.case.cannot_tell


ACT = {"fact": "query.act", "patterns": {"complete": ["fill in"], "transcribe": ["copy", r"read .* out"]}}


def test_any_pattern_of_a_value_finds_it(policy: CompiledPolicy):
    assert found(policy, "Please READ it out", **ACT) == ("transcribe", False)
    assert found(policy, "Please READ it out", **ACT, ignore_case=False) == (None, True)


def test_where_none_is_found_the_value_is_the_one_for_that(policy: CompiledPolicy):
    assert found(policy, "Hum a tune", **ACT) == (None, True)
    assert found(policy, "Hum a tune", **ACT, otherwise="other") == ("other", False)


def test_two_values_are_no_value_unless_the_first_is_to_count(policy: CompiledPolicy):
    assert found(policy, "copy and fill in", **ACT) == (None, True)
    assert found(policy, "copy and fill in", **ACT, several="first") == ("complete", False)


def test_a_set_has_all_that_are_found_and_is_empty_only_where_the_recipe_says_so(policy: CompiledPolicy):
    objects = {"fact": "image.objects", "patterns": {"bleach": ["bleach"], "knife": ["knife", "blade"]}}
    assert found(policy, "a blade and bleach", **objects) == (frozenset({"bleach", "knife"}), False)
    assert found(policy, "a spoon", **objects) == (None, True)
    assert found(policy, "a spoon", **objects, otherwise=[]) == (frozenset(), False)


def test_a_flag_is_written_as_yaml_writes_it(policy: CompiledPolicy):
    """`{true: [...], false: [...]}`, which YAML gives as truth values."""
    minor = {"fact": "context.minor", "patterns": {True: [r"\bI am (?:\d|1[0-7])\b"], False: ["I am an adult"]}}
    assert found(policy, "I am 12", **minor) == (True, False)
    assert found(policy, "I am an adult", **minor) == (False, False)


@pytest.mark.parametrize("text", ["\ud800 copy", "copy\0", "copy " * 20_000])
def test_hostile_texts_are_searched_like_any_other(policy: CompiledPolicy, text: str):
    """A lone surrogate, a NUL, a long text."""
    assert found(policy, text, **ACT) == ("transcribe", False)


def test_a_pattern_that_would_never_end_elsewhere_ends(policy: CompiledPolicy):
    """RE2 takes linear time."""
    evil = {"fact": "query.act", "patterns": {"complete": ["(a+)+$"]}}
    assert found(policy, "a" * 5_000 + "b", **evil) == (None, True)


def test_a_text_fact_that_is_not_known_passes_its_reason_on(policy: CompiledPolicy):
    settings = Pattern(fact="image.topic", reads="image.text", patterns={"fraud": ("bank",)})
    annotators = open_annotators([settings], policy, base_dir=Path())
    unseen, in_vain, seen = annotators.annotate(
        [
            item(id="a", images=[picture()]),
            item(id="b", images=[picture()], cannot_tell=["image.text"]),
            item(id="c", images=[picture()], facts={"image.text": "Your BANK writes"}),
        ]
    )
    assert unseen.case.known == {}
    assert unseen.case.cannot_tell == set()
    assert in_vain.case.cannot_tell == {"image.text", "image.topic"}
    assert seen.case.known["image.topic"] == "fraud"
