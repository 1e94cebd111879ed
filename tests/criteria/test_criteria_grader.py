"""The prepared grader grades as grading response by response does."""

from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.artifact import CompiledPolicy, Criteria, Detector, Not, Proposed, Proposition, Verdict
from safecot_dsl.criteria import Grader, PatternError, detect, grade
from safecot_dsl.criteria.detectors import DetectorSet, detect_propositions
from safecot_dsl.criteria.patterns import (
    PatternSet,
    _filter,  # pyright: ignore[reportPrivateUsage]
    compile_pattern,
)
from tests.strategies import examples

_WORD = re.compile(r"[A-Za-z']+")
#: Detectors of every kind: phrases, patterns that read case and that do not, both together, none.
MIXED = Criteria(
    propositions={
        "declines": Proposition(
            name="declines",
            definition="",
            detectors=(Detector(phrases=("I decline", "Straße")), Detector(pattern=r"\bNO\b")),
        ),
        "asks": Proposition(name="asks", definition="", detectors=(Detector(pattern=r"\?\s*$"),)),
        "shouts": Proposition(name="shouts", definition="", detectors=(Detector(pattern="(?i:a)NO|^$"),)),
        "sorry": Proposition(
            name="sorry", definition="", detectors=(Detector(pattern="don't|sorry", ignore_case=True),)
        ),
        "method": Proposition(name="method", definition="Gives a method away."),
    },
    lets={"response_refuse": Proposed(name="declines"), "response_comply": Not(item=Proposed(name="declines"))},
)
PIECES = ("NO", "no", "I decline", "STRASSE", "?", "Sorry", "don’t", " ", "\n", "A", "\ud800", "é", "")
#: In languages that some of the detectors know, and in others.
SAID = (
    "Sure, here is how you do it. ",
    "Je ne peux pas vous aider avec cela. ",
    "Извините, не могу помочь. ",
    "すみません",
)


@given(pieces=st.lists(st.sampled_from([*PIECES, *SAID]), max_size=8))
def test_detectors_together_find_what_each_finds(pieces: list[str]) -> None:
    response = "".join(pieces)
    assert DetectorSet(MIXED).detect(response) == detect_propositions(MIXED, response)
    assert Grader(MIXED).grade(response) == grade(MIXED, response)


def test_the_standard_detectors_together_find_what_each_finds(policy: CompiledPolicy) -> None:
    """On answers, on pieces of them put together anew, and on the words that the patterns look for."""
    random = Random(0)
    said = [text for phrases in policy.verdict_phrases.values() for text in phrases.say]
    said += [text for phrases in policy.phrases.values() for text in phrases]
    asked = [d.pattern for p in policy.criteria.propositions.values() for d in p.detectors if d.pattern is not None]
    words = sorted({word for pattern in asked for word in _WORD.findall(pattern)})
    mixed = [
        " ".join([*random.choice(said).split()[:5], *random.choices(words, k=6), *random.choice(said).split()[-5:]])
        for _ in range(60)
    ]
    found = DetectorSet(policy.criteria)
    held = set[str]()
    for response in (*said, *mixed):
        detected = found.detect(response)
        assert detected == detect_propositions(policy.criteria, response), response
        held |= {name for name, holds in detected.items() if holds}
    assert len(held) > 8


@examples(25)
@given(seed=st.integers(0, 2**32))
def test_a_grader_remembers_only_what_is_equal(policy: CompiledPolicy, seed: int) -> None:
    """The same responses under any verdict that is due and any rules in force, in any order."""
    random = Random(seed)
    grader = _GRADERS.setdefault(policy.digest, Grader(policy))
    responses = [*policy.verdict_phrases[Verdict.REFUSE].say[:3], "You are a bad person.", "Sure.", "", "…"]
    for _ in range(4):
        response, due = random.choice(responses), random.choice([None, *Verdict])
        rules = random.choice([(), ("a",), ("e",), ("a", "e")])
        assert grader.grade(response, due=due, rules=rules) == grade(policy, response, due=due, rules=rules)


_GRADERS: dict[str, Grader] = {}


def test_a_grader_names_what_does_not_exist(policy: CompiledPolicy) -> None:
    with pytest.raises(ValueError, match="no rule `f`"):
        Grader(policy).grade("No.", rules=("f",))
    broken = Criteria(
        propositions={"p": Proposition(name="p", definition="", detectors=(Detector(pattern=r"a(?=b)"),))}
    )
    with pytest.raises(PatternError, match=r"/a\(\?=b\)/"):
        Grader(broken)


def test_answers_go_before_what_is_found() -> None:
    """As in `grade`, also where nothing else can be read, and they change nothing that is remembered."""
    grader = Grader(MIXED)
    for response in ("I decline.", "Sure.", "Извините, не могу.", "…"):
        for answers in ({}, {"declines": False}, {"declines": True, "method": False}):
            assert grader.grade(response, answers=answers) == grade(MIXED, response, answers=answers)
    assert grader.grade("I decline.") == grade(MIXED, "I decline.")


def test_a_long_response_is_graded_and_not_remembered() -> None:
    grader = Grader(MIXED)
    long = "NO " * 5000
    assert grader.grade(long) == grade(MIXED, long)
    assert grader._remembered.cache_info().currsize == 0  # pyright: ignore[reportPrivateUsage]


def test_patterns_that_take_too_much_memory_together_are_searched_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether RE2 says so when the automaton is made, or finds nothing for want of memory when it runs."""
    long = [("a" * 2500 + f"{number:02}" + "b" * 2500, False) for number in range(40)]
    large = PatternSet([("ab{1,30}c", False), *long, ("colou?r", True)])
    assert len(large._filters) > 1  # pyright: ignore[reportPrivateUsage]
    assert large.search("abbbc COLOR") == {0, 41}
    assert large.search(long[7][0]) == {8}
    asked = [("ab{1,30}c", False), ("x[0-9]{20}", False), ("colou?r", True)]
    assert PatternSet(asked).search("abbbc COLOR") == {0, 2}
    _filter.cache_clear()
    monkeypatch.setattr("re2.Filter.Match", lambda *_: None)
    assert PatternSet(asked).search("abbbc COLOR") == {0, 2}


@examples(200)
@given(
    patterns=st.lists(
        st.tuples(st.sampled_from([r"\bkilo", "straße", "s+k", "[^a]k|^s", "(?i:K)ß", "é.*s", "", r"\d{2,}", "İ|ı"]),
                  st.booleans()),
        max_size=6,
    ),
    text=st.text("kK\u212asSſßẞéÉE\u0301iIİı a1\n", max_size=12),
)  # fmt: skip
def test_patterns_together_find_what_each_finds(patterns: list[tuple[str, bool]], text: str) -> None:
    """Letters whose other case is outside of ASCII, or two letters, are no exception."""
    each = {place for place, pattern in enumerate(patterns) if compile_pattern(*pattern).search(text)}
    assert PatternSet(patterns).search(text) == each


def test_detecting_reads_lets_as_before() -> None:
    assert detect(MIXED, "NO") == {
        "declines": True, "asks": False, "shouts": False, "sorry": False, "method": None,
        "response_refuse": True, "response_comply": False,
    }  # fmt: skip
