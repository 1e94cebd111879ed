"""Whether an artifact hangs together: what a schema cannot say, and all that reads artifacts relies on.

The compiler writes no other artifacts; a file can hold any. Its digest proves nothing, since anybody can work it out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from safecot_dsl.artifact.case import CaseError, read_case, read_value
from safecot_dsl.artifact.conditions import (
    COMPILE_AGAIN,
    And,
    AtLeast,
    Condition,
    FactAtom,
    Not,
    Or,
    Proposed,
    atoms,
    fact_atoms,
    foreign,
    is_pattern,
)
from safecot_dsl.artifact.facts import Band, Fact, FlagType, NumberType, OneOfType, SetType, TextType
from safecot_dsl.artifact.templates import FactSlot, Template, Text, ValueSlot
from safecot_dsl.artifact.verdict import Verdict

if TYPE_CHECKING:
    from safecot_dsl.artifact.policy import CompiledPolicy, Law, Rule, Speech

#: Levels of a condition, a `let` counting as one: all that works on conditions is recursive. Twice as many levels of
#: JSON come of it, and JSON readers stop at 200. The compiler holds policies to it too.
MAX_DEPTH = 64

_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_FACT = re.compile(r"(?:image|query|context)\.[a-z][a-z0-9_]*", re.ASCII)
_SPEAKERS = frozenset({"default", "unsure"})  # a decision's speaker is one of these, or a rule

#: The sentences that a fact of each type can have.
SENTENCES: dict[type, tuple[str, ...]] = {
    FlagType: ("says", "not"),
    OneOfType: ("says", "not"),
    SetType: ("says", "not", "none"),
    NumberType: ("bands",),
    TextType: ("says", "none"),
}
#: What ends a line where somebody reads it: a sentence of the reasoning has none.
LINE_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


class InconsistentError(ValueError):
    """An artifact that no compiler wrote: a part of it speaks of another that is not there, or not so."""


def require_consistent(policy: CompiledPolicy) -> None:
    """Raises :class:`InconsistentError` for the first thing in `policy` that does not hang together."""
    for fault in _Consistency(policy).faults():
        raise InconsistentError(f"not a compiled policy: {fault}")


class _Consistency:
    def __init__(self, policy: CompiledPolicy) -> None:
        self._policy = policy
        self._facts = policy.fact_index
        self._rules = policy.rule_index

    def faults(self) -> Iterator[str]:
        """What is wrong. Only the first can be relied on: what follows may be a consequence."""
        yield from self._named()
        for name in sorted(set(Verdict) - set(self._policy.verdict_phrases)):
            yield f"there are no phrases for `{name}`"
        for taxonomy in self._policy.taxonomies.values():
            yield from _tree([(node.name, node.parent) for node in taxonomy.nodes], f"taxonomy `{taxonomy.name}`")
        for fact in self._policy.facts:
            yield from self._fact(fact)
        yield from self._criteria()
        for rule in self._policy.rules:
            yield from self._rule(rule)
        yield from _circle({rule.name: rule.exception_to for rule in self._policy.rules}, "exceptions")
        yield from self._speech(self._policy.default_speech, "`default`")
        yield from self._speech(self._policy.unsure_speech, "`unsure`")
        yield from self._groups()
        if not self._policy.nothing_in_question:
            yield "there is no phrase for where no rule is in question"
        yield from self._claims()

    def _named(self) -> Iterator[str]:
        for what, names, form in (
            ("fact", [fact.name for fact in self._policy.facts], _FACT),
            ("rule", [rule.name for rule in self._policy.rules], _NAME),
        ):
            yield from (f"`{name}` is no name of a {what}" for name in names if not form.fullmatch(name))
            yield from _twice(names, what)
        yield from (f"a rule is called `{name}`" for name in sorted(_SPEAKERS & set(self._rules)))

    def _fact(self, fact: Fact) -> Iterator[str]:
        if isinstance(fact.type, OneOfType | SetType):
            names = [value.name for value in fact.type.values]
            yield from _twice(names, f"value of `{fact.name}`")
            yield from (
                f"`{name}` is no name of a value of `{fact.name}`" for name in names if not _NAME.fullmatch(name)
            )
            if isinstance(fact.type, OneOfType) and not names:
                yield f"`{fact.name}` has no values"
            yield from self._ranging(fact)
        elif isinstance(fact.type, NumberType) and fact.type.low > fact.type.high:
            yield f"the range of `{fact.name}` is empty"
        if fact.assume is not None:
            try:
                read_value(fact, fact.assume)
            except CaseError as error:
                yield f"what is assumed of {error}"
        yield from _fact_sentences(fact)

    def _ranging(self, fact: Fact) -> Iterator[str]:
        """A fact that ranges over a taxonomy has its nodes as values, each below the same one."""
        assert isinstance(fact.type, OneOfType | SetType)
        stood = [(value.name, value.parent) for value in fact.type.values]
        nodes: list[tuple[str, str | None]] = [(name, None) for name, _ in stood]
        if isinstance(fact.type, OneOfType) and fact.type.taxonomy is not None:
            taxonomy = self._policy.taxonomies.get(fact.type.taxonomy)
            if taxonomy is None:
                yield f"there is no taxonomy `{fact.type.taxonomy}`"
                return
            nodes = [(node.name, node.parent) for node in taxonomy.nodes]
        if stood != nodes:
            yield f"the values of `{fact.name}` do not stand as the nodes of a taxonomy: {COMPILE_AGAIN}"

    def _rule(self, rule: Rule) -> Iterator[str]:
        where = f"rule `{rule.name}`"
        yield from (f"{where}: there is no rule `{name}`" for name in rule.exception_to if name not in self._rules)
        if rule.hazard is not None and rule.hazard not in self._policy.hazards:
            yield f"{where}: there is no hazard `{rule.hazard}`"
        yield from self._condition(rule.when, where)
        yield from self._condition(rule.unless, where)
        yield from self._proposed(rule.require, where)
        yield from self._speech(rule.speech, where)

    def _speech(self, speech: Speech, where: str) -> Iterator[str]:
        for step in speech.think:
            yield from self._condition(step.when, where)
        templates = [template for step in speech.think for template in step.alternatives]
        for utterance in (speech.answer.say, speech.answer.offer):
            if utterance is None:
                continue
            if utterance.template is not None:
                templates.append(utterance.template)
            if utterance.phrase_set is not None and utterance.phrase_set not in self._policy.phrases:
                yield f"{where}: there are no phrases `{utterance.phrase_set}`"
        segments = [segment for template in templates for segment in template]
        if any(isinstance(segment, ValueSlot) for segment in segments):
            yield f"{where}: a slot for a value, and no fact speaks here"
        for slot in (segment for segment in segments if isinstance(segment, FactSlot)):
            fact = self._facts.get(slot.fact)
            if fact is None:
                yield f"{where}: there is no fact `{slot.fact}`"
            elif isinstance(fact.type, FlagType):
                yield f"{where}: the flag `{slot.fact}` has no text"
            elif slot.among is not None:
                yield from (f"{where}: {fault}" for fault in foreign(slot.among, fact))

    def _condition(self, condition: Condition | None, where: str) -> Iterator[str]:
        if condition is None:
            return
        yield from _shape(condition, where)
        for atom in atoms(condition):
            if isinstance(atom, Proposed):
                yield f"{where}: the proposition `{atom.name}` stands among facts"
            else:
                yield from self._atom(atom, where)

    def _atom(self, atom: FactAtom, where: str) -> Iterator[str]:
        fact = self._facts.get(atom.fact)
        if fact is None:
            yield f"{where}: there is no fact `{atom.fact}`"
            return
        if not isinstance(fact.type, atom.reads):
            yield f"{where}: `{atom.fact}` is of another type than a condition takes it for"
            return
        yield from (f"{where}: {fault}" for fault in atom.faults(fact))

    def _groups(self) -> Iterator[str]:
        for name, group in self._policy.groups.items():
            where = f"group `{name}`"
            if not group.phrase.strip() or any(character in group.phrase for character in LINE_BREAKS):
                yield f"{where}: its phrase is no part of a sentence"
            yield from _sentences(group.says, where, values=1)
            yield from _sentences(group.none, where, values=0)
        for rule in self._policy.rules:
            for atom in fact_atoms(rule.when, rule.unless, *(step.when for step in rule.speech.think)):
                if atom.grouped is not None and atom.grouped not in self._policy.groups:
                    yield f"rule `{rule.name}`: there is no group `{atom.grouped}`"

    def _criteria(self) -> Iterator[str]:
        criteria = self._policy.criteria
        for name, proposition in criteria.propositions.items():
            for detector in proposition.detectors:
                if detector.pattern is not None and not is_pattern(detector.pattern, detector.ignore_case):
                    yield f"proposition `{name}`: a pattern that cannot be used"
        yield from _twice([*criteria.propositions, *criteria.lets], "proposition")
        for name, let in criteria.lets.items():
            yield from self._proposed(let, f"`let {name}`")
        used = {
            name: [atom.name for atom in atoms(let) if isinstance(atom, Proposed)]
            for name, let in criteria.lets.items()
        }
        yield from _circle(used, "`let`s")
        for verdict, due in criteria.due.items():
            for entry in due.classes:
                yield from self._proposed(entry.when, f"class `{entry.name}` for `{verdict}`")

    def _proposed(self, condition: Condition | None, where: str) -> Iterator[str]:
        if condition is None:
            return
        yield from _shape(condition, where)
        for atom in atoms(condition):
            if not isinstance(atom, Proposed):
                yield f"{where}: the fact `{atom.fact}` stands among propositions"
            elif atom.name not in self._propositions:
                yield f"{where}: there is no proposition `{atom.name}`"

    @cached_property
    def _propositions(self) -> frozenset[str]:
        return frozenset({*self._policy.criteria.propositions, *self._policy.criteria.lets})

    def _claims(self) -> Iterator[str]:
        for example in self._policy.examples:
            try:
                read_case(self._policy, {"facts": example.given})
            except CaseError as error:
                yield f"example `{example.name}`: {error}"
        for claim in self._policy.properties:
            yield from self._condition(claim.given, f"property `{claim.name}`")
            if not claim.expect:
                yield f"property `{claim.name}` expects no verdict"
        for law in self._policy.laws:
            yield from self._condition(law.given, f"law `{law.name}`")
            yield from self._change(law)
        for table in self._policy.tables:
            where = f"table `{table.name}`"
            yield from (f"{where}: there is no fact `{name}`" for name in table.facts if name not in self._facts)
            yield from (f"{where}: there is no rule `{name}`" for name in table.rows if name not in self._rules)

    def _change(self, law: Law) -> Iterator[str]:
        where = f"law `{law.name}`"
        fact = self._facts.get(law.fact)
        if fact is None:
            yield f"{where}: there is no fact `{law.fact}`"
            return
        match law.change, fact.type:
            case "becomes", FlagType() if law.values in (("yes",), ("no",)):
                return
            case ("becomes", OneOfType()) | ("gains", SetType()):
                yield from (f"{where}: {fault}" for fault in foreign(law.values, fact))
            case (("rises" | "falls"), NumberType()):
                return
            case _:
                yield f"{where}: `{law.fact}` does not change in this way"


def _fact_sentences(fact: Fact) -> Iterator[str]:
    """Sentences that the type of the fact has not, or that are none; bands that hold no value, or leave one out."""
    named = 0 if isinstance(fact.type, FlagType) else 1
    given = {"says": fact.says, "not": fact.denies, "none": fact.none, "bands": fact.bands}
    for what, values in given.items():
        if values and what not in SENTENCES[type(fact.type)]:
            yield f"`{fact.name}` has sentences (`{what}`) that its type has not"
    where = f"`{fact.name}`"
    yield from _sentences(fact.says, where, values=named)
    yield from _sentences(fact.denies, where, values=named)
    yield from _sentences(fact.none, where, values=0)
    if fact.bands and isinstance(fact.type, NumberType):
        yield from _bands(fact.bands, fact.type, where)


def _bands(bands: Sequence[Band], type_: NumberType, where: str) -> Iterator[str]:
    *before, last = [band.below for band in bands]
    if last is not None or None in before:
        yield f"{where}: the last band, and no other, is without an end"
    ends = [type_.low, *(end for end in before if end is not None)]
    if not all(one < other for one, other in pairwise(ends)) or ends[-1] > type_.high:
        yield f"{where}: a band ends where none can"
    for band in bands:
        if not band.texts:
            yield f"{where}: a band without a sentence"
        yield from _sentences(band.texts, where, values=0)


def _sentences(templates: Iterable[Template], where: str, *, values: int) -> Iterator[str]:
    """Each is one line of text and as many slots for a value as it has to have."""
    for template in templates:
        text = "".join(segment.text for segment in template if isinstance(segment, Text))
        if not text.strip() or any(character in text for character in LINE_BREAKS):
            yield f"{where}: a sentence that is empty or goes over several lines"
        if sum(isinstance(segment, ValueSlot) for segment in template) != values or not all(
            isinstance(segment, Text | ValueSlot) for segment in template
        ):
            yield f"{where}: a sentence with a slot that it cannot have, or without the one that it must have"


def _shape(condition: Condition, where: str, level: int = 1) -> Iterator[str]:
    """Of what is too deep only one is said."""
    if level > MAX_DEPTH:
        yield f"{where}: a condition is deeper than {MAX_DEPTH} levels"
        return
    match condition:
        case Not(item=item):
            yield from _shape(item, where, level + 1)
        case And(items=items) | Or(items=items) | AtLeast(items=items):
            if not items:
                yield f"{where}: `{condition.kind}` of nothing"
            if isinstance(condition, AtLeast) and not 1 <= condition.count <= len(items):
                yield f"{where}: at least {condition.count} of {len(items)}"
            for item in items:
                yield from _shape(item, where, level + 1)
        case _:
            return


def _twice(names: Iterable[str], what: str) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield f"the {what} `{name}` stands twice"
        seen.add(name)


def _tree(nodes: Iterable[tuple[str, str | None]], where: str) -> Iterator[str]:
    """Parents stand before their children."""
    seen: set[str] = set()
    for name, parent in nodes:
        if name in seen:
            yield f"{where}: `{name}` stands twice"
        if parent is not None and parent not in seen:
            yield f"{where}: `{name}` stands under `{parent}`, which is not before it"
        seen.add(name)


def _circle(uses: Mapping[str, Collection[str]], what: str) -> Iterator[str]:
    """Names that depend on one another. Names that are not keys depend on nothing."""
    waiting = {name: len(set(used) & uses.keys()) for name, used in uses.items()}
    users: dict[str, list[str]] = {name: [] for name in uses}
    for name, used in uses.items():
        for other in set(used) & uses.keys():
            users[other].append(name)
    ready = [name for name, count in waiting.items() if not count]
    for name in ready:  # grows while it is walked
        for user in users[name]:
            waiting[user] -= 1
            if not waiting[user]:
                ready.append(user)
    if len(ready) < len(waiting):
        yield f"{what} go in a circle: {', '.join(f'`{name}`' for name in sorted(set(waiting) - set(ready))[:4])}"
