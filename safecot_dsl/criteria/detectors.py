"""Deterministic detection of propositions in a response."""

from __future__ import annotations

from functools import cached_property, lru_cache

from safecot_dsl.artifact import Criteria, Detector, Proposition
from safecot_dsl.criteria.conditions import complete
from safecot_dsl.criteria.languages import LATIN, language_of, scripts_of
from safecot_dsl.criteria.patterns import PatternSet, compile_pattern
from safecot_dsl.criteria.text import end_lines, fold, fold_quotes, mend


def detect(criteria: Criteria, response: str) -> dict[str, bool | None]:
    """What the detectors find of every proposition, and what every `let` comes to with that.

    None stands for maybe: a proposition without detectors is a judge's to answer, and so is one whose detectors find
    nothing in a language that they do not know (:func:`languages_known`). Time is linear in the response for given
    criteria; no text makes it fail.
    """
    return complete(criteria, detect_propositions(criteria, response))


def detect_propositions(criteria: Criteria, response: str) -> dict[str, bool | None]:
    """What the detectors find, without the lets."""
    text = _Response(response)
    return {
        name: any(_finds(detector, text) for detector in proposition.detectors)
        or _not_found(languages_known(proposition), text.language)
        if proposition.detectors
        else None
        for name, proposition in criteria.propositions.items()
    }


def languages_known(proposition: Proposition) -> frozenset[str]:
    """The languages in which it says something that a proposition's detectors find nothing, by code.

    They are those of its `yes` examples and of its phrases, and what its patterns write in another script than Latin.
    Where no example or phrase tells a language, the author is taken at their word for every language in Latin script.
    """
    return _languages(proposition.yes, proposition.detectors)


@lru_cache(maxsize=1024)
def _languages(yes: tuple[str, ...], detectors: tuple[Detector, ...]) -> frozenset[str]:
    phrases = (phrase for detector in detectors for phrase in detector.phrases)
    told = frozenset(language for text in (*yes, *phrases) if (language := language_of(text)) is not None)
    written = (scripts_of(detector.pattern or "") for detector in detectors)
    return (told or LATIN).union(*written)


def _not_found(known: frozenset[str], language: str | None) -> bool | None:
    """What it says that detectors which know some languages find nothing in a text of one."""
    return False if language is None or language in known else None


class DetectorSet:
    """The detectors of some criteria, prepared for many responses: finds what :func:`detect_propositions` finds."""

    def __init__(self, criteria: Criteria) -> None:
        # The propositions that a pattern speaks for, by the pattern, which several may share.
        patterns: dict[tuple[str, bool], list[str]] = {}
        self._phrases: list[tuple[str, Detector]] = []
        for name, proposition in criteria.propositions.items():
            for detector in proposition.detectors:
                if detector.pattern is None:
                    self._phrases.append((name, detector))
                else:
                    patterns.setdefault((detector.pattern, detector.ignore_case), []).append(name)
        self._patterns = PatternSet(tuple(patterns))
        self._names = list(patterns.values())
        self._propositions = criteria.propositions
        # Languages are few, and detectors find little: that they find nothing is worked out once a language.
        self._nothing = lru_cache(maxsize=64)(self._nothing_in)

    def detect(self, response: str) -> dict[str, bool | None]:
        text = _Response(response)
        answers = self._nothing(text.language).copy()
        for form in text.forms:
            for place in self._patterns.search(form):
                answers.update(dict.fromkeys(self._names[place], True))
        for name, detector in self._phrases:
            if not answers[name] and _finds(detector, text):
                answers[name] = True
        return answers

    def _nothing_in(self, language: str | None) -> dict[str, bool | None]:
        """What every proposition comes to where nothing is found in a text of this language."""
        return {
            name: _not_found(languages_known(proposition), language) if proposition.detectors else None
            for name, proposition in self._propositions.items()
        }


def finds(detector: Detector, response: str) -> bool:
    """Whether a detector finds what it looks for.

    A phrase is found as a substring after NFKC, case folding and NFKC again, on both sides. A pattern is searched by
    RE2, unanchored, in the text with lines that break off ended, and once more with careless spellings mended where it
    has any. Typographic quotes count as ASCII ones for both, in phrases and text.
    Raises :class:`PatternError` for a pattern that RE2 does not accept.
    """
    return _finds(detector, _Response(response))


class _Response:
    """A response in the forms that detectors read, each made once."""

    def __init__(self, text: str) -> None:
        self.raw = fold_quotes(text)

    @cached_property
    def forms(self) -> tuple[str, ...]:
        """What patterns are searched in: the text, its lines ended, and the same as it is meant where it is written
        carelessly."""
        ended = end_lines(self.raw)
        mended = mend(ended)
        return (ended,) if mended == ended else (ended, mended)

    @cached_property
    def language(self) -> str | None:
        return language_of(self.raw)

    @cached_property
    def folded(self) -> str:
        return fold(self.raw)


def _finds(detector: Detector, response: _Response) -> bool:
    if detector.pattern is not None:
        pattern = compile_pattern(detector.pattern, detector.ignore_case)
        return any(pattern.search(form) is not None for form in response.forms)
    return any(_folded(phrase) in response.folded for phrase in detector.phrases)


# A policy's phrases are few and its responses many.
_folded = lru_cache(maxsize=4096)(fold)
