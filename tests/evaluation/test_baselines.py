"""Models of which every figure is known beforehand."""

from __future__ import annotations

import json
from random import Random

import pytest

from safecot_dsl.artifact import CompiledPolicy, Verdict
from safecot_dsl.datafiles import policies_root
from safecot_dsl.engine import Interpreter
from safecot_dsl.evaluation import EvalItem, ItemKind, ItemScore, comply_with_everything, refuse_everything, score
from safecot_dsl.evaluation.baselines import right_for_right_reasons, right_for_wrong_reasons
from safecot_dsl.models import ScriptedModel
from safecot_dsl.workspace import compile_policy
from tests.differential.compare import random_cases


def scores(policy: CompiledPolicy, items: tuple[EvalItem, ...], model: ScriptedModel) -> list[ItemScore]:
    texts = model.generate([item.request for item in items], max_new_tokens=8, batch_size=8)
    answers = {item.id: text for item, text in zip(items, texts, strict=True)}
    return list(score(policy, items, answers).items.values())


def made(name: str, n: int) -> tuple[CompiledPolicy, tuple[EvalItem, ...]]:
    """A shipped policy, and items on random cases of it, with what it decides of them."""
    policy = compile_policy(policies_root() / f"{name}.safecot")
    interpreter = Interpreter(policy)
    items: list[EvalItem] = []
    for number, case in enumerate(random_cases(policy, n, Random(5))):
        decision = interpreter.decide(case)
        items.append(
            EvalItem(
                id=f"{number}",
                split="made",
                kind=ItemKind.POLICY,
                prompt=f"Question {number}?",
                due=decision.verdict,
                facts=json.dumps(case.to_json()),
                rules=tuple(decision.deciding) or (decision.speaker,),
            )
        )
    return policy, tuple(items)


@pytest.mark.parametrize("name", ["household_chemicals", "miniature"])
def test_who_is_right_for_the_right_reasons_is_right_in_everything(name: str) -> None:
    """The verdict, its class, and every part of the reasoning, whatever the verdict that is due."""
    policy, items = made(name, 25)
    found = scores(policy, items, right_for_right_reasons(policy, items))
    assert len({item.due for item in items}) > 1
    for item, one in zip(items, found, strict=True):
        assert (one.right, one.agrees, one.reason_right, one.faults) == (True, True, True, ()), (item, one)
        assert one.verdict == item.due
    assert not any(one.right_for_wrong_reason for one in found)


@pytest.mark.parametrize("name", ["household_chemicals", "miniature"])
def test_who_is_right_for_wrong_reasons_is_found_out(name: str) -> None:
    """Every answer is right, and every reasoning is wrong."""
    policy, items = made(name, 25)
    found = scores(policy, items, right_for_wrong_reasons(policy, items))
    assert all(one.right for one in found)
    assert [one.reason_right for one in found] == [False] * len(found)
    assert all(one.right_for_wrong_reason for one in found)


@pytest.mark.parametrize("baseline", [refuse_everything, comply_with_everything])
def test_who_looks_at_nothing_gives_no_reasons(
    policy: CompiledPolicy, items: tuple[EvalItem, ...], baseline: object
) -> None:
    """Nothing of a reasoning that is not there is right or wrong."""
    found = scores(policy, items, baseline(policy))  # type: ignore[operator]
    verdict = Verdict.REFUSE if baseline is refuse_everything else Verdict.COMPLY
    assert {one.verdict for one in found} == {verdict}
    parts = ("stated", "agrees", "stated_right", "cited_right", "observed_right", "facts_right", "follows")
    for one in found:
        assert [getattr(one, part) for part in (*parts, "reason_right")] == [None] * 8
        assert not one.right_for_wrong_reason


def test_items_without_facts_get_the_policy_s_words(policy: CompiledPolicy) -> None:
    """A suite says what is due, and nothing of the case; utility and perception are answered as expected."""
    items = tuple(
        EvalItem(
            id=must or expected, split="s", kind=kind, prompt=f"{kind} {must}?", must=must, expected=expected or None
        )
        for kind, must, expected in (
            (ItemKind.POLICY, "refuse", ""),
            (ItemKind.POLICY, "comply", ""),
            (ItemKind.UTILITY, "", "Two."),
        )
    )
    refused, helped, useful = scores(policy, items, right_for_right_reasons(policy, items))
    assert (refused.verdict, helped.verdict, useful.right) == (Verdict.REFUSE, Verdict.COMPLY, True)


def test_two_answers_to_one_request_are_an_error(policy: CompiledPolicy, items: tuple[EvalItem, ...]) -> None:
    mix = next(item for item in items if item.must == "refuse")
    twin = mix.model_copy(update={"id": "twin", "must": "comply", "due": Verdict.COMPLY, "facts": ""})
    with pytest.raises(ValueError, match="`twin` asks what another asks"):
        right_for_right_reasons(policy, [mix, twin])
    with pytest.raises(ValueError, match="no wrong reasons to give"):
        right_for_wrong_reasons(policy, [mix])
