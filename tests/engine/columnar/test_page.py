"""What the page on deciding many cases shows in Python is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from safecot_dsl.datafiles import policies_root

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "decide.md"


def test_the_python_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """All blocks are one program."""
    monkeypatch.chdir(policies_root().parent)
    program = "\n".join(re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE))
    assert program.count("assert ") == 3
    exec(compile(program, str(PAGE), "exec"), {})  # noqa: S102 - the page is ours
