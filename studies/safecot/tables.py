"""How figures are written down: the arms' names, tables, differences and p-values."""

from __future__ import annotations

from collections.abc import Sequence

from safecot_dsl.evaluation.statistics import Paired
from studies.safecot.design import BASE, CONTROL, GUARD, STEPWISE

TITLES = {
    BASE: "base",
    CONTROL: "answers alone (control)",
    STEPWISE: "**see, ask, weigh, decide**",
    GUARD: "base behind a guard of its size",
    "no_weigh": "without weighing",
    "kinds": "with the kinds of what is seen",
    "first_part": "of what fails the failing part alone",
    "said_again": "the same, and facts said again in weighing",
    "lookups_things": "look-ups without their question",
    "lookups_each": "look-ups said of each thing",
    "lookups_group": "look-ups said of the group",
    "after": "the same text after the answer",
    "no_pairs": "random rows, no contrast pairs",
    "cleaned": "requests cleaned",
    "groups": "and rows on what counts as what",
    "control_groups": "answers alone, and rows on what counts as what",
    "in_order": "conditions gone through in order",
    "in_turn": "the same, and each thing named before it is judged",
    "begun": "rows whose answer was begun, requests cleaned",
    "control_begun": "answers alone, rows whose answer was begun, requests cleaned",
    "begun_answers": "rows begun with the words of other answers, requests cleaned",
    "control_begun_answers": "answers alone, rows begun with the words of other answers, requests cleaned",
}


def difference(paired: Paired) -> str:
    return "–" if paired.difference.value is None else f"{paired.difference} (p {p_value(paired.p)})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    shown = [[cell.replace("no cases", "–") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *shown)]


def p_value(value: float | None) -> str:
    return "" if value is None else "< 0.0001" if value < 1e-4 else f"{value:.4f}"
