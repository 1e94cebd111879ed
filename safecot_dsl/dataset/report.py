"""What `generate` made and what it left out: the data-set report, also written as `report.json`."""

from __future__ import annotations

from safecot_dsl.artifact.base import Frozen


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

    `items` is how many rows the sources gave; `candidates` how many of them could have become rows. `short` is what
    was asked for and could not be had. `read_as` says, for each verdict that is due, how many of the written answers
    the policy's criteria read as which verdict: off the diagonal, text and criteria disagree. `pairs` counts contrast
    pairs by the number of facts in which they differ. `files` are the digests of the written files.
    """

    name: str
    policy: str
    policy_version: str
    policy_digest: str
    seed: int
    command: str
    items: int
    candidates: int
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
