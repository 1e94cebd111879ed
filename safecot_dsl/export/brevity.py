"""What is told in fewer words and says the same: groups defined by each other, lists whose members begin alike."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import takewhile

from safecot_dsl.artifact import CompiledPolicy, fact_atoms
from safecot_dsl.render.english import listed
from safecot_dsl.render.phrasing import phrases

#: As many members of a group are named where it is used; a larger one goes by its phrase, and is defined once.
MOST_MEMBERS = 6

_ARTICLE = re.compile(r"an? ")
_LETTERS = re.compile(r"\w+")
_ARTICLES = frozenset(("a", "an", "the"))


def is_named(phrase: str) -> bool:
    """Whether a group's phrase stands in a sentence as the phrase of a value does ("a firearm")."""
    return _ARTICLE.match(phrase) is not None


def common_groups(policy: CompiledPolicy) -> frozenset[str]:
    """Groups by which rules ask for any of their members so often that a definition is shorter than all these lists,
    smaller groups first, since a larger one can be defined by them."""
    atoms = [atom for rule in policy.rules for atom in fact_atoms(rule.when, rule.unless)]
    asked = [atom for atom in atoms if getattr(atom, "quantifier", None) != "all"]
    used = Counter((atom.fact, atom.listed, atom.grouped) for atom in asked if atom.grouped in policy.groups)
    chosen: dict[str, tuple[str, ...]] = {}
    found: set[str] = set()
    for (fact, members, group), times in sorted(used.items(), key=lambda each: len(each[0][1])):
        assert group is not None
        phrase = policy.groups[group].phrase
        named = tuple(phrases(policy.fact_index[fact], members))
        told = {**chosen, phrase: named}
        definition = _words(*defined(told)[phrase], phrase)
        shorter = is_named(phrase) and times * (_words(*named) - _words(phrase)) > definition
        if shorter or len(named) > MOST_MEMBERS:
            chosen[phrase] = named
        if shorter:
            found.add(group)
    return frozenset(found)


def defined(groups: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The groups by their phrases, each with its members' phrases; members that another of the groups has, all of
    whose members are this one's, too, are told by the phrase of that one. Where all are single things, articles go."""
    told: dict[str, list[str]] = {}
    for phrase, members in groups.items():
        left = dict.fromkeys(members)
        parts: list[str] = []
        for other, part in sorted(groups.items(), key=lambda each: -len(each[1])):
            if 1 < len(set(part)) < len(set(members)) and left.keys() >= set(part):
                parts.append(other if is_named(other) else f"what counts as {other}")
                left = {each: None for each in left if each not in part}
        whole = [*parts, *left]
        single = all(is_named(each) or " " not in each or each in parts for each in whole)
        told[phrase] = [_ARTICLE.sub("", each, count=1) if single else each for each in whole]
    return told


def unalike(texts: Sequence[str], most: int) -> list[str]:
    """Up to so many of the phrases, the first of them and then those that have the fewest words in common with it and
    each other, none twice for its punctuation alone."""
    left = list({"".join(_LETTERS.findall(text)).casefold(): text for text in reversed(texts)}.values())[::-1]
    if len(left) <= most:
        return left
    found: list[str] = []
    while left and len(found) < most:
        nearest = [max((_alike(each, one) for one in found), default=0.0) for each in left]
        found.append(left.pop(nearest.index(min(nearest))))
    return sorted(found, key=texts.index)


def _alike(text: str, other: str) -> float:
    """The share of their words that two phrases have in common, 0 to 1."""
    one, two = (set(_LETTERS.findall(each.casefold())) for each in (text, other))
    return len(one & two) / max(len(one | two), 1)


def listed_alike(items: Sequence[str], word: str) -> str:
    """The items as a list; two words or more that all begin with are said once: "how to buy it or build one"."""
    split = [item.split(" ") for item in items]
    shared = shared_words(split) if len(items) > 1 else 0
    if shared < 2:
        return listed(items, word)
    return f"{' '.join(split[0][:shared])} {listed([' '.join(each[shared:]) for each in split], word)}"


def shared_words(split: Sequence[Sequence[str]]) -> int:
    """How many words all of them begin with, of each at least one left, and no article the last."""
    alike = takewhile(lambda column: len(set(column)) == 1, zip(*(words[:-1] for words in split), strict=False))
    shared = sum(1 for _ in alike)
    while shared and split[0][shared - 1] in _ARTICLES:
        shared -= 1
    return shared


def unbracketed(text: str) -> str:
    """The text without a pair of brackets around all of it."""
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0 and place < len(text) - 1:
            return text
    return text[1:-1]


def _words(*texts: str) -> int:
    return len(" ".join(texts).split())
