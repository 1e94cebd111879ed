"""What the texts on one policy's cases rest on, worked out once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from safecot_dsl.artifact import CompiledPolicy, Fact, Rule, Value, facts_read
from safecot_dsl.engine import Interpreter, Truth
from safecot_dsl.engine.order import parents_first
from safecot_dsl.render.english import within
from safecot_dsl.render.literals import LiteralNode, Literals, asked_of
from safecot_dsl.render.phrasing import title
from safecot_dsl.render.plan import Part
from safecot_dsl.render.sentences import Sentences
from safecot_dsl.render.style import Reasoning


class Grounds:
    """A policy prepared for its texts; what depends on no case is worked out once."""

    def __init__(self, interpreter: Interpreter, settings: Reasoning | None = None) -> None:
        self.interpreter = interpreter
        self.policy = policy = interpreter.policy
        self.settings = settings or Reasoning()
        self.sentences = Sentences(policy, self.settings.lookups)
        literals = Literals()
        #: The condition of each rule: its own, whatever the rules that it is an exception to.
        self.conditions: dict[str, LiteralNode] = {rule.name: literals.condition(rule) for rule in policy.rules}
        #: What each rule's condition asks of the request; None where it is about something else alone.
        self.asked: dict[str, LiteralNode | None] = {name: asked_of(node) for name, node in self.conditions.items()}
        #: The rules that are no exceptions, in the order of the policy: each has a line of its own where it is weighed.
        self.tops: tuple[Rule, ...] = tuple(rule for rule in policy.rules if not rule.exception_to)
        #: The facts that any rule reads, in the order of declaration: these are stated.
        self.read_facts: tuple[Fact, ...] = _read(policy)
        self._hazards = _hazards(policy)
        self._above = _above(policy)
        #: The facts that the slots of a step or an utterance name, by its identity.
        self.slots: dict[int, tuple[str, ...]] = {}
        #: What a step, an utterance or a phrase set says, by all that it depends on.
        self.parts: dict[Any, Part | None] = {}

    def hazard(self, rule: Rule) -> str | None:
        """The full name of a rule's hazard; an exception without one has its parents' most severe (ties: first
        name)."""
        return self._hazards[rule.name]

    def is_asked_for(self, rule: Rule, known: Mapping[str, Value]) -> bool:
        """Whether the rule, by its own condition, could still apply given the request alone."""
        asked = self.asked[rule.name]
        return asked is None or asked.truth(known) is not Truth.NO

    def harms(self, rules: Sequence[Rule]) -> list[str]:
        """What the rules are about, each once: their hazards, without one that stands below another of them, and the
        titles of rules that have none."""
        hazards = dict.fromkeys(hazard for rule in rules if (hazard := self.hazard(rule)) is not None)
        top = [name for name in hazards if self._above.get(name, frozenset()).isdisjoint(hazards)]
        titles = [within(title(rule)) for rule in rules if self.hazard(rule) is None]
        return list(dict.fromkeys([*(self.policy.hazards[name].phrase for name in top), *titles]))

    def exceptions(self, rule: Rule) -> Sequence[Rule]:
        """The exceptions to a rule, in the order of the policy."""
        return self.interpreter.exceptions[rule.name]

    def family(self, rule: Rule) -> tuple[Rule, ...]:
        """The rule, the exceptions to it, those to them, and so on downwards; each once."""
        return walk(rule, self.exceptions)

    def lineage(self, rule: Rule) -> tuple[Rule, ...]:
        """The rule, the rules that it is an exception to, and so on upwards; each once, those of one rule by name (the
        order in which an exception lists them means nothing)."""
        index = self.policy.rule_index
        return walk(rule, lambda of: [index[name] for name in sorted(set(of.exception_to))])


def walk(rule: Rule, neighbours: Callable[[Rule], Sequence[Rule]]) -> tuple[Rule, ...]:
    """The rules that are reached from one, nearest first, each once."""
    found = {rule.name: rule}
    waiting = [rule]
    while waiting:
        for other in neighbours(waiting.pop(0)):
            if other.name not in found:
                found[other.name] = other
                waiting.append(other)
    return tuple(found.values())


def _read(policy: CompiledPolicy) -> tuple[Fact, ...]:
    read = set(facts_read(*(condition for rule in policy.rules for condition in rule.conditions)))
    return tuple(fact for fact in policy.facts if fact.name in read)


def _above(policy: CompiledPolicy) -> dict[str, frozenset[str]]:
    """The hazards that stand above each, by full names."""
    found: dict[str, frozenset[str]] = {}
    for name, taxonomy in policy.taxonomies.items():
        prefix = name.rpartition(".")[0]
        for node in taxonomy.nodes:  # parents stand before their children
            full = f"{prefix}.{node.name}" if prefix else node.name
            above = f"{prefix}.{node.parent}" if prefix and node.parent else node.parent
            found[full] = frozenset() if above is None else found[above] | {above}
    return found


def _hazards(policy: CompiledPolicy) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for rule in parents_first(policy):
        inherited = {found[parent] for parent in rule.exception_to} - {None}
        found[rule.name] = rule.hazard or min(
            (name for name in inherited if name is not None),
            key=lambda name: (-policy.hazards[name].severity, name),
            default=None,
        )
    return found
