"""What phrases and patterns find in a column of texts: each distinct text is looked at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from safecot_dsl.artifact import CompiledPolicy, fact_atoms
from safecot_dsl.engine.meaning import primitives
from safecot_dsl.engine.operators import meaning
from safecot_dsl.engine.texts import compile_pattern, normalise

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

_KEPT = 1 << 24  # characters of texts whose finds are kept from block to block
_FEW = 3  # patterns


class Texts:
    """The phrases and patterns that a policy looks for in one fact. Several threads may ask at once."""

    def __init__(self, tests: list[tuple[str, Any]]) -> None:
        """`tests` are (`contains`, phrases) and (`matches`, (pattern, ignore case))."""
        self._tests = tests
        self._phrases = [
            (1 << place, [*map(normalise, operand)])
            for place, (test, operand) in enumerate(tests)
            if test == "contains"
        ]
        self._patterns = [
            (1 << place, compile_pattern(*operand)) for place, (test, operand) in enumerate(tests) if test == "matches"
        ]
        self._any_pattern = _any_of([operand for test, operand in tests if test == "matches"])
        self._kept: dict[str, int] = {}
        self._characters = 0

    def found(self, series: pl.Series) -> Mapping[tuple[str, Any], NDArray[np.bool_]]:
        """For each test which texts of the series pass it; none that is null does."""
        import numpy as np
        import polars as pl
        import pyarrow as pa

        encoded: Any = pa.array(series.to_arrow(compat_level=pl.CompatLevel.oldest())).dictionary_encode()
        places = np.asarray(encoded.indices.fill_null(len(encoded.dictionary)))
        finds = np.zeros((len(self._tests), len(encoded.dictionary) + 1), dtype=bool)
        for place, text in enumerate(encoded.dictionary.to_pylist()):
            found = self._find(text)
            for test in range(len(self._tests)) if found else ():
                finds[test, place] = found >> test & 1
        return {test: find.take(places) for test, find in zip(self._tests, finds, strict=True)}

    def passes(self, text: str, test: tuple[str, Any]) -> bool:
        return bool(self._find(text) >> self._tests.index(test) & 1)

    def _find(self, text: str) -> int:
        """A bit for each test that the text passes."""
        found = self._kept.get(text)
        if found is None:
            found = self._look(text)
            if self._characters > _KEPT:
                self._kept, self._characters = {}, 0
            if len(text) < _KEPT:
                self._kept[text] = found
                self._characters += len(text)
        return found

    def _look(self, text: str) -> int:
        found = 0
        if self._phrases:
            normal = normalise(text)
            for bit, phrases in self._phrases:
                if any(phrase in normal for phrase in phrases):
                    found |= bit
        if self._patterns:
            encoded = text.encode()  # RE2's wrapper would encode it for each pattern, and translate places back
            if self._any_pattern is None or self._any_pattern.search(encoded) is not None:
                for bit, pattern in self._patterns:
                    if pattern.search(encoded) is not None:
                        found |= bit
        return found


def _any_of(patterns: list[tuple[str, bool]]) -> Any:
    """A pattern that is found where any of several is: most texts have none, and are looked through once for all.

    None where there are too few to gain from it, or RE2 takes them singly alone (too large, or a name in two of them).
    """
    # A quotation (`\Q`) need not end within its pattern: the next would be part of it.
    if len(patterns) < _FEW or any(r"\Q" in pattern for pattern, _ in patterns):
        return None
    import re2

    parts = [f"(?i:{pattern})" if ignore_case else f"(?:{pattern})" for pattern, ignore_case in patterns]
    try:
        return compile_pattern("|".join(parts), False)
    except re2.error:
        return None


def texts_of(policy: CompiledPolicy) -> dict[str, Texts]:
    """What is looked for in each text fact."""
    return {name: Texts(list(wanted)) for name, wanted in _sought(policy).items()}


def _sought(policy: CompiledPolicy) -> dict[str, dict[tuple[str, Any], None]]:
    """The tests of each text fact, as :class:`Texts` takes them."""
    found: dict[str, dict[tuple[str, Any], None]] = {fact.name: {} for fact in policy.facts if fact.type.kind == "text"}
    for rule in policy.rules:
        for atom in fact_atoms(rule.when, rule.unless):
            if atom.fact in found:
                for test in primitives(meaning(atom, policy.fact_index[atom.fact])):
                    found[atom.fact][test.kind, test.operand] = None
    return found


def telling_replacements(policy: CompiledPolicy) -> frozenset[str]:
    """The text facts of which a phrase holds U+FFFD. Only such a phrase can tell it from the lone surrogate that it
    stands for in a column."""
    return frozenset(
        fact
        for fact, wanted in _sought(policy).items()
        for test, phrases in wanted
        if test == "contains" and any("\ufffd" in phrase for phrase in phrases)
    )
