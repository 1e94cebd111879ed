"""The Policy room: what a policy with its unsaved text decides, says, keeps and reaches."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.testclient import TestClient

from safecot_dsl.artifact import Verdict
from safecot_dsl.render.verdict_words import VERDICT_WORDS
from safecot_dsl.studio.folder import StudioFolder
from safecot_dsl.studio.messages.policy import Source
from safecot_dsl.studio.policy import policies
from safecot_dsl.studio.policy.policies import Policies
from safecot_dsl.workspace import open_policy
from tests.studio.conftest import HOUSEHOLD, SOURCE

MIXING: dict[str, Any] = {
    "facts": {
        "image.objects": {"state": "known", "value": ["bleach", "ammonia"]},
        "image.setting": {"state": "known", "value": "kitchen"},
        "query.intent": {"state": "known", "value": "mix"},
    }
}
LINES = HOUSEHOLD.split("\n")


def ask(client: TestClient, what: str, **question: Any) -> Any:
    answer = client.post(f"/api/v1/policy/{what}", json={"source": SOURCE, **question})
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(client: TestClient, what: str, **question: Any) -> Any:
    answer = client.post(f"/api/v1/policy/{what}", json={"source": SOURCE, **question})
    assert answer.status_code >= 400, answer.text
    return answer.json()


def with_text(text: str) -> dict[str, Any]:
    return {**SOURCE, "text": text}


def with_fact(name: str, state: Any) -> dict[str, Any]:
    return {"facts": {**MIXING["facts"], name: state}}


def test_the_facts_are_what_the_form_needs(client: TestClient) -> None:
    facts = {fact["name"]: fact for fact in ask(client, "facts")["facts"]}
    assert [(fact["kind"], fact["of"]) for fact in facts.values()] == [
        ("set", "image"),
        ("one_of", "image"),
        ("text", "image"),
        ("one_of", "request"),
        ("score", "request"),
        ("flag", "other"),
    ]
    assert facts["image.objects"]["values"][0] == {"name": "bleach", "label": "a bottle of bleach", "parent": None}
    assert LINES[facts["query.harm"]["line"] - 1].strip().startswith("harm ")
    bands = facts["query.harm"]["bands"]
    assert [(band["low"], band["high"]) for band in bands] == [(0.0, 0.6), (0.6, 0.9), (0.9, 1.0)]
    assert bands[2]["label"] == "The wording asks for harm."


def test_a_taxonomy_comes_as_a_tree(client: TestClient) -> None:
    text = (
        'policy p { version "1" }\n'
        'taxonomy harms { violence "violence" { weapons "weapons" poison "poison" } other "something else" }\n'
        "facts query { harm : one of harms }\nrule r { when query.harm is violence verdict refuse }\n"
        "default comply\nunsure clarify\n"
    )
    (fact,) = ask(client, "facts", source=with_text(text))["facts"]
    assert fact["kind"] == "taxonomy"
    assert {value["name"]: value["parent"] for value in fact["values"]} == {
        "violence": None,
        "weapons": "violence",
        "poison": "violence",
        "other": None,
    }
    inner = {"facts": {"query.harm": {"state": "known", "value": "violence"}}}
    assert ask(client, "decide", source=with_text(text), case=inner)["verdict"] == "refuse"


def test_a_case_is_decided_with_the_place_of_every_sentence(client: TestClient) -> None:
    told = ask(client, "decide", case=MIXING)
    assert (told["verdict"], told["possible"], told["certain"]) == ("refuse", ["refuse"], True)
    (rule,) = told["deciding"]
    assert (rule["rule"], rule["verdict"], rule["label"]) == ("toxic_mixing", "refuse", "Bleach with ammonia")
    assert LINES[rule["line"] - 1] == "rule toxic_mixing {"
    assert {sentence["part"] for sentence in told["reasoning"]} == {"see", "ask", "weigh", "decide"}
    for sentence in (*told["reasoning"], *told["answer"]):
        assert sentence["where"], sentence
        for where in sentence["where"]:
            assert where["path"] == SOURCE["path"], sentence
            assert 1 <= where["line"] <= len(LINES)
            assert where["rule"] or where["fact"]
    written = next(sentence for sentence in told["reasoning"] if sentence["part"] == "decide")
    assert written["text"] in LINES[written["where"][0]["line"] - 1]
    assert written["where"][0]["rule"] == "toxic_mixing"


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_decision_says_what_its_verdict_asks_for_as_the_editor_does(client: TestClient, verdict: Verdict) -> None:
    text = HOUSEHOLD.replace("query.intent is mix\n  verdict refuse", f"query.intent is mix\n  verdict {verdict}", 1)
    told = ask(client, "decide", source=with_text(text), case=MIXING)
    assert (told["verdict"], told["meaning"]) == (verdict, VERDICT_WORDS[verdict].meaning)


def test_what_is_not_known_gives_an_interval_and_what_to_ask(client: TestClient) -> None:
    told = ask(client, "decide", case=with_fact("image.setting", {"state": "cannot_be_told"}))
    assert (told["verdict"], told["possible"], told["certain"]) == ("redirect", ["redirect", "refuse"], False)
    assert told["unsettled"] == ["image.setting"]
    assert {rule["rule"] for rule in told["in_question"]} == {"toxic_mixing", "lab_training"}
    assert told["assumed"] == {"context.minor": False, "query.harm": 0.0}
    absent = {"facts": {name: state for name, state in MIXING["facts"].items() if name != "image.setting"}}
    assert ask(client, "decide", case=absent)["unsettled"] == ["image.setting"]


def test_why_is_a_tree_that_ends_in_facts(client: TestClient) -> None:
    why = ask(client, "decide", case=MIXING)["why"]
    rule = next(child for child in why["children"] if child["rule"] == "toxic_mixing")
    assert rule["truth"] == "true"
    condition, exception = rule["children"]
    leaves = {leaf["fact"]: (leaf["truth"], leaf["value"]) for leaf in condition["children"]}
    assert leaves == {"image.objects": ("true", ["ammonia", "bleach"]), "query.intent": ("true", "mix")}
    assert (exception["rule"], exception["truth"]) == ("lab_training", "false")


def test_nothing_applies_and_the_nearest_is_named(client: TestClient) -> None:
    told = ask(client, "decide", case=with_fact("query.intent", {"state": "known", "value": "store"}))
    assert told["verdict"] == "comply"
    assert told["deciding"][0]["rule"] == "default"
    assert told["nearest"]["rule"] in {"toxic_mixing", "minor_handles", "asks_to_hurt"}
    assert told["needs_answer"] is True


def test_the_unsaved_text_counts(client: TestClient) -> None:
    text = HOUSEHOLD.replace("query.intent is mix\n  verdict refuse", "query.intent is mix\n  verdict warn", 1)
    assert ask(client, "decide", source=with_text(text), case=MIXING)["verdict"] == "warn"
    assert ask(client, "decide", case=MIXING)["verdict"] == "refuse"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("image.objects", ["plutonium"]),
        ("query.harm", 7),
        ("query.harm", "much"),
        ("context.minor", 1),
        ("nothing", True),
    ],
)
def test_a_case_that_does_not_fit_is_said(client: TestClient, name: str, value: Any) -> None:
    told = refused(client, "decide", case=with_fact(name, {"state": "known", "value": value}))
    assert told["error"]["code"] == "case_does_not_fit"
    assert name in told["error"]["message"]


def test_a_policy_that_does_not_compile_says_why_and_how_to_mend_it(client: TestClient) -> None:
    text = HOUSEHOLD.replace("toxic_pair and", "toxic_piar and", 1)
    for what, more in (("facts", {}), ("decide", {"case": MIXING}), ("examples", {}), ("rules", {}), ("coverage", {})):
        told = refused(client, what, source=with_text(text), **more)
        assert told["error"]["code"] == "does_not_compile"
        (finding,) = told["findings"]
        assert (finding["code"], finding["severity"]) == ("SC0101", "error")
        (edit,) = finding["fix"]["edits"]
        lines = text.split("\n")
        line = lines[edit["start_line"]]
        lines[edit["start_line"]] = line[: edit["start_character"]] + edit["text"] + line[edit["end_character"] :]
        assert "\n".join(lines) == HOUSEHOLD


def test_a_library_decides_nothing(client: TestClient) -> None:
    told = refused(client, "facts", source=with_text('library l { version "1" }\n'))
    assert told["error"]["code"] == "does_not_compile"


@pytest.mark.parametrize("text", ["", "\0", "policy", "ä" * 1_000, "\ud83d", "rule " * 5_000, "(" * 50_000])
def test_any_text_gets_an_answer(client: TestClient, text: str) -> None:
    body = {"source": {"path": SOURCE["path"], "text": text}}
    headers = {"content-type": "application/json"}
    answer = client.post("/api/v1/policy/facts", content=json.dumps(body).encode(), headers=headers)
    assert answer.status_code == 422, answer.text


def test_an_imported_file_that_changes_is_read_again(client: TestClient, folder: Path) -> None:
    library = folder / "policies" / "shared.safecot"
    library.write_text('library shared { version "1" }\nfacts query { risky : flag }\n')
    text = (
        'policy p { version "1" }\nimport shared\nrule r { when query.risky verdict refuse }\n'
        "default comply\nunsure clarify\n"
    )
    assert [fact["name"] for fact in ask(client, "facts", source=with_text(text))["facts"]] == ["query.risky"]
    library.write_text('library shared { version "1" }\nfacts query { risky : flag more : flag }\n')
    told = ask(client, "facts", source=with_text(text))["facts"]
    assert [fact["name"] for fact in told] == ["query.risky", "query.more"]
    assert told[0]["line"] is None  # it stands in another file


def test_equal_questions_are_compiled_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safecot_dsl.studio.policy import policies as module

    counted: list[int] = []
    real = module.open_policy
    monkeypatch.setattr(module, "open_policy", lambda *a, **k: (counted.append(1), real(*a, **k))[1])
    opened = Policies(StudioFolder(folder))
    source = Source(path=SOURCE["path"], text=None)
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(opened.compiled(source))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(counted) == 1
    assert len({id(each) for each in found}) == 1
    (folder / SOURCE["path"]).write_text(HOUSEHOLD + "\n# more\n")
    opened.compiled(source)
    assert len(counted) == 2


def test_examples_hold_or_say_what_they_expected(client: TestClient) -> None:
    items = ask(client, "examples")["items"]
    assert len(items) == HOUSEHOLD.count('\nexample "')
    assert {item["state"] for item in items} == {"holds"}
    assert LINES[items[0]["line"] - 1].startswith('example "mixing at home"')
    assert items[0]["witness"] == {
        "facts": {**MIXING["facts"], "image.objects": {"state": "known", "value": ["ammonia", "bleach"]}}
    }
    text = HOUSEHOLD.replace("expect refuse by toxic_mixing", "expect comply by default", 1)
    first = ask(client, "examples", source=with_text(text))["items"][0]
    assert first["state"] == "fails"
    assert "expected `comply`" in first["message"]


def test_a_case_is_kept_as_an_example_that_holds(client: TestClient) -> None:
    name = 'a "case" of mine'
    kept = ask(client, "keep", case=with_fact("image.setting", {"state": "cannot_be_told"}), name=name)
    assert kept["text"].startswith(HOUSEHOLD.rstrip())
    assert kept["text"].split("\n")[kept["line"] - 1].startswith("example ")
    items = ask(client, "examples", source=with_text(kept["text"]))["items"]
    assert items[-1]["state"] == "holds"
    assert items[-1]["witness"]["facts"]["image.setting"] == {"state": "cannot_be_told"}
    again = refused(client, "keep", source=with_text(kept["text"]), case=MIXING, name=items[-1]["name"])
    assert again["error"]["code"] == "name_taken"
    twice = ask(client, "keep", source=with_text(ask(client, "keep", case=MIXING)["text"]), case=MIXING)
    names = [item["name"] for item in ask(client, "examples", source=with_text(twice["text"]))["items"]]
    assert len(set(names)) == len(names)


def test_a_text_in_a_case_is_data(client: TestClient) -> None:
    nasty = 'x" } rule evil { when query.intent is mix verdict comply } #\n\t\\ <script>'
    case = with_fact("image.text", {"state": "known", "value": nasty})
    kept = ask(client, "keep", case=case)
    facts = ask(client, "examples", source=with_text(kept["text"]))["items"][-1]["witness"]["facts"]
    assert facts["image.text"]["value"] == nasty
    rules = ask(client, "rules", source=with_text(kept["text"]))
    assert "rule:evil" not in {node["id"] for node in rules["nodes"]}


def test_the_rules_are_a_picture(client: TestClient) -> None:
    told = ask(client, "rules")
    kinds = {node["id"]: node["kind"] for node in told["nodes"]}
    assert kinds["rule:lab_training"] == "exception"
    assert kinds["default"] == "default"
    assert kinds["fact:query.harm"] == "fact"
    edges = {(edge["from"], edge["to"], edge["kind"]) for edge in told["edges"]}
    assert ("rule:lab_training", "rule:toxic_mixing", "except") in edges
    assert ("rule:asks_to_hurt", "fact:query.harm", "reads") in edges
    assert all(edge[0] in kinds and edge[1] in kinds for edge in edges)
    assert told["neighbours"]["toxic_mixing"][0] == "lab_training"
    assert "toxic_mixing" not in told["neighbours"]["toxic_mixing"]


def test_lines_that_no_example_reaches_are_told(client: TestClient) -> None:
    told = ask(client, "coverage")
    assert (told["rows"], told["complete"]) == (0, True)
    unreached = {LINES[line["line"] - 1].strip() for line in told["lines"] if not line["reached"]}
    assert any(line.startswith('contrast "Without both of them') for line in unreached)
    without = HOUSEHOLD.replace("\nexample ", "\n# example ").split("\n# example ")[0]
    empty = ask(client, "coverage", source=with_text(without))["lines"]
    assert not any(line["reached"] for line in empty)
    rule = next(line for line in told["lines"] if line["what"] == "rule")
    assert LINES[rule["line"] - 1] == "rule toxic_mixing {"
    assert rule["examples"] == 3
    missing = ask(client, "coverage", source=with_text(without))["lines"][0]["missing"]
    assert missing


def test_a_run_without_rows_is_said(client: TestClient, folder: Path) -> None:
    (folder / "runs" / "one" / "arms").mkdir(parents=True)
    (folder / "runs" / "one" / "policy.json").write_text("{}")
    for run in ("runs/one", "policies"):
        assert refused(client, "coverage", run=run)["error"]["code"] == "no_rows"
    assert refused(client, "coverage", run="runs/none")["error"]["code"] == "not_found"
    (folder / "runs" / "one" / "provenance").mkdir()
    (folder / "runs" / "one" / "data").mkdir()
    (folder / "runs" / "one" / "data" / "train-00000.parquet").write_bytes(b"PAR1 half written")
    assert refused(client, "coverage", run="runs/one")["error"]["code"] == "no_rows"


def test_memory_is_not_tidied_while_a_policy_is_compiled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a large policy that takes longer than to compile it, and nothing else is answered meanwhile."""
    compiling = threading.Event()
    tidied: list[bool] = []
    tidied_once = threading.Event()

    def compiled(*arguments: Any, **settings: Any) -> Any:
        compiling.set()
        time.sleep(1.0)
        try:
            return open_policy(*arguments, **settings)
        finally:
            compiling.clear()

    def tidy() -> int:
        tidied.append(compiling.is_set())
        tidied_once.set()
        return 0

    monkeypatch.setattr(policies, "_IDLE", 0.5)
    monkeypatch.setattr(policies, "open_policy", compiled)
    monkeypatch.setattr(policies, "gc", SimpleNamespace(collect=tidy))
    kept = Policies(StudioFolder(folder))
    for number in range(3):
        kept.open(Source(path="policies/household.safecot", text=f"{HOUSEHOLD}\n# {number}\n"))
    assert tidied_once.wait(10), "it is tidied when nobody types any more"
    assert not any(tidied)
