"""Asking: every answer kept, none asked for twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from safecot_dsl.evaluation import AnswersError, EvalItem, ask, read_answers
from safecot_dsl.models import Request, ScriptedModel


@pytest.fixture(autouse=True)
def _one_batch_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safecot_dsl.evaluation.asking.respondents.BATCHES", 1)


class Recorder:
    """Answers with the prompt, and dies after so many requests."""

    def __init__(self, dies_after: int | None = None) -> None:
        self.asked: list[str] = []
        self.batches: list[tuple[str, ...]] = []
        self._dies_after = dies_after

    def generate(self, requests, *, max_new_tokens, batch_size, progress=None):  # type: ignore[no-untyped-def]
        if self._dies_after is not None and len(self.asked) >= self._dies_after:
            raise KeyboardInterrupt
        self.asked += [request.prompt for request in requests]
        self.batches.append(tuple(request.prompt for request in requests))
        return [f"answer to {request.prompt}\nin two lines \u2028 <&>" for request in requests]


def _ask(model: object, items: tuple[EvalItem, ...], out: Path) -> dict[str, str]:
    return ask(model, items, out, batch_size=4, max_new_tokens=8)  # type: ignore[arg-type]


def test_every_answer_is_returned_and_kept(tmp_path: Path, items: tuple[EvalItem, ...]) -> None:
    out = tmp_path / "arm" / "answers.jsonl"
    answers = _ask(Recorder(), items, out)
    assert answers == {item.id: f"answer to {item.prompt}\nin two lines \u2028 <&>" for item in items}
    assert read_answers(out) == answers
    assert {tuple(sorted(json.loads(line))) for line in out.read_text().splitlines()} == {("answer", "id")}


def test_a_second_run_asks_nothing(tmp_path: Path, items: tuple[EvalItem, ...]) -> None:
    out = tmp_path / "answers.jsonl"
    first = _ask(Recorder(), items, out)
    before = out.read_bytes()
    again = Recorder()
    assert _ask(again, items, out) == first
    assert again.asked == []
    assert out.read_bytes() == before


def test_a_killed_run_continues_and_gives_the_same_bytes(tmp_path: Path, items: tuple[EvalItem, ...]) -> None:
    """Killed between batches, with a torn line behind: what was done is kept, the rest asked in the same batches."""
    whole = Recorder()
    _ask(whole, items, tmp_path / "whole.jsonl")
    out = tmp_path / "killed.jsonl"
    with pytest.raises(KeyboardInterrupt):
        _ask(Recorder(dies_after=8), items, out)
    with out.open("ab") as file:
        file.write(b'{"id": "torn", "ans')
    rest = Recorder()
    _ask(rest, items, out)
    assert rest.batches == whole.batches[2:]
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_a_batch_that_was_half_written_meets_the_same_neighbours(tmp_path: Path, items: tuple[EvalItem, ...]) -> None:
    """The write of a batch itself can be cut: its missing items are asked with all of the batch beside them."""
    whole = Recorder()
    _ask(whole, items, tmp_path / "whole.jsonl")
    out = tmp_path / "cut.jsonl"
    lines = (tmp_path / "whole.jsonl").read_text().splitlines(keepends=True)
    out.write_text("".join(lines[:6]) + lines[6][:10])
    rest = Recorder()
    _ask(rest, items, out)
    assert rest.batches == whole.batches[1:]
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_answers_to_other_items_are_an_error(tmp_path: Path, items: tuple[EvalItem, ...]) -> None:
    out = tmp_path / "answers.jsonl"
    _ask(Recorder(), items, out)
    with pytest.raises(AnswersError, match="holds answers to other items"):
        _ask(Recorder(), items[1:], out)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"id": "a"}\n', ":1: not a line of the form"),
        ('{"id": "a", "answer": 1}\n', ":1: `id`, `answer`, `failed` and `detail` must be strings"),
        ('{"id": "a", "answer": "x"}\n{"id": "a", "answer": "y"}\n', ":2: a second answer to `a`"),
        ("nonsense\n", ":1: not a line of the form"),
    ],
)
def test_a_damaged_line_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "answers.jsonl").write_text(text)
    with pytest.raises(AnswersError, match=message):
        read_answers(tmp_path / "answers.jsonl")


def test_images_reach_the_model(tmp_path: Path, items: tuple[EvalItem, ...]) -> None:
    pictured = items[0].model_copy(update={"images": (b"one", b"two")})
    seen: list[Request] = []
    model = ScriptedModel(lambda request: seen.append(request) or "yes")
    _ask(model, (pictured,), tmp_path / "answers.jsonl")
    assert seen == [Request(prompt=pictured.prompt, images=(b"one", b"two"))]
