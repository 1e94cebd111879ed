"""A literal of a condition as a clause: the value of its fact, and whether the literal holds.

The text decides the truth of the literal, given the literal: no two truths share a text. A clause on a positive literal
says how the value stands to the atom (`Intent: how to mix it.`, `Intent: how to store it, not how to mix it.`); one on
a negated literal says the same, and then that this is `as needed` or `not as needed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
    Value,
    Within,
)
from safecot_dsl.engine import Truth, evaluate, normalise, show_value
from safecot_dsl.engine.evaluate import compile_pattern
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.phrasing import (
    capitalised,
    label,
    listed,
    number,
    phrase,
    phrases,
    quoted,
    value_text,
    words,
)

_WHEN_SO = {"<": "below", "<=": "at most", ">": "above", ">=": "at least"}
_WHEN_NOT = {"<": "at least", "<=": "above", ">": "at most", ">=": "below"}


def clause(
    atom: FactAtom, fact: Fact, value: Value | None, *, positive: bool, assumed: bool = False, name_fact: bool = False
) -> str:
    """The clause on one literal, a sentence.

    `value` is the fact's, None where it is unknown; `assumed` says that it is a supposition. A group's name stands for
    its fact (`Among corrosive: a knife.`); `name_fact` asks for both, where groups of two facts share a name.
    """
    if value is None:
        subject = _group_subject(atom, "all of" if _needs_all(atom) else "among", fact, name_fact) or label(fact)
        return f"{subject}: not known."
    so = evaluate(atom, {atom.fact: value}) is Truth.YES
    text = _statement(atom, fact, value, so, name_fact)
    if not positive:
        text += ", not as needed" if so else ", as needed"
    if assumed:
        text += ", assumed"
    return f"{text}."


def _statement(atom: FactAtom, fact: Fact, value: Any, so: bool, name_fact: bool) -> str:
    match atom:
        case Has():
            return _has(atom, fact, value, so, name_fact)
        case FlagIs():
            state = "yes" if so else "no"
        case Is():
            state = _is(atom, fact, value, so)
        case Within():
            state = phrase(fact, value)
            if value != atom.node:
                state += f", {'within' if so else 'not within'} {phrase(fact, atom.node)}"
        case Empty():
            state = "empty" if so else f"{value_text(fact, value)}, not empty"
        case Compare():
            shown = _number_beside(atom, value)
            state = f"{shown}, {(_WHEN_SO if so else _WHEN_NOT)[atom.operator]} {show_value(atom.value)}"
        case Between():
            shown = _number_beside(atom, value)
            state = f"{shown}, {'' if so else 'not '}between {show_value(atom.low)} and {show_value(atom.high)}"
        case Contains():
            state = _contains(atom, value, so)
        case Matches():
            state = _matches(atom, value, so)
    return f"{label(fact)}: {state}"


def _has(atom: Has, fact: Fact, value: frozenset[str], so: bool, name_fact: bool) -> str:
    present = phrases(fact, set(atom.values) & value)
    missing = phrases(fact, set(atom.values) - value)
    needs_all = _needs_all(atom)
    lead = ("all of" if so else "missing of") if needs_all else "among"
    shown = missing if needs_all and not so else present
    subject = _group_subject(atom, lead, fact, name_fact)
    if subject is not None:
        return f"{subject}: {listed(shown)}"
    if needs_all:
        return f"{label(fact)}: {'with all of' if so else 'missing'} {listed(shown)}"
    return f"{label(fact)}: {'with' if so else 'without'} {listed(present) if so else listed(missing, 'or')}"


def clause_subjects(atom: FactAtom, fact: Fact) -> frozenset[str]:
    """All that can stand before the colon in clauses on this literal."""
    found = {label(fact)}
    for lead in ("all of", "missing of", "among"):
        for name_fact in (False, True):
            subject = _group_subject(atom, lead, fact, name_fact)
            if subject is not None:
                found.add(subject)
    return frozenset(found)


def _needs_all(atom: FactAtom) -> bool:
    # All of one, unnamed, is no other question than any of one.
    return isinstance(atom, Has) and atom.quantifier == "all" and (len(atom.values) != 1 or atom.group is not None)


def _group_subject(atom: FactAtom, lead: str, fact: Fact, name_fact: bool) -> str | None:
    if not isinstance(atom, Has) or atom.group is None:
        return None
    subject = f"{lead} {words(atom.group)}"
    return f"{label(fact)}, {subject}" if name_fact else capitalised(subject)


def _is(atom: Is, fact: Fact, value: str, so: bool) -> str:
    shown = phrase(fact, value)
    if atom.group is not None:
        return f"{shown}, {'among' if so else 'not among'} {words(atom.group)}"
    return shown if so else f"{shown}, not {listed(phrases(fact, atom.values), 'or')}"


def _number_beside(atom: Compare | Between, value: float) -> str:
    """The value rounded as usual, or exactly where rounding it would belie the comparison."""
    shown = number(value)
    rounded = float(shown)
    truths = (evaluate(atom, {atom.fact: rounded}), evaluate(atom, {atom.fact: value}))
    return shown if truths[0] is truths[1] else show_value(value)


def _contains(atom: Contains, value: str, so: bool) -> str:
    text = normalise(value)
    if so:
        found = next(phrase for phrase in atom.phrases if normalise(phrase) in text)
        named = f", among {words(atom.phrase_set)}" if atom.phrase_set is not None else ""
        return f"contains {quoted(found)}{named}"
    if atom.phrase_set is not None:
        return f"contains none of {words(atom.phrase_set)}"
    return f"does not contain {_alternatives(atom.phrases)}"


def _alternatives(texts: Sequence[str]) -> str:
    return listed([quoted(text) for text in texts], "or")


def _matches(atom: Matches, value: str, so: bool) -> str:
    pattern = f"/{fold_line(atom.pattern)}/"
    if not so:
        return f"does not match {pattern}"
    encodable = value.encode("utf-8", "replace").decode("utf-8")
    found = compile_pattern(atom.pattern, atom.ignore_case).search(encodable)
    matched = fold_line(found.group(0)) if found is not None else ""
    return f"{quoted(matched)} matches {pattern}" if matched else f"matches {pattern}"
