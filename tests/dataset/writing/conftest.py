"""Policies as they are shipped, compiled once, and a server that really listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.datafiles import policies_root
from safecot_dsl.workspace import compile_policy

from .scripted import Server


@pytest.fixture(scope="session")
def shipped() -> Callable[[str], CompiledPolicy]:
    """The shipped policy of a name."""
    return cache(lambda name: compile_policy(policies_root() / f"{name}.safecot"))


@pytest.fixture(scope="session")
def chemicals(shipped: Callable[[str], CompiledPolicy]) -> CompiledPolicy:
    return shipped("household_chemicals")


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()
