"""`safecotc policy code`."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from safecot_dsl.datafiles import code_pages, code_title
from tests.commands import COMMAND

from .conftest import Run


def test_without_a_code_all_are_listed(safecotc: Run) -> None:
    result = safecotc("policy", "code")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == [f"{code}  {code_title(page)}" for code, page in code_pages().items()]
    assert "SC0007  a comparison with the wrong word or sign" in result.out.splitlines()


@pytest.mark.parametrize("spelt", ["SC0007", "sc0007", "Sc0007", "0007", "7", "sc7", " SC0007 ", "SCOOO7"])
def test_a_code_may_be_spelt_in_several_ways(safecotc: Run, spelt: str) -> None:
    result = safecotc("policy", "code", spelt)
    assert (result.code, result.err) == (0, "")
    assert result.out == code_pages()["SC0007"].read_text(encoding="utf-8")  # it has no links


def test_in_a_pipe_a_page_is_plain_text_without_links(process: Run) -> None:
    result = process("policy", "code", "SC0005")
    assert (result.code, result.err) == (0, "")
    assert "\x1b" not in result.out
    assert "(CVE-2021-42574)" in result.out
    assert "https://" not in result.out
    assert result.out.startswith("# SC0005: a character that is not seen\n\n")
    assert "\n```safecot\npolicy kitchen {\n" in result.out


@pytest.mark.parametrize("code", code_pages())
def test_what_a_page_shows_of_policies_and_messages_is_left_as_it_is(safecotc: Run, code: str) -> None:
    fenced = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
    page = code_pages()[code].read_text(encoding="utf-8")
    assert fenced.findall(safecotc("policy", "code", code).out) == fenced.findall(page)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("SC0109", "there is no code `SC0109`; did you mean `SC0107`?"),
        ("99", "there is no code `99`; did you mean `SC0008`?"),
        ("sc9999", "there is no code `sc9999`; `safecotc policy code` lists the codes"),
        ("verdict", "there is no code `verdict`; `safecotc policy code` lists the codes"),
        ("", "there is no code ``; `safecotc policy code` lists the codes"),
        ("../SC0001", "there is no code `../SC0001`; did you mean `SC0001`?"),
        (
            "SC\u0660\u0660\u0660\u0667",
            "there is no code `SC\u0660\u0660\u0660\u0667`; `safecotc policy code` lists the codes",
        ),
        ("a\x1b[31m", "there is no code `a<U+001B>[31m`; `safecotc policy code` lists the codes"),
    ],
)
def test_an_unknown_code_is_wrong_usage(safecotc: Run, given: str, said: str) -> None:
    result = safecotc("policy", "code", given)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"error: {said}")


@pytest.mark.parametrize("columns", [60, 240])
def test_a_terminal_gets_the_page_laid_out(folder: Path, columns: int) -> None:
    """Headings without `#`, no fences, nothing wider than the window, and lines that can be read in a wide one."""
    shown = in_a_terminal("policy", "code", "SC0007", folder=folder, columns=columns)
    lines = [line.rstrip() for line in plain(shown).split("\n")]
    assert "\x1b[" in shown
    assert "```" not in plain(shown)
    assert not any(line.lstrip().startswith("#") for line in lines)
    assert any("SC0007" in line for line in lines)
    assert any("error[SC0007]: a fact is compared with" in line for line in lines)
    assert max(map(len, lines)) <= min(columns, 100)


def in_a_terminal(*words: str, folder: Path, columns: int) -> str:
    """What a command writes to a terminal of this width."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen([*COMMAND, *words], cwd=folder, env=environment, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        parts: list[bytes] = []
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # Linux ends a terminal whose other side is closed with EIO
                break
            if not part:
                break
            parts.append(part)
        os.close(ours)
        assert process.wait(timeout=60) == 0
    return b"".join(parts).decode("utf-8")


def plain(text: str) -> str:
    from rich.text import Text

    return Text.from_ansi(text.replace("\r\n", "\n")).plain
