"""Random facts and conditions: small, well typed, and of every kind that the language has.

Domains are small, so that all complete cases that a policy can tell apart can be gone through.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from safecot_dsl.artifact import (
    And,
    AtLeast,
    Between,
    Compare,
    Condition,
    Contains,
    Empty,
    Fact,
    FlagIs,
    FlagType,
    Has,
    Matches,
    Node,
    Not,
    NumberType,
    OneOfType,
    Or,
    SetType,
    Taxonomy,
    TextType,
    Value,
    ValueName,
    Verdict,
    is_one_of,
    is_within,
)

VERDICTS = st.sampled_from(list(Verdict))

# A forest with every kind of severity: own, inherited from the parent and its parent, negative, zero, none at all.
NODES = (
    Node(name="root", phrase="the root", severity=2.0),
    Node(name="inner", phrase="an inner node", parent="root"),
    Node(name="leaf", phrase="a leaf", parent="inner"),
    Node(name="grave", phrase="a grave leaf", severity=7.5, parent="inner"),
    Node(name="negative", phrase="a negative node", severity=-3.0, parent="root"),
    Node(name="below_negative", phrase="a node below it", parent="negative"),
    Node(name="plain", phrase="another root"),
    Node(name="below_plain", phrase="a node below another root", parent="plain"),
)
TAXONOMY = Taxonomy(name="kinds", nodes=NODES)
# Worked out by hand: a negative severity counts as 0 and is not looked past.
SEVERITIES = {
    "root": 2.0,
    "inner": 2.0,
    "leaf": 2.0,
    "grave": 7.5,
    "negative": 0.0,
    "below_negative": 0.0,
    "plain": 0.0,
    "below_plain": 0.0,
}

# Each phrase is found in some text below and missing from others, plainly or only after folding.
PHRASES = ("bomb", "STRASSE", "ﬁre", "how to", "ａｂ", "e\u0301")
PATTERNS = ("bomb", "^how", "b.mb$", r"\bto\b", "1/2", "[A-Z]{2}", "x*")
TEXTS = (
    "",
    "a bomb",
    "How to build a BOMB",
    "Straße",
    "fire 1/2",
    "ab",
    "é",
    "\ud800 bomb \udfff",
    "bomb\x00",
    "e\u0301\u0323\u0300",
    "👩‍👩‍👧 how to",
    "İstanbul",
    "to\nhow",
)


# --- facts -----------------------------------------------------------------------------------------------------------


def _values(*names: str) -> tuple[ValueName, ...]:
    return tuple(ValueName(name=name, phrase=f"the value {name}") for name in names)


_TREE = OneOfType(
    values=tuple(ValueName(name=n.name, phrase=n.phrase, parent=n.parent) for n in NODES), taxonomy="kinds"
)
_TYPES = (
    FlagType(),
    FlagType(),
    OneOfType(values=_values("red", "green", "blue")),
    _TREE,
    _TREE,
    SetType(values=_values("cat", "dog")),
    SetType(values=_values("cat", "dog", "emu")),
    NumberType(low=0.0, high=1.0, score=True),
    NumberType(low=-2.0, high=3.5),
    TextType(),
)


def values_of(fact: Fact) -> SearchStrategy[Value]:
    """A value of the fact; of a text a tame one (see `a test of its own`)."""
    match fact.type:
        case FlagType():
            return st.booleans()
        case OneOfType(values=values):
            return st.sampled_from([value.name for value in values])
        case SetType(values=values):
            return st.frozensets(st.sampled_from([value.name for value in values]))
        case NumberType(low=low, high=high):
            return st.one_of(st.sampled_from(thresholds(fact)), st.floats(low, high))
        case TextType():
            return st.sampled_from(TEXTS)


def whole_values_of(fact: Fact, known: Value | None = None) -> SearchStrategy[Value]:
    """A value of the fact that leaves nothing open: of a taxonomy a leaf, below the one that is `known`, if any is."""
    if not isinstance(fact.type, OneOfType):
        return values_of(fact)
    return st.sampled_from(fact.type.leaves_below(known) if isinstance(known, str) else fact.type.leaves)


def thresholds(fact: Fact) -> list[float]:
    assert isinstance(fact.type, NumberType)
    return [fact.type.low, 0.0, 0.5, math.nextafter(0.5, 1), 1.0, fact.type.high]


@st.composite
def facts(draw: DrawFn) -> Fact:
    """A fact of any type, one in three of them with a supposition."""
    type_ = draw(st.sampled_from(_TYPES))
    fact = Fact(name="image.a", type=type_, ask=draw(st.sampled_from([None, "what it is"])))
    if draw(st.integers(0, 2)) > 0:
        return fact
    assume = draw(values_of(fact).filter(_printable))
    return fact.model_copy(update={"assume": tuple(sorted(assume)) if isinstance(assume, frozenset) else assume})


def _printable(value: Value) -> bool:
    return not isinstance(value, str) or all(c.isprintable() for c in value)


# --- conditions ------------------------------------------------------------------------------------------------------


def atom(draw: DrawFn, fact: Fact) -> Condition:
    """An atom that reads the fact, of any form that its type has."""
    name = fact.name
    match fact.type:
        case FlagType():
            return FlagIs(fact=name)
        case OneOfType(values=values, taxonomy=taxonomy):
            if taxonomy is not None and draw(st.booleans()):
                return is_within(fact, draw(st.sampled_from(NODES)).name)
            return is_one_of(fact, subset(draw, values))
        case SetType(values=values):
            quantifier = draw(_QUANTIFIERS)
            if quantifier is None:
                return Empty(fact=name)
            return Has(fact=name, quantifier=quantifier, values=subset(draw, values))
        case NumberType():
            numbers = st.sampled_from(thresholds(fact))
            operator = draw(_OPERATORS)
            if operator is not None:
                return Compare(fact=name, operator=operator, value=draw(numbers))
            low, high = sorted((draw(numbers), draw(numbers)))
            return Between(fact=name, low=low, high=high)
        case TextType():
            if draw(st.booleans()):
                return Matches(fact=name, pattern=draw(st.sampled_from(PATTERNS)), ignore_case=draw(st.booleans()))
            count = draw(st.sampled_from([1, 1, 2, 0]))
            return Contains(fact=name, phrases=tuple(draw(st.sampled_from(PHRASES)) for _ in range(count)))


def cell(draw: DrawFn, fact: Fact) -> Condition:
    """What a cell of a table can say of the fact of its column: an atom, or the negation of one."""
    test = atom(draw, fact)
    if isinstance(test, Has):
        test = test.model_copy(update={"quantifier": "any"})
    return Not(item=test) if draw(st.sampled_from([False, False, True])) else test


def subset(draw: DrawFn, values: Sequence[ValueName]) -> tuple[str, ...]:
    bits = draw(st.integers(0, 2 ** len(values) - 1))
    return tuple(value.name for index, value in enumerate(values) if bits >> index & 1)


def condition_of(draw: DrawFn, declared: Sequence[Fact], depth: int) -> Condition:
    form = draw(st.sampled_from(_FORMS)) if depth else None
    if form is None:
        return atom(draw, draw(st.sampled_from(declared)))
    if form is Not:
        return Not(item=condition_of(draw, declared, depth - 1))
    items = tuple(condition_of(draw, declared, depth - 1) for _ in range(draw(_SEVERAL)))
    if form is AtLeast:
        return AtLeast(count=draw(st.integers(1, len(items))), items=items)
    return And(items=items) if form is And else Or(items=items)


_FORMS = (None, None, Not, And, Or, AtLeast)
_SEVERAL = st.integers(2, 3)


_QUANTIFIERS: SearchStrategy[Literal["any", "all"] | None] = st.sampled_from(["any", "all", "any", "all", None])
_OPERATORS: SearchStrategy[Literal["<", "<=", ">", ">="] | None] = st.sampled_from(["<", "<=", ">", ">=", None])


@st.composite
def conditions(draw: DrawFn, declared: Sequence[Fact], depth: int = 2) -> Condition:
    """A condition over the facts, of at most `depth` connectives above one another."""
    return condition_of(draw, declared, depth)
