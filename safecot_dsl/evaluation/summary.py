"""`summary.json`: every figure of an evaluation, and the table that a terminal shows of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from safecot_dsl.artifact import CompiledPolicy, Verdict, read_case
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.engine import Interpreter
from safecot_dsl.evaluation.hypothesis import Hypothesis, judge
from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.metrics import METRICS, Headline, Measures, headline, measure, paired
from safecot_dsl.evaluation.score import Scored
from safecot_dsl.evaluation.statistics import Paired, Rate

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

METRIC_TITLES = {
    "safe_refusal": "Safe refusal",
    "over_refusal": "Over-refusal",
    "verdict_accuracy": "Verdict accuracy",
    "utility": "Utility",
}


class RuleRow(Frozen):
    """How each arm does where one rule speaks (`default` and `unsure` are rows too).

    `decided`: verdict accuracy on the cases that the rule decides, and `refused`: the share of them that were refused.
    `neighbours`: over-refusal on the must-comply cases that `default` decides and to which this rule comes nearest;
    empty for a rule that comes nearest to none.
    """

    rule: str
    verdict: Verdict
    exception_to: tuple[str, ...] = ()
    decided: dict[str, Rate]
    refused: dict[str, Rate]
    neighbours: dict[str, Rate]


class PairedMetric(Paired):
    """McNemar's exact test on one metric."""

    metric: str


class Summary(Frozen):
    """An evaluation in figures. `arms`, `pooled`, `rules` and `paired` are over the held-out splits together."""

    arms: dict[str, Headline]
    policy: str
    held_out: tuple[str, ...]
    pooled: dict[str, Measures]
    splits: dict[str, dict[str, Measures]]
    rules: tuple[RuleRow, ...]
    paired: tuple[PairedMetric, ...]
    hypothesis: Hypothesis


def summarise(
    policy: CompiledPolicy,
    items: Sequence[EvalItem],
    arms: Mapping[str, Scored],
    *,
    held_out: Sequence[str],
    hypothesis_split: str,
) -> Summary:
    """Every figure of an evaluation. The arms keep the order of `ARM_TITLES`; others come after, in theirs.

    Raises ValueError where a held-out split has no items: a headline must not rest on fewer splits than it says.
    """
    present = {item.split for item in items}
    absent = [split for split in held_out if split not in present]
    if absent:
        raise ValueError(f"no item belongs to the held-out split `{absent[0]}`; there are {', '.join(sorted(present))}")
    arms = {arm: arms[arm] for arm in (*ARM_TITLES, *arms) if arm in arms}
    pooled = [item for item in items if item.split in held_out]
    splits = {
        split: [item for item in items if item.split == split] for split in dict.fromkeys(item.split for item in items)
    }
    return Summary(
        arms={arm: headline(pooled, scored) for arm, scored in arms.items()},
        policy=policy.digest,
        held_out=tuple(held_out),
        pooled={arm: measure(pooled, scored) for arm, scored in arms.items()},
        splits={
            split: {arm: measure(chosen, scored) for arm, scored in arms.items()} for split, chosen in splits.items()
        },
        rules=_rules(policy, pooled, arms),
        paired=tuple(
            PairedMetric(metric=metric, **paired(metric, pooled, arms, "safecot", other).model_dump())
            for other in ("no_reasoning", "base")
            if "safecot" in arms and other in arms
            for metric in METRICS
        ),
        hypothesis=judge(items, arms, hypothesis_split),
    )


def write_summary(path: Path, summary: Summary) -> None:
    """Write the summary as JSON, whole or not at all; equal summaries give equal bytes."""
    from safecot_dsl.storage import write_whole

    write_whole(path, json.dumps(summary.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n")


def read_summary(path: Path) -> Summary:
    return Summary.model_validate_json(path.read_bytes())


def table(summary: Summary) -> Table:
    """The headline for a terminal: one row an arm, before and after training, each value with its interval."""
    from rich.table import Table

    shown = Table(
        title="Before and after training (per cent, with 95 % Wilson intervals)",
        caption=f"held-out splits: {', '.join(summary.held_out)}",
        title_justify="left",
        caption_justify="left",
    )
    shown.add_column("arm")
    for metric in METRICS:
        better = "lower is better" if metric == "over_refusal" else "higher is better"
        shown.add_column(f"{METRIC_TITLES[metric].lower()}\n[dim]{better}[/dim]", justify="right")
    for arm, figures in summary.arms.items():
        style = "bold" if arm == "safecot" else "dim" if arm.endswith("_everything") else ""
        rates: list[Rate] = [getattr(figures, metric) for metric in METRICS]
        shown.add_row(ARM_TITLES.get(arm, arm), *(f"{rate}".replace("[", "\\[") for rate in rates), style=style)
    first = next(iter(summary.arms.values()), None)
    if first is not None:
        sizes: list[Rate] = [getattr(first, metric) for metric in METRICS]
        shown.add_section()
        shown.add_row("cases", *(str(rate.n) for rate in sizes), style="dim")
    return shown


def _rules(policy: CompiledPolicy, items: Sequence[EvalItem], arms: Mapping[str, Scored]) -> tuple[RuleRow, ...]:
    """A row for every rule that decides or comes nearest to an item, in the policy's order, then default and unsure."""
    interpreter = Interpreter(policy)
    decided: dict[str, list[EvalItem]] = {}
    neighbours: dict[str, list[EvalItem]] = {}
    for item in items:
        for rule in item.rules:
            decided.setdefault(rule, []).append(item)
        if item.must == "comply" and item.rules == ("default",) and item.facts:
            nearest = interpreter.nearest_rule(read_case(policy, json.loads(item.facts)))
            if nearest is not None:
                neighbours.setdefault(nearest.rule.name, []).append(item)
    names = [rule.name for rule in policy.rules] + ["default", "unsure"]
    verdicts = {rule.name: rule.verdict for rule in policy.rules} | {"default": policy.default, "unsure": policy.unsure}
    exceptions = {rule.name: rule.exception_to for rule in policy.rules}
    return tuple(
        RuleRow(
            rule=name,
            verdict=verdicts[name],
            exception_to=exceptions.get(name, ()),
            decided={arm: Rate.of(s.items[i.id].right for i in decided.get(name, [])) for arm, s in arms.items()},
            refused={arm: Rate.of(s.items[i.id].refused for i in decided.get(name, [])) for arm, s in arms.items()},
            neighbours={arm: Rate.of(s.items[i.id].refused for i in neighbours[name]) for arm, s in arms.items()}
            if name in neighbours
            else {},
        )
        for name in names
        if name in decided or name in neighbours
    )
