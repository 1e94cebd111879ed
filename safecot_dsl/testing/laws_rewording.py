"""A policy in other words: the names and phrases of its facts and values are new, and nothing else is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from safecot_dsl.artifact import (
    And,
    AtLeast,
    Case,
    CompiledPolicy,
    Condition,
    Decision,
    Fact,
    Node,
    Not,
    OneOfType,
    Or,
    Proposed,
    SetType,
    Speech,
    Taxonomy,
    Value,
    ValueName,
)
from safecot_dsl.testing.laws_language import remade


@dataclass(frozen=True)
class Reworded:
    """A policy whose facts and values have new names, by the old ones; the values of all facts share one namespace."""

    policy: CompiledPolicy
    facts: dict[str, str]
    values: dict[str, str]

    def case(self, case: Case) -> Case:
        """The same case in the new words."""
        known = {self.facts[name]: self._value(name, value) for name, value in case.known.items()}
        return Case(known, frozenset(self.facts[name] for name in case.cannot_tell))

    def _value(self, fact: str, value: Value) -> Value:
        if isinstance(value, frozenset):
            return frozenset(self.values[member] for member in value)
        if isinstance(value, str) and self.policy.fact_index[self.facts[fact]].type.kind == "one_of":
            return self.values[value]
        return value

    def decision(self, decision: Decision) -> Decision:
        """The same decision in the new words."""
        assumed: dict[str, Any] = {}
        for name, value in decision.assumed.items():
            typed = self._value(name, frozenset(value) if isinstance(value, list) else value)
            assumed[self.facts[name]] = sorted(typed) if isinstance(typed, frozenset) else typed
        return decision.model_copy(
            update={
                "unsettled": tuple(sorted(self.facts[name] for name in decision.unsettled)),
                "assumed": assumed,
                "policy": self.policy.digest,
            }
        )


def reworded(policy: CompiledPolicy) -> Reworded:
    """The policy with new names for facts and values, in an order of names that is the reverse of the old one.

    Texts, examples, claims and tables are left out: no decision reads them.
    """
    facts = _new_names(policy.fact_index)
    names = {v.name for fact in policy.facts if isinstance(fact.type, OneOfType | SetType) for v in fact.type.values}
    values = _new_names(names)

    def condition(old: Condition) -> Condition:
        match old:
            case Not(item=item):
                return Not(item=condition(item))
            case And(items=items) | Or(items=items) | AtLeast(items=items):
                return old.model_copy(update={"items": tuple(map(condition, items))})
            case Proposed():
                raise TypeError("a proposition is no condition over facts")
            case atom:
                return atom.renamed(changed_facts[atom.fact], values.__getitem__)

    def fact(old: Fact) -> Fact:
        type_, assume = old.type, old.assume
        if isinstance(type_, OneOfType | SetType):
            own = tuple(
                ValueName(
                    name=values[v.name],
                    phrase=f"so-called {v.phrase}",
                    parent=None if v.parent is None else values[v.parent],
                )
                for v in type_.values
            )
            taxonomy = type_.taxonomy if isinstance(type_, OneOfType) else None
            if taxonomy is not None:
                type_ = OneOfType(values=own, taxonomy=f"{taxonomy}_reworded")
            else:
                type_ = type(type_)(values=own)
        if isinstance(assume, tuple):
            assume = tuple(sorted(values[value] for value in assume))
        elif isinstance(assume, str) and isinstance(type_, OneOfType):
            assume = values[assume]
        return Fact(name=facts[old.name], type=type_, description="Said otherwise.", ask=None, assume=assume)

    changed_facts = {old.name: fact(old) for old in policy.facts}
    ranged = {
        new.type.taxonomy: Taxonomy(
            name=new.type.taxonomy,
            nodes=tuple(Node(name=v.name, phrase=v.phrase, parent=v.parent) for v in new.type.values),
        )
        for new in changed_facts.values()
        if isinstance(new.type, OneOfType) and new.type.taxonomy is not None
    }
    rules = tuple(
        rule.model_copy(
            update={
                "when": condition(rule.when),
                "unless": None if rule.unless is None else condition(rule.unless),
                "speech": Speech(),
                "title": None,
            }
        )
        for rule in policy.rules
    )
    changed = remade(
        policy,
        facts=tuple(changed_facts.values()),
        taxonomies={**policy.taxonomies, **ranged},
        rules=rules,
        default_speech=Speech(),
        unsure_speech=Speech(),
        examples=(),
        properties=(),
        laws=(),
        tables=(),
    )
    return Reworded(changed, facts, values)


def _new_names(names: Any) -> dict[str, str]:
    """A new name for each, of a fact with its subject, such that what came first by code point comes last."""
    ordered = sorted(names, reverse=True)
    width = len(str(len(ordered)))
    return {
        name: f"{name.split('.')[0]}.n{n:0{width}}" if "." in name else f"n{n:0{width}}"
        for n, name in enumerate(ordered)
    }
