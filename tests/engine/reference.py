"""A second interpreter, written from the language charter alone, to be compared with the engine.

It shares no code and no style with the engine. It reads the artifact's JSON and a case's JSON, and a truth is the set
of outcomes that are still possible: `{True}` yes, `{False}` no, `{True, False}` maybe. A connective maps every choice
of outcomes of its parts, as if they were independent of each other; that is strong Kleene logic. It is slow (an
`at least` of n maybes looks at 2**n choices), so that what became of a rule in a case is kept for the rest of the case.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import re2

Json = dict[str, Any]
Truth = frozenset[bool]

YES, NO, MAYBE = frozenset({True}), frozenset({False}), frozenset({True, False})
ORDER = ["comply", "warn", "clarify", "redirect", "refuse"]
CONNECTIVES = ("not", "and", "or", "at_least")


def laxest(verdicts: Iterable[str]) -> str:
    return min(verdicts, key=ORDER.index)


def strictest(verdicts: Iterable[str]) -> str:
    return max(verdicts, key=ORDER.index)


# --- conditions ------------------------------------------------------------------------------------------------------


def folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def utf8(text: str) -> bytes:
    """A lone surrogate has no UTF-8 form: it is read as U+FFFD, which no pattern of these tests looks for."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def atom_holds(atom: Json, value: Any) -> bool:
    """Whether an atom is so of a known value, in the value's JSON form."""
    match atom["kind"]:
        case "flag":
            return value is True
        case "is" | "within":
            return value in atom["values"]
        case "has":
            present = [wanted in value for wanted in atom["values"]]
            return any(present) if atom["quantifier"] == "any" else all(present)
        case "empty":
            return len(value) == 0
        case "compare":
            bound = atom["value"]
            return {"<": value < bound, "<=": value <= bound, ">": value > bound, ">=": value >= bound}[
                atom["operator"]
            ]
        case "between":
            return atom["low"] <= value <= atom["high"]
        case "contains":
            return any(folded(phrase) in folded(value) for phrase in atom["phrases"])
        case "matches":
            options = re2.Options()
            options.case_sensitive = not atom["ignore_case"]
            options.log_errors = False
            return re2.search(atom["pattern"].encode(), utf8(value), options) is not None
        case other:
            raise AssertionError(other)


def chain(node: str, tree: list[Json]) -> list[str]:
    """The node and all that it stands below, up to a root."""
    parents = {entry["name"]: entry.get("parent") for entry in tree}
    found = [node]
    while parents[found[-1]] is not None:
        found.append(parents[found[-1]])
    return found


def node_asked_for(node: str, value: str, tree: list[Json]) -> Truth:
    """Whether a value of a taxonomy is the node: yes at or below it, maybe above it, else no."""
    if node in chain(value, tree):
        return YES
    return MAYBE if value in chain(node, tree) else NO


def nodes_asked_for(atom: Json) -> list[str]:
    """The nodes as the author named them: one is no more than its name, whatever a compiler listed beside it."""
    return [atom["node"]] if atom["kind"] == "within" else atom.get("nodes", [])


def parts(condition: Json) -> list[Json]:
    return [condition["item"]] if condition["kind"] == "not" else condition["items"]


class Facts(dict[str, Any]):
    """Known facts; `trees` are the nodes of the taxonomies that facts range over, by the fact's name."""

    trees: dict[str, list[Json]]


def truth_of_atom(atom: Json, facts: Facts) -> Truth:
    fact = atom["fact"]
    if fact not in facts:
        return MAYBE
    tree = facts.trees.get(fact)
    if tree is None:
        return frozenset({atom_holds(atom, facts[fact])})
    # `in` asks for one of several nodes: yes where one of them is, no where none of them is.
    truths = [node_asked_for(node, facts[fact], tree) for node in nodes_asked_for(atom)]
    if YES in truths:
        return YES
    return MAYBE if MAYBE in truths else NO


def truth(condition: Json, facts: Facts) -> Truth:
    if condition["kind"] not in CONNECTIVES:
        return truth_of_atom(condition, facts)
    choices = itertools.product(*[truth(part, facts) for part in parts(condition)])
    return frozenset([combined(condition, choice) for choice in choices])


def combined(condition: Json, values: tuple[bool, ...]) -> bool:
    match condition["kind"]:
        case "not":
            return not values[0]
        case "and":
            return all(values)
        case "or":
            return any(values)
        case "at_least":
            return sum(values) >= condition["count"]
        case other:
            raise AssertionError(other)


def maybe_atoms(condition: Json, facts: Facts) -> Iterator[Json]:
    """The maybe atoms that one reaches down the maybe parts."""
    if truth(condition, facts) != MAYBE:
        return
    if condition["kind"] not in CONNECTIVES:
        yield condition
        return
    for part in parts(condition):
        yield from maybe_atoms(part, facts)


# --- rules -----------------------------------------------------------------------------------------------------------


def own_condition(rule: Json) -> Json:
    unless = [{"kind": "not", "item": rule["unless"]}] if "unless" in rule else []
    return {"kind": "and", "items": [rule["when"], *unless]}


class _Reading:
    """A policy and the known facts of one case, suppositions included."""

    def __init__(self, policy: Json, facts: Facts) -> None:
        self.policy = policy
        self.facts = facts
        self.rules: dict[str, Json] = {rule["name"]: rule for rule in policy["rules"]}
        self._found: dict[tuple[str, str], Truth] = {}

    def kept(self, what: str, name: str, find: Callable[[str], Truth]) -> Truth:
        if (what, name) not in self._found:
            self._found[what, name] = find(name)
        return self._found[what, name]

    def parents(self, name: str) -> list[str]:
        return self.rules[name].get("exception_to", [])

    def exceptions(self, name: str) -> list[str]:
        return [other for other in self.rules if name in self.parents(other)]

    def applies(self, name: str) -> Truth:
        return self.kept("applies", name, self._applies)

    def _applies(self, name: str) -> Truth:
        own = truth(own_condition(self.rules[name]), self.facts)
        if not self.parents(name):
            return own
        some_parent = itertools.product(*(self.applies(parent) for parent in self.parents(name)))
        return frozenset(mine and any(theirs) for mine, theirs in itertools.product(own, list(some_parent)))

    def effective(self, name: str) -> Truth:
        return self.kept("effective", name, self._effective)

    def _effective(self, name: str) -> Truth:
        overruled = itertools.product(*(self.applies(exception) for exception in self.exceptions(name)))
        return frozenset(
            mine and not any(theirs) for mine, theirs in itertools.product(self.applies(name), list(overruled))
        )

    def replacements(self, name: str) -> set[str]:
        """What may replace the rule: its exceptions that apply or may, and what may replace those."""
        found: set[str] = set()
        for exception in self.exceptions(name):
            if True in self.applies(exception):
                found |= {exception} | self.replacements(exception)
        return found

    def read_by(self, name: str) -> set[str]:
        """The unknown facts on which it depends whether the rule applies."""
        if self.applies(name) != MAYBE:
            return set()
        rule = self.rules[name]
        own = [rule["when"], *([rule["unless"]] if "unless" in rule else [])]
        found = {atom["fact"] for condition in own for atom in maybe_atoms(condition, self.facts)}
        truths = {parent: self.applies(parent) for parent in self.parents(name)}
        if YES not in truths.values():
            for parent, applies in truths.items():
                if applies == MAYBE:
                    found |= self.read_by(parent)
        return found

    def severity(self, name: str) -> float:
        """Of the rule's hazard, from the taxonomy's own nodes and not from what the compiler made of them."""
        rule = self.rules[name]
        if "hazard" in rule:
            library, _, node_name = rule["hazard"].rpartition(".")
            for full_name, taxonomy in self.policy["taxonomies"].items():
                nodes = {node["name"]: node for node in taxonomy["nodes"]}
                if library in (full_name, full_name.rpartition(".")[0]) and node_name in nodes:
                    node: Json | None = nodes[node_name]
                    while node is not None and "severity" not in node:
                        node = nodes.get(node.get("parent"))
                    return max(0.0, node["severity"]) if node is not None else 0.0
            raise AssertionError(f"no node {rule['hazard']}")
        return max((self.severity(parent) for parent in self.parents(name)), default=0.0)

    def distance(self, name: str) -> int:
        """The fewest atoms to change so that the rule applies."""
        own = cost(own_condition(self.rules[name]), True, self.facts)
        return own + min((self.distance(parent) for parent in self.parents(name)), default=0)


def cost(condition: Json, wanted: bool, facts: Facts) -> int:
    """The fewest atoms to change so that the condition comes to `wanted`."""
    if condition["kind"] == "not":
        return cost(condition["item"], not wanted, facts)
    if condition["kind"] not in CONNECTIVES:
        return 0 if truth(condition, facts) == frozenset({wanted}) else 1
    costs = sorted(cost(part, wanted, facts) for part in condition["items"])
    needed = {"and": len(costs), "or": 1, "at_least": condition.get("count", 0)}[condition["kind"]]
    if not wanted:  # Fewer than `needed` of n are so where n - needed + 1 are not.
        needed = len(costs) - needed + 1
    return sum(costs[:needed])


# --- the answers -----------------------------------------------------------------------------------------------------


def read(policy: Json, facts: Json) -> tuple[_Reading, Json]:
    known = {name: value for name, value in facts.items() if value is not None and value != {"unknown": True}}
    assumed = {
        fact["name"]: fact["assume"] for fact in policy["facts"] if "assume" in fact and fact["name"] not in known
    }
    facts_known = Facts(known | assumed)
    facts_known.trees = {
        fact["name"]: policy["taxonomies"][fact["type"]["taxonomy"]]["nodes"]
        for fact in policy["facts"]
        if fact["type"].get("taxonomy") is not None
    }
    return _Reading(policy, facts_known), assumed


def decide(policy: Json, facts: Json) -> Json:
    """The decision on the case `facts` (name to JSON value), as the charter's rules 1 to 6 say it, in JSON form."""
    reading, assumed = read(policy, facts)
    rules = reading.rules
    verdict_of = {name: rule["verdict"] for name, rule in rules.items()}
    certain_rules = {name for name in rules if reading.effective(name) == YES}  # C
    undecided = {name for name in rules if reading.effective(name) == MAYBE}  # M
    in_force = {name for name in rules if reading.applies(name) == YES}  # S
    may_hold = certain_rules | undecided

    if in_force:
        lower = strictest(
            laxest(verdict_of[other] for other in ({name} | reading.replacements(name)) & may_hold) for name in in_force
        )
        upper = strictest(verdict_of[name] for name in may_hold)
    else:
        possible = [policy["default"], *(verdict_of[name] for name in undecided)]
        lower, upper = laxest(possible), strictest(possible)

    deciding: set[str] = set()
    unsettled: set[str] = set()
    if lower == upper:
        verdict = lower
        deciding = {name for name in certain_rules if verdict_of[name] == verdict}
        if not deciding and in_force:
            candidates = in_force.union(*(reading.replacements(name) for name in in_force))
            deciding = {name for name in undecided & candidates if verdict_of[name] == verdict}
        speaker = min(deciding, key=lambda name: (-reading.severity(name), name)) if deciding else "default"
    else:
        matter = undecided
        if in_force:
            matter = {name for name in undecided if ORDER.index(verdict_of[name]) > ORDER.index(lower)}
        verdict = strictest([lower, strictest(rules[name].get("unsure", policy["unsure"]) for name in matter)])
        for name in matter:
            for reached in {name, *reading.exceptions(name)}:
                unsettled |= reading.read_by(reached)
        speaker = "unsure"

    return {
        "verdict": verdict,
        "lower": lower,
        "upper": upper,
        "certain": lower == upper,
        "deciding": sorted(deciding),
        "effective": sorted(certain_rules),
        "undecided": sorted(undecided),
        "unsettled": sorted(unsettled),
        "speaker": speaker,
        "assumed": assumed,
        "policy": policy["digest"],
    }


def nearest_rule(policy: Json, facts: Json) -> tuple[str, int] | None:
    """The rule nearest to applying among those stricter than the default, and its distance."""
    reading, _ = read(policy, facts)
    stricter = [rule for rule in policy["rules"] if ORDER.index(rule["verdict"]) > ORDER.index(policy["default"])]
    if not stricter:
        return None

    def key(rule: Json) -> tuple[int, int, float, str]:
        name = rule["name"]
        return (reading.distance(name), -ORDER.index(rule["verdict"]), -reading.severity(name), name)

    best = min(stricter, key=key)
    return best["name"], reading.distance(best["name"])
