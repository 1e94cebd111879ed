"""What `compare` says of two policies, against all cases that they can tell apart."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from fixture_types import PolicyFrom
from hypothesis import assume, given
from strategies import build_policy, examples, policies

from safecot_dsl.analysis.difference import DifferenceLimits, PolicyDifference, below, compare
from safecot_dsl.analysis.difference_facts import FactChange, told_apart
from safecot_dsl.analysis.difference_regions import Region
from safecot_dsl.analysis.difference_samples import changed_share
from safecot_dsl.analysis.encoding import Encoding, Satisfiability
from safecot_dsl.artifact import And, Case, CompiledPolicy, Condition, TextType, Verdict
from safecot_dsl.engine import Interpreter, Truth, evaluate, show_case, show_condition

from .pairs import MOST_CASES, complete_cases, count_cases, fact_names, pairs, states

Pair = tuple[CompiledPolicy, CompiledPolicy]
LIMITS = DifferenceLimits(regions=60, deciders=40, samples=50)
SAID = (Satisfiability.SAT, Satisfiability.UNDECIDED)


def small(policies: Pair) -> tuple[CompiledPolicy, CompiledPolicy]:
    """The two as they are compared, where all their cases can be gone through."""
    apart = told_apart(*policies)
    assume(count_cases(*apart) <= MOST_CASES)
    return apart


def strictness(pair: tuple[Verdict, Verdict]) -> int:
    """More than 0: stricter; less: laxer."""
    return pair[1].strictness - pair[0].strictness


def contains(region: Region, old: Interpreter, new: Interpreter, case: Case) -> bool:
    applies = [trace.applies for trace in (old.trace(case), new.trace(case))]
    outside = not any(each.get(name) is Truth.YES for each in applies for name in region.outside)
    return outside and evaluate(region.condition, case.known) is Truth.YES


# --- against all cases -----------------------------------------------------------------------------------------------


@given(pairs())
@examples(30)
def test_regions_are_the_changed_cases(pair: Pair) -> None:
    old, new = small(pair)
    difference = compare(*pair, limits=LIMITS)
    before, after = Interpreter(old), Interpreter(new)
    seen: set[bool] = set()
    for case in complete_cases(old, new):
        verdicts = before.decide(case).verdict, after.decide(case).verdict
        covering = [region for region in difference.regions if contains(region, before, after, case)]
        assert all((region.old, region.new) == verdicts for region in covering)
        if strictness(verdicts):
            seen.add(strictness(verdicts) < 0)
            assert covering or verdicts in difference.more
    for laxer, outcome in ((True, difference.laxer), (False, difference.stricter)):
        assert outcome in SAID or laxer not in seen
        assert outcome is not Satisfiability.SAT or any(region.laxer is laxer for region in difference.regions)


@given(pairs())
@examples(30)
def test_witnesses_are_decided_as_said(pair: Pair) -> None:
    interpreters = [Interpreter(policy) for policy in told_apart(*pair)]
    difference = compare(*pair, limits=LIMITS)
    names = fact_names(told_apart(*pair))
    for region in difference.regions:
        assert sorted(region.witness.known) == names
        assert contains(region, *interpreters, region.witness)
        for case in (region.witness, region.short):
            before, after = (interpreter.decide(case) for interpreter in interpreters)
            assert (before.verdict, after.verdict) == (region.old, region.new)
            assert (before.deciding, after.deciding) == (region.old_decision.deciding, region.new_decision.deciding)
    for change in difference.partial:
        before, after = (interpreter.decide(change.witness) for interpreter in interpreters)
        assert (before, after) == (change.old_decision, change.new_decision)
        assert (strictness((before.verdict, after.verdict)) < 0) is change.laxer


@given(pairs())
@examples(30)
def test_no_part_of_a_region_can_be_left_out(pair: Pair) -> None:
    old, new = small(pair)
    # Texts that are in none of those gone through could be what the part is for.
    assume(not any(isinstance(fact.type, TextType) for policy in (old, new) for fact in policy.facts))
    before, after = Interpreter(old), Interpreter(new)
    cases = list(complete_cases(old, new))
    for region in compare(*pair, limits=LIMITS).regions:
        for larger in _without_one_part(region):
            changes = {
                (before.decide(case).verdict, after.decide(case).verdict)
                for case in cases
                if contains(larger, before, after, case)
            }
            assert changes > {(region.old, region.new)}


def _without_one_part(region: Region) -> Iterator[Region]:
    parts: tuple[Condition, ...] = region.condition.items if isinstance(region.condition, And) else (region.condition,)
    for place in range(len(parts)):
        yield _like(region, condition=And(items=parts[:place] + parts[place + 1 :]))
    for name in region.outside:
        yield _like(region, outside=tuple(other for other in region.outside if other != name))


def _like(region: Region, **changes: Any) -> Region:
    return Region(**{**{name: getattr(region, name) for name in region.__dataclass_fields__}, **changes})


@given(pairs())
@examples(30)
def test_cases_with_unknown_facts(pair: Pair) -> None:
    old, new = told_apart(*pair)
    names = fact_names((old, new))
    known = [states(name, (old, new)) for name in names]
    combinations = list(itertools.islice(itertools.product(*known), MOST_CASES + 1))
    assume(len(combinations) <= MOST_CASES)
    difference = compare(*pair, limits=LIMITS)
    before, after = Interpreter(old), Interpreter(new)
    seen: set[bool] = set()
    for combination in combinations:
        case = Case({name: value for name, value in zip(names, combination, strict=True) if value is not None})
        change = strictness((before.decide(case).verdict, after.decide(case).verdict))
        if change:
            seen.add(change < 0)
    for laxer, outcome in ((True, difference.partial_laxer), (False, difference.partial_stricter)):
        assert outcome in SAID if laxer in seen else outcome is not Satisfiability.SAT or has_text((old, new))


def has_text(policies: Pair) -> bool:
    return any(isinstance(fact.type, TextType) for policy in policies for fact in policy.facts)


@given(pairs())
@examples(30)
def test_who_decides(pair: Pair) -> None:
    old, new = small(pair)
    difference = compare(*pair, limits=LIMITS)
    before, after = Interpreter(old), Interpreter(new)
    told = {
        frozenset(set(change.old_decision.deciding) ^ set(change.new_decision.deciding))
        for change in difference.deciders
    }
    for case in complete_cases(old, new):
        one, other = before.decide(case), after.decide(case)
        moved = set(one.deciding) ^ set(other.deciding)
        if one.verdict is other.verdict and moved:
            assert not difference.deciders_complete or any(each <= moved for each in told)
    for change in difference.deciders:
        assert change.old_decision.verdict is change.new_decision.verdict
        assert before.decide(change.witness) == change.old_decision
        assert after.decide(change.witness) == change.new_decision


@given(pairs())
@examples(20)
def test_within_a_hazard(pair: Pair) -> None:
    old, new = small(pair)
    for hazard in ("root", "inner", "plain"):
        under = below(old, hazard)
        rules = {rule.name for rule in old.rules if rule.hazard in under}
        difference = compare(*pair, hazard=hazard, limits=LIMITS)
        before, after = Interpreter(old), Interpreter(new)
        seen: set[bool] = set()
        for case in complete_cases(old, new):
            trace = before.trace(case)
            inside = any(trace.applies[name] is Truth.YES for name in rules)
            verdicts = trace.decision.verdict, after.decide(case).verdict
            covering = [region for region in difference.regions if contains(region, before, after, case)]
            assert not covering or inside
            if inside and strictness(verdicts):
                seen.add(strictness(verdicts) < 0)
                assert covering or verdicts in difference.more
        assert (difference.laxer in SAID) or True not in seen
        assert (difference.stricter in SAID) or False not in seen


# --- laws ------------------------------------------------------------------------------------------------------------


def equal(difference: PolicyDifference) -> bool:
    said = (difference.laxer, difference.stricter, difference.partial_laxer, difference.partial_stricter)
    return set(said) == {Satisfiability.UNSAT} and not difference.regions and not difference.deciders


@given(policies())
@examples(20)
def test_a_policy_is_equal_to_itself(policy: CompiledPolicy) -> None:
    difference = compare(policy, policy, limits=LIMITS)
    assert equal(difference)
    assert difference.identical
    assert (difference.facts, difference.params, difference.texts) == ((), (), ())


@given(policies())
@examples(20)
def test_what_is_written_otherwise_and_means_the_same_is_equal(policy: CompiledPolicy) -> None:
    # `when` doubled: written otherwise, so that the solver has to see it.
    rules = [rule.model_copy(update={"when": And(items=(rule.when, rule.when))}) for rule in reversed(policy.rules)]
    assert equal(compare(policy, build_policy(policy.facts, rules, policy.default, policy.unsure), limits=LIMITS))


@given(pairs())
@examples(20)
def test_swapping_the_policies_swaps_laxer_and_stricter(pair: Pair) -> None:
    old, new = pair
    one, other = compare(old, new, limits=LIMITS), compare(new, old, limits=LIMITS)
    assert (one.laxer, one.stricter) == (other.stricter, other.laxer)
    assert (one.partial_laxer, one.partial_stricter) == (other.partial_stricter, other.partial_laxer)
    if one.complete and other.complete:
        assert {(r.old, r.new) for r in one.regions} == {(r.new, r.old) for r in other.regions}


@given(pairs())
@examples(10)
def test_the_same_question_has_the_same_answer(pair: Pair) -> None:
    assert compare(*pair, limits=LIMITS) == compare(*pair, limits=LIMITS)


# --- by hand ---------------------------------------------------------------------------------------------------------

FACTS = """
facts image { objects : set of { bleach, ammonia, toy } setting : one of { kitchen, laboratory, street } }
facts query { intent : one of { mix, store, hurt } harm : score }
facts context { minor : flag }
group corrosive = { bleach, ammonia }
"""
MIXING = FACTS + (
    "rule mixing { when image.objects has all of corrosive and query.intent is mix verdict refuse }\n"
    "exception lab to mixing { when image.setting is laboratory and query.harm < 0.6 verdict redirect }\n"
    "rule hurting { when query.intent is hurt or query.harm >= 0.9 verdict refuse }\n"
)
TAIL = "default comply unsure clarify"


@pytest.fixture
def changed(policy_from: PolicyFrom) -> Any:
    """The difference that replacing a piece of `MIXING` makes."""

    def change(old: str, new: str, tail: str = TAIL) -> PolicyDifference:
        assert old in MIXING + TAIL
        return compare(policy_from(MIXING + TAIL), policy_from((MIXING + tail).replace(old, new)))

    return change


def told(difference: PolicyDifference) -> list[tuple[str, str, str, tuple[str, ...], str]]:
    return [
        (r.old.value, r.new.value, show_condition(r.condition), r.outside, show_case(r.short))
        for r in difference.regions
    ]


def test_a_threshold_that_counts_itself(changed: Any) -> None:
    difference = changed("query.harm < 0.6", "query.harm <= 0.6")
    assert difference.direction == "laxer"
    assert told(difference) == [
        (
            "refuse",
            "redirect",
            "image.objects has all of corrosive and image.setting is laboratory and query.intent is mix "
            "and query.harm between 0.6 and 0.6",
            (),
            "image.objects = { ammonia, bleach }, image.setting = laboratory, query.harm = 0.6, query.intent = mix",
        )
    ]
    # One of two settings is not enough: 1/4 of the pairs of objects (a set of none, one, two or three of three: all
    # three, or two of which these are one of three) times 1/3, 1/3 and one of five numbers.
    expected = (1 / 4 + 1 / 4 / 3) / 3 / 3 / 5
    low, high = difference.share.laxer.interval
    assert low < expected < high


def test_and_that_became_or(changed: Any) -> None:
    difference = changed("image.setting is laboratory and", "image.setting is laboratory or")
    assert difference.direction == "laxer"
    assert {entry[:4] for entry in told(difference)} == {
        # In the laboratory only above the old threshold; `hurting` still refuses from 0.9 on.
        (
            "refuse",
            "redirect",
            "image.objects has all of corrosive and image.setting is laboratory and query.intent is mix "
            "and query.harm >= 0.6 and query.harm < 0.9",
            (),
        ),
        (
            "refuse",
            "redirect",
            "image.objects has all of corrosive and image.setting is not laboratory and query.intent is mix "
            "and query.harm < 0.6",
            (),
        ),
    }


def test_an_exception_to_one_rule_more(changed: Any) -> None:
    difference = changed("exception lab to mixing", "exception lab to mixing, hurting")
    assert difference.direction == "laxer"
    assert {(old, new) for old, new, *_ in told(difference)} == {("refuse", "redirect")}
    assert [condition for _, _, condition, _, _ in told(difference)] == [
        "image.setting is laboratory and query.intent is hurt and query.harm < 0.6"
    ]


def test_laxer_only_where_a_fact_is_unknown(changed: Any) -> None:
    difference = changed("unsure clarify", "unsure warn", "default comply unsure warn")
    assert difference.direction == "equal"
    assert (difference.partial_laxer, difference.partial_stricter) == (Satisfiability.SAT, Satisfiability.UNSAT)
    (change,) = difference.partial
    assert (change.old_decision.verdict, change.new_decision.verdict) == (Verdict.CLARIFY, Verdict.WARN)
    assert not change.old_decision.certain


def test_a_supposition_is_part_of_what_an_unknown_fact_means(policy_from: PolicyFrom) -> None:
    text = FACTS + "rule minors { when context.minor verdict refuse } default comply unsure clarify"
    difference = compare(policy_from(text), policy_from(text.replace("minor : flag", "minor : flag assume no")))
    assert (difference.direction, difference.partial_laxer) == ("equal", Satisfiability.SAT)
    assert difference.partial[0].new_decision.assumed == {"context.minor": False}


def test_only_who_decides(policy_from: PolicyFrom) -> None:
    text = MIXING + TAIL
    difference = compare(policy_from(text), policy_from(text.replace("rule hurting", "rule harming")))
    assert (difference.direction, difference.deciders_complete) == ("equal", True)
    assert [(d.old_decision.deciding, d.new_decision.deciding) for d in difference.deciders] == [
        (("hurting",), ("harming",))
    ]
    assert (difference.rules.added, difference.rules.removed, difference.rules.changed) == (
        ("harming",),
        ("hurting",),
        (),
    )


def test_only_texts(policy_from: PolicyFrom) -> None:
    said = MIXING.replace("verdict redirect }", 'verdict redirect think { risk "Gas." } answer { say "No." } }') + TAIL
    difference = compare(policy_from(MIXING + TAIL), policy_from(said))
    assert equal(difference)
    assert not difference.identical
    assert difference.texts == ("rule:lab.think", "rule:lab.answer")


def test_every_kind_of_text_is_named(policy_from: PolicyFrom) -> None:
    text = """
    facts query { intent : one of { mix "mixing", store "storing" } "The intent." ask "what you want"
      says "They ask about {value}." not "They do not ask about {value}."
      harm : score says { below 0.5 "It is harmless." else "It is not." } }
    facts image { things : set of { a, b } says "It shows {value}." none "It shows nothing." }
    group both "a thing" says "{value} stand there." none "There is nothing." = { a, b }
    phrases nothing_in_question { "Nothing is asked." }
    phrases soft { "Sorry." }
    taxonomy kinds { gas "gas" dust "dust" }
    rule mixing { title "Mixing" hazard gas when query.intent is mix unless image.things has all of both verdict refuse
      answer { say one of soft } }
    default comply
    unsure clarify { think { decide "I cannot tell." } }
    """
    changes = {
        '"mixing"': ('"mixing it"', "fact:query.intent"),
        '"Sorry."': ('"No."', "phrases:soft"),
        'gas "gas"': ('gas "toxic gas"', "taxonomy:kinds"),
        'title "Mixing"': ('title "To mix"', "rule:mixing.title"),
        "hazard gas": ("hazard dust", "rule:mixing.hazard"),
        '"They ask about': ('"The user asks about', "fact:query.intent.says"),
        '"They do not ask': ('"Nobody asks', "fact:query.intent.not"),
        "below 0.5": ("below 0.6", "fact:query.harm.bands"),
        '"It is harmless."': ('"It is kind."', "fact:query.harm.bands"),
        '"It shows nothing."': ('"It is empty."', "fact:image.things.none"),
        '"a thing"': ('"something"', "group:both"),
        '"{value} stand there."': ('"{value} are there."', "group:both"),
        '"There is nothing."': ('"Nothing is there."', "group:both"),
        '"Nothing is asked."': ('"No question."', "nothing_in_question"),
        '"I cannot tell."': ('"I do not know."', "unsure.think"),
    }
    for old, (new, key) in changes.items():
        assert compare(policy_from(text), policy_from(text.replace(old, new))).texts == (key,)


def test_a_value_that_only_one_side_knows(policy_from: PolicyFrom) -> None:
    new = (
        (MIXING + TAIL)
        .replace("{ mix, store, hurt }", "{ mix, store, hurt, burn }")
        .replace("query.intent is hurt or", "query.intent in { hurt, burn } or")
    )
    difference = compare(policy_from(MIXING + TAIL), policy_from(new))
    assert difference.facts == (FactChange("query.intent", "values", gained=("burn",)),)
    # To the old policy it is a value that none of its conditions names.
    assert [entry[:4] for entry in told(difference)] == [
        ("comply", "refuse", "query.intent is burn and query.harm < 0.9", ())
    ]


def test_a_range_that_grew(policy_from: PolicyFrom) -> None:
    text = (
        "facts query { age : number 0 .. 18 } rule old { when query.age >= 16 verdict warn } default comply unsure warn"
    )
    new = text.replace("0 .. 18", "0 .. 120").replace("verdict warn", "unless query.age > 65 verdict warn")
    difference = compare(policy_from(text), policy_from(new))
    assert difference.facts == (FactChange("query.age", "range", before=(0, 18), after=(0, 120)),)
    assert [entry[:4] for entry in told(difference)] == [("warn", "comply", "query.age > 65", ())]


def test_facts_of_one_name_and_two_types_are_two_facts(policy_from: PolicyFrom) -> None:
    text = "facts query { harm : score } rule r { when query.harm > 0.5 verdict refuse } default comply unsure clarify"
    new = text.replace("harm : score", "harm : flag").replace("query.harm > 0.5", "query.harm")
    difference = compare(policy_from(text), policy_from(new))
    assert difference.facts == (FactChange("query.harm", "type"),)
    assert difference.direction == "both"
    assert [show_condition(region.condition) for region in difference.regions] == [
        "query.harm (old) > 0.5 and not query.harm (new)",
        "query.harm (old) <= 0.5 and query.harm (new)",
    ]


def test_what_only_one_side_declares_is_ignored_by_the_other(policy_from: PolicyFrom) -> None:
    new = (
        (MIXING + TAIL)
        .replace("minor : flag", "minor : flag vip : flag")
        .replace("default", "rule vips { when context.vip verdict warn } default")
    )
    difference = compare(policy_from(MIXING + TAIL), policy_from(new))
    assert difference.facts == (FactChange("context.vip", "added"),)
    # What else applies is stricter than a warning; that is said by the names of the rules.
    assert [entry[:4] for entry in told(difference)] == [
        ("comply", "warn", "context.vip", ("hurting", "mixing")),
    ]


def test_params_count_as_they_are_set(policy_from: PolicyFrom) -> None:
    text = "param limit = 0.6 facts query { harm : score } rule r { when query.harm > limit verdict refuse } " + TAIL
    difference = compare(policy_from(text), policy_from(text, params={"limit": 0.8}))
    assert difference.params == (("limit", 0.6, 0.8),)
    assert [entry[:4] for entry in told(difference)] == [
        ("refuse", "comply", "query.harm > 0.6 and query.harm <= 0.8", ())
    ]
    # The numbers are of three kinds, up to 0.6, up to 0.8 and above: 3,333 of 10,000, with a standard deviation of 47.
    assert 3100 < difference.share.laxer.count < 3570
    assert difference.share.stricter.count == 0


def test_two_groups_of_one_name_are_written_out(policy_from: PolicyFrom) -> None:
    new = (MIXING + TAIL).replace("group corrosive = { bleach, ammonia }", "group corrosive = { bleach, toy }")
    conditions = [show_condition(r.condition) for r in compare(policy_from(MIXING + TAIL), policy_from(new)).regions]
    assert conditions
    assert not any("corrosive" in condition for condition in conditions)


def test_more_than_is_listed_is_said(policy_from: PolicyFrom) -> None:
    new = (MIXING + TAIL).replace("default comply", "default warn")
    difference = compare(policy_from(MIXING + TAIL), policy_from(new), limits=DifferenceLimits(regions=0))
    assert (difference.regions, difference.complete) == ((), False)
    assert difference.more == ((Verdict.COMPLY, Verdict.WARN),)
    assert difference.direction == "stricter"


def test_where_time_runs_out_nothing_is_claimed(policy_from: PolicyFrom) -> None:
    new = (MIXING + TAIL).replace("default comply", "default warn")
    limits = DifferenceLimits(seconds_in_all=0.0)
    difference = compare(policy_from(MIXING + TAIL), policy_from(new), limits=limits)
    assert (difference.direction, difference.regions, difference.complete) == ("undecided", (), False)
    assert not difference.deciders_complete


def test_the_share_is_of_the_cases_within(policy_from: PolicyFrom) -> None:
    policy = policy_from(MIXING + TAIL)
    other = policy_from((MIXING + TAIL).replace("query.harm >= 0.9 verdict refuse", "query.harm >= 0.9 verdict warn"))
    every = changed_share(policy, other, Encoding(policy, other), samples=2000)
    within = changed_share(policy, other, Encoding(policy, other), within=["hurting"], samples=2000)
    assert every.laxer.of == 2000
    # One in three asks to hurt, and of the others' numbers (below 0.6, below 0.9, above) the third: 1/3 + 2/3 * 1/3.
    assert 1000 < within.laxer.of < 1222
    assert within.laxer.count == every.laxer.count
