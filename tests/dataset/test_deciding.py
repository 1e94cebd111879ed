"""An interpreter that is told its cases beforehand decides as one that is not."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.artifact import Case, CompiledPolicy
from safecot_dsl.dataset import deciding
from safecot_dsl.dataset.deciding import BlockInterpreter
from safecot_dsl.engine import Interpreter
from tests.render.talking import draw_cases
from tests.strategies import examples, policies


@examples(40)
@given(policy=policies(), seed=st.integers(0, 2**32))
def test_blocks_of_cases_are_decided_as_one_by_one(policy: CompiledPolicy, seed: int) -> None:
    """Objects that come again, objects that are equal, and cases that were never announced."""
    random = Random(seed)
    alone, told = Interpreter(policy), BlockInterpreter(policy)
    drawn = draw_cases(policy, 12, random)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deciding, "REMEMBERED", 6)
        patch.setattr(deciding, "PLACES", 9)
        for _ in range(6):
            block = [random.choice([case, Case(case.known, case.cannot_tell)]) for case in random.choices(drawn, k=8)]
            told.prime(iter(block))
            for case in (*block, random.choice(drawn)):
                assert told.decide(case) == alone.decide(case)
                assert told.nearest_rule(case) == alone.nearest_rule(case)
