"""A stage runs once for its inputs, continues after a kill, and runs again when an input differs."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from safecot_dsl.storage import StageBusyError, run_stage, write_whole


class Counting:
    """Writes one file and remembers how often it was asked to."""

    def __init__(self, text: str = "out") -> None:
        self.calls = 0
        self.text = text

    def __call__(self, folder: Path) -> None:
        self.calls += 1
        write_whole(folder / "out.txt", self.text)


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_a_second_run_does_nothing(tmp_path: Path):
    work = Counting()
    first = run_stage(tmp_path / "s", {"policy": "sha256:1", "recipe": "{}"}, work)
    second = run_stage(tmp_path / "s", {"recipe": "{}", "policy": "sha256:1"}, work)
    assert (first.ran, second.ran, work.calls) == (True, False, 1)
    assert first.digest == second.digest
    assert names(tmp_path / "s") == ["out.txt", "stage.json"]
    stamp = json.loads((tmp_path / "s" / "stage.json").read_text())
    assert stamp["inputs"] == {"policy": "sha256:1", "recipe": "{}"}
    assert list(stamp["outputs"]) == ["out.txt"]
    assert names(tmp_path) == ["s"]


def test_another_input_runs_it_again_and_keeps_nothing_old(tmp_path: Path):
    run_stage(tmp_path / "s", {"a": "1"}, lambda folder: write_whole(folder / "old.txt", "1"))
    stage = run_stage(tmp_path / "s", {"a": "2"}, lambda folder: write_whole(folder / "new.txt", "2"))
    assert stage.ran
    assert names(tmp_path / "s") == ["new.txt", "stage.json"]


@pytest.mark.parametrize("harm", ["changed", "removed", "added", "no stamp", "torn stamp"])
def test_outputs_that_were_harmed_are_made_again(tmp_path: Path, harm: str):
    work = Counting()
    run_stage(tmp_path / "s", {"a": "1"}, work)
    match harm:
        case "changed":
            (tmp_path / "s" / "out.txt").write_text("tampered")
        case "removed":
            (tmp_path / "s" / "out.txt").unlink()
        case "added":
            (tmp_path / "s" / "more.txt").write_text("")
        case "no stamp":
            (tmp_path / "s" / "stage.json").unlink()
        case _:
            (tmp_path / "s" / "stage.json").write_text('{"format": 1, "inp')
    assert run_stage(tmp_path / "s", {"a": "1"}, work).ran
    assert names(tmp_path / "s") == ["out.txt", "stage.json"]
    assert (tmp_path / "s" / "out.txt").read_text() == "out"


def test_a_failure_leaves_the_finished_folder_and_the_work_begun(tmp_path: Path):
    run_stage(tmp_path / "s", {"a": "1"}, Counting("good"))

    def half(folder: Path) -> None:
        write_whole(folder / "first", "1")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        run_stage(tmp_path / "s", {"a": "2"}, half)
    assert (tmp_path / "s" / "out.txt").read_text() == "good"

    seen: list[list[str]] = []
    run_stage(tmp_path / "s", {"a": "2"}, lambda folder: seen.append(names(folder)))
    assert seen == [[".inputs.json", "first"]]
    assert names(tmp_path / "s") == ["first", "stage.json"]


def test_work_begun_with_other_inputs_is_thrown_away(tmp_path: Path):
    def half(folder: Path) -> None:
        write_whole(folder / "first", "1")
        raise OSError

    with pytest.raises(OSError):
        run_stage(tmp_path / "s", {"a": "1"}, half)
    run_stage(tmp_path / "s", {"a": "2"}, Counting())
    assert names(tmp_path / "s") == ["out.txt", "stage.json"]


def test_a_killed_stage_continues_where_it_was(tmp_path: Path):
    """The work makes three files and is killed, for real, after the second; the second run makes only the third."""
    script = textwrap.dedent(f"""
        import os, signal, sys
        from pathlib import Path
        from safecot_dsl.storage import run_stage, write_whole

        def work(folder):
            for i in range(3):
                if not (folder / f"{{i}}").exists():
                    if len(sys.argv) > 1 and i == 2:
                        (folder / ".2.partial-xyz").write_text("torn")
                        os.kill(os.getpid(), signal.SIGKILL)
                    print("making", i, flush=True)
                    write_whole(folder / f"{{i}}", str(i))

        run_stage({str(tmp_path / "s")!r}, {{"a": "1"}}, work)
    """)
    first = subprocess.run([sys.executable, "-c", script, "die"], capture_output=True, text=True, check=False)
    assert first.returncode == -signal.SIGKILL
    assert first.stdout == "making 0\nmaking 1\n"
    assert not (tmp_path / "s").exists()
    second = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert second.stdout == "making 2\n"
    assert names(tmp_path / "s") == ["0", "1", "2", "stage.json"]
    assert names(tmp_path) == ["s"]


def test_a_stage_that_lacked_only_its_rename_is_not_repeated(tmp_path: Path):
    work = Counting()
    run_stage(tmp_path / "s", {"a": "1"}, work)
    (tmp_path / "s").rename(tmp_path / ".s.work")
    run_stage(tmp_path / "s", {"a": "1"}, work)
    assert work.calls == 1
    assert names(tmp_path) == ["s"]


def test_two_processes_do_not_work_on_one_stage(tmp_path: Path):
    script = f"""
from safecot_dsl.storage import run_stage
import time
def work(folder):
    print("ready", flush=True)
    time.sleep(60)
run_stage({str(tmp_path / "s")!r}, {{"a": "1"}}, work)
"""
    other = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        with pytest.raises(StageBusyError, match="another process"):
            run_stage(tmp_path / "s", {"a": "1"}, Counting())
    finally:
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
    assert run_stage(tmp_path / "s", {"a": "1"}, Counting()).ran
