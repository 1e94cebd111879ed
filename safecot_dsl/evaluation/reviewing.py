"""How far the people agree who reviewed rows: with each other, and with the annotators whose facts they saw."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from itertools import combinations

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.dataset.reviews import Standing
from safecot_dsl.evaluation.judging.agreement import Kappa
from safecot_dsl.evaluation.statistics import Rate

#: Rows below which kappa's interval, which is that of many rows, says nothing.
LEAST = 10


class ReviewerPair(Frozen):
    """Two people on the rows that both looked at, each of whom says `accept`, `reject` or `change`. `agreed` is the
    share on which they say the same, `kappa` Cohen's, undefined below :data:`LEAST` rows."""

    first: str
    second: str
    agreed: Rate
    kappa: Kappa


class AnnotatorShare(Frozen):
    """An annotator on a fact: the share of the rows that people accepted or changed in which the fact is what the
    annotator found."""

    annotator: str
    fact: str
    kept: Rate


def reviewer_pairs(rows: Iterable[Standing]) -> tuple[ReviewerPair, ...]:
    """Every two people who looked at some row both; `rows` are what stands of each row's reviews."""
    seen: dict[tuple[str, str], list[tuple[Hashable, Hashable]]] = {}
    for standing in rows:
        words = standing.words_by_reviewer
        for one, other in combinations(sorted(words), 2):
            seen.setdefault((one, other), []).append((words[one], words[other]))
    return tuple(
        ReviewerPair(
            first=first,
            second=second,
            agreed=Rate.of(one == other for one, other in pairs),
            kappa=Kappa.of(pairs) if len(pairs) >= LEAST else Kappa(value=None, low=-1.0, high=1.0, n=len(pairs)),
        )
        for (first, second), pairs in sorted(seen.items())
    )


def annotator_shares(rows: Iterable[tuple[Mapping[str, str], Standing]]) -> tuple[AnnotatorShare, ...]:
    """Every annotator and fact of rows that people looked at. Each row is given as the annotator of each of its facts
    that no label gave, and what stands of its reviews.

    A row counts where the last word on it is not a rejection: what of a rejected row is wrong, nobody says. A fact that
    was not changed in a row that was accepted, or otherwise changed, is what people saw and left.
    """
    seen: dict[tuple[str, str], list[bool]] = {}
    for annotators, standing in rows:
        if standing.state not in ("accepted", "changed"):
            continue
        changed = {one.fact for one in standing.changes if one.action == "change_fact"}
        for fact, annotator in annotators.items():
            seen.setdefault((annotator, fact), []).append(fact not in changed)
    return tuple(
        AnnotatorShare(annotator=annotator, fact=fact, kept=Rate.of(kept))
        for (annotator, fact), kept in sorted(seen.items())
    )
