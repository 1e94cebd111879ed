"""Generated policies compile, pass their own examination, differ from one another, and say what their rules say."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory, mkdtemp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.analysis.difference import DifferenceLimits, compare
from safecot_dsl.artifact import Case, CompiledPolicy, OneOfType, SetType, Verdict
from safecot_dsl.dataset.errors import GenerateError
from safecot_dsl.dataset.policies import KINDS, GeneratedPolicy, PolicyGenerator
from safecot_dsl.diagnostics import Severity
from safecot_dsl.engine import Interpreter
from safecot_dsl.reading import DerivationChecker
from safecot_dsl.render import ReasoningStyle, render, write_target
from safecot_dsl.workspace import check_policy, compile_policy, open_text
from tests.strategies import examples

from .workshop import write_workshop

COUNT = len(KINDS)
_SEEDS = st.integers(0, 1)
#: Policies are made again from their files, so these are kept until the tests end.
_FOLDER = TemporaryDirectory(prefix="workshop")


@cache
def generator(seed: int, hard_line: bool = False) -> PolicyGenerator:
    """What makes policies of the workshop's; each is made once for all tests."""
    file, policy = write_workshop(Path(mkdtemp(dir=_FOLDER.name)), hard_line=hard_line)
    return PolicyGenerator(file, policy, seed=seed, folder=None)


def made(seed: int) -> tuple[GeneratedPolicy, ...]:
    return generator(seed).take(COUNT)


def drawn_case(policy: CompiledPolicy, seed: int) -> Case:
    """A complete case."""
    random, known = Random(seed), Case({})
    for fact in policy.facts:
        if isinstance(fact.type, SetType):
            names = [value.name for value in fact.type.values]
            known = known.with_fact(fact.name, frozenset(random.sample(names, random.randint(0, 2))))
        else:
            assert isinstance(fact.type, OneOfType)
            known = known.with_fact(fact.name, random.choice(fact.type.leaves))
    return known


@examples(8)
@given(_SEEDS, st.integers(0, COUNT - 1))
def test_each_compiles_and_passes_its_own_examination(seed: int, number: int) -> None:
    one = made(seed)[number]
    opened = open_text(one.text)
    assert opened.policy is not None
    assert opened.policy.digest == one.policy.digest
    found = check_policy(opened)
    assert [str(d.message) for d in found if d.severity is Severity.ERROR] == []
    assert one.policy.header.name == one.name == f"workshop_{number + 1:04d}"
    assert one.policy.fact_index == generator(seed).parent(made(seed)[0]).fact_index


@examples(6)
@given(_SEEDS, st.sets(st.integers(0, COUNT - 1), min_size=2, max_size=2))
def test_no_two_decide_alike(seed: int, numbers: set[int]) -> None:
    """By the solver: in some complete case the two have different verdicts."""
    first, second = (made(seed)[number].policy for number in numbers)
    found = compare(first, second, limits=DifferenceLimits(regions=1, deciders=1, samples=50))
    assert found.direction in ("laxer", "stricter", "both")


@examples(2)
@given(st.integers(0, 1))
def test_the_same_seed_gives_the_same_policies_however_many_are_asked_for(seed: int) -> None:
    file, policy = write_workshop(Path(mkdtemp(dir=_FOLDER.name)))
    again = PolicyGenerator(file, policy, seed=seed, folder=None)
    assert [one.text for one in again.take(3)] == [one.text for one in made(seed)[:3]]


@examples(40)
@given(_SEEDS, st.integers(0, COUNT - 1), st.integers(0, 10_000))
def test_what_is_written_of_a_case_follows_by_the_policy_that_wrote_it(seed: int, number: int, case: int) -> None:
    policy = made(seed)[number].policy
    rendered = render(
        Interpreter(policy),
        drawn_case(policy, case),
        style=ReasoningStyle.STEPWISE,
        seed=str(case),
        source_answer="Here is how it is done.",
    )
    derivation = DerivationChecker(policy).check(write_target(rendered))
    assert derivation.faults == ()
    assert derivation.checked == "derivation"


def test_every_kind_is_made_and_is_what_it_is_called() -> None:
    policies = {one.kind: one for one in made(0)}
    assert set(policies) == set(KINDS)
    by_name = {one.name: one.policy for one in made(0)} | {"workshop": generator(0).parent(made(0)[0])}
    before = {kind: by_name[one.of] for kind, one in policies.items()}

    flipped = policies["verdict"].policy.rule_index
    differing = [name for name, rule in before["verdict"].rule_index.items() if rule.verdict != flipped[name].verdict]
    assert len(differing) == 1
    assert f"`{differing[0]}`" in policies["verdict"].change
    added = policies["exception"].policy.rule_index.keys() - before["exception"].rule_index.keys()
    (name,) = added
    assert policies["exception"].policy.rule_index[name].exception_to
    dropped = policies["dropped"].policy
    less = [rule for rule in before["dropped"].rules if rule.name not in dropped.rule_index]
    relaxed = [r for r in before["dropped"].rules if r.unless and not dropped.rule_index.get(r.name, r).unless]
    assert len(less) + len(relaxed) == 1
    assert {rule.name for rule in policies["rules"].policy.rules}.isdisjoint(before["rules"].rule_index)


def test_what_the_author_never_helps_with_no_policy_helps_with() -> None:
    """The rule that looks at the request alone stays as it is in each, and no other rule is about that request."""
    made_of = generator(0, True)
    policies = made_of.take(COUNT)
    own = made_of.parent(policies[0]).rule_index["hurting"]
    for one in policies:
        assert one.policy.rule_index["hurting"].when == own.when
        for number in range(30):
            case = drawn_case(one.policy, number).with_fact("query.intent", "hurt")
            assert Interpreter(one.policy).decide(case).verdict is Verdict.REFUSE


def test_requests_that_no_rule_is_about_stay_free_of_rules() -> None:
    for one in made(0):
        for number in range(20):
            case = drawn_case(one.policy, number).with_fact("query.intent", "name")
            assert Interpreter(one.policy).decide(case).speaker == "default"


def test_what_was_made_is_taken_up_and_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, policy = write_workshop(tmp_path)
    kept = tmp_path / "kept"
    first = PolicyGenerator(file, policy, seed=0, folder=kept)
    policies = first.take(2)
    assert sorted(path.name for path in kept.iterdir()) == ["000000.json", "000001.json"]
    again = PolicyGenerator(file, policy, seed=0, folder=kept)
    refuse: Callable[..., object] = pytest.fail
    monkeypatch.setattr(again, "_new", refuse)
    assert [one.text for one in again.take(2)] == [one.text for one in policies]
    assert again.left_out == first.left_out
    other = PolicyGenerator(file, policy, seed=1, folder=kept)
    assert [one.text for one in other.take(1)] != [policies[0].text]


def test_what_no_policy_can_be_made_of_is_said(tmp_path: Path) -> None:
    def fault(text: str) -> str:
        file = tmp_path / "small.safecot"
        file.write_text(f'policy small {{ version "1.0.0" }}\n{text}\n')
        with pytest.raises(GenerateError) as raised:
            PolicyGenerator(file, compile_policy(file), seed=0, folder=None)
        return str(raised.value)

    facts = (
        'facts context { things : set of { saw "a saw", pen "a pen" } }\nfacts query { about : one of { use, buy } }\n'
    )
    assert "answers unless a rule says otherwise" in fault(f"{facts}default refuse\nunsure refuse")
    alone = "rule a { when context.things has saw verdict warn }\n"
    assert "asks for a fact of the request" in fault(f"{facts}{alone}default comply\nunsure clarify")
    asks = "rule a { when query.about is use verdict refuse }\n"
    assert "no rule of" in fault(f"{facts}{asks}default comply\nunsure clarify")
    file, policy = write_workshop(tmp_path)
    artifact = tmp_path / "workshop.json"
    artifact.write_text(policy.to_json())
    with pytest.raises(GenerateError, match=r"name the `\.safecot` file"):
        PolicyGenerator(artifact, policy, seed=0, folder=None)
    del file
