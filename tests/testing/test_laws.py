"""The laws as a library: they hold where they must, fail where they must, and show how."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from fixture_types import PolicyFrom
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.artifact import (
    Case,
    CompiledPolicy,
    Decision,
    Fact,
    FlagIs,
    FlagType,
    Rule,
    Verdict,
    read_case,
    strictest,
)
from safecot_dsl.datafiles import policies_root
from safecot_dsl.engine import Interpreter
from safecot_dsl.testing import laws
from safecot_dsl.testing.laws_trials import PolicyUnderTest
from safecot_dsl.workspace import compile_policy
from tests.strategies import build_policy, examples, policies, skeletons

SHIPPED = sorted(path.stem for path in policies_root().glob("*.safecot"))


def complete_cases(policy: CompiledPolicy) -> list[Case]:
    """Every complete case of a policy whose facts are flags."""
    names = [fact.name for fact in policy.facts]
    return [
        Case(dict(zip(names, values, strict=True))) for values in itertools.product((False, True), repeat=len(names))
    ]


def flags(*rules: Rule, default: Verdict = Verdict.COMPLY) -> CompiledPolicy:
    """A policy whose facts are the flags that its rules read."""
    names = sorted({rule.when.fact for rule in rules})  # type: ignore[union-attr]
    return build_policy([Fact(name=name, type=FlagType()) for name in names], rules, default, Verdict.CLARIFY)


def rule(name: str, verdict: str, *exception_to: str, flag: str | None = None) -> Rule:
    """A rule that applies where a flag of its own is yes."""
    return Rule(
        name=name, exception_to=exception_to, when=FlagIs(fact=f"query.{flag or name}"), verdict=Verdict(verdict)
    )


def verdict_of(policy: CompiledPolicy, case: Case) -> Verdict:
    return Interpreter(policy).decide(case).verdict


# --- where they hold -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHIPPED)
def test_the_laws_hold_of_shipped_policies(name: str) -> None:
    laws.check(compile_policy(policies_root() / f"{name}.safecot"), examples=examples(40).max_examples)


def hold_of(policy: CompiledPolicy, claims: Sequence[laws.PolicyLaw], data: st.DataObject, times: int) -> None:
    bench = PolicyUnderTest(policy)
    for law in claims:
        tried = law.trials(bench)
        for _ in range(times):
            trial = data.draw(tried)
            assert trial.fault is None, trial


@examples(60)
@given(st.one_of(policies(), skeletons()), st.data())
def test_the_laws_of_the_language_hold_of_random_policies(policy: CompiledPolicy, data: st.DataObject) -> None:
    hold_of(policy, laws.LANGUAGE, data, 3)


@pytest.mark.long
@examples(1000)
@given(st.one_of(policies(), skeletons()), st.data())
def test_the_laws_of_the_language_hold_of_many_random_policies(policy: CompiledPolicy, data: st.DataObject) -> None:
    hold_of(policy, laws.LANGUAGE, data, 5)


def test_a_policy_without_facts_or_rules_keeps_the_laws() -> None:
    laws.check(build_policy([], [], Verdict.COMPLY, Verdict.CLARIFY), examples=3)


DOCS = Path(__file__).parents[2] / "docs"


def block(page: str, info: str) -> str:
    """The last block of a page of documentation with this info string."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{re.escape(info)}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)[-1]


@pytest.mark.parametrize(
    ("page", "tests", "policy"),
    [
        ("tutorial-testing.md", "test_heating.py", lambda: block("tutorial-testing.md", "safecot")),
        pytest.param(
            "how-to/test.md",
            "test_laws.py",
            lambda: (policies_root() / "household_chemicals.safecot").read_text("utf-8"),
            marks=pytest.mark.long,
        ),
    ],
    ids=["tutorial", "how-to"],
)
def test_the_tests_of_a_page_pass(page: str, tests: str, policy: Callable[[], str], tmp_path: Path) -> None:
    """In a pytest of their own, beside the policy."""
    name = re.findall(r'compile_policy\("(.*)"\)', block(page, f"python file={tests}"))[0]
    (tmp_path / name).write_text(policy(), encoding="utf-8")
    (tmp_path / tests).write_text(block(page, f"python file={tests}"), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert re.search(r"[1-9]\d* passed", done.stdout)


# --- an engine that is wrong -----------------------------------------------------------------------------------------

_TOXIC = """
facts image { objects : set of { bleach, ammonia } }
facts query {
  intent : one of { store "how to store it", mix "how to mix it" }  ask "what you want to do"
  harm   : score
}
facts context { minor : flag assume no }
rule toxic { when image.objects has all of { bleach, ammonia } and query.intent is mix  verdict refuse }
exception at_work to toxic { when query.harm < 0.3  unless context.minor  verdict redirect }
rule young { when context.minor  verdict warn }
default comply
unsure  clarify
"""

Change = Callable[[CompiledPolicy, Case, Decision], Decision]


def changing(change: Change) -> laws.Engine:
    """The reference interpreter with its decisions changed."""

    def engine(policy: CompiledPolicy) -> laws.Decider:
        decide = Interpreter(policy).decide
        return lambda case: change(policy, case, decide(case))

    return engine


def certain(decision: Decision, verdict: Verdict, **more: Any) -> Decision:
    changes = {"verdict": verdict, "lower": verdict, "upper": verdict, "certain": True, "unsettled": (), **more}
    return decision.model_copy(update=changes)


def overconfident(policy: CompiledPolicy, case: Case, decision: Decision) -> Decision:
    """Takes what it does not know for harmless."""
    return decision if decision.certain else certain(decision, decision.lower, speaker="default", deciding=())


def forgetful(policy: CompiledPolicy, case: Case, decision: Decision) -> Decision:
    """Names no fact that would settle a case."""
    return decision.model_copy(update={"unsettled": ()})


def half_settled(policy: CompiledPolicy, case: Case, decision: Decision) -> Decision:
    """Names the first of them only."""
    return decision.model_copy(update={"unsettled": decision.unsettled[:1]})


def widening(policy: CompiledPolicy, case: Case, decision: Decision) -> Decision:
    """Is sure as long as it knows next to nothing."""
    return decision if len(case.known) > 1 else certain(decision, decision.lower, speaker="default", deciding=())


def first_rule_first(policy: CompiledPolicy, case: Case, decision: Decision) -> Decision:
    """The rule that stands first speaks."""
    names = [r.name for r in policy.rules if r.name in decision.deciding or r.name in decision.effective]
    return decision.model_copy(update={"speaker": names[0]}) if names and decision.certain else decision


def by_name(policy: CompiledPolicy, case: Case, decision: Decision) -> Decision:
    """Knows bleach by its name."""
    objects = case.known.get("image.objects", frozenset())
    return certain(decision, Verdict.REFUSE) if isinstance(objects, frozenset) and "bleach" in objects else decision


def no_new_rules(policy: CompiledPolicy, case: Case, decision: Decision) -> Decision:
    """Complies as soon as a policy has more than four rules."""
    return certain(decision, Verdict.COMPLY) if len(policy.rules) > 3 else decision


def needs_exceptions(policy: CompiledPolicy, case: Case, decision: Decision) -> Decision:
    """Refuses nothing where a policy has no exception."""
    if any(r.exception_to for r in policy.rules) or decision.verdict is not Verdict.REFUSE:
        return decision
    return certain(decision, Verdict.COMPLY)


def contradictory(policy: CompiledPolicy, case: Case, decision: Decision) -> Decision:
    """Says that an ambiguous case is certain."""
    return decision.model_copy(update={"certain": True})


@pytest.mark.parametrize(
    ("law", "wrong"),
    [
        (laws.SOUNDNESS, overconfident),
        (laws.UNSETTLED_SETTLE, forgetful),
        (laws.UNSETTLED_SETTLE, half_settled),
        (laws.KNOWLEDGE_NARROWS, widening),
        (laws.ORDER, first_rule_first),
        (laws.REWORDING, by_name),
        (laws.MORE_REFUSALS, no_new_rules),
        (laws.SOFTENING, needs_exceptions),
        (laws.ONE_DECISION, contradictory),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_each_law_finds_an_engine_that_breaks_it(law: laws.PolicyLaw, wrong: Change, policy_from: PolicyFrom) -> None:
    policy = policy_from(_TOXIC)
    laws.check(policy, law)
    with pytest.raises(laws.LawBrokenError, match=f"the law `{law}` does not hold: "):
        laws.check(policy, law, engine=changing(wrong))


def test_what_an_engine_raises_passes_through(policy_from: PolicyFrom) -> None:
    def failing(policy: CompiledPolicy, case: Case, decision: Decision) -> Decision:
        raise ConnectionError("the service is down")

    with pytest.raises(ConnectionError):
        laws.check(policy_from(_TOXIC), laws.ONE_DECISION, engine=changing(failing))


# --- claims about a policy -------------------------------------------------------------------------------------------

_SCALES = """
facts image { objects : set of { bleach, ammonia, toy } }
facts query {
  intent : one of { store, mix }
  harm   : score
  name   : text
}
facts context { minor : flag }
rule toxic { when image.objects has all of { bleach, ammonia } and query.intent is mix  verdict refuse }
exception game to toxic { when image.objects has toy  verdict warn }
rule harmful { when query.harm between 0.4 and 0.8  verdict redirect }
rule grown_up { when query.intent is mix  unless context.minor  verdict clarify }
default comply
unsure  clarify
"""


@pytest.mark.parametrize(
    ("law", "says", "before", "after"),
    [
        # The plainest: refused, and not refused with a toy in the picture.
        (
            laws.never("laxer", "image.objects", gains=["toy", "bleach"]),
            "the verdict goes from `refuse` to `clarify`",
            {"image.objects": ["ammonia", "bleach"], "query.intent": "mix", "query.harm": 0, "context.minor": False},
            {"image.objects": ["ammonia", "bleach", "toy"]},
        ),
        # At 0.8 `harmful` applies, right above it no longer; the first end of its interval is as good.
        (
            laws.never("laxer", "query.harm", rises=True),
            "the verdict goes from `redirect` to `comply`",
            {"image.objects": [], "query.intent": "store", "context.minor": False},
            {},
        ),
        (
            laws.never("stricter", "query.harm", falls=True),
            "the verdict goes from `comply` to `redirect`",
            {"image.objects": [], "query.intent": "store", "context.minor": False},
            {},
        ),
        (
            laws.never("laxer", "context.minor", becomes=True),
            "the verdict goes from `clarify` to `comply`",
            {"image.objects": [], "query.intent": "mix", "query.harm": 0, "context.minor": False},
            {"context.minor": True},
        ),
        (
            laws.never("stricter", "query.intent", becomes="mix", given="context.minor"),
            "the verdict goes from `comply` to `refuse`",
            {
                "image.objects": ["ammonia", "bleach"],
                "query.intent": "store",
                "query.harm": 0,
                "context.minor": True,
            },
            {"query.intent": "mix"},
        ),
    ],
    ids=str,
)
def test_a_claim_that_fails_shows_a_small_pair(
    law: laws.PolicyLaw, says: str, before: dict[str, Any], after: dict[str, Any], policy_from: PolicyFrom
) -> None:
    policy = policy_from(_SCALES)
    with pytest.raises(laws.LawBrokenError) as broken:
        laws.check(policy, law)
    trial = broken.value.trial
    assert trial.fault == says
    first, second = (shown.case for shown in trial.shown)
    # A text that nothing reads, and a number that may be one of several, are left to chance.
    assert {name: v for name, v in first.known.items() if name in before} == read_case(policy, {"facts": before}).known
    differing = {name for name in first.known if first.known[name] != second.known[name]}
    assert len(differing) == 1
    for name, value in read_case(policy, {"facts": after}).known.items():
        assert second.known[name] == value


@pytest.mark.parametrize(
    "law",
    [
        laws.never("laxer", "image.objects", gains=["bleach", "ammonia"]),
        laws.never("laxer", "query.harm", rises=True, given="query.harm < 0.4"),  # 0.9 is laxer than 0.5, not than 0.3
        laws.never("laxer", "query.intent", becomes="mix"),
        laws.never("stricter", "context.minor", becomes=True),
        laws.never("stricter", "context.minor", becomes=True, given="context.minor and not context.minor"),  # of nobody
    ],
    ids=str,
)
def test_claims_that_hold(law: laws.PolicyLaw, policy_from: PolicyFrom) -> None:
    laws.check(policy_from(_SCALES), law)


def test_declared_laws_are_tried_with_the_others(policy_from: PolicyFrom) -> None:
    text = _SCALES + 'law "minors" { change context.minor becomes yes  expect never laxer }'
    policy = policy_from(text)
    assert [str(law) for law in laws.all_of(policy)] == [*map(str, laws.LANGUAGE), "minors"]
    with pytest.raises(laws.LawBrokenError, match="the law `minors` does not hold"):
        laws.check(policy, examples=60)


def test_a_counterexample_is_pasted_and_passes_as_an_example(policy_from: PolicyFrom) -> None:
    """It says what is decided now; once the rule is mended, it fails until the author has looked at it."""
    with pytest.raises(laws.LawBrokenError) as broken:
        laws.check(policy_from(_SCALES), laws.never("laxer", "context.minor", becomes=True))
    said, *pasted = str(broken.value).split("\n\n")
    assert said.startswith("the law `where context.minor becomes yes, the verdict is never laxer` does not hold: ")
    policy = policy_from(_SCALES + "\n".join(pasted))
    assert [example.name for example in policy.examples] == ["before", "after"]
    assert [example.expect for example in policy.examples] == [Verdict.CLARIFY, Verdict.COMPLY]


def test_trials_are_for_given(policy_from: PolicyFrom) -> None:
    policy = policy_from(_SCALES)
    seen: list[laws.LawTrial] = []

    @examples(20)
    @given(laws.trials(policy, laws.SOUNDNESS))
    def holds(trial: laws.LawTrial) -> None:
        seen.append(trial)
        assert trial.fault is None

    holds()
    assert repr(seen[0]).startswith(f"the law `{laws.SOUNDNESS}` holds\n\nexample ")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: laws.never("laxer", "query.harm"), "about one change"),
        (lambda: laws.never("laxer", "query.harm", rises=True, falls=True), "about one change"),
        (lambda: laws.never("laxer", "query.ham", rises=True), "no fact `query.ham`"),
        (lambda: laws.never("laxer", "query.intent", rises=True), "`query.intent` is a one of"),
        (lambda: laws.never("laxer", "query.name", becomes="x"), "`query.name` is a text"),
        (lambda: laws.never("laxer", "image.objects", gains=["knife"]), "`knife` is not a value"),
        (lambda: laws.never("laxer", "context.minor", becomes="maybe"), "`maybe` is not a value"),
    ],
)
def test_a_claim_that_makes_no_sense_says_why(
    make: Callable[[], laws.PolicyLaw], message: str, policy_from: PolicyFrom
) -> None:
    policy = policy_from(_SCALES)
    with pytest.raises(ValueError, match=message):
        laws.check(policy, make())


# --- exceptions ------------------------------------------------------------------------------------------------------


def test_an_exception_goes_with_what_hangs_on_it_alone() -> None:
    policy = flags(
        rule("base", "refuse"),
        rule("other", "warn"),
        rule("gone", "redirect", "base"),
        rule("below", "clarify", "gone"),
        rule("shared", "comply", "gone", "other"),
    )
    left = laws.without_exception(policy, "gone")
    assert {r.name: r.exception_to for r in left.rules} == {"base": (), "other": (), "shared": ("other",)}
    assert left.digest != policy.digest
    with pytest.raises(ValueError, match="no exception `base`"):
        laws.without_exception(policy, "base")


def test_a_laxer_exception_can_make_a_case_stricter() -> None:
    """Laxer than its rule is not enough: `kind` is all that keeps `joke` from being the only one in force."""
    policy = flags(rule("base", "refuse"), rule("kind", "redirect", "base"), rule("joke", "comply", "base"))
    everything = Case({"query.base": True, "query.kind": True, "query.joke": True})
    assert verdict_of(policy, everything) is Verdict.REDIRECT
    assert verdict_of(laws.without_exception(policy, "kind"), everything) is Verdict.COMPLY
    assert not laws.only_softens(policy, "kind")
    assert laws.only_softens(policy, "joke")
    with pytest.raises(laws.LawBrokenError, match="without the exception `kind` the verdict would be `comply`"):
        laws.check(policy, laws.EXCEPTIONS_SOFTEN)
    laws.check(policy, laws.SOFTENING)


def test_what_hangs_on_an_exception_counts() -> None:
    """`kind` is laxer than its rule, and brings in an exception that is stricter."""
    policy = flags(rule("base", "redirect"), rule("kind", "warn", "base"), rule("abuse", "refuse", "kind"))
    everything = Case({"query.base": True, "query.kind": True, "query.abuse": True})
    assert verdict_of(policy, everything) is Verdict.REFUSE
    assert verdict_of(laws.without_exception(policy, "kind"), everything) is Verdict.REDIRECT
    assert not laws.only_softens(policy, "kind")
    assert not laws.only_softens(policy, "abuse")


@examples(250)
@given(skeletons(max_rules=5))
def test_what_can_only_soften_softens_in_every_case(policy: CompiledPolicy) -> None:
    for exception in policy.rules:
        if exception.exception_to and laws.only_softens(policy, exception.name):
            without = Interpreter(laws.without_exception(policy, exception.name))
            for case in complete_cases(policy):
                assert without.decide(case).verdict.strictness >= verdict_of(policy, case).strictness


# --- a rule more -----------------------------------------------------------------------------------------------------


def test_another_rule_than_a_refusing_one_can_make_it_laxer() -> None:
    """A rule holds where the default was, and a redirection settles what a rule was unsure of."""
    strict = flags(rule("a", "warn"), default=Verdict.REFUSE)
    more = flags(rule("a", "warn"), rule("b", "comply"), default=Verdict.REFUSE)
    case = Case({"query.a": False, "query.b": True})
    assert (verdict_of(strict, case), verdict_of(more, case)) == (Verdict.REFUSE, Verdict.COMPLY)
    unsure = rule("a", "warn").model_copy(update={"unsure": Verdict.REFUSE})
    half_known = Case({"query.b": True})
    assert verdict_of(flags(unsure), half_known) is Verdict.REFUSE
    assert verdict_of(flags(unsure, rule("b", "redirect")), half_known) is Verdict.REDIRECT


# --- merging ---------------------------------------------------------------------------------------------------------


def test_merging_takes_the_stricter_of_both() -> None:
    one = flags(rule("a", "warn"), rule("b", "refuse"), rule("c", "comply", "b"))
    two = flags(rule("x", "redirect", flag="a"), rule("y", "clarify", "x", flag="d"))
    laws.check(one, laws.merging_with(two))
    both = laws.merged(one, two)
    assert [fact.name for fact in both.facts] == ["query.a", "query.b", "query.c", "query.d"]
    for case in complete_cases(both):
        apart = (verdict_of(policy, case) for policy in (one, two))
        assert verdict_of(both, case) is strictest(apart)


def test_of_two_allow_lists_merging_takes_the_laxer() -> None:
    one = flags(rule("a", "comply"), default=Verdict.REFUSE)
    two = flags(rule("b", "comply"), default=Verdict.REFUSE)
    case = Case({"query.a": True, "query.b": False})
    assert (verdict_of(two, case), verdict_of(laws.merged(one, two), case)) == (Verdict.REFUSE, Verdict.COMPLY)
    with pytest.raises(laws.LawBrokenError, match="merged, the verdict lies"):
        laws.check(one, laws.merging_with(two))


@examples(30)
@given(skeletons(max_rules=4), skeletons(max_rules=4), st.data())
def test_merging_holds_of_random_policies_that_comply_by_default(
    one: CompiledPolicy, two: CompiledPolicy, data: st.DataObject
) -> None:
    def with_prefix(policy: CompiledPolicy, prefix: str) -> CompiledPolicy:
        rules = [
            r.model_copy(
                update={"name": prefix + r.name, "exception_to": tuple(prefix + name for name in r.exception_to)}
            )
            for r in policy.rules
        ]
        return build_policy(policy.facts, rules, Verdict.COMPLY, Verdict.CLARIFY)

    hold_of(with_prefix(one, "x_"), [laws.merging_with(with_prefix(two, "y_"))], data, 12)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (flags(rule("a", "warn")), "both policies have a rule `a`"),
        (flags(rule("b", "warn"), default=Verdict.WARN), "the defaults are two: `comply` and `warn`"),
        (
            build_policy(
                [Fact(name="query.a", type=FlagType(), assume=True)],
                [rule("b", "warn", flag="a")],
                Verdict.COMPLY,
                Verdict.CLARIFY,
            ),
            "the policies declare `query.a` in two ways",
        ),
    ],
)
def test_what_cannot_be_merged_says_why(other: CompiledPolicy, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        laws.check(flags(rule("a", "refuse")), laws.merging_with(other))
