"""The miniature's own policy, and its world."""

from __future__ import annotations

import pytest

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.datafiles import policies_root
from safecot_dsl.miniature import World
from safecot_dsl.miniature.lessons import PolicyLines, reasoning_lines
from safecot_dsl.render import Lookups
from safecot_dsl.workspace import compile_policy


@pytest.fixture(scope="session")
def policy() -> CompiledPolicy:
    return compile_policy(policies_root() / "miniature.safecot")


@pytest.fixture(scope="session")
def world(policy: CompiledPolicy) -> World:
    return World(policy, 0)


@pytest.fixture(scope="session")
def lines(world: World) -> PolicyLines:
    """Of one wording of look-ups: to work out those of all takes longer than the few steps of the builds here."""
    return reasoning_lines(world, Lookups.THINGS)
