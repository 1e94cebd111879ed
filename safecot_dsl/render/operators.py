"""The operators of the language in English: an entry of :data:`OPERATOR_WORDS` says how each is told.

Three readers are told of a condition. A model that is to follow the policy untrained gets a short form in its prompt; a
person who checks the policy gets an exact one, which read back decides as the condition does; and a reasoning looks up
how a value that it has stated stands to the condition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from safecot_dsl.artifact import (
    Between,
    Compare,
    Contains,
    Empty,
    Fact,
    FactAtom,
    FlagIs,
    Has,
    Is,
    Matches,
    OneOfType,
    SetType,
    Within,
)
from safecot_dsl.engine.texts import compile_pattern, normalise
from safecot_dsl.engine.values import show_value
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.english import listed
from safecot_dsl.render.phrasing import phrase, phrases, quoted, words

if TYPE_CHECKING:
    from safecot_dsl.render.sentences import Sentences, Wording

A = TypeVar("A", bound=FactAtom)

#: Of a set of phrases, this many are written out where it is used.
PHRASES_SHOWN = 6

_COMPARED = {"<": "below", "<=": "at most", ">": "above", ">=": "at least"}


def _nothing(sentences: Sentences, atom: FactAtom, fact: Fact, value: Any, so: bool) -> None:
    """The statement of a value says all that there is to say."""
    del sentences, atom, fact, value, so


@dataclass(frozen=True)
class OperatorWords(Generic[A]):
    """How the atoms of one class are told.

    `briefly` and `exactly` are what follows the name of the fact, for a prompt and for a page: that the atom is so, or
    that it is not. `lookup` is how a known value stands to the atom, which is `so` or not; None where the statement of
    the value says it already.
    """

    briefly: Callable[[A, Fact, bool], str]
    exactly: Callable[[A, Fact, bool], str]
    lookup: Callable[[Sentences, A, Fact, Any, bool], Wording | None] = _nothing


# --- flags -----------------------------------------------------------------------------------------------------------

_FLAG = OperatorWords[FlagIs](
    briefly=lambda atom, fact, so: f"is {'yes' if so else 'no'}",
    exactly=lambda atom, fact, so: "is true" if so else "is not true",
)


# --- one of ----------------------------------------------------------------------------------------------------------


def _is_briefly(atom: Is, fact: Fact, so: bool) -> str:
    verb = "is" if so else "is not"
    if atom.group is not None:
        return f"{verb} one of {words(atom.group)}"
    named = phrases(fact, atom.named)
    return f'{verb} "{named[0]}"' if len(named) == 1 else f"{verb} one of ({'; '.join(named)})"


def _is_lookup(sentences: Sentences, atom: Is, fact: Fact, value: Any, so: bool) -> Wording | None:
    if atom.group is not None:
        return sentences.grouped(fact, atom.values, atom.group, value)
    if not so:
        return sentences.other(fact, phrases(fact, atom.named))
    if value in atom.named:
        return None
    above = type_.above(value) if isinstance(type_ := fact.type, OneOfType) else ()
    kinds = phrases(fact, (node for node in atom.nodes if node in above))
    return sentences.counts(fact, value, listed(kinds), so=True)


_IS = OperatorWords[Is](
    briefly=_is_briefly,
    exactly=lambda atom, fact, so: f"{'is' if so else 'is not'} {exact_members(fact, atom.named, atom.group, 'or')}",
    lookup=_is_lookup,
)


def _within_lookup(sentences: Sentences, atom: Within, fact: Fact, value: Any, so: bool) -> Wording | None:
    if value == atom.node:
        return None
    if not so and fact.denies:
        return sentences.other(fact, [phrase(fact, atom.node)])
    return sentences.counts(fact, value, phrase(fact, atom.node), so=so)


_WITHIN = OperatorWords[Within](
    briefly=lambda atom, fact, so: f"is {'' if so else 'not '}within {phrase(fact, atom.node)}",
    exactly=lambda atom, fact, so: f"{'is' if so else 'is not'} within {exact_value(fact, atom.node)}",
    lookup=_within_lookup,
)


# --- sets ------------------------------------------------------------------------------------------------------------


def _has_briefly(atom: Has, fact: Fact, so: bool) -> str:
    named = phrases(fact, atom.values)
    members = words(atom.group) if atom.group is not None else f"({'; '.join(named)})"
    if len(named) == 1:
        return f"{'has' if so else 'does not have'} {named[0]}"
    if atom.quantifier == "all":
        return f"{'has all of' if so else 'does not have all of'} {members}"
    return f"{'has any of' if so else 'has none of'} {members}"


def _has_exactly(atom: Has, fact: Fact, so: bool) -> str:
    if len(set(atom.values)) == 1 and atom.group is None:
        return f"{'include' if so else 'do not include'} {exact_value(fact, atom.values[0])}"
    members = exact_all(fact, atom.values, atom.group)
    if atom.quantifier == "all":
        return f"{'include all of' if so else 'do not include all of'} {members}"
    return f"{'include at least one of' if so else 'include none of'} {members}"


def _has_lookup(sentences: Sentences, atom: Has, fact: Fact, value: Any, so: bool) -> Wording | None:
    if atom.group is not None and (so or atom.quantifier == "any"):
        return sentences.grouped(fact, atom.values, atom.group, value)
    return None if so else sentences.lacking(fact, [v for v in atom.values if v not in value], value)


_HAS = OperatorWords[Has](briefly=_has_briefly, exactly=_has_exactly, lookup=_has_lookup)

_EMPTY = OperatorWords[Empty](
    briefly=lambda atom, fact, so: "has nothing" if so else "has something",
    exactly=lambda atom, fact, so: "include nothing" if so else "include something",
)


# --- numbers ---------------------------------------------------------------------------------------------------------


def _between_exactly(atom: Between, fact: Fact, so: bool) -> str:
    del fact
    low, high = _number(atom.low, atom.low_param), _number(atom.high, atom.high_param)
    return f"{'is' if so else 'is not'} between {low} and {high}, both included"


_COMPARE = OperatorWords[Compare](
    briefly=lambda atom, fact, so: f"is {'' if so else 'not '}{_COMPARED[atom.operator]} {show_value(atom.value)}",
    exactly=lambda atom, fact, so: (
        f"{'is' if so else 'is not'} {_COMPARED[atom.operator]} {_number(atom.value, atom.param)}"
    ),
)
_BETWEEN = OperatorWords[Between](
    briefly=lambda atom, fact, so: (
        f"is {'' if so else 'not '}between {show_value(atom.low)} and {show_value(atom.high)}"
    ),
    exactly=_between_exactly,
)


# --- texts -----------------------------------------------------------------------------------------------------------


def _contains_briefly(atom: Contains, fact: Fact, so: bool) -> str:
    del fact
    shown = [quoted(text) for text in atom.phrases[:PHRASES_SHOWN]]
    if len(atom.phrases) > PHRASES_SHOWN:
        shown.append(f"{len(atom.phrases) - PHRASES_SHOWN} more like these")
    return f"{'contains' if so else 'does not contain'} {listed(shown, 'or')}"


def _contains_exactly(atom: Contains, fact: Fact, so: bool) -> str:
    del fact
    shown = [exact_text(text) for text in atom.phrases[:PHRASES_SHOWN]]
    if len(atom.phrases) > PHRASES_SHOWN:
        shown.append(f"{len(atom.phrases) - PHRASES_SHOWN} more")
    sought = _list(shown, "or")
    if atom.phrase_set is not None:
        sought = f"any of the {words(atom.phrase_set)} ({sought})"
    return f"{'contains' if so else 'does not contain'} {sought}"


def _contains_lookup(sentences: Sentences, atom: Contains, fact: Fact, value: Any, so: bool) -> Wording | None:
    if not fold_line(value):
        return None
    the, plural = sentences.the(fact), sentences.is_plural(fact)
    if so:
        text = normalise(value)
        found = next(each for each in atom.phrases if normalise(each) in text)
        return sentences.built(fact, f"{the} {'say' if plural else 'says'} {quoted(found)}.")
    if atom.phrase_set is not None:
        return sentences.built(fact, f"{the} {'hold' if plural else 'holds'} no {words(atom.phrase_set)}.")
    sought = listed([quoted(each) for each in atom.phrases], "or")
    return sentences.built(fact, f"{the} {'do not' if plural else 'does not'} say {sought}.")


_CONTAINS = OperatorWords[Contains](briefly=_contains_briefly, exactly=_contains_exactly, lookup=_contains_lookup)


def _matches_briefly(atom: Matches, fact: Fact, so: bool) -> str:
    del fact
    case_blind = " in any case" if atom.ignore_case else ""
    return f"{'matches' if so else 'does not match'} the pattern /{fold_line(atom.pattern)}/{case_blind}"


def _matches_exactly(atom: Matches, fact: Fact, so: bool) -> str:
    del fact
    case_blind = ", in upper or lower case" if atom.ignore_case else ""
    return f"{'matches' if so else 'does not match'} the pattern /{fold_line(atom.pattern)}/{case_blind}"


def _matches_lookup(sentences: Sentences, atom: Matches, fact: Fact, value: Any, so: bool) -> Wording | None:
    # What a pattern looks for has no name that could be said where it is not there.
    if not fold_line(value) or not so:
        return None
    found = compile_pattern(atom.pattern, atom.ignore_case).search(value.encode("utf-8", "replace").decode())
    part = fold_line(found.group(0)) if found is not None else ""
    shown = f"words {quoted(part)}" if part else "words"
    return sentences.built(fact, f"The {shown} in the {sentences.name(fact)} are of the kind looked for.")


_MATCHES = OperatorWords[Matches](briefly=_matches_briefly, exactly=_matches_exactly, lookup=_matches_lookup)


OPERATOR_WORDS: Mapping[type, OperatorWords[Any]] = {
    FlagIs: _FLAG,
    Is: _IS,
    Within: _WITHIN,
    Has: _HAS,
    Empty: _EMPTY,
    Compare: _COMPARE,
    Between: _BETWEEN,
    Contains: _CONTAINS,
    Matches: _MATCHES,
}


# --- exact words -----------------------------------------------------------------------------------------------------


def exact_value(fact: Fact, value: str) -> str:
    """A value of the fact as a term in quotation marks."""
    return f"“{phrase(fact, value)}”"


def exact_text(text: str) -> str:
    """A text in quotation marks, on one line."""
    line = fold_line(text).replace("“", "'").replace("”", "'")
    return f"“{line}”"


def exact_members(fact: Fact, values: Sequence[str], group: str | None, word: str) -> str:
    """One of several values of the fact, all of them written out."""
    named = _in_order(fact, values)
    if group is None:
        return named[0] if len(named) == 1 else f"one of these: {_list(named, word)}"
    return f"one of the {words(group)} ({_list(named, word)})"


def exact_all(fact: Fact, values: Sequence[str], group: str | None) -> str:
    """Several values of the fact, written out, as they stand after "all of"."""
    named = _list(_in_order(fact, values), "and")
    return f"the {words(group)} ({named})" if group is not None else f"these: {named}"


def _in_order(fact: Fact, values: Iterable[str]) -> list[str]:
    chosen = set(values)
    assert isinstance(fact.type, OneOfType | SetType)
    return [exact_value(fact, value.name) for value in fact.type.values if value.name in chosen]


def _list(items: Sequence[str], word: str) -> str:
    return listed(items, word) if items else "no value at all"


def _number(value: float, param: str | None) -> str:
    return show_value(value) if param is None else f"{show_value(value)} (the setting “{words(param)}”)"
