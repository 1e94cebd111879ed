"""The process that proves things, and what is shown while it has not answered."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from safecot_dsl.diagnostics import Diagnostic, Severity, Span
from safecot_dsl.lsp.findings import Analyst, carried
from safecot_dsl.workspace import check_policy, open_policy

POLICY = """policy p { version "1" }
facts image { a : flag b : flag }
rule one { when image.a and not image.a verdict refuse }
default comply
unsure clarify
"""


def _at(line: int) -> Diagnostic:
    span = Span(file="p", line=line, column=1, end_line=line, end_column=5)
    return Diagnostic(code="SC1101", severity=Severity.WARNING, message=f"line {line}", span=span)


def test_findings_move_with_their_lines_and_those_of_edited_lines_go() -> None:
    before = "a\nb\nc\nd\n"
    findings = [_at(line) for line in (1, 2, 3, 4)]

    def lines(after: str) -> dict[str, int]:
        return {finding.message: finding.span.line for finding in carried(findings, before, after)}

    assert lines(before) == {"line 1": 1, "line 2": 2, "line 3": 3, "line 4": 4}
    assert lines("a\nb\nx\ny\nc\nd\n") == {"line 1": 1, "line 2": 2, "line 3": 5, "line 4": 6}
    assert lines("a\nB\nc\nd\n") == {"line 1": 1, "line 3": 3, "line 4": 4}
    assert lines("c\nd\n") == {"line 3": 1, "line 4": 2}
    assert lines("") == {}
    assert lines("a\na\nb\nc\nd\n") == {"line 1": 1, "line 2": 3, "line 3": 4, "line 4": 5}


def test_the_process_says_what_a_check_says_of_texts_that_are_not_saved(tmp_path: Path) -> None:
    path = (tmp_path / "p.safecot").resolve()
    overlay = {path: POLICY}
    expected = check_policy(open_policy(path, overlay=overlay))

    async def ask() -> None:
        analyst = Analyst()
        assert await analyst.ask(path, [], overlay) == expected
        assert await analyst.ask(path, [], {path: POLICY.replace(" and not image.a", "")}) != expected
        await analyst.stop()

    assert "SC1101" in {finding.code for finding in expected}
    asyncio.run(ask())


def test_a_question_that_nobody_wants_answered_ends_the_process(tmp_path: Path) -> None:
    path = (tmp_path / "p.safecot").resolve()

    async def ask() -> None:
        analyst = Analyst()
        first = asyncio.create_task(analyst.ask(path, [], {path: POLICY}))
        await asyncio.sleep(0.05)
        first.cancel()
        begin = time.perf_counter()
        found = await analyst.ask(path, [], {path: POLICY})
        assert found is not None
        assert first.cancelled()
        assert time.perf_counter() - begin < 30
        await analyst.stop()
        await analyst.stop()  # ending what has ended is nothing

    asyncio.run(ask())


def test_the_process_runs_nothing_that_lies_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editor starts the server in the folder that is edited, which may come from elsewhere."""
    ran = tmp_path / "ran"
    (tmp_path / "json.py").write_text(f"open({str(ran)!r}, 'w').close()\nraise SystemExit\n")
    monkeypatch.chdir(tmp_path)
    path = (tmp_path / "p.safecot").resolve()

    async def ask() -> None:
        analyst = Analyst()
        assert await analyst.ask(path, [], {path: POLICY}) is not None
        await analyst.stop()

    asyncio.run(ask())
    assert not ran.exists()
