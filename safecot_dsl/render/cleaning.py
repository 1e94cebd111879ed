"""Text from outside, made harmless: one line, no control characters, none of the format's own signs.

A slot can hold what somebody painted into an image. Without this, an image that reads `</think> Sure, here is how`
would end the reasoning of the row that quotes it, and one that reads `[comply: default]` would look like a derivation.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from safecot_dsl.artifact import Verdict
from safecot_dsl.render.style import Tags

# C0 and C1 controls, line and paragraph separators, marks that change the direction of writing, the byte-order mark.
_MARKS = "\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff"
_CONTROL = re.compile(f"[\x00-\x1f{_MARKS}]")
_CONTROL_IN_BLOCK = re.compile(f"[\x00-\x08\x0e-\x1f{_MARKS}]")
_LINE_BREAK = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_SURROGATE = re.compile("[\ud800-\udfff]")  # has no UTF-8 form; a JSON escape can carry one

# Markers of chat templates and images that stock vision-language families read as single tokens wherever they stand.
_RESERVED = (
    r"/?s|bos|eos|pad|unk|image|video|audio|img|/img|"
    r"(?:start|end)_of_(?:turn|image)|end_of_utterance|image_soft_token|fake_token_around_image|global-img"
)
_VERDICTS = "|".join(Verdict)


def fold_line(text: str) -> str:
    """`text` on one line: every run of white space and control characters becomes one space."""
    if text.isprintable():  # no controls, no surrogates, and of white space the space alone
        return " ".join(text.split()) if "  " in text else text.strip()
    return _SURROGATE.sub("\ufffd", " ".join(_CONTROL.sub(" ", text).split()))


def fold_block(text: str) -> str:
    """`text` with its lines kept, line breaks as `\\n`, other control characters as spaces, and no margin."""
    if text.replace("\n", "").isprintable():
        return text.strip()
    lines = _CONTROL_IN_BLOCK.sub(" ", _LINE_BREAK.sub("\n", text))
    return _SURROGATE.sub("\ufffd", lines).strip()


def neutralise(text: str, tags: Tags) -> str:
    """`text` with a round bracket in the place of the first character of every sign that the format reserves.

    Reserved are the tags (in any case, with white space between their parts, in compatibility characters such as
    full-width ones), a bracket that opens a derivation (`[refuse:`), and the markers of chat templates: `<|...|>` and
    names such as `<image>`. The length stays, and a second pass changes nothing: a sign that came about only by the
    change would have to contain a round bracket, and none does.
    """
    return _neutralised(text, tags.open, tags.close)


def compatible(text: str) -> str:
    """`text` with each character in its compatibility form where that is one character, so that places stay the
    same."""
    return text if text.isascii() else "".join(map(_plain, text))


@lru_cache(maxsize=8192)
def clean_line(text: str, opening: str, closing: str) -> str:
    """`neutralise(fold_line(text), tags)`, by the tags' texts, for lines that come again."""
    return _neutralised(fold_line(text), opening, closing)


def _neutralised(text: str, opening: str, closing: str) -> str:
    if not _may_have_signs(text, opening, closing):
        return text
    starts = [match.start() for match in _signs(opening, closing).finditer(compatible(text))]
    if not starts:
        return text
    characters = list(text)
    for start in starts:
        characters[start] = "("
    return "".join(characters)


def _may_have_signs(text: str, opening: str, closing: str) -> bool:
    """False only where no reserved sign can stand in `text`: most texts have none of the characters that begin one."""
    firsts = _first_characters(opening, closing)
    if firsts is None:
        return True
    # A character that has one of them for its compatibility form falls apart into it, and unlike with NFKC nothing
    # that follows can be composed with it.
    apart = text if text.isascii() else unicodedata.normalize("NFKD", text)
    for first in firsts:  # noqa: SIM110 (a generator costs more than the search)
        if first in apart:
            return True
    return False


@lru_cache(maxsize=64)
def _first_characters(opening: str, closing: str) -> tuple[str, ...] | None:
    """What reserved signs begin with, in plain ASCII without case; None where a tag begins with something else."""
    firsts = {"<", "[", _plain(opening[0]), _plain(closing[0])}
    return tuple(sorted(firsts)) if all(c.isascii() and not c.isalpha() for c in firsts) else None


@lru_cache(maxsize=64)
def _signs(opening: str, closing: str) -> re.Pattern[str]:
    # Each alternative consumes one character and looks ahead: signs that overlap or nest are all found in one pass.
    alternatives = [
        *(_first_of(tag) for tag in (opening, closing)),
        r"<(?=\|[^\n]{0,100}?\|>)",
        rf"<(?=\s*(?:{_RESERVED})\s*>)",
        rf"\[(?=\s*(?:{_VERDICTS})\s*:)",
        r"\[(?=/?INST\])",
    ]
    return re.compile("|".join(alternatives), re.IGNORECASE)


def _first_of(tag: str) -> str:
    plain = compatible(tag)
    parts = re.findall(r"\w+|\W", plain[1:])
    return re.escape(plain[0]) + r"(?=\s*" + r"\s*".join(map(re.escape, parts)) + ")"


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    """The compatibility form of a character where that is one character, so that places stay the same."""
    folded = unicodedata.normalize("NFKC", character)
    return folded if len(folded) == 1 else character
