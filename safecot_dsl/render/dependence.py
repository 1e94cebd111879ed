"""What a text of a policy depends on in a case, as a key: equal keys, equal texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

from safecot_dsl.artifact import (
    CompiledPolicy,
    Fact,
    FactSlot,
    Rule,
    Speech,
    Template,
    TextType,
    Value,
    fact_atoms,
    facts_read,
)
from safecot_dsl.engine import Truth
from safecot_dsl.render.bounded import is_short
from safecot_dsl.render.grounds import Grounds
from safecot_dsl.render.literals import Leaf, Reading

#: The values of all facts in the order of declaration; None for one that is unknown.
Values = tuple[Value | None, ...]


class Projection:
    """The values of some facts, as a key. `names` are the facts, each once."""

    def __init__(self, policy: CompiledPolicy, names: Sequence[str]) -> None:
        places = {fact.name: place for place, fact in enumerate(policy.facts)}
        index: dict[str, Fact] = policy.fact_index
        self._texts = [places[name] for name in names if isinstance(index[name].type, TextType)]
        self._supposable = [name for name in names if index[name].assume is not None]
        self.key: Callable[[Values], Any] = itemgetter(*map(places.__getitem__, names)) if names else _no_key

    def is_short(self, values: Values) -> bool:
        """Whether the key is worth keeping: a case's texts can be of any length."""
        return all(is_short(values[place]) for place in self._texts)

    def supposed(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of the facts that are among `names`, which are only supposed."""
        if not self._supposable:
            return ()
        return tuple([name for name in self._supposable if name in names])


class LineKeys:
    """What the line of a rule that is no exception depends on, as keys.

    `reads` are all the facts that the rule and the exceptions to it read, in conditions or in texts.
    """

    def __init__(self, grounds: Grounds, rule: Rule) -> None:
        family = grounds.family(rule)
        steps = [step for member in family for step in member.speech.think]
        conditions = [condition for member in family for condition in member.conditions]
        slots = list(dict.fromkeys(_slots(step.alternatives for step in steps)))
        spoken = dict.fromkeys(slot.fact for slot in slots)
        read = facts_read(*conditions, *(step.when for step in steps))
        self.rule = rule
        self.reads = Projection(grounds.policy, list(dict.fromkeys([*read, *spoken])))
        self._spoken = Projection(grounds.policy, list(spoken))
        self._slots = [(slot.fact, None if slot.among is None else frozenset(slot.among)) for slot in slots]
        atoms = dict.fromkeys(fact_atoms(*conditions, *(step.when for step in steps)))
        readings = (Reading(atom, True, rule, f"rule:{rule.name}") for atom in atoms)
        self._leaves = tuple(Leaf(number, reading) for number, reading in enumerate(readings))

    def outline_key(self, known: Mapping[str, Value]) -> tuple[Any, ...]:
        """What :meth:`Weighing.outline` depends on besides what is supposed: what each literal comes to, and what the
        slots of authored texts show."""
        truths: list[Truth | Value | None] = [leaf.truth(known) for leaf in self._leaves]
        return (*truths, *[_shown(known.get(fact), among) for fact, among in self._slots])

    def is_outline_short(self, values: Values) -> bool:
        """Whether that key is worth keeping."""
        return self._spoken.is_short(values)


def asked_facts(grounds: Grounds, rule: Rule) -> list[str]:
    """The facts of the request that a rule's own condition reads."""
    asked = grounds.asked[rule.name]
    return [] if asked is None else list(dict.fromkeys(leaf.fact for leaf in asked.leaves()))


def speech_facts(speech: Speech) -> list[str]:
    """The facts that authored texts and the conditions of their steps read, each once."""
    templates: list[Iterable[Template]] = [step.alternatives for step in speech.think]
    templates += [(said.template,) for said in (speech.answer.say, speech.answer.offer) if said and said.template]
    read = facts_read(*(step.when for step in speech.think))
    return list(dict.fromkeys([*read, *(slot.fact for slot in _slots(templates))]))


def _slots(alternatives: Iterable[Iterable[Template]]) -> Iterator[FactSlot]:
    templates = (template for each in alternatives for template in each)
    return (segment for template in templates for segment in template if isinstance(segment, FactSlot))


def _shown(value: Value | None, among: frozenset[str] | None) -> Value | None:
    """The part of a value that a slot shows."""
    if among is None or value is None:
        return value
    return value & among if isinstance(value, frozenset) else frozenset({str(value)}) & among


def _no_key(values: Values) -> None:
    del values
