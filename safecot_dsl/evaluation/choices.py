"""Which of several options an answer chooses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from safecot_dsl.evaluation.reference import normalise

_MARKS = re.compile(r"[*_`$]|\\(?:boxed|text|textbf)\b")
# An option in the question: `A. a cat`, `(B) a dog`, `C: a cup`, at the beginning of a line.
_OPTION = re.compile(r"^[ \t]*\(?([A-Za-z])[.):][ \t]*(\S.*?)[ \t]*$", re.MULTILINE)


def read_choice(answer: str, options: Sequence[str], prompt: str = "") -> str | None:
    """The letter of `options` that an answer chooses, or None where it chooses none, or several.

    The first of these that finds one decides: what an answer says of itself (`the answer is (B)`, `Answer: B`,
    `\\boxed{B}`; of several the last, as one who corrects himself is believed); the letter that it begins with (`B`,
    `(B)`, `B.`, `B: a dog`); the only letter that stands alone in it; the only option whose text, read from the lines
    of `prompt`, it repeats. An article is no letter: `A dog` chooses nothing by its first word.
    """
    letters = {option.strip().upper(): option for option in options}
    text = _MARKS.sub("", answer).strip()
    if not text or not letters:
        return None
    any_letter = "[" + "".join(re.escape(letter) for letter in letters) + "]"
    for found in (_stated(text, any_letter), _first(text, any_letter), _alone(text, any_letter)):
        if found:
            return letters[found.upper()]
    said = normalise(text)
    texts = {letter: normalise(option) for letter, option in _texts(prompt) if letter in letters}
    whole = [letter for letter, option in texts.items() if option == said]
    within = [letter for letter, option in texts.items() if option and _contains(said, option)]
    # `a dog` is within `a dog and a cat`: what is part of another option that was named does not count.
    longest = [a for a in within if not any(a != b and _contains(texts[b], texts[a]) for b in within)]
    for chosen in (whole, longest):
        if len(chosen) == 1:
            return letters[chosen[0]]
    return None


def _stated(text: str, letter: str) -> str | None:
    """The last letter that the answer calls its answer."""
    says = (
        rf"(?:answer|option|choice)(?:\s+(?:is|would be|must be|should be))?\s*[:=]?\s*[({{\[\"']*({letter})(?![\w'’])"
    )
    of_it = rf"(?<![\w'’])[({{\[\"']*({letter})[)}}\]\"']*\s+is\s+(?:the\s+)?(?:right|correct|answer|best)"
    braced = rf"\{{\s*({letter})\s*\}}"
    found = [
        (match.start(1), match[1])
        for pattern in (says, of_it)
        for match in re.finditer(pattern, text, re.IGNORECASE)
        if not _article(text, match)
    ]
    found += [(match.start(1), match[1]) for match in re.finditer(braced, text)]
    return max(found)[1] if found else None


def _article(text: str, match: re.Match[str]) -> bool:
    """Whether what looks like a letter is a word of the sentence: `the answer is a dog`."""
    after = text[match.end(1) :]
    return match[1].upper() in "AI" and bool(re.match(r"\s+[a-z]", after)) and not re.match(r"\s+is\b", after)


def _first(text: str, letter: str) -> str | None:
    """The letter that the answer begins with, where it is set off from what follows, or is all there is."""
    match = re.match(rf"[(\[\"']*({letter})(?:[)\]\"']+|[.:,;]|\s*$|\s*\n)", text, re.IGNORECASE)
    return match[1] if match else None


def _alone(text: str, letter: str) -> str | None:
    """The only capital letter that stands alone in the answer, and is no article or pronoun."""
    denied = {match[1] for match in re.finditer(rf"(?:\bnot|n['’]t|\bnor)\s+[(\[]?({letter})(?![\w'’])", text)}
    bracketed = {match[1] for match in re.finditer(rf"[(\[]({letter})[)\]]", text)}
    alone = {
        match[1]
        for match in re.finditer(rf"(?<![\w'’])({letter})(?![\w'’])", text)
        if match[1] not in "AI" or not re.match(rf"\s+(?!(?:and|or)\s+{letter}(?!\w))\w", text[match.end() :])
    }
    chosen = (bracketed or alone) - denied
    return chosen.pop() if len(chosen) == 1 else None


def _texts(prompt: str) -> Iterable[tuple[str, str]]:
    return ((match[1].upper(), match[2]) for match in _OPTION.finditer(prompt))


def _contains(text: str, part: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(part)}(?!\w)", text) is not None
