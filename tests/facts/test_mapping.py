"""Columns become facts as the recipe says, and what does not fit the policy is an error that says what is allowed."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from safecot_dsl.artifact import Case, CompiledPolicy
from safecot_dsl.facts import FactMapping, FactsError, case_of, check_mapping, without_image


def mapping(data: dict[str, Any]) -> FactMapping:
    return TypeAdapter(FactMapping).validate_python(data)


def test_constant_column_and_map(policy: CompiledPolicy) -> None:
    facts = mapping(
        {
            "query.act": {"value": "complete"},
            "image.topic": {"column": "label", "map": {"Fraud": "fraud"}},
            "image.text": {"column": "text"},
            "context.minor": {"column": "young", "map": {True: True, False: False}},
        }
    )
    row = {"label": "Fraud", "text": "Win now", "young": True}
    assert case_of(policy, facts, row, has_image=True, where="row 1") == Case(
        {"query.act": "complete", "image.topic": "fraud", "image.text": "Win now", "context.minor": True}
    )


def test_an_absent_column_is_not_annotated_unless_the_recipe_says_what_it_means(policy: CompiledPolicy) -> None:
    plain = mapping({"image.topic": {"column": "label", "map": {"Fraud": "fraud"}}})
    assert case_of(policy, plain, {}, has_image=True, where="row") == Case({})
    told = mapping({"image.topic": {"column": "label", "map": {"Fraud": "fraud"}, "absent": "harmless"}})
    assert case_of(policy, told, {"label": None}, has_image=True, where="row") == Case({"image.topic": "harmless"})


def test_a_label_can_mean_that_nobody_could_tell(policy: CompiledPolicy) -> None:
    facts = mapping({"image.topic": {"column": "label", "map": {"?": {"unknown": True}}}})
    case = case_of(policy, facts, {"label": "?"}, has_image=True, where="row")
    assert case == Case({}, frozenset({"image.topic"}))


def test_labels_of_a_set(policy: CompiledPolicy) -> None:
    """A single label is a set of one, a list is mapped member by member, an empty list is the empty set."""
    facts = mapping({"image.objects": {"column": "seen", "map": {"B": "bleach", "BK": ["bleach", "knife"]}}})
    for raw, expected in (("B", {"bleach"}), (["B", "BK"], {"bleach", "knife"}), ([], set[str]())):
        case = case_of(policy, facts, {"seen": raw}, has_image=True, where="row")
        assert case == Case({"image.objects": frozenset(expected)})


def test_without_an_image_sets_and_texts_are_empty_and_the_rest_unknown(policy: CompiledPolicy) -> None:
    facts = mapping(
        {
            "image.topic": {"value": "fraud"},
            "image.text": {"value": "text"},
            "image.clarity": {"value": {"unknown": True}},
            "query.act": {"value": "complete"},
        }
    )
    expected = Case({"image.text": "", "image.objects": frozenset(), "query.act": "complete"})
    assert case_of(policy, facts, {}, has_image=False, where="row") == expected
    told = Case({"image.topic": "fraud", "query.act": "complete"}, frozenset({"image.clarity", "context.minor"}))
    assert without_image(policy, told) == Case(
        {"image.text": "", "image.objects": frozenset(), "query.act": "complete"}, frozenset({"context.minor"})
    )


def test_a_label_without_an_entry_names_the_row_and_the_entries(policy: CompiledPolicy) -> None:
    facts = mapping({"image.topic": {"column": "label", "map": {"Fraud": "fraud", "Code": "malware"}}})
    with pytest.raises(FactsError, match=r"row 7: .*`image\.topic`.*'Spam'.*`label`.*'Fraud', 'Code'"):
        case_of(policy, facts, {"label": "Spam"}, has_image=True, where="row 7")


def test_a_value_outside_the_domain_names_the_row_and_what_is_allowed(policy: CompiledPolicy) -> None:
    facts = mapping({"image.topic": {"column": "label"}})
    with pytest.raises(FactsError, match=r"row 7: `image\.topic`: `Spam` is no value of the fact: one of harmless,"):
        case_of(policy, facts, {"label": "Spam"}, has_image=True, where="row 7")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"image.topik": {"value": "fraud"}}, r"no fact `image\.topik`; did you mean `image\.topic`\?"),
        ({"image.topic": {"value": "spam"}}, r"'spam' is not one of harmless, fraud, malware"),
        ({"image.topic": {"column": "label", "map": {"a": "spam"}}}, "'spam' is not one of"),
        ({"image.topic": {"column": "label", "absent": "spam"}}, "'spam' is not one of"),
        ({"image.topic": {"column": "lable"}}, r"column `lable`, which the source does not have \(it has label\)"),
        ({"image.clarity": {"value": 1.5}}, "a number from 0 to 1"),
    ],
)
def test_a_mapping_is_checked_before_any_row_is_read(
    policy: CompiledPolicy, data: dict[str, Any], message: str
) -> None:
    with pytest.raises(FactsError, match=message):
        check_mapping(policy, mapping(data), ("label",), where="source")


def test_an_unknown_key_of_a_mapping_is_an_error() -> None:
    with pytest.raises(ValueError, match="colum"):
        mapping({"image.topic": {"colum": "label"}})
