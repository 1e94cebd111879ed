"""Which rows a reviewer learns most from, and why: few of their rule, not sure, near where the verdict turns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

#: Below this confidence an annotator is not sure.
SURE = 0.7
#: So many rows of a rule, at most, are few.
FEW = 12

# What a row is worth looking at for. A wrong reading is a row that may teach the wrong thing; the others are places
# where a wrong fact would show.
_MISREAD, _DOUBT, _HANGS, _NEAR = 3.0, 2.0, 1.5, 1.0
_HELPS = ("comply", "warn")


@dataclass(frozen=True)
class TeachingOrder:
    """An order of the rows of a data set. `numbers` are all rows, the first to look at first; `sizes` says how many
    rows each (verdict, speaker, nearest rule) has."""

    numbers: np.ndarray
    sizes: Mapping[tuple[str, str, str], int]


def teaching_order(rows: pa.Table) -> TeachingOrder:
    """The order of rows with the columns `verdict`, `speaker`, `nearest`, `read_as`, `confidence`, `unsettled` and
    `distance` of their provenance.

    It goes round in turn over what the rows are rows of (verdict, speaker, nearest rule), those with the fewest rows
    first, and takes of each the one that is worth most: so that of a rule with four rows all are seen early, and of one
    with thousands those in doubt.
    """
    import numpy as np
    import polars as pl

    helps = [pl.col(name).is_in(_HELPS) for name in ("verdict", "read_as")]
    misread = (pl.col("read_as") != pl.col("verdict")) & (pl.col("read_as") != "unscored") & ~(helps[0] & helps[1])
    doubt = pl.when(pl.col("confidence") < SURE).then(1 - pl.col("confidence")).otherwise(0.0)
    strata = ["verdict", "speaker", "nearest"]
    wanted = rows.select([*strata, "read_as", "confidence", "unsettled", "distance"])
    frame = pl.DataFrame(pl.from_arrow(wanted))
    scored = frame.select(
        *strata,
        score=_MISREAD * misread.cast(pl.Float64)
        + _DOUBT * doubt.fill_null(0.0).cast(pl.Float64)
        + _HANGS * (pl.col("unsettled") > 0).cast(pl.Float64)
        + _NEAR * (pl.col("distance") == 1).cast(pl.Float64),
        place=pl.int_range(pl.len()),
    )
    ranked = (
        scored.sort(["score", "place"], descending=[True, False])
        .with_columns(turn=pl.int_range(pl.len()).over(strata), size=pl.len().over(strata))
        .sort(["turn", "size", "score", "place"], descending=[False, False, True, False])
    )
    counted = scored.group_by(strata).len("size")
    sizes = {(verdict, speaker, nearest): size for verdict, speaker, nearest, size in counted.iter_rows()}
    return TeachingOrder(np.asarray(ranked["place"].to_numpy()), sizes)


def why_first(row: Mapping[str, Any], order: TeachingOrder, near: str = "") -> str:
    """Why a row stands where it does in the order, in a sentence or two. `row` has the columns of the order and
    `origins`; `near` is a rule that one change of a fact would bring in force."""
    verdict, speaker, read = row["verdict"], row["speaker"], row["read_as"]
    said: list[str] = []
    if read not in (verdict, "unscored") and not (read in _HELPS and verdict in _HELPS):
        said.append(f"Its answer is read as {read}, and {verdict} is due.")
    if row["confidence"] is not None and row["confidence"] < SURE:
        said.append(_unsure(row["origins"]))
    if row["unsettled"]:
        said.append("The verdict hangs on something that cannot be told.")
    if row["distance"] == 1:
        said.append("One fact differs from a row that is decided otherwise.")
    elif near:
        said.append(f"One change would bring the rule {near} in force.")
    size = order.sizes.get((verdict, speaker, row["nearest"]), 0)
    if size <= FEW or len(said) < 2:
        said.insert(1, _one_of(size, row))
    return " ".join(said[:2])


def _one_of(size: int, row: Mapping[str, Any]) -> str:
    speaker, nearest = row["speaker"], row["nearest"]
    if speaker == "unsure":
        what = "in which something cannot be told"
    elif speaker == "default":
        what = f"that no rule decides, nearest to {nearest}" if nearest else "that no rule decides"
    else:
        what = f"that {speaker} decides"
    return f"The only row {what}." if size == 1 else f"One of {size:,} rows {what}."


def _unsure(origins: str | None) -> str:
    found = json.loads(origins or "{}")
    stated = [(one["confidence"], name, one["by"]) for name, one in found.items() if one.get("confidence") is not None]
    confidence, name, by = min(stated)
    return f"{by} is {100 * confidence:.0f} % sure of {name}."
