"""What became of reviews, as lines of a data set's card and of a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from safecot_dsl.dataset.reviews.applying import ReviewReport
from safecot_dsl.diagnostics.show import visible

#: Rows of each kind that are named; `report.json` names all.
_NAMED = 5


def review_lines(report: ReviewReport | None) -> Iterable[str]:
    """The section of the card; nothing where the recipe names no reviews."""
    if report is None:
        return
    yield "## Reviews"
    yield ""
    yield f"{report.reviews} reviews by {_listed(report.reviewers, len(report.reviewers)) or 'nobody'}, in"
    yield f"`{visible(report.file)}` (`{report.digest}`): {report.summary()}."
    yield ""
    found = list(_named(report))
    yield from (f"- {line}" for line in found)
    if found:
        yield ""
        yield "`report.json` names every row."
        yield ""


def _named(report: ReviewReport) -> Iterable[str]:
    if report.rejected:
        yield f"rejected: {_listed(report.rejected)}"
    if report.changed:
        told = [
            f"{one.row} ({', '.join([*one.facts, *['answer'] * one.answer])}"
            + (f"; {one.before} to {one.after})" if one.before != one.after else ")")
            for one in report.changed
        ]
        yield f"changed: {_listed(told)}"
    for what, rows in (("changed, and no row", report.unusable), ("not applied", report.unfit)):
        if rows:
            yield f"{what}: {_listed([f'{one.row} ({one.why})' for one in rows])}"
    for what, keys in (
        ("reviewed, and not among these rows", report.absent),
        ("rejected by one and not by another", report.disputed),
        ("lines that are no reviews", report.faults),
    ):
        if keys:
            yield f"{what}: {_listed(keys)}"


def _listed(names: Sequence[str], most: int = _NAMED) -> str:
    shown = ", ".join(visible(" ".join(name.split())).replace("<", "&lt;") for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
