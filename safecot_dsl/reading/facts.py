"""Statements read back: which fact a sentence is about, and which value it states.

The inverse of :meth:`safecot_dsl.render.sentences.Sentences.stated` and `untold`: what these write is read as what it
was written from, and nothing else is read at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import re2

from safecot_dsl.artifact import (
    Case,
    CompiledPolicy,
    Fact,
    FlagType,
    NumberType,
    OneOfType,
    SetType,
    Template,
    Text,
    TextType,
    Value,
)
from safecot_dsl.render import neutralise
from safecot_dsl.render.bounded import MOST, is_short
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.english import capitalised
from safecot_dsl.render.phrasing import phrase
from safecot_dsl.render.sentences import Sentences
from safecot_dsl.render.style import Tags

_SENTENCE_END = re.compile(r"[.!?][\"')\]]*(?:\s+|$)")
_BEGINNING = 16  # characters by which sentences are told apart, where all are as long
_MARK = "\ue000"  # a character that no text has


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of a text. `fact` is what it is about, None where it states no fact; `value` is what it states, None
    where it says that nobody can tell."""

    text: str
    fact: str | None = None
    value: Value | None = None


@dataclass
class Claims:
    """What a text states of a case. `conflicts` are the facts of which it states two things that cannot both be so;
    `count` is the number of statements. Of two nodes of a taxonomy, one below the other, the lower is stated; and who
    names a node that others stand below may say besides that nobody can tell which."""

    known: dict[str, Value] = field(default_factory=dict[str, Value])
    cannot_tell: set[str] = field(default_factory=set[str])
    conflicts: set[str] = field(default_factory=set[str])
    count: int = 0

    def add(self, statement: Statement, fact: Fact | None) -> None:
        """`fact` is what the statement is about, None where it states nothing."""
        name, value = statement.fact, statement.value
        if name is None or fact is None:
            return
        self.count += 1
        if value is None:
            self.cannot_tell.add(name)
        elif includes(fact, self.known.setdefault(name, value), value):
            self.known[name] = value
        elif not includes(fact, value, self.known[name]):
            self.conflicts.add(name)
        if name in self.cannot_tell and name in self.known and not fact.is_coarse(self.known[name]):
            self.conflicts.add(name)

    def case(self) -> Case:
        """The case that is stated, without what is in conflict."""
        known = {name: value for name, value in self.known.items() if name not in self.conflicts}
        return Case(known, frozenset(self.cannot_tell - self.conflicts - known.keys()))


def includes(fact: Fact, value: Value, other: Value) -> bool:
    """Whether what is so where the fact has the `other` value is so where it has `value`: they are one, or `value` is a
    node of a taxonomy above it."""
    if value == other:
        return True
    return isinstance(fact.type, OneOfType) and isinstance(other, str) and value in fact.type.above(other)


class FactReader:
    """Reads statements on the facts of one policy; prepared once."""

    def __init__(self, policy: CompiledPolicy, tags: Tags | None = None) -> None:
        self.policy = policy
        self._sentences = Sentences(policy)
        self._tags = tags or Tags()
        #: Sentences of which there are only so many: all but those on sets and texts.
        self._closed: dict[str, tuple[str, Value | None]] = {}
        #: Pairs of facts and values that one sentence states.
        self.ambiguous: dict[str, list[tuple[str, Value | None]]] = {}
        self._open: list[tuple[str, str, Any, Callable[[str], Value | None]]] = []
        for fact in policy.facts:
            self._prepare(fact)
        # A model writes the same lines again and again: most of a reasoning is on rules, not on the case.
        self._kept = lru_cache(maxsize=MOST)(lambda line: tuple(self._split(line)))
        self._starts = tuple(start for _, start, _, _ in self._open)
        # Of the sentences that begin alike the lengths, longest first: a place in a text is looked up for these alone.
        self._shared = min((_BEGINNING, *map(len, self._closed)))
        lengths: dict[str, set[int]] = {}
        for text in self._closed:
            lengths.setdefault(text[: self._shared], set()).add(len(text))
        self._lengths = {start: sorted(found, reverse=True) for start, found in lengths.items()}

    def read(self, lines: Sequence[str]) -> Claims:
        """What lines of reasoning state, put together."""
        claims = Claims()
        for line in lines:
            for statement in self.statements(line):
                claims.add(statement, self.policy.fact_index.get(statement.fact or ""))
        return claims

    def is_so(self, fact: str, stated: Value, true: Value) -> bool:
        """Whether what is stated of a fact is so where it has the `true` value: it is told alike, or says less."""
        return self.agree(fact, stated, true) or includes(self.policy.fact_index[fact], stated, true)

    def agree(self, fact: str, value: Value, other: Value) -> bool:
        """Whether two values of a fact are told alike: numbers of one band, texts that show alike."""
        if value == other:
            return True
        of = self.policy.fact_index[fact]
        told = [[self._clean(text) for text in self._sentences.stated(of, each).texts] for each in (value, other)]
        return told[0] == told[1]

    def statements(self, line: str) -> tuple[Statement, ...]:
        """The sentences of a line, in order: those that state a fact, and what stands between them."""
        return self._kept(line) if is_short(line) else tuple(self._split(line))

    def _split(self, line: str) -> Iterator[Statement]:
        at, unread = 0, 0
        while at < len(line):
            found = self._at(line, at)
            if found is None:
                end = _SENTENCE_END.search(line, at)
                at = end.end() if end is not None else len(line)
                continue
            if text := line[unread:at].strip():
                yield Statement(text)
            yield found
            at = unread = _after(line, at + len(found.text))
        if text := line[unread:].strip():
            yield Statement(text)

    def _at(self, line: str, at: int) -> Statement | None:
        """The statement that begins here: the longest."""
        best: Statement | None = None
        for length in self._lengths.get(line[at : at + self._shared], ()):
            text = line[at : at + length]
            known = self._closed.get(text)
            if known is not None and _ends(line, at + length):
                best = Statement(text, *known)
                break
        if not line.startswith(self._starts, at):
            return best
        for fact, start, pattern, value_of in self._open:
            if not line.startswith(start, at):
                continue
            match = pattern.match(line[at:])
            if match is None or not _ends(line, at + match.end()):
                continue
            value = value_of(match.group(1))
            if value is not None and (best is None or match.end() > len(best.text)):
                best = Statement(match.group(0), fact, value)
        return best

    def _prepare(self, fact: Fact) -> None:
        self._close(fact, None)
        match fact.type:
            case FlagType():
                for value in (True, False):
                    self._close(fact, value)
            case OneOfType(values=values):
                for value in values:
                    self._close(fact, value.name)
            case NumberType():
                for start, _ in self._sentences.bands(fact):
                    self._close(fact, start)
            case SetType(values=values):
                self._close(fact, frozenset())
                for value in values:
                    self._close(fact, frozenset({value.name}))
                for text in self._templates(fact, frozenset({values[0].name}), phrase(fact, values[0].name)):
                    self._listing(fact, text)
            case TextType():
                self._close(fact, "")
                for text in self._templates(fact, _MARK, _MARK):
                    before, _, after = text.partition(_MARK)
                    pattern = re2.compile(f"{re2.escape(before)}(.*){re2.escape(after)}")
                    self._open.append((fact.name, before, pattern, lambda text: text))

    def _templates(self, fact: Fact, value: Value, shown: str) -> list[str]:
        """How a value that is told in words is stated, with a mark in its place."""
        if fact.says:
            return [_marked(template) for template in fact.says]
        return [self._sentences.stated(fact, value).texts[0].replace(shown, _MARK, 1)]

    def _listing(self, fact: Fact, text: str) -> None:
        assert isinstance(fact.type, SetType)
        before, _, after = text.partition(_MARK)
        names: dict[str, str] = {}
        for value in fact.type.values:
            shown = self._clean(phrase(fact, value.name))
            names[shown] = value.name
            if not before:
                names.setdefault(capitalised(shown), value.name)
        each = "|".join(re2.escape(shown) for shown in sorted(names, key=len, reverse=True))
        listing = f"(?:{each})(?:, (?:{each}))* and (?:{each})"
        one: Any = re2.compile(f"(?:{each})")

        def members(shown: str) -> Value | None:
            found: list[str] = []
            at = 0
            while at < len(shown):
                match = one.match(shown[at:])
                if match is None:
                    return None
                found.append(names[match.group(0)])
                at += match.end()
                rest = shown[at:]
                at += len(next((join for join in (", ", " and ") if rest.startswith(join)), rest))
            return frozenset(found) if len(set(found)) == len(found) else None

        after = re2.escape(after.replace(_MARK, "")) if _MARK not in after else ".*?"
        self._open.append((fact.name, before, re2.compile(f"{re2.escape(before)}({listing}){after}"), members))

    def _close(self, fact: Fact, value: Value | None) -> None:
        wording = self._sentences.untold(fact) if value is None else self._sentences.stated(fact, value)
        for text in wording.texts:
            told = (fact.name, value)
            known = self._closed.setdefault(self._clean(text), told)
            if known != told:
                self.ambiguous.setdefault(text, [known]).append(told)

    def _clean(self, text: str) -> str:
        return neutralise(fold_line(text), self._tags)


def _marked(template: Template) -> str:
    return fold_line("".join(segment.text if isinstance(segment, Text) else _MARK for segment in template))


def _ends(line: str, at: int) -> bool:
    return at >= len(line) or line[at] == " "


def _after(line: str, at: int) -> int:
    while at < len(line) and line[at] == " ":
        at += 1
    return at
