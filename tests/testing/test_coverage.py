"""Rule coverage: goals worked out by hand, and held against an evaluation of every case."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import pytest
from fixture_types import PolicyFrom
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples, policies, skeletons

from safecot_dsl.artifact import (
    And,
    AtLeast,
    Case,
    CompiledPolicy,
    Condition,
    Not,
    Or,
    Rule,
    Value,
    atoms,
)
from safecot_dsl.datafiles import policies_root
from safecot_dsl.engine import Interpreter, Truth, evaluate
from safecot_dsl.testing.coverage import GoalKind, RuleCoverage, rule_coverage
from safecot_dsl.testing.coverage_goals import Turns
from safecot_dsl.workspace import compile_policy
from tests.analysis.pairs import complete_cases, count_cases, states

ONE_RULE = """
facts query { a : flag b : flag c : flag }
rule r { when query.a and (query.b or query.c) verdict refuse }
default comply
unsure clarify
"""


def example(expect: str, **facts: str) -> str:
    given = ", ".join(f"query.{name} = {value}" for name, value in facts.items())
    return f'example "{given}" {{ given {given} expect {expect} }}\n'


def met(coverage: RuleCoverage, status: str = "covered") -> set[str]:
    return {item.goal.text for item in coverage.items if item.status == status}


def test_nothing_is_covered_by_nothing(policy_from: PolicyFrom) -> None:
    coverage = rule_coverage(policy_from(ONE_RULE))
    assert coverage.percent == 0.0
    # The rule, three atoms both ways, `default` and `unsure`.
    assert coverage.reachable == len(coverage.items) == 9
    assert [coverage.of(kind).reachable for kind in GoalKind] == [1, 0, 6, 1, 1]


def test_an_atom_counts_where_the_rule_hangs_on_it(policy_from: PolicyFrom) -> None:
    # With `b`, `c` is masked: whatever it is, the rule applies.
    coverage = rule_coverage(policy_from(ONE_RULE + example("refuse", a="yes", b="yes", c="no")))
    assert met(coverage) == {"rule `r` decides", "`query.a` yes, in rule `r`", "`query.b` yes, in rule `r`"}

    # With both of them, neither alone decides; `a` does.
    coverage = rule_coverage(policy_from(ONE_RULE + example("refuse", a="yes", b="yes", c="yes")))
    assert met(coverage) == {"rule `r` decides", "`query.a` yes, in rule `r`"}

    # Without `a`, the others are masked.
    coverage = rule_coverage(policy_from(ONE_RULE + example("comply", a="no", b="no", c="yes")))
    assert met(coverage) == {"`default` decides", "`query.a` no, in rule `r`"}

    # Neither `b` nor `c`: with either the rule would apply.
    coverage = rule_coverage(policy_from(ONE_RULE + example("comply", a="yes", b="no", c="no")))
    assert met(coverage) == {"`default` decides", "`query.b` no, in rule `r`", "`query.c` no, in rule `r`"}


def test_what_is_unknown_is_neither_yes_nor_no(policy_from: PolicyFrom) -> None:
    # `b` is yes whatever `c` is; `a` cannot be told.
    coverage = rule_coverage(policy_from(ONE_RULE + example("clarify", a="unknown", b="yes")))
    assert met(coverage) == {"`unsure` decides"}
    # The rule applies for certain, and would not without `a`; without `b` nobody could say.
    coverage = rule_coverage(policy_from(ONE_RULE + example("refuse", a="yes", b="yes")))
    assert met(coverage) == {"rule `r` decides", "`query.a` yes, in rule `r`"}


EXCEPTION = """
facts query { a : flag b : flag c : flag }
rule r { when query.a verdict refuse unsure warn }
exception e to r { when query.b unless query.c verdict comply }
default comply
unsure clarify
"""


def test_an_exception_counts_where_its_rule_applies(policy_from: PolicyFrom) -> None:
    coverage = rule_coverage(policy_from(EXCEPTION + example("comply", a="no", b="yes", c="no")))
    assert met(coverage) == {"`default` decides", "`query.a` no, in rule `r`"}
    coverage = rule_coverage(policy_from(EXCEPTION + example("comply", a="yes", b="yes", c="no")))
    assert met(coverage) == {
        "exception `e` decides",
        "`query.a` yes, in rule `r`",
        "`query.b` yes, in rule `e`",
        "`query.c` no, in rule `e`",
    }
    coverage = rule_coverage(policy_from(EXCEPTION + example("refuse", a="yes", b="yes", c="yes")))
    assert met(coverage) == {
        "rule `r` decides",
        "`query.a` yes, in rule `r`",
        "`query.c` yes, in rule `e`",
    }


def test_a_rules_own_unsure_counts_where_it_matters(policy_from: PolicyFrom) -> None:
    coverage = rule_coverage(policy_from(EXCEPTION + example("warn", a="unknown", b="no")))
    assert {"`unsure` decides", "the `unsure` of rule `r` counts"} <= met(coverage)
    # `q` refuses for certain, and `r` is not stricter: the case is certain.
    strict = EXCEPTION + "rule q { when query.c verdict refuse }\n"
    coverage = rule_coverage(policy_from(strict + example("refuse", a="unknown", b="no", c="yes")))
    assert met(coverage) == {"rule `q` decides", "`query.c` yes, in rule `q`"}


def test_what_no_case_can_exercise_does_not_count(policy_from: PolicyFrom) -> None:
    text = """
    facts query { s : score a : flag }
    rule r { when query.s >= 0.5 and query.s >= 0.3 verdict refuse }
    rule never { when query.a and not query.a verdict refuse }
    default comply
    unsure clarify
    """
    coverage = rule_coverage(policy_from(text))
    assert [item.goal.text for item in coverage.items if item.status == "unreachable"] == [
        # No number is below 0.3 and at least 0.5.
        "`query.s >= 0.3` no, in rule `r`",
        "rule `never` decides",
        # `a and not a`: where `a` is yes, the second masks the first; where it is no, the first the second.
        "`query.a` yes, in rule `never`",
        "`query.a` no, in rule `never`",
    ]
    assert coverage.reachable == len(coverage.items) - 4


@pytest.mark.parametrize(
    ("rules", "speaker"),
    [
        ("rule r { when query.c in { red, blue } verdict comply }", "`default` decides"),
        (
            "rule r { when query.a verdict refuse } exception e to r { when query.c in { red, blue } verdict refuse }",
            "rule `r` decides",
        ),
    ],
)
def test_what_only_a_case_exercises_in_which_something_is_unknown_counts(
    policy_from: PolicyFrom, rules: str, speaker: str
) -> None:
    """A condition that is yes of every value is maybe where the value is unknown."""
    text = f"facts query {{ a : flag c : one of {{ red, blue }} }} {rules} default comply unsure clarify"
    missing = {item.goal.text: item for item in rule_coverage(policy_from(text)).items if item.status == "missing"}
    assert speaker in missing
    pasted = missing[speaker].example
    assert pasted is not None
    assert "query.c" not in pasted
    assert speaker in met(rule_coverage(policy_from(f"{text}\n{pasted}")))
    # Once it is known, somebody else speaks.
    known = [Case({"query.a": a, "query.c": c}) for a in (True, False) for c in ("red", "blue")]
    assert speaker not in met(rule_coverage(policy_from(text), known))


def test_no_time_leaves_goals_undecided(policy_from: PolicyFrom) -> None:
    coverage = rule_coverage(policy_from(ONE_RULE), seconds=0)
    assert (coverage.count("undecided"), coverage.percent) == (9, 0.0)


def test_other_cases_can_be_given(policy_from: PolicyFrom) -> None:
    policy = policy_from(ONE_RULE + example("refuse", a="yes", b="yes", c="yes"))
    cases = [Case({"query.a": False, "query.b": True, "query.c": True})] * 3
    coverage = rule_coverage(policy, cases)
    assert met(coverage) == {"`default` decides", "`query.a` no, in rule `r`"}
    assert {item.cases for item in coverage.items} == {0, 3}


def test_the_pasted_examples_exercise_everything(policy_from: PolicyFrom) -> None:
    for text in (ONE_RULE, EXCEPTION):
        coverage = rule_coverage(policy_from(text))
        pasted = dict.fromkeys(item.example for item in coverage.items if item.example is not None)
        after = rule_coverage(policy_from(text + "\n\n".join(pasted)))
        assert after.percent == 100.0
        assert len(pasted) < coverage.reachable  # one example serves several goals


@pytest.mark.parametrize("name", sorted(path.name for path in policies_root().glob("*.safecot")))
def test_the_shipped_policies_exercise_their_rules(name: str) -> None:
    coverage = rule_coverage(compile_policy(policies_root() / name))
    for kind in (GoalKind.RULE, GoalKind.EXCEPTION, GoalKind.DEFAULT):
        assert coverage.of(kind).percent == 100.0
    assert coverage.percent >= 90, met(coverage, "missing")


# --- against an evaluation of every case -----------------------------------------------------------------------------


def holds(condition: Condition, known: Mapping[str, Value], turned: int | None) -> bool:
    """The condition in plain Boolean logic, with the `turned`-th of its atoms the other way."""
    places = itertools.count()

    def walk(part: Condition) -> bool:
        match part:
            case Not(item=item):
                return not walk(item)
            case And(items=items) | Or(items=items) | AtLeast(items=items):
                count = sum([walk(item) for item in items])
                least = {And: len(items), Or: 1}.get(type(part), getattr(part, "count", 0))
                return count >= least
            case atom:
                return (evaluate(atom, known) is Truth.YES) != (next(places) == turned)

    return walk(condition)


def applies(policy: CompiledPolicy, rule: Rule, known: Mapping[str, Value], turned: int | None = None) -> bool:
    """Whether a rule applies to a complete case, with one of its own atoms turned."""
    in_when = len(list(atoms(rule.when)))
    own = holds(rule.when, known, turned)
    if rule.unless is not None:
        own = own and not holds(rule.unless, known, None if turned is None else turned - in_when)
    above = [policy.rule_index[name] for name in rule.exception_to]
    return own and (not above or any(applies(policy, parent, known) for parent in above))


def partial_cases(policy: CompiledPolicy) -> Iterator[Case]:
    """Every case that the policy can tell apart, with any facts unknown."""
    names = [fact.name for fact in policy.facts]
    for values in itertools.product(*(states(name, (policy,)) for name in names)):
        yield Case({name: value for name, value in zip(names, values, strict=True) if value is not None})


@examples(60)
@given(st.one_of(policies(max_rules=4), skeletons(max_rules=4)).filter(lambda p: count_cases(p) <= 300))
def test_goals_are_those_of_brute_force(policy: CompiledPolicy) -> None:
    interpreter = Interpreter(policy)
    cases = list(complete_cases(policy))
    decisions = [interpreter.decide(case) for case in cases]
    coverage = rule_coverage(policy, [])
    # A node that others stand below leaves something open wherever it is given, whatever is supposed.
    some = any(fact.assume is None or getattr(fact.type, "coarse", ()) for fact in policy.facts)
    texts = any(fact.type.kind == "text" for fact in policy.facts)
    places = {rule.name: itertools.count() for rule in policy.rules}
    for item in coverage.items:
        goal = item.goal
        if isinstance(goal, Turns):
            place = next(places[goal.rule.name]) // 2
            of_atom = [case for case in cases if (evaluate(goal.atom, case.known) is Truth.YES) is goal.yes]
            expected = [
                case
                for case in of_atom
                if applies(policy, goal.rule, case.known) != applies(policy, goal.rule, case.known, place)
            ]
            assert [case for case in cases if goal.met(interpreter.trace(case))] == expected
        elif goal.kind is GoalKind.UNSURE:
            continue
        elif goal.rule is not None:
            expected = [c for c, d in zip(cases, decisions, strict=True) if goal.rule.name in d.deciding]
        else:
            expected = [c for c, d in zip(cases, decisions, strict=True) if d.speaker == "default"]
        if texts:  # of which the cases are only some
            continue
        if not expected and not isinstance(goal, Turns):
            # Perhaps as long as something is unknown: a condition that is yes of every value is maybe of none.
            expected = [
                case for case in partial_cases(policy) if goal.met(t := interpreter.trace(case)) and t.decision.certain
            ]
        assert item.status == ("missing" if expected else "unreachable")
    assert some or coverage.of(GoalKind.UNSURE).reachable == 0  # nothing is ever unknown
