"""Rule sets and cases that every language can say, and the plainest reading of them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

ATTRIBUTES = tuple(f"a{index}" for index in range(12))
VALUES = tuple(f"v{index}" for index in range(8))


@dataclass(frozen=True)
class Is:
    """The attribute has the value."""

    attribute: str
    value: str


@dataclass(frozen=True)
class In:
    """The attribute has one of the values."""

    attribute: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Score:
    """The score, in thousandths, is at least, or less than, so much: one of the languages has no fractions."""

    at_least: bool
    thousandths: int


@dataclass(frozen=True)
class Not:
    part: Is | In


@dataclass(frozen=True)
class Either:
    parts: tuple[Part, Part]


Part = Is | In | Score | Not | Either


@dataclass(frozen=True)
class Rule:
    """Refuses where all parts hold."""

    name: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Case:
    attributes: dict[str, str]
    thousandths: int


def make_rules(count: int, seed: int = 0) -> list[Rule]:
    """Rules of four to six parts: of a hundred, none or a few apply to a case. Values are equally likely."""
    random = Random(seed)

    def simple(attribute: str) -> Is | In:
        if random.random() < 0.6:
            return Is(attribute, random.choice(VALUES))
        return In(attribute, tuple(sorted(random.sample(VALUES, 3))))

    rules: list[Rule] = []
    for index in range(count):
        parts: list[Part] = []
        for attribute in random.sample(ATTRIBUTES, random.choice([4, 5])):
            chance = random.random()
            if chance < 0.15:
                parts.append(Not(simple(attribute)))
            elif chance < 0.3:
                parts.append(Either((simple(attribute), simple(random.choice(ATTRIBUTES)))))
            else:
                parts.append(simple(attribute))
        if random.random() < 0.5:
            parts.append(Score(random.random() < 0.7, random.randrange(50, 951, 50)))
        rules.append(Rule(f"r{index}", tuple(parts)))
    return rules


def make_cases(count: int, seed: int = 1) -> list[Case]:
    random = Random(seed)
    return [Case({name: random.choice(VALUES) for name in ATTRIBUTES}, random.randrange(1001)) for _ in range(count)]


def applying(rules: list[Rule], case: Case) -> list[str]:
    """The names of the rules that apply, sorted: what every engine has to say too."""
    return sorted(rule.name for rule in rules if all(_holds(part, case) for part in rule.parts))


def _holds(part: Part, case: Case) -> bool:
    match part:
        case Is(attribute, value):
            return case.attributes[attribute] == value
        case In(attribute, values):
            return case.attributes[attribute] in values
        case Score(at_least, thousandths):
            return (case.thousandths >= thousandths) == at_least
        case Not(inner):
            return not _holds(inner, case)
        case Either(parts):
            return any(_holds(inner, case) for inner in parts)
