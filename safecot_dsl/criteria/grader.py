"""Grading many responses under one policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from safecot_dsl.artifact import CompiledPolicy, Criteria, Verdict
from safecot_dsl.criteria.conditions import complete, let_order
from safecot_dsl.criteria.detectors import DetectorSet
from safecot_dsl.criteria.grading import Grade, grade_values, languages_read, required_conditions, why_unread
from safecot_dsl.criteria.own import criteria_of
from safecot_dsl.criteria.text import spelled_out

#: How many responses and how many grades are remembered, and the longest response that is.
_REMEMBERED: Final = 4096
_LONGEST: Final = 4096


class Grader:
    """A policy's criteria prepared for many responses: gives what :func:`~safecot_dsl.criteria.grade` gives.

    A response that came before is not read again, and responses of which the detectors say the same share one grade,
    which is not to be changed. Memory is bounded.
    """

    def __init__(self, policy: CompiledPolicy | Criteria) -> None:
        self._policy = policy
        self._criteria = criteria_of(policy)
        self._detectors = DetectorSet(self._criteria)
        self._names = tuple(self._criteria.propositions)
        self._languages = lru_cache(maxsize=1)(lambda: languages_read(self._criteria))
        self._order = lru_cache(maxsize=1)(lambda: let_order(self._criteria))
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._read)
        self._grades = lru_cache(maxsize=_REMEMBERED)(self._grade)

    def grade(
        self,
        response: str,
        *,
        request: str = "",
        due: Verdict | None = None,
        rules: Sequence[str] = (),
        answers: Mapping[str, bool] | None = None,
    ) -> Grade:
        """Equal to `grade` of the policy with the same arguments, but that `answers` to propositions which do not exist
        are passed over."""
        response = spelled_out(response, request)
        found, unread = (self._remembered if len(response) <= _LONGEST else self._read)(response)
        if answers:
            found = tuple(answers.get(name, value) for name, value in zip(self._names, found, strict=True))
            unread = why_unread(self._criteria, response)
        return self._grades(found, unread, due, tuple(rules))

    def _read(self, response: str) -> tuple[tuple[bool | None, ...], str | None]:
        """What the detectors say of each proposition, and why there is nothing to judge, where there is not."""
        found = self._detectors.detect(response)
        return tuple(found.values()), why_unread(self._criteria, response, found, self._languages)

    def _grade(
        self, found: tuple[bool | None, ...], unread: str | None, due: Verdict | None, rules: tuple[str, ...]
    ) -> Grade:
        propositions: Mapping[str, bool | None] = dict(zip(self._names, found, strict=True))
        values = complete(self._criteria, propositions, self._order())
        required = required_conditions(self._policy, rules)
        return grade_values(self._criteria, values, unread=unread, due=due, required=required)
