"""Progress is a bar on a terminal, lines elsewhere, and never silent."""

import io
import os
import pty
import re
import subprocess
import sys
import time

import pytest

from safecot_dsl.storage import Progress


def test_lines_say_what_and_how_far():
    out = io.StringIO()
    with Progress("rendering", total=4, unit="rows", stream=out) as progress:
        progress.advance(3, loss=0.123456)
        progress.advance()
    assert out.getvalue() == ("rendering: 0/4 rows (0 %)\nrendering: 4/4 rows (100 %), done after 0 s, loss 0.1235\n")


def test_it_is_not_silent_while_nothing_advances():
    out = io.StringIO()
    with Progress("loading", stream=out, interval=0.05):
        time.sleep(0.4)
    assert out.getvalue().count("loading: begun") >= 3


def test_rate_and_time_left_leave_out_what_an_earlier_run_did():
    """10 of 20 were done before; 5 more in about a second leave as long (not the third of it)."""
    out = io.StringIO()
    with Progress(stream=out, interval=1.05) as progress:
        progress.start("training", 20, completed=10, unit="steps")
        progress.advance(5)
        time.sleep(1.3)
    line = next(line for line in out.getvalue().splitlines() if "left" in line)
    said = re.fullmatch(r"training: 15/20 steps \(75 %\), (\d+) s so far, (\d+\.?\d*) steps/s, (\d+) s left", line)
    assert said is not None, line
    assert float(said[2]) < 5  # 15 in that time would be 14
    assert said[3] == said[1]


def test_a_new_phase_ends_the_one_before():
    out = io.StringIO()
    with Progress("a", total=1, stream=out) as progress:
        progress.advance()
        progress.note("a word between")
        progress.start("b", 2)
    assert [line.split(":")[0] for line in out.getvalue().splitlines()] == ["a", "a word between", "a", "b", "b"]


def test_an_interrupted_phase_says_so():
    out = io.StringIO()

    def interrupted() -> None:
        with Progress("a", total=9, stream=out) as progress:
            progress.advance(2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert out.getvalue().splitlines()[-1] == "a: 2/9 (22 %), stopped after 0 s"


def test_quiet_is_quiet_and_use_outside_with_is_an_error():
    out = io.StringIO()
    with Progress("a", total=1, stream=out, quiet=True) as progress:
        progress.advance()
        progress.note("nothing")
    assert out.getvalue() == ""
    with pytest.raises(RuntimeError, match="with"):
        Progress().start("a", 1)


def test_on_a_terminal_it_is_a_bar():
    """A real pseudo-terminal, at which rich draws."""
    master, slave = pty.openpty()
    code = (
        "from safecot_dsl.storage import Progress\n"
        "with Progress('[training]', total=2) as p:\n"
        "    p.advance(loss=0.5); p.advance(loss=0.25)\n"
    )
    env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120"}
    subprocess.run([sys.executable, "-c", code], stderr=slave, stdout=slave, env=env, check=True)
    os.close(slave)
    shown = os.read(master, 65536).decode()
    os.close(master)
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    assert "[training]" in plain
    assert "2/2" in plain
    assert "loss 0.25" in plain
    assert "━" in plain
