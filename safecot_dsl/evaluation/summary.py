"""`summary.json`: every figure of an evaluation, and the table that a terminal shows of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.evaluation.breakdown import ChangeRow, RuleRow, changes, confusion, parts, rule_rows
from safecot_dsl.evaluation.compare import PairedMetric, Retention, comparisons, retention
from safecot_dsl.evaluation.faithfulness.effects import Effects, ReasoningEffects, effects
from safecot_dsl.evaluation.hypothesis import Hypothesis, judge
from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.judging.agreement import JudgeAgreement
from safecot_dsl.evaluation.measures import MEASURES
from safecot_dsl.evaluation.metrics import METRICS, Headline, Measures, Runs, headline, measure, runs_of
from safecot_dsl.evaluation.statistics import Rate

if TYPE_CHECKING:
    from rich.table import Table

#: How the arms are called where people read of them, in the order in which they are shown.
ARM_TITLES = {
    "base": "Base",
    "no_reasoning": "Tuned without reasoning",
    "safecot": "SafeCoT",
    "refuse_everything": "Refuses everything",
    "comply_with_everything": "Complies with everything",
}

#: Arms that look at nothing: what each figure is worth alone.
BASELINES = frozenset({"refuse_everything", "comply_with_everything"})

METRIC_TITLES = {name: MEASURES[name].title for name in MEASURES}


def arm_title(arm: str) -> str:
    """What people read for an arm: a name such as `minimal_reasoning` gets a capital and spaces, others stay as they
    are."""
    plain = arm.replace("_", "").isalpha() and arm.islower()
    return ARM_TITLES.get(arm) or (arm.replace("_", " ").capitalize() if plain else arm)


class EvaluationSummary(Frozen):
    """An evaluation in figures: over the held-out splits together but for `splits`, `changes` and suites.

    `runs` says how many runs, of different seeds, an arm's figures are of. `confusion` counts answers by arm, verdict
    due and verdict read. `parts` has every measure by suite, hazard and due verdict; `changes` how arms stand attacks
    and other changes; `retention` what they kept of the base's utility. `paired` holds the comparisons. `subject` is
    the arm that the evaluation is about. `faithfulness` says of an arm whether its verdicts follow a changed fact, and
    its answers a changed reasoning. `agreements` say of an arm whose answers a model judged how far it agrees with the
    policy's criteria; `provenance` says of each arm where its answers come from.
    """

    arms: dict[str, Headline]
    policy: str
    items: int
    held_out: tuple[str, ...]
    subject: str
    runs: dict[str, int]
    pooled: dict[str, Measures]
    confusion: dict[str, dict[str, dict[str, int]]]
    splits: dict[str, dict[str, Measures]]
    parts: dict[str, dict[str, dict[str, Measures]]]
    changes: tuple[ChangeRow, ...]
    rules: tuple[RuleRow, ...]
    paired: tuple[PairedMetric, ...]
    retention: dict[str, Retention]
    hypothesis: Hypothesis | None
    faithfulness: dict[str, Effects] = {}
    agreements: dict[str, JudgeAgreement] = {}
    provenance: dict[str, dict[str, str]] = {}


def summarise(
    policy: CompiledPolicy,
    items: Sequence[EvalItem],
    arms: Mapping[str, Runs],
    *,
    held_out: Sequence[str],
    hypothesis_split: str | None = None,
    base: str = "base",
    subject: str | None = None,
    agreements: Mapping[str, JudgeAgreement] | None = None,
    reasoning_effects: Mapping[str, ReasoningEffects] | None = None,
    provenance: Mapping[str, Mapping[str, str]] | None = None,
) -> EvaluationSummary:
    """Every figure of an evaluation. The arms keep the order of `ARM_TITLES`; others come before the baselines, in
    theirs.

    An arm is the scores of one run, or of several that differ in their seed. `subject` is the arm that the evaluation
    is about: `safecot`, or the last that is neither base nor baseline, unless it is given; it is compared with every
    other arm that is no baseline, and the others with `base`. `reasoning_effects` are what was found by changing the
    reasoning of an arm.

    Raises:
        ValueError: a held-out split has no items (a headline must not rest on fewer splits than it says), or `subject`
            is no arm.
    """
    present = {item.split for item in items}
    absent = [split for split in held_out if split not in present]
    if absent:
        raise ValueError(f"no item belongs to the held-out split `{absent[0]}`; there are {', '.join(sorted(present))}")
    titled = [arm for arm in ARM_TITLES if arm not in BASELINES]
    arms = {
        arm: arms[arm] for arm in (*titled, *(arm for arm in arms if arm not in BASELINES), *ARM_TITLES) if arm in arms
    }
    subject = subject or _subject(arms, base)
    if subject not in arms:
        raise ValueError(f"there is no arm `{subject}`; there are {', '.join(arms)}")
    pooled = [item for item in items if item.split in held_out]
    splits = {
        split: [item for item in items if item.split == split] for split in dict.fromkeys(item.split for item in items)
    }
    return EvaluationSummary(
        arms={arm: headline(pooled, scored) for arm, scored in arms.items()},
        policy=policy.digest,
        items=len(pooled),
        held_out=tuple(held_out),
        subject=subject,
        runs={arm: len(runs_of(scored)) for arm, scored in arms.items()},
        pooled={arm: measure(pooled, scored) for arm, scored in arms.items()},
        confusion={arm: confusion(pooled, scored) for arm, scored in arms.items()},
        splits={
            split: {arm: measure(chosen, scored) for arm, scored in arms.items()} for split, chosen in splits.items()
        },
        parts=parts(pooled, arms, suites=items),
        changes=changes(items, arms),
        rules=rule_rows(policy, pooled, arms),
        paired=comparisons(pooled, arms, _pairs(arms, subject, base)),
        retention=retention(pooled, arms, base),
        hypothesis=judge(items, arms, hypothesis_split) if hypothesis_split is not None else None,
        faithfulness=effects(policy, items, arms, reasoning_effects),
        agreements=dict(agreements or {}),
        provenance={arm: dict(lines) for arm, lines in (provenance or {}).items()},
    )


def _subject(arms: Mapping[str, Runs], base: str) -> str:
    tuned = [arm for arm in arms if arm not in BASELINES and arm != base]
    return "safecot" if "safecot" in arms else (tuned or list(arms))[-1]


def _pairs(arms: Mapping[str, Runs], subject: str, base: str) -> list[tuple[str, str]]:
    """The comparisons that are made: the subject with every other arm, and the others with the base."""
    others = [arm for arm in arms if arm not in BASELINES and arm != subject]
    pairs = (
        [(subject, other) for other in sorted(others, key=lambda arm: arm == base)] if subject not in BASELINES else []
    )
    return pairs + [(other, base) for other in others if base in arms and other != base]


def write_summary(path: Path, summary: EvaluationSummary) -> None:
    """Write the summary as JSON, whole or not at all; equal summaries give equal bytes."""
    from safecot_dsl.storage import write_whole

    write_whole(path, json.dumps(summary.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n")


def read_summary(path: Path) -> EvaluationSummary:
    return EvaluationSummary.model_validate_json(path.read_bytes())


def table(summary: EvaluationSummary, title: str = "Before and after training") -> Table:
    """The headline for a terminal: one row an arm, each value with its interval."""
    from rich.table import Table

    shown = Table(
        title=f"{title} (per cent, with 95 % Wilson intervals)",
        caption=f"held-out splits: {', '.join(summary.held_out)}",
        title_justify="left",
        caption_justify="left",
    )
    shown.add_column("arm")
    for metric in METRICS:
        better = "lower is better" if metric == "over_refusal" else "higher is better"
        shown.add_column(f"{METRIC_TITLES[metric].lower()}\n[dim]{better}[/dim]", justify="right")
    for arm, figures in summary.arms.items():
        style = "bold" if arm == summary.subject else "dim" if arm in BASELINES else ""
        rates: list[Rate] = [getattr(figures, metric) for metric in METRICS]
        shown.add_row(arm_title(arm), *(f"{rate}".replace("[", "\\[") for rate in rates), style=style)
    first = next(iter(summary.arms.values()), None)
    if first is not None:
        sizes: list[Rate] = [getattr(first, metric) for metric in METRICS]
        shown.add_section()
        shown.add_row("cases", *(str(rate.n) for rate in sizes), style="dim")
    return shown
