"""What a suite is, and what was read of one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.facts import Skipped


class SuiteError(ValueError):
    """A suite is not known, its description is wrong, or its files cannot be read."""


@dataclass(frozen=True)
class Suite:
    """A published set of requests with what is due for each. `checked` says whether its reader was tried on the
    published files (`files`), or on files of the shape that its authors document (`shape`); `needs` how to get what
    stands under its root. `splits` are its subsets as items have them: `NAME/SUBSET`."""

    name: str
    title: str
    measures: str
    licence: str
    commercial: bool
    citation: str
    home: str
    checked: Literal["files", "shape"]
    needs: str
    parts: tuple[str, ...]
    splits: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SuiteItems:
    """What was read of a suite: its items, and the rows that gave none, with why. `left_out` are the items that a limit
    left out."""

    items: tuple[EvalItem, ...]
    skipped: tuple[Skipped, ...] = ()
    left_out: int = 0

    @property
    def reasons(self) -> dict[str, int]:
        """How many rows were skipped, by reason."""
        return dict(sorted(Counter(entry.reason for entry in self.skipped).items()))
