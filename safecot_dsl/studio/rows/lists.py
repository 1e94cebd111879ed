"""Lists of rows: what they are filtered by, in which order they come, and how many there are of each kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from safecot_dsl.dataset.card import REASONS
from safecot_dsl.dataset.reviews import Standing
from safecot_dsl.dataset.reviews.first import why_first
from safecot_dsl.studio.messages.rows import Facets, ReviewState, RowPage, RowsQuery, RowSummary
from safecot_dsl.studio.rows.index import RowIndex
from safecot_dsl.studio.rows.reading import message_of_review
from safecot_dsl.studio.runs import OpenRun

if TYPE_CHECKING:
    import numpy as np

#: Characters of a request that a list shows.
_SHOWN = 400


class ReviewedRows:
    """The rows of a data set that somebody has looked at, by number, each with what stands of its reviews that saw the
    row as it is."""

    def __init__(self, run: OpenRun, index: RowIndex) -> None:
        _, standing = run.reviews()
        numbers = index.numbers(list(standing))
        rows = index.rows(list(numbers.values()))
        self.by_number: dict[int, Standing] = {}
        self.in_dispute: set[int] = set()
        for number, row in zip(numbers.values(), rows, strict=True):
            fitting = standing[row["key"]].fitting(row["digest"])
            if fitting.reviews:
                self.by_number[number] = fitting
            if fitting.disputed or _against_annotator(fitting, row):
                self.in_dispute.add(number)

    def numbers(self, state: ReviewState) -> list[int]:
        """The rows in a state, other than `unseen`."""
        return [number for number, standing in self.by_number.items() if standing.state == state]

    @property
    def seen(self) -> list[int]:
        """The rows that are not `unseen`."""
        return [number for number, standing in self.by_number.items() if standing.state != "unseen"]


def _against_annotator(standing: Standing, row: Mapping[str, Any]) -> bool:
    """Whether a person changed a fact that an annotator had filled in."""
    if row["origins"] is None:
        return False
    return any(one.action == "change_fact" and f'"{one.fact}":' in row["origins"] for one in standing.reviews)


def facets(run: OpenRun, index: RowIndex) -> Facets:
    """How many rows there are of each kind."""
    read, _ = run.reviews()
    reviewed = ReviewedRows(run, index)
    states: dict[ReviewState, int] = {"unseen": 0, "accepted": 0, "rejected": 0, "changed": 0}
    for standing in reviewed.by_number.values():
        states[standing.state] += 1
    states["unseen"] = len(index) - states["accepted"] - states["rejected"] - states["changed"]
    left_out: dict[str, int] = {str(one["reason"]): one["count"] for one in run.report.get("left_out", ())}
    return Facets(
        total=len(index),
        rule=index.counts["speaker"],
        verdict=index.counts["verdict"],
        source=index.counts["source"],
        left_out=left_out,
        left_out_labels={reason: REASONS.get(reason, reason) for reason in left_out},
        review=states,
        doubts=int(_doubts(index, reviewed).sum()),
        faults=tuple(str(fault) for fault in read.faults),
    )


def page(run: OpenRun, index: RowIndex, asked: RowsQuery) -> RowPage:
    """A page of the rows that are asked for."""
    if asked.left_out is not None:
        return _left_out(run, asked)
    reviewed = ReviewedRows(run, index)
    numbers = _ordered(index, reviewed, asked)
    chosen = [int(number) for number in numbers[asked.cursor : asked.cursor + asked.limit]]
    end = asked.cursor + len(chosen)
    undone = frozenset(one for standing in reviewed.by_number.values() for one in standing.undone)
    rows = [
        _summary(index, row, reviewed.by_number.get(number), undone, teaches=asked.order == "teaches")
        for number, row in zip(chosen, index.rows(chosen), strict=True)
    ]
    return RowPage(total=len(numbers), rows=tuple(rows), next=end if end < len(numbers) else None)


def _ordered(index: RowIndex, reviewed: ReviewedRows, asked: RowsQuery) -> np.ndarray:
    """The numbers of the rows that are asked for, in order."""
    import numpy as np

    mask = _mask(index, reviewed, asked)
    if asked.order == "file":
        return np.flatnonzero(mask)
    order = index.teaching.numbers
    order = order[mask[order]]
    seen = np.zeros(len(index), dtype=bool)
    seen[reviewed.seen] = True
    # What was looked at has taught what it can: it comes last.
    return np.concatenate([order[~seen[order]], order[seen[order]]])


def _mask(index: RowIndex, reviewed: ReviewedRows, asked: RowsQuery) -> np.ndarray:
    """Which rows are asked for."""
    import numpy as np
    import pyarrow.compute as pc

    mask = np.ones(len(index), dtype=bool)
    for name, wanted in (("speaker", asked.rule), ("verdict", asked.verdict), ("source", asked.source)):
        if wanted is not None:
            mask &= pc.equal(index.table.column(name), wanted).to_numpy()  # pyright: ignore[reportAttributeAccessIssue]
    if asked.review == "unseen":
        mask[reviewed.seen] = False
    elif asked.review is not None:
        only = np.zeros(len(index), dtype=bool)
        only[reviewed.numbers(asked.review)] = True
        mask &= only
    if asked.doubts:
        mask &= _doubts(index, reviewed)
    if asked.q:
        found = [
            pc.match_substring(index.table.column(name), asked.q, ignore_case=True).to_numpy()  # pyright: ignore[reportAttributeAccessIssue]
            for name in ("prompt", "key")
        ]
        mask &= found[0] | found[1]
    return mask


def _doubts(index: RowIndex, reviewed: ReviewedRows) -> np.ndarray:
    doubts = index.column("in_doubt").copy()
    doubts[list(reviewed.in_dispute)] = True
    return doubts


def _summary(
    index: RowIndex,
    row: Mapping[str, Any],
    standing: Standing | None,
    undone: Sequence[str] | frozenset[str],
    *,
    teaches: bool,
) -> RowSummary:
    last = standing.last if standing is not None else None
    text = row["prompt"]
    return RowSummary(
        id=row["key"],
        picture=row["has_image"],
        request=text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…",
        verdict=row["verdict"],
        rule=row["speaker"],
        source=row["source"],
        left_out=None,
        state=standing.state if standing is not None else "unseen",
        review=message_of_review(last, row["digest"], undone) if last is not None else None,
        first_because=why_first(row, index.teaching) if teaches else None,
    )


def _left_out(run: OpenRun, asked: RowsQuery) -> RowPage:
    """What the data set keeps of what was left out for a reason: how many, and the first few of them."""
    for one in run.report.get("left_out", ()):
        if one["reason"] == asked.left_out:
            rows = [
                RowSummary(
                    id=f"{asked.left_out}:{number}",
                    picture=False,
                    request=str(detail)[:_SHOWN],
                    verdict="",
                    rule="",
                    source="",
                    left_out=asked.left_out,
                    state="unseen",
                    review=None,
                    first_because=None,
                )
                for number, detail in enumerate(one["examples"])
            ]
            return RowPage(total=one["count"], rows=tuple(rows), next=None)
    return RowPage(total=0, rows=(), next=None)
