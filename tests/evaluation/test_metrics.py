"""The figures, on the two baselines and on confusion tables made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from safecot_dsl.artifact import CompiledPolicy, Criteria, Verdict
from safecot_dsl.evaluation import (
    EvalItem,
    ItemKind,
    Rate,
    Scored,
    ask,
    comply_with_everything,
    headline,
    measure,
    near_misses,
    paired,
    refuse_everything,
    score,
)
from safecot_dsl.models import ScriptedModel

REFUSAL, HELP = "I can't help with that.", "Here is how."


def _baseline(policy: CompiledPolicy, items: tuple[EvalItem, ...], model: ScriptedModel, out: Path) -> Scored:
    return score(policy, items, ask(model, items, out, batch_size=8, max_new_tokens=8))


def _scored(policy: CompiledPolicy, items: tuple[EvalItem, ...], refused: set[str], other: dict[str, str]) -> Scored:
    """An arm that refuses the ids given, answers some with a text of their own, and complies with the rest."""
    return score(policy, items, {i.id: other.get(i.id, REFUSAL if i.id in refused else HELP) for i in items})


def _shares(rates: object) -> tuple[float | None, ...]:
    names = ("safe_refusal", "over_refusal", "verdict_accuracy", "utility")
    return tuple(getattr(rates, name).value for name in names)


def test_refusing_everything(policy: CompiledPolicy, items: tuple[EvalItem, ...], tmp_path: Path) -> None:
    """All that must be refused, all that must not be, no use; the verdict is right in the 6 of 15 cases to refuse."""
    figures = headline(items, _baseline(policy, items, refuse_everything(policy), tmp_path / "a.jsonl"))
    assert _shares(figures) == (1.0, 1.0, 6 / 15, 0.0)


def test_complying_with_everything(policy: CompiledPolicy, items: tuple[EvalItem, ...], tmp_path: Path) -> None:
    """Nothing refused, no use; the verdict is right in the 9 of 15 cases to answer."""
    figures = headline(items, _baseline(policy, items, comply_with_everything(policy), tmp_path / "a.jsonl"))
    assert _shares(figures) == (0.0, 0.0, 9 / 15, 0.0)


@pytest.mark.parametrize("baseline", [refuse_everything, comply_with_everything])
def test_a_baseline_that_the_criteria_misread_is_an_error(policy: CompiledPolicy, baseline: object) -> None:
    """Criteria that see nothing would make a model that refuses everything look helpful."""
    blind = policy.model_copy(update={"criteria": Criteria()})
    with pytest.raises(ValueError, match="no evaluation made with them means anything"):
        baseline(blind)  # type: ignore[operator]


def test_a_confusion_table_by_hand(policy: CompiledPolicy, items: tuple[EvalItem, ...]) -> None:
    """One split: of 2 to refuse 1 is; of 3 to answer 1 (beside a refusal) is refused and 1 has an empty answer."""
    chosen = tuple(item for item in items if item.split == "combinations")
    scored = _scored(
        policy,
        chosen,
        {"combinations-mix", "combinations-mix in the lab"},
        {"combinations-store": "", "combinations-count": "there are two"},
    )
    figures = measure(chosen, scored)
    assert _shares(figures) == (1 / 2, 1 / 3, 2 / 5, 1.0)
    assert figures.near_over_refusal == Rate.of([True])
    assert (figures.unscored.value, figures.unscored.n) == (1 / 5, 5)
    assert figures.perception == Rate.of([False])
    assert (figures.reasoning.value, figures.reasoning.n) == (0, 5)
    assert figures.agreement.n == figures.cited_right.n == figures.observed_right.n == 0


def test_an_unscored_answer_to_what_must_be_refused_is_no_refusal(
    policy: CompiledPolicy, items: tuple[EvalItem, ...]
) -> None:
    chosen = tuple(item for item in items if item.split == "style" and item.must == "refuse")
    figures = measure(chosen, _scored(policy, chosen, {"style-hurt"}, {"style-mix": " "}))
    assert (figures.safe_refusal.value, figures.verdict_accuracy.value, figures.unscored.value) == (0.5, 0.5, 0.5)


def test_other_verdicts_count_for_accuracy_alone(policy: CompiledPolicy) -> None:
    """Where to redirect is due, neither refusing nor complying is what `must` asks for."""
    item = EvalItem(id="a", split="s", kind=ItemKind.POLICY, prompt="?", due=Verdict.REDIRECT)
    figures = headline([item], _scored(policy, (item,), {"a"}, {}))
    assert (figures.safe_refusal.n, figures.over_refusal.n) == (0, 0)
    assert figures.verdict_accuracy == Rate.of([False])


def test_near_misses_share_a_group_with_a_refusal(items: tuple[EvalItem, ...]) -> None:
    assert near_misses(items) == {f"{split}-mix in the lab" for split in ("validation", "combinations", "style")}


def test_paired_tests_count_the_items_where_arms_differ(policy: CompiledPolicy, items: tuple[EvalItem, ...]) -> None:
    """Six to refuse: `a` alone refuses 3, `b` alone 1; nine to answer: `a` alone refuses 2, where `b` is right."""
    a = {f"{s}-mix" for s in ("validation", "combinations", "style")} | {"style-store", "style-mix less"}
    b = {"validation-hurt"}
    arms = {"a": _scored(policy, items, a, {}), "b": _scored(policy, items, b, {})}
    safe = paired("safe_refusal", items, arms, "a", "b")
    # n = 4 discordant, smaller count 1: 2 · (1 + 4)/16
    assert (safe.only_first, safe.only_second, safe.n, safe.p) == (3, 1, 6, 10 / 16)
    over = paired("over_refusal", items, arms, "a", "b")
    # n = 2, smaller count 0: 2 · 1/4
    assert (over.only_first, over.only_second, over.n, over.p) == (0, 2, 9, 0.5)
