"""The recipe's splits."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from safecot_dsl.evaluation import EvaluationRecipe


def test_validation_is_not_held_out() -> None:
    assert EvaluationRecipe().held_out == ("combinations", "phrasings", "style")


def test_the_hypothesis_is_judged_on_a_held_out_split() -> None:
    with pytest.raises(ValidationError, match="`hypothesis_split` is `validation`, which is no held-out split"):
        EvaluationRecipe(hypothesis_split="validation")


def test_some_split_is_held_out() -> None:
    with pytest.raises(ValidationError, match="no split is held out, so there is no headline"):
        EvaluationRecipe.model_validate({"splits": {"validation": {"held_out": False}}})
    with pytest.raises(ValidationError, match="name one in `splits`"):
        EvaluationRecipe.model_validate({"splits": {}})


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(ValidationError, match="batchsize"):
        EvaluationRecipe.model_validate({"batchsize": 3})
