"""What the sentences of a reasoning say of the facts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from safecot_dsl.artifact import Subject
from safecot_dsl.dataset.writing.lexicon import Form, Lexicon
from safecot_dsl.dataset.writing.words import (
    ASKING,
    HYPOTHETICAL,
    NEGATORS,
    STOP,
    WEAK,
    Word,
    clauses,
    hypothetical,
    negated,
)
from safecot_dsl.render.model import SentenceStep

Polarity = Literal["yes", "no", "maybe"]

_IMAGE = frozenset(
    "imag pictur photo photograph scen screenshot visibl see seen shown depict pictured portray contain".split()
)
_PICTURE = frozenset("imag pictur photo photograph scen screenshot".split())
_WHO_ASKS = frozenset("user request question".split())
_SHOWING = frozenset("show shown displai featur".split())
_STATIVE = frozenset("is are stand lie lies hang sit rest".split())
_CONTEXT = frozenset("user servic".split())
# How sentences of ours begin that name a rule or its hazard, and state nothing.
_NAMING = frozenset((("not", "met"), ("may", "be", "met"), ("exception", "to"), ("rule",), ("risk",), ("decision",)))
#: Where nobody says which step a line is, the first ones say what is there, without a word for it.
_FIRST_LINES = 2
_LAST_LINES = 2  # ... and the last ones weigh and decide
_FEWEST_PLAIN = 3  # words of a phrase of such common ones, so that it is looked for outside of its label
#: A phrase is there as a whole with all words that no other value has, and this share of the weight of all.
_WHOLE = 0.75
_GROUPS = frozenset((("among",), ("all", "of"), ("missing", "of")))


@dataclass(frozen=True)
class Mention:
    """A value spoken of: by which words of the clause, whether as so, as not so, or as possible, and whether the
    clause is about the case (`stated`). `whole` says that all words which tell the value from others are there, and
    `exact` that its phrase stands there word for word."""

    form: Form
    places: frozenset[int]
    polarity: Polarity
    stated: bool
    whole: bool
    share: float
    exact: bool = False


@dataclass(frozen=True)
class Clause:
    """A clause, what it is about, and the values it speaks of. `label` is the fact whose label it begins with."""

    line: int
    words: tuple[Word, ...]
    subjects: frozenset[Subject]
    label: str | None
    mentions: tuple[Mention, ...]

    @property
    def content(self) -> tuple[str, ...]:
        """The stems of the words that carry meaning."""
        empty = STOP | NEGATORS | ASKING
        return tuple(w.stem for w in self.words if w.text[0].isalnum() and w.text not in empty and w.stem not in empty)


def read_clauses(lexicon: Lexicon, lines: Sequence[str], steps: Sequence[SentenceStep | None]) -> list[Clause]:
    """The clauses of the lines; a line's step of reasoning (None where nobody says) tells what it is about."""
    found: list[Clause] = []
    for number, (line, step) in enumerate(zip(lines, steps, strict=True), start=1):
        late = _is_late(number, len(lines), step)
        before: frozenset[Subject] = frozenset()
        for words, goes_on in clauses(line):
            clause = _read(lexicon, number, words, step, late, before if goes_on else frozenset())
            before = clause.subjects if clause is not None else frozenset()
            if clause is not None:
                found.append(clause)
    return found


def _is_late(number: int, lines: int, step: SentenceStep | None) -> bool:
    """Whether a line weighs and decides: such sentences speak of what may come of things, and seldom of what is."""
    if step is not None:
        return step in ("risk", "decide")
    return number > lines - _LAST_LINES


def _read(
    lexicon: Lexicon, number: int, words: list[Word], step: SentenceStep | None, late: bool, before: frozenset[Subject]
) -> Clause | None:
    """The clause; `before` is what the clause is about that it goes on from."""
    texts = [word.text for word in words]
    colon = texts.index(":") if ":" in texts else 0
    lead = tuple(texts[:colon])
    if lead in _NAMING:
        return None
    label = _labelled(lexicon, lead) if colon else None
    grouped = next((group for group in _GROUPS if lead[: len(group)] == group), None)
    subjects = _subjects(words, step, label, grouped is not None, number, late) or before
    mentions: list[Mention] = []
    first = colon + 1 if label is not None or grouped is not None else 0
    for form in lexicon.spoken_of({word.stem for word in words[first:]}):
        stated = label == form.fact if label is not None else Subject(form.fact.split(".", 1)[0]) in subjects
        mention = _mention(form, words, texts, first, stated, plain=label == form.fact)
        if mention is not None:
            mentions.append(_missing(mention) if grouped == ("missing", "of") else mention)
    return Clause(number, tuple(words), subjects, label, tuple(mentions))


def _labelled(lexicon: Lexicon, lead: tuple[str, ...]) -> str | None:
    """The fact whose label stands before the colon, perhaps with the name of a group after it."""
    plain = tuple(text for text in lead if text[0].isalnum())
    best: tuple[int, str] | None = None
    for fact, label in lexicon.labels.items():
        if label and plain[: len(label)] == label and (best is None or len(label) > best[0]):
            best = (len(label), fact)
    return best[1] if best else None


def _subjects(
    words: list[Word], step: SentenceStep | None, label: str | None, grouped: bool, number: int, late: bool
) -> frozenset[Subject]:
    if label is not None:
        return frozenset({Subject(label.split(".", 1)[0])})
    if grouped:
        return frozenset(Subject)
    stems = {word.stem for word in words}
    texts = {word.text for word in words}
    found: set[Subject] = set()
    if late:
        if stems & _PICTURE and texts.isdisjoint(HYPOTHETICAL):
            found.add(Subject.IMAGE)
        if stems & ASKING and texts & _WHO_ASKS:
            found.add(Subject.QUERY)
        if "user" in texts and texts & {"is", "are", "was"}:
            found.add(Subject.CONTEXT)
        return frozenset(found)
    if stems & _IMAGE or (stems & _SHOWING and not stems & ASKING) or ("there" in texts and texts & {"is", "are"}):
        found.add(Subject.IMAGE)
    if stems & ASKING and not texts & {"i"}:
        found.add(Subject.QUERY)
    if stems & _CONTEXT and texts & {"is", "are", "was", "has", "knows"}:
        found.add(Subject.CONTEXT)
    match step:
        case "observe":
            found.add(Subject.IMAGE)
        case "intent":
            found.add(Subject.QUERY)
        case "context":
            found |= {Subject.CONTEXT, Subject.IMAGE}
        case "clause":
            found |= set(Subject)
        case None if number <= _FIRST_LINES and not found and texts & _STATIVE and "i" not in texts:
            found |= {Subject.IMAGE, Subject.CONTEXT}
        case _:
            pass
    return frozenset(found)


def _mention(
    form: Form, words: Sequence[Word], texts: list[str], first: int, stated: bool, *, plain: bool
) -> Mention | None:
    sequence = _sequence(form.plain, texts, first)
    if WEAK.issuperset(form.stems):
        # "The user" stands in many sentences: so few words are a value where they are all that follows the label.
        lead = first + 1 if texts[first : first + 1] == ["not"] else first
        if not sequence or (len(form.plain) < _FEWEST_PLAIN and not (plain and sequence[0] == lead)):
            return None
        return Mention(form, frozenset(sequence), _polarity(words, sequence[0], sequence[-1]), stated, True, 1.0, True)
    at: dict[str, list[int]] = {}
    for place in range(first, len(words)):
        if words[place].stem in form.stems:
            at.setdefault(words[place].stem, []).append(place)
    share = sum(weight for stem, weight in zip(form.stems, form.weights, strict=True) if stem in at)
    said = {word.stem for word in words[first:]}
    also = max((sum(stem in said for stem in stems) / len(stems) for stems in form.also), default=0.0)
    if not at:
        return Mention(form, frozenset(), "yes", stated, False, also) if also == 1.0 else None
    whole = form.telling <= at.keys() and share >= _WHOLE if form.telling else share > 0.99
    places = frozenset(place for found in at.values() for place in found)
    telling = [place for stem in form.telling & at.keys() for place in at[stem]] or sorted(places)
    if sequence or form.denies:
        # The phrase may deny or suppose by itself: only where it stands word for word are its own words told apart.
        polarity: Polarity = _polarity(words, sequence[0], sequence[-1]) if sequence else "maybe"
    else:
        polarities = {_polarity(words, place) for place in telling}
        polarity = "yes" if "yes" in polarities else "no" if "no" in polarities else "maybe"
    return Mention(form, places, polarity, stated, whole, max(share, also), bool(sequence))


def _polarity(words: Sequence[Word], place: int, last: int | None = None) -> Polarity:
    if negated(words, place, last):
        return "no"
    return "maybe" if hypothetical(words, place) else "yes"


def _missing(mention: Mention) -> Mention:
    return replace(mention, polarity="no")


def _sequence(wanted: tuple[str, ...], texts: list[str], first: int) -> list[int]:
    """The places of the words `wanted`, one after another, from `first` on; none where they do not stand so."""
    for start in range(first, len(texts) - len(wanted) + 1):
        if texts[start] == wanted[0] and tuple(texts[start : start + len(wanted)]) == wanted:
            return list(range(start, start + len(wanted)))
    return []


def mentions(clauses: Sequence[Clause]) -> Iterator[tuple[Clause, Mention]]:
    """Every mention with its clause."""
    for clause in clauses:
        for mention in clause.mentions:
            yield clause, mention
