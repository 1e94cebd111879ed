"""Descriptions that users write are read within limits, and what is wrong with them is said in one line."""

from pathlib import Path

import pytest

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.facts import FactsError
from safecot_dsl.facts.yaml_file import read_yaml


class Small(Frozen):
    name: str
    parts: list[list[str]] = []


def told(path: Path) -> str:
    with pytest.raises(FactsError) as caught:
        read_yaml(path, Small, FactsError)
    return str(caught.value)


def test_what_is_there_is_read(tmp_path: Path):
    path = tmp_path / "small.yaml"
    path.write_text("name: &text a\nparts: [[b], [*text]]\n")
    assert read_yaml(path, Small, FactsError) == Small(name="a", parts=[["b"], ["a"]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [a\n", "not YAML"),
        ("name: a\nparts: [&one [b], *one]\n", "`&one` names a list or a mapping"),
        ("nme: a\n", "`name` is missing"),
        ("name: a\n# " + "x" * (1 << 20), "larger than 1,048,576 bytes"),
        ("[" * 1_000, "not YAML"),
    ],
)
def test_a_fault_is_said_with_the_file(tmp_path: Path, text: str, message: str):
    path = tmp_path / "small.yaml"
    path.write_text(text)
    said = told(path)
    assert message in said
    assert str(path) in said


def test_a_file_that_is_not_there_is_said(tmp_path: Path):
    assert told(tmp_path / "gone.yaml").startswith("cannot read ")
