"""The rows of a run that a change of the policy decides otherwise: named by their requests, opened by their keys."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("starlette")

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.studio.folder import StudioFolder
from safecot_dsl.studio.policy import changing
from tests.dataset.conftest import policy, source
from tests.studio.rooms import Page
from tests.studio.test_rows import RUN, folder

__all__ = ["folder", "policy", "source"]


def test_a_changed_row_is_named_by_its_request_and_opens(folder: Path, policy: CompiledPolicy) -> None:
    other = policy.model_copy(update={"rules": ()})
    told = changing.rows_changed(StudioFolder(folder), RUN, policy, other)
    assert 0 < told.changed == len(told.rows)
    page = Page(folder)
    for row in told.rows:
        opened = page.get("/runs/row", run=RUN, id=row.id)
        assert opened["request"].startswith(row.request.rstrip("…"))
        assert row.request
        assert opened["verdict"] == row.before
