"""RE2 patterns over a text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from safecot_dsl.artifact import CompiledPolicy, FlagType, OneOfType, SetType, Value
from safecot_dsl.engine import show_value
from safecot_dsl.facts.annotators.finding import (
    CannotTell,
    Finding,
    Found,
    NotTold,
    declared_as,
    doubt,
    value_of,
    value_of_label,
)
from safecot_dsl.facts.annotators.report import Effort
from safecot_dsl.facts.annotators.settings import Pattern
from safecot_dsl.facts.annotators.texts import check_reads, text_of
from safecot_dsl.facts.item import FactsError, Item

_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_SHOWN = 60


class PatternFiller:
    """Fills one fact by the patterns that its text has. See :class:`safecot_dsl.facts.annotators.settings.Pattern`."""

    name = "pattern"

    def __init__(self, settings: Pattern, policy: CompiledPolicy) -> None:
        where = f"the pattern annotator of `{settings.fact}`"
        fact = declared_as(policy, settings.fact, where, FlagType, OneOfType, SetType)
        check_reads(policy, settings.reads, where)
        self.facts = (settings.fact,)
        self.overwrite = settings.overwrite
        self.effort = Effort()
        self._settings = settings
        self._is_set = isinstance(fact.type, SetType)
        self._otherwise = None if settings.otherwise is None else value_of(fact, settings.otherwise, where)
        self._patterns = [
            (value_of_label(fact, label, where), [_compiled(text, settings.ignore_case, where) for text in texts])
            for label, texts in settings.patterns.items()
        ]

    def find(self, items: Sequence[Item]) -> list[Mapping[str, Finding]]:
        """One finding an item; equal texts are searched once."""
        found: dict[str, Finding] = {}
        findings: list[Mapping[str, Finding]] = []
        for item in items:
            text = text_of(item, self._settings.reads)
            if isinstance(text, CannotTell | NotTold):
                findings.append({self.facts[0]: text})
                continue
            if text not in found:
                found[text] = self._search(text)
            findings.append({self.facts[0]: found[text]})
        return findings

    def _search(self, text: str) -> Finding:
        searched = _SURROGATE.sub("\ufffd", text)  # has no UTF-8 form, which RE2 reads
        hits: dict[Value, str] = {}
        for value, patterns in self._patterns:
            match = next((match for match in (pattern.search(searched) for pattern in patterns) if match), None)
            if match is not None:
                hits[value] = _shown(match.group())
        if not hits:
            if self._otherwise is None:
                return doubt(self._settings.unsure, "no pattern is found")
            return Found(self._otherwise, None, "no pattern is found")
        if self._is_set:
            members = frozenset[str]().union(*(value for value in hits if isinstance(value, frozenset)))
            return Found(members, None, ", ".join(hits.values()))
        if len(hits) > 1 and self._settings.several == "unknown":
            seen = "; ".join(f"{show_value(value)} by {text}" for value, text in hits.items())
            return doubt(self._settings.unsure, "patterns of several values are found", seen)
        value, detail = next(iter(hits.items()))
        return Found(value, None, detail)


def _compiled(pattern: str, ignore_case: bool, where: str) -> Any:  # RE2 publishes no type for a compiled pattern
    import re2

    options = re2.Options()
    options.log_errors = False  # it would write to standard error besides
    options.case_sensitive = not ignore_case
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0].decode() if isinstance(error.args[0], bytes) else error
        raise FactsError(f"{where}: {pattern!r} is no RE2 pattern: {said}") from None


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= _MAX_SHOWN else line[: _MAX_SHOWN - 3] + "...")
