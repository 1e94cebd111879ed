"""Deterministic detection of propositions in a response."""

from __future__ import annotations

from functools import cached_property, lru_cache

from safecot_dsl.artifact import Criteria, Detector
from safecot_dsl.criteria.conditions import complete
from safecot_dsl.criteria.patterns import PatternSet, compile_pattern
from safecot_dsl.criteria.text import fold, fold_quotes


def detect(criteria: Criteria, response: str) -> dict[str, bool | None]:
    """What the detectors find of every proposition, and what every `let` comes to with that.

    None stands for maybe: a proposition without detectors is a judge's to answer. A proposition with detectors is
    never None. Time is linear in the response for given criteria; no text makes it fail.
    """
    return complete(criteria, detect_propositions(criteria, response))


def detect_propositions(criteria: Criteria, response: str) -> dict[str, bool | None]:
    """What the detectors find, without the lets."""
    text = _Response(response)
    return {
        name: any(_finds(detector, text) for detector in proposition.detectors) if proposition.detectors else None
        for name, proposition in criteria.propositions.items()
    }


class DetectorSet:
    """The detectors of some criteria, prepared for many responses: finds what :func:`detect_propositions` finds."""

    def __init__(self, criteria: Criteria) -> None:
        patterns: dict[tuple[str, bool], int] = {}
        # Of each proposition the places of its patterns and its other detectors; None where it has neither.
        self._propositions: dict[str, tuple[frozenset[int], tuple[Detector, ...]] | None] = {}
        for name, proposition in criteria.propositions.items():
            places: set[int] = set()
            phrases: list[Detector] = []
            for detector in proposition.detectors:
                if detector.pattern is None:
                    phrases.append(detector)
                else:
                    places.add(patterns.setdefault((detector.pattern, detector.ignore_case), len(patterns)))
            asked = (frozenset(places), tuple(phrases)) if proposition.detectors else None
            self._propositions[name] = asked
        self._patterns = PatternSet(tuple(patterns))
        self._only_patterns = not any(asked[1] for asked in self._propositions.values() if asked is not None)

    def detect(self, response: str) -> dict[str, bool | None]:
        text = _Response(response)
        found = self._patterns.search(text.raw)
        if not found and self._only_patterns:
            return {name: None if asked is None else False for name, asked in self._propositions.items()}
        return {
            name: None
            if asked is None
            else not asked[0].isdisjoint(found) or any(_finds(phrases, text) for phrases in asked[1])
            for name, asked in self._propositions.items()
        }


def finds(detector: Detector, response: str) -> bool:
    """Whether a detector finds what it looks for.

    A phrase is found as a substring after NFKC, case folding and NFKC again, on both sides. A pattern is searched by
    RE2, unanchored, in the text as it is. Typographic quotes count as ASCII ones for both, in phrases and text.
    Raises :class:`PatternError` for a pattern that RE2 does not accept.
    """
    return _finds(detector, _Response(response))


class _Response:
    """A response in the two forms that detectors read, each made once."""

    def __init__(self, text: str) -> None:
        self.raw = fold_quotes(text)

    @cached_property
    def folded(self) -> str:
        return fold(self.raw)


def _finds(detector: Detector, response: _Response) -> bool:
    if detector.pattern is not None:
        return compile_pattern(detector.pattern, detector.ignore_case).search(response.raw) is not None
    return any(_folded(phrase) in response.folded for phrase in detector.phrases)


# A policy's phrases are few and its responses many.
_folded = lru_cache(maxsize=4096)(fold)
