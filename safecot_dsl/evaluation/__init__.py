"""Evaluation: the same items for every arm, verdicts read from final answers, shares with intervals, one report.

answers = ask(model, items, folder / "answers.jsonl", batch_size=64, max_new_tokens=160)
scored = score(policy, items, answers)
summary = summarise(policy, items, {"base": ..., "safecot": scored}, held_out=..., hypothesis_split=...)
"""

from safecot_dsl.evaluation.agreement import Disagreement, LabelAgreement, agreement
from safecot_dsl.evaluation.asking.ask import AnswersError, ask, read_answers
from safecot_dsl.evaluation.baselines import comply_with_everything, refuse_everything
from safecot_dsl.evaluation.breakdown import RuleRow
from safecot_dsl.evaluation.choices import read_choice
from safecot_dsl.evaluation.curves import Curve, CurveError, read_curve
from safecot_dsl.evaluation.hypothesis import Claim, Hypothesis, judge
from safecot_dsl.evaluation.items import EvalItem, ItemKind, ItemsError, read_items, write_items
from safecot_dsl.evaluation.measures import MEASURES, near_misses
from safecot_dsl.evaluation.metrics import METRICS, Headline, Measures, headline, measure, paired
from safecot_dsl.evaluation.recipe import EvaluationRecipe, FaithfulnessRecipe, SplitRecipe, SuiteRecipe
from safecot_dsl.evaluation.report import (
    ComparedFolders,
    ReportError,
    choose,
    compare_folders,
    report_folders,
    write_markdown,
    write_report,
)
from safecot_dsl.evaluation.score import ItemScore, Scored, score
from safecot_dsl.evaluation.statistics import Paired, Rate, RateDifference, holm, mcnemar, wilson
from safecot_dsl.evaluation.summary import ARM_TITLES, EvaluationSummary, read_summary, summarise, table, write_summary

__all__ = [
    "ARM_TITLES",
    "MEASURES",
    "METRICS",
    "AnswersError",
    "Claim",
    "ComparedFolders",
    "Curve",
    "CurveError",
    "Disagreement",
    "EvalItem",
    "EvaluationRecipe",
    "EvaluationSummary",
    "FaithfulnessRecipe",
    "Headline",
    "Hypothesis",
    "ItemKind",
    "ItemScore",
    "ItemsError",
    "LabelAgreement",
    "Measures",
    "Paired",
    "Rate",
    "RateDifference",
    "ReportError",
    "RuleRow",
    "Scored",
    "SplitRecipe",
    "SuiteRecipe",
    "agreement",
    "ask",
    "choose",
    "compare_folders",
    "comply_with_everything",
    "headline",
    "holm",
    "judge",
    "mcnemar",
    "measure",
    "near_misses",
    "paired",
    "read_answers",
    "read_choice",
    "read_curve",
    "read_items",
    "read_summary",
    "refuse_everything",
    "report_folders",
    "score",
    "summarise",
    "table",
    "wilson",
    "write_items",
    "write_markdown",
    "write_report",
    "write_summary",
]
