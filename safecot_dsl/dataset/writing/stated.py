"""What a reasoning states that is not so: values that the case lacks, values that nobody knows, denials of what is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from safecot_dsl.artifact import Case, Fact, FlagType, NumberType, SetType, Value
from safecot_dsl.criteria import fold
from safecot_dsl.dataset.writing.lexicon import Lexicon
from safecot_dsl.dataset.writing.model import Fault
from safecot_dsl.dataset.writing.observed import NAMED
from safecot_dsl.dataset.writing.statements import Clause, Mention
from safecot_dsl.dataset.writing.words import NOT_KNOWN, Word, hypothetical, negated, quoted
from safecot_dsl.render.phrasing import number

#: A flag or a number is spoken of where this share of its label is there, rare words counting more.
_SPOKEN_OF = 0.6
#: Where a sentence is little more than the label, it states it, whatever else it lacks.
_THE_LABEL = 0.85
_FEWEST_QUOTED = 3  # shorter quotations are titles and single words
_LESS = frozenset("below under less".split())
_MORE = frozenset("above over more exceed exceeds exceeding".split())


def misstated(lexicon: Lexicon, case: Case, clauses: Sequence[Clause]) -> list[Fault]:
    """A fault for each statement on a declared fact that does not fit the case (suppositions filled in)."""
    faults: dict[tuple[int, str], Fault] = {}
    affirmed = {
        (clause.line, m.form.fact, m.form.value)
        for clause in clauses
        for m in clause.mentions
        if m.polarity != "no" and m.share >= NAMED
    }
    for clause in clauses:
        unknown = NOT_KNOWN.search(_plain(clause.words)) is not None
        for message in (
            *_foreign(lexicon, case, clause, unknown),
            *_denied(case, clause, affirmed, unknown),
            *_labelled(lexicon, case, clause, unknown),
            *_flags(lexicon, case, clause, unknown),
            *_numbers(lexicon, case, clause),
        ):
            faults.setdefault((clause.line, message), Fault(where=f"line {clause.line}", message=message))
    return list(faults.values())


def misquoted(lines: Sequence[str], sources: str) -> list[Fault]:
    """A fault for each quotation that stands in none of the `sources` (one folded text)."""
    return [
        Fault(where=f"line {number}", message=f'quotes "{text}", which nobody wrote')
        for number, line in enumerate(lines, start=1)
        for text in quoted(line)
        if len(text.split()) >= _FEWEST_QUOTED and squeezed(text.rstrip(". \u2026")) not in sources
    ]


def squeezed(text: str) -> str:
    """The text folded, with nothing but its letters and digits, so that quoting changes nothing."""
    return re.sub(r"[\W_]+", " ", fold(text)).strip()


def _foreign(lexicon: Lexicon, case: Case, clause: Clause, unknown: bool) -> Iterator[str]:
    if unknown:
        return
    own = [m for m in clause.mentions if m.stated and m.share >= NAMED and _is_own(lexicon, case, m)]
    covered = frozenset(place for m in own for place in m.places)
    for mention in clause.mentions:
        if not (mention.stated and mention.whole and mention.polarity == "yes") or _is_own(lexicon, case, mention):
            continue
        telling = {p for p in mention.places if clause.words[p].stem in mention.form.telling} or mention.places
        others = (m.places for m in clause.mentions if m.form.fact == mention.form.fact and m.share > 0.99)
        borrowed = not mention.exact and telling <= frozenset[int]().union(*(p for p in others if p != mention.places))
        if (
            borrowed
            or telling <= covered
            or any(
                other.form.fact == mention.form.fact and mention.places < other.places and other.share > 0.99
                for other in clause.mentions
            )
        ):
            continue
        fact = lexicon.policy.fact_index[mention.form.fact]
        phrase = fact.phrase(mention.form.value)
        yield (
            f"states `{fact.name}` {phrase}, which "
            + ("nobody could tell" if fact.name not in case.known else "the case lacks")
        )


def _denied(case: Case, clause: Clause, affirmed: set[tuple[int, str, str]], unknown: bool) -> Iterator[str]:
    if unknown:
        return
    for mention in clause.mentions:
        form = mention.form
        if not (mention.stated and mention.whole and mention.polarity == "no") or not _has(case, form.fact, form.value):
            continue
        # "Without praise of a crime" denies the praise, not the crime.
        inside = any(m.form.fact == form.fact and mention.places < m.places and m.share > 0.99 for m in clause.mentions)
        if not inside and (clause.line, form.fact, form.value) not in affirmed:
            yield f"denies `{form.fact}` {' '.join(form.plain)}, which the case has"


def _labelled(lexicon: Lexicon, case: Case, clause: Clause, unknown: bool) -> Iterator[str]:
    """What stands after a fact's label: that it is not known, or that a set is empty."""
    if clause.label is None:
        return
    value = case.known.get(clause.label)
    fact = lexicon.policy.fact_index[clause.label]
    state = _after_colon(clause.words)
    if unknown and value is not None:
        yield f"says that `{fact.name}` is not known, which the case knows"
    elif (
        isinstance(fact.type, SetType)
        and state[:1] in (["nothing"], ["empty"])
        and value != frozenset()
        and not _group_named(clause, lexicon.labels[fact.name])
    ):
        yield f"says that `{fact.name}` is empty, which it is not"


def _group_named(clause: Clause, label: tuple[str, ...]) -> bool:
    return [word.text for word in clause.words if word.text[0].isalnum()][len(label)] in ("among", "all", "missing")


def _flags(lexicon: Lexicon, case: Case, clause: Clause, unknown: bool) -> Iterator[str]:
    if unknown:
        return
    stems = {word.stem for word in clause.words}
    for fact in lexicon.policy.facts:
        if not isinstance(fact.type, FlagType):
            continue
        said = _said_of_flag(lexicon, fact, clause, stems)
        if said is not None and said != case.known.get(fact.name):
            known = "nobody could tell" if fact.name not in case.known else "is not so"
            yield f"states that `{fact.name}` is {'yes' if said else 'no'}, which {known}"


def _said_of_flag(lexicon: Lexicon, fact: Fact, clause: Clause, stems: set[str]) -> bool | None:
    if clause.label == fact.name:
        state = _after_colon(clause.words)[:1]
        return True if state == ["yes"] else False if state == ["no"] else None
    label = lexicon.label_stems[fact.name]
    if clause.label is not None or not label:
        return None
    whole = lexicon.share(label, stems) > _THE_LABEL and lexicon.share(clause.content, set(label)) > _THE_LABEL
    if not whole and fact.subject not in clause.subjects:
        return None
    spoken = [part for part in (label, *lexicon.label_parts[fact.name]) if lexicon.share(part, stems) >= _SPOKEN_OF]
    if not spoken:
        return None
    telling = max((stem for stem in spoken[0] if stem in stems), key=lexicon.rarity)
    place = next(at for at, word in enumerate(clause.words) if word.stem == telling)
    if hypothetical(clause.words, place):
        return None
    inner = any(word in ("not", "no", "without", "never") for word in lexicon.labels[fact.name])
    return negated(clause.words, place) == inner


def _numbers(lexicon: Lexicon, case: Case, clause: Clause) -> Iterator[str]:
    stems = {word.stem for word in clause.words}
    for fact in lexicon.policy.facts:
        if not isinstance(fact.type, NumberType):
            continue
        if clause.label is None:
            spoken = bool(stems) and lexicon.share(lexicon.label_stems[fact.name], stems) >= _SPOKEN_OF
        else:
            spoken = clause.label == fact.name
        if spoken:
            yield from _numbers_of(lexicon, fact, case.known.get(fact.name), clause.words)


def _numbers_of(lexicon: Lexicon, fact: Fact, value: Value | None, words: Sequence[Word]) -> Iterator[str]:
    for place, word in enumerate(words):
        if not word.text[0].isdigit():
            continue
        said = _number(word.text)
        own = isinstance(value, float | int) and said in (value, _number(number(value)))
        if not own and said not in lexicon.constants:
            yield f"states `{fact.name}` {word.text}, which " + ("nobody could tell" if value is None else "is not so")
        elif isinstance(value, float | int) and not own:
            before = [w.text for w in words[max(0, place - 3) : place]]
            denied = "not" in before
            if (
                (set(before) & _LESS and (value < said) == denied)
                or (set(before) & _MORE and (value > said) == denied)
                or (before[-2:] == ["at", "least"] and value < said)
                or (before[-2:] == ["at", "most"] and value > said)
            ):
                yield f"compares `{fact.name}` with {word.text} the wrong way round"


def _number(text: str) -> float:
    digits = text.rstrip("%").replace(",", "")
    return float(digits) / (100 if text.endswith("%") else 1)


def _is_own(lexicon: Lexicon, case: Case, mention: Mention) -> bool:
    form = mention.form
    value = case.known.get(form.fact)
    if isinstance(value, str) and form.value in lexicon.ancestors(lexicon.policy.fact_index[form.fact], value):
        return True
    return _has(case, form.fact, form.value)


def _has(case: Case, fact: str, name: str) -> bool:
    value = case.known.get(fact)
    return name in value if isinstance(value, frozenset) else value == name


def _after_colon(words: Sequence[Word]) -> list[str]:
    texts = [word.text for word in words]
    return texts[texts.index(":") + 1 :] if ":" in texts else []


def _plain(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words)
