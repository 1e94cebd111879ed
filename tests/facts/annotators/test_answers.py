"""A model's answers: taken at their word, or not at all."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.artifact.case import read_value
from safecot_dsl.facts.annotators.answers import read_answer
from safecot_dsl.facts.annotators.finding import CannotTell, Found, NotTold
from safecot_dsl.models import Failure, Reply

from .parts import says


def read(policy: CompiledPolicy, answer: Reply | Failure | str, fact: str = "query.act", sure: float = 0.7):
    reply = Reply(answer, "m") if isinstance(answer, str) else answer
    return read_answer(reply, [policy.fact_index[fact]], sure)[fact]


def test_a_sure_value_is_found(policy: CompiledPolicy):
    """As it stands, in a fence, and after the reasoning of a model that thinks aloud."""
    answer = says(query__act=("complete", 0.7))
    for text in (answer, f"```json\n{answer}\n```", f"<think>Hm, {{}}.</think>\n{answer}"):
        assert read(policy, text) == Found("complete", 0.7, '"complete"')


@pytest.mark.parametrize(
    ("fact", "value", "typed"),
    [
        ("image.objects", ["knife"], frozenset({"knife"})),
        ("image.objects", [], frozenset()),
        ("context.minor", False, False),
        ("image.clarity", 1, 1.0),
        ("image.text", "", ""),
    ],
)
def test_values_of_every_type(policy: CompiledPolicy, fact: str, value: object, typed: object):
    assert read(policy, says(**{fact.replace(".", "__"): (value, 1)}), fact).value == typed


def test_what_is_unsure_cannot_be_told(policy: CompiledPolicy):
    assert read(policy, says(query__act=("complete", 0.69))) == CannotTell("low confidence", '"complete" at 0.69', 0.69)
    assert read(policy, says(query__act=("cannot_tell", 1))) == CannotTell("the model cannot tell", "", 1.0)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Failure("http 503", "busy"), "failed: http 503"),
        (Failure("refused"), "failed: refused"),
        (Reply(says(query__act=("complete", 0.9)), "m", cut=True), "the answer was cut off"),
        ("I'm sorry, but I can't assist with that.", "the model refused"),
        ("I cannot help with this request.", "the model refused"),
        ("The act is complete.", "the answer is not JSON"),
        ("{" * 100_000, "the answer is not JSON"),
        ('{"query.act": 1' + "0" * 5_000 + "}", "the answer is not JSON"),
        ("[]", "the answer is no JSON object"),
        ('{"query.act": {"value": "a", "confidence": 1}, "query.act": 0}', "the answer is not JSON"),
        (says(query__act=("complete", 0.9), verdict=("comply", 1)), "the answer has a key that nobody asked for"),
        ("{}", "the fact is missing from the answer"),
        ('{"query.act": "complete"}', "the fact is not answered as asked"),
        ('{"query.act": {"value": "complete"}}', "the fact is not answered as asked"),
        (says(query__act=("complete", 1.1)), "the confidence is no number from 0 to 1"),
        (says(query__act=("complete", True)), "the confidence is no number from 0 to 1"),
        ('{"query.act": {"value": "complete", "confidence": NaN}}', "the confidence is no number from 0 to 1"),
        (says(query__act=("sing", 0.9)), "the value is none of the fact's"),
        (says(query__act=(["complete"], 0.9)), "the value is none of the fact's"),
    ],
)
def test_everything_else_tells_nothing(policy: CompiledPolicy, answer: Reply | Failure | str, reason: str):
    found = read(policy, answer)
    assert isinstance(found, NotTold)
    assert found.reason == reason


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8) | st.just("complete"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["query.act", "image.objects", "value", "confidence", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(st.text(max_size=50) | _JSON.map(json.dumps))
def test_no_answer_is_ever_a_guess(policy: CompiledPolicy, text: str):
    """Whatever a model says, what is found is a value of the fact's domain, and sure enough."""
    facts = [policy.fact_index["query.act"], policy.fact_index["image.objects"]]
    found = read_answer(Reply(text, "m"), facts, 0.7)
    assert list(found) == ["query.act", "image.objects"]
    for fact in facts:
        finding = found[fact.name]
        if isinstance(finding, Found):
            assert finding.value == read_value(fact, finding.value)
            assert finding.confidence is not None
            assert finding.confidence >= 0.7
