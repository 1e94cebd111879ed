"""Reading cases: what is well typed, and what is said of the rest."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import cases, examples, policies

from safecot_dsl.artifact import UNKNOWN, Case, CaseError, CompiledPolicy, Unknown, read_case

PolicyFrom = Callable[..., CompiledPolicy]

TEXT = """
taxonomy kinds { animal { dog } plant }
facts image { safe : flag  colour : one of { red, blue }  kind : one of kinds  objects : set of { knife, toy } }
facts query { harm : score  age : number -2 .. 120.5  big : number 0 .. 9007199254740992 }
facts context { said : text }
default comply
unsure clarify
"""


@pytest.fixture
def policy(policy_from: PolicyFrom) -> CompiledPolicy:
    return policy_from(TEXT)


@pytest.mark.parametrize(
    ("fact", "raw", "value"),
    [
        ("image.safe", True, True),
        ("image.safe", False, False),
        ("image.colour", "red", "red"),
        ("image.kind", "animal", "animal"),  # an inner node is a value
        ("image.objects", [], frozenset()),
        ("image.objects", ["toy", "knife", "toy"], frozenset({"knife", "toy"})),  # duplicates merge
        ("query.harm", 0, 0.0),
        ("query.harm", 1, 1.0),
        ("query.harm", 0.5, 0.5),
        ("query.harm", 5e-324, 5e-324),
        ("query.age", -2, -2.0),
        ("query.age", 120.5, 120.5),
        # 2**53 + 1 lies between two doubles and its nearest (ties to even) is 2**53, the end of the range.
        ("query.big", 2**53 + 1, 2.0**53),
        ("context.said", "", ""),
        ("context.said", "\ud800\x00", "\ud800\x00"),
    ],
)
def test_values(policy: CompiledPolicy, fact: str, raw: object, value: object) -> None:
    read = read_case(policy, {"facts": {fact: raw}})
    assert read.known == {fact: value}
    assert type(read.known[fact]) is type(value)
    assert read.cannot_tell == frozenset()


@pytest.mark.parametrize(
    ("fact", "raw"),
    [
        *[("image.safe", raw) for raw in (0, 1, "yes", "true", "", [], 1.0)],
        *[("image.colour", raw) for raw in ("green", "Red", "", "red ", True, 0, ["red"], [])],
        *[("image.kind", raw) for raw in ("kinds", "cat", "kinds.dog")],
        *[("image.objects", raw) for raw in ("knife", ["gun"], [["knife"]], [None], [True], [{}], True, 0, "")],
        *[("query.harm", raw) for raw in (True, False, "0.5", [], [0.5], -0.1, 1.1, -5e-324, 10**400, -(10**400))],
        *[("query.harm", raw) for raw in (math.nan, math.inf, -math.inf, math.nextafter(1, 2))],
        *[("query.age", raw) for raw in (-2.1, 121, math.nan)],
        ("query.big", 2**53 + 2),
        *[("context.said", raw) for raw in (0, True, [], ["text"], 1.5)],
        # An object is `{"unknown": true}` and nothing else.
        *[
            ("image.safe", raw)
            for raw in ({}, {"unknown": False}, {"unknown": None}, {"unknown": True, "x": 1}, {"value": True})
        ],
        *[("image.safe", {"unknown": raw}) for raw in (1, 1.0, "true", [True])],
    ],
)
def test_ill_typed_values(policy: CompiledPolicy, fact: str, raw: object) -> None:
    with pytest.raises(CaseError, match=fact):
        read_case(policy, {"facts": {fact: raw}})


@pytest.mark.parametrize("fact", ["image.safe", "image.colour", "image.objects", "query.harm", "context.said"])
def test_a_whole_number_too_long_to_print(policy: CompiledPolicy, fact: str) -> None:
    """Python refuses to write out more than 4300 digits, and so must not be asked to in the message."""
    with pytest.raises(CaseError, match=fact):
        read_case(policy, {"facts": {fact: 10**5000}})


@pytest.mark.parametrize("name", ["image.saef", "safe", "image", "", "query.safe", "image.safe "])
@pytest.mark.parametrize("raw", [True, None, {"unknown": True}])
def test_undeclared_facts(policy: CompiledPolicy, name: str, raw: object) -> None:
    with pytest.raises(CaseError, match="declares no fact"):
        read_case(policy, {"facts": {name: raw}})


@pytest.mark.parametrize(
    "data", [None, [], "x", 1, {}, {"facts": None}, {"facts": []}, {"fact": {}}, {"facts": {}, "context": {}}]
)
def test_what_is_no_case(policy: CompiledPolicy, data: object) -> None:
    with pytest.raises(CaseError):
        read_case(policy, data)


def test_an_id_may_stand_beside_the_facts(policy: CompiledPolicy) -> None:
    assert read_case(policy, {"id": 7, "facts": {}}) == Case({})


def test_the_two_kinds_of_unknown(policy: CompiledPolicy) -> None:
    read = read_case(policy, {"facts": {"image.safe": None, "image.colour": {"unknown": True}}})
    assert read.known == {}
    assert read.cannot_tell == frozenset({"image.colour"})
    assert read != read_case(policy, {"facts": {}})
    assert read_case(policy, {"facts": {"image.safe": None}}) == read_case(policy, {"facts": {}})


def test_changing_one_fact() -> None:
    case = Case({"a": True}, frozenset({"b"}))
    assert case.with_fact("b", False) == Case({"a": True, "b": False})
    assert case.with_fact("a", UNKNOWN) == Case({}, frozenset({"a", "b"}))
    assert case.with_fact("a", None) == Case({}, frozenset({"b"}))
    assert case.with_fact("c", "x") == Case({"a": True, "c": "x"}, frozenset({"b"}))
    assert case == Case({"a": True}, frozenset({"b"}))
    assert hash(case) == hash(Case({"a": True}, frozenset({"b"})))


def test_a_case_does_not_change_with_the_mapping_it_was_made_of() -> None:
    known: dict[str, Any] = {"a": True}
    case = Case(known)
    known["a"] = False
    assert case.known == {"a": True}
    with pytest.raises(TypeError):
        case.known["a"] = False  # type: ignore[index]


def test_unknown_is_one_value() -> None:
    assert Unknown() is UNKNOWN
    assert repr(UNKNOWN) == "UNKNOWN"


def test_json_form_is_sorted(policy: CompiledPolicy) -> None:
    case = Case({"query.harm": 0.5, "image.objects": frozenset({"toy", "knife"})}, frozenset({"image.colour"}))
    assert json.dumps(case.to_json()) == (
        '{"facts": {"image.colour": {"unknown": true}, "image.objects": ["knife", "toy"], "query.harm": 0.5}}'
    )


@examples(200)
@given(st.data())
def test_a_case_comes_back_from_its_json(data: st.DataObject) -> None:
    policy = data.draw(policies(max_rules=1))
    case = data.draw(cases(policy, hostile=True))
    assert read_case(policy, json.loads(json.dumps(case.to_json()))) == case


def test_all_faults_of_a_case_are_said_with_what_was_meant(policy: CompiledPolicy) -> None:
    facts = {
        "image.safe": "yes",
        "image.colour": "rad",
        "image.objects": ["knife", "tay"],
        "query.ham": 0.5,
        "query.harm": 2,
        "said": "x",
    }
    with pytest.raises(CaseError) as failed:
        read_case(policy, {"facts": facts, "more": 1})
    assert failed.value.faults == (
        "unknown key `more` in a case",
        "`image.safe`: 'yes' is not true or false (write true without quotes)",
        "`image.colour`: 'rad' is not one of red, blue (did you mean `red`?)",
        "`image.objects`: ['knife', 'tay'] is not a list of knife, toy (did you mean `toy`?)",
        "the policy declares no fact `query.ham` (did you mean `query.harm`?)",
        "`query.harm`: 2 is not a number from 0 to 1",
        "the policy declares no fact `said` (did you mean `context.said`?)",
    )
    assert str(failed.value) == "; ".join(failed.value.faults)


@pytest.mark.parametrize(
    ("fact", "raw", "right"),
    [
        ("image.safe", "Yes", True),
        ("image.safe", "false", False),
        ("image.safe", 0, False),
        ("query.harm", "0.5", 0.5),
        ("query.age", " -2 ", -2),
        ("image.objects", "toy", ["toy"]),
        ("image.objects", "a red toy", ["toy"]),
        ("image.colour", ["red"], "red"),
        ("image.colour", "As blue as the sky", "blue"),
    ],
)
def test_the_right_form_is_shown_and_is_read(policy_from: PolicyFrom, fact: str, raw: object, right: object) -> None:
    text = TEXT.replace("toy }", 'toy "a red toy" }').replace("blue }", 'blue "as blue as the sky" }')
    policy = policy_from(text)
    with pytest.raises(CaseError) as failed:
        read_case(policy, {"facts": {fact: raw}})
    shown = re.search(r"\(write (.*?)( without quotes)?\)$", str(failed.value))
    assert shown is not None, failed.value
    assert json.loads(shown[1]) == right
    assert read_case(policy, {"facts": {fact: right}}).known


@pytest.mark.parametrize(
    ("fact", "raw"),
    [
        ("image.safe", "maybe"),
        ("image.safe", 2),
        ("image.safe", 1.0),
        ("query.harm", "1.5"),
        ("query.harm", "high"),
        ("query.harm", "9" * 5_000),
        ("query.harm", True),
        ("image.objects", "spoon"),
        ("image.colour", []),
        ("image.colour", ["red", "blue"]),
        ("image.colour", [["red"]]),
        ("context.said", 3),
    ],
)
def test_where_nobody_can_know_no_form_is_shown(policy: CompiledPolicy, fact: str, raw: object) -> None:
    with pytest.raises(CaseError) as failed:
        read_case(policy, {"facts": {fact: raw}})
    assert "write" not in str(failed.value)


def test_a_case_of_nothing_but_faults_says_so_and_stops(policy: CompiledPolicy) -> None:
    with pytest.raises(CaseError) as failed:
        read_case(policy, {"facts": {f"image.x{n}": True for n in range(10_000)}})
    assert len(failed.value.faults) == 21
    assert failed.value.faults[-1] == "and more"
