"""Patterns that an adapter brings with it: PEFT matches them on every module's name by Python's backtracking matcher,
which can take for ever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LONGEST = 200_000  # characters: our own adapters of a vision tower name each of its layers
#: Repetitions one after the other: a name of 100 characters is then matched in some 100 ** 3 / 6 steps at most.
_REPEATS = 3
#: Where an adapter's configuration may hold patterns.
_VALUES = ("target_modules", "exclude_modules", "layers_pattern")
_KEYS = ("rank_pattern", "alpha_pattern")


def adapter_pattern_problem(settings: Mapping[str, Any]) -> str | None:
    """Which pattern of an adapter's configuration is not matched, and why; None where all can be."""
    patterns = [(name, settings.get(name)) for name in _VALUES]
    patterns += [(name, list(value)) for name in _KEYS if isinstance(value := settings.get(name), Mapping)]
    for name, value in patterns:
        # A list of `target_modules` holds names and no patterns.
        listed = value if isinstance(value, list) and name != "target_modules" else [value]
        for pattern in listed:
            if isinstance(pattern, str) and (problem := pattern_problem(pattern)) is not None:
                return f"`{name}` is the pattern {pattern[:80]!r}, which {problem}"
    return None


def pattern_problem(pattern: str) -> str | None:
    """Why a pattern may take more than a moment on a name, or None."""
    if len(pattern) > _LONGEST:
        return f"has {len(pattern):,} characters, above the limit of {_LONGEST:,}"
    try:
        repeats, _ = _Scanner(pattern).alternatives(0)
    except ValueError as error:
        return str(error)
    except RecursionError:
        return "is nested too deeply"
    return f"repeats {repeats} parts one after the other, above the limit of {_REPEATS}" if repeats > _REPEATS else None


class _Scanner:
    """Reads a pattern as far as its repetitions go."""

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0

    def alternatives(self, depth: int) -> tuple[int, bool]:
        """The most repetitions that stand one after the other, and whether there is a choice between alternatives."""
        most, current, choice = 0, 0, False
        while self._at < len(self._text):
            char = self._text[self._at]
            self._at += 1
            repeats, inner_choice = 0, False
            match char:
                case "|":
                    most, current, choice = max(most, current), 0, True
                    continue
                case ")":
                    if not depth:
                        raise ValueError("closes a group that is not open")
                    return max(most, current), choice
                case "(":
                    self._group()
                    repeats, inner_choice = self.alternatives(depth + 1)
                case "\\":
                    if self._text[self._at : self._at + 1].isdigit():
                        raise ValueError("looks back at what a group found")
                    self._at += 1
                case "[":
                    self._class()
                case _:
                    pass
            if self._quantified():
                if repeats or inner_choice:
                    raise ValueError("repeats what repeats or chooses itself, and may never end")
                repeats = 1
            current += repeats
        if depth:
            raise ValueError("leaves a group open")
        return max(most, current), choice

    def _group(self) -> None:
        if self._text.startswith("?:", self._at):
            self._at += 2
        elif self._text.startswith("?", self._at):
            raise ValueError("has a group that is more than a group (`(?:` is allowed)")

    def _class(self) -> None:
        self._at += self._text.startswith("^", self._at)
        self._at += self._text.startswith("]", self._at)
        while self._at < len(self._text) and self._text[self._at] != "]":
            self._at += 2 if self._text[self._at] == "\\" else 1
        self._at += 1

    def _quantified(self) -> bool:
        """Pass over a quantifier, and the `?` or `+` that makes it lazy or possessive."""
        rest = self._text[self._at : self._at + 1]
        if rest in ("*", "+", "?"):
            self._at += 1
        elif rest == "{" and self._text[self._at + 1 : self._at + 2] in tuple("0123456789,"):
            self._at = self._text.find("}", self._at) + 1 or len(self._text)
        else:
            return False
        self._at += self._text[self._at : self._at + 1] in ("?", "+")
        return True
