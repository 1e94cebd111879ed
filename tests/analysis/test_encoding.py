"""The solver's formulas and the interpreter say the same of random policies and random cases."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import get_args

import pytest
import z3
from hypothesis import given
from hypothesis import strategies as st
from strategies import TEXTS, conditions, examples, facts, policies, policies_and_cases, whole_values_of

from safecot_dsl.analysis.domains import pleasant
from safecot_dsl.analysis.encoding import Encoding, Satisfiability, Solver
from safecot_dsl.analysis.logic import all_of, any_of, negation, same
from safecot_dsl.analysis.partial import PartialEncoding
from safecot_dsl.analysis.patterns import samples
from safecot_dsl.analysis.texts import find_text
from safecot_dsl.artifact import (
    Case,
    Compare,
    CompiledPolicy,
    Condition,
    Contains,
    Fact,
    FactAtom,
    Is,
    Matches,
    NumberType,
    OneOfType,
    TextType,
    ValueName,
    Verdict,
    atoms,
)
from safecot_dsl.engine import Interpreter, Truth, evaluate
from tests.engine.completions import completions


@examples(5)
@given(policy=policies())
def test_the_context_that_all_of_python_shares_is_not_made(policy: CompiledPolicy) -> None:
    """It is of no use to an encoding, which has its own, and takes time and memory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("z3.z3.main_ctx", _unwanted)
        assert Solver(Encoding(policy)).ask().outcome is not Satisfiability.UNSAT


def _unwanted() -> None:
    raise AssertionError("an encoding has a context of its own")


def read_atoms(policy: CompiledPolicy) -> Iterator[FactAtom]:
    for rule in policy.rules:
        for condition in (rule.when, rule.unless):
            for atom in atoms(condition) if condition is not None else ():
                assert isinstance(atom, get_args(FactAtom))
                yield atom


def pinned(encoding: Encoding | PartialEncoding, policy: CompiledPolicy, case: Case) -> list[z3.BoolRef]:
    """That the encoded case agrees with `case` on every atom that the policy reads of a known fact."""
    pins: list[z3.BoolRef] = []
    for atom in read_atoms(policy):
        if atom.fact in case.known:
            # Maybe where all that is known is a node above the one that is asked for.
            truth = evaluate(atom, case.known)
            pins.append(is_so(encoding.condition(atom), truth is Truth.YES))
            pins.append(is_so(encoding.domains[atom.fact].may(atom), truth is not Truth.NO))
    return pins


def is_so(formula: z3.BoolRef, expected: bool) -> z3.BoolRef:
    return formula if expected else negation(formula)


def stricter_verdicts() -> list[Verdict]:
    return list(Verdict)[1:]


@examples(150)
@given(st.data())
def test_a_complete_case_decides_as_the_interpreter_says(data: st.DataObject) -> None:
    policy, case = data.draw(policies_and_cases())
    for fact in policy.facts:
        known = case.known.get(fact.name)
        if known is None or fact.is_coarse(known):
            case = case.with_fact(fact.name, data.draw(whole_values_of(fact, known)))
    encoding = Encoding(policy)
    trace = Interpreter(policy).trace(case)
    claims = [
        *(is_so(encoding.applies(policy, r), trace.applies[r.name] is Truth.YES) for r in policy.rules),
        *(is_so(encoding.effective(policy, r), trace.effective[r.name] is Truth.YES) for r in policy.rules),
        *(is_so(encoding.decides(policy, r), r.name in trace.decision.deciding) for r in policy.rules),
        *(is_so(encoding.verdict_is(policy, v), v is trace.decision.verdict) for v in Verdict),
        is_so(encoding.default_holds(policy), trace.decision.speaker == "default"),
    ]
    pins = pinned(encoding, policy, case)
    asker = Solver(encoding)
    assert asker.ask(*pins, witness=False).outcome is Satisfiability.SAT
    assert asker.ask(*pins, negation(all_of(claims, encoding.context))).outcome is Satisfiability.UNSAT


@examples(150)
@given(policies_and_cases())
def test_a_partial_case_decides_as_the_interpreter_says(policy_and_case: tuple[CompiledPolicy, Case]) -> None:
    policy, case = policy_and_case
    encoding = PartialEncoding(policy)
    trace = Interpreter(policy).trace(case)
    decision = trace.decision
    claims: list[z3.BoolRef] = []
    for rule in policy.rules:
        for encoded, truth in (
            (encoding.applies(policy, rule), trace.applies[rule.name]),
            (encoding.effective(policy, rule), trace.effective[rule.name]),
        ):
            claims += [is_so(encoded.yes, truth is Truth.YES), is_so(encoded.may, truth is not Truth.NO)]
        claims.append(is_so(encoding.maybe_effective(policy, rule), rule.name in decision.undecided))
    for verdict in stricter_verdicts():
        for encoded, value in (
            (encoding.lower_at_least(policy, verdict), decision.lower),
            (encoding.upper_at_least(policy, verdict), decision.upper),
            (encoding.verdict_at_least(policy, verdict), decision.verdict),
        ):
            claims.append(is_so(encoded, value.strictness >= verdict.strictness))
    claims.append(is_so(encoding.ambiguous(policy), not decision.certain))
    pins = pinned(encoding, policy, case)
    pins += [is_so(encoding.known[fact.name], fact.name in case.known) for fact in policy.facts]
    asker = Solver(encoding)
    assert asker.ask(*pins, witness=False).outcome is Satisfiability.SAT
    assert asker.ask(*pins, negation(all_of(claims, encoding.context))).outcome is Satisfiability.UNSAT


@examples(120)
@given(policies(max_rules=4))
def test_witnesses_are_what_was_asked_for_and_what_is_missing_is_missing(policy: CompiledPolicy) -> None:
    encoding = Encoding(policy)
    asker = Solver(encoding)
    interpreter = Interpreter(policy)
    everywhere = [interpreter.decide(case) for case in completions(without_suppositions(policy), Case({}))]
    has_text = any(isinstance(fact.type, TextType) for fact in policy.facts)
    for verdict in Verdict:
        answer = asker.ask(encoding.verdict_is(policy, verdict))
        if answer.outcome is Satisfiability.SAT:
            assert answer.case is not None
            assert set(answer.case.known) == {fact.name for fact in policy.facts}
            assert interpreter.decide(answer.case).verdict is verdict
        elif answer.outcome is Satisfiability.UNSAT:
            assert all(decision.verdict is not verdict for decision in everywhere)
        else:
            assert has_text  # nothing else is ever left open on so small a policy
        if not has_text:
            assert (answer.outcome is Satisfiability.SAT) == any(d.verdict is verdict for d in everywhere)


def without_suppositions(policy: CompiledPolicy) -> CompiledPolicy:
    return policy.model_copy(update={"facts": tuple(f.model_copy(update={"assume": None}) for f in policy.facts)})


@examples(150)
@given(st.data())
def test_every_value_satisfies_what_its_variables_say(data: st.DataObject) -> None:
    """Whatever the variables of a domain are, the value that is read from them agrees with every atom."""
    fact = data.draw(facts())
    read = data.draw(st.lists(conditions([fact], depth=0), min_size=1, max_size=4))
    policy = policy_of(fact)
    encoding = Encoding(policy)
    formulas = [encoding.condition(condition) for condition in read]
    wanted = data.draw(st.lists(st.booleans(), min_size=len(read), max_size=len(read)))
    answer = Solver(encoding).ask(*(is_so(f, w) for f, w in zip(formulas, wanted, strict=True)))
    if answer.outcome is Satisfiability.SAT:
        assert answer.case is not None
        assert [evaluate(c, answer.case.known) for c in read] == [Truth.of(w) for w in wanted]
    elif not isinstance(fact.type, TextType):
        assert answer.outcome is Satisfiability.UNSAT
        value = data.draw(whole_values_of(fact))
        assert [evaluate(c, {fact.name: value}) is Truth.YES for c in read] != wanted
    elif answer.outcome is Satisfiability.UNSAT:
        for text in TEXTS:
            assert [evaluate(c, {fact.name: text}) is Truth.YES for c in read] != wanted


def policy_of(*declared: Fact) -> CompiledPolicy:
    from strategies import build_policy

    return build_policy(declared, [], Verdict.COMPLY, Verdict.CLARIFY)


def number_fact(low: float = 0.0, high: float = 1.0) -> Fact:
    return Fact(name="query.n", type=NumberType(low=low, high=high))


def test_intervals_are_between_the_constants_and_none_is_empty() -> None:
    encoding = Encoding(policy_of(number_fact()))
    after = math.nextafter(0.5, 1.0)
    for operator, value in ((">", 0.5), ("<=", 0.5), (">=", after), ("<", 0.5), (">=", 0.0), (">", 1.0)):
        encoding.condition(Compare(fact="query.n", operator=operator, value=value))  # pyright: ignore[reportArgumentType]
    # `> 0.5` and `>= the next double` are one constant: there is nothing between 0.5 and it.
    domain = encoding.domains["query.n"]
    assert domain.intervals() == [(0.0, math.nextafter(0.5, 0.0)), (0.5, 0.5), (after, 1.0)]  # pyright: ignore[reportAttributeAccessIssue]
    nothing = [Compare(fact="query.n", operator=">", value=0.5), Compare(fact="query.n", operator="<", value=after)]
    assert Solver(encoding).ask(*map(encoding.condition, nothing)).outcome is Satisfiability.UNSAT


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 0.5, 0.0),
        (-2.0, 3.5, 0.0),
        (0.6, math.nextafter(0.9, 0), 0.7),
        (math.nextafter(0.6, 1), math.nextafter(0.7, 0), 0.65),
        (0.9, 1.0, 1.0),
        (0.5, 0.5, 0.5),
        (18.0, 64.9, 40.0),
        (-0.75, -0.5, -0.6),
        (0.1, math.nextafter(0.1, 1), 0.1),
        (5e-324, 1e-323, 5e-324),
        (1e308, 1.5e308, 1e308),
    ],
)
def test_pleasant_numbers(low: float, high: float, expected: float) -> None:
    assert pleasant(low, high) == expected


@examples(300)
@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_a_pleasant_number_is_in_its_interval(one: float, other: float) -> None:
    low, high = min(one, other), max(one, other)
    assert low <= pleasant(low, high) <= high


def test_the_plainest_case_comes_first() -> None:
    policy = policy_of(
        Fact(name="image.colour", type=OneOfType(values=tuple(ValueName(name=n, phrase=n) for n in "abc"))),
        Fact(name="image.text", type=TextType()),
        number_fact(),
    )
    encoding = Encoding(
        policy,
        conditions=[
            Contains(fact="image.text", phrases=("bomb",)),
            Compare(fact="query.n", operator=">=", value=0.5),
            Is(fact="image.colour", values=("b",)),
        ],
    )
    answer = Solver(encoding).ask()
    assert answer.case == Case({"image.colour": "a", "image.text": "", "query.n": 0.0})
    one_of_them = any_of([encoding.condition(c) for c in encoding._conditions], encoding.context)
    answer = Solver(encoding).ask(one_of_them)
    assert answer.case is not None
    changed = [name for name, value in (answer.case.known.items()) if value not in ("a", "", 0.0)]
    assert len(changed) == 1


@examples(60)
@given(st.data())
def test_answers_repeat(data: st.DataObject) -> None:
    policy = data.draw(policies())

    def answers() -> list[object]:
        encoding = Encoding(policy)
        asker = Solver(encoding)
        return [asker.ask(encoding.applies(policy, rule)) for rule in policy.rules]

    assert answers() == answers()


def test_two_encodings_in_one_question() -> None:
    policy = policy_of(number_fact())
    low = Compare(fact="query.n", operator="<", value=0.25)
    context = z3.Context()
    one, other = (Encoding(policy, conditions=[low], prefix=p, context=context) for p in ("", "other "))
    answer = Solver(one, other).ask(one.condition(low), negation(other.condition(low)))
    assert answer.cases == (Case({"query.n": 0.0}), Case({"query.n": 1.0}))
    assert (
        Solver(one, other)
        .ask(negation(same(one.condition(low), other.condition(low))), one.condition(low), other.condition(low))
        .outcome
        is Satisfiability.UNSAT
    )


def test_no_time_decides_nothing() -> None:
    policy = policy_of(number_fact())
    asker = Solver(Encoding(policy), seconds_in_all=0)
    assert asker.ask().outcome is Satisfiability.UNDECIDED


def test_facts_of_two_policies_are_joined() -> None:
    a, b = (
        Fact(name="image.x", type=OneOfType(values=tuple(ValueName(name=n, phrase=n) for n in v))) for v in ("ab", "bc")
    )
    both = Encoding(policy_of(a, number_fact(0, 1)), policy_of(b, number_fact(-1, 0.5)))
    assert [value.name for value in both.facts["image.x"].type.values] == ["a", "b", "c"]  # pyright: ignore[reportAttributeAccessIssue]
    assert both.facts["query.n"].type == NumberType(low=-1, high=1)
    with pytest.raises(ValueError, match=r"`image.x` is of two types: one_of and number"):
        Encoding(policy_of(a), policy_of(number_fact().model_copy(update={"name": "image.x"})))


# --- texts -----------------------------------------------------------------------------------------------------------


def contains(*phrases: str) -> Contains:
    return Contains(fact="image.t", phrases=phrases)


def matches(pattern: str, ignore_case: bool = False) -> Matches:
    return Matches(fact="image.t", pattern=pattern, ignore_case=ignore_case)


TEXT = Fact(name="image.t", type=TextType())


def text_question(*wanted: tuple[Condition, bool]) -> tuple[Satisfiability, str | None]:
    encoding = Encoding(policy_of(TEXT))
    answer = Solver(encoding).ask(*[is_so(encoding.condition(c), w) for c, w in wanted])
    return answer.outcome, None if answer.case is None else str(answer.case.known["image.t"])


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (
            [(contains("how to make a bomb"), True), (contains("BOMB"), False)],
            Satisfiability.UNSAT,
        ),  # one stands in the other
        (
            [(contains("Straße"), True), (contains("STRASSE"), False)],
            Satisfiability.UNSAT,
        ),  # one and the same when folded
        ([(contains(), True)], Satisfiability.UNSAT),
        ([(contains(""), False)], Satisfiability.UNSAT),
        ([(contains("a", "b"), True), (contains("a"), False), (contains("b"), False)], Satisfiability.UNSAT),
        ([(contains("bomb"), True), (matches("bomb"), False)], Satisfiability.SAT),  # "BOMB"
        ([(contains("bomb"), True), (matches("bomb", True), False)], Satisfiability.SAT),  # in letters of full width
        ([(matches(r"^\d{3}$"), True), (contains("0"), False)], Satisfiability.SAT),
        ([(matches("^a"), True), (matches("b$"), True), (contains("c"), True)], Satisfiability.SAT),
        ([(matches(r"a\Bb"), True), (matches(r"ab"), False)], Satisfiability.UNDECIDED),  # no text, which nobody proves
        ([(matches("x"), True), (matches("x", True), False)], Satisfiability.UNDECIDED),
    ],
)
def test_texts(wanted: list[tuple[Condition, bool]], expected: Satisfiability) -> None:
    outcome, text = text_question(*wanted)
    assert outcome is expected
    if text is not None:
        assert all(evaluate(atom, {"image.t": text}) is Truth.of(holds) for atom, holds in wanted)


def test_the_empty_text_is_the_first_choice() -> None:
    assert find_text({matches("a*"): True, contains("b"): False}, [], ["a*"]) == ""


@pytest.mark.parametrize(
    "pattern",
    [
        "bomb",
        "^how",
        "b.mb$",
        r"\bto\b",
        "[A-Z]{2}",
        "x*",
        r"\b1\.\s+2\.\s+3\.",
        r"\d{3}-\d{2,4}",
        "(?i)foo|bar",
        r"[[:alpha:]]{3}\pN",
        "[^a-z0-9 ]+",
        r"\x{1F600}\x41",
        "(?P<name>a|b)+?c{2}",
        "[]a]b",
        r"\Qa.b*\E+",
        "a{,3}",
        r"(?s:.)\z",
        r"\p{Greek}[\p{Han}]",
        r"how to (?:make|build)\b[^.]*\b(?:bomb|weapon)s?\b",
    ],
)
def test_patterns_are_found_in_their_samples(pattern: str) -> None:
    found = [text for text in samples(pattern) if evaluate(matches(pattern), {"image.t": text}) is Truth.YES]
    assert found


@pytest.mark.parametrize("pattern", ["(" * 200 + "a" + ")" * 200, "(?:a{1000}){3}", "(?:(?:a{1000}){1000})"])
def test_patterns_that_are_too_much_have_no_samples(pattern: str) -> None:
    assert list(samples(pattern)) == []
