"""Diagnostics as workflow commands of GitHub Actions."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.diagnostics import Diagnostic, Label, Severity, Span
from safecot_dsl.diagnostics.github import render_github

ROOT = Path.cwd()


def span(line: int, column: int, end_line: int, end_column: int, file: str = "p.safecot") -> Span:
    return Span(file=file, line=line, column=column, end_line=end_line, end_column=end_column)


def fault(where: Span, message: str = "a fault", **rest: object) -> Diagnostic:
    return Diagnostic.model_validate({"code": "SC0001", "severity": "error", "message": message, "span": where, **rest})


def test_a_fault_is_a_command_with_its_notes_labels_and_help_below_the_message() -> None:
    label = Label(span=span(1, 2, 1, 3, "lib/l.safecot"), message="first here")
    shown = render_github([fault(span(3, 5, 3, 9), notes=("one", "two"), labels=(label,), help="mend it")], ROOT)
    assert shown == (
        "::error file=p.safecot,line=3,endLine=3,col=5,title=safecotc SC0001::"
        "a fault%0Anote: one%0Anote: two%0Alib/l.safecot:1:2: first here%0Ahelp: mend it\n"
    )


def test_a_place_of_several_lines_has_no_column() -> None:
    assert render_github([fault(span(3, 5, 4, 2))], ROOT).startswith("::error file=p.safecot,line=3,endLine=4,title=")


@pytest.mark.parametrize(("severity", "command"), [("error", "error"), ("warning", "warning"), ("note", "notice")])
def test_each_severity_has_its_command(severity: str, command: str) -> None:
    shown = render_github([fault(span(1, 1, 1, 2), severity=Severity(severity))], ROOT)
    assert shown.startswith(f"::{command} file=")


def test_what_separates_commands_is_escaped() -> None:
    """In a property also colon and comma, which would end it."""
    shown = render_github([fault(span(1, 1, 1, 2, "a,b:c%.safecot"), "100 % of a::b, c")], ROOT)
    assert shown == (
        "::error file=a%2Cb%3Ac%25.safecot,line=1,endLine=1,col=1,title=safecotc SC0001::100 %25 of a::b, c\n"
    )


def test_paths_are_relative_to_the_root_where_they_lie_below_it(tmp_path: Path) -> None:
    def file(path: Path | str) -> str:
        return render_github([fault(span(1, 1, 1, 2, str(path)))], tmp_path).split("file=")[1].split(",")[0]

    assert file(tmp_path / "policies" / ".." / "p.safecot") == "p.safecot"
    assert file(tmp_path.parent / "p.safecot") == (tmp_path.parent / "p.safecot").as_posix()


@given(message=st.text(), path=st.text(min_size=1).filter(lambda text: "\0" not in text))
def test_whatever_a_source_says_stays_in_its_one_command(message: str, path: str) -> None:
    """No text of a policy, and no file name, can begin a command of its own or end up in another property."""
    shown = render_github([fault(span(1, 1, 1, 2, path), message)], ROOT)
    assert shown.endswith("\n")
    assert len(shown.splitlines()) == 1 or not any(line.startswith("::") for line in shown.splitlines()[1:])
    assert shown.count("\n") == 1
    assert "\r" not in shown
    properties = shown.removeprefix("::error ").split("::", 1)[0].split(",")
    assert [pair.split("=")[0] for pair in properties] == ["file", "line", "endLine", "col", "title"]
    shown.encode("utf-8")


def test_the_runner_reads_the_path_back() -> None:
    """It undoes the escapes of `%`, line breaks, `:` and `,`, which are those of addresses."""
    name = "a\nb%0A,:.safecot"
    shown = render_github([fault(span(1, 1, 1, 2, name))], ROOT)
    assert unquote(shown.split("file=")[1].split(",")[0]) == name
