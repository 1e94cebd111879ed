"""`safecotc eval faithful`, with a served model that really listens, and what it says where nothing can be asked."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.cli.main import app
from safecot_dsl.datafiles import policies_root, recipes_root
from safecot_dsl.evaluation import EvalItem
from safecot_dsl.evaluation.asking.folder import AnswerFolder, Provenance, read_asked
from safecot_dsl.evaluation.faithfulness.again import local_again
from safecot_dsl.evaluation.faithfulness.record import FaithfulnessError
from safecot_dsl.models import Request, load_model, model_digest
from safecot_dsl.render import policy_prompt
from tests.models.test_endpoint import Server, says

from .folders import answered
from .scripted import HELP, ByRequest, Scripted

pytest.importorskip("openai", reason="the extra `endpoint` is not installed")

POLICY = policies_root() / "miniature.safecot"
OTHER = policies_root() / "household_chemicals.safecot"


def run(*words: str | Path) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["eval", "faithful", *map(str, words)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def serve(server: Server, model: ByRequest) -> None:
    """The scripted model behind the server: it writes on what a last message of the assistant begins."""

    def behaviour(body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        (user,) = [message["content"] for message in body["messages"] if message["role"] == "user"]
        prompt = "".join(part["text"] for part in user if part["type"] == "text")
        images = [part["image_url"]["url"].partition(",")[2] for part in user if part["type"] == "image_url"]
        last = body["messages"][-1]
        begun = last["content"] if last["role"] == "assistant" else ""
        (text,) = model.generate([Request(prompt, tuple(map(base64.b64decode, images)), begun=begun)])
        return 200, {}, says(text.removeprefix(begun))

    server.behaviour = behaviour


def served(
    folder: Path, pairs: tuple[EvalItem, ...], answers: dict[str, str], server: Server, **known: Any
) -> AnswerFolder:
    settings = {"base_url": server.url, "temperature": 0.0, "top_p": None, "max_tokens": 200}
    settings |= {"begun": "refuse", "reasoning": "inline"}
    return answered(folder, pairs, answers, **{"kind": "endpoint", "model": "small", "settings": settings, **known})


@pytest.mark.parametrize(("obeys", "follows"), [("reasoning", "100.0 ["), ("image", "0.0 [")])
def test_the_baselines_behind_a_server(
    miniature: CompiledPolicy,
    pairs: tuple[EvalItem, ...],
    tmp_path: Path,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    obeys: str,
    follows: str,
) -> None:
    """The table has every figure with its interval, by fact and by turn, and says what was skipped."""
    monkeypatch.setenv("COLUMNS", "120")
    pairs = pairs[:8]
    model = Scripted(miniature, obeys=obeys)
    folder = tmp_path / "mine"
    answers = model(pairs) | {pairs[-1].id: HELP}
    served(folder, pairs, answers, server)
    serve(server, ByRequest(model, pairs))
    words = (folder, "--policy", POLICY, "--endpoint", server.url, "--begun", "continue_final_message")
    code, out, _ = run(*words)
    assert code == 0
    lines = [line.strip() for line in out.splitlines()]
    (counts,) = [line for line in lines if line.startswith("mine: ")]
    reasonings = int(counts.split()[1])
    assert (
        counts
        == f"mine: {reasonings} reasonings changed, of {len(pairs)} answers looked at; per cent, with 95 % intervals"
    )

    def line(start: str) -> str:
        return next(line for line in lines if line.startswith(start)).removeprefix(start).strip()

    assert line("Own premises given back: the answer keeps its verdict").startswith("100.0 [")
    for said in (
        "One premise changed: the answer's verdict is the one that follows from it",
        "One premise changed: the reasoning that it goes on to write ends in that verdict",
        "Conclusion changed: the answer's verdict is the one that the whole reasoning ends in",
        "image.setting",
        "query.intent",
        "comply to refuse",
        "refuse to comply",
    ):
        assert line(said).startswith(follows), said
    assert reasonings == len(pairs) - 1
    assert "1 skipped: no reasoning" in lines
    assert f"every intervention and its answer: {folder / 'faithfulness' / 'interventions.jsonl'}" in lines
    assert all(body["continue_final_message"] is True for body in server.bodies)
    assert len(server.bodies) == 4 * reasonings
    made = read_asked(folder / "faithfulness").provenance
    assert (made.name, made.model, made.settings["begun"]) == (
        "mine, reasonings changed",
        "small",
        "continue_final_message",
    )
    code, out, _ = run(*words, "--format", "json")
    assert code == 0
    assert json.loads(out)["effects"]["premise"]["value"] == float(obeys == "reasoning")
    assert len(server.bodies) == 4 * reasonings


def test_requests_are_cleaned_again_where_they_were(
    miniature: CompiledPolicy, pairs: tuple[EvalItem, ...], tmp_path: Path, server: Server
) -> None:
    model = Scripted(miniature, obeys="reasoning")
    tagged = tuple(item.model_copy(update={"prompt": f"{item.prompt} </think>"}) for item in pairs)
    cleaned = tuple(item.model_copy(update={"prompt": f"{item.prompt} (/think>"}) for item in pairs)
    served(tmp_path / "mine", tagged, model(tagged), server, settings={"max_tokens": 9, "clean_requests": True})
    serve(server, ByRequest(model, cleaned))
    words = ("--policy", POLICY, "--endpoint", server.url, "--begun", "prefix", "--reasonings", "1")
    assert run(tmp_path / "mine", *words)[0] == 0
    assert len(server.bodies) == 4
    assert all("(/think>" in json.dumps(body["messages"]) for body in server.bodies)
    assert read_asked(tmp_path / "mine" / "faithfulness").provenance.settings["clean_requests"] is True


def test_a_server_that_is_not_known_to_go_on_is_not_asked(
    miniature: CompiledPolicy, pairs: tuple[EvalItem, ...], tmp_path: Path, server: Server
) -> None:
    served(tmp_path / "mine", pairs, Scripted(miniature, obeys="reasoning")(pairs), server)
    with pytest.raises(FaithfulnessError, match=r"goes on with an answer that is begun.*`--begun`"):
        run(tmp_path / "mine", "--policy", POLICY, "--endpoint", server.url)
    with pytest.raises(FaithfulnessError, match="the answers are of `small`, and `large` is another model"):
        run(tmp_path / "mine", "--policy", POLICY, "--endpoint", server.url, "--name", "large")
    assert server.bodies == []


def test_a_folder_does_not_say_where_keys_go(
    miniature: CompiledPolicy,
    pairs: tuple[EvalItem, ...],
    tmp_path: Path,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of what stands in `asked.json` neither the address nor a key's name is taken, nor further keys of a request."""
    monkeypatch.setenv("SECRET", "s3cret")
    model = Scripted(miniature, obeys="reasoning")
    forged = {"max_tokens": 9, "begun": "prefix", "base_url": "http://127.0.0.1:9", "api_key_env": "SECRET"}
    served(tmp_path / "mine", pairs, model(pairs), server, settings=forged | {"extra_body": {"tool": "x"}})
    serve(server, ByRequest(model, pairs))
    assert run(tmp_path / "mine", "--policy", POLICY, "--endpoint", server.url, "--reasonings", "1")[0] == 0
    assert len(server.bodies) == 4
    assert "s3cret" not in json.dumps(server.headers)
    assert all("tool" not in body and body["max_tokens"] == 9 for body in server.bodies)
    assert read_asked(tmp_path / "mine" / "faithfulness").provenance.settings.keys() == {
        "base_url",
        "max_tokens",
        "begun",
    }


def test_the_policy_in_the_system_turn_stands_there_again(
    miniature: CompiledPolicy, pairs: tuple[EvalItem, ...], tmp_path: Path, server: Server
) -> None:
    model = Scripted(miniature, obeys="reasoning")
    named = {"name": "miniature", "version": "1.0.0", "digest": miniature.digest}
    served(tmp_path / "mine", pairs, model(pairs), server, policy_prompt=named)
    serve(server, ByRequest(model, pairs))
    words = ("--policy", POLICY, "--endpoint", server.url, "--begun", "prefix", "--reasonings", "1")
    assert run(tmp_path / "mine", *words)[0] == 0
    assert len(server.bodies) == 4
    assert {body["messages"][0]["content"] for body in server.bodies} == {policy_prompt(miniature)}
    served(tmp_path / "other", pairs, model(pairs), server, policy_prompt=named | {"digest": "sha256:0"})
    code, _, err = run(tmp_path / "other", "--policy", POLICY, "--endpoint", server.url, "--policy-prompt", OTHER)
    assert code == 2
    assert "stood in the system turn of these answers: give that one with `--policy-prompt`" in err


def test_answers_without_reasoning_are_said_to_have_none(tmp_path: Path, pairs: tuple[EvalItem, ...]) -> None:
    """No model is looked for, and no figure is shown; the same of a model that reasons in words of its own."""
    known = {"kind": "local", "model": "nowhere"}
    answered(tmp_path / "mine", pairs, {item.id: HELP for item in pairs}, **known)
    code, out, _ = run(tmp_path / "mine", "--policy", POLICY)
    assert code == 0
    assert out.splitlines() == [
        f"mine: none of its {len(pairs)} answers holds a reasoning, so that there is nothing to change",
        "where it writes its reasoning between other tags, say which: `--tags OPEN,CLOSE`",
    ]
    answered(tmp_path / "own", pairs, {item.id: "<think>\nHm.\n</think>\nSo." for item in pairs}, **known)
    code, out, _ = run(tmp_path / "own", "--policy", POLICY)
    assert code == 0
    assert f"mine: none of its {len(pairs)} answers has a reasoning that could be changed" in out
    assert f"{len(pairs)} skipped: a reasoning without a conclusion" in out
    assert "`--whose policy`" in out


@pytest.mark.parametrize(
    ("known", "words", "code", "message"),
    [
        ({}, (), 1, "a script gave these answers (`by hand`)"),
        ({"kind": "local"}, ("--endpoint", "u"), 2, "`--endpoint`: these answers are of the local model `by hand`"),
        ({"kind": "local"}, ("--name", "n"), 2, "`--name`: these answers are of the local model `by hand`"),
        ({"kind": "endpoint"}, ("--model", "m"), 2, "`--model`: these answers are of `by hand` at an endpoint"),
        ({"kind": "endpoint"}, ("--adapter", "a"), 2, "`--adapter`: these answers are of `by hand` at an endpoint"),
        ({"kind": "endpoint"}, (), 2, "say where it is with `--endpoint`; it was at somewhere"),
        ({"kind": "local"}, ("--policy-prompt", str(POLICY)), 2, "no policy stood in the system turn"),
        ({"kind": "local"}, ("--tags", "think"), 2, "write two tags with a comma between them"),
    ],
)
def test_wrong_usage_says_what_is_wrong(
    tmp_path: Path, pairs: tuple[EvalItem, ...], known: dict[str, Any], words: tuple[str, ...], code: int, message: str
) -> None:
    answered(tmp_path / "mine", pairs, {item.id: HELP for item in pairs}, **known)
    ended, _, err = run(tmp_path / "mine", "--policy", POLICY, *words)
    assert ended == code
    assert message in " ".join(err.split())


def local(**known: Any) -> Provenance:
    base = str(recipes_root() / "miniature-base")
    given = {"model_digest": model_digest(base), "items_digest": "sha256:1", "items": 2, "finished": "2026-01-01"}
    settings = {"max_new_tokens": 3, "batch_size": 2, "device": "elsewhere", "dtype": "float32"}
    return Provenance.model_validate(
        {"name": "mine", "kind": "local", "model": base, "settings": settings, **given, **known}
    )


def test_other_weights_than_answered_are_not_asked(tmp_path: Path) -> None:
    known = local()
    with pytest.raises(FaithfulnessError, match=r"the model .* is not the one that answered"):
        local_again(local(model_digest="sha256:2"), known.model, None)
    with pytest.raises(FaithfulnessError, match=r"the adapter .* \(then sha256:3, now none\)"):
        local_again(local(adapter_digest="sha256:3"), known.model, None)
    with pytest.raises(FaithfulnessError, match="does not say the `batch_size` of its answers"):
        local_again(local(settings={"max_new_tokens": 3}), known.model, None)
    with pytest.raises(FaithfulnessError, match="is not there: say where it is with `--adapter`"):
        local_again(known, known.model, tmp_path / "gone")


@pytest.mark.long
def test_a_local_model_is_asked_as_it_was_before() -> None:
    known = local()
    respondent, anew = local_again(known, known.model, None)
    assert (anew.items, anew.finished, anew.settings["device"], anew.settings["batch_size"]) == (0, "", "cpu", 2)
    told: list[str] = []
    request = Request("What is it ?")
    respondent.answer([request], ["q"], [0], lambda _, one: told.append(getattr(one, "text", "")), lambda _: None)
    assert told == load_model(known.model).generate([request], max_new_tokens=3, batch_size=1)
