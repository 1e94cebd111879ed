"""What came of `safecotc test`, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from safecot_dsl.cli import testing_coverage
from safecot_dsl.diagnostics import render_json, render_text
from safecot_dsl.diagnostics.show import visible
from safecot_dsl.testing import report
from safecot_dsl.testing.runner import CheckKind, Status, TestSettings
from safecot_dsl.workspace.places import Places

if TYPE_CHECKING:
    from rich.console import Console

    from safecot_dsl.cli.testing_run import Tested

#: How many failures are told in full: nobody reads more, and the first is often the cause of the others.
MOST_TOLD = 20

_PLURALS = {CheckKind.EXAMPLE: "examples", CheckKind.PROPERTY: "properties", CheckKind.LAW: "laws"}


def as_json(tested: Sequence[Tested], settings: TestSettings) -> dict[str, Any]:
    """Every test of every policy, and how many came to what."""
    return {
        "policies": [
            {
                "policy": str(one.opened.path),
                "digest": one.opened.policy.digest if one.opened.policy is not None else None,
                "library": one.opened.is_library,
                "diagnostics": render_json(one.opened.diagnostics),
                "tests": [report.as_json(outcome) for outcome in one.outcomes],
                "counts": {status.value: one.count(status) for status in Status},
                "coverage": None
                if one.coverage is None
                else testing_coverage.as_json(Places(one.opened), one.coverage),
            }
            for one in tested
        ],
        "counts": {status.value: sum(one.count(status) for one in tested) for status in Status},
        "broken": sum(one.opened.failed for one in tested),
        "seed": settings.seed,
    }


def show(tested: Sequence[Tested], out: Console) -> None:
    """What failed with all that there is to say of it, what else is to be said, a line for each policy, and the sum."""
    told = 0
    for one in tested:
        if one.opened.failed:
            out.print(render_text(one.opened.diagnostics, one.opened.sources), end="")
        for outcome in one.outcomes:
            if outcome.failed and one.opened.policy is not None:
                told += 1
                first, *rest = report.description(outcome, one.opened.policy).split("\n")
                out.print(Text(first, style="bold red"))
                if told <= MOST_TOLD:
                    out.print(Text("\n".join([*rest, ""])))
    if told > MOST_TOLD:
        out.print(
            f"\nof the last {told - MOST_TOLD} only what fails is said; `-k` picks some, `--format json` has all\n"
        )
    remarks = [o for one in tested for o in one.outcomes if o.message and not o.failed]
    for outcome in remarks:
        more = f"; {outcome.evidence}" if outcome.evidence else ""
        out.print(Text(f"{report.headline(outcome)}{visible(more)}", style="yellow"))
    if remarks:
        out.print()
    for one in tested:
        if one.coverage is not None:
            testing_coverage.show(Places(one.opened), one.coverage)
            out.print()
    _table([one for one in tested if not one.opened.is_library], out)
    out.print(_sum(tested))


def _table(tested: Sequence[Tested], out: Console) -> None:
    """A line for each policy: how many of its tests passed, of how many."""
    if not tested:
        return
    rows = [("policy", *_PLURALS.values(), "time")]
    for one in tested:
        if one.opened.failed:
            rows.append((visible(str(one.opened.path)), "does not compile", "", "", ""))
            continue
        rows.append((visible(str(one.opened.path)), *(_cell(one, kind) for kind in CheckKind), _seconds(one)))
    widths = [
        max(len(row[column]) for row in rows if row[1] != "does not compile" or column == 0) for column in range(5)
    ]
    for number, row in enumerate(rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        out.print(Text(line, style="dim" if number == 0 else ""))
    out.print()


def _cell(one: Tested, kind: CheckKind) -> str:
    of_kind = [outcome for outcome in one.outcomes if outcome.test.kind is kind]
    passed = sum(outcome.status is Status.PASSED for outcome in of_kind)
    return f"{passed} of {len(of_kind)}" if of_kind else "-"


def _seconds(one: Tested) -> str:
    return f"{sum(outcome.seconds for outcome in one.outcomes):.1f} s"


def _sum(tested: Sequence[Tested]) -> Text:
    counts = {status: sum(one.count(status) for one in tested) for status in Status}
    total, broken = sum(counts.values()), sum(one.opened.failed for one in tested)
    parts = [f"{counts[Status.PASSED]} passed"]
    parts += [f"{counts[Status.FAILED]} failed"] * bool(counts[Status.FAILED])
    parts += [f"{counts[Status.UNDECIDED]} not decided"] * bool(counts[Status.UNDECIDED])
    parts += [f"{counts[Status.DISAGREEMENT]} in disagreement"] * bool(counts[Status.DISAGREEMENT])
    if broken:
        parts.append(f"{broken} {'policy does' if broken == 1 else 'policies do'} not compile")
    bad = broken or counts[Status.FAILED] or counts[Status.DISAGREEMENT]
    return Text(f"{total} test{'s' * (total != 1)}: {', '.join(parts)}", style="bold red" if bad else "bold green")
