"""Shares of sampled cases: exact where the policy is simple enough to count by hand, and those of the interpreter."""

from __future__ import annotations

from random import Random

from fixture_types import PolicyFrom
from hypothesis import given
from strategies import examples, policies

from safecot_dsl.analysis.coverage import coverage
from safecot_dsl.analysis.draws import ValueDraws
from safecot_dsl.analysis.encoding import Encoding
from safecot_dsl.analysis.findings import analyse
from safecot_dsl.artifact import Case, CompiledPolicy, Verdict
from safecot_dsl.engine import Interpreter


def test_shares_are_near_what_can_be_counted(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        """facts query { a : flag b : one of { x, y, z, w } n : score t : text }
        rule half { when query.a verdict refuse }
        rule quarter { when query.b is x verdict redirect }
        rule third { when query.n >= 0.2 and query.n < 0.3 verdict warn }
        rule looked_for { when query.t contains "x" verdict warn }
        default comply unsure clarify"""
    )
    result = coverage(policy, samples=20_000)
    # refuse 1/2; redirect 1/4 of the rest; warn 1/3 or 1/2 of the rest; the default the remainder.
    expected = {
        Verdict.REFUSE: 1 / 2,
        Verdict.REDIRECT: 1 / 8,
        Verdict.CLARIFY: 0.0,
        Verdict.WARN: 3 / 8 * (1 - 2 / 3 * 1 / 2),
        Verdict.COMPLY: 3 / 8 * 2 / 3 * 1 / 2,
    }
    for verdict, share in expected.items():
        low, high = result.verdicts[verdict].interval
        assert low - 0.01 <= share <= high + 0.01
    assert result.default == result.verdicts[Verdict.COMPLY]
    assert sum(share.count for share in result.verdicts.values()) == 20_000


@examples(60)
@given(policies())
def test_columns_decide_as_the_interpreter(policy: CompiledPolicy) -> None:
    samples = 50
    result = coverage(policy, samples=samples, seed=7)
    random, draws = Random(7), ValueDraws(Encoding(policy))
    drawn = {fact.name: [draws.value(fact.name, random) for _ in range(samples)] for fact in policy.facts}
    interpreter = Interpreter(policy)
    counts = dict.fromkeys(Verdict, 0)
    rules = dict.fromkeys((rule.name for rule in policy.rules), 0)
    default = 0
    for index in range(samples):
        decision = interpreter.decide(Case({name: values[index] for name, values in drawn.items()}))
        counts[decision.verdict] += 1
        default += decision.speaker == "default"
        for name in decision.deciding:
            rules[name] += 1
    assert {verdict: share.count for verdict, share in result.verdicts.items()} == counts
    assert {name: share.count for name, share in result.rules.items()} == rules
    assert result.default.count == default


def test_equal_seeds_draw_equal_cases(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        "facts query { a : flag n : score } rule r { when query.a and query.n > 0.5 verdict warn } "
        "default comply unsure warn"
    )
    assert coverage(policy, seed=1, samples=500) == coverage(policy, seed=1, samples=500)
    assert coverage(policy, seed=1, samples=500) != coverage(policy, seed=2, samples=500)


def test_the_share_of_the_default_is_a_note_where_it_is_sampled(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        "facts query { a : flag b : flag } rule r { when query.a verdict refuse unsure refuse } "
        "rule s { when query.a and query.b and not query.a verdict warn } default comply unsure warn"
    )
    assert [f.code for f in analyse(policy) if f.code == "SC1106"] == []
    (finding,) = [f for f in analyse(policy, covered=coverage(policy)) if f.code == "SC1106"]
    assert finding.message.startswith("`default comply` decides ")
    assert finding.notes[1] == "decided none of them: `s`"
