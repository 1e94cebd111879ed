"""Which known name did the user mean?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

_ALIKE = 0.6  # the ratio of difflib from which a name is compared letter by letter
_COMPARED = 8  # names, the most alike by that ratio: letter by letter is slow
_NAMED = 3  # of several that are as near, so many are named


@dataclass(frozen=True)
class Suggestion:
    """The known names that a name may have been meant for: none, one, or several that are as near to it."""

    names: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.names)

    @property
    def help(self) -> str | None:
        """The question whether one of them was meant; None where there is none."""
        if not self.names:
            return None
        *others, last = [f"`{name}`" for name in self.names[:_NAMED]]
        return f"did you mean {', '.join(others)}{' or ' * bool(others)}{last}?"

    @property
    def replacement(self) -> str | None:
        """The one name that was meant; None where it could be another, for a wrong name can turn a policy round."""
        return self.names[0] if len(self.names) == 1 else None


def suggest(name: str, known: Iterable[str]) -> Suggestion:
    """The known names nearest to `name`: fewest letters added, left out, changed or swapped with the next, and no more
    than a third of the name.

    Before those that are more than two letters off come names that end in this one (`self_harm` of
    `suicide_self_harm`), and before all others those of which it is the initials (`lr`). Where none is so near, the
    names that differ in their subject alone, or have the name between hyphens (`swift` of `ms-swift`)."""
    candidates = sorted(set(known))
    if initials := [known for known in candidates if "_" in known and name == "".join(p[:1] for p in known.split("_"))]:
        return Suggestion(tuple(initials))
    alike = get_close_matches(name, candidates, n=_COMPARED, cutoff=_ALIKE)
    near = [(_edits(name, candidate), candidate) for candidate in alike]
    least = min(near)[0] if near else 0
    ends = [known for known in candidates if known.endswith(f"_{name.rsplit('.', 1)[-1]}") and "_" in name]
    if ends and least > 2:
        return Suggestion(tuple(ends))
    if near and least <= max(1, max(len(name), 3) // 3):
        return Suggestion(tuple(candidate for edits, candidate in near if edits == least))
    # The subject of a fact, or an import, is often what was forgotten.
    last = name.rsplit(".", 1)[-1]
    return Suggestion(
        tuple(known for known in candidates if known.rsplit(".", 1)[-1] == last or name in known.split("-"))
    )


def closest(name: str, known: Iterable[str]) -> str | None:
    """The first of the known names nearest to `name`, or None where nothing is near enough to be worth saying."""
    return next(iter(suggest(name, known).names), None)


def _edits(one: str, other: str) -> int:
    """Letters added, left out, changed, or swapped with the next (the optimal string alignment distance)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        last, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b)))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                row[j] = min(row[j], last[j - 2] + 1)
    return row[-1]
