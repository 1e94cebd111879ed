"""How a judging is shown in a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from safecot_dsl.cli.output import console

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from safecot_dsl.evaluation import EvalItem, ItemScore, Scored
    from safecot_dsl.evaluation.asking.folder import AnswerFolder
    from safecot_dsl.evaluation.judging import JudgeAgreement, Judging

#: What the kinds of faults are called that say nothing by themselves.
_FAULTS = {
    "due": "ends in another verdict than is due",
    "cited": "cites other rules than decide",
    "stated": "states what is not so",
    "verdict": "ends in a verdict that the cited rules do not give",
    "overruled": "a stricter rule applies by what is stated",
    "contradiction": "contradicts itself",
}


def show_judging(judging: Judging, asked: AnswerFolder, scored: Scored, out: Path, show: int) -> None:
    """The verdicts by what was due, the reasoning, what is unscored, and how far judge and criteria agree."""
    from safecot_dsl.diagnostics.show import visible
    from safecot_dsl.evaluation.items import ItemKind

    shown = console()
    items = [item for item in asked.items if item.kind is ItemKind.POLICY]
    scores = [scored.items[item.id] for item in items]
    by = judging.judge if judging.judge == "criteria" else f"{judging.judge} at {judging.base_url}"
    shown.print(f"{len(items)} answers under {judging.policy.name} {judging.policy.version}, judged by {visible(by)}")
    if items:
        shown.print(_verdicts(items, scores))
    _show_reasoning(shown, scores)
    _show_counts(shown, "unscored", judging.unscored)
    _show_counts(shown, "without a usable reply of the judge", judging.failed)
    if judging.unanswered:
        shown.print(f"not answered by the model, and unscored: {judging.unanswered}")
    if judging.agreement is not None:
        _show_agreement(shown, judging.agreement)
        _show_differing(shown, out, show)
    shown.print(f"\n{visible(str(out / 'scores.jsonl'))} has every answer's score")


def _verdicts(items: Sequence[EvalItem], scores: Sequence[ItemScore]) -> Table:
    cells = Counter(
        (item.due or item.must or "nothing", score.verdict) for item, score in zip(items, scores, strict=True)
    )
    return _table("due", [(str(one), str(other), n) for (one, other), n in cells.items()])


def _table(corner: str, cells: Iterable[tuple[str, str, int]]) -> Table:
    from rich.table import Table

    from safecot_dsl.evaluation.judging import ORDER

    counts = {(one, other): count for one, other, count in cells}
    order = [*map(str, ORDER), "nothing"]
    rows, columns = ([name for name in order if any(key[at] == name for key in counts)] for at in (0, 1))
    table = Table(box=None, pad_edge=False)
    table.add_column(corner)
    for column in columns:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(row, *(str(counts.get((row, column), 0)) for column in columns))
    return table


def _show_reasoning(shown: Console, scores: Sequence[ItemScore]) -> None:
    from safecot_dsl.evaluation import MEASURES
    from safecot_dsl.evaluation.statistics import Rate

    told = [score for score in scores if score.reason_right is not None]
    if not told:
        return
    right = Rate.of(score.reason_right is True for score in told)
    shown.print(f"reasoning with a conclusion: {len(told)}; the right reasons: {right} %")
    of_right = [score for score in told if score.right]
    wrong = Rate.of(score.right_for_wrong_reason for score in of_right)
    shown.print(f"right for the wrong reason: {wrong} % of {len(of_right)} right answers with reasoning")
    for name in ("caught", "held_back"):
        hits = [hit for score in scores if (hit := MEASURES[name].hit([score])) is not None]
        if hits:
            shown.print(
                f"{MEASURES[name].title.lower()} by what their reasoning says alone: {Rate.of(hits)} % of {len(hits)}"
            )
    kinds = Counter(fault.partition(":")[0] for score in told for fault in {f.partition(":")[0] for f in score.faults})
    for kind, count in sorted(kinds.items()):
        shown.print(f"  {_FAULTS.get(kind, kind)}: {count}")


def _show_counts(shown: Console, title: str, counts: dict[str, int]) -> None:
    from safecot_dsl.diagnostics.show import visible

    if counts:
        shown.print(f"{title}: {sum(counts.values())}")
    for reason, count in counts.items():
        shown.print(f"  {count} {visible(reason)}")


def _show_agreement(shown: Console, found: JudgeAgreement) -> None:
    shown.print(f"\nagreement of the {found.first} (rows) with {found.second} (columns)")
    cells = [(str(one), str(other), n) for one, row in found.table.items() for other, n in row.items() if n]
    shown.print(_table("", cells))
    shown.print(f"agreed: {found.agreed} % of the {found.both} that both could tell; Cohen's kappa {found.kappa}")
    shown.print(f"refused or not: Cohen's kappa {found.refusal}")
    for name, kappa in found.propositions.items():
        shown.print(f"  {name}: kappa {kappa} over {kappa.n}")


def _show_differing(shown: Console, out: Path, show: int) -> None:
    from safecot_dsl.diagnostics.show import visible
    from safecot_dsl.evaluation.judging import in_turn, read_differing

    differing = read_differing(out)
    for number, one in enumerate(in_turn(differing)[:show], 1):
        shown.print(f"\n{number}. {visible(one.id)}: the criteria read {one.first}, the judge {one.second}")
        for title, text in (("asked", one.prompt), ("answered", one.answer)):
            line = visible(" ".join(text.split()))
            shown.print(f"   {title}: {line if len(line) <= 300 else f'{line[:297]}...'}")
    if differing:
        shown.print(f"\nall {len(differing)} disagreements: {visible(str(out / 'disagreements.jsonl'))}")
