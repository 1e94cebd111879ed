"""Whether the pictures of a data set may be passed on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from safecot_dsl.dataset.licences import LICENCES
from safecot_dsl.dataset.store import DatasetError, open_dataset

#: Names on the Hub's list that say nothing of what is allowed.
_SILENT = frozenset(("unknown", "other"))


def held_back(dataset: Path) -> dict[tuple[str, str], int]:
    """How many rows with pictures there are of each source and licence that is none of the Hub's, all of which allow
    passing on under their terms.

    Raises:
        DatasetError: there is no such data set.
    """
    source = open_dataset(dataset)
    found: Counter[tuple[str, str]] = Counter()
    for row in source.rows(("source", "licence", "image_sha256")):
        licence = row["licence"] or "none"
        if row["image_sha256"] and (licence.lower() not in LICENCES or licence.lower() in _SILENT):
            found[row["source"], licence] += 1
    return dict(sorted(found.items()))


def refuse_pictures(dataset: Path) -> None:
    """Refuse to upload pictures whose licence does not say that it allows it.

    Raises:
        DatasetError: there are such pictures.
    """
    found = held_back(dataset)
    if found:
        told = "; ".join(f"{rows} rows of {source} ({licence})" for (source, licence), rows in found.items())
        raise DatasetError(
            f"the pictures of {told} are not uploaded: no licence is known that allows it. If you may, say so with "
            "--pictures; else make the data set without that source"
        )
