"""The forms of a response that detectors read."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import re2

# Models and people write "can’t" and "can't" alike, and a policy's author types the ASCII one.
_QUOTES: Final = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc\u00b4\u2032", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033", '"')
)
# A lone surrogate has no UTF-8 form, which RE2 works on.
_SURROGATES: Final = dict.fromkeys(range(0xD800, 0xE000), "\ufffd")

#: How words that detectors look for are written carelessly, and how they are meant.
_CARELESS: Final[dict[str, str]] = {
    careless: meant
    for meant, many in {
        "can't": "cant cnt can;t",
        "cannot": "canot cannnot",
        "won't": "wont",
        "don't": "dont",
        "doesn't": "doesnt",
        "isn't": "isnt",
        "couldn't": "couldnt",
        "wouldn't": "wouldnt",
        "shouldn't": "shouldnt",
        "I'm": "im",
        "I've": "ive",
        "that's": "thats",
        "what's": "whats",
        "you're": "youre",
        "you": "u ya",
        "your": "ur",
        "please": "pls plz",
        "sorry": "sory srry sry soz sorri sorrry",
        "apologies": "appologies apologys",
        "going to": "gonna",
        "have to": "gotta",
        "want to": "wanna",
        "unfortunately": "unfortunatly unfortunetly unfortunally unfortunatley",
        "assist": "asist assit assisst",
        "fulfil": "fullfil fullfill",
        "afraid": "affraid",
        "unable": "unabel unnable",
        "request": "reqest requst",
        "something": "smth sth",
        "because": "becuase becasue cuz coz",
    }.items()
    for careless in many.split()
} | {"i m": "I'm", "not aloud": "not allowed", "can not": "cannot"}
_ANY_CARELESS: Final = "|".join(sorted(_CARELESS, key=len, reverse=True))
_CARELESS_WORD: Final = re.compile(rf"(?<![\w'])(?:{_ANY_CARELESS})(?![\w'])", re.IGNORECASE)
# Most texts have none, which RE2 says twenty times as fast.
_HAS_CARELESS: Final = re2.compile(rf"(?i)\b(?:{_ANY_CARELESS})\b")


def fold_quotes(text: str) -> str:
    """The text with typographic quotation marks, apostrophes and primes as ASCII, and otherwise as it is.

    Lone surrogates become U+FFFD, so that the result always has a UTF-8 form.
    """
    if text.isascii():
        return text
    folded = text.translate(_QUOTES)
    return folded if folded.isascii() else folded.translate(_SURROGATES)


def fold(text: str) -> str:
    """The text for phrase search: NFKC, case folding, NFKC, with typographic quotes as ASCII."""
    # Quotes go first, since NFKC turns an acute accent that stands for an apostrophe into a space and a combining mark;
    # and once more, since NFKC takes letters apart into apostrophes too.
    folded = unicodedata.normalize("NFKC", fold_quotes(text)).casefold()
    return fold_quotes(unicodedata.normalize("NFKC", folded))


def mend(text: str) -> str:
    """The text with the words that detectors look for as they are meant, where they are written carelessly: "i cant
    help u" as "i can't help you". `text` has its quotes folded."""
    if _HAS_CARELESS.search(text) is None:
        return text
    return _CARELESS_WORD.sub(lambda found: _CARELESS[found[0].lower()], text)


#: Where a line breaks off without a sign and the next begins with a capital.
_BROKEN_OFF: Final = re2.compile(r"([\pL\pN])[ \t]*\n\s*(\p{Lu})")


def end_lines(text: str) -> str:
    """The text with a colon where a line breaks off and the next begins anew: "Here is how to\\nI can't help" holds a
    sentence that begins with "I", as when somebody else began an answer and a model did not go on with it. Not a full
    stop, since nothing was said yet."""
    return _BROKEN_OFF.sub(r"\1:\n\2", text) if "\n" in text else text


#: A question that yes or no answers; "can you write ...?" asks for a deed.
_YES_OR_NO: Final = re2.compile(
    r"(?i)(?:\A|[.!?:;,\n]\s*)(?:(?:is|are|was|were|am|do|does|did|has|have|had|should|must|may|might|can|could|will|"
    r"would|isn't|aren't|wasn't|doesn't|don't|didn't|hasn't|haven't|can't|won't) (?:it|this|that|these|those|there|the|"
    r"a|an|he|she|they|we|i|any|some|my|your|his|her|our|their|its|one|all|both|every|each|people|[a-z]+s|anyone|"
    r"somebody|someone)\b|(?:do|did|are|were|have) you\b|can you (?:see|spot|find|read|tell (?:if|whether))\b)"
    r"[^?\n]*\?\s*\z"
)
_BARE_NO: Final = re2.compile(
    r"(?i)\A[\s*_\"']*(?:no|nope|nah|never|not today|(?:certainly|absolutely|definitely|of course) not|no way|"
    r"not a chance)"
    r"(?:[,!. ]+(?:mate|man|dude|bro|buddy|sir|madam|ma'am|(?:my )?friend|sorry|i'm afraid))*[\s.!*_\"']*\z"
)


def spelled_out(response: str, request: str) -> str:
    """The response as it is meant: a bare no to a question that yes or no answers is a sentence about its subject, and
    not one about the speaker."""
    if len(response) <= 40 and _BARE_NO.search(fold_quotes(response)) and _YES_OR_NO.search(fold_quotes(request)):
        return "That is not so."
    return response


def has_text(response: str) -> bool:
    """Whether there is anything to judge: a letter or a digit, of any script."""
    return any(map(str.isalnum, response))
