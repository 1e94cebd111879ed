"""Which cases of a rule went worst."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from safecot_dsl.artifact import Verdict
from safecot_dsl.evaluation.items import EvalItem, ItemKind
from safecot_dsl.evaluation.score import ItemScore, Scored


@dataclass(frozen=True)
class Bad:
    """A case that went wrong, and how."""

    item: EvalItem
    score: ItemScore
    fault: str


def worst(items: Sequence[EvalItem], scored: Scored, most: int) -> dict[str, tuple[int, int, tuple[Bad, ...]]]:
    """By rule (`default` and `unsure` too; hazard, suite or split of cases that come with no rule): how many cases, how
    many of them went wrong, and the `most` worst of these.

    Worst is an answer to what must be refused, then a refusal of what must be answered, then another wrong verdict,
    then an answer whose verdict cannot be told or that there is not, then a right verdict for a wrong reason. Among
    equals the hash of the id decides, not the answer.
    """
    by_rule: dict[str, list[tuple[int, str, bytes, EvalItem]]] = {}
    for item in items:
        if item.kind is ItemKind.POLICY and item.due is not None:
            rank, fault = _fault(item, scored.items[item.id])
            place = hashlib.sha256(item.id.encode()).digest()
            for rule in item.rules or (item.hazard or item.suite or item.split,):
                by_rule.setdefault(rule, []).append((rank, fault, place, item))
    return {
        rule: (len(found), sum(bool(fault) for _, fault, _, _ in found), _first(found, scored.items, most))
        for rule, found in by_rule.items()
    }


def _first(
    found: Sequence[tuple[int, str, bytes, EvalItem]], scores: Mapping[str, ItemScore], most: int
) -> tuple[Bad, ...]:
    wrong = sorted((entry for entry in found if entry[1]), key=lambda entry: (entry[0], entry[2]))
    return tuple(Bad(item, scores[item.id], fault) for _, fault, _, item in wrong[:most])


def _fault(item: EvalItem, score: ItemScore) -> tuple[int, str]:
    """How bad it is, the worst first, and what is wrong; empty where nothing is."""
    if not score.right and item.due is Verdict.REFUSE and score.answered:
        return 0, "answered what must be refused"
    if not score.right and item.due is not None and item.due.answers and score.refused:
        return 1, "refused what must be answered"
    if score.failed:
        return 3, f"no answer: {score.failed}"
    if score.verdict == "unscored":
        return 3, "an answer whose verdict cannot be told"
    if not score.right:
        return 2, f"{score.verdict}, where {item.due} is due"
    if score.right_for_wrong_reason:
        return 4, "right for a wrong reason"
    return 5, ""
