"""Conditions in plain English: the English, read back by a parser of its own, decides as the condition does."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import build_policy, cases, conditions, examples, policies, values_of

from safecot_dsl.artifact import (
    And,
    AtLeast,
    Between,
    Case,
    Compare,
    CompiledPolicy,
    Condition,
    Contains,
    Empty,
    Fact,
    FlagIs,
    FlagType,
    Has,
    Is,
    Law,
    Matches,
    Not,
    NumberType,
    OneOfType,
    Or,
    Proposed,
    SetType,
    TextType,
    ValueName,
    Verdict,
    Within,
    atoms,
)
from safecot_dsl.engine import evaluate
from safecot_dsl.export.english import Clause, English


def texts_of(english: English, condition: Condition) -> dict[str, Condition]:
    """What each atom of the condition is in English, and what its opposite is."""
    found: dict[str, Condition] = {}
    for atom in atoms(condition):
        found[english.atom(atom)] = atom
        found[english.atom(atom, so=False)] = Not(item=atom)
    return found


class Reader:
    """Reads a sentence back. It knows the texts of the atoms, and the words between them."""

    def __init__(self, text: str, known: dict[str, Condition]) -> None:
        self.known = list(known.items())
        for number, (shown, _) in sorted(enumerate(self.known), key=lambda item: -len(item[1][0])):
            text = text.replace(shown, f"\0{number}\0")
        self.rest = text

    def read(self) -> Condition:
        condition = self.expression()
        assert not self.rest, self.rest
        return condition

    def take(self, pattern: str) -> re.Match[str] | None:
        match = re.match(pattern, self.rest)
        if match:
            self.rest = self.rest[match.end() :]
        return match

    def expression(self) -> Condition:
        least = self.take(r"at least (\d+) of these hold: ")
        if least:
            return AtLeast(count=int(least[1]), items=self.several("; "))
        items = [self.operand()]
        word = "and" if self.rest.startswith(", and ") else "or"
        while self.take(f", {word} "):
            items.append(self.operand())
        return items[0] if len(items) == 1 else {"and": And, "or": Or}[word](items=tuple(items))

    def several(self, between: str) -> tuple[Condition, ...]:
        items = [self.operand()]
        while self.take(between):
            items.append(self.operand())
        return tuple(items)

    def operand(self) -> Condition:
        negative = self.take("it is not so that ")
        if self.take(r"\("):
            condition = self.expression()
            assert self.take(r"\)"), self.rest
        else:
            assert not negative
            atom = self.take("\0(\\d+)\0")
            assert atom, self.rest
            condition = self.known[int(atom[1])][1]
        return Not(item=condition) if negative else condition


def read_outline(clause: Clause, known: dict[str, Condition]) -> Condition:
    parts = tuple(read_outline(part, known) for part in clause.parts)
    if not parts:
        return known[clause.text]
    if clause.text == "it is not so that":
        return Not(item=parts[0])
    if clause.text == "none of these holds:":
        return Not(item=Or(items=parts))
    if clause.text == "all of these hold:":
        return And(items=parts)
    if clause.text == "at least one of these holds:":
        return Or(items=parts)
    count = re.fullmatch(r"at least (\d+) of these hold:", clause.text)
    assert count
    return AtLeast(count=int(count[1]), items=parts)


@given(st.data(), policies())
@examples(80)
def test_what_is_read_back_decides_as_the_condition_does(data: st.DataObject, policy: CompiledPolicy) -> None:
    """So no atom and no negation is lost, and no bracket is missing; unknown facts included."""
    english = English(policy)
    condition = data.draw(conditions(policy.facts, depth=3))
    known = texts_of(english, condition)
    sentence = Reader(english.sentence(condition), known).read()
    outline = read_outline(english.outline(condition), known)
    mentioned = [english.atom(atom) for atom in atoms(condition)]
    assert [english.atom(atom) for atom in atoms(sentence)] == mentioned
    assert [english.atom(atom) for atom in atoms(outline)] == mentioned
    for _ in range(3):
        case = data.draw(cases(policy))
        expected = evaluate(condition, case.known)
        assert evaluate(sentence, case.known) is expected
        assert evaluate(outline, case.known) is expected


@given(st.data(), policies())
@examples(50)
def test_atoms_that_read_alike_mean_the_same(data: st.DataObject, policy: CompiledPolicy) -> None:
    english = English(policy)
    found: dict[str, Condition] = {}
    for rule in policy.rules:
        for atom in atoms(rule.when):
            other = found.setdefault(english.atom(atom), atom)
            assert isinstance(atom, Proposed) or atom.fact == other.fact  # type: ignore[union-attr]
            value = data.draw(values_of(policy.fact_index[atom.fact]))  # type: ignore[union-attr]
            known = {atom.fact: value}  # type: ignore[union-attr]
            assert evaluate(atom, known) is evaluate(other, known)
            assert english.atom(atom) != english.atom(atom, so=False)


def values(*pairs: str) -> tuple[ValueName, ...]:
    return tuple(ValueName(name=name, phrase=phrase) for name, phrase in zip(pairs[::2], pairs[1::2], strict=True))


FACTS = (
    Fact(
        name="image.objects",
        type=SetType(values=values("bleach", "a bottle of bleach", "ammonia", "a bottle of ammonia")),
        description="Objects visible in the image.",
    ),
    Fact(name="image.setting", type=OneOfType(values=values("kitchen", "a kitchen", "street", "a street"))),
    Fact(name="query.harm", type=NumberType(low=0, high=1, score=True)),
    Fact(name="image.text", type=TextType(), description="Text"),
    Fact(name="context.minor", type=FlagType(), description="The user is known to be a minor."),
)
POLICY = build_policy(FACTS, (), Verdict.COMPLY, Verdict.CLARIFY)

SAID = [
    (FlagIs(fact="context.minor"), "“The user is known to be a minor” is true"),
    (Not(item=FlagIs(fact="context.minor")), "“The user is known to be a minor” is not true"),
    (Is(fact="image.setting", values=("kitchen",)), "the image’s “setting” is “a kitchen”"),
    (
        Not(item=Is(fact="image.setting", values=("street", "kitchen"), group="public_places")),
        "the image’s “setting” is not one of the public places (“a kitchen” or “a street”)",
    ),
    (Is(fact="image.setting", values=()), "the image’s “setting” is one of these: no value at all"),
    (Within(fact="image.setting", node="street", values=("street",)), "the image’s “setting” is within “a street”"),
    (
        Has(fact="image.objects", quantifier="all", values=("bleach", "ammonia"), group="corrosive"),
        "“Objects visible in the image” include all of the corrosive (“a bottle of bleach” and “a bottle of ammonia”)",
    ),
    (
        Not(item=Has(fact="image.objects", quantifier="any", values=("bleach", "ammonia"))),
        "“Objects visible in the image” include none of these: “a bottle of bleach” and “a bottle of ammonia”",
    ),
    (
        Not(item=Has(fact="image.objects", quantifier="all", values=("bleach", "ammonia"))),
        "“Objects visible in the image” do not include all of these: “a bottle of bleach” and “a bottle of ammonia”",
    ),
    (Not(item=Empty(fact="image.objects")), "“Objects visible in the image” include something"),
    (
        Compare(fact="query.harm", operator="<", value=0.6, param="harm_threshold"),
        "the query’s “harm” is below 0.6 (the setting “harm threshold”)",
    ),
    (
        Between(fact="query.harm", low=0.1, high=1e-7 + 0.5),
        "the query’s “harm” is between 0.1 and 0.5000001, both included",
    ),
    (
        Contains(fact="image.text", phrases=tuple("abcdefgh"), phrase_set="std.letters"),
        "“Text” contains any of the letters (“a”, “b”, “c”, “d”, “e”, “f” or 2 more)",
    ),
    (
        Not(item=Matches(fact="image.text", pattern="a\nb", ignore_case=True)),
        "“Text” does not match the pattern /a b/, in upper or lower case",
    ),
    (
        And(items=(Or(items=(FlagIs(fact="context.minor"), Empty(fact="image.objects"))), Not(item=And(items=())))),
        "(“The user is known to be a minor” is true, or “Objects visible in the image” include nothing), and it is not "
        "so that (always)",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "said"), SAID)
def test_what_conditions_say(condition: Condition, said: str) -> None:
    assert English(POLICY).sentence(condition) == said


def test_facts_of_one_description_are_told_apart() -> None:
    twins = tuple(Fact(name=name, type=FlagType(), description="Seen. ") for name in ("image.a", "query.a"))
    english = English(build_policy(twins, (), Verdict.COMPLY, Verdict.CLARIFY))
    assert [english.term(fact) for fact in twins] == ["“Seen” (the image’s “a”)", "“Seen” (the query’s “a”)"]


def test_quotation_marks_of_a_text_end_no_term() -> None:
    fact = Fact(name="image.a", type=FlagType(), description="A” is true, and “b")
    english = English(build_policy((fact,), (), Verdict.COMPLY, Verdict.CLARIFY))
    assert english.atom(FlagIs(fact="image.a")) == "“A' is true, and 'b” is true"


def test_a_case_says_what_is_known_and_what_cannot_be_told() -> None:
    case = Case(
        {"image.objects": frozenset({"bleach"}), "query.harm": 0.25, "image.text": ""}, frozenset({"image.setting"})
    )
    assert English(POLICY).case(case) == (
        "“Objects visible in the image” include a bottle of bleach and nothing else",
        "the query’s “harm” is 0.25",
        "“Text” is “”",
        "the image’s “setting” cannot be told",
    )


@pytest.mark.parametrize(
    ("fact", "change", "values", "group", "said"),
    [
        (4, "becomes", ("yes",), None, "“The user is known to be a minor” becomes true"),
        (4, "becomes", ("no",), None, "“The user is known to be a minor” becomes untrue"),
        (1, "becomes", ("street",), None, "the image’s “setting” becomes “a street”"),
        (0, "gains", ("bleach", "ammonia"), "corrosive",
         "“Objects visible in the image” gain one of the corrosive (“a bottle of bleach” or “a bottle of ammonia”)"),
        (2, "rises", (), None, "the query’s “harm” rises"),
    ],
)  # fmt: skip
def test_what_laws_change(fact: int, change: str, values: tuple[str, ...], group: str | None, said: str) -> None:
    law = Law.model_validate(
        {"name": "l", "fact": FACTS[fact].name, "change": change, "values": values, "group": group, "never": "laxer"}
        | {"key": "law:l"}
    )
    assert English(POLICY).change(FACTS[fact], law) == said
