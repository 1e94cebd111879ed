from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.artifact import (
    Between,
    Compare,
    Contains,
    Empty,
    Fact,
    FactAtom,
    FlagIs,
    Has,
    Is,
    Matches,
    OneOfType,
    SetType,
    Within,
)
from safecot_dsl.engine import Truth, evaluate
from safecot_dsl.render.clauses import clause

from .building import FACTS, HARM, INTENT, MINOR, OBJECTS, TEXT, values

TOPIC = Fact(
    name="query.topic",
    type=OneOfType(values=values(crime="crime", fraud="fraud", theft="theft", art="art"), taxonomy="topics"),
)
BY_NAME = {fact.name: fact for fact in (*FACTS, TOPIC)}

BLEACH_AMMONIA = ("bleach", "ammonia")


def say(atom: FactAtom, value: Any, positive: bool = True, **options: bool) -> str:
    value = frozenset(value) if isinstance(value, list) else value
    return clause(atom, BY_NAME[atom.fact], value, positive=positive, **options)


ANY = Has(fact="image.objects", quantifier="any", values=BLEACH_AMMONIA, group="corrosive")
ALL = Has(fact="image.objects", quantifier="all", values=BLEACH_AMMONIA, group="corrosive")
MIX = Is(fact="query.intent", values=("mix",))
HARMFUL = Is(fact="query.intent", values=("mix", "hurt"), group="harmful_acts")
FRAUD = Within(fact="query.topic", node="crime", values=("crime", "fraud", "theft"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (say(ANY, ["ammonia", "bleach", "toy"]), "Among corrosive: a bottle of bleach and a bottle of ammonia."),
        (say(ANY, ["toy"]), "Among corrosive: nothing."),
        (say(ANY, ["toy"], False), "Among corrosive: nothing, as needed."),
        (say(ANY, ["bleach"], False), "Among corrosive: a bottle of bleach, not as needed."),
        (say(ANY, ["bleach"], name_fact=True), "Objects visible in the image, among corrosive: a bottle of bleach."),
        (say(ANY, None), "Among corrosive: not known."),
        (say(ALL, ["bleach", "ammonia"]), "All of corrosive: a bottle of bleach and a bottle of ammonia."),
        (say(ALL, ["bleach"]), "Missing of corrosive: a bottle of ammonia."),
        (say(ALL, None), "All of corrosive: not known."),
        (
            say(Has(fact="image.objects", quantifier="any", values=("toy",)), ["toy", "knife"]),
            "Objects visible in the image: with a toy.",
        ),
        (
            say(Has(fact="image.objects", quantifier="any", values=("toy", "knife")), []),
            "Objects visible in the image: without a knife or a toy.",
        ),
        (
            say(Has(fact="image.objects", quantifier="all", values=("toy", "knife")), ["toy"]),
            "Objects visible in the image: missing a knife.",
        ),
        (say(Empty(fact="image.objects"), []), "Objects visible in the image: empty."),
        (say(Empty(fact="image.objects"), ["toy"]), "Objects visible in the image: a toy, not empty."),
        (say(MIX, "mix"), "Intent: how to mix it."),
        (say(MIX, "store"), "Intent: how to store it, not how to mix it."),
        (say(MIX, "store", False), "Intent: how to store it, not how to mix it, as needed."),
        (say(MIX, "mix", False), "Intent: how to mix it, not as needed."),
        (say(MIX, None), "Intent: not known."),
        (say(HARMFUL, "mix"), "Intent: how to mix it, among harmful acts."),
        (say(HARMFUL, "store"), "Intent: how to store it, not among harmful acts."),
        (say(FRAUD, "fraud"), "Topic: fraud, within crime."),
        (say(FRAUD, "crime"), "Topic: crime."),
        (say(FRAUD, "art"), "Topic: art, not within crime."),
        (
            say(Compare(fact="query.harm", operator=">=", value=0.9), 0.95),
            "Probability that the wording asks for harm: 0.95, at least 0.9.",
        ),
        (
            say(Compare(fact="query.harm", operator=">=", value=0.9), 0.2),
            "Probability that the wording asks for harm: 0.2, below 0.9.",
        ),
        # 0.89999999 would round to 0.9: a clause must not say "0.9, below 0.9".
        (
            say(Compare(fact="query.harm", operator=">=", value=0.9), 0.89999999),
            "Probability that the wording asks for harm: 0.89999999, below 0.9.",
        ),
        (
            say(Compare(fact="query.harm", operator=">=", value=0.9), 0.2345678),
            "Probability that the wording asks for harm: 0.235, below 0.9.",
        ),
        (
            say(Between(fact="query.harm", low=0.25, high=0.5), 0.75),
            "Probability that the wording asks for harm: 0.75, not between 0.25 and 0.5.",
        ),
        (say(FlagIs(fact="context.minor"), True), "The user is known to be a minor: yes."),
        (
            say(FlagIs(fact="context.minor"), False, False, assumed=True),
            "The user is known to be a minor: no, as needed, assumed.",
        ),
        (
            say(Contains(fact="image.text", phrases=("how to", "steps"), phrase_set="std.texts.asking"), "STEPS to"),
            'Text rendered in the image: contains "steps", among asking.',
        ),
        (
            say(Contains(fact="image.text", phrases=("how to",), phrase_set="std.texts.asking"), "hello"),
            "Text rendered in the image: contains none of asking.",
        ),
        (
            say(Contains(fact="image.text", phrases=("how to",)), "hello"),
            'Text rendered in the image: does not contain "how to".',
        ),
        (
            say(Matches(fact="image.text", pattern="step[s ]+[0-9]"), "see step 1"),
            'Text rendered in the image: "step 1" matches /step[s ]+[0-9]/.',
        ),
        (
            say(Matches(fact="image.text", pattern="step"), "hello"),
            "Text rendered in the image: does not match /step/.",
        ),
    ],
)
def test_a_clause_states_the_value_and_whether_the_literal_holds(text: str, expected: str) -> None:
    assert text == expected


def read(text: str, atom: FactAtom, positive: bool) -> Truth:
    """The truth of a literal, read off its clause alone."""
    text = text.removesuffix(".").removesuffix(", assumed")
    if text.endswith(": not known"):
        return Truth.MAYBE
    literal = None
    for suffix, truth in ((", as needed", Truth.YES), (", not as needed", Truth.NO)):
        if text.endswith(suffix):
            literal, text = truth, text.removesuffix(suffix)
    state = text.split(": ", 1)[1]
    match atom:
        case FlagIs():
            so = state == "yes"
        case Has(quantifier="any") if atom.group:
            so = state != "nothing"
        case Has() if atom.group:
            so = text.startswith("All of ")
        case Has():
            so = state.startswith("with ")
        case Is() | Within():
            so = ", not " not in state
        case Empty():
            so = state == "empty"
        case Compare():
            word = {"<": "below", "<=": "at most", ">": "above", ">=": "at least"}[atom.operator]
            so = f", {word} " in state
        case Between():
            so = ", not between " not in state
        case Contains():
            so = state.startswith("contains ") and not state.startswith("contains none of ")
        case Matches():
            so = not state.startswith("does not match ")
    assert (literal is not None) is (not positive)
    if literal is None:
        return Truth.of(so)
    assert literal is ~Truth.of(so)
    return literal


def named_values(fact: Fact) -> list[str]:
    assert isinstance(fact.type, OneOfType | SetType)
    return [value.name for value in fact.type.values]


def atoms_over(fact: Fact) -> st.SearchStrategy[FactAtom]:
    members = st.lists(st.sampled_from(named_values(fact)), min_size=1, unique=True).map(tuple)
    group = st.sampled_from([None, "some_group"])
    if fact is OBJECTS:
        return st.one_of(
            st.builds(
                Has, fact=st.just(fact.name), quantifier=st.sampled_from(["any", "all"]), values=members, group=group
            ),
            st.just(Empty(fact=fact.name)),
        )
    return st.builds(Is, fact=st.just(fact.name), values=members, group=group)


scores = st.floats(0, 1) | st.sampled_from([0.0, -0.0, 0.5, 0.6, 0.9, 1.0, 5e-324])
texts = st.text(alphabet='ab c"\n', max_size=8)
phrases = st.lists(st.text(alphabet="ab", min_size=1, max_size=3), min_size=1, max_size=3).map(tuple)
literals_and_values: st.SearchStrategy[tuple[FactAtom, Any]] = st.one_of(
    st.tuples(atoms_over(OBJECTS), st.frozensets(st.sampled_from(named_values(OBJECTS)))),
    st.tuples(atoms_over(INTENT), st.sampled_from(named_values(INTENT))),
    st.tuples(st.just(FRAUD), st.sampled_from(named_values(TOPIC))),
    st.tuples(st.just(FlagIs(fact=MINOR.name)), st.booleans()),
    st.tuples(
        st.builds(Compare, fact=st.just(HARM.name), operator=st.sampled_from(["<", "<=", ">", ">="]), value=scores),
        scores,
    ),
    st.tuples(st.tuples(scores, scores).map(lambda p: Between(fact=HARM.name, low=min(p), high=max(p))), scores),
    st.tuples(
        st.builds(Contains, fact=st.just(TEXT.name), phrases=phrases, phrase_set=st.sampled_from([None, "std.words"])),
        texts,
    ),
    st.tuples(
        st.builds(
            Matches,
            fact=st.just(TEXT.name),
            pattern=st.sampled_from(["a+b", "^a", "c*", "B"]),
            ignore_case=st.booleans(),
        ),
        texts,
    ),
)


@given(literals_and_values, st.booleans(), st.booleans())
def test_the_truth_of_a_literal_can_be_read_off_its_clause(
    atom_and_value: tuple[FactAtom, Any], positive: bool, assumed: bool
) -> None:
    atom, value = atom_and_value
    expected = evaluate(atom, {atom.fact: value})
    text = say(atom, value, positive, assumed=assumed)
    assert read(text, atom, positive) is (expected if positive else ~expected)
    assert "\n" not in text
    assert read(say(atom, None, positive), atom, positive) is Truth.MAYBE


@given(scores, scores, st.sampled_from(["<", "<=", ">", ">="]))
def test_the_numbers_in_a_clause_stand_as_it_says(value: float, operand: float, operator: Any) -> None:
    text = say(Compare(fact=HARM.name, operator=operator, value=operand), value)
    shown, relation = text.removesuffix(".").split(": ")[1].split(", ")
    word, bound = relation.rsplit(" ", 1)
    assert float(bound) == operand
    assert {
        "below": float(shown) < operand,
        "at most": float(shown) <= operand,
        "above": float(shown) > operand,
        "at least": float(shown) >= operand,
    }[word]
