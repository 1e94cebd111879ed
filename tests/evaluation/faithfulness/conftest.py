"""The miniature's policy, and pairs of its requests one fact apart."""

from __future__ import annotations

import pytest

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.evaluation import EvalItem
from safecot_dsl.evaluation.suites.generated import MiniaturePool, make_suite


@pytest.fixture(scope="session")
def pairs(miniature: CompiledPolicy, pool: MiniaturePool) -> tuple[EvalItem, ...]:
    """Seven pairs, each of another rule or exception."""
    return tuple(make_suite("boundary", miniature, pool, items=14))
