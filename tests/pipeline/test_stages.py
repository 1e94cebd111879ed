"""A run's folder, and the folders of its stages: what is somebody else's stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from safecot_dsl.pipeline.stages import make_stage, refuse_others_run
from safecot_dsl.storage import Progress
from safecot_dsl.storage.files import OthersFilesError

OURS = b"the policy of the run"


def make(directory: Path, seed: str) -> None:
    def work(folder: Path) -> None:
        (folder / "rows.txt").write_text(seed)

    make_stage(directory, {"seed": seed}, work, Progress(quiet=True))


@pytest.mark.parametrize("name", ["policy.json", "summary.json", "report.html", "report.md"])
def test_a_file_of_somebody_elses_is_not_replaced_by_a_run(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(OthersFilesError, match=rf"holds files that are not written here and would be lost: {name}\. "):
        refuse_others_run(tmp_path, OURS)
    make(tmp_path / "arms" / "safecot" / "data", "0")
    refuse_others_run(tmp_path, OURS)  # now it is a run's, as is what stands there


def test_a_folder_of_a_run_whose_stages_were_removed_is_taken(tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_bytes(OURS)
    refuse_others_run(tmp_path, OURS)
    refuse_others_run(tmp_path / "new", OURS)
    with pytest.raises(OthersFilesError, match="is a file: name a folder"):
        refuse_others_run(tmp_path / "policy.json", OURS)


def test_a_stage_spares_what_it_did_not_write(tmp_path: Path) -> None:
    directory = tmp_path / "items"
    directory.mkdir()
    (directory / "thesis.txt").write_text("mine")
    with pytest.raises(OthersFilesError, match=r"would be lost: thesis\.txt\. "):
        make(directory, "0")
    (directory / "thesis.txt").unlink()
    make(directory, "0")
    make(directory, "1")
    assert (directory / "rows.txt").read_text() == "1"
    (directory / "notes.txt").write_text("mine")
    with pytest.raises(OthersFilesError, match=r"would be lost: notes\.txt\. "):
        make(directory, "2")
    assert ((directory / "rows.txt").read_text(), (directory / "notes.txt").read_text()) == ("1", "mine")


def test_a_stage_whose_stamp_is_damaged_is_made_anew(tmp_path: Path) -> None:
    make(tmp_path / "items", "0")
    (tmp_path / "items" / "stage.json").write_text("{")
    make(tmp_path / "items", "1")
    assert (tmp_path / "items" / "rows.txt").read_text() == "1"
