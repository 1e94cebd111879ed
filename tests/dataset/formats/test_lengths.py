"""Rows that are longer than what a trainer reads, counted with a real processor."""

from __future__ import annotations

import pytest

from safecot_dsl.dataset.formats import CheckOptions, FormatRule, Lengths, validate
from safecot_dsl.dataset.formats.turns import Turn
from tests.models import tiny

from .conftest import Export
from .spoiling import line, put


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.build_idefics3(tmp_path_factory.mktemp("idefics3")))


def test_the_bounds_are_exact(model: str) -> None:
    """A row of exactly so many tokens fits; one token less and the end is cut off; no more than the request: nothing
    is learnt."""
    from safecot_dsl.models import Request
    from safecot_dsl.models.local import load_chat

    chat = load_chat(model)
    asked = chat.encode(Request("what is it ?", (tiny.picture(),)))["input_ids"].shape[1]
    learnt = len(chat.token_ids("a red square")) + len(chat.closing_ids)
    turns, image = [Turn("user", "what is it ?")], [tiny.picture()]

    def told(limit: int) -> list[str]:
        return [found.fault for found in Lengths(model, limit).faults(turns, image, ["a red square"])]

    assert told(asked + learnt) == []
    assert told(asked + learnt - 1) == [
        f"request and answer have {asked} and {learnt} tokens: the end of the answer is cut off"
    ]
    assert told(asked) == [f"the request alone has {asked} tokens: none of the answer carries loss"]
    assert told(asked + 1)[0].startswith("request and answer")


@pytest.mark.parametrize("format", ["trl-sft", "trl-preference", "llamafactory", "ms-swift"])
def test_every_format_is_measured(format: str, exported: Export, model: str) -> None:
    """All rows fit into many tokens, none into few, and images count: their tokens make a request too long."""
    folder = exported(format)
    assert validate(folder, format, CheckOptions(lengths=Lengths(model, 4096))) == []
    faults = validate(folder, format, CheckOptions(lengths=Lengths(model, 40)))
    assert {fault.rule for fault in faults} == {FormatRule.LENGTH}
    assert {"request alone" in fault.fault for fault in faults} == {True, False}


def test_several_turns_are_not_measured(copied: Export, model: str) -> None:
    """Which of their parts is cut off depends on the tool."""
    folder = copied("ms-swift")
    user, assistant = {"role": "user", "content": "x" * 999}, {"role": "assistant", "content": "y"}
    for row in range(6):
        line("train.jsonl", row, lambda record: record["messages"].extend([user, assistant]))(folder)
    for file in folder.glob("preference-*"):
        file.unlink()
    assert validate(folder, "ms-swift", CheckOptions(lengths=Lengths(model, 500))) == []


def test_images_at_fault_are_told_once(copied: Export, model: str) -> None:
    """A picture that is gone is no question of length."""
    folder = copied("ms-swift")
    line("train.jsonl", 0, put("images", ["images/gone.png"]))(folder)
    (fault,) = validate(folder, "ms-swift", CheckOptions(lengths=Lengths(model, 4096)))
    assert fault.rule is FormatRule.IMAGES


def test_the_command_takes_a_model(exported: Export, model: str) -> None:
    """`--model` and `--max-length` measure rows; without a model nothing is measured."""
    from typer.testing import CliRunner

    from safecot_dsl.cli.main import app

    words = ["data", "validate", str(exported("ms-swift")), "--for", "ms-swift", "--max-length", "40"]
    assert CliRunner().invoke(app, words).exit_code == 0
    done = CliRunner().invoke(app, [*words, "--model", model])
    assert done.exit_code == 1
    assert "12 faults (length 12)" in done.stdout
