"""`safecotc data verify`, as it is called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.cli.main import app
from safecot_dsl.datafiles import policies_root
from safecot_dsl.dataset.writing import TemplateWriter
from safecot_dsl.render import ReasoningStyle, write_target

from .scripted import MIXING, job

POLICY = str(policies_root() / "household_chemicals.safecot")


def run(tmp_path: Path, *lines: Any, options: tuple[str, ...] = ()) -> Result:
    file = tmp_path / "texts.jsonl"
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return CliRunner().invoke(app, ["data", "verify", POLICY, "--texts", str(file), *options])


@pytest.fixture
def right(chemicals: CompiledPolicy) -> dict[str, Any]:
    (written,) = TemplateWriter(chemicals, ReasoningStyle.STEPWISE).write([job(chemicals, MIXING)])
    return {"id": "own", "case": {"facts": MIXING}, "text": write_target(written.rendered)}


def test_right_texts_are_fine(tmp_path: Path, right: dict[str, Any]):
    result = run(tmp_path, right, right)
    assert (result.exit_code, result.stdout) == (0, "2 texts checked: 0 wrong\n")


def test_a_wrong_text_is_named_with_its_faults(tmp_path: Path, right: dict[str, Any]):
    wrong = {**right, "id": "w", "text": right["text"].replace("[refuse: toxic_mixing]", "[refuse: asks_to_hurt]")}
    result = run(tmp_path, right, wrong)
    assert result.exit_code == 1
    assert result.stdout == (
        "w: cited\n"
        "  cited: derivation: cites asks_to_hurt, and toxic_mixing decides\n"
        "2 texts checked: 1 wrong (cited 1)\n"
    )


def test_json_says_all_of_every_text(tmp_path: Path, right: dict[str, Any]):
    result = run(tmp_path, right, {"text": "x"}, options=("--format", "json"))
    first, second = map(json.loads, result.stdout.splitlines())
    assert (first["id"], first["failed"], len(first["checks"])) == ("own", [], 11)
    assert second == {"id": "line 2", "error": 'a line is an object with the keys "case" and "text"'}
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("{", "Expecting property name"),
        ({"case": {"facts": {"image.thing": 1}}, "text": "x"}, "the policy declares no fact `image.thing`"),
        ({"case": {"facts": {}}, "text": "x", "answer": "y"}, "unknown key `answer`"),
        ({"case": {"facts": {}}, "text": "x", "prompt": 1}, "`prompt` is a text"),
    ],
)
def test_a_line_that_cannot_be_checked_is_an_error(line: Any, error: str, tmp_path: Path):
    result = run(tmp_path, line)
    assert result.exit_code == 1
    assert error in result.stdout


def test_the_faults_of_many_texts_are_counted_and_some_shown(tmp_path: Path, right: dict[str, Any]):
    wrong = {**right, "text": "<think>"}
    result = run(tmp_path, wrong, wrong, wrong, options=("--limit", "1"))
    assert "... and 2 more; `--limit` shows them" in result.stdout
    assert "3 texts checked: 3 wrong" in result.stdout


def test_wrong_usage_is_said(tmp_path: Path):
    result = CliRunner().invoke(app, ["data", "verify", POLICY])
    assert result.exit_code == 2
    assert "--texts" in result.stderr
    result = CliRunner().invoke(app, ["data", "verify", "nowhere"])
    assert str(result.exception) == "nowhere: there is no such folder or file"
    result = run(tmp_path, options=("--style", "long"))
    assert result.exit_code == 2


def dataset(folder: Path, policy: CompiledPolicy, *rows: dict[str, Any]) -> Path:
    """A data set of these rows, with the columns that are read of one."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    (folder / "data").mkdir(parents=True)
    (folder / "policy.json").write_text(policy.to_json())
    pq.write_table(pa.Table.from_pylist(list(rows)), folder / "data" / "train-00000.parquet")
    return folder


def row(own: CompiledPolicy, style: str, completion: str, **given: Any) -> dict[str, Any]:
    return {
        "id": "r1",
        "prompt": "What now?",
        "completion": completion,
        "sentences": [{"step": "say", "text": "No."}],
        "facts": json.dumps({"facts": MIXING}),
        "style": style,
        "policy": own.digest,
        **given,
    }


def test_the_rows_of_a_data_set_are_checked_by_their_own_policy_and_style(
    tmp_path: Path, chemicals: CompiledPolicy, right: dict[str, Any]
):
    """Of a row without reasoning, the answer alone is looked at; a row of another policy is not."""
    rows = [
        row(chemicals, "stepwise", right["text"]),
        row(chemicals, "none", "I can't help with that, because it burns. Leave the room, and call poison control."),
        row(chemicals, "none", "Pour one into the other.", id="r3"),
        row(chemicals, "full", right["text"], id="r4", policy="sha256:other"),
        row(chemicals, "full", right["text"], id="r5", facts='{"facts": {"no.fact": 1}}'),
    ]
    result = CliRunner().invoke(app, ["data", "verify", str(dataset(tmp_path / "set", chemicals, *rows))])
    assert result.exit_code == 1
    assert result.stdout == (
        "r3: criteria\n"
        "  criteria: answer: is read as `comply`, and `refuse` is due\n"
        "r4: the row is of another policy than the one beside the rows\n"
        "r5: the policy declares no fact `no.fact`\n"
        "5 texts checked: 3 wrong (criteria 1, error 2)\n"
    )


def test_a_data_set_without_its_policy_is_said(tmp_path: Path, chemicals: CompiledPolicy):
    path = dataset(tmp_path / "set", chemicals, row(chemicals, "none", "No."))
    (path / "policy.json").unlink()
    result = CliRunner().invoke(app, ["data", "verify", str(path)])
    assert result.exit_code == 2
    assert "there is no policy beside the rows" in result.stderr
