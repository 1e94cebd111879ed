"""Conditions, facts and cases in plain English, for people who read no code.

A fact goes by its description as a defined term in quotation marks ("“Objects visible in the image” include …"), or by
its name in words. What is said is exact: nothing of a condition is left away, and brackets or nesting show what belongs
together, so that the English, read back, decides as the condition does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from safecot_dsl.artifact import (
    And,
    AtLeast,
    Atom,
    Case,
    CompiledPolicy,
    Condition,
    CriteriaCondition,
    Fact,
    FactAtom,
    FlagType,
    Law,
    Not,
    NumberType,
    OneOfType,
    Or,
    Proposed,
    SetType,
    TextType,
    Value,
    atoms,
)
from safecot_dsl.engine import show_value
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.english import capitalised, listed
from safecot_dsl.render.operators import OPERATOR_WORDS, exact_members, exact_text, exact_value
from safecot_dsl.render.phrasing import as_tree, phrase, phrases, words


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
        return OPERATOR_WORDS[type(atom)].exactly(atom, self._facts[atom.fact], so)

    def change(self, fact: Fact, law: Law) -> str:
        """The change that a law speaks of."""
        term = self._terms[fact.name]
        if isinstance(fact.type, FlagType):
            return f"{term} becomes {'true' if law.values == ('yes',) else 'untrue'}"
        match law.change:
            case "becomes":
                return f"{term} becomes {exact_members(fact, law.values, law.group, 'or')}"
            case "gains":
                return f"{term} gain {exact_members(fact, law.values, law.group, 'or')}"
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
            return exact_text(value) if isinstance(fact.type, TextType) else phrase(fact, value)


def _known(fact: Fact, value: Value) -> str:
    match value:
        case bool():
            return "is true" if value else "is not true"
        case frozenset():
            return f"include {listed(phrases(fact, value))}" + (" and nothing else" if value else "")
        case float() | int():
            return f"is {show_value(value)}"
        case _:
            return f"is {exact_text(value) if isinstance(fact.type, TextType) else exact_value(fact, value)}"


def _plain(fact: Fact) -> str:
    described = fold_line(fact.description or "").rstrip(" .:?!").replace("“", "'").replace("”", "'")
    return described or f"the {fact.subject}’s {words(fact.name)}"


def _term(fact: Fact, *, alone: bool) -> str:
    named = f"the {fact.subject}’s “{words(fact.name)}”"
    plain = _plain(fact)
    if plain == f"the {fact.subject}’s {words(fact.name)}":
        return named
    return f"“{plain}”" if alone else f"“{plain}” ({named})"
