"""A browser for the tests of a file: each test has a session of its own in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.studio.browser.rooms import launched


# Not for the whole run: while it is open, an event loop runs in this thread, and other files have theirs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as started:
        yield started
