"""What is held out of tuning: pairs of objects, objects under an intent, phrasings, a drawing style."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

Pair = frozenset[str]

#: Of the pairs of two kinds, one in this many is kept for validation and one in this many for the held-out split.
_ONE_IN = 6


class Split(StrEnum):
    """A part of the world.

    `train` is what tuning sees. `validation` and `combinations` have pairs of objects of their own; `object_intents`
    has tuning's pairs under an intent with which tuning never saw one of the two objects; `phrasings` and `style` are
    `train` in held-out words and in the held-out drawing style.
    """

    TRAIN = "train"
    VALIDATION = "validation"
    COMBINATIONS = "combinations"
    OBJECT_INTENTS = "object_intents"
    PHRASINGS = "phrasings"
    STYLE = "style"


@dataclass(frozen=True)
class HeldOut:
    """`pairs` names the split of each pair of objects (train, validation or combinations); `intents` are the pairs of
    an object and an intent that tuning never sees."""

    pairs: Mapping[Pair, Split]
    intents: frozenset[tuple[str, str]]

    def allows(self, split: Split, pair: Pair, intent: str) -> bool:
        """Whether a case with these objects and this intent belongs to the split."""
        held_out = any((item, intent) in self.intents for item in pair)
        if split is Split.OBJECT_INTENTS:
            return held_out and self.pairs[pair] is Split.TRAIN
        own = split if split in (Split.VALIDATION, Split.COMBINATIONS) else Split.TRAIN
        return not held_out and self.pairs[pair] is own


def hold_out(kinds: Mapping[str, str], mattering: Collection[tuple[str, str]], seed: str) -> HeldOut:
    """Divide the pairs of objects within every pair of kinds, and choose objects to hold out under an intent.

    `kinds` maps objects to kinds; `mattering` are the pairs of a kind and an intent in which the kind can change a
    verdict: for each kind that has one, an object is held out under one of them, and no intent loses two objects while
    others lose none. A pair of kinds with fewer than four pairs of objects goes to tuning whole.
    """
    rng = random.Random(f"{seed} held out")
    groups: dict[tuple[str, ...], list[Pair]] = {}
    for left, right in combinations(sorted(kinds), 2):
        groups.setdefault(tuple(sorted((kinds[left], kinds[right]))), []).append(frozenset((left, right)))
    pairs: dict[Pair, Split] = {}
    for _, members in sorted(groups.items()):
        rng.shuffle(members)
        share = 0 if len(members) < 4 else max(1, round(len(members) / _ONE_IN))
        for place, pair in enumerate(members):
            pairs[pair] = (Split.COMBINATIONS, Split.VALIDATION, Split.TRAIN)[min(place // share, 2) if share else 2]
    used: dict[str, int] = {}
    held: set[tuple[str, str]] = set()
    for kind in sorted(set(kinds.values())):
        intents = sorted(intent for of, intent in mattering if of == kind)
        if not intents:
            continue
        rng.shuffle(intents)
        intent = min(intents, key=lambda name: used.get(name, 0))
        used[intent] = used.get(intent, 0) + 1
        held.add((rng.choice(sorted(item for item in kinds if kinds[item] == kind)), intent))
    return HeldOut(pairs, frozenset(held))
