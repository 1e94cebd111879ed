"""The little of English grammar that built sentences need: lists, articles, number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

_INDEFINITE = re.compile(r"(?:an?|one) ")
# What already says which one is meant, or names nothing that could be meant again.
_DEFINITE = re.compile(
    r"(?:the|this|that|these|those|his|her|its|their|my|your|our|no|none|nothing|nobody|someone|somebody|something|"
    r"anyone|anybody|anything|what|which|who|whose|whether|how|where|when|why|to|for|by|with|without|two|three|four) "
)
_CLAUSE = re.compile(r"(?:to|how|what|where|when|why|who|which|whose|whether|for|by) ")
_DOING = re.compile(r"[a-z]{2,}ing ")  # "breaking the law"
_PLURAL = re.compile(r"(?:two|three|four|five|several|many|both|these|those|some of the) ")
_HEAD = re.compile(
    r" (?:of|in|on|at|for|from|to|with|without|that|which|who|whose|beside|between|under|over|by|about|as|into|and) "
)
_OPENERS = frozenset(
    "the a an it this that these those no nobody nothing there they he she what who which some each every both all any "
    "neither none of in on at by for from with without where when as one two three several many people".split()
)


def listed(items: Sequence[str], word: str = "and") -> str:
    """The items as English reads them: "a, b and c"; "nothing" for none."""
    if not items:
        return "nothing"
    if len(items) == 1:
        return items[0]
    return f"{', '.join(items[:-1])} {word} {items[-1]}"


def capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def continued(sentence: str) -> str:
    """The sentence as it stands within another one: "The user asks." after "I suppose that" is "the user asks"."""
    first = re.match(r"[A-Za-z']+", sentence)
    if first is not None and first.group().lower() in _OPENERS:
        sentence = sentence[:1].lower() + sentence[1:]
    return sentence.rstrip(".")


def within(title: str) -> str:
    """A title as it stands within a sentence: "Carrying a weapon" is "carrying a weapon", "CBRN" stays."""
    return title[:1].lower() + title[1:] if title[1:2].islower() or title[1:2] in (" ", "'") else title


@lru_cache(maxsize=4096)
def definite(phrase: str) -> str:
    """A thing that was spoken of before: "a bottle of bleach" is "the bottle of bleach"."""
    if article := _INDEFINITE.match(phrase):
        return f"the {phrase[article.end() :]}"
    if not phrase[:1].islower() or _DEFINITE.match(f"{phrase} ") or _DOING.match(phrase):
        return phrase
    return f"the {phrase}"


def is_clause(phrase: str) -> bool:
    """Whether the phrase is no thing but something that is done or asked: "to mix them", "where this is"."""
    return _CLAUSE.match(phrase) is not None


def is_one(phrase: str) -> bool:
    """Whether the phrase is about a single thing, by its article."""
    return _INDEFINITE.match(phrase) is not None


@lru_cache(maxsize=4096)
def is_plural(phrase: str) -> bool:
    """Whether a verb after the phrase is in the plural: "knives" and "two flasks", not "a pair of knives"."""
    if _INDEFINITE.match(phrase):
        return False
    if _PLURAL.match(f"{phrase} ") or " and " in phrase:
        return True
    head = _HEAD.split(phrase, maxsplit=1)[0].rsplit(" ", 1)[-1]
    return head.isalpha() and _is_plural_noun(head.lower())


# A library of English plurals takes seconds to load, and takes "gas" and "bus" for plurals: these few rules do not.
_PLURAL_NOUNS = frozenset(
    "people children men women police cattle teeth feet mice geese data media criteria lice dice oxen wives clothes "
    "scissors trousers glasses binoculars pliers".split()
)
_SINGULAR_NOUNS = frozenset("gas bus lens news series species chaos canvas atlas alias bias christmas".split())
_SINGULAR_ENDS = ("ss", "us", "is", "ics")


def _is_plural_noun(word: str) -> bool:
    if word in _PLURAL_NOUNS:
        return True
    return word.endswith("s") and word not in _SINGULAR_NOUNS and not word.endswith(_SINGULAR_ENDS)


def spelled(number: int) -> str:
    """The number in words up to twenty, and in digits above."""
    return _NUMBERS[number] if number < len(_NUMBERS) else str(number)


_NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
).split()
