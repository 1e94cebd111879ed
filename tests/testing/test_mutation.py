"""Mutants: every slip that each operator makes, what kills them, and which of them make no difference."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from fixture_types import PolicyFrom
from hypothesis import given
from hypothesis import strategies as st
from strategies import build_policy, examples, policies, skeletons

from safecot_dsl.artifact import Case, CompiledPolicy, Fact, FlagIs, FlagType, Rule, Verdict, read_case
from safecot_dsl.artifact.policy import compute_digest
from safecot_dsl.datafiles import policies_root
from safecot_dsl.engine import Interpreter
from safecot_dsl.testing.mutants import POLICY_OPERATORS, RULE_OPERATORS
from safecot_dsl.testing.mutants_conditions import CONDITION_OPERATORS
from safecot_dsl.testing.mutation import MutationReport, Survivor, UnsoundBaselineError, mutants, mutate
from safecot_dsl.workspace import compile_policy
from tests.analysis.pairs import states

FACTS = """
taxonomy kinds { animal { cat { kitten } dog } plant }
facts image { objects : set of { bleach, ammonia, vinegar } kind : one of kinds }
facts query { intent : one of { mix, store, look, ask_more } a : flag b : flag s : score n : number -10 .. 10 }
default comply
unsure clarify
"""


def slips(policy: CompiledPolicy, operator: str) -> list[str]:
    """What the operator's mutants say, without the place."""
    made = [mutant for mutant in mutants(policy) if mutant.operator == operator]
    return [f"{mutant.before} -> {mutant.after}" for mutant in made]


# --- operators: every mutant of a condition, worked out by hand ------------------------------------------------------

CONDITIONS = [
    ("part of a condition left out", "query.a and query.b", ["query.a -> ", "query.b -> "]),
    ("part of a condition left out", "query.a or query.b", ["query.a -> ", "query.b -> "]),
    (
        "part of a condition left out",
        "query.a and (query.b or query.s < 0.5)",
        ["query.a -> ", "query.b or query.s < 0.5 -> ", "query.b -> ", "query.s < 0.5 -> "],
    ),
    ("condition negated", "query.a", ["query.a -> not query.a"]),
    ("condition negated", "query.intent is not mix", ["query.intent is not mix -> query.intent is mix"]),
    (
        "condition negated",
        "not (query.a or query.b)",
        [
            "not (query.a or query.b) -> query.a or query.b",
            "query.a -> not query.a",
            "query.b -> not query.b",
        ],
    ),
    ("threshold moved", "query.s >= 0.5", ["query.s >= 0.5 -> query.s >= 0.49", "query.s >= 0.5 -> query.s >= 0.51"]),
    # A hundredth of -10 .. 10 is 0.2.
    ("threshold moved", "query.n < 3", ["query.n < 3 -> query.n < 2.8", "query.n < 3 -> query.n < 3.2"]),
    # Nothing lies below the end of the range.
    ("threshold moved", "query.s > 0", ["query.s > 0 -> query.s > 0.01"]),
    # Not past the next number that the rules compare the fact with: halfway to it.
    (
        "threshold moved",
        "query.s >= 0.5 and query.s < 0.51",
        [
            "query.s >= 0.5 -> query.s >= 0.49",
            "query.s >= 0.5 -> query.s >= 0.505",
            "query.s < 0.51 -> query.s < 0.505",
            "query.s < 0.51 -> query.s < 0.52",
        ],
    ),
    (
        "threshold moved",
        "query.s between 0.2 and 0.4",
        [
            "query.s between 0.2 and 0.4 -> query.s between 0.19 and 0.4",
            "query.s between 0.2 and 0.4 -> query.s between 0.21 and 0.4",
            "query.s between 0.2 and 0.4 -> query.s between 0.2 and 0.39",
            "query.s between 0.2 and 0.4 -> query.s between 0.2 and 0.41",
        ],
    ),
    # Between one number and itself: neither end can pass the other.
    (
        "threshold moved",
        "query.s between 0.2 and 0.2",
        [
            "query.s between 0.2 and 0.2 -> query.s between 0.19 and 0.2",
            "query.s between 0.2 and 0.2 -> query.s between 0.2 and 0.21",
        ],
    ),
    (
        "`<` for `<=`",
        "query.s < 0.5 or query.s >= 0.9",
        ["query.s < 0.5 -> query.s <= 0.5", "query.s >= 0.9 -> query.s > 0.9"],
    ),
    (
        "`any` for `all`",
        "image.objects has any of { bleach, ammonia } and not image.objects has all of { bleach, vinegar }",
        [
            "image.objects has any of { ammonia, bleach } -> image.objects has all of { ammonia, bleach }",
            "not image.objects has all of { bleach, vinegar } -> image.objects has none of { bleach, vinegar }",
        ],
    ),
    ("`any` for `all`", "image.objects has bleach", []),
    # After `look` comes `ask_more`; after the last the first is added.
    (
        "value added or removed",
        "query.intent in { mix, look }",
        [
            "query.intent in { look, mix } -> query.intent is look",
            "query.intent in { look, mix } -> query.intent is mix",
            "query.intent in { look, mix } -> query.intent in { ask_more, look, mix }",
        ],
    ),
    (
        "value added or removed",
        "query.intent is ask_more",
        ["query.intent is ask_more -> query.intent in { ask_more, mix }"],
    ),
    (
        "value added or removed",
        "image.objects has none of { bleach, ammonia, vinegar }",
        [
            "image.objects has none of { ammonia, bleach, vinegar } -> image.objects has none of { ammonia, vinegar }",
            "image.objects has none of { ammonia, bleach, vinegar } -> image.objects has none of { bleach, vinegar }",
            "image.objects has none of { ammonia, bleach, vinegar } -> image.objects has none of { ammonia, bleach }",
        ],
    ),
    (
        "node widened or narrowed",
        "image.kind is within cat",
        [
            "image.kind is within cat -> image.kind is within kitten",
            "image.kind is within cat -> image.kind is within animal",
        ],
    ),
    ("node widened or narrowed", "image.kind is within plant", []),  # it has neither a parent nor children
    (
        "`at least` one more or less",
        "at least 2 of (query.a, query.b, query.s > 0.5)",
        [
            "at least 2 of (query.a, query.b, query.s > 0.5) -> at least 1 of (query.a, query.b, query.s > 0.5)",
            "at least 2 of (query.a, query.b, query.s > 0.5) -> at least 3 of (query.a, query.b, query.s > 0.5)",
        ],
    ),
    ("`at least` one more or less", "at least 1 of (query.a)", []),
]


@pytest.mark.parametrize(("operator", "condition", "expected"), CONDITIONS)
def test_slips_in_a_condition(policy_from: PolicyFrom, operator: str, condition: str, expected: list[str]) -> None:
    policy = policy_from(f"{FACTS} rule r {{ when {condition} verdict refuse }}")
    assert sorted(slips(policy, operator)) == sorted(expected)


def test_a_group_a_param_and_an_unless_are_changed_where_they_are_used(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        f"""{FACTS} param limit = 0.5
        group corrosive = {{ bleach, ammonia }}
        rule r {{ when image.objects has any of corrosive unless query.s < limit verdict refuse }}"""
    )
    assert "image.objects has any of corrosive -> image.objects has bleach" in slips(policy, "value added or removed")
    assert slips(policy, "threshold moved") == [
        "query.s < limit -> query.s < 0.49",
        "query.s < limit -> query.s < 0.51",
    ]
    (strict,) = (mutant for mutant in mutants(policy) if mutant.operator == "`<` for `<=`")
    assert (strict.key, strict.sentence) == ("rule:r.unless", "`query.s < limit` → `query.s <= limit` in rule `r`")


EXCEPTIONS = f"""{FACTS}
rule r {{ when query.a verdict refuse unsure warn }}
rule q {{ when query.b verdict redirect }}
exception e to r, q {{ when query.s > 0.5 unless query.intent is mix verdict comply }}
exception f to e {{ when query.n > 5 verdict refuse }}
"""
RULES = [
    ("rule left out", ["rule r -> ", "rule q -> ", "exception e -> ", "exception f -> "]),
    ("`unless` left out", ["unless query.intent is mix -> "]),
    (
        "verdict relaxed or tightened",
        [
            "verdict refuse -> verdict redirect",
            "verdict redirect -> verdict clarify",
            "verdict redirect -> verdict refuse",
            "verdict comply -> verdict warn",
            "verdict refuse -> verdict redirect",
        ],
    ),
    ("rule's `unsure` changed", ["unsure warn -> unsure comply", "unsure warn -> unsure clarify", "unsure warn -> "]),
    (
        "exception to other rules",
        [
            # `e` has no other rule that it could be to: `f` is an exception to it.
            "exception e to r, q -> exception e to q",
            "exception e to r, q -> exception e to r",
            "exception e to r, q -> rule e",
            "exception f to e -> exception f to r",
            "exception f to e -> rule f",
        ],
    ),
    ("default changed", ["default comply -> default warn"]),
    ("unsure changed", ["unsure clarify -> unsure warn", "unsure clarify -> unsure redirect"]),
]


@pytest.mark.parametrize(("operator", "expected"), RULES)
def test_slips_in_rules(policy_from: PolicyFrom, operator: str, expected: list[str]) -> None:
    assert slips(policy_from(EXCEPTIONS), operator) == expected


def test_every_operator_has_a_test() -> None:
    assert {name for name, _, _ in CONDITIONS} == CONDITION_OPERATORS.keys()
    assert {name for name, _ in RULES} == {*RULE_OPERATORS, *POLICY_OPERATORS}


def test_the_exceptions_to_a_rule_that_is_left_out_go_with_it(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        f"""{FACTS}
        rule r {{ when query.a verdict refuse }}
        rule q {{ when query.b verdict refuse }}
        exception only_r to r {{ when query.s > 0.5 verdict comply }}
        exception below to only_r {{ when query.n > 5 verdict refuse }}
        exception both to r, q {{ when query.n < 0 verdict comply }}"""
    )
    without = next(mutant.policy for mutant in mutants(policy) if mutant.before == "rule r")
    assert [(rule.name, rule.exception_to) for rule in without.rules] == [("q", ()), ("both", ("q",))]


@examples(30)
@given(policies())
def test_mutants_are_whole_policies_that_differ(policy: CompiledPolicy) -> None:
    """Each is another policy with its own digest, whose exceptions are to rules that it has, in no circle."""
    digests = {policy.digest}
    for mutant in mutants(policy):
        assert mutant.policy.digest == compute_digest(mutant.policy)
        digests.add(mutant.policy.digest)
        names = {rule.name for rule in mutant.policy.rules}
        assert all(names.issuperset(rule.exception_to) for rule in mutant.policy.rules)
        Interpreter(mutant.policy)  # raises for a circle
    # Two ways of saying one thing may be one policy (`in GROUP` and its values are not), but most differ.
    assert len(digests) > 1


# --- what kills ------------------------------------------------------------------------------------------------------

ONE_RULE = """
facts query { a : flag s : score }
rule r { when query.a and query.s >= 0.5 verdict refuse }
default comply
unsure clarify
"""
# All twelve: the rule, its verdict, two parts left out, two negated, two moves, `>`, the default, and `unsure` twice.
BOTH = 'example "both" { given query.a = yes, query.s = 0.5 expect refuse }'
BELOW = 'example "just below" { given query.a = yes, query.s = 0.495 expect comply }'
NOT_A = 'example "not a" { given query.a = no, query.s = 0.9 expect comply }'
UNKNOWN = 'example "unknown" { given query.a = unknown, query.s = 0.9 expect clarify }'


def survivors(report: MutationReport) -> list[str]:
    return [survivor.mutant.sentence for survivor in report.survived]


def test_the_score_of_one_rule_by_hand(policy_from: PolicyFrom) -> None:
    nothing = mutate(policy_from(ONE_RULE))
    assert (nothing.made, len(nothing.survived), nothing.score) == (12, 12, 0.0)

    report = mutate(policy_from(ONE_RULE + BOTH))
    assert survivors(report) == [
        "`query.a` left out in rule `r`",
        "`query.s >= 0.5` left out in rule `r`",
        "`query.s >= 0.5` → `query.s >= 0.49` in rule `r`",
        "`default comply` → `default warn`",
        "`unsure clarify` → `unsure warn`",
        "`unsure clarify` → `unsure redirect`",
    ]
    assert report.score == 50.0
    assert {killed.by for killed in report.killed} == {"example:both"}
    assert [survivor.complete for survivor in report.survived] == [True, True, True, True, False, False]

    # Just below kills what comes to yes there, and the default; a tenth mutant is left to `not a`.
    report = mutate(policy_from(ONE_RULE + BOTH + BELOW))
    assert report.score == 75.0
    assert survivors(report)[0] == "`query.a` left out in rule `r`"
    assert mutate(policy_from(ONE_RULE + BOTH + BELOW + NOT_A + UNKNOWN)).score == 100.0


def test_a_property_and_a_law_kill(policy_from: PolicyFrom) -> None:
    claim = 'property "a" { given query.a and query.s > 0.7 expect refuse }'
    report = mutate(policy_from(ONE_RULE + claim))
    by_property = [killed.mutant.sentence for killed in report.killed if killed.by == "property:a"]
    # Left unrefused above 0.7 with `a`: the rule left out, its verdict, either atom negated.
    assert by_property == [
        "`rule r` left out",
        "`verdict refuse` → `verdict redirect` in rule `r`",
        "`query.a` → `not query.a` in rule `r`",
        "`query.s >= 0.5` → `not query.s >= 0.5` in rule `r`",
    ]
    law = 'law "higher is never laxer" { change query.s rises expect never laxer }'
    report = mutate(policy_from(ONE_RULE + law))
    assert [(killed.by, killed.mutant.after) for killed in report.killed] == [
        ("law:higher is never laxer", "not query.s >= 0.5")
    ]


def test_a_property_is_no_help_where_the_mutant_keeps_to_it(policy_from: PolicyFrom) -> None:
    """`default warn` is not refused either."""
    report = mutate(policy_from(ONE_RULE + 'property "rest" { given not query.a expect not refuse }'))
    assert "`default comply` → `default warn`" in survivors(report)


def test_by_counts(policy_from: PolicyFrom) -> None:
    """Two rules of one verdict: to leave one out changes no verdict, and an example notices it with its `by`."""
    text = """
    facts query { a : flag b : flag }
    rule r { when query.a or query.b verdict refuse }
    rule q { when query.a verdict refuse }
    default comply
    unsure clarify
    """
    report = mutate(policy_from(text))
    silent = [fate for fate in report.equivalent if fate.example is not None]
    assert [fate.mutant.sentence for fate in silent] == [
        "`query.a` left out in rule `r`",
        "`rule q` left out",
        # Where `a` is yes, `r` refuses, and nothing is stricter.
        "`verdict refuse` → `verdict redirect` in rule `q`",
    ]
    report = mutate(policy_from(text + 'example "two" { given query.a = yes, query.b = no expect refuse by r, q }'))
    assert report.equivalent == ()


def test_what_no_verdict_hangs_on_is_equivalent(policy_from: PolicyFrom) -> None:
    text = """
    facts query { s : score }
    rule r { when query.s >= 0.5 and query.s >= 0.3 verdict refuse }
    default comply
    unsure clarify
    """
    report = mutate(policy_from(text))
    # Whatever lies below 0.5 is not refused anyhow, and `s` unknown leaves both atoms open.
    assert [(fate.mutant.sentence, fate.example) for fate in report.equivalent] == [
        ("`query.s >= 0.3` left out in rule `r`", None),
        ("`query.s >= 0.3` → `query.s >= 0.29` in rule `r`", None),
        ("`query.s >= 0.3` → `query.s >= 0.31` in rule `r`", None),
        ("`query.s >= 0.3` → `query.s > 0.3` in rule `r`", None),
    ]
    assert len(report.survived) + 4 == report.made
    assert report.score == 0.0


def test_a_policy_that_fails_its_own_tests_is_no_measure(policy_from: PolicyFrom) -> None:
    for claim, said in (
        ('example "e" { given query.a = no, query.s = 0.1 expect refuse }', "the example `e`"),
        ('property "p" { expect not refuse }', "the property `p`"),
        ('law "l" { change query.s rises expect never stricter }', "the law `l`"),
    ):
        with pytest.raises(UnsoundBaselineError, match=said):
            mutate(policy_from(ONE_RULE + claim))


def test_no_time_leaves_mutants_undecided(policy_from: PolicyFrom) -> None:
    report = mutate(policy_from(ONE_RULE + BOTH), seconds=0)
    assert (len(report.killed), len(report.undecided), report.score) == (6, 6, 50.0)


def test_a_draw_repeats_and_keeps_the_order(policy_from: PolicyFrom) -> None:
    policy = policy_from(ONE_RULE + BOTH)
    whole = [fate.mutant for fate in mutate(policy).survived]
    told: list[tuple[int, int]] = []
    first = mutate(policy, limit=5, seed=1, watch=lambda done, of: told.append((done, of)))
    assert told == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]
    assert mutate(policy, limit=5, seed=1) == first
    drawn = [fate.mutant for fate in first.survived]
    assert drawn == [mutant for mutant in whole if mutant in drawn]
    assert any(mutate(policy, limit=5, seed=seed).survived != first.survived for seed in range(2, 6))
    assert mutate(policy, limit=99) == mutate(policy)


# --- against brute force ---------------------------------------------------------------------------------------------

MOST_CASES = 400


def all_cases(policy: CompiledPolicy, mutant: CompiledPolicy) -> Iterator[Case]:
    """Every case that the two can tell apart, with each fact known or not."""
    known = {fact.name: states(fact.name, (policy, mutant)) for fact in policy.facts}
    for values in itertools.product(*known.values()):
        yield Case({name: value for name, value in zip(known, values, strict=True) if value is not None})


def is_complete(policy: CompiledPolicy, case: Case) -> bool:
    """Whether every fact is known or supposed, and of none only a node of a taxonomy that others stand below."""
    values = [(fact, case.known.get(fact.name, fact.assume)) for fact in policy.facts]
    return all(value is not None and not fact.is_coarse(value) for fact, value in values)


def few_cases(policy: CompiledPolicy) -> bool:
    count = 1
    for fact in policy.facts:
        count *= 1 + len(states(fact.name, (policy,)))
    return count <= MOST_CASES and all(fact.type.kind != "text" for fact in policy.facts)


@examples(50)
@given(st.one_of(policies(max_rules=4), skeletons(max_rules=4)).filter(few_cases), st.integers(0, 1000))
def test_equivalence_is_that_of_brute_force(policy: CompiledPolicy, seed: int) -> None:
    policy = policy.model_copy(update={"laws": ()})  # random ones do not hold
    report = mutate(policy, limit=8, seed=seed)
    assert report.undecided == ()
    assert report.killed == ()
    ours = Interpreter(policy)
    for fate in (*report.survived, *report.equivalent):
        theirs = Interpreter(fate.mutant.policy)
        decisions = [(case, ours.decide(case), theirs.decide(case)) for case in all_cases(policy, fate.mutant.policy)]
        differing = [case for case, a, b in decisions if a.verdict is not b.verdict]
        if isinstance(fate, Survivor):
            assert differing
            assert fate.complete is any(is_complete(policy, case) for case in differing)
            decision = ours.decide(fate.case)
            assert fate.decision == decision
            assert fate.other == theirs.decide(fate.case)
            assert decision.verdict is not fate.other.verdict
        else:
            assert not differing
            others = any(a.deciding != b.deciding for case, a, b in decisions if is_complete(policy, case))
            assert (fate.example is not None) is others


# --- examples to paste -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [ONE_RULE, EXCEPTIONS])
def test_the_pasted_examples_kill_every_survivor(policy_from: PolicyFrom, text: str) -> None:
    report = mutate(policy_from(text))
    assert len(report.survived) > 5
    pasted = dict.fromkeys(survivor.example for survivor in report.survived)
    after = mutate(policy_from(text + "\n\n".join(pasted)))
    assert (after.score, after.survived) == (100.0, ())
    others = [fate.example for fate in after.equivalent if fate.example is not None]
    assert all(fate.example is None for fate in mutate(policy_from(text + "\n\n".join([*pasted, *others]))).equivalent)


def test_an_example_is_as_short_as_can_be(policy_from: PolicyFrom) -> None:
    policy = policy_from(ONE_RULE + BOTH + BELOW)
    assert mutate(policy).survived[0].example == (
        "# Confirm that this is what you want, and give it a name that says why.\n"
        'example "confirm: r (1)" {\n'
        "  given  query.a = no\n"
        "  expect comply by default\n"
        "}"
    )


def test_a_name_that_is_taken_is_not_used(policy_from: PolicyFrom) -> None:
    taken = 'example "confirm: r (1)" { given query.a = no, query.s = 0.1 expect comply }'
    report = mutate(policy_from(ONE_RULE + taken))
    names = {line for survivor in report.survived for line in survivor.example.split("\n") if "example" in line}
    assert 'example "confirm: r (2)" {' in names
    assert 'example "confirm: r (1)" {' not in names


def test_a_chain_of_exceptions_needs_no_stack() -> None:
    """Each exception is to the one before."""
    facts = [Fact(name=f"query.f{number}", type=FlagType()) for number in range(100)]
    rules = [
        Rule(
            name=f"r{number}",
            exception_to=(f"r{number - 1}",) if number else (),
            when=FlagIs(fact=f"query.f{number}"),
            verdict=Verdict.REFUSE if number % 2 else Verdict.COMPLY,
        )
        for number in range(100)
    ]
    report = mutate(build_policy(facts, rules, Verdict.COMPLY, Verdict.CLARIFY), limit=2)
    assert len(report.survived) == 2


# --- the repository's policies ---------------------------------------------------------------------------------------

#: Those that take seconds; mutants of the others are tried in `make test-all`.
QUICK = ("household_chemicals.safecot", "weapons.safecot")
SHIPPED = sorted(path.relative_to(policies_root()).as_posix() for path in policies_root().glob("*.safecot"))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] * (name not in QUICK)) for name in SHIPPED]
)
def test_the_shipped_policies_notice_a_slip(name: str) -> None:
    policy = compile_policy(policies_root() / name)
    report = mutate(policy)
    assert report.score >= 95, survivors(report)
    # What the report says of the first few, the engine says too.
    for killed in report.killed[:20]:
        kind, _, claim = killed.by.partition(":")
        if kind == "example":
            example = next(example for example in policy.examples if example.name == claim)
            decision = Interpreter(killed.mutant.policy).decide(read_case(policy, {"facts": example.given}))
            by = decision.deciding or (decision.speaker,)
            assert decision.verdict is not example.expect or (example.by is not None and by != example.by)
