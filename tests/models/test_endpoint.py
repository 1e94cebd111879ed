"""The endpoint, against a server that really listens: what is sent, what comes back, and what goes wrong on the way."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from safecot_dsl.models import (
    Endpoint,
    EndpointSettings,
    Failure,
    ModelError,
    Question,
    Reply,
    Request,
)
from safecot_dsl.storage import Cache

pytest.importorskip("openai", reason="the extra `endpoint` is not installed")

#: What a server does with a request's body: a status, headers, and a body as JSON or as it stands.
Behaviour = Callable[[dict[str, Any]], tuple[int, dict[str, str], Any]]


def says(text: str | None, *, finish: str = "stop", refusal: str | None = None) -> dict[str, Any]:
    """A chat completion."""
    message = {"role": "assistant", "content": text, "refusal": refusal}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "small-1",
        "choices": [{"index": 0, "finish_reason": finish, "message": message}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13},
    }


class Server:
    """Answers chat completions on a free port as `behaviour` says, and keeps the bodies that it got."""

    def __init__(self) -> None:
        self.behaviour: Behaviour = lambda body: (200, {}, says("yes"))
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.at_once = 0
        self.most_at_once = 0
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with outer._lock:
                    outer.bodies.append(body)
                    outer.headers.append({key.lower(): value for key, value in self.headers.items()})
                    outer.at_once += 1
                    outer.most_at_once = max(outer.most_at_once, outer.at_once)
                try:
                    status, headers, answer = outer.behaviour(body)
                finally:
                    with outer._lock:
                        outer.at_once -= 1
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                for key, value in {"content-type": "application/json", **headers}.items():
                    self.send_header(key, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def settings(self, **given: Any) -> EndpointSettings:
        return EndpointSettings(base_url=self.url, model="small", **{"retries": 0, **given})


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safecot_dsl.models.endpoint._LONGEST_WAIT", 0.01)


def test_a_question_is_sent_in_the_protocols_own_terms(server: Server):
    schema = {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]}
    settings = server.settings(temperature=0.5, top_p=0.9, max_tokens=64, extra_body={"top_k": 5})
    png, jpeg = b"\x89PNG....", b"\xff\xd8...."
    question = Question("What is it?", system="Be brief.", images=(png, jpeg), schema=schema, seed=7)
    assert Endpoint(settings).ask([question]) == [Reply("yes", "small-1", input_tokens=10, output_tokens=3)]
    (body,) = server.bodies
    assert body == {
        "model": "small",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {
                        "type": "image_url",
                        "image_url": {"url": f"data:image/png;base64,{base64.b64encode(png).decode()}"},
                    },
                    {
                        "type": "image_url",
                        "image_url": {"url": f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"},
                    },
                    {"type": "text", "text": "What is it?"},
                ],
            },
        ],
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 64,
        "seed": 7,
        "top_k": 5,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": schema},
        },
    }


@pytest.mark.parametrize(("structured", "sent"), [("json_object", {"type": "json_object"}), ("none", None)])
def test_a_server_without_schemas_is_told_less(server: Server, structured: str, sent: object):
    Endpoint(server.settings(structured=structured)).ask([Question("a", schema={"type": "object"})])
    assert server.bodies[0].get("response_format") == sent


def test_replies_keep_the_order_of_the_questions_though_they_come_in_another(server: Server):
    last_first = {str(number): threading.Event() for number in range(4)}
    all_there = threading.Barrier(4, timeout=60)

    def behaviour(body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        asked = body["messages"][-1]["content"]
        all_there.wait()
        if asked != "3":
            assert last_first[str(int(asked) + 1)].wait(10)
        last_first[asked].set()
        return 200, {}, says(f"answer {asked}")

    server.behaviour = behaviour
    answers = Endpoint(server.settings(concurrency=4)).ask([Question(str(number)) for number in range(4)])
    assert [answer.text for answer in answers if isinstance(answer, Reply)] == [f"answer {n}" for n in range(4)]
    assert server.most_at_once == 4


def test_no_more_are_under_way_than_was_allowed(server: Server):
    Endpoint(server.settings(concurrency=2)).ask([Question(str(number)) for number in range(12)])
    assert server.most_at_once <= 2
    assert len(server.bodies) == 12


def test_the_same_question_is_asked_once_and_another_seed_is_another_question(server: Server):
    endpoint = Endpoint(server.settings())
    answers = endpoint.ask([Question("a"), Question("a"), Question("a", seed=1)])
    assert len(answers) == 3
    assert len(server.bodies) == 2


def test_a_cached_answer_is_not_asked_for_again_and_says_so(server: Server, tmp_path):
    first = Endpoint(server.settings(), cache=Cache(tmp_path / "cache"))
    first.ask([Question("a"), Question("b")])
    server.behaviour = lambda body: (200, {}, says("something else"))
    again = Endpoint(server.settings(), cache=Cache(tmp_path / "cache"))
    assert again.ask([Question("a"), Question("b"), Question("c")]) == [
        Reply("yes", "small-1", True, False, 10, 3),
        Reply("yes", "small-1", True, False, 10, 3),
        Reply("something else", "small-1", False, False, 10, 3),
    ]
    assert (again.counts.asked, again.counts.cached) == (1, 2)
    assert len(server.bodies) == 3


@pytest.mark.parametrize(
    "other",
    [
        {"temperature": 0.1},
        {"top_p": 0.5},
        {"max_tokens": 5},
        {"structured": "none"},
        {"extra_body": {"top_k": 1}},
    ],
)
def test_what_changes_an_answer_is_part_of_the_caches_key(server: Server, tmp_path, other: dict[str, Any]):
    Endpoint(server.settings(), cache=Cache(tmp_path / "cache")).ask([Question("a")])
    Endpoint(server.settings(**other), cache=Cache(tmp_path / "cache")).ask([Question("a")])
    assert len(server.bodies) == 2


def test_a_failure_is_not_cached(server: Server, tmp_path):
    server.behaviour = lambda body: (400, {}, {"error": {"message": "too long"}})
    (answer,) = Endpoint(server.settings(), cache=Cache(tmp_path / "cache")).ask([Question("a")])
    assert isinstance(answer, Failure)
    assert answer.reason == "http 400"
    assert "too long" in answer.detail
    server.behaviour = lambda body: (200, {}, says("now"))
    assert Endpoint(server.settings(), cache=Cache(tmp_path / "cache")).ask([Question("a")]) == [
        Reply("now", "small-1", False, False, 10, 3)
    ]


@pytest.mark.parametrize("status", [429, 500, 503, 529])
def test_what_may_pass_is_tried_again(server: Server, status: int):
    tries: list[int] = []

    def behaviour(body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        tries.append(1)
        return (200, {}, says("at last")) if len(tries) == 3 else (status, {}, {"error": {"message": "busy"}})

    server.behaviour = behaviour
    endpoint = Endpoint(server.settings(retries=4))
    (answer,) = endpoint.ask([Question("a")])
    assert isinstance(answer, Reply)
    assert answer.text == "at last"
    assert (endpoint.counts.retried, endpoint.counts.failed) == (2, {})


def test_what_does_not_pass_is_a_counted_failure_of_its_question_alone(server: Server):
    def behaviour(body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        bad = body["messages"][-1]["content"] == "bad"
        return (503, {}, {"error": {"message": "busy"}}) if bad else (200, {}, says("fine"))

    server.behaviour = behaviour
    endpoint = Endpoint(server.settings(retries=2))
    answers = endpoint.ask([Question("a"), Question("bad"), Question("b")])
    assert [type(answer) for answer in answers] == [Reply, Failure, Reply]
    assert endpoint.counts.failed == {"http 503": 1}
    assert sum(body["messages"][-1]["content"] == "bad" for body in server.bodies) == 3


def test_the_server_says_how_long_to_wait(server: Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("safecot_dsl.models.endpoint._LONGEST_WAIT", 60.0)
    waits: list[float] = []
    # The endpoint's own clock alone: threads of others sleep too.
    clock = SimpleNamespace(sleep=waits.append, monotonic=time.monotonic)
    monkeypatch.setattr("safecot_dsl.models.endpoint.time", clock)
    answers = iter([(429, {"retry-after": "17"}, {}), (429, {"retry-after": "soon"}, {}), (200, {}, says("yes"))])
    server.behaviour = lambda body: next(answers)
    Endpoint(server.settings(retries=2)).ask([Question("a")])
    # 0.5 s after the first try unless the server asks for longer; doubled for the second, whose header is no number.
    assert waits == [17.0, 1.0]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (says(None), "empty"),
        (says("  \n"), "empty"),
        (says(None, refusal="I cannot."), "refused"),
        (says("half a", finish="content_filter"), "filtered"),
        ({"id": "1", "choices": []}, "not an answer"),
        ({"weather": "fine"}, "not an answer"),
        (b"<html>gateway</html>", "not an answer"),
        ([1, 2], "not an answer"),
    ],
)
def test_what_is_no_answer_is_a_named_failure(server: Server, answer: Any, reason: str):
    server.behaviour = lambda body: (200, {}, answer)
    (given,) = Endpoint(server.settings()).ask([Question("a")])
    assert isinstance(given, Failure)
    assert given.reason == reason


def test_an_answer_that_was_cut_says_so(server: Server):
    server.behaviour = lambda body: (200, {}, says("half a", finish="length"))
    assert Endpoint(server.settings()).ask([Question("a")]) == [Reply("half a", "small-1", False, True, 10, 3)]


def test_silence_times_out(server: Server):
    done = threading.Event()

    def behaviour(body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        done.wait(10)
        return 200, {}, says("late")

    server.behaviour = behaviour
    (answer,) = Endpoint(server.settings(timeout=0.2)).ask([Question("a")])
    done.set()
    assert isinstance(answer, Failure)
    assert answer.reason == "timeout"


@pytest.mark.parametrize("status", [401, 404])
def test_a_wrong_key_or_a_model_that_is_not_there_stops_at_once(server: Server, status: int):
    server.behaviour = lambda body: (status, {}, {"error": {"message": "no such thing"}})
    with pytest.raises(ModelError, match=f"http {status}: .*no such thing"):
        Endpoint(server.settings(concurrency=1)).ask([Question(str(number)) for number in range(50)])
    assert len(server.bodies) < 50


def test_a_server_that_is_gone_stops_the_run_and_keeps_what_was_answered(server: Server, tmp_path):
    """Not each of a million questions is to wait for a server that has died."""
    Endpoint(server.settings(), cache=Cache(tmp_path / "cache")).ask([Question("0")])
    server.close()
    gone = Endpoint(server.settings(retries=1, concurrency=1), cache=Cache(tmp_path / "cache"))
    with pytest.raises(ModelError, match="small cannot be reached"):
        gone.ask([Question(str(number)) for number in range(50)])
    # The third gives up; one more may have been begun by then.
    assert 3 <= gone.counts.failed["no connection"] <= 4
    assert gone.ask([Question("0")]) == [Reply("yes", "small-1", True, False, 10, 3)]


def test_tokens_and_costs_are_added_up(server: Server):
    endpoint = Endpoint(server.settings(input_price=2.0, output_price=10.0))
    endpoint.ask([Question("a"), Question("b")])
    # two questions of 10 tokens at 2 a million, two answers of 3 tokens at 10 a million
    assert endpoint.counts.cost == pytest.approx(20 * 2e-6 + 6 * 10e-6)
    assert (endpoint.counts.input_tokens, endpoint.counts.output_tokens) == (20, 6)
    free = Endpoint(server.settings())
    free.ask([Question("a")])
    assert free.counts.cost is None


def test_requests_are_spread_over_the_minute(server: Server, monkeypatch: pytest.MonkeyPatch):
    waits: list[float] = []
    clock = SimpleNamespace(sleep=waits.append, monotonic=lambda: 100.0)  # it stands still: waits add up
    monkeypatch.setattr("safecot_dsl.models.endpoint.time", clock)
    endpoint = Endpoint(server.settings(requests_per_minute=30, concurrency=1))
    for number in range(4):
        endpoint.ask([Question(str(number))])
    assert waits == [0.0, 2.0, 4.0, 6.0]


def test_the_key_comes_from_the_environment_and_from_nowhere_else(server: Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("OUR_KEY", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "not to be sent")
    with pytest.raises(ModelError, match="`OUR_KEY`"):
        Endpoint(server.settings(api_key_env="OUR_KEY"))
    monkeypatch.setenv("OUR_KEY", "k-123")
    Endpoint(server.settings(api_key_env="OUR_KEY")).ask([Question("a")])
    Endpoint(server.settings()).ask([Question("a")])
    assert [headers["authorization"] for headers in server.headers] == ["Bearer k-123", "Bearer none"]


def test_it_answers_requests_as_any_model_does(server: Server):
    server.behaviour = lambda body: (200, {}, says(str(body["messages"][-1]["content"])))
    endpoint = Endpoint(server.settings())
    assert endpoint.generate([Request("a"), Request("b")], max_new_tokens=5, batch_size=1) == ["a", "b"]
    assert {body["max_tokens"] for body in server.bodies} == {5}


def test_a_request_without_an_answer_is_an_error_not_an_empty_answer(server: Server):
    server.behaviour = lambda body: (200, {}, says(None))
    with pytest.raises(ModelError, match="no answer to request 0: empty"):
        Endpoint(server.settings()).generate([Request("a")], max_new_tokens=5, batch_size=1)


BEGUN = Question("go on", begun="Sure, ")


def test_an_answer_that_is_begun_is_asked_for_in_the_servers_way(server: Server) -> None:
    """vLLM is told by two keys, DeepSeek by one in the message, others by the message alone."""
    last = {"role": "assistant", "content": "Sure, "}
    for way, message, keys in (
        ("continue_final_message", last, {"continue_final_message": True, "add_generation_prompt": False}),
        ("prefix", last | {"prefix": True}, {}),
        ("final_message", last, {}),
    ):
        (reply,) = Endpoint(EndpointSettings(base_url=server.url, model="small", begun=way)).ask([BEGUN])
        assert isinstance(reply, Reply)
        assert reply.text == "Sure, yes"
        body = server.bodies[-1]
        assert body["messages"][-1] == message
        assert {key: body[key] for key in ("continue_final_message", "add_generation_prompt") if key in body} == keys


def test_a_model_that_adds_nothing_has_answered_with_the_beginning(server: Server) -> None:
    server.behaviour = lambda body: (200, {}, says(""))
    endpoint = Endpoint(EndpointSettings(base_url=server.url, model="small", begun="final_message"))
    (reply,) = endpoint.ask([BEGUN])
    assert isinstance(reply, Reply)
    assert reply.text == "Sure, "


def test_without_a_way_a_begun_answer_is_a_failure_and_nothing_is_sent(server: Server) -> None:
    endpoint = Endpoint(EndpointSettings(base_url=server.url, model="small"))
    (failure,) = endpoint.ask([BEGUN])
    assert isinstance(failure, Failure)
    assert failure.reason == "begun"
    assert server.bodies == []
    with pytest.raises(ModelError, match="gave no answer to request 0: begun"):
        endpoint.generate([Request("go on", begun="Sure, ")], max_new_tokens=4, batch_size=1)


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_that_the_server_gives_apart_is_put_back_where_it_is_asked_for(server: Server, name: str) -> None:
    answer = says("No.")
    answer["choices"][0]["message"][name] = "A rule."
    server.behaviour = lambda body: (200, {}, answer)
    inline = Endpoint(EndpointSettings(base_url=server.url, model="small", reasoning="inline"))
    left_out = Endpoint(EndpointSettings(base_url=server.url, model="small"))
    assert [reply.text for reply in inline.ask([Question("may i ?")]) if isinstance(reply, Reply)] == [
        "<think>\nA rule.\n</think>\nNo."
    ]
    assert [reply.text for reply in left_out.ask([Question("may i ?")]) if isinstance(reply, Reply)] == ["No."]


def test_every_answer_is_told_as_it_comes(server: Server) -> None:
    """Also that of a question that stands twice, under both numbers."""
    told: dict[int, Reply | Failure] = {}
    endpoint = Endpoint(EndpointSettings(base_url=server.url, model="small"))
    answers = endpoint.ask([Question("a"), Question("b"), Question("a")], each=told.__setitem__)
    assert [told[number] for number in range(3)] == answers
    assert len(server.bodies) == 2
