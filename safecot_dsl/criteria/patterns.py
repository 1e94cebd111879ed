"""The patterns of detectors, searched for by RE2: one by one, or many at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

import re2

from safecot_dsl.criteria.text import fold_quotes

#: Stands in no text that anybody wrote, since it is no character.
_MARK: Final = "\U0010fffe"


class PatternError(ValueError):
    """RE2 does not accept a detector's pattern."""


@lru_cache(maxsize=512)
def compile_pattern(pattern: str, ignore_case: bool = False) -> Any:
    """The pattern as a compiled RE2 program, which searches in linear time.

    Raises:
        PatternError: RE2 does not accept it.
    """
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
        self._patterns = tuple(patterns)
        # Words that a pattern cannot do without are looked for first, those of all patterns in one automaton; a pattern
        # is searched where all of its own are there. Measured on VLGuard's answers with the 68 standard patterns: 18 µs
        # an answer, 700 with one search a pattern, 440 with one automaton of whole patterns, 38 with eight of them.
        self._filters = list(_filters(list(range(len(self._patterns))), self._patterns))

    def search(self, text: str) -> set[int]:
        """The places (in `patterns`) of those that are found somewhere in `text`, which is read as it is."""
        found: set[int] = set()
        for places, together in self._filters:
            if together is None:
                found |= {place for place in places if compile_pattern(*self._patterns[place]).search(text)}
            else:
                found |= {places[at] for at in together.Match(text) or () if at < len(places)}
        return found


def _filters(places: list[int], patterns: Sequence[tuple[str, bool]]) -> Iterator[tuple[list[int], Any]]:
    """Filters of as many patterns at once as fit into the memory that an automaton may take; None for a single one
    that does not."""
    if not places:
        return
    together = _filter(tuple(patterns[place] for place in places))
    if together is not None or len(places) == 1:
        yield places, together
        return
    half = len(places) // 2
    yield from _filters(places[:half], patterns)
    yield from _filters(places[half:], patterns)


# Policies with the same criteria, mostly the standard ones, share it: it takes some 80 ms to make.
@lru_cache(maxsize=16)
def _filter(patterns: tuple[tuple[str, bool], ...]) -> Any:  # RE2 publishes no types
    """The patterns as RE2's filter, which nothing changes; None where it takes more memory than it may."""
    together = re2.Filter()
    for pattern, ignore_case in (*patterns, (_MARK, False)):
        options = re2.Options()
        options.log_errors = False
        options.case_sensitive = not ignore_case
        try:
            together.Add(fold_quotes(pattern), options)
        except re2.error:
            compile_pattern(pattern, ignore_case)  # says why it is not accepted
            raise
    try:
        together.Compile()
    except re2.error:
        return None
    # An automaton that has no memory left finds nothing, and does not say so.
    return together if len(patterns) in (together.Match(_MARK) or ()) else None
