"""Statements are read as what they were written from, and nothing else is read at all."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.artifact import UNKNOWN, Case, CompiledPolicy, NumberType, TextType
from safecot_dsl.datafiles import policies_root
from safecot_dsl.reading import FactReader
from safecot_dsl.render import neutralise
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.sentences import Sentences
from safecot_dsl.render.style import Tags
from safecot_dsl.workspace import compile_policy
from tests.differential.compare import random_cases
from tests.render.building import FACTS, HURTING, policy
from tests.render.test_sentences import OWN
from tests.strategies import examples, policies_and_cases

SHIPPED = sorted(path for folder in ("", "published") for path in (policies_root() / folder).glob("*.safecot"))
PLAIN = policy(HURTING, facts=FACTS)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_statement_of_a_shipped_policy_is_read_back(path) -> None:
    of = compile_policy(path)
    reader, sentences = FactReader(of), Sentences(of)
    assert reader.ambiguous == {}
    for case in random_cases(of, 60, Random(0)):
        for fact in of.facts:
            value = case.known.get(fact.name)
            wording = sentences.untold(fact) if value is None else sentences.stated(fact, value)
            for text in wording.texts:
                line = neutralise(fold_line(text), Tags())
                (statement,) = reader.statements(line)
                assert statement.fact == fact.name, line
                assert (statement.value is None) == (value is None), line
                if value is not None and statement.value is not None:
                    assert reader.agree(fact.name, value, statement.value), line


@examples(100)
@given(policies_and_cases())
def test_a_line_of_any_policy_states_what_it_was_written_from(pair: tuple[CompiledPolicy, Case]) -> None:
    """All facts on one line: none is taken for another, unless two are told in the same words."""
    of, case = pair
    reader, sentences = FactReader(of), Sentences(of)
    texts = [fact.name for fact in of.facts if isinstance(fact.type, TextType)]
    for name in texts:  # what stands in a text can read as any sentence at all
        case = case.with_fact(name, None)
    line = " ".join(
        sentences.stated(fact, case.known[fact.name]).texts[0]
        if fact.name in case.known
        else sentences.untold(fact).texts[0]
        for fact in of.facts
        if fact.name not in texts
    )
    claims = reader.read([neutralise(fold_line(line), Tags())])
    unclear = {name for told in reader.ambiguous.values() for name, _ in told}
    for name, value in case.known.items():
        if name not in unclear and name in claims.known:
            assert reader.agree(name, value, claims.known[name])
    if not unclear and not reader.ambiguous:
        assert claims.conflicts == set()
        assert claims.count == len(of.facts) - len(texts)


def test_what_stands_between_statements_is_kept() -> None:
    line = "Well. The image shows a knife. Who knows? It was taken in a street. Done"
    told = [(s.text, s.fact, s.value) for s in FactReader(OWN).statements(line)]
    assert told == [
        ("Well.", None, None),
        ("The image shows a knife.", "image.objects", frozenset({"knife"})),
        ("Who knows?", None, None),
        ("It was taken in a street.", "image.setting", "street"),
        ("Done", None, None),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "The image shows a gun.",
        "The image shows a knife and a knife.",
        "The image shows a knife a toy.",
        "The image shows a knife",
        "The image shows a knife.x",
        "the image shows a knife.",
        "It was taken in a kitchen or a street.",
        "I suppose that the user is an adult.",
        "",
    ],
)
def test_what_nobody_writes_states_nothing(line: str) -> None:
    assert FactReader(OWN).read([line]).count == 0


def test_things_may_stand_in_any_order() -> None:
    claims = FactReader(OWN).read(["The image shows a toy, a bottle of bleach and a knife."])
    assert claims.known == {"image.objects": frozenset({"bleach", "knife", "toy"})}


def test_two_statements_that_cannot_both_be_so_are_a_conflict() -> None:
    reader = FactReader(OWN)
    claims = reader.read(["It was taken in a kitchen.", "The user is a minor.", "It was taken in a street."])
    assert claims.conflicts == {"image.setting"}
    assert claims.case() == Case({"context.minor": True})
    again = reader.read(["It was taken in a kitchen. The place is a kitchen."])
    assert (again.conflicts, again.count) == (set(), 2)
    torn = reader.read(["It was taken in a kitchen. I cannot tell where you are."])
    assert torn.conflicts == {"image.setting"}


def test_what_cannot_be_told_is_read() -> None:
    claims = FactReader(PLAIN).read(["I cannot tell where you are."])
    assert claims.case() == Case({}).with_fact("image.setting", UNKNOWN)


def test_a_number_is_read_as_the_first_of_its_band() -> None:
    claims = FactReader(OWN).read(["The wording hints at harm."])
    assert claims.known == {"query.harm": 0.6}
    assert isinstance(OWN.fact_index["query.harm"].type, NumberType)


def test_a_text_is_read_up_to_its_last_quotation_mark() -> None:
    claims = FactReader(PLAIN).read(['The text reads "It says. The text reads no more.". The harm is low.'])
    assert claims.known == {"image.text": "It says. The text reads no more.", "query.harm": 0.0}


def test_sentences_of_two_facts_that_read_alike_are_named() -> None:
    twin = FACTS[0].model_copy(update={"name": "image.copies", "says": FACTS[0].says})
    first, second = (
        fact.model_copy(update={"says": OWN.fact_index["image.objects"].says}) for fact in (FACTS[0], twin)
    )
    told = FactReader(policy(HURTING, facts=(first, second, *FACTS[1:]))).ambiguous
    assert {name for found in told.values() for name, _ in found} == {"image.objects", "image.copies"}


@given(st.text(max_size=200))
def test_any_text_is_read_without_failing(text: str) -> None:
    for statement in FactReader(OWN).statements(text):
        assert statement.text
