"""Signs of the format in a model's text, in whichever spelling: what whoever shows the text could take for reasoning.

:func:`~safecot_dsl.render.neutralise` takes the sting out of data. Here a text is only looked at: a second block that
opens as `<Thinking>`, `＜think＞` or `<th\u200bink>` is a second block for the program, or the person, that reads on.
"""

from __future__ import annotations

import re
from functools import lru_cache

from safecot_dsl.artifact import Verdict
from safecot_dsl.render.cleaning import compatible
from safecot_dsl.render.style import Tags

#: Characters from the beginning of a sign to its end, at most.
REACH = 200
#: Characters that may stand between those of a sign: white space, and what nobody sees.
_HIDDEN = r"\s\u00ad\u034f\u061c\u180e\u200b-\u200f\u2060-\u2064\ufe0f\ufeff"
_GAP = f"[{_HIDDEN}]{{0,4}}"
_OPENS = r"(?:[<\u02c2\u2039\u276e\u2770\u27e8\u3008\u300a]|&(?:lt|#0{0,4}60|#x0{0,4}3c);)"
_CLOSES = r"(?:[>\u02c3\u203a\u276f\u2771\u27e9\u3009\u300b]|&(?:gt|#0{0,4}62|#x0{0,4}3e);)"
_SLASH = r"[/\\\u2044\u2215]"
# What model families call their reasoning, and what opens a call of a tool.
_NAMES = ("think", "thinking", "thought", "thoughts", "reasoning", "reflection", "scratchpad", "analysis", "tool_call")
_IN_SQUARE = ("think", "thinking", "reasoning", "inst")
# A sign that is not whole yet: an opening character, and nothing behind it that no sign has.
_INSIDE = rf"[\w{_HIDDEN}/\\|\u2044\u2215\u2581#;&=\"'.:\-]"


def first_sign(text: str, tags: Tags) -> int | None:
    """Where the first sign begins: one of the tags or of the names that other model families give theirs, in any case,
    in compatibility characters, with gaps that are not seen, or written as character references; a chat template's
    marker; a derivation's opening (`[refuse:`). None where there is none. Takes time linear in the text's length."""
    if not _openers(tags.open, tags.close).search(text):
        return None
    found = _signs(tags.open, tags.close).search(compatible(text))
    return found.start() if found is not None else None


def open_tail(text: str, tags: Tags) -> int:
    """How many characters at the end of the text may be the beginning of a sign, up to `REACH`."""
    tail = text[-REACH:]
    if not _openers(tags.open, tags.close).search(tail):
        return 0
    found = _beginnings(tags.open, tags.close).search(compatible(tail))
    return len(tail) - found.start() if found is not None else 0


@lru_cache(maxsize=64)
def _signs(opening: str, closing: str) -> re.Pattern[str]:
    names = "|".join(map(_spread, sorted(_NAMES, key=len, reverse=True)))
    square = "|".join(map(_spread, sorted(_IN_SQUARE, key=len, reverse=True)))
    verdicts = "|".join(map(_spread, Verdict))
    rest = rf"(?:[\s:=\"'/\\]{_INSIDE}{{0,60}}?)?"
    alternatives = [
        *(_spread(compatible(tag)) for tag in (opening, closing)),
        rf"{_OPENS}{_GAP}(?:{_SLASH}{_GAP})?(?:{names}){_GAP}{rest}{_CLOSES}",
        rf"\[{_GAP}(?:{_SLASH}{_GAP})?(?:{square}){_GAP}\]",
        rf"\[{_GAP}(?:{verdicts}){_GAP}:",
        r"<\|[\w\u2581/ \-]{1,60}\|>",
        r"</?(?:start|end)_of_(?:turn|utterance)>",
    ]
    return re.compile("|".join(f"(?:{each})" for each in alternatives), re.IGNORECASE)


@lru_cache(maxsize=64)
def _beginnings(opening: str, closing: str) -> re.Pattern[str]:
    own = re.escape("".join(sorted(set(compatible(opening + closing)))))
    inside = f"(?:{_INSIDE}|[{own}])"
    return re.compile(rf"(?:{_openers(opening, closing).pattern}){inside}{{0,{REACH}}}\Z", re.IGNORECASE)


@lru_cache(maxsize=64)
def _openers(opening: str, closing: str) -> re.Pattern[str]:
    """A character that can begin a sign, its compatibility forms too."""
    firsts = "".join(sorted({compatible(tag)[0] for tag in (opening, closing)}))
    plain = re.escape(firsts) + r"<&\[\u02c2\u2039\u276e\u2770\u27e8\u3008\u300a"
    if set(firsts) <= set("<["):
        return re.compile(rf"[{plain}\u2329\ufe3d\ufe3f\ufe47\ufe64\uff06\ufe60\uff1c\uff3b]")
    return re.compile(rf"[{plain}]|[^\x00-\x7f]")  # which characters fall together with others is not listed here


def _spread(text: str) -> str:
    return _GAP.join(map(re.escape, text))
