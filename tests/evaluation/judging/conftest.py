"""A judge that answers by a script."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest

from safecot_dsl.artifact import CompiledPolicy, Verdict
from safecot_dsl.evaluation import EvalItem
from safecot_dsl.models.asking import Counts, Failure, Question, Reply
from safecot_dsl.storage import Progress


class Scripted:
    """Puts each question to a function, and keeps the questions."""

    def __init__(self, answer: Callable[[Question], str | Reply | Failure]) -> None:
        self.name, self.counts = "judge-1", Counts()
        self.questions: list[Question] = []
        self._answer = answer

    def ask(self, questions: Sequence[Question], *, progress: Progress | None = None) -> list[Reply | Failure]:
        self.questions += questions
        found = [self._answer(question) for question in questions]
        if progress is not None:
            progress.advance(len(found))
        return [Reply(one, self.name) if isinstance(one, str) else one for one in found]


@pytest.fixture
def scripted() -> type[Scripted]:
    return Scripted


def verdict(one: Verdict | str) -> str:
    """A reply that gives a verdict."""
    return json.dumps({"verdict": str(one)})


@pytest.fixture(scope="session")
def mix(items: tuple[EvalItem, ...]) -> EvalItem:
    """A case in which `toxic_mixing` is to refuse."""
    return next(item for item in items if item.id == "combinations-mix")


@pytest.fixture(scope="session")
def kitchen(policy: CompiledPolicy) -> CompiledPolicy:
    return policy
