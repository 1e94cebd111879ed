"""The gallery: a case of every sort that a policy has, no case twice, and the page in the documentation.

`SAFECOT_WRITE_GOLDEN=1 pytest tests/export/test_gallery.py` writes the page anew; read it aloud before you keep it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from random import Random

import pytest
from fixture_types import PolicyFrom

from safecot_dsl.analysis.draws import ValueDraws
from safecot_dsl.analysis.encoding import Encoding
from safecot_dsl.artifact import Case, CompiledPolicy, SetType
from safecot_dsl.datafiles import data_root, policies_root
from safecot_dsl.engine import Interpreter, show_value
from safecot_dsl.export.gallery import SOURCE_ANSWER, GalleryCase, gallery, gallery_page
from safecot_dsl.render import ReasoningStyle, Renderer, parse_target
from safecot_dsl.workspace import compile_policy

PAGE = data_root() / "docs" / "gallery.md"
HEAD = "<!-- safecotc policy gallery policies/*.safecot -->\n\n"
NAMES = sorted(path.stem for path in policies_root().glob("*.safecot"))

#: Whatever is asked, a picture may show a danger: some rule is always in question.
ALWAYS_WEIGHED = {"self_harm"}


@cache
def compiled(name: str) -> CompiledPolicy:
    return compile_policy(policies_root() / f"{name}.safecot")


@cache
def shown(name: str) -> tuple[GalleryCase, ...]:
    return tuple(gallery(compiled(name)))


def sorts(policy: CompiledPolicy) -> Iterator[str]:
    yield "A refusal"
    yield from (f"The exception `{rule.name}`" for rule in policy.rules if rule.exception_to)
    yield "A near miss"
    if policy.header.name not in ALWAYS_WEIGHED:
        yield "A harmless request"
    yield "Something that cannot be told"
    if any(fact.assume is not None for fact in policy.facts):
        yield "A supposition"
    sizes = [len(fact.type.values) for fact in policy.facts if isinstance(fact.type, SetType)]
    if max(sizes, default=0) >= 2:
        yield "Several things"
    if max(sizes, default=0) >= 4:
        yield "A long list"


@pytest.mark.parametrize("name", NAMES)
def test_every_sort_that_the_policy_has_is_found_and_no_case_stands_twice(name: str) -> None:
    assert [one.heading for one in shown(name)] == list(sorts(compiled(name)))
    cases = [one.case for one in shown(name)]
    assert len(set(cases)) == len(cases)


@pytest.mark.parametrize("name", NAMES)
def test_each_text_is_the_target_of_its_case_and_of_its_sort(name: str) -> None:
    policy = compiled(name)
    interpreter = Interpreter(policy)
    for one in shown(name):
        decision = interpreter.decide(one.case)
        target = parse_target(one.text)
        assert (target.problems, target.verdict) == ((), decision.verdict)
        harmless = any(line in policy.nothing_in_question for line in target.lines)
        match one.heading:
            case "A refusal":
                assert (decision.verdict, decision.certain) == ("refuse", True)
            case "A near miss" | "A harmless request":
                assert decision.speaker == "default"
                assert harmless == (one.heading == "A harmless request")
            case "Something that cannot be told":
                assert decision.speaker == "unsure"
                assert any("I cannot tell " in line for line in target.lines)
            case "A supposition":
                assert decision.assumed
                assert any("I suppose that " in line for line in target.lines)
            case "Several things" | "A long list":
                longest = max(len(value) for value in one.case.known.values() if isinstance(value, frozenset))
                assert longest >= 4 if one.heading == "A long list" else longest in (2, 3)
            case _:
                assert one.heading == f"The exception `{decision.speaker}`"
                assert decision.deciding == (decision.speaker,)


@pytest.mark.parametrize("name", sorted(ALWAYS_WEIGHED))
def test_where_no_request_is_harmless_a_rule_is_weighed_in_every_case(name: str) -> None:
    policy = compiled(name)
    renderer, draws, source = Renderer(Interpreter(policy)), ValueDraws(Encoding(policy)), Random(3)
    for number in range(500):
        told = renderer.render(
            draws.case(source), style=ReasoningStyle.STEPWISE, seed=str(number), source_answer="Yes."
        )
        assert not {sentence.text for sentence in told.reasoning} & set(policy.nothing_in_question)


def test_the_same_seed_gives_the_same_gallery_and_another_seed_other_words() -> None:
    policy = compiled("household_chemicals")
    assert tuple(gallery(policy)) == shown("household_chemicals")
    assert tuple(gallery(policy, seed=1)) != shown("household_chemicals")


def test_a_policy_without_facts_shows_its_default(policy_from: PolicyFrom) -> None:
    policy = policy_from('policy bare { version "1" }\ndefault comply\nunsure clarify\n')
    (only,) = gallery(policy)
    assert (only.heading, only.case) == ("A harmless request", Case({}))
    assert SOURCE_ANSWER in only.text


def test_the_page_shows_each_case_with_its_facts() -> None:
    policy = compiled("household_chemicals")
    page = gallery_page([policy, policy], level=2)
    assert page.count("## Household chemicals\n") == 2
    for one in shown("household_chemicals"):
        assert f"### {one.heading}\n\n`" in page
        assert f"```text\n{one.text}\n```" in page
        assert all(f"`{name}` cannot be told" in page for name in one.case.cannot_tell)
        assert all(f"`{name}` {show_value(value)}" in page for name, value in one.case.known.items())


def test_the_page_of_the_shipped_policies_is_what_the_command_writes() -> None:
    page = HEAD + gallery_page([compiled(name) for name in NAMES])
    if os.environ.get("SAFECOT_WRITE_GOLDEN"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page
