"""English as far as it takes to tell what a sentence says of a fact: words, their stems, clauses, and negation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from safecot_dsl.criteria import fold

#: Words that tell no value of a fact from another.
STOP = frozenset(
    """a an the this that these those it its itself they them their theirs he she his her him you your yours we our us
    i me my mine and or nor but so as if of in on at to from by with for about into onto over under out up down off than
    then is are was were be been being am do does did done doing has have had having can could will would shall should
    may might must not no how what which who whom whose where when why whether there here one ones some any each every
    all both such same other others else very just only also too own someone somebody something anyone anybody anything
    user users know knows known get gets getting thing things way s""".split()
)
#: Stems of words that tell of asking, in any sentence on a request.
ASKING = frozenset("ask request question queri want wonder seek prompt wish".split())
#: Stems of words that stand for what a request is about, and for nothing else.
WEAK = frozenset("person pictur imag photo show sai".split())
#: Words after which a clause says that something is not so.
NEGATORS = frozenset(
    """no not never none nor neither nobody nothing nowhere without missing lack lacks lacking absent except hardly
    rather instead excludes excluding rules""".split()
)
#: Words after which a clause says what could be so, and not what is.
HYPOTHETICAL = frozenset(
    "if unless would could might may should whether were suppose supposing otherwise perhaps maybe possibly".split()
)

#: How a clause, contractions written out, says that something is not known.
NOT_KNOWN = re.compile(
    r"\b(?:not known|unknown|not clear|unclear|uncertain|can not (?:tell|be told)|not sure|unsure)\b"
)

_CONTRACTIONS = (
    (re.compile(r"\bcannot\b"), "can not"),
    (re.compile(r"\bcan't\b"), "can not"),
    (re.compile(r"\bwon't\b"), "will not"),
    (re.compile(r"n't\b"), " not"),
    (re.compile(r"'(?:s|re|ve|ll|d|m)\b"), ""),
)
_QUOTED = re.compile(r'"[^"\n]*"')
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*%?(?!\w)|\w+(?:-\w+)*|[.;:,!?()]")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+|\s*;\s*|\s+[\u2013\u2014-]{1,2}\s+")
# A literal that is negated in a condition ends so in a clause of ours; it says nothing of the fact.
_AS_NEEDED = re.compile(r",? (?:not )?as needed\b")
# What begins with "not" and denies nothing.
_NO_NEGATION = re.compile(r"\bnot (?:only|just|merely)\b|\bno (?:doubt|matter|wonder)\b|\bnot (?=empty\b)")


@dataclass(frozen=True)
class Word:
    """A word or a sign: as it is written (folded), and its stem."""

    text: str
    stem: str


_IRREGULAR = {
    form: verb
    for verb, forms in {
        "break": "broke broken", "build": "built", "burn": "burnt", "buy": "bought", "choose": "chose chosen",
        "draw": "drew drawn", "drink": "drank drunk", "eat": "ate eaten", "find": "found", "give": "gave given",
        "hide": "hid hidden", "hold": "held", "keep": "kept", "lose": "lost", "make": "made", "say": "said",
        "see": "saw seen", "sell": "sold", "show": "shown", "shoot": "shot", "speak": "spoke spoken",
        "steal": "stole stolen", "take": "took taken", "teach": "taught", "tell": "told", "wear": "wore worn",
        "write": "wrote written",
    }.items()
    for form in forms.split()
}  # fmt: skip


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """The word without the endings of plurals and of verbs: crude, and the same for every form of most words."""
    word = _IRREGULAR.get(word, word)
    if len(word) <= 3 or not word.isalpha():
        return word
    if word.endswith("ies"):
        word = word[:-3] + "y"
    elif word.endswith(("sses", "xes", "ches", "shes", "zes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        root = word[: -len(ending)]
        if word.endswith(ending) and len(root) >= 3 and re.search("[aeiouy]", root):
            word = root[:-1] if root[-1] == root[-2] and root[-1] not in "lsz" else root
            break
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    return word[:-1] + "i" if len(word) > 3 and word.endswith("y") else word


def words(text: str) -> list[Word]:
    """The words and signs of a text, folded, contractions written out."""
    folded = fold(text)
    for pattern, plain in _CONTRACTIONS:
        folded = pattern.sub(plain, folded)
    return [Word(token, stem(token)) for token in _TOKEN.findall(folded)]


def content(text: str) -> tuple[str, ...]:
    """The stems of the words that carry meaning, in order, each once: of "a bottle of bleach", bottle and bleach."""
    empty = STOP | NEGATORS
    return tuple(dict.fromkeys(w.stem for w in words(text) if w.text[0].isalnum() and w.text not in empty))


def clauses(line: str) -> Iterator[tuple[list[Word], bool]]:
    """The line's sentences, taken apart where a semicolon or `but` turns to another thought; with each, whether it goes
    on from the one before.

    What stands in double quotes is left out: it is somebody's words, and states nothing.
    """
    plain = _NO_NEGATION.sub(" ", _AS_NEEDED.sub("", fold(_QUOTED.sub('""', fold(line)))))
    for sentence in _SENTENCE_END.split(plain):
        found = words(sentence)
        start = 0
        for place, word in enumerate(found):
            if word.text in ("but", "yet", "however", "though", "although") and place > start:
                yield found[start:place], start > 0
                start = place + 1
        if found[start:]:
            yield found[start:], start > 0


def sentences(line: str) -> list[str]:
    """The line's sentences, folded, as they are."""
    return [sentence for sentence in _SENTENCE_END.split(fold(line)) if sentence.strip()]


def quoted(line: str) -> list[str]:
    """What stands in double quotes, folded, without the quotes."""
    return [match.group()[1:-1].strip() for match in _QUOTED.finditer(fold(line))]


_ENDS = frozenset("; : ! ? . ( )".split())
_LINKING = frozenset("is are was were can do does".split())
_NEW_THOUGHT = frozenset("and while so which who whom it they i this the he she because since as".split())


def negated(clause: Sequence[Word], place: int, last: int | None = None) -> bool:
    """Whether the words from `place` to `last` (one where it is None) stand where the clause denies: after a negator,
    with no new thought in between, or before "is not"."""
    end = place if last is None else last
    for before in range(place - 1, -1, -1):
        word = clause[before].text
        if word in NEGATORS and (word not in ("rather", "instead") or _text(clause, before + 1) in ("than", "of")):
            return True
        if word in _ENDS or (word == "," and _text(clause, before + 1) in _NEW_THOUGHT):
            break
    after = _text(clause, end + 2)
    return _text(clause, end + 1) in _LINKING and after in ("not", "absent", "missing", "nowhere")


def hypothetical(clause: Sequence[Word], place: int) -> bool:
    """Whether the word at `place` stands where the clause supposes."""
    return any(
        word.text in HYPOTHETICAL or (word.text == "can" and _text(clause, at + 1) not in ("see", "be"))
        for at, word in enumerate(clause[:place])
    )


def _text(clause: Sequence[Word], place: int) -> str:
    return clause[place].text if 0 <= place < len(clause) else ""
