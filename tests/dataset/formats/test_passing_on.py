"""Which pictures are uploaded without being asked about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from safecot_dsl.cli.main import app
from safecot_dsl.dataset.passing_on import held_back, refuse_pictures
from safecot_dsl.dataset.store import DatasetError

FILE = "data/train-00000.parquet"


def _licensed(dataset: Path, licence: str) -> int:
    """Give all rows another licence; how many have pictures."""
    table = pq.read_table(dataset / FILE)
    place = table.schema.get_field_index("licence")
    changed = table.set_column(place, "licence", pa.array([licence] * table.num_rows))
    pq.write_table(changed.replace_schema_metadata(table.schema.metadata), dataset / FILE)
    return sum(bool(row["image_sha256"]) for row in table.to_pylist())


def test_pictures_of_a_known_licence_are_passed_on(dataset: Path) -> None:
    assert held_back(dataset) == {}
    refuse_pictures(dataset)


@pytest.mark.parametrize("licence", ["our own, research only", "unknown", ""])
def test_pictures_of_another_are_not_and_the_source_is_named(licence: str, dataset: Path) -> None:
    rows = _licensed(dataset, licence)
    assert held_back(dataset) == {("hand", licence or "none"): rows}
    with pytest.raises(DatasetError, match=f"{rows} rows of hand"):
        refuse_pictures(dataset)


def test_the_command_refuses_before_it_writes(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And asks the Hub only where it is told to."""
    import safecot_dsl.storage.hub as hub

    pushed: list[Any] = []

    def take(upload: Any, **_: Any) -> str:
        pushed.append(upload)
        return "taken"

    monkeypatch.setattr(hub, "push", take)
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_test")
    command = ["data", "export", str(dataset), "--for", "hf", "--out", str(tmp_path / "out")]
    assert CliRunner().invoke(app, command).exit_code == 0
    assert pushed == []
    assert CliRunner().invoke(app, [*command, "--push-to-hub", "me/rows"]).exit_code == 0
    assert {name for name, _ in pushed[0].files} >= {"README.md", FILE}
    assert (pushed[0].repo, pushed[0].kind) == ("me/rows", "dataset")
    _licensed(dataset, "research only")
    refused = [*command[:-1], str(tmp_path / "other"), "--push-to-hub", "me/rows"]
    assert CliRunner().invoke(app, refused).exit_code != 0
    assert not (tmp_path / "other").exists()
    assert len(pushed) == 1
    assert CliRunner().invoke(app, [*refused, "--pictures"]).exit_code == 0
    assert len(pushed) == 2
