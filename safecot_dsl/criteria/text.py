"""The forms of a response that detectors read."""

from __future__ import annotations

import unicodedata
from typing import Final

# Models and people write "can’t" and "can't" alike, and a policy's author types the ASCII one.
_QUOTES: Final = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc\u00b4\u2032", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033", '"')
)
# A lone surrogate has no UTF-8 form, which RE2 works on.
_SURROGATES: Final = dict.fromkeys(range(0xD800, 0xE000), "\ufffd")

_LAST_LATIN: Final = 0x24F  # the end of the block Latin Extended-B


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


def has_text(response: str) -> bool:
    """Whether there is anything to judge: a letter or a digit, of any script."""
    return any(map(str.isalnum, response))


def beyond_latin(text: str) -> bool:
    """Whether most of the text's letters are of another script than Latin."""
    if text.isascii():
        return False
    letters = [character for character in text if character.isalpha()]
    return 2 * sum(ord(letter) > _LAST_LATIN for letter in letters) > len(letters)
