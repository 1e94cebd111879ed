"""A run that is killed, interrupted, or runs out of room goes on, and ends as one that nothing disturbed."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import COMMAND, CommandLine, Ended, Moment

from .conftest import Done
from .runs import contents, write_tiny

INTERRUPTED = "error: interrupted; what was finished is kept, and the same command goes on from there"


def whole_stages(out: Path) -> set[str]:
    return {path.parent.relative_to(out).as_posix() for path in out.rglob("stage.json")}


def assert_nothing_half_written(out: Path) -> None:
    """Every folder of a stage is stamped; what was begun is hidden."""
    for arm in (
        "base",
        "items",
        "report",
        *(f"arms/{a.name}/{s.name}" for a in out.glob("arms/*") for s in a.iterdir()),
    ):
        folder = out / arm
        if folder.exists() and not folder.name.startswith("."):
            assert (folder / "stage.json").is_file(), folder


@pytest.mark.long
def test_killed_at_every_stage_and_run_again(
    safecotc: CommandLine, undisturbed: tuple[Done, Ended], tmp_path: Path
) -> None:
    """One run, killed seven times, each time further on. Every process is really killed, in the middle of a stage."""
    recipe, out = write_tiny(tmp_path), tmp_path / "out"
    moments = [
        Moment("base: learning to speak", 2),
        Moment("base: answering", 8),
        Moment("deciding", 60),
        Moment("writing rows", 5),
        Moment("training", 2),
        Moment("no_reasoning: answering", 8),
        Moment("scoring", 2),
    ]
    finished: set[str] = set()
    for moment in moments:
        ended = safecotc("run", recipe, "--out", out, at=moment)
        assert ended.code == -signal.SIGKILL, (moment, ended.err)
        assert_nothing_half_written(out)
        assert finished <= whole_stages(out)
        finished = whole_stages(out)
    last = safecotc("run", recipe, "--out", out)
    assert last.code == 0, last.err
    assert last.phases == ["scoring"]
    assert contents(out) == contents(undisturbed[0].out)


@pytest.mark.long
def test_what_was_done_before_a_kill_is_not_done_again(safecotc: CommandLine, begun: Callable[..., Done]) -> None:
    """Two of three steps were taken, and eight of sixteen items answered."""
    done = begun("base", "items", "arms/base", "arms/no_reasoning/data")
    safecotc("run", done.recipe, "--out", done.out, at=Moment("training", 3))
    resumed = safecotc("run", done.recipe, "--out", done.out, at=Moment("no_reasoning: answering", 8))
    assert "training: 2/3 steps (67 %)" in resumed.err.splitlines()
    resumed = safecotc("run", done.recipe, "--out", done.out, at=Moment("deciding", 1))
    assert "no_reasoning: answering: 8/16 items (50 %)" in resumed.err.splitlines()


@pytest.mark.parametrize(
    "moment",
    [pytest.param(Moment("deciding", 50, signal.SIGINT), marks=pytest.mark.long), Moment("training", 2, signal.SIGINT)],
    ids=["while rows are made", "while training"],
)
def test_ctrl_c_ends_with_one_line_and_its_exit_code(
    safecotc: CommandLine, begun: Callable[..., Done], undisturbed: tuple[Done, Ended], moment: Moment
) -> None:
    done = begun("base", "items", "arms/base")
    ended = safecotc("run", done.recipe, "--out", done.out, at=moment)
    assert ended.code == 130
    assert ended.last_line == INTERRUPTED
    assert "Traceback" not in ended.err
    assert ended.out == ""
    assert_nothing_half_written(done.out)
    assert not (done.out / "summary.json").exists()
    again = safecotc("run", done.recipe, "--out", done.out)
    assert again.code == 0, again.err
    assert contents(done.out) == contents(undisturbed[0].out)


def test_another_run_in_the_same_folder_is_refused(safecotc: CommandLine, done: Done) -> None:
    """The second of two that would write one stage stops at once, and the first is not disturbed."""
    script = textwrap.dedent(f"""
        import sys
        from pathlib import Path
        from safecot_dsl.storage import run_stage
        def work(folder):
            print("begun", flush=True)
            sys.stdin.read()
        run_stage(Path({str(done.out / "arms" / "safecot" / "data")!r}), {{"another": "input"}}, work)
    """)
    other = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "begun\n"
    try:
        ended = safecotc("generate", done.recipe, "--out", done.out, "--set", "data.rows=8")
        assert ended.code == 3
        assert "another process is working on" in ended.last_line
        assert "Traceback" not in ended.err
    finally:
        other.communicate("")
    assert other.returncode == 0


# No room --------------------------------------------------------------------------------------------------------


def test_a_file_that_may_not_grow_is_said_in_one_line(safecotc: CommandLine, begun: Callable[..., Done]) -> None:
    """The system refuses the adapter's bytes in mid-run, and safetensors says so in its own words. The same run with
    room to write then goes on."""
    done = begun("base", "items", "arms/base", "arms/no_reasoning/data")
    larger = ("train", done.recipe, "--out", done.out, "--arm", "no_reasoning", "--set", "training.r=8")
    ended = safecotc(*larger, largest_file=200_000)  # more than the policy has, and less than such an adapter
    assert ended.code == 3
    assert ended.last_line == f"error: {done.out}/arms/no_reasoning/adapter: File too large"
    assert "Traceback" not in ended.err
    assert_nothing_half_written(done.out)
    assert safecotc(*larger).code == 0


_ON_A_SMALL_DISK = """
mount -t tmpfs -o size=12m none "$1" || exit 99
cp -r "$2" "$1/run"
left=$(df --output=avail -k "$1" | tail -1)
dd if=/dev/zero of="$1/ballast" bs=1k count=$((left - $3)) status=none
shift 3
"$@" 2> "$LOG"
code=$?
find "$DISK/run/out" | sort > "$LOG.files"
rm "$DISK/ballast"
"$@" 2> "$LOG.again"
echo "$?" > "$LOG.code"
cp -r "$DISK/run/out" "$LOG.out"
exit $code
"""


@pytest.mark.parametrize(
    ("verb", "left", "reached"),
    [
        pytest.param("generate", 80, "writing rows", id="while rows are written"),
        pytest.param("train", 2150, "training", id="in a checkpoint", marks=pytest.mark.long),
    ],
)
def test_a_disk_that_fills_up_in_mid_run(
    begun: Callable[..., Done], undisturbed: tuple[Done, Ended], tmp_path: Path, verb: str, left: int, reached: str
) -> None:
    """A real disk of 12 MiB, of which `left` KiB are free when the run goes on: one clear line, nothing half-written;
    and once there is room again, the same files as ever."""
    done = begun("base", "items", "arms/base")
    disk, log = tmp_path / "disk", tmp_path / "log"
    disk.mkdir()
    command = [
        *COMMAND,
        verb,
        str(disk / "run" / "tiny.yaml"),
        "--out",
        str(disk / "run" / "out"),
        "--arm",
        "no_reasoning",
    ]
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("needs `unshare` for a file system of its own")
    ended = subprocess.run(
        [unshare, "-Urm", "sh", "-c", _ON_A_SMALL_DISK, "sh", disk, done.recipe.parent, str(left), *command],
        env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LOG": str(log), "DISK": str(disk), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode == 99 or "unshare" in ended.stderr:
        pytest.skip(f"a file system of its own is not permitted here: {ended.stderr.strip()}")
    said = log.read_text()
    assert ended.returncode == 3, said
    last = said.rstrip("\n").rpartition("\n")[2]
    assert last.startswith("error: the disk is full: ")
    assert f"{reached}: " in said, said
    assert "Traceback" not in said
    files = Path(f"{log}.files").read_text().splitlines()
    adapter = f"{disk}/run/out/arms/no_reasoning/adapter"
    assert not [name for name in files if name.startswith(adapter)]
    assert Path(f"{log}.code").read_text().strip() == "0", Path(f"{log}.again").read_text()
    made, wanted = contents(Path(f"{log}.out")), contents(undisturbed[0].out)
    for stage in ("data", "adapter") if verb == "train" else ("data",):
        part = f"arms/no_reasoning/{stage}/"
        assert {k: v for k, v in made.items() if k.startswith(part)} == {
            k: v for k, v in wanted.items() if k.startswith(part)
        }


# At any moment --------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_killed_from_outside_at_any_moment(
    safecotc: CommandLine, undisturbed: tuple[Done, Ended], tmp_path: Path
) -> None:
    """Killed by another process after 2 to 11.5 seconds, twenty times, unless a run comes through before."""
    recipe, out = write_tiny(tmp_path), tmp_path / "out"
    command = [*COMMAND, "run", str(recipe), "--out", str(out)]
    for number in range(20):
        run = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        try:
            run.communicate(timeout=2 + number / 2)
            break
        except subprocess.TimeoutExpired:
            run.kill()
            run.communicate()
        assert_nothing_half_written(out)
        time.sleep(0.01)
    assert safecotc("run", recipe, "--out", out).code == 0
    assert contents(out) == contents(undisturbed[0].out)
