"""A warning of ours is one line on standard error; what libraries warn of is left to them."""

from __future__ import annotations

import importlib
import warnings

import pytest

from safecot_dsl.models import UnpinnedModelWarning


def test_ours_is_one_line_and_theirs_is_theirs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    program = importlib.import_module("safecot_dsl.cli.main")  # the package's `main` is the function

    def command(**_: object) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("it is \x1b[31mnot pinned", UnpinnedModelWarning, stacklevel=1)
            warnings.warn("of a library", UserWarning, stacklevel=1)

    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # put back afterwards
    theirs: list[str] = []
    monkeypatch.setattr(program, "_show_theirs", lambda message, *_: theirs.append(str(message)))
    monkeypatch.setattr(program, "app", command)
    program.main()
    shown = capsys.readouterr().err
    assert shown.startswith("warning: it is ")
    assert shown.endswith("not pinned\n")
    assert shown.count("\n") == 1
    assert "\x1b" not in shown
    assert theirs == ["of a library"]
