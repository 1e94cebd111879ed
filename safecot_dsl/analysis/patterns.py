"""Texts in which a pattern is found: a sampler for the syntax of RE2.

It follows the structure of a pattern and leaves its letters to RE2 itself. What it gives is a guess that the caller
has to confirm: anchors and word boundaries are read as empty.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import re2

from safecot_dsl.engine.texts import compile_pattern

#: What a class or an escape is tried on, in this order.
ALPHABET = (
    string.ascii_lowercase + string.digits + " .,-_!?'/@#" + string.ascii_uppercase + string.printable + "éß€αя中"
)
SAMPLES = 24
MOST_NESTED = 60
LONGEST = 2000


@dataclass(frozen=True)
class _Letters:
    """One of these letters; of none, the empty text."""

    letters: str


@dataclass(frozen=True)
class _Row:
    items: tuple[_Node, ...]


@dataclass(frozen=True)
class _Choice:
    items: tuple[_Node, ...]


@dataclass(frozen=True)
class _Repeat:
    item: _Node
    least: int
    most: int


_Node = _Letters | _Row | _Choice | _Repeat


def samples(pattern: str) -> Iterator[str]:
    """Texts that are likely to have the pattern in them, the plainest first; none where it cannot be followed."""
    try:
        node = _PatternReader(pattern).read()
        yield _sample(node, None)
        random = Random(0)
        for _ in range(SAMPLES - 1):
            yield _sample(node, random)
    except _TooMuchError:
        return


class _TooMuchError(Exception):
    """Nested too deeply, or too long to be a witness."""


def _sample(node: _Node, random: Random | None, room: int = LONGEST) -> str:
    match node:
        case _Letters(letters=""):
            return ""
        case _Letters(letters=letters):
            # A space where one fits: words that a pattern joins by "anything" want a boundary.
            return (
                letters[0]
                if random is None
                else " "
                if " " in letters and random.random() < 0.5
                else random.choice(letters[:40])
            )
        case _Row(items=items):
            text = ""
            for item in items:
                text += _sample(item, random, room - len(text))
            return text
        case _Choice(items=items):
            return _sample(random.choice(items) if random else items[0], random, room)
        case _Repeat(item=item, least=least, most=most):
            times = random.randint(least, min(most, least + 2)) if random else least
            text = ""
            for _ in range(times):
                text += _sample(item, random, room - len(text))
                if len(text) > room:
                    raise _TooMuchError
            return text


class _PatternReader:
    """Reads a pattern that RE2 has accepted."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._depth = 0

    def read(self) -> _Node:
        self._depth += 1
        if self._depth > MOST_NESTED:
            raise _TooMuchError
        choices: list[_Node] = []
        row: list[_Node] = []
        while self._at < len(self._pattern) and self._pattern[self._at] != ")":
            if self._take("|"):
                choices.append(_Row(tuple(row)))
                row = []
            else:
                row.append(self._repeated(self._atom()))
        self._depth -= 1
        choices.append(_Row(tuple(row)))
        return _Choice(tuple(choices))

    def _take(self, text: str) -> bool:
        if not self._pattern.startswith(text, self._at):
            return False
        self._at += len(text)
        return True

    def _until(self, end: str) -> str:
        """What stands before `end`, which is passed; the rest of the pattern where it is missing."""
        found = self._pattern.find(end, self._at)
        stop = len(self._pattern) if found < 0 else found
        text = self._pattern[self._at : stop]
        self._at = stop + len(end)
        return text

    def _atom(self) -> _Node:
        start = self._at
        if self._take("("):
            return self._group()
        if self._take("["):
            self._class()
        elif self._take("\\Q"):
            return _Row(tuple(_Letters(letter) for letter in self._until("\\E")))
        elif self._take("\\"):
            self._escape()
        else:
            self._at += 1
            if self._pattern[start] in "^$":
                return _Letters("")
        return _letters(self._pattern[start : self._at])

    def _group(self) -> _Node:
        if self._take("?") and not self._take(":"):
            if self._take("P<") or self._take("<"):
                self._until(">")
            else:  # flags, for what follows or for the group
                while self._at < len(self._pattern) and self._pattern[self._at] not in ":)":
                    self._at += 1
                if self._take(")"):
                    return _Letters("")
                self._take(":")
        node = self.read()
        self._take(")")
        return node

    def _class(self) -> None:
        self._take("^")
        self._take("]")  # stands for itself at the start
        while self._at < len(self._pattern) and not self._take("]"):
            if self._take("[:"):
                self._until(":]")
            elif self._take("\\"):
                self._escape()
            else:
                self._at += 1

    def _escape(self) -> None:
        kind = self._pattern[self._at : self._at + 1]
        self._at += 1
        if kind in ("p", "P", "x"):
            if self._take("{"):
                self._until("}")
            else:
                self._at += 2 if kind == "x" else 1
        elif kind.isdigit():
            while self._at < len(self._pattern) and self._pattern[self._at] in string.octdigits:
                self._at += 1

    def _repeated(self, node: _Node) -> _Node:
        least, most = 1, 1
        if self._take("*"):
            least, most = 0, 2
        elif self._take("+"):
            least, most = 1, 3
        elif self._take("?"):
            least, most = 0, 1
        elif self._pattern.startswith("{", self._at):
            low, comma, high = self._pattern[self._at + 1 :].partition("}")[0].partition(",")
            if not low.isdigit() or not (high == "" or high.isdigit()):
                return node  # a brace that stands for itself
            self._until("}")
            least = int(low)
            most = int(high) if high else least + 2 * bool(comma)
        else:
            return node
        self._take("?")
        return _Repeat(node, least, most)


def _letters(piece: str) -> _Letters:
    """The letters that a piece of a pattern which reads one letter, or none, takes."""
    if len(piece) == 1 and piece != ".":
        return _Letters(piece)
    try:
        program = compile_pattern(piece, False)
    except re2.error:
        return _Letters("")
    candidates = dict.fromkeys(ALPHABET + piece)
    found = "".join(letter for letter in candidates if program.fullmatch(letter))
    if not found and piece.startswith(("\\x", "[\\x")):
        digits = piece.lstrip("[\\x{").split("}")[0].split("-")[0].rstrip("]")
        found = chr(int(digits, 16)) if digits and set(digits) <= set(string.hexdigits) else ""
    return _Letters(found)
