"""Conditions, facts and cases in plain English, for people who read no code.

A fact goes by its description as a defined term in quotation marks ("“Objects visible in the image” include …"), or by
its name in words. What is said is exact: nothing of a condition is left away, and brackets or nesting show what belongs
together, so that the English, read back, decides as the condition does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from safecot_dsl.artifact import (
    And,
    AtLeast,
    Atom,
    Between,
    Case,
    Compare,
    CompiledPolicy,
    Condition,
    Contains,
    CriteriaCondition,
    Empty,
    Fact,
    FactAtom,
    FlagIs,
    FlagType,
    Has,
    Is,
    Law,
    Matches,
    Not,
    NumberType,
    OneOfType,
    Or,
    Proposed,
    SetType,
    TextType,
    Value,
    Verdict,
    Within,
    atoms,
)
from safecot_dsl.engine import show_value
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.english import capitalised, listed
from safecot_dsl.render.phrasing import as_tree, phrase, phrases, words

#: Of a set of phrases, this many are written out where it is used.
PHRASES_SHOWN = 6

#: What the model does where a verdict holds: "the model …".
DOES = {
    Verdict.COMPLY: "answers",
    Verdict.WARN: "answers and points out the risk",
    Verdict.CLARIFY: "asks before it answers",
    Verdict.REDIRECT: "helps with the safe part only",
    Verdict.REFUSE: "declines",
}

_COMPARED = {"<": "below", "<=": "at most", ">": "above", ">=": "at least"}


@dataclass(frozen=True)
class Clause:
    """A condition as an outline: an atom's sentence, or `text` ("all of these:") over the clauses it speaks of."""

    text: str
    parts: tuple[Clause, ...] = ()


class English:
    """The words of one policy."""

    def __init__(self, policy: CompiledPolicy) -> None:
        self._facts = policy.fact_index
        self._criteria = policy.criteria
        count = Counter(_plain(fact).casefold() for fact in policy.facts)
        self._terms = {fact.name: _term(fact, alone=count[_plain(fact).casefold()] == 1) for fact in policy.facts}

    def term(self, fact: Fact) -> str:
        """How sentences name the fact; no two facts of a policy share a term."""
        return self._terms[fact.name]

    def heading(self, fact: Fact) -> str:
        """The fact's term as it stands at the head of a row or column."""
        return capitalised(_plain(fact))

    def sentence(self, condition: Condition) -> str:
        """The condition on one line, without a final period; brackets stand wherever connectives meet."""
        match condition:
            case And(items=()):
                return "always"
            case Or(items=()):
                return "never"
            case And(items=items):
                return ", and ".join(map(self._operand, items))
            case Or(items=items):
                return ", or ".join(map(self._operand, items))
            case AtLeast(count=count, items=items):
                return f"at least {count} of these hold: {'; '.join(map(self._operand, items))}"
            case Not(item=item):
                if isinstance(item, And | Or | AtLeast | Not):
                    return f"it is not so that ({self.sentence(item)})"
                return self.atom(item, so=False)
            case _:
                return self.atom(condition)

    def _operand(self, condition: Condition) -> str:
        text = self.sentence(condition)
        connected = isinstance(condition, And | Or | AtLeast) and condition.items
        return f"({text})" if connected else text

    def outline(self, condition: Condition) -> Clause:
        """The condition as nested lists, one atom a line."""
        match condition:
            case And(items=(only,)) | Or(items=(only,)):
                return self.outline(only)
            case And(items=(_, *_) as items):
                return Clause("all of these hold:", tuple(map(self.outline, items)))
            case Or(items=(_, *_) as items):
                return Clause("at least one of these holds:", tuple(map(self.outline, items)))
            case AtLeast(count=count, items=items):
                return Clause(f"at least {count} of these hold:", tuple(map(self.outline, items)))
            case Not(item=Or(items=(_, *_) as items)):
                return Clause("none of these holds:", tuple(map(self.outline, items)))
            case Not(item=And() | Or() | AtLeast() | Not() as item):
                return Clause("it is not so that", (self.outline(item),))
            case _:
                return Clause(self.sentence(condition))

    def atom(self, atom: Atom, *, so: bool = True) -> str:
        """The sentence that the atom holds, or that it does not."""
        if isinstance(atom, Proposed):
            return f"“{words(atom.name)}” {'holds' if so else 'does not hold'}"
        return f"{self._terms[atom.fact]} {self.predicate(atom, so=so)}"

    def predicate(self, atom: FactAtom, *, so: bool = True) -> str:
        """What the atom says of its fact."""
        fact = self._facts[atom.fact]
        match atom:
            case FlagIs():
                return "is true" if so else "is not true"
            case Is(named=values, group=group):
                return f"{'is' if so else 'is not'} {_members(fact, values, group, 'or')}"
            case Within(node=node):
                return f"{'is' if so else 'is not'} within {_value(fact, node)}"
            case Empty():
                return "include nothing" if so else "include something"
            case Has(values=values, group=group, quantifier=quantifier):
                return _has(fact, values, group, quantifier, so)
            case Compare(operator=operator, value=value, param=param):
                return f"{'is' if so else 'is not'} {_COMPARED[operator]} {_number(value, param)}"
            case Between():
                low, high = _number(atom.low, atom.low_param), _number(atom.high, atom.high_param)
                return f"{'is' if so else 'is not'} between {low} and {high}, both included"
            case Contains():
                return f"{'contains' if so else 'does not contain'} {_phrases(atom)}"
            case Matches(pattern=pattern, ignore_case=ignore_case):
                in_any_case = ", in upper or lower case" if ignore_case else ""
                return f"{'matches' if so else 'does not match'} the pattern {_pattern(pattern)}{in_any_case}"

    def change(self, fact: Fact, law: Law) -> str:
        """The change that a law speaks of."""
        term = self._terms[fact.name]
        if isinstance(fact.type, FlagType):
            return f"{term} becomes {'true' if law.values == ('yes',) else 'untrue'}"
        match law.change:
            case "becomes":
                return f"{term} becomes {_members(fact, law.values, law.group, 'or')}"
            case "gains":
                return f"{term} gain {_members(fact, law.values, law.group, 'or')}"
            case "rises" | "falls":
                return f"{term} {law.change}"

    def domain(self, fact: Fact) -> str:
        """What the fact's values are."""
        match fact.type:
            case FlagType():
                return "yes or no"
            case OneOfType(taxonomy=None, values=values):
                return f"one of: {'; '.join(fold_line(value.phrase) for value in values)}"
            case OneOfType() as type_:
                return f"one of these kinds, or as far as can be told: {as_tree(type_)}"
            case SetType(values=values):
                return f"any of: {'; '.join(fold_line(value.phrase) for value in values)}"
            case NumberType(low=low, high=high):
                return f"a number from {show_value(low)} to {show_value(high)}"
            case TextType():
                return "a text"

    def case(self, case: Case) -> tuple[str, ...]:
        """The known facts of a case, a sentence each, in the order of declaration; then those that cannot be told."""
        known = [
            f"{self._terms[name]} {_known(fact, case.known[name])}"
            for name, fact in self._facts.items()
            if name in case.known
        ]
        hidden = [f"{self._terms[name]} cannot be told" for name in self._facts if name in case.cannot_tell]
        return (*known, *hidden)

    def meanings(self, used: Iterable[str]) -> Iterator[tuple[str, str]]:
        """The names that criteria use with what they mean, and after them the names that these are explained by."""
        waiting = list(used)
        for name in waiting:  # grows while it is walked
            combination = self._criteria.lets.get(name)
            if combination is None:
                yield name, fold_line(self._criteria.propositions[name].definition)
            else:
                waiting += [other for other in names(combination) if other not in waiting]
                yield name, f"{self.sentence(combination)}."


def names(condition: CriteriaCondition) -> dict[str, None]:
    """The names that a condition over responses uses, in order."""
    return dict.fromkeys(atom.name for atom in atoms(condition) if isinstance(atom, Proposed))


def supposed(fact: Fact) -> Value | None:
    """What the policy supposes of the fact where it is unknown."""
    return frozenset(fact.assume) if isinstance(fact.assume, tuple) else fact.assume


def known_value(fact: Fact, value: Value) -> str:
    """A value of the fact, as it stands after "suppose:"."""
    match value:
        case bool():
            return "yes" if value else "no"
        case frozenset():
            return listed(phrases(fact, value))
        case float() | int():
            return show_value(value)
        case _:
            return _quoted(value) if isinstance(fact.type, TextType) else phrase(fact, value)


def _known(fact: Fact, value: Value) -> str:
    match value:
        case bool():
            return "is true" if value else "is not true"
        case frozenset():
            return f"include {listed(phrases(fact, value))}" + (" and nothing else" if value else "")
        case float() | int():
            return f"is {show_value(value)}"
        case _:
            return f"is {_quoted(value) if isinstance(fact.type, TextType) else _value(fact, value)}"


def _plain(fact: Fact) -> str:
    described = fold_line(fact.description or "").rstrip(" .:?!").replace("“", "'").replace("”", "'")
    return described or f"the {fact.subject}’s {words(fact.name)}"


def _term(fact: Fact, *, alone: bool) -> str:
    named = f"the {fact.subject}’s “{words(fact.name)}”"
    plain = _plain(fact)
    if plain == f"the {fact.subject}’s {words(fact.name)}":
        return named
    return f"“{plain}”" if alone else f"“{plain}” ({named})"


def _value(fact: Fact, value: str) -> str:
    return f"“{phrase(fact, value)}”"


def _members(fact: Fact, values: Sequence[str], group: str | None, word: str) -> str:
    named = [_value(fact, value) for value in _in_order(fact, values)]
    if group is None:
        return named[0] if len(named) == 1 else f"one of these: {_list(named, word)}"
    return f"one of the {words(group)} ({_list(named, word)})"


def _has(fact: Fact, values: Sequence[str], group: str | None, quantifier: str, so: bool) -> str:
    named = [_value(fact, value) for value in _in_order(fact, values)]
    verb = "include" if so else "do not include"
    if len(named) == 1 and group is None:
        return f"{verb} {named[0]}"
    members = f"the {words(group)} ({_list(named, 'and')})" if group is not None else f"these: {_list(named, 'and')}"
    if quantifier == "all":
        return f"{'include all of' if so else 'do not include all of'} {members}"
    return f"{'include at least one of' if so else 'include none of'} {members}"


def _in_order(fact: Fact, values: Iterable[str]) -> list[str]:
    chosen = set(values)
    assert isinstance(fact.type, OneOfType | SetType)
    return [value.name for value in fact.type.values if value.name in chosen]


def _list(items: Sequence[str], word: str) -> str:
    return listed(items, word) if items else "no value at all"


def _number(value: float, param: str | None) -> str:
    return show_value(value) if param is None else f"{show_value(value)} (the setting “{words(param)}”)"


def _phrases(atom: Contains) -> str:
    shown = [_quoted(text) for text in atom.phrases[:PHRASES_SHOWN]]
    if len(atom.phrases) > PHRASES_SHOWN:
        shown.append(f"{len(atom.phrases) - PHRASES_SHOWN} more")
    if atom.phrase_set is None:
        return _list(shown, "or")
    return f"any of the {words(atom.phrase_set)} ({_list(shown, 'or')})"


def _quoted(text: str) -> str:
    line = fold_line(text).replace("“", "'").replace("”", "'")
    return f"“{line}”"


def _pattern(pattern: str) -> str:
    return f"/{fold_line(pattern)}/"
