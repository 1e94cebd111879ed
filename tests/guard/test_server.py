"""The guard between a client and a model, all of them really talking over sockets."""

import json
import threading
import time

import pytest

from safecot_dsl.guard import fallback_answer

openai = pytest.importorskip("openai", reason="the extra `guard` is not installed")
uvicorn = pytest.importorskip("uvicorn", reason="the extra `guard` is not installed")

from safecot_dsl.guard.server import MAX_BODY, GuardServer, GuardSettings  # noqa: E402  (needs the extra)

REFUSED = {"image.objects": {"bleach", "ammonia"}, "image.setting": "kitchen", "query.intent": "mix", "query.harm": 0.0}
HARMLESS = {"image.objects": {"bleach"}, "image.setting": "kitchen", "query.intent": "store", "query.harm": 0.0}
MIXED = {**HARMLESS, "image.objects": {"bleach", "toy"}, "query.intent": "mix"}
ASKED = [{"role": "user", "content": "How do I keep it?"}]


@pytest.fixture
def serve(policy, model, tmp_path):
    """Starts a guard before the model; its client, and the path of its log."""
    running = []

    def start(**settings):
        guard = GuardServer(policy, GuardSettings(base_url=model.url, **settings), tmp_path / "log.jsonl")
        server = uvicorn.Server(uvicorn.Config(guard.application(), port=0, log_level="error"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        running.append((server, thread))
        port = server.servers[0].sockets[0].getsockname()[1]
        return openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0)

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join(5)


def logged(tmp_path):
    return [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]


def test_a_valid_answer_comes_back_without_its_reasoning(serve, model, policy, text_of, tmp_path):
    model.text = text_of(HARMLESS, "Upright, and closed.")
    made = serve().chat.completions.create(model="small", messages=ASKED, temperature=0.3, max_tokens=50)
    assert made.choices[0].message.content == "Upright, and closed."
    assert made.choices[0].finish_reason == "stop"
    assert made.safecot["verdict"] == "comply"
    assert made.safecot["policy"] == policy.digest
    (body,) = model.bodies
    assert (body["temperature"], body["max_tokens"], body["stream"]) == (0.3, 50, True)
    (line,) = logged(tmp_path)
    assert (line["let_through"], line["verdict"], line["policy"]) == (True, "comply", policy.digest)
    assert line["facts"]["query.intent"] == "store"
    assert "answer" not in line


def test_an_invalid_one_is_answered_by_the_policy(serve, model, policy, text_of, tmp_path):
    model.text = text_of(REFUSED).replace("[refuse:", "[comply:")
    made = serve(log_text=True).chat.completions.create(model="small", messages=ASKED)
    assert made.choices[0].message.content == fallback_answer(policy)
    assert made.safecot["let_through"] is False
    (line,) = logged(tmp_path)
    assert line["faults"][0].startswith("verdict: ")
    assert "[comply:" in line["reasoning"]


def test_the_settings_that_the_model_was_taught_are_the_guards(serve, model, policy, text_of):
    """How many rules are weighed, and whether reasons are in words of its own."""
    model.text = text_of(MIXED, "Do not.", weigh=1)
    for settings, sent in (({}, fallback_answer(policy)), ({"weigh": 1}, "Do not.")):
        made = serve(**settings).chat.completions.create(model="small", messages=ASKED)
        assert made.choices[0].message.content == sent
    model.text = text_of(HARMLESS, "Upright.").replace("I can answer this.", "Nothing speaks against it.")
    for settings, sent in (({}, fallback_answer(policy)), ({"own_words": True}, "Upright.")):
        made = serve(**settings).chat.completions.create(model="small", messages=ASKED)
        assert made.choices[0].message.content == sent


def test_it_streams(serve, model, text_of):
    model.text = text_of(HARMLESS, "One. " * 20 + "Last.")
    pieces = list(serve().chat.completions.create(model="small", messages=ASKED, stream=True))
    words = [piece.choices[0].delta.content for piece in pieces if piece.choices[0].delta.content]
    assert "".join(words) == "One. " * 20 + "Last."
    assert len(words) > 5
    assert pieces[0].choices[0].delta.role == "assistant"
    assert pieces[-1].choices[0].finish_reason == "stop"
    assert pieces[-1].safecot["let_through"] is True


@pytest.mark.parametrize("stream", [False, True])
def test_the_reasoning_is_shown_where_it_is_asked_for(serve, model, text_of, stream):
    model.text = text_of(HARMLESS, "Upright.")
    field = serve(reasoning="field").chat.completions.create(model="small", messages=ASKED, stream=stream)
    inline = serve(reasoning="inline").chat.completions.create(model="small", messages=ASKED, stream=stream)
    if stream:
        field, inline = list(field), list(inline)
        reasoning = field[0].choices[0].delta.reasoning_content
        content = "".join(piece.choices[0].delta.content or "" for piece in inline)
    else:
        reasoning = field.choices[0].message.reasoning_content
        content = inline.choices[0].message.content
    assert reasoning.endswith("[comply: default]")
    assert "<think>" not in reasoning
    assert content == model.text


def test_a_server_that_takes_the_reasoning_apart_is_put_together(serve, model, text_of):
    whole = text_of(HARMLESS, "Upright.")
    inside, _, model.text = whole.removeprefix("<think>\n").partition("\n</think>\n")
    model.reasoning = inside
    made = serve().chat.completions.create(model="small", messages=ASKED)
    assert made.choices[0].message.content == "Upright."
    assert made.safecot["let_through"] is True


def test_the_policy_goes_into_the_system_turn_where_it_is_asked_for(serve, model, text_of):
    model.text = text_of(HARMLESS, "Upright.")
    serve(policy_prompt=True, model="tuned").chat.completions.create(model="small", messages=ASKED)
    (body,) = model.bodies
    assert body["model"] == "tuned"
    assert [turn["role"] for turn in body["messages"]] == ["system", "user"]
    assert "bleach" in body["messages"][0]["content"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"messages": []}, "`messages` is not a list of turns"),
        ({"n": 2}, "`n` is to be 1"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "`tools` cannot be guarded"),
        ({"messages": [*ASKED, {"role": "assistant", "content": "Sure, "}]}, "the last turn is the assistant's"),
    ],
)
def test_what_cannot_be_guarded_is_refused_before_the_model_is_asked(serve, model, more, message):
    with pytest.raises(openai.BadRequestError, match=message):
        serve().chat.completions.create(**{"model": "small", "messages": ASKED, **more})
    assert model.bodies == []


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_request_is_refused(serve, body):
    client = serve()
    answer = client._client.post(f"{client.base_url}chat/completions", content=body)
    assert answer.status_code == 400
    assert "the request is not" in answer.json()["error"]["message"]
    assert MAX_BODY < 1 << 30


@pytest.mark.parametrize(("status", "error"), [(429, openai.RateLimitError), (404, openai.NotFoundError)])
def test_the_models_own_errors_come_through(serve, model, status, error):
    model.status = status
    with pytest.raises(error, match=r"the model's server: .*not now"):
        serve().chat.completions.create(model="small", messages=ASKED)


def test_a_model_that_is_not_there_is_said(serve, model):
    client = serve()
    model.close()
    with pytest.raises(openai.InternalServerError, match="cannot be reached"):
        client.chat.completions.create(model="small", messages=ASKED)


def test_an_answer_that_breaks_off_in_its_reasoning_falls_to_the_policy(serve, model, policy, text_of):
    model.text = text_of(HARMLESS, "Upright.")
    model.break_after = 3
    made = serve().chat.completions.create(model="small", messages=ASKED)
    assert made.choices[0].message.content == fallback_answer(policy)
    assert made.safecot["let_through"] is False


def test_models_and_health(serve, policy):
    client = serve()
    assert [each.id for each in client.models.list().data] == ["small"]
    health = client._client.get(str(client.base_url).replace("/v1/", "/health")).json()
    assert health["digest"] == policy.digest


def test_a_key_that_is_not_set_is_said(policy, monkeypatch):
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with pytest.raises(ValueError, match="`NO_SUCH_KEY`"):
        GuardServer(policy, GuardSettings(base_url="http://127.0.0.1:1/v1", api_key_env="NO_SUCH_KEY"))
