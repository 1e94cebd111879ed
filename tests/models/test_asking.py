"""A local model as something to put questions to."""

import pytest

from safecot_dsl.models import Failure, LocalAsker, Question, Reply, Request, ScriptedModel


def test_the_system_turn_and_images_come_along():
    seen: list[Request] = []

    def answer(request: Request) -> str:
        seen.append(request)
        return "yes"

    asker = LocalAsker(ScriptedModel(answer), "small")
    assert asker.ask([Question("Is it?", system="Be brief.", images=(b"png",)), Question("And now?")]) == [
        Reply("yes", "small"),
        Reply("yes", "small"),
    ]
    assert seen == [Request("Is it?", (b"png",), "Be brief."), Request("And now?")]
    assert asker.counts.asked == 2


def test_silence_is_a_failure_and_is_counted():
    asker = LocalAsker(ScriptedModel(lambda request: "  \n" if request.prompt == "b" else request.prompt), "small")
    assert asker.ask([Question("a"), Question("b"), Question("c")]) == [
        Reply("a", "small"),
        Failure("empty"),
        Reply("c", "small"),
    ]
    assert asker.counts.failed == {"empty": 1}


def test_a_model_that_loses_answers_is_an_error():
    class Loses:
        def generate(self, requests, *, max_new_tokens, batch_size, progress=None):
            return ["only one"]

    with pytest.raises(RuntimeError, match="1 answers to 2 questions"):
        LocalAsker(Loses(), "small").ask([Question("a"), Question("b")])
