"""The kitchen policy and its source, as the tests of data sets have them."""

from __future__ import annotations

from tests.dataset.conftest import policy, source

__all__ = ["policy", "source"]
