"""A file that is not there: which one was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from safecot_dsl.cli.main import main
from safecot_dsl.diagnostics import nearby, no_such_file
from safecot_dsl.workspace import open_policy


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "household_chemicals.safecot").write_text("")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "secret.safecot").write_text("")
    (tmp_path / "pharmacy.safecot").write_text("")
    (tmp_path / "case.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("named", "meant"),
    [
        ("pharmcy.safecot", ("pharmacy.safecot",)),
        ("pharmacy", ("pharmacy.safecot",)),
        ("household.safecot", ("policies/household_chemicals.safecot",)),
        ("household_chemicals.safecot", ("policies/household_chemicals.safecot",)),
        ("policies/household_chemical.safecot", ("policies/household_chemicals.safecot",)),
        ("cse.json", ("case.json",)),
        ("pharmacy.json", ()),
        ("secret.safecot", ()),
        ("nowhere/pharmacy.safecot", ()),
        ("zebra.safecot", ()),
    ],
)
def test_the_file_that_was_meant(folder: Path, named: str, meant: tuple[str, ...]) -> None:
    assert nearby(Path(named)).names == tuple(str(Path(name)) for name in meant)


def test_a_policy_that_is_not_there_is_answered_with_the_one_that_is(folder: Path) -> None:
    (said,) = open_policy(Path("household.safecot")).diagnostics
    assert said.message == f"there is no such file; did you mean `{Path('policies/household_chemicals.safecot')}`?"
    assert no_such_file(Path("zebra.safecot")) == "there is no such file"


def test_what_the_system_says_of_a_missing_file_is_followed_by_the_one_that_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["safecotc", "run", "recpe.yaml"])
    (folder / "recipe.yaml").write_text("")
    with pytest.raises(SystemExit):
        main()
    assert "did you mean `recipe.yaml`?" in capsys.readouterr().err
