"""What `generate` made and what it left out: counts while it runs, and the report, also written as `report.json`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safecot_dsl.artifact import CompiledPolicy, Verdict
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.dataset.candidates import LeftOut, Stratum
from safecot_dsl.dataset.conditioning import system_turn
from safecot_dsl.dataset.policies.rows import GeneratedReport, PolicyRowCounts
from safecot_dsl.dataset.recipe import DataRecipe
from safecot_dsl.dataset.reviews.applying import ReviewReport
from safecot_dsl.dataset.selection import GoalCount, WayCount
from safecot_dsl.facts import dropped_note

if TYPE_CHECKING:
    from safecot_dsl.dataset.setup import Setup

#: What of a row's provenance is counted, besides the deciding rules and whether there is an image.
_COUNTED = (
    "verdict",
    "speaker",
    "nearest",
    "source",
    "licence",
    "split",
    "distance",
    "has_image",
    "from_model",
    "read_as",
    "mode",
    "under",
    "attack",
)


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


class PolicyCount(Frozen):
    """The rows that were made under one policy, by verdict; `words` is how long its prompt in the system turn is.

    Of a generated policy `kind` says what it is, `of` which policy it was made of, and `change` how it differs from
    that; `source` is the digest of its file, `left_out` counts what could not become its rows, and `short` what was
    asked for and could not be had.
    """

    name: str
    policy: str
    version: str
    digest: str
    words: int
    verdicts: dict[str, int]
    kind: str = ""
    of: str = ""
    change: str = ""
    source: str = ""
    left_out: dict[str, int] = {}
    short: dict[str, int] = {}

    @property
    def rows(self) -> int:
        return sum(self.verdicts.values())


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
    facts in which they differ. `preferences` counts the preference pairs by kind. `goals` is what every rule, exception
    and verdict got of what the pool had, where rows were selected, and `ways` what every way out of every rule got,
    where pairs were asked for. `attacks` counts the rows that carry an attack by its kind. `annotated` says in how many
    rows which annotator filled in a fact, and `modes` counts the rows by whose words they are in. `image_root` is the
    folder, from the data set's, that the paths of images kept by reference are relative to. `image_facts_dropped`
    counts, by the fact, the items that had a fact of an image and no image. `reviews` says what became of the recipe's
    reviews, where it names a file of them. `generated` is what the policies came to that were generated; an item that
    was looked at under several of them is counted as many times. `files` are the digests of the written files.
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
    policies: tuple[PolicyCount, ...] = ()
    generated: GeneratedReport | None = None
    rules: tuple[RuleCount, ...]
    strata: tuple[StratumCount, ...]
    left_out: tuple[LeftOutReason, ...]
    short: dict[str, int]
    pairs: dict[str, int]
    read_as: dict[str, dict[str, int]]
    answers_from_model: int
    without_image: int
    image_facts_dropped: dict[str, int] = {}
    preferences: dict[str, int]
    goals: tuple[GoalCount, ...]
    ways: tuple[WayCount, ...] = ()
    attacks: dict[str, int] = {}
    annotated: dict[str, dict[str, int]]
    modes: dict[str, int]
    reviews: ReviewReport | None = None
    image_root: str
    notes: tuple[str, ...]
    files: dict[str, str]

    def left_out_count(self, reason: str) -> int:
        """How many rows were left out for `reason`."""
        return next((entry.count for entry in self.left_out if entry.reason == reason), 0)


@dataclass
class Tally:
    """Counts over the rows written."""

    rows: int = 0
    without_image: int = 0
    answers_from_model: int = 0
    verdicts: Counter[str] = field(default_factory=Counter[str])
    sources: Counter[str] = field(default_factory=Counter[str])
    licences: Counter[str] = field(default_factory=Counter[str])
    splits: Counter[str] = field(default_factory=Counter[str])
    under: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    strata: Counter[Stratum] = field(default_factory=Counter[Stratum])
    deciding: Counter[str] = field(default_factory=Counter[str])
    distances: Counter[int] = field(default_factory=Counter[int])  # of the rows of pairs: two a pair
    read_as: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    attacks: Counter[str] = field(default_factory=Counter[str])
    modes: Counter[str] = field(default_factory=Counter[str])
    annotated: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])

    @classmethod
    def of(cls, provenance: Sequence[Path]) -> Tally:
        """The counts over the rows of these provenance files; memory does not grow with the rows."""
        import polars as pl

        alike = pl.scan_parquet(list(provenance)).select(
            *(pl.col(name) for name in _COUNTED),
            deciding=pl.col("deciding").list.join("\n"),
        )
        tally = cls()
        counted = alike.group_by(pl.all()).len("count").collect(engine="streaming")
        for row in counted.iter_rows(named=True):
            tally._count(row, row["count"])
        found = pl.scan_parquet(list(provenance)).select(pl.col("origins").drop_nulls())
        for batch in found.collect(engine="streaming").iter_slices():
            for origins in batch["origins"]:
                tally._count_origins(json.loads(origins))
        return tally

    def _count(self, row: Mapping[str, Any], count: int) -> None:
        due = row["verdict"]
        self.rows += count
        self.without_image += 0 if row["has_image"] else count
        self.answers_from_model += count if row["from_model"] else 0
        self.verdicts[due] += count
        self.sources[row["source"]] += count
        self.licences[row["licence"]] += count
        self.splits[row["split"]] += count
        self.under.setdefault(row["under"], Counter())[due] += count
        if not row["under"]:  # another policy's rules are not the report's
            self.strata[Stratum(Verdict(due), row["speaker"], row["nearest"])] += count
            for rule in filter(None, row["deciding"].split("\n")):
                self.deciding[rule] += count
        if row["distance"]:
            self.distances[row["distance"]] += count
        self.read_as.setdefault(due, Counter())[row["read_as"]] += count
        self.modes[row["mode"]] += count
        if row["attack"]:
            self.attacks[row["attack"]] += count

    def _count_origins(self, origins: Mapping[str, Mapping[str, Any]]) -> None:
        for fact, origin in origins.items():
            self.annotated.setdefault(fact, Counter())[origin["by"]] += 1

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

    def notes(self, dropped: Mapping[str, int]) -> tuple[str, ...]:
        """What a reader of the counts should not overlook; `dropped` is :attr:`DatasetReport.image_facts_dropped`."""
        notes: list[str] = []
        if len(self.verdicts) == 1:
            only = next(iter(self.verdicts))
            notes.append(f"Every row is `{only}`: trained on alone, a model learns to `{only}` whatever is asked.")
        if self.without_image:
            notes.append(f"{self.without_image} rows have no image.")
        if dropped:
            notes.append(dropped_note(dropped))
        return tuple(notes)


def left_out_reasons(left_out: LeftOut) -> tuple[LeftOutReason, ...]:
    """Every reason with its count, by name."""
    return tuple(
        LeftOutReason(reason=reason, count=count, examples=tuple(left_out.examples[reason]))
        for reason, count in sorted(left_out.counts.items())
    )


def policy_counts(tally: Tally, setup: Setup, of_each: Mapping[str, PolicyRowCounts]) -> tuple[PolicyCount, ...]:
    """For the recipe's own policy, where it has rows, then for each of the others, and for each generated one."""
    recipe = setup.recipe
    counts = [
        _policy_count(tally, recipe, name, policy)
        for name, policy in (("", setup.policy), *((other.name, other.policy) for other in setup.others))
        if name or recipe.generated is None or recipe.generated.own
    ]
    for one in setup.generated:
        found = of_each.get(one.name, PolicyRowCounts())
        counts.append(
            _policy_count(tally, recipe, one.name, one.policy).model_copy(
                update={
                    "kind": one.kind,
                    "of": one.of,
                    "change": one.change,
                    "source": one.source,
                    "left_out": dict(sorted(found.left_out.items())),
                    "short": dict(found.short),
                }
            )
        )
    return tuple(counts)


def _policy_count(tally: Tally, recipe: DataRecipe, name: str, policy: CompiledPolicy) -> PolicyCount:
    return PolicyCount(
        name=name or policy.header.name,
        policy=policy.header.name,
        version=policy.header.version,
        digest=policy.digest,
        words=len(system_turn(policy, recipe).split()),
        verdicts=dict(sorted(tally.under.get(name, Counter[str]()).items())),
    )
