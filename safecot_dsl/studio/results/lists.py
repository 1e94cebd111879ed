"""Results in tables: arms with intervals, rules arm by arm, and the cases that a filter leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from safecot_dsl.artifact import Verdict
from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.metrics import Headline
from safecot_dsl.evaluation.score import ItemScore
from safecot_dsl.evaluation.statistics import Rate
from safecot_dsl.evaluation.summary import BASELINES, arm_title
from safecot_dsl.render.phrasing import title
from safecot_dsl.studio.errors import StudioError
from safecot_dsl.studio.messages.results import (
    ArmResult,
    CasePage,
    CasesQuery,
    CaseSummary,
    RateMessage,
    RuleArm,
    RuleResult,
    RuleResults,
)
from safecot_dsl.studio.results.evaluations import Evaluation, is_policy_case, suite_of

#: Characters of a request that a list shows.
_SHOWN = 400


def rate_message(rate: Rate) -> RateMessage:
    return RateMessage(value=rate.value, low=rate.low, high=rate.high, n=rate.n)


def arm_results(evaluation: Evaluation, run: str) -> Iterator[ArmResult]:
    """The arms on all held-out cases together, then on each suite, by the run's own summary."""
    summary = evaluation.summary
    for arm, figures in summary.arms.items():
        counts: dict[str, int] = {}
        for reads in summary.confusion.get(arm, {}).values():
            for read, count in reads.items():
                counts[read] = counts.get(read, 0) + count
        yield _arm(run, arm, "", figures, counts, held_out=True)
    for suite, arms in suites_of(evaluation).items():
        for arm, figures in arms.items():
            yield _arm(run, arm, suite, figures, {}, held_out=suite in summary.held_out)


def suites_of(evaluation: Evaluation) -> dict[str, Mapping[str, Headline]]:
    """The figures of each suite, and of each split of cases that belong to none, by arm."""
    summary = evaluation.summary
    of_suites = summary.parts.get("suite", {})
    splits = {name: arms for name, arms in summary.splits.items() if not _is_of_suite(name, of_suites)}
    return {**splits, **of_suites}


def _is_of_suite(split: str, suites: Mapping[str, Any]) -> bool:
    """A suite's splits are called `suite/subset`."""
    return split in suites or split.partition("/")[0] in suites


def _arm(run: str, arm: str, suite: str, figures: Headline, counts: dict[str, int], *, held_out: bool) -> ArmResult:
    rates = {name: rate_message(getattr(figures, name)) for name in Headline.model_fields}
    return ArmResult(
        run=run,
        arm=arm,
        label=arm_title(arm),
        suite=suite,
        held_out=held_out,
        baseline=arm in BASELINES,
        n=rates["verdict_accuracy"].n,
        verdicts={read: count for read, count in counts.items() if count},
        **rates,
    )


def rule_results(evaluation: Evaluation, suite: str) -> RuleResults:
    """Every rule that decides or comes nearest to a case of a suite, arm by arm."""
    items = [item for item in evaluation.items if is_policy_case(item) and _in(item, suite, evaluation)]
    decided: dict[str, list[EvalItem]] = {}
    near: dict[str, list[EvalItem]] = {}
    for item in items:
        for rule in item.rules:
            decided.setdefault(rule, []).append(item)
        if item.id in evaluation.near and item.must == "comply":
            near.setdefault(evaluation.near[item.id], []).append(item)
    policy = evaluation.policy.compiled
    found: list[RuleResult] = []
    for name in [*(rule.name for rule in policy.rules), "default", "unsure"]:
        if name in decided or name in near:
            rule = policy.rule_index.get(name)
            line, path = evaluation.policy.rule_place(name)
            label = title(rule) if rule is not None else "No rule applies" if name == "default" else "What is unknown"
            given = policy.default if name == "default" else policy.unsure
            found.append(
                RuleResult(
                    rule=name,
                    label=label,
                    verdict=rule.verdict if rule is not None else given,
                    line=line,
                    path=path,
                    arms={
                        arm: _rule_arm(evaluation, arm, decided.get(name, []), near.get(name, []))
                        for arm in _read(evaluation)
                    },
                )
            )
    return RuleResults(rules=tuple(found))


def _rule_arm(evaluation: Evaluation, arm: str, decided: list[EvalItem], near: list[EvalItem]) -> RuleArm:
    scores = evaluation.scores(arm)
    right = [scores[item.id].right for item in decided]
    beside = {item.id: item for item in (*decided, *near)}.values()
    return RuleArm(
        n=len(decided),
        right=sum(right),
        over_refused=sum(over_refused(item, scores[item.id]) for item in beside),
        missed=sum(missed(item, scores[item.id]) for item in decided),
        accuracy=rate_message(Rate.of(right)),
    )


def over_refused(item: EvalItem, score: ItemScore) -> bool:
    """It refuses what is to be answered."""
    return score.refused and (item.must == "comply" or (item.due is not None and item.due.answers))


def missed(item: EvalItem, score: ItemScore) -> bool:
    """It answers what is to be refused."""
    return score.answered and (item.must == "refuse" or item.due is Verdict.REFUSE)


def _read(evaluation: Evaluation) -> list[str]:
    """The arms whose answers can be read."""
    found: list[str] = []
    for arm in evaluation.arms:
        try:
            evaluation.scores(arm)
        except StudioError:
            continue
        found.append(arm)
    return found


def case_page(evaluation: Evaluation, asked: CasesQuery) -> CasePage:
    """A page of the cases that are asked for. Raises :class:`StudioError` for an arm that there is not."""
    if asked.arm is not None and asked.arm not in evaluation.arms:
        raise StudioError(404, "no_arm", f"This run has no arm `{asked.arm}`.")
    arms = _read(evaluation)
    one = asked.arm is not None and asked.which != "arms_disagree"
    looked_at = [arm for arm in arms if (arm == asked.arm if one else arm not in BASELINES)]
    scores = {arm: evaluation.scores(arm) for arm in arms}
    wanted = asked.q.casefold() if asked.q else ""
    chosen = [
        item
        for item in evaluation.items
        if _in(item, asked.suite, evaluation)
        and (asked.rule is None or asked.rule in item.rules or evaluation.near.get(item.id) == asked.rule)
        and (not wanted or wanted in item.prompt.casefold() or wanted in item.id.casefold())
        and _is_which(item, asked.which, [scores[arm][item.id] for arm in looked_at])
    ]
    shown = chosen[asked.cursor : asked.cursor + asked.limit]
    end = asked.cursor + len(shown)
    return CasePage(
        total=len(chosen),
        cases=tuple(_summary(evaluation, item, scores) for item in shown),
        next=end if end < len(chosen) else None,
    )


def _in(item: EvalItem, suite: str, evaluation: Evaluation) -> bool:
    """Whether a case is of a suite; without one, of all that are held out."""
    return suite_of(item) == suite if suite else item.split in evaluation.summary.held_out


def _is_which(item: EvalItem, which: str, scores: list[ItemScore]) -> bool:
    match which:
        case "arms_disagree":
            return len({(score.right, score.verdict) for score in scores}) > 1
        case "wrong":
            return any(not score.right for score in scores)
        case "over_refusal":
            return any(over_refused(item, score) for score in scores)
        case "missed_refusal":
            return any(missed(item, score) for score in scores)
        case "reasoning_right_answer_wrong":
            return any(not score.right and score.reason_right is True for score in scores)
        case "wrong_reason":
            return any(score.right_for_wrong_reason for score in scores)
        case _:
            return True


def due_of(item: EvalItem) -> str:
    """What is due, in a word: the verdict, what must be done, or the kind of case."""
    return str(item.due) if item.due is not None else item.must or item.kind.value


def _summary(evaluation: Evaluation, item: EvalItem, scores: Mapping[str, Mapping[str, ItemScore]]) -> CaseSummary:
    number = evaluation.by_id[item.id]
    text = item.prompt
    return CaseSummary(
        id=item.id,
        suite=suite_of(item),
        kind=item.kind.value,
        picture=evaluation.pictures[number] > 0,
        request=text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…",
        due=due_of(item),
        rule=item.rules[0] if item.rules else "",
        near=evaluation.near.get(item.id, ""),
        wrong=tuple(arm for arm, found in scores.items() if not found[item.id].right),
        readings={arm: str(found[item.id].verdict) for arm, found in scores.items()},
    )
