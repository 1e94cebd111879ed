"""Cases that are drawn: each fits, is what was asked for, and shrinks to what can be derived by hand."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from strategies import examples, policies_and_cases, skeletons, unknown_facts
from strategies import policies as small_policies

from safecot_dsl.analysis.cases import UndecidedError, find_case
from safecot_dsl.artifact import (
    UNKNOWN,
    Case,
    CaseError,
    Compare,
    CompiledPolicy,
    Contains,
    Decision,
    Verdict,
    read_case,
)
from safecot_dsl.datafiles import policies_root
from safecot_dsl.diagnostics import DiagnosticsError
from safecot_dsl.engine import Interpreter, Truth, evaluate
from safecot_dsl.testing import NoSuchCaseError, cases, completions, pairs, show_example
from safecot_dsl.testing.strategies_where import read_condition
from safecot_dsl.workspace import Opened, compile_policy, open_policy

T = TypeVar("T")
PolicyFrom = Callable[..., CompiledPolicy]
SHIPPED = [
    pytest.param(path, marks=[pytest.mark.long] * (path.stem not in ("household_chemicals", "miniature")))
    for path in (*sorted(policies_root().glob("*.safecot")), *sorted(policies_root().glob("published/*.safecot")))
]

KITCHEN = """policy kitchen { version "1" }
import words
param limit = 0.6
facts image {
  objects : set of { bleach, ammonia, vinegar, knife, toy }
  setting : one of { kitchen, laboratory, street }
  text    : text
}
facts query {
  intent : one of { identify, store, mix, hurt }
  harm   : score
}
facts context { minor : flag  adult : flag assume yes }
group corrosive = { bleach, ammonia }
let toxic_pair = image.objects has all of corrosive
rule toxic_mixing { when toxic_pair and query.intent is mix verdict refuse }
exception lab_training to toxic_mixing { when image.setting is laboratory and query.harm < limit verdict redirect }
rule asks_to_hurt { when query.intent is hurt or query.harm >= 0.9 verdict refuse }
rule reads_danger { when image.text contains any of words.danger or image.text matches /^[A-Z]{4}$/ verdict warn }
rule dead { when toxic_pair and not image.objects has bleach verdict clarify }
default comply
unsure clarify
"""
WORDS = 'library words { version "1" }\nphrases danger { "bomb" "poison" }\nparam far = 0.95\n'

#: The plainest complete case: no, the first name, the empty set, 0, the empty text.
PLAIN: dict[str, Any] = {
    "image.objects": frozenset(),
    "image.setting": "kitchen",
    "image.text": "",
    "query.intent": "identify",
    "query.harm": 0.0,
    "context.minor": False,
    "context.adult": False,
}


@pytest.fixture(scope="module")
def kitchen(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    folder = tmp_path_factory.mktemp("kitchen")
    (folder / "words.safecot").write_text(WORDS)
    (folder / "kitchen.safecot").write_text(KITCHEN)
    opened = open_policy(folder / "kitchen.safecot")
    assert opened.policy is not None, opened.diagnostics
    return opened


def drawn(strategy: st.SearchStrategy[T], count: int = 100) -> list[T]:
    found: list[T] = []

    @settings(max_examples=count, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def draw(value: T) -> None:
        found.append(value)

    draw()
    return found


def simplest(strategy: st.SearchStrategy[T], fails: Callable[[T], bool] = lambda value: True) -> T:
    phases = (Phase.generate, Phase.shrink)  # without the explanation, which follows every line
    return find(strategy, fails, settings=settings(max_examples=5000, database=None, derandomize=True, phases=phases))


def decision(policy: Opened, case: Case) -> Decision:
    assert policy.policy is not None
    return Interpreter(policy.policy).decide(case)


# --- every drawn case fits -------------------------------------------------------------------------------------------


@examples(60)
@given(small_policies() | skeletons(), st.booleans(), st.data())
def test_every_case_fits_and_is_complete_unless_facts_may_be_unknown(
    policy: CompiledPolicy, unknown: bool, data: st.DataObject
) -> None:
    strategy = cases(policy, unknown=unknown)
    for _ in range(4):
        case = data.draw(strategy)
        assert read_case(policy, case.to_json()) == case
        assert unknown or set(case.known) == {fact.name for fact in policy.facts}


@examples(40)
@given(policies_and_cases(), st.data())
def test_completions_fill_in_what_can_be_learnt_and_nothing_else(
    policy_and_case: tuple[CompiledPolicy, Case], data: st.DataObject
) -> None:
    policy, case = policy_and_case
    whole = data.draw(completions(policy, case))
    learnt = {fact.name for fact in unknown_facts(policy, case)}
    assert whole.cannot_tell == frozenset()
    assert {name for name in whole.known if whole.known[name] != case.known.get(name)} <= learnt | {
        fact.name for fact in policy.facts if fact.name not in case.known and fact.assume is not None
    }
    # Soundness: a completion lies between the bounds, and no supposition was contradicted.
    before = Interpreter(policy).decide(case)
    assert before.lower.strictness <= Interpreter(policy).decide(whole).verdict.strictness <= before.upper.strictness


@examples(40)
@given(small_policies(), st.data())
def test_a_condition_holds_for_certain_of_every_case(policy: CompiledPolicy, data: st.DataObject) -> None:
    """The condition of one of its own rules: found where the solver finds a case, refused where there is none."""
    rule = data.draw(st.sampled_from(policy.rules))
    unknown = data.draw(st.booleans())
    try:
        possible = find_case(policy, rule.when) is not None
        strategy = cases(policy, where=rule.when, unknown=unknown)
    except UndecidedError:
        return
    except NoSuchCaseError:
        assert not possible
        return
    assert possible
    for _ in range(4):
        case = data.draw(strategy)
        assert evaluate(rule.when, Interpreter(policy).suppose(case)[0].known) is Truth.YES
        assert read_case(policy, case.to_json()) == case


@examples(40)
@given(small_policies() | skeletons(), st.data())
def test_the_rule_asked_for_decides_and_the_verdict_is_the_one_asked_for(
    policy: CompiledPolicy, data: st.DataObject
) -> None:
    interpreter = Interpreter(policy)
    by = data.draw(st.sampled_from([rule.name for rule in policy.rules] + ["default"]))
    verdict = data.draw(st.sampled_from(Verdict))
    unknown = data.draw(st.booleans())
    for asked in ({"decided_by": by}, {"verdict": verdict}):
        try:
            strategy = cases(policy, unknown=unknown, **asked)  # pyright: ignore[reportArgumentType]
        except (NoSuchCaseError, UndecidedError):
            continue
        for _ in range(3):
            found = interpreter.decide(data.draw(strategy))
            if "verdict" in asked:
                assert found.verdict is verdict
            else:
                assert by in (found.deciding or (found.speaker,))


@examples(40)
@given(small_policies() | skeletons(), st.data())
def test_pairs_near_a_rule_straddle_its_boundary(policy: CompiledPolicy, data: st.DataObject) -> None:
    rule = data.draw(st.sampled_from(policy.rules)).name
    interpreter = Interpreter(policy)
    try:
        strategy = pairs(policy, near=rule)
    except (NoSuchCaseError, UndecidedError):
        return
    for _ in range(3):
        inside, outside = data.draw(strategy)
        assert len([name for name in inside.known if inside.known[name] != outside.known[name]]) == 1
        assert interpreter.trace(inside).applies[rule] is Truth.YES
        assert interpreter.trace(outside).applies[rule] is Truth.NO


def test_every_atom_of_a_boundary_is_found(kitchen: Opened) -> None:
    """That `asks_to_hurt` applies can hang on the intent or on the score, and on nothing else."""
    found = drawn(pairs(kitchen, near="asks_to_hurt"))
    changed = {name for a, b in found for name in a.known if a.known[name] != b.known[name]}
    assert changed == {"query.intent", "query.harm"}


@pytest.mark.parametrize("change", [None, "image.objects", "image.text", "query.harm", "context.minor"])
def test_pairs_differ_in_the_fact_that_changes(kitchen: Opened, change: str | None) -> None:
    found = drawn(pairs(kitchen, change=change, where="toxic_pair", fixed={"image.setting": "street"}))
    changed: set[str] = set()
    for one, other in found:
        (name,) = [name for name in one.known if one.known[name] != other.known[name]]
        changed.add(name)
        assert {"bleach", "ammonia"} <= one.known["image.objects"]  # pyright: ignore[reportOperatorIssue]
        assert one.known["image.setting"] == other.known["image.setting"] == "street"
    assert changed == ({change} if change else PLAIN.keys() - {"image.setting"})


def test_facts_that_may_be_unknown_are_so_in_both_ways_and_no_others(kitchen: Opened) -> None:
    found = drawn(cases(kitchen, unknown=["query.harm", "image.text"]))
    ways = {(name in case.known, name in case.cannot_tell) for case in found for name in ("query.harm", "image.text")}
    assert ways == {(True, False), (False, False), (False, True)}
    assert all(PLAIN.keys() - case.known.keys() <= {"query.harm", "image.text"} for case in found)


def test_what_is_asked_of_partial_cases_holds_for_certain(kitchen: Opened) -> None:
    found = drawn(cases(kitchen, unknown=True, where="toxic_pair and query.harm < limit", fixed={"image.text": "a"}))
    for case in found:
        assert {"bleach", "ammonia"} <= case.known["image.objects"]  # pyright: ignore[reportOperatorIssue]
        assert case.known["query.harm"] < 0.6  # pyright: ignore[reportOperatorIssue]
        assert case.known["image.text"] == "a"
    assert any("query.intent" not in case.known for case in found)


def test_texts_hit_and_miss_what_the_policy_looks_for(kitchen: Opened) -> None:
    texts = [case.known["image.text"] for case in drawn(cases(kitchen), 300)]
    rule = kitchen.policy.rule_index["reads_danger"] if kitchen.policy else None
    assert rule is not None
    for phrase in ("bomb", "poison"):
        atom = Contains(fact="image.text", phrases=(phrase,))
        assert {evaluate(atom, {"image.text": text}) for text in texts} == {Truth.YES, Truth.NO}
    assert any(len(str(text)) == 4 and str(text).isupper() for text in texts)


def test_numbers_lie_at_both_ends_of_every_interval_and_within(kitchen: Opened) -> None:
    numbers = {case.known["query.harm"] for case in drawn(cases(kitchen), 500)}
    assert {0.0, 0.6, 0.9, 1.0} <= numbers
    assert any(0.6 < number < 0.9 for number in numbers)  # pyright: ignore[reportOperatorIssue]
    assert any(0.59 < number < 0.6 for number in numbers)  # pyright: ignore[reportOperatorIssue]


# --- how often -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_500_cases_reach_every_rule_and_verdict_of_a_shipped_policy(path: Path) -> None:
    policy = compile_policy(path)
    interpreter = Interpreter(policy)
    decided = [interpreter.decide(case) for case in drawn(cases(policy), 500)]
    by = {name for found in decided for name in (found.deciding or (found.speaker,))}
    for name in {rule.name for rule in policy.rules} - by:
        assert find_case(policy, deciding=name) is None
    for verdict in set(Verdict) - {found.verdict for found in decided}:
        assert find_case(policy, verdict=verdict) is None


# --- how they shrink -------------------------------------------------------------------------------------------------


def plain_but(**changed: Any) -> dict[str, Any]:
    return PLAIN | {name.replace("_", ".", 1): value for name, value in changed.items()}


BOTH = frozenset({"bleach", "ammonia"})
MIXED = plain_but(image_objects=BOTH, query_intent="mix")
TAUGHT = plain_but(image_objects=BOTH, query_intent="mix", image_setting="laboratory")


def whatever(decision: Decision, case: Case) -> bool:
    return True


SIMPLEST: list[tuple[dict[str, Any], Callable[[Decision, Any], bool], dict[str, Any]]] = [
    ({}, whatever, PLAIN),
    ({}, lambda d, case: d.verdict == "redirect", TAUGHT),
    ({}, lambda d, case: d.deciding == ("toxic_mixing",), MIXED),
    ({}, lambda d, case: "toy" in case.known["image.objects"], plain_but(image_objects=frozenset({"toy"}))),
    ({}, lambda d, case: case.known["image.setting"] == "street", plain_but(image_setting="street")),
    ({}, lambda d, case: case.known["context.minor"], plain_but(context_minor=True)),
    ({}, lambda d, case: "bomb" in case.known["image.text"], plain_but(image_text="bomb")),
    ({}, lambda d, case: "poison" in case.known["image.text"], plain_but(image_text="poison")),
    ({"where": "toxic_pair and query.intent is mix"}, whatever, MIXED),
    # 1 is the number with the fewest digits from 0.95 to 1.
    ({"where": "query.harm >= words.far"}, whatever, plain_but(query_harm=1.0)),
    ({"where": "image.text contains any of words.danger"}, whatever, plain_but(image_text="bomb")),
    ({"decided_by": "lab_training"}, whatever, TAUGHT),
    ({"decided_by": "default", "fixed": {"query.intent": "mix"}}, whatever, plain_but(query_intent="mix")),
    ({"unknown": True}, whatever, {}),
    # What is stricter must be ruled out for certain: mixing, the pair without bleach, an intent or score that hurts.
    (
        {"unknown": True},
        lambda d, case: d.verdict == "warn",
        {"image.objects": frozenset(), "image.text": "bomb", "query.harm": 0.0, "query.intent": "identify"},
    ),
    ({"unknown": True, "where": "toxic_pair"}, whatever, {"image.objects": BOTH}),
    ({"unknown": ["context.minor"]}, whatever, {n: v for n, v in PLAIN.items() if n != "context.minor"}),
]


@pytest.mark.parametrize(("asked", "fails", "expected"), SIMPLEST)
def test_a_counterexample_shrinks_to_the_plainest_case(
    kitchen: Opened, asked: dict[str, Any], fails: Callable[[Decision, Any], bool], expected: dict[str, Any]
) -> None:
    found = simplest(cases(kitchen, **asked), lambda case: fails(decision(kitchen, case), case))
    assert dict(found.known) == expected
    assert found.cannot_tell == frozenset()


def test_a_failing_test_shows_the_plainest_case_as_an_example(kitchen: Opened) -> None:
    @settings(database=None, derandomize=True, max_examples=500)
    @given(cases(kitchen))
    def nothing_is_redirected(case: Case) -> None:
        assert decision(kitchen, case).verdict != "redirect"

    with pytest.raises(AssertionError) as failure:
        nothing_is_redirected()
    shown = "\n".join(failure.value.__notes__)
    assert "image.objects = { ammonia, bleach }, image.setting = laboratory" in shown
    assert "expect redirect by lab_training" in shown


def test_pairs_shrink_to_the_plainest_pair(kitchen: Opened) -> None:
    def is_laxer(pair: tuple[Case, Case]) -> bool:
        before, after = (decision(kitchen, case).verdict.strictness for case in pair)
        return after < before

    one, other = simplest(
        pairs(kitchen, change="query.intent", where="toxic_pair and not query.intent is hurt"), is_laxer
    )
    assert dict(one.known) == plain_but(image_objects=BOTH, query_intent="mix")
    assert dict(other.known) == plain_but(image_objects=BOTH)


def test_cases_near_a_rule_shrink_to_plain_ones(kitchen: Opened) -> None:
    one, other = simplest(pairs(kitchen, near="lab_training", change="query.harm"))
    assert dict(one.known) == plain_but(image_objects=BOTH, image_setting="laboratory", query_intent="mix")
    # The plainest number that is not under the limit.
    assert other == one.with_fact("query.harm", 0.7)


# --- what is asked for -----------------------------------------------------------------------------------------------


def test_a_condition_has_the_names_of_the_policy(kitchen: Opened) -> None:
    assert kitchen.policy is not None
    read = read_condition(kitchen, "toxic_pair and image.objects has any of corrosive and query.harm < limit")
    rule = kitchen.policy.rule_index["toxic_mixing"]
    assert read.items[0] == rule.when.items[0]  # pyright: ignore[reportAttributeAccessIssue]
    assert read.items[2] == Compare(fact="query.harm", operator="<", value=0.6, param="limit")  # pyright: ignore[reportAttributeAccessIssue]
    assert read_condition(kitchen, "query.harm > words.far").value == 0.95  # pyright: ignore[reportAttributeAccessIssue]


def test_an_artifact_has_its_facts_params_phrases_and_the_groups_that_rules_name(kitchen: Opened) -> None:
    assert kitchen.policy is not None
    artifact = CompiledPolicy.from_json(kitchen.policy.to_json())
    for text in ("image.objects has any of corrosive", "query.harm < limit", "image.setting is street"):
        assert read_condition(artifact, text) == read_condition(kitchen, text)
    with pytest.raises(DiagnosticsError, match="where:1:1: unknown condition `toxic_pair`"):
        cases(artifact, where="toxic_pair")


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"where": "toxic_pair and query.harm < 0 and limit"}, DiagnosticsError, "limit"),
        ({"where": "toxic_par"}, DiagnosticsError, "unknown condition `toxic_par`"),
        ({"where": "query.intent is"}, DiagnosticsError, "expected"),
        ({"where": "query.harm < 0"}, NoSuchCaseError, "no case is such that `query.harm < 0`"),
        ({"where": "query.intent is hurt", "fixed": {"query.intent": "mix"}}, NoSuchCaseError, "with what is fixed"),
        ({"decided_by": "dead"}, NoSuchCaseError, "no case is decided by `dead`"),
        ({"decided_by": "toxic_mixin"}, ValueError, "no rule `toxic_mixin`; did you mean `toxic_mixing`"),
        ({"verdict": "clarify"}, NoSuchCaseError, "no case is answered with `clarify`"),
        ({"verdict": "refused"}, ValueError, "no verdict `refused`; did you mean `refuse`"),
        ({"near": "dead"}, NoSuchCaseError, "no fact alone decides whether `dead` applies"),
        ({"near": "asks_to_hurt", "fixed": {"query.intent": "hurt"}}, NoSuchCaseError, "as it is asked for"),
        ({"near": "asks_to_hurt", "unknown": True}, ValueError, "complete cases"),
        ({"fixed": {"query.harm": 3}}, CaseError, "`query.harm`: 3 is not a number"),
        ({"fixed": {"query.harm": None}}, ValueError, "fixed without a value"),
        ({"fixed": {"query.harms": 1}}, CaseError, "no fact `query.harms`"),
        ({"unknown": ["query.har"]}, ValueError, "no fact `query.har`; did you mean `query.harm`"),
        ({"unknown": ["query.harm"], "fixed": {"query.harm": 1}}, ValueError, "is fixed, and cannot be unknown"),
    ],
)
def test_what_cannot_be_drawn_is_said_when_it_is_asked_for(
    kitchen: Opened, asked: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        cases(kitchen, **asked)


def test_what_nobody_can_decide_is_said_to_be_so(policy_from: PolicyFrom) -> None:
    """To the solver two patterns have nothing to do with one another: that no text has both is not known to it."""
    policy = policy_from("facts query { said : text }\ndefault comply\nunsure clarify\n")
    with pytest.raises(UndecidedError):
        cases(policy, where="query.said matches /^[a-z]+$/ and query.said matches /^[0-9]+$/")


def test_a_policy_with_errors_and_a_library_have_no_cases(tmp_path: Path) -> None:
    (tmp_path / "p.safecot").write_text('policy p { version "1" }\ndefault complies\nunsure clarify\n')
    (tmp_path / "words.safecot").write_text(WORDS)
    with pytest.raises(DiagnosticsError):
        cases(open_policy(tmp_path / "p.safecot"))
    with pytest.raises(ValueError, match="is a library"):
        cases(open_policy(tmp_path / "words.safecot"))


def test_a_policy_without_facts_has_one_case(policy_from: PolicyFrom) -> None:
    policy = policy_from("default comply\nunsure clarify\n")
    assert set(drawn(cases(policy))) == {Case({})}
    with pytest.raises(ValueError, match="no fact can change"):
        pairs(policy)


# --- how they print --------------------------------------------------------------------------------------------------


def test_a_case_prints_as_an_example_that_holds(kitchen: Opened, tmp_path: Path) -> None:
    """Cases of all kinds are pasted into the policy, which is compiled with them: each case is read back as it was."""
    found = drawn(cases(kitchen, unknown=True), 40) + drawn(cases(kitchen), 60)
    shown = [repr(case).replace('"counterexample"', f'"{index}"', 1) for index, case in enumerate(found)]
    (tmp_path / "words.safecot").write_text(WORDS)
    (tmp_path / "kitchen.safecot").write_text(KITCHEN + "\n".join(shown) + "\n", encoding="utf-8")
    policy = compile_policy(tmp_path / "kitchen.safecot")
    interpreter = Interpreter(policy)
    assert len(policy.examples) == len(found)
    for example, case in zip(policy.examples, found, strict=True):
        assert read_case(policy, {"facts": example.given}) == case
        decided = interpreter.decide(case)
        assert (example.expect, example.by) == (decided.verdict, decided.deciding or (decided.speaker,))


def test_an_example_is_laid_out_as_the_formatter_does(policy_from: PolicyFrom) -> None:
    policy = policy_from(
        "facts query { said : text harm : score }\nrule r { when query.harm > 0.5 verdict refuse }\n"
        "default comply\nunsure clarify\n"
    )
    case = Case({"query.said": 'a "quoted"\nline'}, frozenset({"query.harm"}))
    assert show_example(policy, case, name='the "worst"') == (
        'example "the \\"worst\\"" {\n'
        '  given  query.harm = unknown, query.said = "a \\"quoted\\"\\nline"\n'
        "  expect clarify by unsure\n"
        "}"
    )
    assert show_example(policy, Case({}), Interpreter(policy).decide(Case({"query.harm": 1.0}))) == (
        'example "counterexample" {\n  expect refuse by r\n}'
    )
    assert "\ud800" in show_example(policy, Case({"query.said": "\ud800"}))


def test_a_drawn_case_is_a_case_like_any_other(kitchen: Opened) -> None:
    case = simplest(cases(kitchen))
    assert case == Case(PLAIN)
    assert hash(case) == hash(Case(PLAIN))
    assert case.with_fact("query.harm", UNKNOWN) == Case(PLAIN).with_fact("query.harm", UNKNOWN)


# --- what it costs ---------------------------------------------------------------------------------------------------


def test_the_package_loads_neither_hypothesis_nor_solver_nor_parser() -> None:
    watched = ("hypothesis", "z3", "lark", "pytest")
    script = f"import sys, safecot_dsl.testing; print(*[name for name in {watched!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_a_changed_policy_with_the_same_digest_is_another(policy_from: PolicyFrom) -> None:
    rule = "rule r { when query.harm > 0.5 verdict refuse }"
    policy = policy_from(f"facts query {{ harm : score }}\n{rule}\ndefault comply\nunsure clarify\n")
    stricter = policy.rules[0].model_copy(update={"when": Compare(fact="query.harm", operator=">", value=0.1)})
    changed = policy.model_copy(update={"rules": (stricter,)})
    for each, limit, other in ((policy, 0.5, 0.1), (changed, 0.1, 0.5)):
        numbers = {case.known["query.harm"] for case in drawn(cases(each))}
        assert {limit, math.nextafter(limit, 1)} <= numbers
        assert math.nextafter(other, 1) not in numbers
