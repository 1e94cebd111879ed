"""Requests whose facts are drawn as real data has them: most known, sets small, texts and scores each their own."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from safecot_dsl.artifact import (
    Case,
    CompiledPolicy,
    Fact,
    FlagType,
    NumberType,
    OneOfType,
    SetType,
    TextType,
    Value,
)
from safecot_dsl.facts import Item

_WORDS = (
    "a an and are at be before by can closed do down every fill for from glass hand how in into is it keep kettle "
    "leave lid light long minute of off on one open out over picture place plate pour press put red ring safe see "
    "set shown side small stop surface switch table take that the then this three time to top turn two under "
    "until use warm water what when which while wipe with you your"
).split()
_NOT_ANNOTATED, _CANNOT_TELL = 0.05, 0.03


def draw_case(policy: CompiledPolicy, random: Random) -> Case:
    """A case in which one fact in thirteen is unknown."""
    known: dict[str, Value] = {}
    cannot_tell: set[str] = set()
    for fact in policy.facts:
        fate = random.random()
        if fate < _CANNOT_TELL:
            cannot_tell.add(fact.name)
        elif fate >= _CANNOT_TELL + _NOT_ANNOTATED:
            known[fact.name] = _value(fact, random)
    return Case(known, frozenset(cannot_tell))


def distinct_cases(policy: CompiledPolicy, count: int, random: Random) -> list[Case]:
    """So many cases, no two equal; fewer where ten times as many draws do not give them."""
    cases: dict[Case, None] = {}
    for _ in range(10 * count):
        if len(cases) == count:
            break
        cases[draw_case(policy, random)] = None
    return list(cases)


def requests(cases: Sequence[Case], random: Random) -> list[Item]:
    """A request for each case, with a prompt and an answer of its own: 15 and 60 words."""
    return [
        Item(
            id=str(number),
            source="drawn",
            licence="CC0-1.0",
            prompt=f"{sentence(15, random)}?",
            images=(),
            case=case,
            answer=" ".join(f"{sentence(12, random)}." for _ in range(5)),
        )
        for number, case in enumerate(cases)
    ]


def sentence(length: int, random: Random) -> str:
    """Words without meaning, the first with a capital letter."""
    return " ".join(random.choices(_WORDS, k=length)).capitalize()


def _value(fact: Fact, random: Random) -> Value:
    match fact.type:
        case FlagType():
            return random.random() < 0.3
        case OneOfType(values=values):
            return random.choice(values).name
        case SetType(values=values):
            chosen = random.sample(values, min(len(values), random.choice((0, 0, 1, 1, 2))))
            return frozenset(value.name for value in chosen)
        case NumberType(low=low, high=high):
            return round(random.uniform(low, high), 3)
        case TextType():
            return sentence(8, random) if random.random() < 0.5 else ""
