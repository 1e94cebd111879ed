"""What a sentence says of a fact: the policy's own words where it has them, else built ones.

A *statement* says the whole value of a fact ("It was taken in a kitchen."). A *look-up* says how a value that was
stated stands to a literal of a condition ("The vial counts as an acid, the cup does not."); there is none where the
statement says as much. The reader of these sentences is :mod:`safecot_dsl.reading`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from math import inf, nextafter
from typing import Any, NamedTuple

from safecot_dsl.artifact import (
    CompiledPolicy,
    Fact,
    FactAtom,
    FlagType,
    NumberType,
    OneOfType,
    SetType,
    Template,
    Text,
    TextType,
    TreeAtom,
    Value,
    fact_atoms,
)
from safecot_dsl.engine.operators import bounds
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.english import capitalised, continued, definite, is_one, is_plural, listed, spelled
from safecot_dsl.render.operators import OPERATOR_WORDS
from safecot_dsl.render.phrasing import phrase, phrases, shortened, words
from safecot_dsl.render.style import Lookups

_SUBJECTS = {"image": "image's", "query": "request's", "context": "context's"}
_MOST_THINGS = 3  # that are named one by one in a denial; of more, "nothing seen" says the same
_NOTHING_ELSE = "nothing else seen does"
_MOST_CHOICES = 4  # that a question names; of more it would be a list
_BANDS = {
    1: ("as it is",),
    2: ("low", "high"),
    3: ("low", "middling", "high"),
    4: ("very low", "low", "high", "very high"),
    5: ("very low", "low", "middling", "high", "very high"),
}


@dataclass(frozen=True, slots=True)
class Wording:
    """What can be said at one place: alternatives, the source-map key of where they come from, and whether they were
    built, not written by an author."""

    texts: tuple[str, ...]
    key: str
    built: bool


class _Thing(NamedTuple):
    """A thing by its phrase, and whether it belongs to the group that is looked up."""

    phrase: str
    belongs: bool


class Sentences:
    """The sentences on the facts of one policy."""

    def __init__(self, policy: CompiledPolicy, lookups: Lookups = Lookups.THINGS) -> None:
        self.policy = policy
        self.lookups = lookups
        names = [words(fact.name) for fact in policy.facts]
        self._names = {
            fact.name: name if names.count(name) == 1 else f"{_SUBJECTS[fact.subject]} {name}"
            for fact, name in zip(policy.facts, names, strict=True)
        }
        self._groups: dict[str, dict[str, frozenset[str]]] = {}
        for rule in policy.rules:
            for atom in fact_atoms(rule.when, rule.unless):
                if atom.reads is SetType and atom.grouped is not None:
                    self._groups.setdefault(atom.fact, {})[atom.grouped] = frozenset(atom.listed)
        self._cuts = {fact.name: number_cuts(policy, fact.name) for fact in policy.facts if fact.type.kind == "number"}

    def stated(self, fact: Fact, value: Value) -> Wording:
        """The whole value, as it is known."""
        match fact.type, value:
            case FlagType(), bool():
                authored, key = (fact.says, "says") if value else (fact.denies, "not")
                shown = ""
                built = _flag_sentence(fact, value)
            case OneOfType(), str():
                authored, key, shown = fact.says, "says", phrase(fact, value)
                built = f"{self.the(fact)} {self._is(fact)} {shown}."
            case SetType(), frozenset():
                authored, key = (fact.says, "says") if value else (fact.none, "none")
                shown = listed(phrases(fact, value))
                name = self._names[fact.name]
                built = f"{self.the(fact)} include{'' if self._is(fact) == 'are' else 's'} {shown}."
                if not value:
                    built = f"There {self._is(fact)} no {name}."
            case NumberType(), float() | int():
                return self._band(fact, float(value))
            case TextType(), str():
                line = fold_line(value)
                authored, key = (fact.says, "says") if line else (fact.none, "none")
                shown = shortened(line.replace('"', "'"))
                built = f'{self.the(fact)} {"read" if self._is(fact) == "are" else "reads"} "{shown}".'
                if not line:
                    built = f"There {self._is(fact)} no {self._names[fact.name]}."
            case _:
                raise TypeError(f"{value!r} is no value of `{fact.name}`")
        return _wording(authored, shown, f"fact:{fact.name}.{key}", built, f"fact:{fact.name}")

    def untold(self, fact: Fact) -> Wording:
        """That nobody can tell the value."""
        return Wording((f"I cannot tell {self.asked(fact)}.",), f"fact:{fact.name}.ask", built=fact.ask is None)

    def asked(self, fact: Fact) -> str:
        """What is not known of the fact, as it stands after "I cannot tell" or "depends on"."""
        if fact.ask is not None:
            return fold_line(fact.ask).rstrip(".?!")
        said = _open_statement(fact)
        if said:
            return f"whether {continued(said)}"
        if isinstance(fact.type, FlagType):
            return f"whether this is a case of {words(fact.name)}"
        return f"what the {self._names[fact.name]} {self._is(fact)}"

    def supposed(self, fact: Fact, value: Value) -> Wording:
        """That a value is supposed, since nothing is known."""
        stated = self.stated(fact, value)
        texts = tuple(f"I suppose that {continued(text)}." for text in stated.texts)
        return Wording(texts, f"fact:{fact.name}", built=True)

    def lookup(self, atom: FactAtom, value: Any, so: bool) -> Wording | None:
        """How the known `value` of the atom's fact stands to the atom, which is `so` or not; None where the statement
        of the value says it already."""
        return OPERATOR_WORDS[type(atom)].lookup(self, atom, self.policy.fact_index[atom.fact], value, so)

    def undecided(self, atom: TreeAtom, value: str) -> Wording:
        """That the known `value` leaves open whether the atom is so: the truth lies somewhere below it."""
        fact = self.policy.fact_index[atom.fact]
        group = atom.grouped
        texts = self.policy.groups.get(group) if group is not None else None
        if group is not None:
            counts_as = texts.phrase if texts is not None else words(group)
        else:
            counts_as = listed(phrases(fact, atom.named), "or")
        thing = capitalised(definite(phrase(fact, value)))
        text = f"{thing} may or may not count as {counts_as}."
        return Wording((self._asked(counts_as, text),), texts.key if texts else f"fact:{fact.name}", True)

    def kinds(self, fact: Fact, value: frozenset[str]) -> Wording | None:
        """What the things seen count as, of the smallest group of each that a condition names; None where no group has
        any of them."""
        groups = sorted(self._groups.get(fact.name, {}).items(), key=lambda group: (len(group[1]), group[0]))
        said: list[str] = []
        for group, members in groups:
            inside = phrases(fact, {v for v in value & members if self._smallest(groups, v) == group})
            if inside:
                texts = self.policy.groups.get(group)
                said.append(self._all(inside, texts.phrase if texts is not None else words(group)))
        return self.built(fact, " ".join(said)) if said else None

    @staticmethod
    def _smallest(groups: Sequence[tuple[str, frozenset[str]]], value: str) -> str | None:
        return next((group for group, members in groups if value in members), None)

    def grouped(self, fact: Fact, members: Sequence[str], group: str, value: Any) -> Wording:
        """Which of the things that the value is, or has, count as what the group of these members is called."""
        texts = self.policy.groups.get(group)
        counts_as = texts.phrase if texts is not None else words(group)
        things = _things(fact, {value} if isinstance(value, str) else value, members)
        inside = [thing.phrase for thing in things if thing.belongs]
        wording = Wording((self._counting(things, counts_as),), texts.key if texts else f"fact:{fact.name}", True)
        if texts is not None and inside and texts.says:
            shown = listed([definite(thing) for thing in inside])
            wording = _wording(texts.says, shown, texts.key, "", texts.key)
        elif texts is not None and not inside and texts.none:
            wording = _wording(texts.none, "", texts.key, "", texts.key)
        return replace(wording, texts=tuple(self._asked(counts_as, text) for text in wording.texts))

    def sorted_out(
        self, fact: Fact, values: Sequence[str], members: Collection[str], counts_as: str, group: str
    ) -> Wording:
        """Which of the values of a fact, up to three, count as something, as a built look-up says it of things seen;
        `group` is the name of the group of these members."""
        texts = self.policy.groups.get(group)
        things = _things(fact, values, members)
        if self.lookups is Lookups.IN_TURN or any(thing.belongs for thing in things):
            said = self._counting(things, counts_as)
        else:
            said = self._none([thing.phrase for thing in things], counts_as)
        key = texts.key if texts is not None else f"fact:{fact.name}"
        return Wording((self._asked(counts_as, said),), key, built=True)

    def counts(self, fact: Fact, value: str, counts_as: str, *, so: bool) -> Wording:
        """That a choice counts as something, or does not."""
        return self.built(fact, self._asked(counts_as, self._counting([_Thing(phrase(fact, value), so)], counts_as)))

    def _asked(self, counts_as: str, said: str) -> str:
        """A look-up, behind its question where look-ups are asked."""
        return f"{question(counts_as)} {said}" if self.lookups.asks else said

    def _counting(self, things: Sequence[_Thing], counts_as: str) -> str:
        """Which of the things count as something."""
        inside = [thing.phrase for thing in things if thing.belongs]
        outside = [thing.phrase for thing in things if not thing.belongs]
        many = len(outside) > _MOST_THINGS
        if self.lookups is Lookups.IN_TURN and things and (inside or not many):
            return _in_turn([thing for thing in things if thing.belongs or not many], others=many)
        if self.lookups is Lookups.GROUP and inside:
            return f"What counts as {counts_as} is {listed([definite(thing) for thing in inside])}."
        if self.lookups is Lookups.EACH and things:
            each = [self._all([thing], counts_as) for thing in inside]
            return " ".join([*each, *(self._none([thing], counts_as) for thing in outside)])
        if self.lookups is Lookups.GROUP or not inside:
            return self._none([] if self.lookups in (Lookups.EACH, Lookups.GROUP) else outside, counts_as)
        whole = self._all(inside, counts_as)
        if not outside:
            return whole
        if many:
            return f"{whole[:-1]}, nothing else seen does."
        does = "do" if len(outside) > 1 or is_plural(outside[0]) else "does"
        return f"{whole[:-1]}, {listed([definite(thing) for thing in outside])} {does} not."

    def _all(self, things: Sequence[str], counts_as: str) -> str:
        verb = "count" if len(things) > 1 or is_plural(things[0]) else "counts"
        if len(things) > 1 and is_one(counts_as):
            verb = "each count"  # as a weapon
        return f"{capitalised(listed([definite(thing) for thing in things]))} {verb} as {counts_as}."

    def _none(self, things: Sequence[str], counts_as: str) -> str:
        if not things or len(things) > _MOST_THINGS:
            return f"Nothing seen counts as {counts_as}."
        if len(things) == 1:
            does = "do" if is_plural(things[0]) else "does"
            return f"{capitalised(definite(things[0]))} {does} not count as {counts_as}."
        verb = "count" if is_plural(things[-1]) else "counts"
        return f"Neither {listed([definite(thing) for thing in things], 'nor')} {verb} as {counts_as}."

    def lacking(self, fact: Fact, missing: Sequence[str], value: frozenset[str]) -> Wording:
        """That none of the things seen is one that a condition asks for."""
        wanted = listed(phrases(fact, missing), "or")
        if fact.denies:
            return _wording(fact.denies, wanted, f"fact:{fact.name}.not", "", f"fact:{fact.name}")
        things = phrases(fact, value)
        if not things or len(things) > _MOST_THINGS:
            return self.built(fact, f"Nothing seen is {wanted}.")
        if len(things) == 1:
            are = "are" if is_plural(things[0]) else "is"
            return self.built(fact, f"{capitalised(definite(things[0]))} {are} not {wanted}.")
        verb = "are" if is_plural(things[-1]) else "is"
        return self.built(fact, f"Neither {listed([definite(thing) for thing in things], 'nor')} {verb} {wanted}.")

    def other(self, fact: Fact, excluded: Sequence[str]) -> Wording:
        """That a choice is another one than those of a condition."""
        wanted = listed(excluded, "or")
        built = f"{self.the(fact)} {self._is(fact)} not {wanted}."
        return _wording(fact.denies, wanted, f"fact:{fact.name}.not", built, f"fact:{fact.name}")

    def _band(self, fact: Fact, value: float) -> Wording:
        key = f"fact:{fact.name}"
        for band in fact.bands:
            if band.below is None or value < band.below:
                return _wording(band.texts, "", f"{key}.bands", "", key)
        cuts = self._cuts[fact.name]
        number = sum(value >= cut for cut in cuts)
        named = _BANDS.get(len(cuts) + 1)
        state = named[number] if named else f"in range {spelled(number + 1)} of {spelled(len(cuts) + 1)}"
        return Wording((f"{self.the(fact)} {self._is(fact)} {state}.",), key, built=True)

    def bands(self, fact: Fact) -> list[tuple[float, Wording]]:
        """The lowest value of each band of a number and how it is told, in rising order."""
        assert isinstance(fact.type, NumberType)
        low = fact.type.low
        starts = [band.below for band in fact.bands if band.below is not None] if fact.bands else self._cuts[fact.name]
        return [(start, self._band(fact, start)) for start in (low, *(start for start in starts if start > low))]

    def name(self, fact: Fact) -> str:
        """How sentences name the fact."""
        return self._names[fact.name]

    def the(self, fact: Fact) -> str:
        """The fact's name where it begins a sentence."""
        return f"The {self._names[fact.name]}"

    def is_plural(self, fact: Fact) -> bool:
        """Whether the fact's name is one of several things."""
        return is_plural(self._names[fact.name])

    def _is(self, fact: Fact) -> str:
        return "are" if self.is_plural(fact) else "is"

    def built(self, fact: Fact, text: str) -> Wording:
        """A sentence on the fact that no author wrote."""
        return Wording((text,), f"fact:{fact.name}", built=True)


def number_cuts(policy: CompiledPolicy, fact: str) -> list[float]:
    """Where conditions of rules tell the values of a number apart: the lowest value of each range but the first, in
    rising order."""
    of = policy.fact_index[fact]
    found: set[float] = set()
    for rule in policy.rules:
        for atom in fact_atoms(rule.when, rule.unless):
            for bound in bounds(atom, of) if atom.fact == fact else ():
                found.add(bound.operand if bound.kind == "at least" else nextafter(bound.operand, inf))
    assert isinstance(of.type, NumberType)
    return sorted(cut for cut in found if of.type.low < cut <= of.type.high)


def _things(fact: Fact, values: Collection[str], members: Collection[str]) -> list[_Thing]:
    """The values in the order in which the fact declares them, which is that in which they are said to be seen."""
    assert isinstance(fact.type, OneOfType | SetType)
    named = {value.name: fold_line(value.phrase) for value in fact.type.values}
    return [_Thing(phrase, name in members) for name, phrase in named.items() if name in values]


def _in_turn(things: Sequence[_Thing], *, others: bool) -> str:
    """Each thing, and whether it does: the answer to the question what counts as something. With `others`, more was
    seen, and none of it does."""
    said: list[str] = []
    before: bool | None = None
    for thing in things:
        does = "do" if is_plural(thing.phrase) else "does"
        same = "" if thing.belongs is not before else " too" if thing.belongs else " either"
        said.append(f"{definite(thing.phrase)} {does}{'' if thing.belongs else ' not'}{same}")
        before = thing.belongs
    if others:
        said.append(_NOTHING_ELSE)
    return f"{capitalised(', '.join(said))}."


def told_in_turn(text: str) -> frozenset[tuple[str, bool]] | None:
    """Which things an answer as :func:`_in_turn` writes it names, and whether each does, in whatever order; None for
    any other text. A text in which a thing is named twice is another one."""
    said = text.removesuffix(".").split(", ")
    told: dict[str, bool] = {}
    again = ""  # behind one of which the same is so as of the one before it
    for place, clause in enumerate(said):
        if clause == _NOTHING_ELSE and 0 < place == len(said) - 1:
            told[clause] = True
            continue
        verb = clause.removesuffix(again)
        so = not verb.endswith(" not")
        same, again = again, " too" if so else " either"
        thing = verb.removesuffix(" not")
        if not thing.endswith((" does", " do")) or (verb != clause) != (same == again):
            return None
        told[thing[:1].lower() + thing[1:]] = so
    return frozenset(told.items()) if text.endswith(".") and len(told) == len(said) else None


def question(counts_as: str) -> str:
    """What a look-up answers; it says nothing by itself."""
    return f"What counts as {counts_as}?"


def filled(template: Template, shown: str) -> str:
    """A sentence of a fact or a group with its values in it."""
    text = "".join(segment.text if isinstance(segment, Text) else shown for segment in template)
    return capitalised(fold_line(text))


def _wording(authored: Sequence[Template], shown: str, key: str, built: str, built_key: str) -> Wording:
    if authored:
        return Wording(tuple(filled(template, shown) for template in authored), key, built=False)
    return Wording((built,), built_key, built=True)


def asks_by_name(fact: Fact) -> bool:
    """Whether what is not known of the fact is built from its bare name: there is no `ask`, and no statement that could
    be put in question."""
    return fact.ask is None and not _open_statement(fact)


def _open_statement(fact: Fact) -> str:
    """What could be so, as the author has it: the statement of a flag, or that of a choice with its few values."""
    said = ""
    if isinstance(fact.type, FlagType):
        said = filled(fact.says[0], "") if fact.says else fold_line(fact.description or "")
    elif isinstance(fact.type, OneOfType) and fact.says and len(fact.type.values) <= _MOST_CHOICES:
        said = filled(fact.says[0], listed([phrase(fact, value.name) for value in fact.type.values], "or"))
    return "" if re.search(r"[.!?]\s", said) else said  # of two sentences, one would stand after "whether"


def _flag_sentence(fact: Fact, value: bool) -> str:
    said = fold_line(fact.description or "").rstrip(".")
    if not said:
        return f"This is {'a' if value else 'no'} case of {words(fact.name)}."
    return f"{said}." if value else f"It is not so that {continued(said)}."
