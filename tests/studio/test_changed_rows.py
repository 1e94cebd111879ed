"""The rows of a run that a change of the policy decides otherwise: named by their requests, opened by their keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette")

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset import Dataset
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


def test_the_rows_of_a_run_are_read_once(folder: Path, policy: CompiledPolicy, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[tuple[str, ...]] = []
    rows = Dataset.rows

    def reading(self: Dataset, columns: Sequence[str] | None = None, **settings: Any) -> Iterator[dict[str, Any]]:
        read.append(tuple(columns or ()))
        return rows(self, columns, **settings)

    monkeypatch.setattr(Dataset, "rows", reading)
    told = changing.rows_changed(StudioFolder(folder), RUN, policy, policy.model_copy(update={"rules": ()}))
    assert told.rows[0].request
    assert len(read) == 1


def test_of_many_changed_rows_the_first_are_named_and_all_are_counted(
    folder: Path, policy: CompiledPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = policy.model_copy(update={"rules": ()})
    every = changing.rows_changed(StudioFolder(folder), RUN, policy, other)
    monkeypatch.setattr(changing, "MOST_ROWS", 1)
    told = changing.rows_changed(StudioFolder(folder), RUN, policy, other)
    assert (told.changed, told.rows) == (every.changed, every.rows[:1])
    assert told.changed > 1
