"""Which share of cases each rule decides, and what is left to `default`: sampled.

The cases are drawn as though nothing were known of the world, so a share says what a policy is about, not how often it
will be asked: of each fact, every value that the policy's conditions can tell apart is equally likely; a set has
none, one, two or three members, equally likely; a text is empty, or has in it what one of the policy's conditions
looks for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from safecot_dsl.analysis.domains import NumberDomain, TextDomain, pleasant
from safecot_dsl.analysis.encoding import Encoding
from safecot_dsl.analysis.space import exceptions_of, parents_first
from safecot_dsl.analysis.texts import find_text
from safecot_dsl.artifact import (
    And,
    AtLeast,
    CompiledPolicy,
    Condition,
    Contains,
    FlagType,
    Not,
    NumberType,
    OneOfType,
    Or,
    SetType,
    TextType,
    Value,
    Verdict,
)
from safecot_dsl.engine import Truth, evaluate, normalise

SAMPLES = 10_000


@dataclass(frozen=True)
class Share:
    """`count` of `of` samples, with the 95 % interval of Wilson (1927) from `low` to `high`."""

    count: int
    of: int

    @property
    def value(self) -> float:
        return self.count / self.of

    @property
    def interval(self) -> tuple[float, float]:
        z, p, n = 1.959964, self.value, self.of
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True)
class Coverage:
    """Shares of the sampled complete cases: by verdict, left to `default`, and decided by each rule (alone or with
    others)."""

    samples: int
    verdicts: dict[Verdict, Share]
    default: Share
    rules: dict[str, Share]


def coverage(policy: CompiledPolicy, *, samples: int = SAMPLES, seed: int = 0) -> Coverage:
    """The shares of `samples` (one or more) cases; equal seeds draw equal cases."""
    columns = _Columns(policy, samples, Random(seed))
    exceptions = exceptions_of(policy)
    applies: dict[str, int] = {}
    for rule in parents_first(policy):
        mask = columns.of(rule.when)
        if rule.unless is not None:
            mask &= ~columns.of(rule.unless)
        if rule.exception_to:
            parents = 0
            for parent in rule.exception_to:
                parents |= applies[parent]
            mask &= parents
        applies[rule.name] = mask
    effective: dict[str, int] = {}
    for rule in policy.rules:
        mask = applies[rule.name]
        for exception in exceptions[rule.name]:
            mask &= ~applies[exception.name]
        effective[rule.name] = mask
    left = columns.every
    verdicts: dict[Verdict, int] = {}
    for verdict in reversed(Verdict):
        taken = 0
        for rule in policy.rules:
            if rule.verdict is verdict:
                effective[rule.name] &= left
                taken |= effective[rule.name]
        verdicts[verdict] = taken
        left &= ~taken
    verdicts[policy.default] |= left

    def share(mask: int) -> Share:
        return Share(mask.bit_count(), samples)

    return Coverage(
        samples,
        {verdict: share(verdicts[verdict]) for verdict in Verdict},
        share(left),
        {rule.name: share(effective[rule.name]) for rule in policy.rules},
    )


class _Columns:
    """Sampled cases, a fact at a time: bit `i` of a mask says what holds of case `i`."""

    def __init__(self, policy: CompiledPolicy, samples: int, random: Random) -> None:
        self.every = (1 << samples) - 1
        self._values: dict[str, dict[Value, int]] = {}
        self._masks: dict[Condition, int] = {}
        encoding = Encoding(policy)
        for fact in policy.facts:
            drawn = list(_drawn(encoding, fact.name, samples, random))
            positions: dict[Value, list[int]] = {}
            for index, value in enumerate(drawn):
                positions.setdefault(value, []).append(index)
            self._values[fact.name] = {value: _mask(indices, samples) for value, indices in positions.items()}

    def of(self, condition: Condition) -> int:
        match condition:
            case Not(item=item):
                return self.every & ~self.of(item)
            case And(items=items):
                return self._at_least(len(items), items)
            case Or(items=items):
                return self._at_least(1, items)
            case AtLeast(count=count, items=items):
                return self._at_least(count, items)
            case atom:
                if atom not in self._masks:
                    mask = 0
                    fact: str = atom.fact  # pyright: ignore[reportAttributeAccessIssue] - rules are about facts
                    for value, where in self._values[fact].items():
                        if evaluate(atom, {fact: value}) is Truth.YES:
                            mask |= where
                    self._masks[atom] = mask
                return self._masks[atom]

    def _at_least(self, count: int, items: tuple[Condition, ...]) -> int:
        # reached[n]: the cases of which at least n of the items so far hold.
        reached = [self.every] + [0] * count
        for item in items:
            mask = self.of(item)
            for n in range(count, 0, -1):
                reached[n] |= reached[n - 1] & mask
        return reached[count]


def _mask(indices: list[int], samples: int) -> int:
    row = bytearray(samples // 8 + 1)
    for index in indices:
        row[index >> 3] |= 1 << (index & 7)
    return int.from_bytes(row, "little")


def _drawn(encoding: Encoding, name: str, samples: int, random: Random) -> Iterator[Value]:
    """So many values of a fact."""
    fact, domain = encoding.facts[name], encoding.domains[name]
    options: list[Value]
    match fact.type:
        case FlagType():
            options = [False, True]
        case OneOfType(values=values):
            options = [value.name for value in values]
        case NumberType():
            assert isinstance(domain, NumberDomain)
            options = [pleasant(low, high) for low, high in domain.intervals()]
        case TextType():
            assert isinstance(domain, TextDomain)
            options = list(_texts(domain))
        case SetType(values=values):
            names = [value.name for value in values]
            for _ in range(samples):
                yield frozenset(random.sample(names, random.randint(0, min(3, len(names)))))
            return
    yield from random.choices(options, k=samples)


def _texts(domain: TextDomain) -> Iterator[str]:
    yield ""
    for atom in domain.atoms:
        phrases = atom.phrases[:1] if isinstance(atom, Contains) else ()
        text = find_text(dict.fromkeys((atom,), True), [normalise(p) for p in phrases])
        if text:
            yield text
