"""The numbered rules of the language's semantics, each on policies whose decisions are worked out by hand.

In the comments C are the rules in force for certain, M those that may be, S those that apply for certain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from safecot_dsl.artifact import CompiledPolicy, Decision, read_case
from safecot_dsl.diagnostics import DiagnosticsError
from safecot_dsl.engine import Interpreter, Truth
from safecot_dsl.workspace import check_policy, open_policy

PolicyFrom = Callable[..., CompiledPolicy]
Known = Mapping[str, Any]

FLAGS = "facts query { a : flag  b : flag  c : flag  d : flag }\n"
ENDING = "\ndefault comply\nunsure clarify\n"
YES, NO, MAYBE = Truth.YES, Truth.NO, Truth.MAYBE


def case_of(known: Known) -> dict[str, Any]:
    """`{"a": True}` for `{"facts": {"query.a": True}}`."""
    return {"facts": {f"query.{name}" if "." not in name else name: value for name, value in known.items()}}


def decide(policy: CompiledPolicy, **known: Any) -> Decision:
    return Interpreter(policy).decide(read_case(policy, case_of(known)))


def applies(policy: CompiledPolicy, **known: Any) -> dict[str, Truth]:
    return Interpreter(policy).trace(read_case(policy, case_of(known))).applies


def effective(policy: CompiledPolicy, **known: Any) -> dict[str, Truth]:
    return Interpreter(policy).trace(read_case(policy, case_of(known))).effective


def short(decision: Decision) -> tuple[str, str, str]:
    return decision.lower.value, decision.upper.value, decision.verdict.value


def codes(error: pytest.ExceptionInfo[DiagnosticsError]) -> list[str]:
    return [diagnostic.code for diagnostic in error.value.diagnostics]


# --- 1. conditions ---------------------------------------------------------------------------------------------------

VALUE = {YES: True, NO: False, MAYBE: None}


@pytest.mark.parametrize(("a", "expected"), [(YES, NO), (NO, YES), (MAYBE, MAYBE)])
def test_rule_1_not(policy_from: PolicyFrom, a: Truth, expected: Truth) -> None:
    policy = policy_from(FLAGS + "rule r { when not query.a verdict warn }" + ENDING)
    assert applies(policy, a=VALUE[a]) == {"r": expected}


# Kleene 1952, section 64: `and` is the least, `or` the greatest, with no < maybe < yes.
@pytest.mark.parametrize(
    ("a", "b", "both", "either"),
    [
        (YES, YES, YES, YES),
        (YES, MAYBE, MAYBE, YES),
        (YES, NO, NO, YES),
        (MAYBE, YES, MAYBE, YES),
        (MAYBE, MAYBE, MAYBE, MAYBE),
        (MAYBE, NO, NO, MAYBE),
        (NO, YES, NO, YES),
        (NO, MAYBE, NO, MAYBE),
        (NO, NO, NO, NO),
    ],
)
def test_rule_1_and_or(policy_from: PolicyFrom, a: Truth, b: Truth, both: Truth, either: Truth) -> None:
    rules = "rule x { when query.a and query.b verdict warn } rule y { when query.a or query.b verdict warn }"
    assert applies(policy_from(FLAGS + rules + ENDING), a=VALUE[a], b=VALUE[b]) == {"x": both, "y": either}


# Yes if N are yes, no if fewer than N are not no, else maybe.
@pytest.mark.parametrize(
    ("a", "b", "c", "one", "two", "three"),
    [
        (YES, YES, YES, YES, YES, YES),
        (YES, YES, MAYBE, YES, YES, MAYBE),
        (YES, YES, NO, YES, YES, NO),
        (YES, MAYBE, MAYBE, YES, MAYBE, MAYBE),
        (YES, MAYBE, NO, YES, MAYBE, NO),
        (YES, NO, NO, YES, NO, NO),
        (MAYBE, MAYBE, MAYBE, MAYBE, MAYBE, MAYBE),
        (MAYBE, MAYBE, NO, MAYBE, MAYBE, NO),
        (NO, MAYBE, NO, MAYBE, NO, NO),
        (NO, NO, NO, NO, NO, NO),
    ],
)
def test_rule_1_at_least(
    policy_from: PolicyFrom, a: Truth, b: Truth, c: Truth, one: Truth, two: Truth, three: Truth
) -> None:
    rules = "".join(
        f"rule r{n} {{ when at least {n} of (query.a, query.b, query.c) verdict warn }}\n" for n in (1, 2, 3)
    )
    found = applies(policy_from(FLAGS + rules + ENDING), a=VALUE[a], b=VALUE[b], c=VALUE[c])
    assert found == {"r1": one, "r2": two, "r3": three}


@pytest.mark.parametrize("count", ["0", "4", "1.5", "-1"])
def test_rule_1_at_least_takes_a_whole_number_of_its_conditions(policy_from: PolicyFrom, count: str) -> None:
    rule = f"rule r {{ when at least {count} of (query.a, query.b, query.c) verdict warn }}"
    with pytest.raises(DiagnosticsError):
        policy_from(FLAGS + rule + ENDING)


@pytest.mark.parametrize(
    "condition",
    [
        "query.a or not query.a",
        "image.objects has all of {}",
        "image.objects has any of {}",
        "image.objects has none of {}",
        "image.kind in {}",
        "image.kind is within top",
        "image.kind in { top, leaf }",
        "query.harm >= 0",
        "query.harm between 0 and 1",
        "image.text matches /x*/",
        "image.text contains any of nothing",
        "not (query.harm >= 0)",
    ],
)
def test_rule_1_an_unknown_fact_is_maybe_even_where_no_value_changes_it(
    policy_from: PolicyFrom, condition: str
) -> None:
    policy = policy_from(
        "taxonomy kinds { top { leaf } }\n"
        "facts image { objects : set of { knife, toy }  kind : one of kinds  text : text }\n"
        f"facts query {{ a : flag  harm : score }}\nphrases nothing {{}}\nrule r {{ when {condition} verdict warn }}"
        + ENDING
    )
    assert applies(policy) == {"r": MAYBE}


# --- 2. when a rule applies ------------------------------------------------------------------------------------------


# `when` and not `unless`.
@pytest.mark.parametrize(
    ("when", "unless", "expected"),
    [
        (YES, YES, NO),
        (YES, MAYBE, MAYBE),
        (YES, NO, YES),
        (MAYBE, YES, NO),
        (MAYBE, MAYBE, MAYBE),
        (MAYBE, NO, MAYBE),
        (NO, YES, NO),
        (NO, MAYBE, NO),
        (NO, NO, NO),
    ],
)
def test_rule_2_when_and_not_unless(policy_from: PolicyFrom, when: Truth, unless: Truth, expected: Truth) -> None:
    policy = policy_from(FLAGS + "rule r { when query.a unless query.b verdict warn }" + ENDING)
    assert applies(policy, a=VALUE[when], b=VALUE[unless]) == {"r": expected}


# The exception's own condition is c; the rules it is to are a and b.
@pytest.mark.parametrize(
    ("a", "b", "c", "expected"),
    [
        (NO, NO, YES, NO),
        (NO, YES, YES, YES),
        (NO, MAYBE, YES, MAYBE),
        (MAYBE, YES, YES, YES),
        (YES, NO, MAYBE, MAYBE),
        (MAYBE, MAYBE, NO, NO),
        (NO, NO, MAYBE, NO),
    ],
)
def test_rule_2_an_exception_needs_one_of_the_rules_it_is_to(
    policy_from: PolicyFrom, a: Truth, b: Truth, c: Truth, expected: Truth
) -> None:
    policy = policy_from(
        FLAGS
        + "rule r { when query.a verdict refuse } rule q { when query.b verdict refuse }"
        + "exception e to r, q { when query.c verdict warn }"
        + ENDING
    )
    assert applies(policy, a=VALUE[a], b=VALUE[b], c=VALUE[c])["e"] is expected


# --- 3. the most specific wins ---------------------------------------------------------------------------------------

CHAIN = (
    FLAGS
    + """
rule r { when query.a verdict refuse }
exception e to r { when query.b verdict redirect }
exception f to e { when query.c verdict warn }
"""
    + ENDING
)


def test_rule_3_an_exception_to_an_exception_replaces_it(policy_from: PolicyFrom) -> None:
    policy = policy_from(CHAIN)
    assert effective(policy, a=True, b=True, c=True) == {"r": NO, "e": NO, "f": YES}
    assert decide(policy, a=True, b=True, c=True).deciding == ("f",)  # With its own verdict: r does not come back.
    assert decide(policy, a=True, b=True, c=True).verdict == "warn"
    assert effective(policy, a=True, b=True, c=False) == {"r": NO, "e": YES, "f": NO}
    # Where e does not apply, f, which is an exception to it, does not either.
    assert effective(policy, a=True, b=False, c=True) == {"r": YES, "e": NO, "f": NO}
    assert effective(policy, a=False, b=True, c=True) == {"r": NO, "e": NO, "f": NO}
    # a yes, b and c unknown: e maybe, f (c and e) maybe; r is in force if e is not.
    assert effective(policy, a=True) == {"r": MAYBE, "e": MAYBE, "f": MAYBE}
    # b yes: e applies, so r is replaced for certain; c decides between e and f.
    assert effective(policy, a=True, b=True) == {"r": NO, "e": MAYBE, "f": MAYBE}


def test_rule_3_an_exception_that_is_replaced_still_replaces(policy_from: PolicyFrom) -> None:
    """A rule gives way to an exception that applies, even where that one gives way itself."""
    policy = policy_from(
        FLAGS
        + "rule r { when query.a verdict comply } exception e to r { when query.a verdict refuse }"
        + "exception f to e { when query.a verdict warn } exception g to r, f { when query.b verdict redirect }"
        + ENDING
    )
    # All but g apply: r gives way to e, e to f. C = {f}.
    assert decide(policy, a=True, b=False).effective == ("f",)
    # g applies too (r and f both apply): r and f give way to it, e to f. C = {g}.
    assert decide(policy, a=True, b=True).effective == ("g",)


@pytest.mark.parametrize(
    ("rules", "cycle"),
    [
        ("exception e to e { when query.a verdict warn }", "e is an exception to e"),
        (
            "exception e to f { when query.a verdict warn } exception f to g { when query.a verdict warn }"
            " exception g to e { when query.a verdict warn }",
            "e is an exception to f is an exception to g is an exception to e",
        ),
    ],
)
def test_rule_3_a_cycle_of_exceptions_is_printed(policy_from: PolicyFrom, rules: str, cycle: str) -> None:
    with pytest.raises(DiagnosticsError) as error:
        policy_from(FLAGS + rules + ENDING)
    assert any(cycle in diagnostic.message for diagnostic in error.value.diagnostics)


# --- 4. the bounds ---------------------------------------------------------------------------------------------------


def test_rule_4_what_may_hold_besides_changes_nothing_if_it_is_laxer(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        FLAGS + "rule r { when query.a verdict refuse } rule q { when query.b verdict redirect }" + ENDING
    )
    decision = decide(policy, a=True)  # C = {r}, M = {q}, S = {r}: lower = refuse = upper.
    assert short(decision) == ("refuse", "refuse", "refuse")
    assert decision.certain
    assert (decision.effective, decision.undecided, decision.unsettled) == (("r",), ("q",), ())


def test_rule_4_lower_is_that_of_an_exception_that_may_apply(policy_from: PolicyFrom) -> None:
    # a yes, b unknown: C = {}, M = {e, r}, S = {r}; f does not apply (c is no).
    # What may replace r is e: lower = laxest of refuse and redirect = redirect, upper = refuse.
    decision = decide(policy_from(CHAIN), a=True, c=False)
    assert short(decision) == ("redirect", "refuse", "redirect")  # `unsure clarify` is laxer than lower.
    assert not decision.certain
    assert (decision.effective, decision.undecided) == ((), ("e", "r"))
    assert (decision.deciding, decision.speaker, decision.unsettled) == ((), "unsure", ("query.b",))


def test_rule_4_what_may_replace_a_replacement_counts_downwards(policy_from: PolicyFrom) -> None:
    # a yes, b unknown, c yes: f applies as e does, maybe. M = {e, f, r}, S = {r}.
    # lower = laxest of refuse (r), redirect (e), warn (f) = warn.
    # The rules that matter are r and e (stricter than warn): clarify. All hangs on b alone.
    decision = decide(policy_from(CHAIN), a=True, c=True)
    assert short(decision) == ("warn", "refuse", "clarify")
    assert decision.unsettled == ("query.b",)


def test_rule_4_a_rule_that_is_replaced_for_certain_does_not_count(policy_from: PolicyFrom) -> None:
    # a and b yes, c unknown: C = {}, M = {e, f}, S = {r, e}. r is not in force, so refuse is no bound.
    # lower = laxest of redirect and warn = warn, upper = strictest of redirect and warn = redirect.
    decision = decide(policy_from(CHAIN), a=True, b=True)
    assert short(decision) == ("warn", "redirect", "clarify")
    assert decision.undecided == ("e", "f")
    assert decision.unsettled == ("query.c",)


def test_rule_4_the_strictest_in_force_gives_the_lower_bound(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        FLAGS
        + "rule r { when query.a verdict refuse } exception e to r { when query.b verdict comply }"
        + "rule q { when query.a verdict warn }"
        + ENDING
    )
    # a yes, b unknown: C = {q}, M = {r, e}, S = {r, q}. For r the laxest is comply, for q warn: lower = warn.
    assert short(decide(policy, a=True)) == ("warn", "refuse", "clarify")


def test_rule_4_the_default_may_hold_where_nothing_applies_for_certain(policy_from: PolicyFrom) -> None:
    rules = FLAGS + "rule q { when query.a verdict warn } rule r { when query.b verdict refuse }\n"
    strict = policy_from(rules + "default redirect unsure clarify")
    lax = policy_from(rules + "default comply unsure clarify")
    # S empty, M = {q, r}: the bounds are the laxest and the strictest of the default, warn and refuse.
    assert short(decide(strict)) == ("warn", "refuse", "clarify")
    assert short(decide(lax)) == ("comply", "refuse", "clarify")
    # b no: M = {q}.
    assert short(decide(strict, b=False)) == ("warn", "redirect", "clarify")
    assert short(decide(lax, b=False)) == ("comply", "warn", "clarify")
    # Nothing may apply: the default holds.
    assert short(decide(strict, a=False, b=False)) == ("redirect", "redirect", "redirect")


def test_rule_4_with_something_in_force_the_default_is_no_bound(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        FLAGS + "rule r { when query.a verdict warn } rule q { when query.b verdict redirect }\n"
        "default refuse unsure clarify"
    )
    # a yes, b unknown: C = {r}, M = {q}: lower = warn, upper = redirect; neither is the default's.
    assert short(decide(policy, a=True)) == ("warn", "redirect", "clarify")


# --- 5. the verdict of an ambiguous case, and what is unsettled -------------------------------------------------------


def test_rule_5_an_unsure_of_the_rule_itself(policy_from: PolicyFrom) -> None:
    policy = policy_from(FLAGS + "rule r { when query.a verdict redirect unsure refuse }" + ENDING)
    # S empty, M = {r}: lower = comply, upper = redirect; r's own `unsure` makes it stricter than upper.
    decision = decide(policy)
    assert short(decision) == ("comply", "redirect", "refuse")
    assert (decision.speaker, decision.deciding) == ("unsure", ())


def test_rule_5_an_unsure_laxer_than_the_policys_own_counts_in_its_place(policy_from: PolicyFrom) -> None:
    policy = policy_from(FLAGS + "rule r { when query.a verdict refuse unsure warn }" + ENDING)
    assert short(decide(policy)) == ("comply", "refuse", "warn")


def test_rule_5_the_policys_unsure_may_be_stricter_than_upper(policy_from: PolicyFrom) -> None:
    policy = policy_from(FLAGS + "rule r { when query.a verdict warn }\ndefault comply unsure refuse")
    assert short(decide(policy)) == ("comply", "warn", "refuse")


def test_rule_5_exceptions_do_not_inherit_unsure(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        FLAGS
        + "rule r { when query.a verdict warn unsure refuse } exception e to r { when query.b verdict redirect }"
        + ENDING
    )
    # a yes, b unknown: M = {r, e}, S = {r}: lower = warn, upper = redirect. Stricter than lower is e alone, which has
    # no `unsure` of its own: the policy's, clarify.
    assert short(decide(policy, a=True)) == ("warn", "redirect", "clarify")


def test_rule_5_with_something_in_force_only_rules_stricter_than_lower_matter(policy_from: PolicyFrom) -> None:
    rules = (
        "rule r { when query.a verdict redirect } rule q { when query.b verdict warn unsure refuse }"
        " rule w { when query.c verdict refuse }"
    )
    # a yes, b and c unknown: C = {r}, M = {q, w}, S = {r}: lower = redirect, upper = refuse. Only w matters, so q's
    # `unsure refuse` does not count, and b is not unsettled.
    decision = decide(policy_from(FLAGS + rules + ENDING), a=True)
    assert short(decision) == ("redirect", "refuse", "redirect")
    assert decision.unsettled == ("query.c",)
    # A rule as strict as lower matters no more than a laxer one.
    rules = rules.replace("verdict warn", "verdict redirect")
    assert decide(policy_from(FLAGS + rules + ENDING), a=True).unsettled == ("query.c",)


def test_rule_5_with_nothing_in_force_all_rules_matter(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        FLAGS + "rule q { when query.b verdict warn unsure refuse } rule w { when query.c verdict redirect }\n"
        "default redirect unsure clarify"
    )
    # S empty, M = {q, w}: lower = warn, upper = redirect; q matters although it is the laxest.
    decision = decide(policy)
    assert short(decision) == ("warn", "redirect", "refuse")
    assert decision.unsettled == ("query.b", "query.c")


def test_rule_5_unsettled_facts_are_reached_down_maybe_parts_only(policy_from: PolicyFrom) -> None:
    rule = "rule r { when (query.a or query.b) and query.c unless query.d verdict refuse }"
    policy = policy_from(FLAGS + rule + ENDING)
    # a yes settles the `or`, whatever b is.
    assert decide(policy, a=True).unsettled == ("query.c", "query.d")
    assert decide(policy, a=False).unsettled == ("query.b", "query.c", "query.d")
    # `when` is yes: only `unless` is maybe.
    assert decide(policy, a=True, c=True).unsettled == ("query.d",)
    # c no: r does not apply, nothing is unsettled.
    assert decide(policy, c=False).unsettled == ()


def test_rule_5_a_maybe_when_under_a_no_rule_is_not_unsettled(policy_from: PolicyFrom) -> None:
    """A rule that cannot apply for its `unless` leaves its maybe `when` out."""
    policy = policy_from(
        FLAGS + "rule r { when query.a unless query.b verdict refuse } rule q { when query.c verdict refuse }" + ENDING
    )
    assert decide(policy, b=True).unsettled == ("query.c",)


def test_rule_5_unsettled_facts_climb_where_no_parent_applies_for_certain(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        FLAGS
        + "rule r { when query.a verdict warn } exception e to r { when query.b verdict refuse }"
        + "rule w { when query.d verdict warn }"
        + ENDING
    )
    # d yes: S = {w}. a and b unknown: M = {r, e}; lower = warn, upper = refuse. Only e matters: its own b, and, as r
    # only may apply, a.
    assert decide(policy, d=True).unsettled == ("query.a", "query.b")
    # a yes: r applies for certain, which is all that e needs of it.
    assert decide(policy, a=True, d=True).unsettled == ("query.b",)
    # b yes: e hangs on a alone.
    assert decide(policy, b=True, d=True).unsettled == ("query.a",)


def test_rule_5_unsettled_facts_do_not_climb_beside_a_parent_that_applies(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        FLAGS
        + "rule r { when query.a verdict refuse } rule q { when query.c verdict comply }"
        + "exception e to r, q { when query.b verdict warn }"
        + ENDING
    )
    # a yes, b and c unknown: M = {r, q, e}, S = {r}; lower = laxest of refuse and warn = warn, upper = refuse. r
    # matters: it applies; its exception e is maybe for its own b, and r is parent enough, whatever c is.
    decision = decide(policy, a=True)
    assert short(decision) == ("warn", "refuse", "clarify")
    assert decision.undecided == ("e", "q", "r")
    assert decision.unsettled == ("query.b",)


def test_rule_5_unsettled_facts_climb_only_to_parents_that_may_apply(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        FLAGS
        + "rule r { when query.d unless query.a verdict refuse } rule q { when query.c verdict refuse }"
        + "exception e to r, q { when query.b verdict warn }"
        + ENDING
    )
    # a yes: r cannot apply for its `unless`, though its `when` is maybe; so d is of no use.
    assert decide(policy, a=True, b=True).unsettled == ("query.c",)


def test_rule_5_an_exception_that_cannot_apply_is_not_reached(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        FLAGS
        + "rule r { when query.a verdict refuse } exception e to r { when query.b unless query.c verdict warn }"
        + ENDING
    )
    # c yes: e cannot apply, though its `when` is maybe. M = {r}.
    assert decide(policy, c=True).unsettled == ("query.a",)
    assert decide(policy, c=False).unsettled == ("query.a", "query.b")


def test_rule_5_unsettled_facts_climb_several_storeys(policy_from: PolicyFrom) -> None:
    policy = policy_from(CHAIN.replace("verdict warn", "verdict refuse") + "rule w { when query.d verdict redirect }")
    # d yes: S = {w}; a, b, c unknown: M = {r, e, f}; lower = redirect. r and f matter: r's a, its exception e's b,
    # f's c, and the way up from f.
    assert decide(policy, d=True).unsettled == ("query.a", "query.b", "query.c")
    # b no ends the way: only r is left.
    assert decide(policy, b=False, d=True).unsettled == ("query.a",)


def test_rule_5_exceptions_to_exceptions_of_a_rule_that_matters_are_not_reached(policy_from: PolicyFrom) -> None:
    policy = policy_from(CHAIN.replace("verdict warn", "verdict redirect"))
    # a yes, b and c unknown: M = {r, e, f}; lower = redirect; r alone matters. Its exception e reads b. Once b is
    # known the case is certain: refuse without e; with it redirect, by e or f.
    assert decide(policy, a=True).unsettled == ("query.b",)
    assert decide(policy, a=True, b=True).certain
    assert decide(policy, a=True, b=False).certain


def test_rule_5_ambiguity_is_kleenes(policy_from: PolicyFrom) -> None:
    """A case may be called ambiguous although every way of filling it in agrees."""
    policy = policy_from(FLAGS + "rule r { when query.a or not query.a verdict refuse }" + ENDING)
    assert short(decide(policy)) == ("comply", "refuse", "clarify")
    assert decide(policy, a=True).verdict == decide(policy, a=False).verdict == "refuse"


# --- 6. who decides, and who speaks ----------------------------------------------------------------------------------


def test_rule_6_all_rules_in_force_with_the_verdict_decide(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        FLAGS
        + "rule z { when query.a verdict refuse } rule b_2 { when query.a verdict refuse }"
        + "rule b_10 { when query.a verdict refuse } rule w { when query.a verdict warn }"
        + ENDING
    )
    decision = decide(policy, a=True)
    assert decision.effective == ("b_10", "b_2", "w", "z")  # By code point: `1` before `2`.
    assert decision.deciding == ("b_10", "b_2", "z")
    assert decision.speaker == "b_10"


def test_rule_6_undecided_rules_decide_where_none_is_in_force(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        FLAGS
        + "rule r { when query.a verdict refuse } exception e to r { when query.b verdict refuse }"
        + "rule other { when query.c verdict refuse } exception x to other { when query.c verdict refuse }"
        + ENDING
    )
    # a yes, b and c unknown: C = {}, M = {r, e, other, x}, S = {r}; all refuse, so it is certain. r is in S and e may
    # replace it; `other` and x are neither.
    decision = decide(policy, a=True)
    assert decision.certain
    assert (decision.effective, decision.undecided) == ((), ("e", "other", "r", "x"))
    assert (decision.deciding, decision.speaker, decision.unsettled) == (("e", "r"), "e", ())
    # c yes: x is in force for certain (`other` gives way to it), and C goes before M.
    assert decide(policy, a=True, c=True).deciding == ("x",)


def test_rule_6_only_undecided_rules_with_the_verdict_decide(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        FLAGS
        + "rule r { when query.a verdict refuse } exception e to r { when query.b verdict refuse }"
        + "rule w { when query.a verdict warn }"
        + ENDING
    )
    # C = {w}, but its verdict is not the case's.
    decision = decide(policy, a=True)
    assert (decision.verdict.value, decision.effective, decision.deciding) == ("refuse", ("w",), ("e", "r"))


def test_rule_6_the_default_speaks_where_nothing_is_in_force(policy_from: PolicyFrom) -> None:
    policy = policy_from(FLAGS + "rule r { when query.a verdict redirect }\ndefault redirect unsure clarify")
    # a unknown: S empty, M = {r}, whose verdict is the default's: certain, and there are no deciding rules.
    decision = decide(policy)
    assert short(decision) == ("redirect", "redirect", "redirect")
    assert (decision.deciding, decision.undecided, decision.unsettled) == ((), ("r",), ())
    assert decision.speaker == "default"
    assert decide(policy, a=True).speaker == "r"


TAXONOMY = """
taxonomy dangers {
  grave severity 9 { inner severity 3 { leaf  zero severity 0 { below_zero } }  negative severity -5 { below } }
  plain { below_plain }
}
"""


def speaker(policy_from: PolicyFrom, *rules: str) -> str:
    text = FLAGS + TAXONOMY + "\n".join(rules) + ENDING
    return decide(policy_from(text), a=True, b=True).speaker


@pytest.mark.parametrize(
    ("milder", "graver"),
    [
        ("leaf", "grave"),  # 3 (from `inner`, its nearest ancestor with one) and 9
        ("zero", "leaf"),  # 0 of its own, not 3, and 3
        ("below_zero", "leaf"),  # 0 (from `zero`), 3
        ("negative", "leaf"),  # -5 counts as 0 and is not looked past, 3
        ("below", "leaf"),  # 0 (from `negative`), 3
        ("below_plain", "leaf"),  # none at all is 0, 3
    ],
)
def test_rule_6_the_speaker_has_the_most_severe_hazard(policy_from: PolicyFrom, milder: str, graver: str) -> None:
    # `a_mild` would be first by its name.
    mild = f"rule a_mild {{ hazard {milder} when query.a verdict refuse }}"
    grave = f"rule b_grave {{ hazard {graver} when query.a verdict refuse }}"
    assert speaker(policy_from, mild, grave) == "b_grave"
    assert speaker(policy_from, grave, mild) == "b_grave"


@pytest.mark.parametrize("hazard", ["hazard zero", "hazard negative", "hazard below", "hazard plain", ""])
def test_rule_6_no_hazard_and_severity_0_tie(policy_from: PolicyFrom, hazard: str) -> None:
    first = "rule a_1 { when query.a verdict refuse }"
    second = f"rule aa {{ {hazard} when query.a verdict refuse }}"
    assert speaker(policy_from, second, first) == "a_1"  # `_` comes before letters
    first = f"rule a_1 {{ {hazard} when query.a verdict refuse }}"
    second = "rule aa { when query.a verdict refuse }"
    assert speaker(policy_from, second, first) == "a_1"


def test_rule_6_an_exception_without_hazard_has_its_parents_most_severe(policy_from: PolicyFrom) -> None:
    rules = (
        "rule p1 { hazard leaf when query.a verdict warn } rule p2 { hazard grave when query.a verdict warn }",
        "exception e to p1, p2 { when query.b verdict refuse }",
    )
    # Severities: leaf 3, e 9 (from p2).
    other = "rule a { hazard leaf when query.a verdict refuse }"
    assert speaker(policy_from, *rules, other) == "e"
    # Its own hazard counts for it, though it is milder.
    own = rules[1].replace("{ when", "{ hazard zero when")
    assert speaker(policy_from, rules[0], own, other) == "a"
    # An exception to it without a hazard inherits through it: f 9 against a 3.
    deeper = "exception f to e { when query.b verdict refuse }"
    assert speaker(policy_from, *rules, deeper, other) == "f"


def test_rule_6_nodes_of_one_name_in_two_taxonomies_are_two_hazards(policy_from: PolicyFrom) -> None:
    text = FLAGS + "taxonomy mild { fire severity 1 } taxonomy grave { fire severity 9 }" + "{0} {1}" + ENDING
    first = "rule a_mild { hazard mild.fire when query.a verdict refuse }"
    second = "rule b_grave { hazard grave.fire when query.a verdict refuse }"
    policies = [
        policy_from(text.replace("{0}", one).replace("{1}", two)) for one, two in ((first, second), (second, first))
    ]
    assert [decide(policy, a=True).speaker for policy in policies] == ["b_grave", "b_grave"]
    assert policies[0].digest == policies[1].digest


# --- 7. what a policy has --------------------------------------------------------------------------------------------

RULE = "rule r { when query.a verdict warn }\n"


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("default comply", "SC0301"),
        ("unsure clarify", "SC0301"),
        ("default comply default comply unsure clarify", "SC0302"),
        ("default comply unsure clarify unsure refuse", "SC0302"),
    ],
)
def test_rule_7_exactly_one_default_and_one_unsure(policy_from: PolicyFrom, ending: str, code: str) -> None:
    with pytest.raises(DiagnosticsError) as error:
        policy_from(FLAGS + RULE + ending)
    assert codes(error) == [code]


@pytest.mark.parametrize(
    "declaration",
    [
        "default comply",
        "unsure clarify",
        RULE,
        "exception e to r { when query.a verdict warn }",
        'example "one" { expect comply }',
        'property "one" { expect comply }',
    ],
)
def test_rule_7_what_a_library_does_not_have(policy_from: PolicyFrom, declaration: str) -> None:
    library = 'library lib { version "1" }\n' + FLAGS + declaration
    with pytest.raises(DiagnosticsError) as error:
        policy_from("import lib" + ENDING, files={"lib.safecot": library})
    assert "SC0303" in codes(error)


def test_rule_7_the_default_is_no_floor(policy_from: PolicyFrom) -> None:
    policy = policy_from(FLAGS + "rule r { when query.a verdict comply }\ndefault refuse unsure clarify")
    assert decide(policy, a=True).verdict == "comply"
    assert decide(policy, a=False).verdict == "refuse"


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("rule r { verdict warn }", "SC0301"),
        ("rule r { when query.a }", "SC0301"),
        ("rule r { when query.a when query.b verdict warn }", "SC0302"),
        ("rule r { when query.a verdict warn verdict warn }", "SC0302"),
        ("rule r { when query.a unless query.b unless query.c verdict warn }", "SC0302"),
        ("rule r { when query.a verdict warn unsure refuse unsure refuse }", "SC0302"),
        ('rule r { when query.a verdict warn think { risk "x" } think { risk "y" } }', "SC0302"),
        ('rule r { when query.a verdict warn think { risk "x" risk when query.a "y" } }', "SC0306"),
    ],
)
def test_rule_7_a_rule_has_when_and_verdict_and_each_clause_once(policy_from: PolicyFrom, rule: str, code: str) -> None:
    with pytest.raises(DiagnosticsError) as error:
        policy_from(FLAGS + rule + ENDING)
    assert codes(error) == [code]


# --- 8. examples and properties --------------------------------------------------------------------------------------

CLAIMED = """policy p { version "1" }
facts query { a : flag  b : flag  minor : flag assume yes }
rule r { when query.a verdict refuse }
rule q { when query.a and query.b verdict refuse }
rule young { when query.minor and query.b verdict redirect }
"""


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        ("given query.a = yes expect refuse", True),
        ("given query.a = yes expect warn", False),
        # b is absent, so unknown: r alone is in force.
        ("given query.a = yes expect refuse by r", True),
        ("given query.a = yes, query.b = yes expect refuse by q, r", True),
        ("given query.a = yes, query.b = yes expect refuse by r, q", True),
        ("given query.a = yes, query.b = yes expect refuse by r", False),  # exactly these
        ("given query.a = yes, query.b = no expect refuse by r, q", False),
        ("given query.a = no, query.b = no expect comply by default", True),
        ("given query.a = no, query.b = no expect comply by r", False),
        ("expect clarify by unsure", True),
        ("given query.a = unknown, query.b = no expect clarify by unsure", True),
        ("given query.a = no, query.b = no expect clarify by unsure", False),
        # Suppositions apply: the user is taken for a minor, unless the example says otherwise.
        ("given query.a = no, query.b = yes expect redirect by young", True),
        ("given query.a = no, query.b = yes, query.minor = unknown expect redirect by young", True),
        ("given query.a = no, query.b = yes, query.minor = no expect comply by default", True),
    ],
)
def test_rule_8_examples(policy_from: PolicyFrom, tmp_path: Any, claim: str, holds: bool) -> None:
    policy_from(CLAIMED + f'example "it" {{ {claim} }}' + ENDING)
    found = check_policy(open_policy(tmp_path / "p.safecot"))
    failing = [diagnostic.code for diagnostic in found if diagnostic.code == "SC1001"]
    assert failing == ([] if holds else ["SC1001"])


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("expect refuse", ["refuse"]),
        ("expect refuse or warn", ["warn", "refuse"]),
        # `not` covers the whole list; the others are the expected ones.
        ("expect not refuse or warn", ["comply", "clarify", "redirect"]),
        ("given query.a expect not comply", ["warn", "clarify", "redirect", "refuse"]),
    ],
)
def test_rule_8_properties(policy_from: PolicyFrom, claim: str, expected: list[str]) -> None:
    (claimed,) = policy_from(CLAIMED + f'property "it" {{ {claim} }}' + ENDING).properties
    assert [verdict.value for verdict in claimed.expect] == expected
    assert (claimed.given is not None) == ("given" in claim)


# --- suppositions ----------------------------------------------------------------------------------------------------

SUPPOSED = """
facts query {
  minor : flag assume yes
  sober : flag assume no
  kind  : one of { red, blue } assume blue
  seen  : set of { cat, dog, emu } assume { emu, cat }
  nobody : set of { cat, dog } assume {}
  harm  : score assume 0.25
  said  : text assume "hello"
  free  : flag
}
rule r { when query.minor and not query.sober and query.kind is blue and query.seen has all of { cat, emu }
              and query.nobody is empty and query.harm <= 0.25 and query.harm >= 0.25 and query.said contains "ell"
         verdict refuse }
"""
ALL = {
    "query.minor": True,
    "query.sober": False,
    "query.kind": "blue",
    "query.seen": ["cat", "emu"],
    "query.nobody": [],
    "query.harm": 0.25,
    "query.said": "hello",
}


def test_suppositions_are_filled_in_and_listed(policy_from: PolicyFrom) -> None:
    decision = decide(policy_from(SUPPOSED + ENDING))
    assert (decision.verdict, decision.certain, decision.deciding) == ("refuse", True, ("r",))
    assert decision.model_dump(mode="json")["assumed"] == ALL
    assert decision.unsettled == ()


def test_what_cannot_be_told_is_supposed_too(policy_from: PolicyFrom) -> None:
    decision = decide(policy_from(SUPPOSED + ENDING), **{name: {"unknown": True} for name in ALL})
    assert (decision.verdict, decision.model_dump(mode="json")["assumed"]) == ("refuse", ALL)


def test_a_known_fact_is_not_supposed(policy_from: PolicyFrom) -> None:
    policy = policy_from(SUPPOSED + ENDING)
    decision = decide(policy, minor=False, sober=False, nobody=None)
    assert decision.verdict == "comply"
    assert decision.model_dump(mode="json")["assumed"] == {
        name: value for name, value in ALL.items() if name not in ("query.minor", "query.sober")
    }


def test_a_trace_holds_the_case_with_suppositions_filled_in(policy_from: PolicyFrom) -> None:
    """What is supposed is known from there on, and no more among what cannot be told."""
    case = read_case(
        policy_from(SUPPOSED + ENDING), case_of({"minor": {"unknown": True}, "free": {"unknown": True}, "harm": 0.5})
    )
    completed = Interpreter(policy_from(SUPPOSED + ENDING)).trace(case).case
    assert completed.known == {
        "query.minor": True,
        "query.sober": False,
        "query.kind": "blue",
        "query.seen": frozenset({"cat", "emu"}),
        "query.nobody": frozenset(),
        "query.harm": 0.5,
        "query.said": "hello",
    }
    assert completed.cannot_tell == frozenset({"query.free"})
