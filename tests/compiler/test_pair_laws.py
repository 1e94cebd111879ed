"""Laws of a policy: what is lowered of them, and that they are claims, no part of what the policy means."""

from __future__ import annotations

import pytest

from safecot_dsl.artifact import Is, Law

from .sources import FACTS, compiled, faults

GIVEN = FACTS + "group sharp = { knife, toy }\ngroup knife = { bleach }\n"
ALL = ("bleach", "knife", "toy")


@pytest.mark.parametrize(
    ("change", "fact", "kind", "values", "group"),
    [
        ("image.flag_ becomes yes", "image.flag_", "becomes", ("yes",), None),
        ("image.flag_ becomes no", "image.flag_", "becomes", ("no",), None),
        ("query.intent becomes mix", "query.intent", "becomes", ("mix",), None),
        ("image.members gains knife", "image.members", "gains", ("knife",), None),
        ("image.members gains sharp", "image.members", "gains", ("knife", "toy"), "sharp"),
        ("image.members gains { toy, bleach, toy, }", "image.members", "gains", ("toy", "bleach"), None),
        ("image.members gains any", "image.members", "gains", ALL, None),
        ("query.harm rises", "query.harm", "rises", (), None),
        ("query.count falls", "query.count", "falls", (), None),
    ],
)
def test_a_law_says_what_changes(change: str, fact: str, kind: str, values: tuple[str, ...], group: str | None) -> None:
    (law,) = compiled(f'{GIVEN} law "it" {{ change {change} expect never laxer }}').laws
    assert (law.name, law.key, law.never, law.given) == ("it", "law:it", "laxer", None)
    assert (law.fact, law.change, law.values, law.group) == (fact, kind, values, group)


def test_a_law_may_be_about_some_cases_only() -> None:
    text = 'law "it" { change query.harm rises given query.intent is mix expect never stricter }'
    assert compiled(GIVEN + text).laws == (
        Law(
            name="it",
            fact="query.harm",
            change="rises",
            given=Is(fact="query.intent", values=("mix",)),
            never="stricter",
            key="law:it",
        ),
    )


def test_laws_are_no_part_of_the_digest_and_have_their_places() -> None:
    law = 'law "it" { change query.harm rises expect never laxer }'
    policy = compiled(GIVEN + law)
    assert policy.digest == compiled(GIVEN).digest
    span = policy.span("law:it")
    assert span is not None
    assert span.end_column - span.column == len(law)


def test_laws_are_bounded() -> None:
    laws = "\n".join(f'law "{i}" {{ change query.harm rises expect never laxer }}' for i in range(1_002))
    assert faults(GIVEN + laws) == [("SC0501", '"1000"', "too many laws: at most 1,000 in one file")]


BROKEN = [
    "law broken { change query.harm rises expect never laxer }",
    'law "broken" { query.harm rises expect never laxer }',
    'law "broken" { change query.harm rise expect never laxer }',
    'law "broken" { change query.harm rises expect not laxer }',
    'law "broken" { change query.harm rises expect laxer }',
    'law "broken" { change query.harm rises expect never }',
    'law "broken" { change query.harm rises expect never safer }',
    'law "broken" { change query.harm rises expect never more strict }',
    'law "broken" { change query.harm rises }',
    'law "broken" { change query.harm becomes expect never laxer }',
    'law "broken" { change query.harm becomes given image.flag_ expect never laxer }',
    'law "broken" { change rises expect never laxer }',
    'law "broken" { change query.harm given image.flag_ expect never laxer }',
    'law "broken" { change query.harm rises given and expect never laxer }',
    'law "broken" { change query.harm rises given expect never laxer }',
    'law "broken" { expect never laxer change query.harm rises }',
    'law "broken" { change query.harm rises expect never laxer',
    'law "broken" change query.harm rises expect never laxer }',
    'law "broken" {}',
    "law {}",
    "law",
]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_law_is_one_fault_or_two_and_hides_none(broken: str) -> None:
    text = f'{GIVEN}{broken}\nlaw "next" {{ change query.nothing rises expect never laxer }}\n'
    said = [fault[:2] for fault in faults(text)]
    assert said[-1] == ("SC0101", "query.nothing")
    assert 1 <= len(said[:-1]) <= 2
