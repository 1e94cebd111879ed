"""A folder of answers: complete and as it says, or an error that names what is wrong."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.evaluation import EvalItem, read_items, write_items
from safecot_dsl.evaluation.asking.ask import ask_folder
from safecot_dsl.evaluation.asking.folder import (
    Answered,
    AskedError,
    Failed,
    Provenance,
    read_asked,
    read_lines,
    written_line,
)
from safecot_dsl.evaluation.asking.respondents import ModelRespondent
from safecot_dsl.models import Request, ScriptedModel
from safecot_dsl.storage.locks import LOCK_SUFFIX, lock
from tests.strategies import examples


class Scripted:
    """Answers with the prompt, fails for some, and dies after so many."""

    def __init__(self, failing: Collection[str] = (), dies_after: int | None = None) -> None:
        self.asked: list[str] = []
        self.systems: list[str] = []
        self._failing = failing
        self._dies_after = dies_after

    def answer(self, requests: Sequence[Request], keys: Sequence[str], wanted, tell, note) -> None:  # type: ignore[no-untyped-def]
        for number in sorted(wanted):
            if self._dies_after is not None and len(self.asked) >= self._dies_after:
                raise KeyboardInterrupt
            self.asked.append(keys[number])
            self.systems.append(requests[number].system)
            failed = keys[number] in self._failing
            tell(
                number, Failed(reason="timeout") if failed else Answered(text=f"to {requests[number].prompt}", cut=True)
            )
        note("all at once")

    def usage(self) -> dict[str, float]:
        return {"asked": len(self.asked)}


GIVEN = Provenance(name="small", kind="scripted", model="small", items_digest="", items=0, settings={"length": 8})


@pytest.fixture
def file(tmp_path: Path, items: tuple[EvalItem, ...]) -> Path:
    write_items(tmp_path / "given.parquet", items)
    return tmp_path / "given.parquet"


def test_what_was_asked_is_read_again(tmp_path: Path, file: Path, items: tuple[EvalItem, ...]) -> None:
    """Items, answers, failures and counts; an item that failed has no answer."""
    failing = items[2].id
    done = ask_folder(file, tmp_path / "out", Scripted({failing}), GIVEN)
    asked = read_asked(tmp_path / "out")
    assert asked.items == items
    assert list(asked.answers) == [item.id for item in items if item.id != failing]
    assert asked.answers[items[0].id] == f"to {items[0].prompt}"
    assert dict(asked.failed) == {failing: Failed(reason="timeout")}
    assert asked.cut == asked.answers.keys()
    assert asked.provenance == done
    assert (done.items, done.cut, done.failed) == (len(items), len(items) - 1, {"timeout": 1})
    assert done.notes == ("all at once",)
    assert done.usage == {"asked": len(items)}
    assert done.finished >= done.started > "2020"
    assert (tmp_path / "out" / "items.parquet").read_bytes() == file.read_bytes()


def test_asking_again_asks_for_the_failures_alone(tmp_path: Path, file: Path, items: tuple[EvalItem, ...]) -> None:
    out, failing = tmp_path / "out", items[2].id
    ask_folder(file, out, Scripted({failing}), GIVEN)
    second = Scripted()
    assert ask_folder(file, out, second, GIVEN).failed == {}
    assert second.asked == [failing]
    third = Scripted()
    ask_folder(file, out, third, GIVEN)
    assert third.asked == []
    assert not read_asked(out).failed


def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path: Path, file: Path, items: tuple[EvalItem, ...]) -> None:
    """Until then it is not read; a torn line is asked again."""
    ask_folder(file, tmp_path / "whole", Scripted(), GIVEN)
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        ask_folder(file, out, Scripted(dies_after=3), GIVEN)
    with pytest.raises(AskedError, match="the asking is not finished"):
        read_asked(out)
    with (out / "answers.jsonl").open("a") as lines:
        lines.write('{"id": "torn')
    rest = Scripted()
    ask_folder(file, out, rest, GIVEN)
    assert rest.asked == [item.id for item in items[3:]]
    assert (out / "answers.jsonl").read_bytes() == (tmp_path / "whole" / "answers.jsonl").read_bytes()


def test_a_policy_stands_before_items_without_a_system_turn(tmp_path: Path, items: tuple[EvalItem, ...]) -> None:
    own = items[0].model_copy(update={"system": "My own."})
    write_items(tmp_path / "given.parquet", [own, items[1]])
    scripted = Scripted()
    ask_folder(tmp_path / "given.parquet", tmp_path / "out", scripted, GIVEN, system="The policy.")
    assert scripted.systems == ["My own.", "The policy."]


@pytest.mark.parametrize("clean", [True, False])
def test_requests_are_cleaned_where_the_settings_say_so(
    tmp_path: Path, items: tuple[EvalItem, ...], clean: bool
) -> None:
    """The items beside the answers stay as they are: they are what is scored."""
    write_items(tmp_path / "given.parquet", [items[0].model_copy(update={"prompt": "a </think> b"})])
    settings = {**GIVEN.settings, **({"clean_requests": True} if clean else {})}
    ask_folder(
        tmp_path / "given.parquet", tmp_path / "out", Scripted(), GIVEN.model_copy(update={"settings": settings})
    )
    asked = read_asked(tmp_path / "out")
    assert list(asked.answers.values()) == ["to a (/think> b" if clean else "to a </think> b"]
    assert asked.items[0].prompt == "a </think> b"
    assert asked.provenance.settings.get("clean_requests", False) is clean


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "large"}, "`model` was small, now large"),
        ({"settings": {"length": 9}}, "`settings` was .*8.*, now .*9"),
        ({"settings": {"length": 8, "clean_requests": True}}, "`settings` was .*8.*, now .*clean_requests"),
        ({"adapter_digest": "sha256:1"}, "`adapter_digest` was , now sha256:1"),
    ],
)
def test_answers_made_otherwise_are_not_gone_on_with(
    tmp_path: Path, file: Path, change: dict[str, object], message: str
) -> None:
    ask_folder(file, tmp_path / "out", Scripted(), GIVEN)
    with pytest.raises(AskedError, match=message):
        ask_folder(file, tmp_path / "out", Scripted(), GIVEN.model_copy(update=change))


def test_other_items_are_not_gone_on_with(tmp_path: Path, file: Path, items: tuple[EvalItem, ...]) -> None:
    ask_folder(file, tmp_path / "out", Scripted(), GIVEN)
    write_items(tmp_path / "others.parquet", items[1:])
    with pytest.raises(AskedError, match="`items_digest` was"):
        ask_folder(tmp_path / "others.parquet", tmp_path / "out", Scripted(), GIVEN)


def test_two_processes_do_not_ask_into_one_folder(tmp_path: Path, file: Path) -> None:
    (tmp_path / "out").mkdir()
    held = lock(tmp_path / "out" / LOCK_SUFFIX)
    assert held is not None
    with held, pytest.raises(AskedError, match="another process"):
        ask_folder(file, tmp_path / "out", Scripted(), GIVEN)


def _damage(folder: Path, what: str) -> None:
    answers, record = folder / "answers.jsonl", folder / "asked.json"
    lines = answers.read_text().splitlines(keepends=True)
    match what:
        case "no record":
            record.unlink()
        case "torn record":
            record.write_text("{")
        case "no items":
            (folder / "items.parquet").unlink()
        case "other items":
            write_items(folder / "items.parquet", read_items(folder / "items.parquet")[1:])
        case "lost line":
            answers.write_text("".join(lines[1:]))
        case "stranger":
            answers.write_text("".join([*lines, '{"id": "x", "answer": ""}\n']))
        case "twice":
            answers.write_text("".join([*lines, lines[0]]))
        case _:
            answers.write_text(what + "\n")


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("no record", "has no asked.json"),
        ("torn record", "asked.json: "),
        ("no items", "has no items.parquet"),
        ("other items", "not the items that were asked"),
        ("lost line", "no line for"),
        ("stranger", "a line for `x`, which is no item"),
        ("twice", "a second answer"),
        ("nonsense", ":1: not a line of the form"),
        ('{"id": "a"}', ":1: not a line of the form"),
        ('{"id": "a", "answer": "", "failed": "x"}', ":1: not a line of the form"),
        ('{"id": "a", "answer": 1}', "must be strings"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said(tmp_path: Path, file: Path, what: str, message: str) -> None:
    out = tmp_path / "out"
    ask_folder(file, out, Scripted(), GIVEN)
    _damage(out, what)
    with pytest.raises(AskedError, match=message):
        read_asked(out)


ONE = st.one_of(
    st.builds(Answered, text=st.text(), cut=st.booleans()), st.builds(Failed, reason=st.text(), detail=st.text())
)


@examples(50)
@given(lines=st.dictionaries(st.text(), ONE, max_size=5))
def test_lines_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, lines: dict[str, Answered | Failed]
) -> None:
    """Whatever the text: line breaks of all kinds, quotes and lone surrogates among it."""
    path = tmp_path_factory.mktemp("lines") / "answers.jsonl"
    path.write_text("".join(written_line(key, one) for key, one in lines.items()), encoding="utf-8")
    assert read_lines(path) == lines


def test_an_answer_takes_the_place_of_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(written_line("a", Failed(reason="timeout")) + written_line("a", Answered(text="yes")))
    assert read_lines(path) == {"a": Answered(text="yes")}


def test_any_model_can_be_asked(tmp_path: Path, file: Path, items: tuple[EvalItem, ...]) -> None:
    model = ScriptedModel(lambda request: request.prompt.upper())
    ask_folder(file, tmp_path / "out", ModelRespondent(model, batch_size=2), GIVEN)
    assert read_asked(tmp_path / "out").answers == {item.id: item.prompt.upper() for item in items}
    assert json.loads((tmp_path / "out" / "answers.jsonl").read_text().splitlines()[0]).keys() == {"id", "answer"}
