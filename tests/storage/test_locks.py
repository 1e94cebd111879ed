"""One process at a time."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from safecot_dsl.storage import whole_directory
from safecot_dsl.storage.locks import lock

HOLDS = "import sys, time; from pathlib import Path; from safecot_dsl.storage.locks import lock; "
HOLDS += "held = lock(Path(sys.argv[1])); print(held is not None, flush=True); time.sleep(60)"


def holder(file: Path) -> subprocess.Popen[str]:
    """Another process that asks for the lock, and keeps it if it gets it."""
    process = subprocess.Popen([sys.executable, "-c", HOLDS, str(file)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().strip() in ("True", "False")
    return process


def test_one_process_has_it_until_it_ends(tmp_path: Path) -> None:
    file = tmp_path / "it.lock"
    other = holder(file)
    assert lock(file) is None
    other.kill()
    other.wait()
    assert file.exists()  # a killed process leaves it, and holds it no more
    held = lock(file)
    assert held is not None
    assert lock(file) is None  # nor twice in one process
    with held:
        pass
    assert not file.exists()


def test_a_file_that_was_removed_by_its_holder_is_no_lock(tmp_path: Path) -> None:
    """Who opened the file before it was removed would otherwise hold one, and who makes it anew another."""
    file = tmp_path / "it.lock"
    for _ in range(3):
        first = lock(file)
        assert first is not None
        with first:
            assert lock(file) is None
        second = lock(file)
        assert second is not None
        with second:
            assert lock(file) is None


def test_a_folder_that_cannot_be_written_to_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        lock(tmp_path / "file" / "it.lock")


def test_where_a_file_system_knows_no_locks_folders_are_written_all_the_same(tmp_path: Path, monkeypatch) -> None:
    """And what lies about there is left alone: nothing says that its process is dead."""
    (tmp_path / ".data.partial-1").mkdir()

    def none(file: Path) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("safecot_dsl.storage.files.lock", none)
    with whole_directory(tmp_path / "data") as folder:
        (folder / "a").write_text("1")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".data.partial-1", "data"]
