"""A text of which given text atoms hold, and others do not."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from safecot_dsl.analysis.patterns import samples
from safecot_dsl.artifact import FactAtom
from safecot_dsl.engine import Truth, evaluate

MOST_CANDIDATES = 1000
#: So many phrases and patterns are tried in every order.
MOST_REORDERED = 4


def find_text(wanted: Mapping[FactAtom, bool], phrases: Sequence[str], patterns: Sequence[str]) -> str | None:
    """A short text of which every atom says what is wanted of it, confirmed by the engine; None where none was found.

    `phrases` are phrases that the text is to contain, as they are after folding, and `patterns` what is to be found in
    it.
    """
    for candidate in itertools.islice(_candidates(phrases, patterns), MOST_CANDIDATES):
        if all(evaluate(atom, {atom.fact: candidate}) is Truth.of(holds) for atom, holds in wanted.items()):
            return candidate
    return None


def _candidates(phrases: Sequence[str], patterns: Sequence[str]) -> Iterator[str]:
    yield ""
    longest = [p for p in phrases if not any(p != other and p in other for other in phrases)]
    # What one pattern is found in may be what another is found in, and a phrase of it may be wanted or not.
    found = [list(dict.fromkeys(samples(pattern))) for pattern in patterns]
    for chosen in itertools.islice(_choices(found), 40):
        parts = list(dict.fromkeys([*longest, *chosen]))
        orders = itertools.permutations(parts) if len(parts) <= MOST_REORDERED else [parts, parts[::-1]]
        for order, separator in itertools.product(orders, (" ", "", ", ", "\n")):
            text = separator.join(order)
            # `contains` folds what `matches` tells apart: case, and letters of full width.
            yield from dict.fromkeys((text, text.upper(), text.title(), _full_width(text)))


def _choices(found: list[list[str]]) -> Iterator[tuple[str, ...]]:
    """One sample of each pattern: the first of each, then one after another."""
    for index in range(max(map(len, found), default=1)):
        yield tuple(options[min(index, len(options) - 1)] for options in found if options)


def _full_width(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)
