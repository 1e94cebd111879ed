"""The patterns of detectors, searched for by RE2: one by one, or many at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import re2

from safecot_dsl.criteria.text import fold_quotes

#: One automaton for all patterns has a state for every combination of what each has seen so far, and never stops
#: making new ones; many automata read the text as many times. Measured on VLGuard's answers with the 68 standard
#: patterns, after 1,000 of them: 440 µs an answer with one automaton of 16 MB, 45 with four, 38 with eight, 700 with
#: one search a pattern.
_PATTERNS_PER_SET: Final = 12
_SET_BYTES: Final = 16 << 20


class PatternError(ValueError):
    """RE2 does not accept a detector's pattern."""


@lru_cache(maxsize=512)
def compile_pattern(pattern: str, ignore_case: bool = False) -> Any:
    """The pattern as a compiled RE2 program, which searches in linear time."""
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not ignore_case
    try:
        return re2.compile(fold_quotes(pattern), options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise PatternError(f"RE2 does not accept the pattern /{pattern}/: {text}") from error


class PatternSet:
    """RE2 patterns prepared for many texts: says which of them a text has, as one search for each would.

    `patterns` are pairs of a pattern and whether it ignores case. Raises
    :class:`~safecot_dsl.criteria.PatternError` for one that RE2 does not accept.
    """

    def __init__(self, patterns: Sequence[tuple[str, bool]]) -> None:
        for pattern, ignore_case in patterns:
            compile_pattern(pattern, ignore_case)
        self._groups: list[_Group] = []
        for ignore_case in (False, True):
            alike = [(place, pattern) for place, (pattern, ignores) in enumerate(patterns) if ignores is ignore_case]
            count = -(-len(alike) // _PATTERNS_PER_SET)
            # Neighbours in a policy look for the same words: dealt out, each set holds fewer combinations of them.
            self._groups += [_Group(alike[first::count], ignore_case) for first in range(count)]

    def search(self, text: str) -> set[int]:
        """The places (in `patterns`) of those that are found somewhere in `text`, which is read as it is."""
        return {place for group in self._groups for place in group.search(text)}


class _Group:
    """Patterns alike in case, as one automaton; one by one where that takes more memory than it may."""

    def __init__(self, patterns: Sequence[tuple[int, str]], ignore_case: bool) -> None:
        self._patterns = patterns
        self._ignore_case = ignore_case
        self._set: Any = None  # RE2 publishes no types
        options = re2.Options()
        options.log_errors = False
        options.case_sensitive = not ignore_case
        options.max_mem = _SET_BYTES
        together = re2.Set.SearchSet(options)
        for _, pattern in patterns:
            together.Add(fold_quotes(pattern))
        # A set that runs out of memory finds nothing, and does not say so: the empty pattern is found in every text.
        together.Add("")
        try:
            together.Compile()
        except re2.error:
            return
        self._set = together

    def search(self, text: str) -> list[int]:
        patterns = self._patterns
        if self._set is not None:
            found: list[int] = self._set.Match(text)
            if len(patterns) in found:
                return [patterns[index][0] for index in found if index < len(patterns)]
        return [place for place, pattern in patterns if compile_pattern(pattern, self._ignore_case).search(text)]
