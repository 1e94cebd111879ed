"""Multiple-choice questions: a question with its options becomes one text, and the right answer is a letter."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from typing import Any

from safecot_dsl.evaluation.suites.description import Choice
from safecot_dsl.facts.tables.record import Broken, column

_LETTERS = string.ascii_uppercase


def as_choice(choice: Choice, columns: Mapping[str, Any], question: str) -> tuple[str, tuple[str, ...], str] | Broken:
    """The request, the letters of its options, and the right one; :class:`Broken` where the row gives none.

    The letters are those of the columns, of the keys of an object, or of the places in a list. An option without a
    text is none, and the others keep their letters.
    """
    options = _options(choice, columns)
    if len(options) < 2:
        return Broken("malformed", f"there are {len(options)} options in `{_named(choice)}`, and a choice needs two")
    right = _right(column(columns, choice.answer), options)
    if right is None:
        letters = ", ".join(options)
        return Broken("malformed", f"`{choice.answer}` is {column(columns, choice.answer)!r}, none of {letters}")
    hint = column(columns, choice.hint) if choice.hint else None
    lines = [
        *([hint.strip()] if isinstance(hint, str) and _said(hint) else []),
        question.strip(),
        *(f"{letter}. {text}" for letter, text in options.items()),
        *([choice.ask] if choice.ask else []),
    ]
    return "\n".join(lines), tuple(options), right


def _options(choice: Choice, columns: Mapping[str, Any]) -> dict[str, str]:
    if not isinstance(choice.options, str):
        given = {_letter(name, place): column(columns, name) for place, name in enumerate(choice.options)}
    else:
        value = column(columns, choice.options)
        if isinstance(value, Mapping):
            given = {_letter(str(name), place): text for place, (name, text) in enumerate(value.items())}
        else:
            listed: Sequence[Any] = value if isinstance(value, list) else []
            given = dict(zip(_LETTERS, listed, strict=False))
    return {
        letter: str(text).strip()
        for letter, text in given.items()
        if isinstance(text, str | int | float) and _said(str(text))
    }


def _said(text: str) -> bool:
    """Whether a cell holds a text: pandas writes `nan` for none."""
    return bool(text.strip()) and text.strip() != "nan"


def _letter(name: str, place: int) -> str:
    """The name of an option, where it is a letter; else the letter of its place."""
    return name.upper() if len(name) == 1 and name.upper() in _LETTERS else _LETTERS[place % len(_LETTERS)]


def _right(answer: Any, options: Mapping[str, str]) -> str | None:
    """The letter of the right option: a letter itself, or the number of a place from 0."""
    if isinstance(answer, int) and not isinstance(answer, bool):
        letter = _LETTERS[answer] if 0 <= answer < len(_LETTERS) else ""
    else:
        letter = str(answer).strip().strip("().").upper() if isinstance(answer, str) else ""
    return letter if letter in options else None


def _named(choice: Choice) -> str:
    return choice.options if isinstance(choice.options, str) else "`, `".join(choice.options)
