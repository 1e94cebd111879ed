"""The validator of a data set of our own, under the name that a maker of one looks for."""

from __future__ import annotations

from pathlib import Path

from safecot_dsl.dataset.formats.canonical_check import check
from safecot_dsl.dataset.formats.model import CheckOptions, FormatFault


def validate_rows(path: Path) -> list[FormatFault]:
    """What is wrong with a data set's folder, or with one of its files; an empty list for a sound one.

    The rules are those of the format `canonical`: see :mod:`safecot_dsl.dataset.formats`.
    """
    return list(check(path, CheckOptions()))
