"""How many cases change, by drawing them: all samples are decided at once, a bit for each."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from safecot_dsl.analysis.columns import draw_columns, union
from safecot_dsl.analysis.coverage import Share
from safecot_dsl.analysis.space import Space
from safecot_dsl.artifact import CompiledPolicy


@dataclass(frozen=True)
class ChangedShare:
    """Of the complete cases that were drawn (see :mod:`safecot_dsl.analysis.draws`), how many the new policy decides
    laxer, and how many stricter. A share says how much of what the policies tell apart changed, and nothing of how
    often it is asked."""

    laxer: Share
    stricter: Share


def changed_share(
    old: CompiledPolicy,
    new: CompiledPolicy,
    space: Space,
    *,
    within: Collection[str] | None = None,
    samples: int,
    seed: int = 0,
) -> ChangedShare:
    """The share of changed cases, drawn from a space of both policies; with `within`, of those to which one of these
    rules of `old` applies."""
    columns = draw_columns(space, samples, seed)
    applies = columns.applies(old)
    counted = columns.every if within is None else union(applies[name] for name in within)
    before = columns.verdicts(old, columns.effective(old, applies))
    after = columns.verdicts(new, columns.effective(new, columns.applies(new)))
    laxer = stricter = 0
    for verdict, column in before.items():
        for other, changed in after.items():
            count = (column & changed & counted).bit_count()
            laxer += count * (other.strictness < verdict.strictness)
            stricter += count * (other.strictness > verdict.strictness)
    total = counted.bit_count()
    return ChangedShare(Share(laxer, total), Share(stricter, total))
