"""What policies over the same facts can speak of: requests, things, and circumstances in which a rule is relaxed."""

from __future__ import annotations

from dataclasses import dataclass

from safecot_dsl.artifact import (
    And,
    CompiledPolicy,
    Condition,
    Fact,
    FactAtom,
    FlagIs,
    FlagType,
    Has,
    Is,
    OneOfType,
    Rule,
    SetType,
    Subject,
    fact_atoms,
    facts_read,
)
from safecot_dsl.dataset.errors import GenerateError
from safecot_dsl.dataset.policies.text import PolicySource

#: What a list of things is called that a policy sets up for itself.
LISTS = ("restricted", "regulated", "controlled", "sensitive", "off limits")

_ARTICLES = ("a ", "an ", "the ", "some ")


@dataclass(frozen=True)
class Things:
    """A condition that something is there: `condition` as an author writes it, `word` for names of rules, and `noun` as
    a sentence names it ("a fuel", "something that counts as corrosive"). `values` are the members that it is about."""

    fact: str
    condition: str
    word: str
    noun: str
    values: frozenset[str]


@dataclass(frozen=True)
class Circumstance:
    """A circumstance under which a rule is relaxed: `condition` as an author writes it, `word` for names, and `noun` as
    a sentence names it ("a laboratory", "this")."""

    fact: str
    condition: str
    word: str
    noun: str = "this"


@dataclass(frozen=True)
class Vocabulary:
    """What rules can be made of.

    `fixed` are the names of the rules that look at the request alone and do not answer it, and of the exceptions to
    these: what the policy's author never helps with, whatever the picture shows, no generated policy helps with either.
    `asked` is the fact that tells requests apart, and `requests` those of its values that other rules are about: what
    no rule touches stays harmless. `circumstances` are those in which the policy itself relaxes a rule, so that no
    generated one takes for an excuse what the policy's author does not.
    """

    fixed: frozenset[str]

    asked: Fact
    requests: tuple[str, ...]
    groups: tuple[Things, ...]
    singles: tuple[Things, ...]
    circumstances: tuple[Circumstance, ...]


def read_vocabulary(policy: CompiledPolicy, text: PolicySource) -> Vocabulary:
    """What a policy's facts, groups and rules give.

    Raises:
        GenerateError: no request is told apart by the rules, or no thing is named by them.
    """
    fixed = _fixed(policy)
    free = [rule for rule in policy.rules if rule.name not in fixed]
    atoms = [atom for rule in free for atom in fact_atoms(rule.when, rule.unless)]
    asked = _asked(policy, atoms)
    named, kept = (
        {
            value
            for rule in rules
            for atom in fact_atoms(rule.when, rule.unless)
            if isinstance(atom, Is) and atom.fact == asked.name
            for value in atom.values
        }
        for rules in (free, [rule for rule in policy.rules if rule.name in fixed])
    )
    assert isinstance(asked.type, OneOfType)
    requests = tuple(value.name for value in asked.type.values if value.name in named - kept)
    if not requests:
        raise GenerateError(
            f"every request that `{policy.header.name}` has a rule about is refused whatever the picture shows, so no "
            "other rules can be made of it"
        )
    groups = tuple(_groups(policy, text))
    singles = tuple(_singles(policy, atoms))
    if not groups and not singles:
        raise GenerateError(
            f"`{policy.header.name}` has no rule about things (`has any of …`), so no other rules can be made of it"
        )
    return Vocabulary(fixed, asked, requests, groups, singles, tuple(_circumstances(policy)))


def noun_of(phrase: str) -> str:
    """A group's phrase as a noun: "a fuel" is one; "corrosive" is "something that counts as corrosive"."""
    if phrase in LISTS:
        return f"something {phrase}"
    return phrase if phrase.startswith(_ARTICLES) else f"something that counts as {phrase}"


def _fixed(policy: CompiledPolicy) -> frozenset[str]:
    """The rules that look at the request alone and do not answer it, and the exceptions to them."""
    query = {fact.name for fact in policy.facts if fact.subject is Subject.QUERY}
    found = {
        rule.name
        for rule in policy.rules
        if not rule.exception_to and not rule.verdict.answers and query.issuperset(facts_read(rule.when, rule.unless))
    }
    pending = set(found)
    while pending:
        pending = {rule.name for rule in policy.rules if pending & set(rule.exception_to)} - found
        found |= pending
    return frozenset(found)


def _asked(policy: CompiledPolicy, atoms: list[FactAtom]) -> Fact:
    """The first fact of the request that has a list of values and that the rules ask for."""
    named = {atom.fact for atom in atoms}
    for fact in policy.facts:
        listed = isinstance(fact.type, OneOfType) and fact.type.taxonomy is None
        if fact.subject is Subject.QUERY and listed and fact.name in named:
            return fact
    raise GenerateError(
        f"no rule of `{policy.header.name}` asks for a fact of the request with a list of values (`one of {{…}}`), so "
        "no rules about other requests can be made of it"
    )


def _groups(policy: CompiledPolicy, text: PolicySource) -> list[Things]:
    """The groups with a phrase, whose members belong to a set that a fact is."""
    found: list[Things] = []
    for fact in policy.facts:
        known = {value.name for value in fact.type.values} if isinstance(fact.type, SetType) else frozenset[str]()
        for group in text.groups:
            if group.phrase is not None and not group.sentences and known.issuperset(group.members):
                condition = f"{fact.name} has any of {group.name}"
                found.append(Things(fact.name, condition, group.name, noun_of(group.phrase), frozenset(group.members)))
    return found


def _singles(policy: CompiledPolicy, atoms: list[FactAtom]) -> list[Things]:
    """The single things that some rule is about, by itself or as one of a group."""
    found: list[Things] = []
    for fact in policy.facts:
        if isinstance(fact.type, SetType):
            used = {
                value for atom in atoms if isinstance(atom, Has) and atom.fact == fact.name for value in atom.values
            }
            found += [
                Things(fact.name, f"{fact.name} has {value.name}", value.name, value.phrase, frozenset((value.name,)))
                for value in fact.type.values
                if value.name in used
            ]
    return found


def _circumstances(policy: CompiledPolicy) -> list[Circumstance]:
    """What the policy's own exceptions ask for, and what stands in `unless`."""
    found: dict[str, Circumstance] = {}
    for rule in policy.rules:
        conditions = [rule.unless, rule.when if rule.exception_to else None]
        for atom in (atom for condition in conditions if condition is not None for atom in asked_for(condition)):
            fact = policy.fact_index[atom.fact]
            if fact.subject is Subject.QUERY:
                continue
            if isinstance(atom, Is) and isinstance(fact.type, OneOfType) and fact.type.taxonomy is None:
                for value in atom.values:
                    condition = f"{fact.name} is {value}"
                    found.setdefault(condition, Circumstance(fact.name, condition, value, fact.phrase(value)))
            elif isinstance(atom, FlagIs) and isinstance(fact.type, FlagType):
                found.setdefault(fact.name, Circumstance(fact.name, fact.name, fact.name.rpartition(".")[2]))
    return list(found.values())


def asked_for(condition: Condition) -> list[FactAtom]:
    """The atoms that have to hold for the condition to hold, as far as that can be seen: of an `and` each part."""
    match condition:
        case And(items=items):
            return [atom for item in items for atom in asked_for(item)]
        case FlagIs() | Is() | Has():
            return [condition]
        case _:
            return []


def things_of(policy: CompiledPolicy, rule: Rule, vocabulary: Vocabulary) -> tuple[Things, ...]:
    """The things that a rule is about, where it asks for a request and for one or two things or groups and nothing
    else; none for any other rule."""
    atoms = asked_for(rule.when)
    things = tuple(found for atom in atoms if (found := _things(policy, atom)) is not None)
    of_request = [atom for atom in atoms if isinstance(atom, Is) and atom.fact == vocabulary.asked.name]
    return things if len(things) in (1, 2) and len(things) + len(of_request) == _parts(rule.when) else ()


def _things(policy: CompiledPolicy, atom: FactAtom) -> Things | None:
    """What an atom asks to be there: any of a group, or one single thing."""
    if not isinstance(atom, Has):
        return None
    if atom.group is not None and atom.quantifier == "any":
        noun = noun_of(policy.groups[atom.group].phrase)
        return Things(atom.fact, f"{atom.fact} has any of {atom.group}", atom.group, noun, frozenset())
    if atom.group is None and len(atom.values) == 1:
        only = atom.values[0]
        return Things(
            atom.fact, f"{atom.fact} has {only}", only, policy.fact_index[atom.fact].phrase(only), frozenset()
        )
    return None


def _parts(condition: Condition) -> int:
    return sum(map(_parts, condition.items)) if isinstance(condition, And) else 1
