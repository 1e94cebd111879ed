"""Golden files: what is said of each fault, and how it is shown. `NAME.out` beside `NAME.safecot` is what is expected.

`SAFECOT_WRITE_GOLDEN=1 pytest tests/compiler/test_faults.py` writes them anew; read the difference before you keep it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from safecot_dsl.diagnostics import render_text
from safecot_dsl.workspace import open_policy

from .vocabulary import speaks_parser

FAULTS = Path(__file__).parent / "faults"
NAMES = sorted(path.stem for path in FAULTS.glob("*.safecot"))


@pytest.fixture
def shown(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The terminal's text, without colour, for the file that the test's parameter names."""
    monkeypatch.chdir(FAULTS)
    opened = open_policy(f"{request.param}.safecot")
    return render_text(opened.diagnostics, opened.sources).plain


@pytest.mark.parametrize(("shown", "name"), [(name, name) for name in NAMES], indirect=["shown"], ids=NAMES)
def test_every_fault_is_shown_as_it_was(shown: str, name: str) -> None:
    golden = FAULTS / f"{name}.out"
    if os.environ.get("SAFECOT_WRITE_GOLDEN"):
        golden.write_text(shown, encoding="utf-8")
    assert shown == golden.read_text(encoding="utf-8")


def test_every_golden_file_has_its_policy() -> None:
    assert sorted(path.stem for path in FAULTS.glob("*.out")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_no_output_speaks_of_the_parser(name: str) -> None:
    for line in (FAULTS / f"{name}.out").read_text(encoding="utf-8").splitlines():
        if line.startswith(("error[", "warning[", "note[")) or " = help: " in line:
            assert not speaks_parser(line.partition(": ")[2]), line


@pytest.mark.parametrize("name", NAMES)
def test_messages_keep_their_grammar(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower case, one line, no final period; the same for what helps."""
    monkeypatch.chdir(FAULTS)
    for diagnostic in open_policy(f"{name}.safecot").diagnostics:
        for text in (diagnostic.message, diagnostic.help or "a", *(label.message for label in diagnostic.labels)):
            assert re.match(r"[a-z`]|SafeCoT|RE2", text), text
            assert not text.endswith((".", "!", " ")) or text.endswith("..."), text
            assert "\n" not in text
            assert text.count("`") % 2 == 0, text
