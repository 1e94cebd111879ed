"""Each type of fact with each of its conditions; every expected truth is worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from safecot_dsl.artifact import CompiledPolicy, read_case
from safecot_dsl.diagnostics import DiagnosticsError
from safecot_dsl.engine import Interpreter, Truth

PolicyFrom = Callable[..., CompiledPolicy]

FACTS = """
taxonomy kinds { animal { dog { poodle  beagle }  cat }  plant }
group pets = { dog, cat }
group both = { knife, gun }
group nobody = {}
phrases weapons { "gun" "machine  gun" }
phrases nothing {}
param limit = 0.5
facts image {
  safe    : flag
  colour  : one of { red, green, blue }
  kind    : one of kinds
  objects : set of { knife, gun, toy }
  text    : text
}
facts query { harm : score  age : number -2 .. 120.5 }
"""


def truth(policy_from: PolicyFrom, condition: str, fact: str, value: Any, **options: Any) -> Truth:
    policy = policy_from(
        f"{FACTS}rule r {{ when {condition} verdict refuse }}\ndefault comply\nunsure clarify", **options
    )
    return Interpreter(policy).trace(read_case(policy, {"facts": {fact: value}})).applies["r"]


def check(policy_from: PolicyFrom, condition: str, fact: str, value: Any, expected: bool) -> None:
    """The condition and its negation, and that it is maybe where the fact is unknown in either way."""
    assert truth(policy_from, condition, fact, value) is Truth.of(expected)
    assert truth(policy_from, f"not ({condition})", fact, value) is Truth.of(not expected)
    for unknown in (None, {"unknown": True}):
        assert truth(policy_from, condition, fact, unknown) is Truth.MAYBE


@pytest.mark.parametrize(("value", "expected"), [(True, True), (False, False)])
def test_flag(policy_from: PolicyFrom, value: bool, expected: bool) -> None:
    check(policy_from, "image.safe", "image.safe", value, expected)


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        ("is red", "red", True),
        ("is red", "blue", False),
        ("is not red", "red", False),
        ("is not red", "blue", True),
        ("in { red, blue }", "blue", True),
        ("in { red, blue }", "green", False),
        ("not in { red, blue }", "green", True),
        ("not in { red, blue }", "red", False),
        ("in { red, red }", "red", True),
        ("in {}", "red", False),
        ("not in {}", "red", True),
        ("in nobody", "red", False),
    ],
)
def test_one_of(policy_from: PolicyFrom, condition: str, value: str, expected: bool) -> None:
    check(policy_from, f"image.colour {condition}", "image.colour", value, expected)


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        ("is dog", "dog", Truth.YES),
        ("is dog", "poodle", Truth.YES),  # `is` is the node or below it, as `is within`
        ("is dog", "animal", Truth.MAYBE),  # it may be a dog
        ("is dog", "cat", Truth.NO),
        ("is dog", "plant", Truth.NO),
        ("is within dog", "dog", Truth.YES),
        ("is within dog", "poodle", Truth.YES),
        ("is within dog", "animal", Truth.MAYBE),
        ("is within dog", "cat", Truth.NO),
        ("is within animal", "beagle", Truth.YES),
        ("is within animal", "plant", Truth.NO),
        ("is within poodle", "poodle", Truth.YES),
        ("is within poodle", "dog", Truth.MAYBE),
        ("is within poodle", "animal", Truth.MAYBE),
        ("is within poodle", "beagle", Truth.NO),
        ("is not within dog", "poodle", Truth.NO),
        ("is not within dog", "animal", Truth.MAYBE),
        ("is not dog", "animal", Truth.MAYBE),
        ("is not dog", "cat", Truth.YES),
        ("in pets", "cat", Truth.YES),
        ("in pets", "poodle", Truth.YES),
        ("in pets", "animal", Truth.MAYBE),
        ("not in pets", "animal", Truth.MAYBE),
        ("not in pets", "plant", Truth.YES),
        ("in { plant, beagle }", "beagle", Truth.YES),
        ("in { plant, beagle }", "dog", Truth.MAYBE),
        ("in { plant, beagle }", "poodle", Truth.NO),
        # Whatever kind of dog it is, it is one of these; but each of them is a maybe, and `in` follows.
        ("in { poodle, beagle }", "dog", Truth.MAYBE),
        ("in { dog, poodle }", "dog", Truth.YES),
        ("in {}", "animal", Truth.NO),
        ("is within kinds.dog", "poodle", Truth.YES),
    ],
)
def test_one_of_taxonomy(policy_from: PolicyFrom, condition: str, value: str, expected: Truth) -> None:
    condition = f"image.kind {condition}"
    assert truth(policy_from, condition, "image.kind", value) is expected
    assert truth(policy_from, f"not ({condition})", "image.kind", value) is ~expected
    for unknown in (None, {"unknown": True}):
        assert truth(policy_from, condition, "image.kind", unknown) is Truth.MAYBE


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        ("has gun", ["gun"], True),
        ("has gun", ["knife", "toy"], False),
        ("has gun", [], False),
        ("has any of both", ["toy", "gun"], True),
        ("has any of both", ["toy"], False),
        ("has any of { toy }", ["toy"], True),
        ("has all of both", ["gun", "knife"], True),
        ("has all of both", ["gun", "toy"], False),
        ("has none of both", ["toy"], True),
        ("has none of both", ["gun"], False),
        ("has none of both", [], True),
        # Of no values: all are there, any is not.
        ("has all of {}", [], True),
        ("has all of {}", ["gun"], True),
        ("has any of {}", ["gun"], False),
        ("has none of {}", ["gun"], True),
        ("has any of nobody", ["gun"], False),
        ("is empty", [], True),
        ("is empty", ["toy"], False),
        ("is not empty", [], False),
        ("is not empty", ["toy"], True),
        ("has all of both", ["gun", "knife", "gun"], True),  # duplicates merge
    ],
)
def test_set_of(policy_from: PolicyFrom, condition: str, value: list[str], expected: bool) -> None:
    check(policy_from, f"image.objects {condition}", "image.objects", value, expected)


BELOW, ABOVE = math.nextafter(0.5, 0), math.nextafter(0.5, 1)


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        ("< 0.5", BELOW, True),
        ("< 0.5", 0.5, False),
        ("<= 0.5", 0.5, True),
        ("<= 0.5", ABOVE, False),
        ("> 0.5", 0.5, False),
        ("> 0.5", ABOVE, True),
        (">= 0.5", 0.5, True),
        (">= 0.5", BELOW, False),
        ("<= limit", 0.5, True),
        ("< limit", 0.5, False),
        # Both ends included.
        ("between 0.25 and 0.5", 0.25, True),
        ("between 0.25 and 0.5", 0.5, True),
        ("between 0.25 and 0.5", ABOVE, False),
        ("between 0.25 and 0.5", math.nextafter(0.25, 0), False),
        ("between 0.5 and 0.5", 0.5, True),
        ("between 0.5 and limit", 0.5, True),
        # The ends of the range are values, and an integer is a number.
        (">= 1", 1, True),
        ("<= 0", 0, True),
        ("<= 0", -0.0, True),
        # A literal is its nearest double: 0.1 is 0.1000000000000000055, and so is what JSON gives.
        ("<= 0.1", 0.1, True),
        (">= 0.1000000000000000055", 0.1, True),
        ("> 0.3", 0.1 + 0.2, True),  # 0.30000000000000004
        ("> 0.3", 0.3, False),
    ],
)
def test_score(policy_from: PolicyFrom, condition: str, value: float, expected: bool) -> None:
    check(policy_from, f"query.harm {condition}", "query.harm", value, expected)


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        ("< 0", -2, True),
        ("<= -2", -2, True),
        (">= 120.5", 120.5, True),
        ("between -1.5 and 18", -1.5, True),
        ("between -1.5 and 18", 18, True),
        ("between -1.5 and 18", 18.5, False),
    ],
)
def test_number(policy_from: PolicyFrom, condition: str, value: float, expected: bool) -> None:
    check(policy_from, f"query.age {condition}", "query.age", value, expected)


@pytest.mark.parametrize(
    "condition",
    [
        "query.harm > 1.5",
        "query.harm >= -0.1",
        "query.harm between 0.5 and 0.25",
        "query.harm between 0 and 2",
        "query.age < 121",
        "query.harm < query.age",
        "image.safe < 1",
        "query.harm is red",
        "query.harm",
        "image.colour is purple",
        "image.colour has red",
        "image.colour in pets",
        "image.colour is within dog",
        "image.kind is within purple",
        "image.objects is gun",
        "image.objects in both",
        "image.objects has any of pets",
        "image.text is empty",
        "image.text matches /(?=x)/",
        r"image.text matches /(a)\1/",
        "image.text contains any of both",
        "image.safe is empty",
    ],
)
def test_what_does_not_fit_is_an_error(policy_from: PolicyFrom, condition: str) -> None:
    with pytest.raises(DiagnosticsError):
        truth(policy_from, condition, "image.safe", None)


def test_a_param_is_set_from_outside(policy_from: PolicyFrom) -> None:
    for limit, expected in ((0.5, Truth.YES), (0.25, Truth.NO)):
        assert truth(policy_from, "query.harm <= limit", "query.harm", 0.5, params={"limit": limit}) is expected


@pytest.mark.parametrize("params", [{"limit": 1.5}, {"limit": math.nan}, {"limit": math.inf}, {"limt": 0.5}])
def test_a_param_that_does_not_fit_is_an_error(policy_from: PolicyFrom, params: dict[str, float]) -> None:
    with pytest.raises(DiagnosticsError):
        truth(policy_from, "query.harm <= limit", "query.harm", 0.5, params=params)


# NFKC, case folding and NFKC again, on both sides.
@pytest.mark.parametrize(
    ("phrase", "text", "expected"),
    [
        ("bomb", "a bomb here", True),
        ("bomb", "a Bomb here", True),
        ("BOMB", "bombs", True),
        ("bomb", "bom b", False),
        ("strasse", "Straße", True),  # ß folds to ss
        ("ß", "STRASSE", True),
        ("ẞ", "strasse", True),
        ("fire", "ﬁre", True),  # the ligature U+FB01 is f and i
        ("ﬁ", "FIRE", True),
        ("bomb", "ＢＯＭＢ", True),  # full width
        ("ａ", "A", True),
        ("a", "𝐀", True),  # U+1D400 has no case of its own: NFKC must come before case folding
        ("²", "x2", True),
        ("σ", "ΟΔΟΣ", True),  # all sigmas fold to the middle one
        ("ς", "ΟΔΟΣ", True),
        ("é", "e\u0301", True),  # composed and decomposed
        ("e\u0301", "CAFÉ", True),
        ("e", "e\u0301", False),  # which is one letter, é
        # U+01F0 folds to j and a caron, which NFKC composes again: so it holds no j.
        ("j", "\u01f0", False),
        ("\u01f0", "J\u030c", True),
        # U+0130 folds to i and a dot above (U+0307), which nothing composes: it holds an i, but no `istanbul`.
        ("i", "\u0130", True),
        ("stanbul", "\u0130STANBUL", True),
        ("istanbul", "\u0130STANBUL", False),
        ("\u0130stanbul", "i\u0307stanbul", True),
        ("i", "ı", False),  # the dotless i folds to itself
        ("machine  gun", "machine gun", False),  # spaces are characters
        ("a b", "a\u00a0b", True),  # NFKC makes a no-break space a space
        ("x", "", False),
        ("\U0001f469", "\U0001f469\u200d\U0001f467", True),  # code points, not what they look like together
    ],
)
def test_contains(policy_from: PolicyFrom, phrase: str, text: str, expected: bool) -> None:
    check(policy_from, f'image.text contains "{phrase}"', "image.text", text, expected)


@pytest.mark.parametrize(
    ("condition", "text", "expected"),
    [
        ("contains any of weapons", "a Machine  Gun", True),
        ("contains any of weapons", "GUNS", True),
        ("contains any of weapons", "knives", False),
        ("contains any of nothing", "anything", False),
        ("contains any of nothing", "", False),
        (r"matches /bomb/", "a bomb", True),
        (r"matches /bomb/", "a BOMB", False),
        (r"matches /bomb/i", "a BOMB", True),
        (r"matches /^bomb/", "a bomb", False),
        (r"matches /bomb$/", "a bomb", True),
        (r"matches /^bomb$/", "x\nbomb\ny", False),  # anchors are those of the text, not of its lines
        (r"matches /a.b/", "a\nb", False),
        (r"matches /fire/i", "ﬁre", False),  # the raw text
        (r"matches /bomb/", "ｂｏｍｂ", False),
        (r"matches /1\/2/", "1/2", True),
        (r"matches /1\/2/", r"1\/2", False),
        (r"matches /\d+ ?kg/", "about 20kg", True),
        (r"matches /^$/", "", True),
        (r"matches /x*/", "", True),
        (r"matches /\x00/", "a\x00b", True),
    ],
)
def test_text(policy_from: PolicyFrom, condition: str, text: str, expected: bool) -> None:
    check(policy_from, f"image.text {condition}", "image.text", text, expected)


# JSON escapes can carry lone surrogates; what stands around them is still read, and they are no other character.
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('contains "bomb"', True),
        ("matches /bomb/", True),
        ("matches /^bomb/", False),
        ('contains "?"', False),
        (r"matches /\?/", False),
    ],
)
def test_lone_surrogates(policy_from: PolicyFrom, condition: str, expected: bool) -> None:
    check(policy_from, f"image.text {condition}", "image.text", "\ud800bomb\udfff", expected)


@pytest.mark.parametrize("text", ["a" * 1_000_000 + "b", "\ud83d" * 100_000, "e" + "\u0301" * 20_000, "\x00" * 100_000])
def test_hostile_texts_are_decided_quickly_and_without_failing(policy_from: PolicyFrom, text: str) -> None:
    condition = 'image.text contains "bomb" or image.text matches /(a+)+$/ or image.text matches /(x+x+)+y/'
    assert truth(policy_from, condition, "image.text", text) is Truth.NO


# --- the nearest rule ------------------------------------------------------------------------------------------------

FLAGS = "facts query { a : flag  b : flag  c : flag  d : flag }\n"


def nearest(policy_from: PolicyFrom, rules: str, ending: str = "default comply unsure clarify", **known: bool) -> Any:
    policy = policy_from(f"{FLAGS}{rules}\n{ending}")
    case = read_case(policy, {"facts": {f"query.{name}": value for name, value in known.items()}})
    found = Interpreter(policy).nearest_rule(case)
    return None if found is None else (found.rule.name, found.distance)


# An atom that is so costs 0, any other (unknown ones too) 1.
@pytest.mark.parametrize(
    ("condition", "distance"),
    [
        ("query.a", 0),
        ("query.b", 1),
        ("query.c", 1),
        ("not query.a", 1),
        ("not query.b", 0),
        ("not query.c", 1),
        ("query.a and query.b and query.c", 2),
        ("query.b or query.c", 1),
        ("query.a or query.b", 0),
        ("not (query.a and query.c)", 1),
        ("not (query.a or query.c)", 2),
        ("not not query.b", 1),
        ("at least 2 of (query.a, query.b, query.c)", 1),
        ("at least 3 of (query.a, query.b, query.c)", 2),
        ("at least 1 of (query.b and query.c, query.b and query.a)", 1),
        # Fewer than 2 of 3 means that 2 of them are not: b is not (0), a and c cost 1 each.
        ("not at least 2 of (query.a, query.b, query.c)", 1),
        # Fewer than 1 of 3: all three are not.
        ("not at least 1 of (query.a, query.b, query.c)", 2),
        ("not at least 3 of (query.a, query.b, query.c)", 0),
        ("query.b unless query.a", 2),
        ("query.b unless query.b", 1),
        ("query.a unless query.c", 1),
        ("query.b and query.b", 2),  # as it is written: the same atom twice
    ],
)
def test_distance(policy_from: PolicyFrom, condition: str, distance: int) -> None:
    found = nearest(policy_from, f"rule r {{ when {condition} verdict refuse }}", a=True, b=False)
    assert found == ("r", distance)


def test_an_exception_adds_its_cheapest_parent(policy_from: PolicyFrom) -> None:
    rules = """
rule cheap { when query.b verdict comply }
rule dear { when query.b and query.c and query.d verdict comply }
exception e to dear, cheap { when query.c verdict refuse }
exception f to e { when query.a verdict comply }
exception g to f { when query.a verdict refuse }
"""
    # a yes, all others no. e: c (1) and `cheap` (1). g: 0, f 0, e 2: as near; both refuse, e comes first by name.
    assert nearest(policy_from, rules, a=True, b=False, c=False, d=False) == ("e", 2)


def test_ties_go_to_the_strictest_the_most_severe_the_first_name(policy_from: PolicyFrom) -> None:
    taxonomy = "taxonomy dangers { mild severity 1  grave severity 5 }\n"
    rules = [
        "rule far { hazard grave when query.a and query.b verdict refuse }",
        "rule lax { hazard grave when query.a verdict redirect }",
        "rule m { hazard mild when query.a verdict refuse }",
        "rule z { hazard grave when query.a verdict refuse }",
        "rule y { hazard grave when query.a verdict refuse }",
    ]
    order = []
    while rules:
        name, _ = nearest(policy_from, taxonomy + "\n".join(rules), a=False, b=False)
        order.append(name)
        rules = [rule for rule in rules if not rule.startswith(f"rule {name} ")]
    assert order == ["y", "z", "m", "lax", "far"]


def test_only_rules_stricter_than_the_default_are_near(policy_from: PolicyFrom) -> None:
    rules = "rule w { when query.a verdict warn } rule r { when query.b and query.c verdict redirect }"
    assert nearest(policy_from, rules, a=True, b=False, c=False) == ("w", 0)
    assert nearest(policy_from, rules, "default warn unsure clarify", a=True, b=False, c=False) == ("r", 2)
    assert nearest(policy_from, rules, "default redirect unsure clarify", a=True) is None
    assert nearest(policy_from, "") is None


def test_suppositions_count_as_known(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        "facts query { a : flag assume yes }\nrule r { when query.a verdict refuse }\ndefault comply unsure clarify"
    )
    found = Interpreter(policy).nearest_rule(read_case(policy, {"facts": {}}))
    assert found is not None
    assert found.distance == 0
