"""What `generate` made and what it left out: counts while it runs, and the report, also written as `report.json`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.criteria import Grade
from safecot_dsl.dataset.candidates import Candidate, LeftOut, Stratum


class StratumCount(Frozen):
    """How many rows a verdict, speaker and nearest rule got, and how many the pool had."""

    verdict: str
    speaker: str
    nearest: str
    available: int
    rows: int


class RuleCount(Frozen):
    """In how many rows a rule decides, speaks, and comes nearest to a complying case."""

    name: str
    verdict: str
    exception_to: tuple[str, ...]
    deciding: int
    speaking: int
    nearest: int


class LeftOutReason(Frozen):
    """Rows left out for one reason, and the first few of them."""

    reason: str
    count: int
    examples: tuple[str, ...]


class DatasetReport(Frozen):
    """Counts over the rows written and the items left out.

    `items` is how many rows the sources gave, `candidates` how many of them the policy and the recipe let become rows,
    and `not_selected` how many of these were neither written nor found unusable. `short` is what was asked for and
    could not be had. Neighbours that a source made for contrast pairs are no items, but count as rows, and where they
    are left out. `read_as` says, for each verdict that is due, how many of the written answers the policy's criteria
    read as which verdict: off the diagonal, text and criteria disagree. `pairs` counts contrast pairs by the number of
    facts in which they differ. `files` are the digests of the written files.
    """

    name: str
    policy: str
    policy_version: str
    policy_digest: str
    seed: int
    command: str
    items: int
    candidates: int
    not_selected: int
    rows: int
    verdicts: dict[str, int]
    sources: dict[str, int]
    licences: dict[str, int]
    splits: dict[str, int]
    rules: tuple[RuleCount, ...]
    strata: tuple[StratumCount, ...]
    left_out: tuple[LeftOutReason, ...]
    short: dict[str, int]
    pairs: dict[str, int]
    read_as: dict[str, dict[str, int]]
    answers_from_model: int
    without_image: int
    notes: tuple[str, ...]
    files: dict[str, str]

    def left_out_count(self, reason: str) -> int:
        """How many rows were left out for `reason`."""
        return next((entry.count for entry in self.left_out if entry.reason == reason), 0)


@dataclass
class Tally:
    """Counts over the rows as they are written."""

    rows: int = 0
    without_image: int = 0
    answers_from_model: int = 0
    verdicts: Counter[str] = field(default_factory=Counter[str])
    sources: Counter[str] = field(default_factory=Counter[str])
    licences: Counter[str] = field(default_factory=Counter[str])
    splits: Counter[str] = field(default_factory=Counter[str])
    strata: Counter[Stratum] = field(default_factory=Counter[Stratum])
    deciding: Counter[str] = field(default_factory=Counter[str])
    distances: Counter[int] = field(default_factory=Counter[int])  # of the rows of pairs: two a pair
    read_as: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])

    def add(self, candidate: Candidate, graded: Grade, *, distance: int, from_model: bool) -> None:
        """Count a row; `distance` is 0 for one that is in no pair."""
        due = candidate.decision.verdict.value
        self.rows += 1
        self.without_image += not candidate.item.images
        self.answers_from_model += from_model
        self.verdicts[due] += 1
        self.sources[candidate.item.source] += 1
        self.licences[candidate.item.licence] += 1
        self.splits[candidate.item.split] += 1
        self.strata[candidate.stratum] += 1
        self.deciding.update(candidate.decision.deciding)
        if distance:
            self.distances[distance] += 1
        self.read_as.setdefault(due, Counter())[str(graded.verdict)] += 1

    def rule_counts(self, policy: CompiledPolicy) -> tuple[RuleCount, ...]:
        """For each rule of the policy, in its order."""
        speaking: Counter[str] = Counter()
        nearest: Counter[str] = Counter()
        for stratum, count in self.strata.items():
            speaking[stratum.speaker] += count
            nearest[stratum.nearest] += count
        return tuple(
            RuleCount(
                name=rule.name,
                verdict=rule.verdict.value,
                exception_to=rule.exception_to,
                deciding=self.deciding[rule.name],
                speaking=speaking[rule.name],
                nearest=nearest[rule.name],
            )
            for rule in policy.rules
        )

    def stratum_counts(self, available: Counter[Stratum]) -> tuple[StratumCount, ...]:
        """For each stratum of the pool or the rows, the strictest verdict first."""
        strata = sorted(available.keys() | self.strata.keys(), key=lambda s: (-s.verdict.strictness, s))
        return tuple(
            StratumCount(
                verdict=stratum.verdict.value,
                speaker=stratum.speaker,
                nearest=stratum.nearest,
                available=available[stratum],
                rows=self.strata[stratum],
            )
            for stratum in strata
        )

    def notes(self) -> tuple[str, ...]:
        """What a reader of the counts should not overlook."""
        notes: list[str] = []
        if len(self.verdicts) == 1:
            only = next(iter(self.verdicts))
            notes.append(f"Every row is `{only}`: trained on alone, a model learns to `{only}` whatever is asked.")
        if self.without_image:
            notes.append(f"{self.without_image} rows have no image.")
        return tuple(notes)


def left_out_reasons(left_out: LeftOut) -> tuple[LeftOutReason, ...]:
    """Every reason with its count, by name."""
    return tuple(
        LeftOutReason(reason=reason, count=count, examples=tuple(left_out.examples[reason]))
        for reason, count in sorted(left_out.counts.items())
    )
