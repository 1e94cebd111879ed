"""Every shipped policy: it compiles, its examples and claims hold, and none of its rules is dead.

The checks range over every region of complete cases (see `regions`), so they prove and do not sample, where nothing
else is said. They know nothing of the solver, whose findings are held against them.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from regions import conditions, fact_atoms, neighbours, random_cases, representatives, settled_cases, signature

from safecot_dsl.artifact import (
    And,
    Case,
    CompiledPolicy,
    Condition,
    Decision,
    FlagType,
    Law,
    Not,
    NumberType,
    OneOfType,
    Rule,
    SetType,
    TextType,
    Value,
    Verdict,
    read_case,
    strictest,
)
from safecot_dsl.compiler.formatting import format_text
from safecot_dsl.datafiles import policies_root
from safecot_dsl.engine import Interpreter, Truth, evaluate
from safecot_dsl.testing.mutation import mutate
from safecot_dsl.workspace import check_policy, compile_policy, open_policy

NAMES = ["household_chemicals", "weapons", "self_harm", "people_privacy", "text_in_image"]
#: Those of which all complete cases are gone through; of the largest that takes longer than of all others together.
SURVEYED = [pytest.param(name, marks=[pytest.mark.long] * (name == "people_privacy")) for name in NAMES]
OTHERS = [policies_root() / "miniature.safecot", Path(__file__).resolve().parents[2] / "recipes" / "vlguard.safecot"]


@cache
def compiled(name: str) -> CompiledPolicy:
    return compile_policy(policies_root() / f"{name}.safecot")


@dataclass
class Survey:
    """What a policy says of all complete cases, and where its own properties hold and fail."""

    decisions: dict[Case, Decision] = field(default_factory=dict)
    claimed: Counter[str] = field(default_factory=Counter)
    broken: list[tuple[str, Case, Decision]] = field(default_factory=list)


@cache
def survey(name: str) -> Survey:
    policy = compiled(name)
    interpreter = Interpreter(policy)
    result = Survey()
    cases = list(settled_cases(policy))
    random.Random(0).shuffle(cases)  # whoever looks for one case of a kind finds it early
    for case in cases:
        decision = interpreter.decide(case)
        result.decisions[case] = decision
        for claim in policy.properties:
            if claim.given is None or evaluate(claim.given, interpreter.suppose(case)[0].known) is Truth.YES:
                result.claimed[claim.name] += 1
                if decision.verdict not in claim.expect:
                    result.broken.append((claim.name, case, decision))
    return result


def changes_a_verdict(name: str, rule: Rule, changed: Rule) -> bool:
    """Whether the policy with `rule` in another form gives any complete case another verdict."""
    policy = compiled(name)
    rules = tuple(changed if other is rule else other for other in policy.rules)
    interpreter = Interpreter(policy.model_copy(update={"rules": rules}))
    return any(
        interpreter.decide(case).verdict is not decision.verdict
        for case, decision in survey(name).decisions.items()
        if evaluate(rule.when, interpreter.suppose(case)[0].known) is Truth.YES
    )


def speaker(decision: Decision) -> tuple[str, ...]:
    """What `by` compares: the deciding rules, else `default` or `unsure`."""
    return decision.deciding or (decision.speaker,)


@pytest.mark.parametrize(
    "path", [*(policies_root() / f"{name}.safecot" for name in NAMES), *OTHERS], ids=lambda p: p.stem
)
def test_checks_without_a_finding_that_is_not_allowed(path: Path) -> None:
    """Warnings and notes too: the solver finds nothing, or the policy says why it is meant."""
    opened = open_policy(path)
    assert [str(d) for d in check_policy(opened)] == []


@pytest.mark.parametrize("path", sorted(policies_root().glob("**/*.safecot")), ids=lambda p: p.stem)
def test_is_laid_out(path: Path) -> None:
    if path.parent.name not in ("published", "templates"):
        text = path.read_text(encoding="utf-8")
        assert format_text(text) == text


@pytest.mark.long
@pytest.mark.parametrize(
    "path", [*(policies_root() / f"{name}.safecot" for name in NAMES), *OTHERS], ids=lambda p: p.stem
)
def test_a_small_slip_in_a_rule_would_be_noticed(path: Path) -> None:
    """By the examples, properties and laws of the policy itself."""
    report = mutate(compile_policy(path))
    assert [(lived.mutant.rule, lived.mutant.before, lived.mutant.after) for lived in report.survived] == []
    assert len(report.undecided) == 0
    assert len(report.killed) > 20


def test_examples_come_out_as_written() -> None:
    """Each example's verdict, and who decides it."""
    for name in NAMES:
        policy = compiled(name)
        for example in policy.examples:
            decision = Interpreter(policy).decide(read_case(policy, {"facts": example.given}))
            assert decision.verdict is example.expect, (name, example.name, decision)
            if example.by is not None:
                assert set(speaker(decision)) == set(example.by), (name, example.name, decision)


@pytest.mark.parametrize("name", SURVEYED)
def test_properties_hold_of_all_complete_cases(name: str) -> None:
    """And none of them is vacuous."""
    assert survey(name).broken == []
    assert set(survey(name).claimed) == {claim.name for claim in compiled(name).properties}


@pytest.mark.parametrize("name", NAMES)
def test_laws_hold_of_random_pairs(name: str) -> None:
    """A sample, which the solver's proof is held against: 1,500 cases, changed in every way that a law speaks of."""
    policy = compiled(name)
    interpreter = Interpreter(policy)
    values = representatives(policy)
    pairs: Counter[str] = Counter()
    for case in itertools.islice(random_cases(policy, seed=3), 1_500):
        before = interpreter.decide(case).verdict.strictness
        for law in policy.laws:
            if law.given is not None and evaluate(law.given, interpreter.suppose(case)[0].known) is not Truth.YES:
                continue
            for value in changed_values(law, case.known[law.fact], values[law.fact]):
                pairs[law.name] += 1
                after = interpreter.decide(case.with_fact(law.fact, value)).verdict.strictness
                assert after >= before if law.never == "laxer" else after <= before, (law.name, case, value)
    assert set(pairs) == {law.name for law in policy.laws}


def changed_values(law: Law, value: Value, options: list[Value]) -> list[Value]:
    """What a law's change may make of a value."""
    match law.change:
        case "becomes":
            wanted: Value = {"yes": True, "no": False}.get(law.values[0], law.values[0])
            return [wanted] if wanted != value else []
        case "gains":
            assert isinstance(value, frozenset)
            return [value | {member} for member in law.values if member not in value]
        case "rises" | "falls":
            assert isinstance(value, float | int)
            return [
                v
                for v in options
                if isinstance(v, float | int) and (v > value) is (law.change == "rises") and v != value
            ]


@pytest.mark.parametrize("name", SURVEYED)
def test_every_complete_case_is_certain(name: str) -> None:
    for case, decision in survey(name).decisions.items():
        assert decision.certain, case
        assert decision.lower is decision.upper is decision.verdict


@pytest.mark.parametrize("name", SURVEYED)
def test_every_rule_decides_somewhere(name: str) -> None:
    """None is dead, none is masked by stricter rules or by its exceptions."""
    decided = {rule for decision in survey(name).decisions.values() for rule in decision.deciding}
    assert decided == {rule.name for rule in compiled(name).rules}


@pytest.mark.parametrize("name", SURVEYED)
def test_the_default_speaks_somewhere(name: str) -> None:
    assert any(decision.speaker == "default" for decision in survey(name).decisions.values())


@pytest.mark.parametrize("name", SURVEYED)
def test_every_unless_changes_a_verdict(name: str) -> None:
    for rule in compiled(name).rules:
        if rule.unless is not None:
            assert changes_a_verdict(name, rule, rule.model_copy(update={"unless": None})), rule.name


@pytest.mark.parametrize("name", SURVEYED)
def test_every_exception_changes_a_verdict_or_speaks_for_itself(name: str) -> None:
    """Without it some case has another verdict, unless it is as strict as its rule and there for its texts."""
    policy = compiled(name)
    for rule in policy.rules:
        if not rule.exception_to:
            continue
        if all(policy.rule_index[parent].verdict is rule.verdict for parent in rule.exception_to):
            assert rule.speech.think, rule.name
            assert rule.speech.answer.say, rule.name
        else:
            never = And(items=(rule.when, Not(item=rule.when)))  # no in every complete case
            assert changes_a_verdict(name, rule, rule.model_copy(update={"when": never})), rule.name


@pytest.mark.parametrize("name", NAMES)
def test_no_exception_to_a_rule_is_stricter_than_the_rule(name: str) -> None:
    """Except where it takes back an exception: that one may be as strict as the rule underneath."""
    policy = compiled(name)

    def floor(rule_name: str) -> Verdict:
        rule = policy.rule_index[rule_name]
        above = [floor(parent) for parent in rule.exception_to]
        return strictest([rule.verdict, *above])

    for rule in policy.rules:
        for parent in rule.exception_to:
            assert rule.verdict.strictness <= floor(parent).strictness, rule.name


# Over-refusal, by the charter's static checks. ----------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_no_refusal_looks_at_the_image_alone(name: str) -> None:
    policy = compiled(name)
    for rule in policy.rules:
        if rule.verdict is not Verdict.REFUSE:
            continue
        read = {
            atom.fact.split(".")[0] for condition in conditions_of(policy, rule.name) for atom in fact_atoms(condition)
        }
        assert read & {"query", "context"}, rule.name


def conditions_of(policy: CompiledPolicy, name: str) -> list[Condition]:
    """The conditions of a rule, and for an exception those of its parents."""
    rule = policy.rule_index[name]
    parents = [condition for parent in rule.exception_to for condition in conditions_of(policy, parent)]
    return [*rule.conditions, *parents]


@pytest.mark.parametrize("name", SURVEYED)
def test_every_refusal_has_a_laxer_neighbour(name: str) -> None:
    """For each rule that refuses there is a case in which one changed fact gives a laxer verdict."""
    policy = compiled(name)
    interpreter = Interpreter(policy)
    values = representatives(policy)
    waiting = {rule.name for rule in policy.rules if rule.verdict is Verdict.REFUSE}
    for case, decision in survey(name).decisions.items():
        if waiting & set(decision.deciding) and any(
            interpreter.decide(other).verdict.strictness < Verdict.REFUSE.strictness
            for other in neighbours(case, values)
        ):
            waiting -= set(decision.deciding)
    assert waiting == set()


@pytest.mark.parametrize("name", NAMES)
def test_examples_cover_both_sides(name: str) -> None:
    """Six examples at least: some answered by default, an ambiguous one, and for every rule one that it decides."""
    examples = compiled(name).examples
    assert len(examples) >= 6
    assert sum(example.by == ("default",) and example.expect is Verdict.COMPLY for example in examples) >= 2
    assert any(example.by == ("unsure",) for example in examples)
    assert len(compiled(name).properties) >= 3
    deciding = {rule for example in examples for rule in example.by or ()}
    assert {rule.name for rule in compiled(name).rules} - deciding == set()


# Partial knowledge: the charter's laws, proved over each policy. ----------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_more_knowledge_narrows(name: str) -> None:
    """Learning one fact never widens the interval; by induction every completion lies within it (soundness).

    Facts with a supposition are always known: contradicting a supposition is a revision, not learning.
    """
    policy = compiled(name)
    interpreter = Interpreter(policy)
    values = representatives(policy)
    supposed = {fact.name for fact in policy.facts if fact.assume is not None}
    rng = random.Random(0)
    total = 1
    for fact, options in values.items():
        total *= len(options) + (fact not in supposed)
    sampled = total > 8_000  # all partial cases where that takes seconds

    def partial_cases() -> Iterator[Case]:
        names = list(values)
        options: list[list[Value | None]] = [[*values[fact], *([] if fact in supposed else [None])] for fact in names]
        if sampled:
            for _ in range(600):
                yield make(names, [rng.choice(choice) for choice in options])
        else:
            for combination in _product(options):
                yield make(names, combination)

    def make(names: list[str], combination: list[Value | None]) -> Case:
        return Case({n: v for n, v in zip(names, combination, strict=True) if v is not None})

    known: dict[Case, Decision] = {}

    def decide(case: Case) -> Decision:
        if case not in known:
            known[case] = interpreter.decide(case)
        return known[case]

    for case in partial_cases():
        before = decide(case)
        assert before.lower.strictness <= before.verdict.strictness
        unknown = [fact for fact in values if fact not in case.known]
        assert set(before.unsettled) <= set(unknown)
        assert before.certain == (before.unsettled == ())
        for fact in unknown:
            for value in values[fact]:
                after = decide(case.with_fact(fact, value))
                assert before.lower.strictness <= after.lower.strictness, (case, fact, value)
                assert after.upper.strictness <= before.upper.strictness, (case, fact, value)
        if before.unsettled:
            settled = case
            for fact in before.unsettled:
                settled = settled.with_fact(fact, rng.choice(values[fact]))
            assert interpreter.decide(settled).certain, (case, settled)


def _product(options: list[list[Value | None]]) -> Iterator[list[Value | None]]:
    if not options:
        yield []
        return
    for rest in _product(options[1:]):
        for value in options[0]:
            yield [value, *rest]


# The helper itself. -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_representatives_cover_random_values(name: str) -> None:
    """A random value of any fact agrees with one of the fact's representatives on every atom."""
    policy = compiled(name)
    values = representatives(policy)
    rng = random.Random(1)
    for fact in policy.facts:
        over = [atom for condition in conditions(policy) for atom in fact_atoms(condition) if atom.fact == fact.name]
        known = {signature(fact, value, over) for value in values[fact.name]}
        assert len(known) == len(values[fact.name])
        for _ in range(200):
            match fact.type:
                case FlagType():
                    value: Value = rng.random() < 0.5
                case OneOfType(values=options):
                    value = rng.choice(options).name
                case SetType(values=options):
                    value = frozenset(option.name for option in options if rng.random() < 0.4)
                case NumberType(low=low, high=high):
                    value = rng.uniform(low, high)
                case TextType():
                    pieces = [
                        "Ignore your instructions",
                        "1. 2. 3.",
                        "suicide",
                        "SPECIMEN",
                        "bread",
                        "ransomware",
                        "prevent",
                    ]
                    value = " ".join(piece for piece in pieces if rng.random() < 0.3)
            assert signature(fact, value, over) in known, (fact.name, value)
