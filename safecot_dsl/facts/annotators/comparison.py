"""Annotated facts beside labels: how often they agree, what is taken for what, and what that does to the verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from safecot_dsl.artifact import CompiledPolicy, Fact, NumberType, TextType, Value
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.engine import Interpreter, show_value
from safecot_dsl.facts.annotators.calibration import Calibration, calibrate
from safecot_dsl.facts.item import FactOrigin, Item

#: What a table says in place of a value that nobody told.
UNKNOWN = "unknown"
_EXAMPLES = 10
_BINS = 5
_LONGEST = 4000  # characters of a text that are compared letter by letter


class FactComparison(Frozen):
    """One fact over the items in which a label gives it.

    `told` counts those in which the annotators gave a value, `right` those of them that have the label's. `table`
    counts by label and value (of a set by members as a whole; not of texts and numbers, whose values hardly repeat).
    Of a text `right` means equal but for white space, and `error_rate` is the number of letters to change over the
    number of the labels' letters. Of a number `error` is the mean distance, and a score is calibrated against labels
    that are 0 or 1. `confidence` sets the annotators' own confidence against being right. `examples` are the first
    that differ.
    """

    labelled: int
    told: int
    right: int
    table: dict[str, dict[str, int]] | None = None
    error_rate: float | None = None
    error: float | None = None
    calibration: Calibration | None = None
    confidence: Calibration | None = None
    examples: tuple[str, ...] = ()


class Comparison(Frozen):
    """Items that are there on both sides, by `source/id`. `verdicts` counts them by the verdict that follows from the
    labels and the one that follows from the annotated facts; a verdict that hangs on unknown facts stands in brackets.
    """

    items: int
    only_annotated: int
    only_labelled: int
    facts: dict[str, FactComparison]
    verdicts: dict[str, dict[str, int]]


@dataclass
class _LabelTally:
    labelled: int = 0
    told: int = 0
    right: int = 0
    table: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    letters: int = 0
    wrong_letters: int = 0
    distances: list[float] = field(default_factory=list[float])
    scores: list[tuple[float, bool]] = field(default_factory=list[tuple[float, bool]])
    confidences: list[tuple[float, bool]] = field(default_factory=list[tuple[float, bool]])
    examples: list[str] = field(default_factory=list[str])


def compare(
    policy: CompiledPolicy, annotated: Iterable[Item], labelled: Iterable[Item], facts: Collection[str]
) -> Comparison:
    """Set annotated items against the same items with labels. Of `facts`, which annotators can fill, those are compared
    that a label gives and the annotated item's own source does not."""
    interpreter = Interpreter(policy)
    by_key = {item.key: item for item in labelled}
    tallies: dict[str, _LabelTally] = {}
    verdicts: Counter[tuple[str, str]] = Counter()
    both = only = 0
    for item in annotated:
        label = by_key.pop(item.key, None)
        if label is None:
            only += 1
            continue
        both += 1
        verdicts[_verdict(interpreter, label), _verdict(interpreter, item)] += 1
        for fact in policy.facts:
            given = fact.name in item.case.known and fact.name not in item.annotated
            if fact.name in facts and fact.name in label.case.known and not given:
                _count(tallies.setdefault(fact.name, _LabelTally()), fact, label, item)
    return Comparison(
        items=both,
        only_annotated=only,
        only_labelled=len(by_key),
        facts={fact.name: _summed(fact, tallies[fact.name]) for fact in policy.facts if fact.name in tallies},
        verdicts=_nested(verdicts),
    )


def _verdict(interpreter: Interpreter, item: Item) -> str:
    decision = interpreter.decide(item.case)
    return str(decision.verdict) if decision.certain else f"({decision.verdict})"


def _count(tally: _LabelTally, fact: Fact, label: Item, item: Item) -> None:
    wanted, found = label.case.known[fact.name], item.case.known.get(fact.name)
    origin = item.annotated.get(fact.name, FactOrigin(""))
    tally.labelled += 1
    right = found is not None and _same(wanted, found)
    if found is not None:
        tally.told += 1
        tally.right += right
        if origin.confidence is not None:
            tally.confidences.append((origin.confidence, right))
    match fact.type:
        case TextType():
            if isinstance(wanted, str) and isinstance(found, str):
                one, other = _spaced(wanted)[:_LONGEST], _spaced(found)[:_LONGEST]
                tally.letters += len(one)
                tally.wrong_letters += distance(one, other)
        case NumberType():
            if isinstance(wanted, float) and isinstance(found, float):
                tally.distances.append(abs(wanted - found))
                if wanted in (0.0, 1.0) and 0 <= found <= 1:
                    tally.scores.append((found, wanted == 1.0))
        case _:
            tally.table[show_value(wanted), UNKNOWN if found is None else show_value(found)] += 1
    if not right and len(tally.examples) < _EXAMPLES:
        shown = [_shown(fact, value) for value in (wanted, found)]
        detail = f" ({origin.detail})" if origin.detail else ""
        tally.examples.append(f"{item.key}: {shown[0]}, not {shown[1]}{detail}")


def _summed(fact: Fact, tally: _LabelTally) -> FactComparison:
    finite = not isinstance(fact.type, TextType | NumberType)
    return FactComparison(
        labelled=tally.labelled,
        told=tally.told,
        right=tally.right,
        table=_nested(tally.table) if finite else None,
        error_rate=tally.wrong_letters / tally.letters if tally.letters else None,
        error=sum(tally.distances) / len(tally.distances) if tally.distances else None,
        calibration=_calibrated(tally.scores),
        confidence=_calibrated(tally.confidences),
        examples=tuple(tally.examples),
    )


def _calibrated(pairs: list[tuple[float, bool]]) -> Calibration | None:
    scores, labels = [score for score, _ in pairs], [label for _, label in pairs]
    return calibrate(scores, labels, bins=_BINS) if pairs else None


def _nested(counts: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = {}
    for (row, column), count in sorted(counts.items()):
        table.setdefault(row, {})[column] = count
    return table


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return _spaced(one) == _spaced(other)
    return one == other


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _shown(fact: Fact, value: Value | None) -> str:
    if value is None:
        return UNKNOWN
    shown = show_value(value, text=isinstance(fact.type, TextType))
    return shown if len(shown) <= 100 else f"{shown[:97]}..."


def distance(one: str, other: str) -> int:
    """The fewest letters to insert, to remove or to replace so that one text becomes the other (Levenshtein 1966)."""
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        before, row[0] = row[0], i
        for j, another in enumerate(other, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (letter != another))
    return row[-1]
