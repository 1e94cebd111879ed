"""What a reasoning has to name: the facts that its rule rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from safecot_dsl.artifact import Fact, FlagIs, Has, Is, Subject, Within
from safecot_dsl.dataset.writing.lexicon import Lexicon
from safecot_dsl.dataset.writing.model import Fault
from safecot_dsl.dataset.writing.statements import Clause, mentions
from safecot_dsl.dataset.writing.words import NEGATORS, NOT_KNOWN, WEAK, content, words
from safecot_dsl.engine import Trace, Truth, evaluate
from safecot_dsl.render.phrasing import listed, phrases
from safecot_dsl.render.reasons import About, Grounds, Standing

#: A value is named where words of its phrase are there that make up this share of what tells it from others.
NAMED = 0.5


@dataclass(frozen=True)
class Wanted:
    """Values of a fact to name, `least` of them; of a flag (no values) that it is so."""

    fact: Fact
    values: tuple[str, ...]
    least: int

    def __str__(self) -> str:
        if not self.values:
            return f"`{self.fact.name}`"
        found = phrases(self.fact, self.values)
        return f"`{self.fact.name}`: {listed(found, 'and' if self.least == len(found) else 'or')}"


def wanted(grounds: Grounds, trace: Trace, about: About | None, *, every: bool) -> list[list[Wanted]]:
    """What the reasoning on this decision has to name: one of each list.

    Of a rule that decides, what its condition (with those of the rules that it replaces) finds to be so, of facts that
    are known and not supposed: with `every` all of it, else a value of the image, of the query and of the context each.
    Of `default` and `unsure`, something that is known of what the rule reads that the reasoning is about. Numbers,
    texts and what is not so need not be named.
    """
    if about is None:
        return []
    if about.standing is Standing.SPEAKS:
        found = list(dict.fromkeys(_so(grounds, trace, about)))
        if every:
            return [[each] for each in found]
        groups = [[each for each in found if each.fact.subject is subject] for subject in Subject]
        return [group for group in groups if any(each.values for each in group)]
    options = [
        Wanted(fact, (value,) if isinstance(value, str) else tuple(sorted(value)), 1)
        for reading in grounds.readings(grounds.lineage(about.rule))
        if (fact := grounds.policy.fact_index[reading.atom.fact]).type.kind in ("one_of", "set_of")
        and fact.name not in trace.decision.assumed
        and isinstance(value := trace.case.known.get(fact.name), str | frozenset)
        and value
    ]
    return [list(dict.fromkeys(options))] if options else []


def _so(grounds: Grounds, trace: Trace, about: About) -> Iterator[Wanted]:
    for reading in grounds.readings(grounds.derivation(about.rule, trace)):
        fact = grounds.policy.fact_index[reading.atom.fact]
        value = trace.case.known.get(fact.name)
        if not reading.positive or value is None or fact.name in trace.decision.assumed:
            continue
        if evaluate(reading.atom, {fact.name: value}) is not Truth.YES:
            continue
        match reading.atom, value:
            case Has(quantifier=quantifier, values=values), frozenset():
                present = tuple(sorted(set(values) & value))
                yield Wanted(fact, present, len(present) if quantifier == "all" else 1)
            case ((Is() | Within()), str()):
                yield Wanted(fact, (value,), 1)
            case FlagIs(), _:
                yield Wanted(fact, (), 1)
            case _:
                pass


def unnamed(lexicon: Lexicon, clauses: Sequence[Clause], required: Sequence[Sequence[Wanted]]) -> list[Fault]:
    """A fault for each observation that is not named."""
    return [
        Fault(where="text", message=f"does not name {' nor '.join(map(str, options))}")
        for options in required
        if not any(_is_named(lexicon, clauses, option) for option in options)
    ]


def _is_named(lexicon: Lexicon, clauses: Sequence[Clause], option: Wanted) -> bool:
    name = option.fact.name
    if not option.values:
        return any(lexicon.share(lexicon.label_stems[name], _stems(clause)) >= NAMED for clause in clauses)
    named: set[str] = set()
    for clause, mention in mentions(clauses):
        form = mention.form
        is_said = mention.share >= NAMED and mention.polarity != "no" and (mention.stated or clause.label == name)
        if is_said and form.fact == name and form.value in option.values:
            named.add(form.value)
    # A phrase without a word of its own ("what it is") is said in too many ways to be looked for.
    plain = {f.value for f in lexicon.forms[name] if f.value in option.values and WEAK.issuperset(f.stems)}
    if plain and any(_affirms(clause, option.fact.subject) for clause in clauses):
        named |= plain
    return len(named) >= option.least


def _affirms(clause: Clause, subject: Subject) -> bool:
    return subject in clause.subjects and not any(word.text in NEGATORS for word in clause.words)


def says_what_is_missing(lexicon: Lexicon, unsettled: Sequence[str], lines: Sequence[str]) -> bool:
    """Whether a line says that something is not known, or speaks of an unsettled fact by its `ask` or its label."""
    if any(NOT_KNOWN.search(" ".join(word.text for word in words(line))) for line in lines):
        return True
    ways = [stems for name in unsettled for stems in (lexicon.ask_stems[name], lexicon.label_stems[name]) if stems]
    said = [frozenset(content(line)) for line in lines]
    return not ways or any(lexicon.share(stems, line) >= NAMED for stems in ways for line in said)


def _stems(clause: Clause) -> frozenset[str]:
    return frozenset(word.stem for word in clause.words)
