"""The runner: examples, properties and laws of a policy, and what is said where they fail."""

from __future__ import annotations

import dataclasses
import itertools
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safecot_dsl.analysis.claims import Proof
from safecot_dsl.analysis.examination import UnconfirmedError
from safecot_dsl.artifact import Case, CompiledPolicy, Property, Value, Verdict
from safecot_dsl.artifact.policy import compute_digest
from safecot_dsl.datafiles import policies_root
from safecot_dsl.engine import Interpreter, Truth, evaluate
from safecot_dsl.testing import runner_claims
from safecot_dsl.testing.junit import TestedPolicy, write_junit
from safecot_dsl.testing.policies import policies
from safecot_dsl.testing.report import as_json, description, headline
from safecot_dsl.testing.runner import CheckKind, PolicyTests, Status, TestOutcome, TestSettings, run_policy
from safecot_dsl.workspace import Opened, open_policy
from tests.strategies import examples

HEAD = """policy p { version "1" }
facts query {
  intent : one of { mix "how to mix", store, hurt } ask "what"
  harm   : score
}
facts image { objects : set of { bleach, ammonia, toy } }
facts context { minor : flag }
rule asks { when query.intent is mix or query.intent is hurt verdict redirect }
exception mild to asks { when query.harm < 0.2 verdict comply }
default comply
unsure clarify
"""
FAST = TestSettings(examples=60)

Open = Callable[..., Opened]
Run = Callable[..., TestOutcome]


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    """Opens a policy of the head and more declarations."""

    def open_text(more: str, head: str = HEAD) -> Opened:
        path = tmp_path / "p.safecot"
        path.write_text(head + more, encoding="utf-8")
        opened = open_policy(path)
        assert not opened.failed, opened.diagnostics
        return opened

    return open_text


@pytest.fixture
def run_one(opened: Open) -> Run:
    """Runs the only test of a policy."""

    def run(more: str, settings: TestSettings = FAST, head: str = HEAD) -> TestOutcome:
        (outcome,) = run_policy(opened(more, head), settings)
        return outcome

    return run


# --- examples --------------------------------------------------------------------------------------------------------


def test_an_example_that_holds_passes(run_one: Run) -> None:
    outcome = run_one('example "mixing" { given query.intent = mix, query.harm = 0.5 expect redirect by asks }')
    assert (outcome.status, outcome.message, outcome.counterexample) == (Status.PASSED, None, None)
    assert (outcome.test.title, outcome.test.span.line) == ("example: mixing", 12)


def test_an_example_that_fails_shows_its_case_and_what_would_hold(run_one: Run, opened: Open) -> None:
    outcome = run_one('example "mixing" { given query.intent = mix, query.harm = 0.1 expect refuse }')
    assert outcome.status is Status.FAILED
    assert outcome.message == "expected `refuse`, the policy says `comply` (by `mild`)"
    (shown,) = outcome.exhibits
    assert shown.case == Case({"query.intent": "mix", "query.harm": 0.1})
    assert "  it replaces asks, which would be redirect" in shown.why
    assert outcome.counterexample is not None
    (mended,) = run_policy(opened(outcome.counterexample), FAST)
    assert mended.status is Status.PASSED


# --- claims ----------------------------------------------------------------------------------------------------------


def test_a_property_that_holds_is_proved_and_drawn(run_one: Run) -> None:
    outcome = run_one('property "storing is answered" { given query.intent is store expect comply }')
    assert outcome.status is Status.PASSED
    assert outcome.evidence is not None
    assert outcome.evidence.startswith("proved; ")


@pytest.mark.parametrize("proofs", [True, False])
def test_a_property_that_fails_comes_with_an_example_that_fails_until_it_is_mended(
    run_one: Run, opened: Open, proofs: bool
) -> None:
    claim = 'property "hurt is never answered" { given query.intent is hurt expect redirect or refuse }\n'
    outcome = run_one(claim, dataclasses.replace(FAST, proofs=proofs))
    assert outcome.status is Status.FAILED
    # The only cases that break it are those of `mild`; the plainest has the least score, and nothing else matters.
    (shown,) = outcome.exhibits
    assert shown.case == Case({"query.intent": "hurt", "query.harm": 0.0})
    assert shown.decision.deciding == ("mild",)
    assert outcome.message == "expected `redirect` or `refuse`, a case is decided `comply` by `mild`"
    example = outcome.counterexample
    assert example is not None
    assert example.startswith('example "hurt is never answered" {')
    assert [o.status for o in run_policy(opened(claim + example), FAST)] == [Status.FAILED, Status.FAILED]
    mended = HEAD.replace("query.harm < 0.2", "query.harm < 0.2 and query.intent is mix")
    assert [o.status for o in run_policy(opened(claim + example, mended), FAST)] == [Status.PASSED, Status.PASSED]


@pytest.mark.parametrize("proofs", [True, False])
def test_a_law_that_fails_shows_the_case_before_and_after(run_one: Run, opened: Open, proofs: bool) -> None:
    law = 'law "less harm never makes it laxer" { change query.harm falls expect never laxer }\n'
    outcome = run_one(law, dataclasses.replace(FAST, proofs=proofs))
    assert outcome.status is Status.FAILED
    before, after = outcome.exhibits
    # Only `mild` reads the score: the one case does not have it, the other has.
    assert before.decision.deciding == ("asks",)
    assert after.decision.deciding == ("mild",)
    assert isinstance(before.case.known["query.harm"], float)
    assert before.case.known["query.harm"] >= 0.2
    assert after.case == before.case.with_fact("query.harm", after.case.known["query.harm"])
    assert outcome.message is not None
    assert outcome.message.startswith("the verdict goes from `redirect` to `comply` where `query.harm = ")
    assert outcome.counterexample is not None
    assert "expect redirect" in outcome.counterexample
    found = list(run_policy(opened(law + outcome.counterexample), FAST))
    assert [o.test.kind for o in found if o.failed] == [CheckKind.EXAMPLE, CheckKind.LAW]


def test_a_law_that_holds_is_proved_and_drawn(run_one: Run) -> None:
    outcome = run_one('law "things do not matter" { change image.objects gains any expect never stricter }')
    assert outcome.status is Status.PASSED
    assert outcome.evidence is not None
    assert outcome.evidence.startswith("proved; ")
    assert "drawn pairs of cases agree" in outcome.evidence


def test_a_claim_that_is_not_proved_in_time_is_undecided(run_one: Run) -> None:
    claim = 'property "storing is answered" { given query.intent is store expect comply }'
    outcome = run_one(claim, dataclasses.replace(FAST, seconds=0.0))
    assert (outcome.status, outcome.failed) == (Status.UNDECIDED, False)
    assert outcome.message == "not proved within 0 seconds"


TEXTS = """policy p { version "1" }
facts query { words : text }
rule letters { when query.words matches /^a+b{3}$/ verdict refuse }
default comply
unsure clarify
"""


def test_where_no_text_is_found_it_is_said_that_time_was_not_what_lacked(run_one: Run) -> None:
    """No text begins with `a` and does not: two patterns, of which the solver knows nothing."""
    claim = 'property "two" { given query.words matches /^a+b{3}$/ and query.words matches /^[^a]/ expect comply }'
    outcome = run_one(claim, head=TEXTS)
    assert outcome.status is Status.UNDECIDED
    assert outcome.message == "not proved, as no text was found that fits its patterns, and none ruled out"
    assert outcome.evidence == "no cases that it speaks of were drawn"


def test_a_claim_that_is_refuted_by_drawing_fails_though_there_was_no_time_to_prove_it(run_one: Run) -> None:
    claim = 'property "nothing is answered" { expect not comply }'
    outcome = run_one(claim, dataclasses.replace(FAST, seconds=0.0))
    assert (outcome.status, outcome.evidence) == (Status.FAILED, "refuted by a drawn case")


def test_without_drawing_a_claim_is_proved_only(run_one: Run) -> None:
    outcome = run_one('property "storing is answered" { given query.intent is store expect comply }', TestSettings(0))
    assert (outcome.status, outcome.evidence) == (Status.PASSED, "proved")


@pytest.mark.parametrize(
    "claim",
    [
        'property "none" { given query.harm < 0.2 and query.harm > 0.3 expect refuse }',
        'law "none" { change context.minor becomes yes given query.harm < 0.2 and query.harm > 0.3 '
        "expect never laxer }",
    ],
)
def test_a_claim_on_no_case_passes_and_is_remarked_on(run_one: Run, claim: str) -> None:
    outcome = run_one(claim)
    assert (outcome.status, outcome.message) == (Status.PASSED, "no case is as its `given` says")


def test_the_example_of_a_claim_has_a_name_that_no_example_has(opened: Open) -> None:
    found = list(run_policy(opened('example "no" { expect clarify by unsure }\nproperty "no" { expect refuse }'), FAST))
    assert found[1].counterexample is not None
    assert found[1].counterexample.startswith('example "no (2)"')


def test_equal_seeds_give_equal_outcomes(opened: Open) -> None:
    one = opened('property "a" { expect not comply }\nlaw "b" { change query.harm falls expect never laxer }')
    settings = TestSettings(examples=40, proofs=False, seed=7)

    def outcomes() -> list[TestOutcome]:
        return [dataclasses.replace(outcome, seconds=0.0) for outcome in run_policy(one, settings)]

    assert outcomes() == outcomes()


def test_only_wanted_tests_run(opened: Open) -> None:
    one = opened('example "a" { expect clarify by unsure }\nproperty "b" { expect comply or redirect }')
    found = list(run_policy(one, FAST, wanted=lambda test: test.kind is CheckKind.EXAMPLE))
    assert [outcome.test.name for outcome in found] == ["a"]


def test_a_test_of_an_extended_policy_stands_in_that_policys_file(tmp_path: Path) -> None:
    (tmp_path / "base.safecot").write_text(HEAD + 'example "a" { expect clarify by unsure }\n', encoding="utf-8")
    (tmp_path / "top.safecot").write_text(
        'policy top { version "1" }\nextend base\nexample "b" { given query.intent = store expect comply }\n',
        encoding="utf-8",
    )
    found = list(run_policy(open_policy(tmp_path / "top.safecot"), FAST))
    places = {o.test.name: (Path(o.test.span.file).name, o.test.span.line, o.status) for o in found}
    assert places == {"a": ("base.safecot", 12, Status.PASSED), "b": ("top.safecot", 3, Status.PASSED)}


def test_a_library_has_no_tests(tmp_path: Path) -> None:
    (tmp_path / "lib.safecot").write_text('library lib { version "1" }\n', encoding="utf-8")
    with pytest.raises(ValueError, match="not a policy that compiles"):
        PolicyTests(open_policy(tmp_path / "lib.safecot"))


# --- the two ways of testing a claim ---------------------------------------------------------------------------------


def test_a_wrong_proof_is_a_disagreement_with_both_sides(run_one: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the solver, injected: it takes a property to hold that the case `hurt` breaks."""
    monkeypatch.setattr(runner_claims, "property_proof", lambda examination, claim: Proof("proved"))
    outcome = run_one('property "hurt is refused" { given query.intent is hurt expect refuse }')
    assert (outcome.status, outcome.failed) == (Status.DISAGREEMENT, True)
    assert outcome.message is not None
    assert "an error of safecot, not of the policy: the solver proves it, and the interpreter refutes it" in (
        outcome.message
    )
    assert outcome.evidence is not None
    assert "query.intent = hurt" in outcome.evidence
    assert "seed 0" in outcome.evidence
    assert outcome.advice == "please report it, with the policy and these lines"
    assert [shown.case.known["query.intent"] for shown in outcome.exhibits] == ["hurt"]


def test_a_witness_that_the_interpreter_does_not_confirm_is_a_disagreement(
    run_one: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unconfirmed(examination: object, claim: Property) -> Proof:
        raise UnconfirmedError(f"the property `{claim.name}` fails: not so of Case({{}})")

    monkeypatch.setattr(runner_claims, "property_proof", unconfirmed)
    outcome = run_one('property "a" { expect comply }')
    assert outcome.status is Status.DISAGREEMENT
    assert outcome.evidence is not None
    assert "not so of Case({})" in outcome.evidence


def _all_cases(policy: CompiledPolicy) -> list[Case]:
    """Cases of every kind that conditions on flags, choices and sets tell apart; numbers on a grid, no texts."""
    values: list[list[Value]] = []
    for fact in policy.facts:
        kind = fact.type
        match kind.kind:
            case "flag":
                values.append([False, True])
            case "one_of":
                values.append([value.name for value in kind.values])  # type: ignore[union-attr]
            case "set_of":
                names = [value.name for value in kind.values]  # type: ignore[union-attr]
                subsets = itertools.chain.from_iterable(itertools.combinations(names, n) for n in range(len(names) + 1))
                values.append([frozenset(subset) for subset in subsets])
            case "number":
                low, high = kind.low, kind.high  # type: ignore[union-attr]
                values.append([low + (high - low) * step / 8 for step in range(9)])
            case _:
                values.append(["", "a"])
    names = [fact.name for fact in policy.facts]
    every = itertools.islice(itertools.product(*values), 2000)
    return [Case(dict(zip(names, combination, strict=True))) for combination in every]


@settings(examples(25), suppress_health_check=[HealthCheck.nested_given, HealthCheck.too_slow])
@given(policies(max_rules=4), st.sets(st.sampled_from(list(Verdict)), min_size=1, max_size=4), st.booleans())
def test_outcomes_agree_with_trying_every_case(policy: CompiledPolicy, expect: set[Verdict], conditional: bool) -> None:
    """Random policies: a property that a case breaks fails, a failure shows a case that breaks it, and the two ways of
    testing never contradict each other."""
    given_ = policy.rules[0].when if conditional else None
    claim = Property(name="c", given=given_, expect=tuple(v for v in Verdict if v in expect), key="property:c")
    policy = policy.model_copy(update={"properties": (claim,), "laws": (), "examples": ()})
    policy = policy.model_copy(update={"digest": compute_digest(policy)})

    interpreter = Interpreter(policy)

    def breaks(case: Case) -> bool:
        # What a fact says to suppose is filled in before anything is evaluated, the claim's `given` too.
        speaks = given_ is None or evaluate(given_, interpreter.suppose(case)[0].known) is Truth.YES
        return speaks and interpreter.decide(case).verdict not in expect

    (outcome,) = run_policy(Opened(Path("p.json"), policy, ()), TestSettings(examples=25))
    assert outcome.status is not Status.DISAGREEMENT, outcome
    if any(map(breaks, _all_cases(policy))):
        assert outcome.status is Status.FAILED
    if outcome.status is Status.FAILED:
        assert breaks(outcome.exhibits[0].case)


# --- how it is told --------------------------------------------------------------------------------------------------


def test_a_failure_reads_as_a_story(run_one: Run) -> None:
    outcome = run_one(
        'example "mixing" { given query.intent = mix, context.minor = unknown, query.harm = 1 expect refuse }'
    )
    place = f"{outcome.test.span.file}:12"
    policy = open_policy(outcome.test.span.file).policy
    assert policy is not None
    assert description(outcome, policy).split("\n") == [
        f"{place}: the example `mixing` fails: expected `refuse`, the policy says `redirect` (by `asks`)",
        "  the case:",
        "    query.harm = 1",
        "    query.intent = mix",
        "    context.minor = unknown",
        "  redirect by asks, because",
        "    asks applies: redirect",
        "      query.intent is mix   [query.intent: mix]",
        "      not mild, an exception that would be comply:",
        "        query.harm < 0.2 does not hold   [query.harm: 1]",
        "  if the policy is right, the example is:",
        '    example "mixing" {',
        "      given  context.minor = unknown, query.harm = 1, query.intent = mix",
        "      expect redirect by asks",
        "    }",
    ]
    data = as_json(outcome)
    assert (data["kind"], data["name"], data["line"], data["status"]) == ("example", "mixing", 12, "failed")
    assert data["cases"][0]["facts"] == {"context.minor": {"unknown": True}, "query.harm": 1.0, "query.intent": "mix"}
    assert data["cases"][0]["by"] == ["asks"]


def test_nothing_in_a_policy_steers_a_terminal_or_breaks_xml(run_one: Run, opened: Open) -> None:
    outcome = run_one('example "mixing" { given query.intent = mix expect refuse }')
    evil = dataclasses.replace(outcome.test, name='\x1b[2J\x00\n<b>&"\uffff')
    outcome = dataclasses.replace(outcome, test=evil, message="\x1b]0;x\x07")
    assert not any(ord(char) < 32 for char in headline(outcome))
    suite = TestedPolicy(Path("a<b>.safecot"), opened("").policy, (outcome,))
    (case,) = ET.fromstring(write_junit([suite])).iter("testcase")
    assert case.get("name") == 'example: <U+001B>[2J<U+0000>\n<b>&"<U+FFFF>'
    assert case.get("classname") == "a<b>.safecot"


def test_junit_counts_and_places(opened: Open) -> None:
    one = opened(
        'example "a" { expect refuse }\nexample "b" { given query.intent = store expect comply }\n'
        'property "c" { given query.intent is store expect comply }\n'
    )
    outcomes = list(run_policy(one, dataclasses.replace(FAST, seconds=0.0)))
    for strict in (False, True):
        root = ET.fromstring(
            write_junit(
                [
                    TestedPolicy(Path("p.safecot"), one.policy, outcomes),
                    TestedPolicy(Path("q.safecot"), None, (), "no default"),
                ],
                strict=strict,
            )
        )
        assert root.attrib == {"tests": "4", "failures": "2" if strict else "1", "errors": "1"}
        first, second = root
        assert (first.get("name"), first.get("tests"), first.get("errors")) == ("p.safecot", "3", "0")
        cases = {case.get("name"): case for case in root.iter("testcase")}
        assert list(cases) == ["example: a", "example: b", "property: c", "compiles"]
        assert (cases["example: a"].get("line"), cases["example: b"].get("line")) == ("12", "13")
        failure = cases["example: a"].find("failure")
        assert failure is not None
        assert failure.get("message") == "expected `refuse`, the policy says `clarify` (by `unsure`)"
        assert (cases["property: c"].find("failure") is not None) is strict
        assert second.get("errors") == "1"
        assert second.findtext("testcase/error") == "no default"


# --- the policies that ship ------------------------------------------------------------------------------------------

SHIPPED = sorted(path for folder in (".", "published") for path in (policies_root() / folder).glob("*.safecot"))


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=() if path.stem == "household_chemicals" else pytest.mark.long, id=path.stem)
        for path in SHIPPED
    ],
)
def test_every_test_of_a_shipped_policy_passes(path: Path) -> None:
    outcomes = list(run_policy(open_policy(path)))
    assert {outcome.test.kind for outcome in outcomes} == set(CheckKind)
    assert [(o.test.title, o.message) for o in outcomes if o.status is not Status.PASSED or o.message] == []
