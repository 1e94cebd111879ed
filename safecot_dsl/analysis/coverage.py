"""Which share of cases each rule decides, and what is left to `default`: sampled.

The cases are drawn as :mod:`safecot_dsl.analysis.draws` says, as though nothing were known of the world: a share says
what a policy is about, not how often it will be asked.
"""

from __future__ import annotations

from dataclasses import dataclass

from safecot_dsl.analysis.columns import draw_columns, union
from safecot_dsl.analysis.encoding import Encoding
from safecot_dsl.analysis.statistics import wilson
from safecot_dsl.artifact import CompiledPolicy, Verdict

SAMPLES = 10_000


@dataclass(frozen=True)
class Share:
    """`count` of `of` samples, with its 95 % Wilson interval."""

    count: int
    of: int

    @property
    def value(self) -> float:
        return self.count / self.of

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.count, self.of)


@dataclass(frozen=True)
class Coverage:
    """Shares of the sampled complete cases: by verdict, left to `default`, and decided by each rule (alone or with
    others)."""

    samples: int
    verdicts: dict[Verdict, Share]
    default: Share
    rules: dict[str, Share]


def coverage(policy: CompiledPolicy, *, samples: int = SAMPLES, seed: int = 0) -> Coverage:
    """The shares of `samples` (one or more) cases; equal seeds draw equal cases."""
    columns = draw_columns(Encoding(policy), samples, seed)
    effective = columns.effective(policy, columns.applies(policy))
    verdicts = columns.verdicts(policy, effective)
    in_force = union(effective.values())

    def share(column: int) -> Share:
        return Share(column.bit_count(), samples)

    return Coverage(
        samples,
        {verdict: share(verdicts[verdict]) for verdict in Verdict},
        share(columns.every & ~in_force),
        {rule.name: share(effective[rule.name] & verdicts[rule.verdict]) for rule in policy.rules},
    )
