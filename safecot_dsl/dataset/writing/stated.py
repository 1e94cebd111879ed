"""What a sentence in a model's own words may not state: a wrong value of a fact, a look-up, a quotation of nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from safecot_dsl.artifact import Case, CompiledPolicy, Fact, OneOfType, SetType
from safecot_dsl.criteria import fold
from safecot_dsl.reading import DerivationChecker, Statement, includes
from safecot_dsl.render.phrasing import phrase
from safecot_dsl.render.sentences import Sentences

_ARTICLE = re.compile(r"(?:an?|the|some|one) ")
_QUOTED = re.compile(r'"([^"\n]*)"')
_FEWEST_QUOTED = 3  # words; shorter quotations are titles and single words


class Stated:
    """Checks sentences on the cases of one policy; prepared once for many.

    Three plain checks. A sentence that is one of the policy's statements has to hold. One that says what counts as a
    group, in the policy's words for it, is a look-up, which may not be written. And where a phrase of a fact's values
    stands in a sentence, with whatever article, the case has that value, or what the policy itself says of the case
    names it as well: a sentence may not even deny what else there could be. What is said in other words is not seen.
    """

    def __init__(self, policy: CompiledPolicy, checker: DerivationChecker) -> None:
        self._policy, self._checker = policy, checker
        self._sentences = Sentences(policy)
        self._values: dict[str, list[tuple[Fact, str]]] = {}
        for fact in policy.facts:
            if isinstance(fact.type, OneOfType | SetType):
                for value in fact.type.values:
                    self._values.setdefault(_core(phrase(fact, value.name)), []).append((fact, value.name))
        self._phrases = re.compile("|".join(map(_pattern, sorted(self._values, key=len, reverse=True))) or r"(?!)")

    def faults(self, case: Case, text: str, own: Iterable[str]) -> Iterator[str]:
        """What is wrong with a sentence on a case (suppositions filled in). `own` is what the policy says of it."""
        read = [statement for statement in self._checker.reader.statements(text) if statement.fact is not None]
        for statement in read:
            if not self.holds(case, statement):
                yield self._untrue(case, statement)
        group = self._checker.looks_up(text)
        if group is not None:
            yield f"says what counts as {group}, which is the policy's to say"
        if not read:
            yield from self._foreign(case, text, own)

    def holds(self, case: Case, statement: Statement) -> bool:
        """Whether a statement is so of a case: whether its value, or that nobody can tell it, is told alike."""
        fact = self._policy.fact_index[statement.fact or ""]
        value = case.known.get(fact.name)
        if value is None or statement.value is None:
            return value is None and statement.value is None and fact.name in case.cannot_tell
        return self._checker.reader.agree(fact.name, value, statement.value)

    def _untrue(self, case: Case, statement: Statement) -> str:
        name = statement.fact or ""
        if statement.value is None:
            return f"says that nobody can tell {self._sentences.asked(self._policy.fact_index[name])}"
        lacks = "nobody could tell" if name not in case.known else "is not so"
        return f'says "{statement.text}", which {lacks}'

    def _foreign(self, case: Case, text: str, own: Iterable[str]) -> Iterator[str]:
        found = list(self._named(text))
        if not found:
            return
        allowed = {core for said in own for core in self._named(said)}
        for core in dict.fromkeys(found):
            values = self._values[core]
            if core not in allowed and not any(self._has(case, fact, value) for fact, value in values):
                fact, value = values[0]
                yield f'names "{phrase(fact, value)}", which the case does not have'

    def _named(self, text: str) -> Iterator[str]:
        return (_core(match.group()) for match in self._phrases.finditer(fold(text)))

    def _has(self, case: Case, fact: Fact, name: str) -> bool:
        value = case.known.get(fact.name)
        if isinstance(value, frozenset):
            return name in value
        return value is not None and includes(fact, name, value)  # of a taxonomy what stands above is so as well


def misquoted(text: str, sources: str) -> Iterator[str]:
    """What a sentence quotes that stands in none of the `sources` (one squeezed text)."""
    for match in _QUOTED.finditer(fold(text)):
        words = match.group(1).strip()
        if len(words.split()) >= _FEWEST_QUOTED and squeezed(words.rstrip(". \u2026")) not in sources:
            yield f'quotes "{words}", which nobody wrote'


def squeezed(text: str) -> str:
    """The text folded, with nothing but its letters and digits, so that quoting changes nothing."""
    return re.sub(r"[\W_]+", " ", fold(text)).strip()


def _core(text: str) -> str:
    """A phrase without its article, folded."""
    folded = fold(text)
    return folded[match.end() :] if (match := _ARTICLE.match(folded)) is not None else folded


def _pattern(core: str) -> str:
    # A single word is a thing only with an article: "at home" names no home.
    article = r"(?:a|an|the|some|one) " if " " not in core else r"(?:(?:a|an|the|some|one) )?"
    return rf"(?<![\w-]){article}{re.escape(core)}(?![\w-])"
