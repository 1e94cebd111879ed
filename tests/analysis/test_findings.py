"""Findings: each with a policy that has it and one that barely has not, and all against brute force."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from fixture_types import PolicyFrom
from hypothesis import assume, given
from strategies import examples, policies, skeletons

from safecot_dsl.analysis.examination import Examination
from safecot_dsl.analysis.findings import Finding, analyse
from safecot_dsl.analysis.limits import Limits
from safecot_dsl.artifact import Case, CompiledPolicy, Rule, SetType, Subject, TextType, Verdict, atoms
from safecot_dsl.diagnostics import Severity
from safecot_dsl.engine import Interpreter, Trace, Truth
from safecot_dsl.render import ReasoningStyle, render
from tests.engine.completions import representatives

from .pairs import states

FACTS = """
facts image { knife : flag gun : flag label : text things : set of { a, b, c } place : one of { home, lab, street } }
facts query { act : one of { look, make, hurt } harm : score words : text }
facts context { minor : flag professional : flag assume no }
"""
ENDING = "\ndefault comply\nunsure clarify\n"


def found(policy_from: PolicyFrom, rules: str, ending: str = ENDING) -> list[Finding]:
    return list(analyse(policy_from(FACTS + rules + ending)))


def said_of(findings: list[Finding], code: str) -> list[tuple[str, str]]:
    return [(finding.key, finding.message) for finding in findings if finding.code == code]


# --- by hand ---------------------------------------------------------------------------------------------------------

NEVER = [
    ("rule r { when image.knife and not image.knife verdict warn }", "two parts of its `when` exclude each other"),
    ("rule r { when query.harm > 0.5 and query.harm <= 0.5 verdict warn }", "two parts"),
    ("rule r { when query.act is look and query.act is make verdict warn }", "two parts"),
    ("rule r { when image.things is empty and image.things has a verdict warn }", "two parts"),
    ('rule r { when query.words contains "how to make" and not query.words contains "HOW TO" verdict warn }', "two"),
    ("rule r { when at least 2 of (query.act is look, query.act is make, query.act is hurt) verdict warn }", "two"),
    ("rule r { when image.knife unless image.knife or image.gun verdict warn }", "its `unless` takes every case"),
]


@pytest.mark.parametrize(("rule", "help"), NEVER)
def test_a_rule_that_never_applies(policy_from: PolicyFrom, rule: str, help: str) -> None:
    (finding,) = [f for f in found(policy_from, rule) if f.code not in ("SC1108", "SC1121")]
    assert (finding.code, finding.severity, finding.key) == ("SC1101", Severity.WARNING, "rule:r")
    assert finding.message == "`r` never applies"
    assert (finding.help or "").startswith(help)


@pytest.mark.parametrize(
    "rule",
    [
        "rule r { when image.knife and not image.gun verdict warn }",
        "rule r { when query.harm >= 0.5 and query.harm <= 0.5 verdict warn }",  # one double is left
        "rule r { when query.act is look or query.act is make verdict warn }",
        "rule r { when image.things has none of { a, b } and image.things is not empty verdict warn }",
        'rule r { when query.words contains "how to" and not query.words contains "how to make" verdict warn }',
        "rule r { when image.knife unless image.knife and image.gun verdict warn }",
    ],
)
def test_a_rule_that_barely_applies(policy_from: PolicyFrom, rule: str) -> None:
    assert said_of(found(policy_from, rule), "SC1101") == []


def test_a_rule_behind_a_stricter_one(policy_from: PolicyFrom) -> None:
    rules = """rule strict { when image.knife verdict refuse }
    rule weak { when image.knife and query.act is make verdict warn }"""
    (finding,) = [f for f in found(policy_from, rules) if f.code == "SC1102"]
    assert finding.key == "rule:weak"
    assert finding.message == "`weak` never decides: wherever it holds, so does a stricter rule (`strict`)"
    assert finding.witness == Case({"image.knife": True, "query.act": "make"})
    assert finding.notes == (
        "for example, image.knife = yes, query.act = make: `refuse` by `strict`",
        "`weak` says `warn` where `refuse` is due without exception: it contradicts this rule",
    )


def test_a_rule_behind_two_stricter_ones_together(policy_from: PolicyFrom) -> None:
    rules = """rule one { when image.knife and image.gun verdict refuse }
    rule two { when image.knife and not image.gun verdict redirect }
    rule weak { when image.knife verdict warn }"""
    ((_, message),) = said_of(found(policy_from, rules), "SC1102")
    assert message.endswith("(`two` and `one`)")  # the plainer case first: without a gun


def test_a_rule_behind_its_exception(policy_from: PolicyFrom) -> None:
    rules = """rule r { when image.knife verdict refuse }
    exception e to r { when image.knife or image.gun verdict warn unsure warn }"""
    ((key, message),) = said_of(found(policy_from, rules), "SC1102")
    assert (key, message) == ("rule:r", "`r` never decides: wherever it applies, so does an exception to it (`e`)")


@pytest.mark.parametrize(
    "rules",
    [
        "rule a { when image.knife verdict refuse } rule b { when image.knife or image.gun verdict warn }",
        "rule a { when image.knife verdict refuse } rule b { when image.knife verdict refuse }",  # both decide
        "rule a { when image.knife verdict refuse } exception e to a { when image.gun verdict warn }",
    ],
)
def test_rules_that_decide_somewhere(policy_from: PolicyFrom, rules: str) -> None:
    assert said_of(found(policy_from, rules), "SC1102") == []


def test_an_exception_that_never_overlaps_its_rule(policy_from: PolicyFrom) -> None:
    rules = """rule r { when query.act is make verdict refuse }
    rule s { when query.act is hurt verdict refuse }
    exception e to r, s { when query.act is hurt and image.place is lab verdict redirect }
    exception f to r { when image.place is lab verdict redirect }
    exception nowhere to r { when query.act is look verdict redirect }"""
    assert said_of(found(policy_from, rules), "SC1103") == [
        ("rule:e", "the exception `e` never overlaps `r`, so it is no exception to it"),
        ("rule:nowhere", "the exception `nowhere` never overlaps `r`, so it is no exception to it"),
    ]
    assert said_of(found(policy_from, rules), "SC1101") == []  # said once


def test_what_follows_from_a_dead_rule_is_not_said_again(policy_from: PolicyFrom) -> None:
    rules = """rule dead { when image.knife and not image.knife verdict refuse }
    exception e to dead { when image.gun verdict warn }
    exception f to e { when query.act is make verdict comply }"""
    findings = [(f.code, f.key) for f in found(policy_from, rules) if f.code != "SC1121"]
    assert findings == [("SC1101", "rule:dead")]


def test_an_unless_that_changes_nothing(policy_from: PolicyFrom) -> None:
    rules = """rule idle { when query.act is make unless query.act is look verdict redirect }
    rule busy { when query.act is make unless image.place is lab verdict redirect }
    rule r { when image.knife verdict refuse unsure refuse }
    exception e to r { when image.place is lab unless not image.knife verdict redirect }"""
    assert said_of(found(policy_from, rules), "SC1104") == [
        ("rule:idle.unless", "the `unless` of `idle` changes nothing: it never holds where the rule would apply"),
        ("rule:e.unless", "the `unless` of `e` changes nothing: it never holds where the rule would apply"),
    ]


def test_a_stricter_exception(policy_from: PolicyFrom) -> None:
    rules = """rule r { when image.knife verdict warn unsure warn }
    exception e to r { when query.act is hurt verdict refuse }
    exception laxer to r { when query.act is look verdict comply unsure warn }"""
    (finding,) = [f for f in found(policy_from, rules) if f.code == "SC1105"]
    assert finding.message == "the exception `e` is stricter than what it is to: `refuse`, where `r` would be `warn`"
    assert finding.witness == Case({"image.knife": True, "query.act": "hurt"})


def test_an_exception_to_an_exception_may_give_back_what_it_took(policy_from: PolicyFrom) -> None:
    rules = """rule r { when image.knife verdict refuse unsure refuse }
    exception e to r { when image.place is lab verdict redirect }
    exception back to e { when query.act is hurt verdict refuse }"""
    assert said_of(found(policy_from, rules), "SC1105") == []
    beyond = rules.replace("rule r { when image.knife verdict refuse", "rule r { when image.knife verdict redirect")
    beyond = beyond.replace("verdict redirect }\n    exception back", "verdict warn }\n    exception back")
    assert [key for key, _ in said_of(found(policy_from, beyond), "SC1105")] == ["rule:back"]


def test_a_default_that_never_holds(policy_from: PolicyFrom) -> None:
    rules = "rule r { when image.knife verdict refuse } rule s { when not image.knife verdict comply }"
    ((key, message),) = said_of(found(policy_from, rules), "SC1106")
    assert key == "default"
    assert message == "`default comply` never holds where all facts are known: the rules cover every case"
    assert said_of(found(policy_from, rules.replace("not image.knife", "image.gun")), "SC1106") == []


TAXONOMY = """
taxonomy harms { violence { fights threats { veiled } } theft { fraud burglary } other }
facts query { topic : one of harms }
"""


def test_nodes_that_no_rule_reads(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        TAXONOMY + "rule r { when query.topic is within threats or query.topic is fraud verdict redirect }" + ENDING
    )
    # `threats` brings `veiled`; of theft only fraud is read, so theft itself and burglary are not.
    assert said_of(list(analyse(policy)), "SC1107") == [
        ("fact:query.topic", "no rule reads whether `query.topic` is `fights`, `burglary` or `other`")
    ]
    whole = TAXONOMY + "rule r { when query.topic is within violence verdict redirect }" + ENDING
    assert said_of(list(analyse(policy_from(whole))), "SC1107") == [
        ("fact:query.topic", "no rule reads whether `query.topic` is `theft` or `other`")
    ]


def test_hazards_of_the_policys_own_that_no_rule_is_about(policy_from: PolicyFrom) -> None:
    text = """taxonomy harms { violence { fights threats { veiled } } theft { fraud burglary } other }
    facts query { a : flag b : flag }
    rule r { hazard threats when query.a verdict redirect }
    rule s { hazard fraud when query.b verdict redirect }"""
    ((key, message),) = said_of(list(analyse(policy_from(text + ENDING))), "SC1107")
    assert message == "of the taxonomy `harms`, no rule is about `fights`, `burglary` or `other`"
    assert key == "taxonomy:harms"


def test_unsure_above_everything_possible(policy_from: PolicyFrom) -> None:
    rules = "rule r { when image.knife verdict warn } rule s { when image.gun verdict refuse }"
    (finding,) = [f for f in found(policy_from, rules) if f.code == "SC1108"]
    assert finding.key == "unsure"
    assert finding.message == (
        "`unsure clarify` is stricter than everything that is still possible where only `r` may apply"
    )
    assert finding.witness is not None
    assert dict(finding.witness.known) == {"image.gun": False}
    mended = rules.replace("verdict warn", "verdict warn unsure warn")
    assert said_of(found(policy_from, mended), "SC1108") == []
    own = rules.replace("verdict warn", "verdict warn unsure redirect")
    assert [key for key, _ in said_of(found(policy_from, own), "SC1108")] == ["rule:r.unsure"]


def test_ignorance_that_softens_a_refusal(policy_from: PolicyFrom) -> None:
    rules = """rule r { when image.knife verdict refuse }
    exception e to r { when query.act is look verdict comply }"""
    (finding,) = [f for f in found(policy_from, rules) if f.code == "SC1109"]
    assert finding.key == "rule:r"
    assert finding.witness == Case({"image.knife": True})
    assert "the verdict is `clarify` as long as `e` may apply" in finding.message
    for mended in (
        rules.replace("verdict refuse", "verdict refuse unsure refuse"),
        rules.replace("verdict comply", "verdict refuse"),
        rules.replace("query.act is look", "context.professional"),  # never unknown: it is supposed to be no
        rules.replace("to r { when query.act is look", "to r { when image.knife"),  # known wherever the rule applies
    ):
        assert said_of(found(policy_from, mended), "SC1109") == [], mended


def test_a_default_stricter_than_unsure(policy_from: PolicyFrom) -> None:
    rules = "rule r { when image.knife verdict comply }"
    (finding,) = [f for f in found(policy_from, rules, "default refuse unsure warn") if f.code == "SC1110"]
    assert (finding.key, finding.witness) == ("default", Case({}))
    assert said_of(found(policy_from, rules, "default refuse unsure refuse"), "SC1110") == []
    own = rules.replace("verdict comply", "verdict comply unsure refuse")
    assert said_of(found(policy_from, own, "default refuse unsure warn"), "SC1110") == []


def test_refusals_for_one_side_alone(policy_from: PolicyFrom) -> None:
    rules = """rule seen { when image.knife verdict refuse }
    rule asked { when query.act is hurt verdict refuse }
    rule both { when image.gun and query.act is make verdict refuse }
    rule softer { when image.things has a verdict redirect }
    rule with_way_out { when image.things has b verdict refuse unsure refuse }
    exception out to with_way_out { when query.act is look verdict comply unsure refuse }
    rule with_strict_way_out { when image.things has c verdict refuse }
    exception strict to with_strict_way_out { when query.act is look verdict refuse }"""
    findings = found(policy_from, rules)
    assert [key for key, _ in said_of(findings, "SC1111")] == ["rule:seen", "rule:with_strict_way_out"]
    assert [(f.key, f.severity) for f in findings if f.code == "SC1114"] == [("rule:asked", Severity.NOTE)]
    assert [f.witness for f in findings if f.key == "rule:seen" and f.code == "SC1111"] == [Case({"image.knife": True})]


def test_a_refusal_without_a_laxer_neighbour(policy_from: PolicyFrom) -> None:
    # Whichever of the three is changed, two of them remain.
    rules = """rule two { when at least 2 of (image.knife, image.gun, context.minor) verdict refuse }
    rule three { when image.knife and image.gun and context.minor and query.act is hurt verdict refuse }"""
    assert [key for key, _ in said_of(found(policy_from, rules), "SC1112")] == ["rule:three"]
    lone = rules.replace("at least 2", "at least 3")
    assert said_of(found(policy_from, lone), "SC1112") == []


def test_exceptions_that_do_not_help(policy_from: PolicyFrom) -> None:
    rules = """rule r { when image.knife and query.act is make verdict refuse unsure refuse }
    exception e to r { when image.place is lab verdict warn unsure refuse }
    rule always { when image.place is lab verdict redirect }"""
    (finding,) = [f for f in found(policy_from, rules) if f.code == "SC1113"]
    assert (finding.severity, finding.key) == (Severity.WARNING, "rule:e")
    assert finding.message == (
        "the exception `e` says `warn`, but the verdict is never below `redirect` where it holds"
    )
    helps = rules.replace(
        "rule always { when image.place is lab", "rule always { when image.place is lab and image.gun"
    )
    assert said_of(found(policy_from, helps), "SC1113") == []


def test_a_refusal_that_is_only_ever_redirected_is_a_note(policy_from: PolicyFrom) -> None:
    rules = """rule r { when image.knife and query.act is make verdict refuse unsure refuse }
    exception e to r { when image.place is lab verdict redirect unsure refuse }"""
    (finding,) = [f for f in found(policy_from, rules) if f.code == "SC1113"]
    assert (finding.severity, finding.key) == (Severity.NOTE, "rule:e")
    more = rules + "exception f to r { when image.place is home verdict warn unsure refuse }"
    assert said_of(found(policy_from, more), "SC1113") == []


TABLE = """table t {
  columns query.act, image.place, query.harm
  row making : make, {home, street}, any then refuse { unsure refuse }
  row in_lab : make, lab, < 0.5 then redirect
  row asking : look, any, any then comply
%s
}"""


def test_rows_that_contradict_each_other(policy_from: PolicyFrom) -> None:
    overlap = TABLE % "row also : make, not home, >= 0.4 then warn"
    findings = [f for f in found(policy_from, overlap) if f.code == "SC1115"]
    assert {(f.key, f.message) for f in findings} == {
        ("rule:also", "the rows `making` (refuse) and `also` (warn) of the table `t` apply together"),
        ("rule:also", "the rows `in_lab` (redirect) and `also` (warn) of the table `t` apply together"),
    }
    assert all(f.severity is Severity.ERROR for f in findings)
    for f in findings:
        assert f.witness is not None
        assert f.witness.known["query.act"] == "make"
    # Beside each other, or of one verdict, rows do not contradict each other.
    apart = TABLE % "row also : make, lab, >= 0.5 then warn row same : look, lab, any then comply"
    assert said_of(found(policy_from, apart), "SC1115") == []


def test_gaps_of_a_table(policy_from: PolicyFrom) -> None:
    (finding,) = [f for f in found(policy_from, TABLE % "") if f.code == "SC1116"]
    assert (finding.severity, finding.key) == (Severity.NOTE, "table:t")
    assert set(finding.notes) == {"query.act is hurt", "query.act is make and image.place is lab and query.harm >= 0.5"}
    full = TABLE % "row hurting : hurt, any, any then refuse row rest : make, lab, >= 0.5 then warn"
    assert said_of(found(policy_from, full), "SC1116") == []


def test_many_gaps_are_counted(policy_from: PolicyFrom) -> None:
    facts = "facts query { a : flag b : flag c : flag d : flag }"
    rows = " ".join(
        f"row r{n} : {', '.join('yes' if n >> k & 1 else 'no' for k in range(4))} then warn"
        for n in range(16)
        if n.bit_count() % 2
    )
    policy = policy_from(f"{facts} table t {{ columns query.a, query.b, query.c, query.d {rows} }}" + ENDING)
    (finding,) = [f for f in analyse(policy) if f.code == "SC1116"]
    assert finding.notes[-1] == "and 5 further gaps"  # the 8 even combinations have no neighbour that is a gap too


def test_what_there_is_no_time_for_is_said(policy_from: PolicyFrom) -> None:
    policy = policy_from(FACTS + "rule r { when image.knife verdict refuse }" + ENDING)
    (finding,) = (f for f in analyse(policy, limits=Limits(seconds_in_all=0)) if f.code != "SC1121")
    assert (finding.code, finding.severity) == ("SC1005", Severity.WARNING)
    assert any("whether `r` ever applies (SC1101)" in note for note in finding.notes)


def test_a_text_that_nobody_finds_is_said(policy_from: PolicyFrom) -> None:
    rules = """rule r { when query.act is look verdict refuse }
    exception e to r { when query.words matches /a\\Bb/ and not query.words matches /ab/ verdict comply }
    property "p" { given query.words matches /a\\Bb/ and not query.words matches /ab/ expect refuse }"""
    findings = found(policy_from, rules)
    assert [f.code for f in findings if f.code in ("SC1003", "SC1005")] == ["SC1005"]


# --- by brute force --------------------------------------------------------------------------------------------------


def without_suppositions(policy: CompiledPolicy) -> CompiledPolicy:
    return policy.model_copy(update={"facts": tuple(f.model_copy(update={"assume": None}) for f in policy.facts)})


def every_complete(policy: CompiledPolicy) -> list[Trace]:
    interpreter = Interpreter(policy)
    names = [fact.name for fact in policy.facts]
    values = [representatives(policy, fact) for fact in policy.facts]
    return [interpreter.trace(Case(dict(zip(names, chosen, strict=True)))) for chosen in itertools.product(*values)]


def every_partial(policy: CompiledPolicy) -> Iterator[Trace]:
    interpreter = Interpreter(policy)
    names = [fact.name for fact in policy.facts]
    values = [states(fact.name, (policy,)) for fact in policy.facts]
    for chosen in itertools.product(*values):
        known = {name: value for name, value in zip(names, chosen, strict=True) if value is not None}
        yield interpreter.trace(Case(known))


def yes(truths: dict[str, Truth], rule: str) -> bool:
    return truths[rule] is Truth.YES


def own(trace: Trace, rule: Rule) -> bool:
    taken = rule.unless is not None and trace.truth(rule.unless) is Truth.YES
    return trace.truth(rule.when) is Truth.YES and not taken


def expected_of_rules(policy: CompiledPolicy, traces: list[Trace]) -> set[tuple[str, str]]:
    """SC1101 to SC1106, straight from their definitions."""
    result: set[tuple[str, str]] = set()
    applying = {r.name: [t for t in traces if yes(t.applies, r.name)] for r in policy.rules}
    for rule in policy.rules:
        if not any(own(t, rule) for t in traces):
            result.add(("SC1101", f"rule:{rule.name}"))
            continue
        living = [p for p in rule.exception_to if applying[p]]
        if any(not any(own(t, rule) and yes(t.applies, p) for t in traces) for p in living):
            result.add(("SC1103", f"rule:{rule.name}"))
        if not applying[rule.name]:
            continue
        if not any(rule.name in t.decision.deciding for t in traces):
            result.add(("SC1102", f"rule:{rule.name}"))
        if rule.unless is not None and not any(
            t.truth(rule.when) is Truth.YES
            and t.truth(rule.unless) is Truth.YES
            and (not rule.exception_to or any(yes(t.applies, p) for p in rule.exception_to))
            for t in traces
        ):
            result.add(("SC1104", f"rule:{rule.name}.unless"))
        if any(
            yes(t.effective, rule.name) and yes(t.applies, p) and stricter_than_all_above(policy, rule, p)
            for p in rule.exception_to
            for t in traces
        ):
            result.add(("SC1105", f"rule:{rule.name}"))
    if all(t.decision.effective for t in traces):
        result.add(("SC1106", "default"))
    return result


def ancestors(policy: CompiledPolicy, name: str) -> set[str]:
    parents = set(policy.rule_index[name].exception_to)
    return parents.union(*(ancestors(policy, parent) for parent in parents))


def stricter_than_all_above(policy: CompiledPolicy, rule: Rule, parent: str) -> bool:
    above = {parent, *ancestors(policy, parent)}
    return all(policy.rule_index[name].verdict.strictness < rule.verdict.strictness for name in above)


def differ_in_one_fact(one: Trace, other: Trace) -> bool:
    return sum(one.case.known[name] != other.case.known[name] for name in one.case.known) == 1


def expected_of_refusals(policy: CompiledPolicy, traces: list[Trace]) -> set[tuple[str, str]]:
    """SC1111, SC1112 and SC1114."""
    result: set[tuple[str, str]] = set()
    answered = [t for t in traces if t.decision.verdict is not Verdict.REFUSE]
    for rule in policy.rules:
        refused = [t for t in traces if rule.name in t.decision.deciding]
        if rule.verdict is not Verdict.REFUSE or not refused:
            continue
        if not any(differ_in_one_fact(a, b) for a in refused for b in answered):
            result.add(("SC1112", f"rule:{rule.name}"))
        above = ancestors(policy, rule.name)
        if any(policy.rule_index[name].verdict is Verdict.REFUSE for name in above):
            continue
        softer = {
            r.name for r in policy.rules if rule.name in ancestors(policy, r.name) and r.verdict is not Verdict.REFUSE
        }
        read = {
            atom.fact.split(".")[0]
            for name in {rule.name, *above, *softer}
            for condition in (policy.rule_index[name].when, policy.rule_index[name].unless)
            if condition is not None
            for atom in atoms(condition)
        }
        if read == {Subject.IMAGE}:
            result.add(("SC1111", f"rule:{rule.name}"))
        elif read == {Subject.QUERY} and any(fact.subject is Subject.IMAGE for fact in policy.facts):
            result.add(("SC1114", f"rule:{rule.name}"))
    return result


def expected_of_ignorance(policy: CompiledPolicy) -> set[tuple[str, str]]:
    """SC1108 to SC1110."""
    result: set[tuple[str, str]] = set()
    for trace in every_partial(policy):
        decision = trace.decision
        if decision.certain:
            continue
        in_force = any(truth is Truth.YES for truth in trace.applies.values())
        for name in decision.undecided:
            rule = policy.rule_index[name]
            matters = not in_force or rule.verdict.strictness > decision.lower.strictness
            unsure = rule.unsure or policy.unsure
            if matters and unsure.strictness > decision.upper.strictness:
                result.add(("SC1108", f"rule:{name}.unsure" if rule.unsure else "unsure"))
            refusal = rule.verdict is Verdict.REFUSE and yes(trace.applies, name)
            if refusal and decision.verdict is not Verdict.REFUSE:
                result.add(("SC1109", f"rule:{name}"))
        laxer = decision.verdict.strictness < policy.default.strictness
        if policy.unsure.strictness < policy.default.strictness and not in_force and laxer:
            result.add(("SC1110", "default"))
    return result


COMPLETE = {"SC1101", "SC1102", "SC1103", "SC1104", "SC1105", "SC1106", "SC1111", "SC1112", "SC1114"}


def small(policy: CompiledPolicy, most: int) -> bool:
    """Few enough cases to go through, and none that hangs on a text."""
    count = 1
    for fact in policy.facts:
        if isinstance(fact.type, TextType) or (isinstance(fact.type, SetType) and len(fact.type.values) > 2):
            return False
        count *= len(states(fact.name, (policy,)))
    return count <= most


def keys(policy: CompiledPolicy, codes: set[str]) -> set[tuple[str, str]]:
    return {(f.code, f.key) for f in analyse(policy) if f.code in codes}


@examples(60)
@given(policies(max_rules=5))
def test_findings_on_complete_cases_are_those_of_brute_force(policy: CompiledPolicy) -> None:
    policy = without_suppositions(policy)
    assume(small(policy, 400))
    traces = every_complete(policy)
    assert keys(policy, COMPLETE) == expected_of_rules(policy, traces) | expected_of_refusals(policy, traces)


@examples(60)
@given(skeletons(max_rules=5))
def test_findings_on_exceptions_are_those_of_brute_force(policy: CompiledPolicy) -> None:
    traces = every_complete(policy)
    assert keys(policy, COMPLETE) == expected_of_rules(policy, traces) | expected_of_refusals(policy, traces)
    assert keys(policy, {"SC1108", "SC1109", "SC1110"}) == expected_of_ignorance(policy)


@examples(60)
@given(policies(max_rules=4))
def test_findings_on_ignorance_are_those_of_brute_force(policy: CompiledPolicy) -> None:
    assume(small(policy, 300))
    assert keys(policy, {"SC1108", "SC1109", "SC1110"}) == expected_of_ignorance(policy)


@examples(60)
@given(policies())
def test_findings_repeat(policy: CompiledPolicy) -> None:
    assert analyse(policy) == analyse(policy)


# --- what was missed -------------------------------------------------------------------------------------------------


def test_facts_that_no_rule_reads(policy_from: PolicyFrom) -> None:
    """Read are conditions, of steps too, and slots."""
    rules = """rule r {
      when image.knife unless context.minor
      verdict refuse
      think { decide when image.gun "I see {image.label} and {image.place}." decide "No." }
    }
    rule s { when query.act is hurt or query.harm > 0.5 or query.words contains "x" verdict refuse }"""
    (finding,) = [f for f in found(policy_from, rules) if f.code == "SC1121"]
    assert (finding.severity, finding.key) == (Severity.NOTE, "fact:image.things")
    assert finding.message == "no rule reads `image.things` or `context.professional`"
    more = "rule more { when image.things is empty and context.professional verdict warn }"
    assert said_of(found(policy_from, rules + more), "SC1121") == []


def test_an_unsure_that_withholds_what_is_mostly_harmless(policy_from: PolicyFrom) -> None:
    """Of the three places one is refused: without the place, two of three completions are answered."""
    rule = "rule r {{ when query.act is make and image.place is lab verdict refuse {} }}"
    (finding,) = [f for f in found(policy_from, rule.format("unsure refuse")) if f.code == "SC1122"]
    assert (finding.severity, finding.key) == (Severity.NOTE, "rule:r.unsure")
    assert finding.witness is not None
    assert "2 of 3 values of `image.place` are harmless: all but `lab`" in finding.notes[0]
    assert said_of(found(policy_from, rule.format("")), "SC1122") == []
    # Where two of three are refused, the few are refused for the many.
    wide = "rule r { when query.act is not look and image.place is not lab verdict refuse unsure refuse }"
    assert said_of(found(policy_from, wide), "SC1122") == []


def test_the_policys_own_unsure_that_withholds(policy_from: PolicyFrom) -> None:
    rule = "rule r { when query.act is make and image.place is lab verdict refuse }"
    ending = "\ndefault comply\nunsure redirect\n"
    (finding,) = [f for f in found(policy_from, rule, ending) if f.code == "SC1122"]
    assert (finding.severity, finding.key) == (Severity.WARNING, "unsure")
    assert finding.message.startswith("`unsure redirect` withholds an answer that is harmless in most completions: ")


def test_a_text_that_another_rule_speaks_over(policy_from: PolicyFrom) -> None:
    """Equal hazards: the first name speaks. `b` decides only where `a` does."""
    rules = """rule a { when image.knife verdict refuse }
    rule b { when image.knife and image.gun verdict refuse answer { say "Not with both." } }"""
    ((key, message),) = said_of(found(policy_from, rules), "SC1119")
    assert (key, message) == ("rule:b.answer.say", "this text of `b` is never said")
    apart = rules.replace("image.knife and image.gun", "image.gun")
    assert said_of(found(policy_from, apart), "SC1119") == []


def test_rules_that_contradict_each_other(policy_from: PolicyFrom) -> None:
    rules = """rule no { when image.knife verdict refuse }
    rule yes { when image.knife and query.act is look verdict comply }"""
    (finding,) = [f for f in found(policy_from, rules) if f.code == "SC1102"]
    assert finding.notes[1:] == (
        "`yes` says `comply` where `refuse` is due without exception: it contradicts this rule",
    )


def test_a_chain_of_exceptions_of_any_depth(policy_from: PolicyFrom) -> None:
    """Longer than Python's stack, which is a thousand frames deep."""
    rules = ["rule r0 { when image.knife verdict refuse }"]
    rules += [
        f"exception r{n} to r{n - 1} {{ when image.gun verdict {'comply' if n % 2 else 'refuse'} }}"
        for n in range(1, 1_200)
    ]
    policy = policy_from(FACTS + "\n".join(rules) + ENDING)
    examination = Examination(policy, Limits(seconds_in_all=1.0))
    partial = examination.partial
    for verdict in Verdict:
        partial.certainly(policy, verdict)
        partial.verdict_at_least(policy, verdict)
    case = Case({"image.knife": True, "image.gun": True})
    text = render(Interpreter(policy), case, style=ReasoningStyle.STEPWISE, seed="0")
    assert Interpreter(policy).decide(case).deciding == ("r1199",)
    assert text.reasoning
