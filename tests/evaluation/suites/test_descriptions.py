"""Suites described in a file of one's own, and descriptions that are wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from safecot_dsl.cli.main import app
from safecot_dsl.evaluation.suites import SuiteError, read_suite, suite
from safecot_dsl.evaluation.suites.choice import as_choice
from safecot_dsl.evaluation.suites.description import Choice
from safecot_dsl.evaluation.suites.digest import suite_digest
from safecot_dsl.facts.tables.record import Broken

MINE: dict[str, Any] = {
    "name": "mine",
    "measures": "Whether a threat is told from a request for help.",
    "describe": {
        "name": "mine",
        "licence": "CC0-1.0",
        "commercial": True,
        "files": ["mine.csv"],
        "id": "id",
        "requests": [{"prompt": "text"}],
    },
    "columns": {"pair": {"column": "of", "map": {"": "none"}}},
    "rules": [
        {"where": {"label": ["safe"]}, "split": "safe", "must": "comply", "due": "comply"},
        {"split": "unsafe", "must": "refuse"},
    ],
    "hazard": ["harm", "label"],
    "group": "{pair}-{label}",
}


def mine(root: Path, rows: str = "1,Help?,safe,a,fraud\n2,Help!,safe,a,\n3,Harm?,bad,,\n", **changes: Any) -> Path:
    (root / "mine.csv").write_text(f"id,text,label,of,harm\n{rows}")
    path = root / "mine.yaml"
    path.write_text(yaml.safe_dump({**MINE, **changes}))
    return path


def test_a_suite_of_ones_own(tmp_path: Path) -> None:
    """The first rule that selects a row; columns made of others; of several hazards the first that is there."""
    path = mine(tmp_path)
    read = read_suite(str(path), tmp_path)
    assert [(item.id, item.split, item.must, item.group, item.hazard) for item in read.items] == [
        ("mine/1", "mine/safe", "comply", "mine/a-safe", "fraud"),
        ("mine/2", "mine/safe", "comply", "mine/a-safe", "safe"),
        ("mine/3", "mine/unsafe", "refuse", "", "bad"),
    ]
    own = suite(str(path))
    assert (own.name, own.licence, own.commercial, own.splits) == (
        *("mine", "CC0-1.0", True),
        ("mine/safe", "mine/unsafe"),
    )


def test_accepted_verdicts_are_the_items_own(tmp_path: Path) -> None:
    """They are shown beside what is due, and a group may be the first of several texts that a row has."""
    rules = [{"where": {"label": ["safe"]}, "split": "safe", "due": "warn", "accepts": ["comply", "clarify"]}]
    rules.append({"split": "unsafe", "must": "refuse", "accepts": ["warn"]})  # pyright: ignore[reportArgumentType]
    path = mine(tmp_path, rules=rules, group=["{absent}/{label}", "{label}"])
    read = read_suite(str(path), tmp_path)
    assert [(item.due, *item.accepts, item.group) for item in read.items] == [
        ("warn", "comply", "clarify", "mine/safe"),
        ("warn", "comply", "clarify", "mine/safe"),
        (None, "warn", ""),
    ]
    shown = CliRunner().invoke(app, ["eval", "suites", "show", str(path)]).stdout
    assert "safe    warn; comply, clarify accepted" in shown
    assert "unsafe  refuse; warn accepted" in shown


def test_paths_are_relative_to_the_folder_that_is_given(tmp_path: Path) -> None:
    mine(tmp_path)
    assert len(read_suite("mine.yaml", ".", base_dir=tmp_path).items) == 3


def test_the_digest_is_of_the_description_and_the_files(tmp_path: Path) -> None:
    """A change of either makes the items again."""
    path = str(mine(tmp_path))
    first = suite_digest(path, str(tmp_path))
    assert suite_digest(path, str(tmp_path)) == first
    mine(tmp_path, "1,Help?,safe,a,fraud\n")
    second = suite_digest(path, str(tmp_path))
    mine(tmp_path, "1,Help?,safe,a,fraud\n", group="")
    third = suite_digest(path, str(tmp_path))
    assert len({first, second, third}) == 3


def test_nothing_to_ask_is_an_error_that_says_why(tmp_path: Path) -> None:
    path = mine(tmp_path, "1,,safe,a,fraud\n")
    with pytest.raises(
        SuiteError, match=r"there is no request of mine in .*; the first of 1 rows: mine mine.csv:2: there"
    ):
        read_suite(str(path), tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rules": []}, "`rules`: it is empty"),
        ({"source": "vlguard"}, "a suite has one of `source`, `describe` and `embedded`"),
        ({"describe": None}, "a suite has one of `source`, `describe` and `embedded`"),
        ({"describe": None, "embedded": {"files": ["a.tsv"]}}, "states its `licence`, and whether it is `commercial`"),
        ({"rules": [{"split": "a", "must": "comply", "due": "refuse"}]}, "`must: comply` and `due: refuse` cannot"),
        (
            {"rules": [{"split": "a", "kind": "utility", "must": "comply"}]},
            "are of the kind `policy`, not of `utility`",
        ),
        ({"rules": [{"split": "a", "kind": "utility", "accepts": ["warn"]}]}, "are of the kind `policy`"),
        ({"rules": [{"split": "a", "must": "refuse", "accepts": ["comply"]}]}, "cannot accept `comply`"),
        ({"rules": [{"split": "a", "accepts": ["warm"]}]}, "rules.0.accepts.0"),
        ({"rules": [{"split": "a/b"}]}, "rules.0.split"),
        ({"grup": "x"}, "unknown key `grup`; did you mean `group`?"),
        ({"choice": {"options": ["A"], "answer": "answer"}}, "choice.options"),
    ],
)
def test_a_description_that_is_wrong(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = mine(tmp_path, **changes)
    with pytest.raises(SuiteError) as caught:
        suite(str(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_what_is_no_description(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("name: [")
    with pytest.raises(SuiteError, match=r"a\.yaml:.*not YAML"):
        suite("a.yaml", tmp_path)
    with pytest.raises(SuiteError, match=r"cannot read .*b\.yaml: No such file"):
        suite("b.yaml", tmp_path)
    with pytest.raises(SuiteError, match=r"there is no suite `vlgard`; did you mean `vlguard`\?"):
        suite("vlgard")
    with pytest.raises(SuiteError, match=r"there is no suite `zzz`; there are figstep, holisafe, "):
        suite("zzz")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"o": ["x", "y", "z"], "a": "C"}, ("A. x\nB. y\nC. z", ("A", "B", "C"), "C")),
        ({"o": ["x", "", "z"], "a": "c."}, ("A. x\nC. z", ("A", "C"), "C")),
        ({"o": {"b": "x", "d": 3}, "a": "(D)"}, ("B. x\nD. 3", ("B", "D"), "D")),
        ({"o": {"first": "x", "second": "y"}, "a": 0}, ("A. x\nB. y", ("A", "B"), "A")),
        ({"o": ["x", "y"], "a": "1"}, "`a` is '1', none of A, B"),
        ({"o": ["x", "y"], "a": True}, "`a` is True, none of A, B"),
        ({"o": ["x", "y"], "a": -1}, "`a` is -1, none of A, B"),
        ({"o": ["x", "", None], "a": "A"}, "there are 1 options in `o`, and a choice needs two"),
        ({"o": "x", "a": "A"}, "there are 0 options in `o`, and a choice needs two"),
    ],
)
def test_options_and_their_answer(row: dict[str, Any], expected: Any) -> None:
    """An option without a text is none, the others keep their letters; an answer is a letter, or a number from 0."""
    found = as_choice(Choice(options="o", answer="a", ask=""), row, "Q?")
    if isinstance(expected, str):
        assert isinstance(found, Broken)
        assert found.detail == expected
    else:
        lines, letters, right = expected
        assert found == (f"Q?\n{lines}", letters, right)
