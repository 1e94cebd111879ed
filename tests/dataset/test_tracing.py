"""Traces: from a row to everything behind it, from a rule to its rows, and no sentence without an origin."""

from __future__ import annotations

import io
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console
from typer.testing import CliRunner

from safecot_dsl.cli.data.trace_text import show_row
from safecot_dsl.cli.main import app
from safecot_dsl.datafiles import policies_root
from safecot_dsl.dataset import DataRecipe, Dataset, generate, open_dataset
from safecot_dsl.dataset.formats import export_dataset
from safecot_dsl.dataset.tracing import trace_row
from safecot_dsl.dataset.tracing_model import TraceError
from safecot_dsl.dataset.tracing_rules import TraceCheck, check_traces, rows_of_rule
from safecot_dsl.workspace import compile_policy

from .kitchen import png
from .writing.scripted import Server, reply, schema_of

SHIPPED = (policies_root() / "household_chemicals.safecot").read_text(encoding="utf-8")
POLICY = SHIPPED.replace("policy household_chemicals {", "policy kitchen {")
MIXING = {"image.objects": ["bleach", "ammonia"], "image.setting": "kitchen", "query.intent": "mix", "query.harm": 0.1}
STORING = MIXING | {"query.intent": "store"}
TEACHING = MIXING | {"image.setting": "laboratory"}
VINEGAR = STORING | {"image.objects": ["vinegar"]}

Make = Callable[..., Dataset]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a data set of requests with these facts, from a policy's file beside it."""

    def made(*cases: dict[str, Any], kept: bool = True, **data: Any) -> Dataset:
        (tmp_path / "a.png").write_bytes(png(7))
        records = [
            {
                "id": f"r{number}",
                "prompt": f"Question {number}?",
                "images": ["a.png"],
                "facts": facts,
                "answer": "On a shelf.",
            }
            for number, facts in enumerate(cases)
        ]
        (tmp_path / "rows.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
        file = tmp_path / "kitchen.safecot"
        file.write_text(POLICY, encoding="utf-8")
        source = {"kind": "jsonl", "path": "rows.jsonl", "licence": "CC0-1.0", "name": "hand"}
        recipe = DataRecipe.model_validate({"sources": [source], **data})
        options: dict[str, Any] = {"policy_file": file} if kept else {}
        generate(compile_policy(file), recipe, tmp_path / "data", seed=0, base_dir=tmp_path, **options)
        return open_dataset(tmp_path / "data")

    return made


# From a row


def test_a_row_is_traced_to_the_lines_of_its_rule(make: Make) -> None:
    dataset = make(MIXING, VINEGAR)
    (row, _) = dataset.rows()
    trace = trace_row(dataset, "hand/r0")
    assert trace == trace_row(dataset, row["id"]) == trace_row(dataset, row["id"][:8])
    assert (trace.id, trace.file, trace.number) == (row["id"], "data/train-00000.parquet", 0)
    assert (trace.verdict, trace.deciding, trace.mode, trace.current) == ("refuse", ("toxic_mixing",), "template", True)
    assert [(image.path, image.sha256, image.embedded) for image in trace.images] == [
        ("a.png", row["image_sha256"][0], True)
    ]
    lines = POLICY.splitlines()
    (rule,) = [rule for rule in trace.rules if rule.name == "toxic_mixing"]
    assert rule.roles == ("decides", "speaks", "gives a sentence")
    assert rule.text is not None
    start = lines.index("rule toxic_mixing {")
    assert (rule.text.file, rule.text.line, rule.text.now) == ("kitchen.safecot", start + 1, "same")
    assert rule.text.lines == tuple(lines[start : lines.index("}", start) + 1])
    for sentence in trace.sentences:
        assert sentence.file is not None
        assert sentence.source == lines[(sentence.line or 0) - 1].strip()
    assert "".join(sentence.text for sentence in trace.sentences).replace(" ", "") == "".join(
        (row["reasoning"] + row["answer"]).split()
    )


def test_a_row_of_no_rule_is_traced_to_the_default_and_the_nearest_rule(make: Make) -> None:
    trace = trace_row(make(STORING), "hand/r0")
    assert (trace.verdict, trace.deciding, trace.speaker, trace.nearest) == ("comply", (), "default", "toxic_mixing")
    roles = {rule.name: rule.roles for rule in trace.rules}
    assert "nearest" in roles["toxic_mixing"]
    assert "speaks" in roles["default"]
    last = trace.sentences[-1]
    assert (last.step, last.text, last.rule, last.file, last.source) == ("source", "On a shelf.", None, None, None)


@pytest.mark.parametrize(
    ("kept", "text", "now", "readable"),
    [
        (True, POLICY, "same", True),
        (True, "# another\n" + POLICY, "changed", True),
        (True, None, None, True),
        (False, POLICY, "same", True),
        (False, "# another\n" + POLICY, "changed", False),
        (False, None, None, False),
    ],
)
def test_the_text_is_that_of_the_time_and_what_became_of_its_file_is_said(
    make: Make, tmp_path: Path, kept: bool, text: str | None, now: str | None, readable: bool
) -> None:
    dataset = make(MIXING, kept=kept)
    file = tmp_path / "kitchen.safecot"
    file.unlink() if text is None else file.write_text(text, encoding="utf-8")
    excerpt = trace_row(dataset, "hand/r0").rules[0].text
    assert excerpt is not None
    assert excerpt.now == now
    assert (excerpt.lines is not None) == readable


def test_facts_say_who_found_them(make: Make) -> None:
    given = {name: value for name, value in MIXING.items() if name != "query.intent"}
    annotator = {"kind": "pattern", "fact": "query.intent", "patterns": {"mix": ["Question"]}}
    trace = trace_row(make(given, annotators=[annotator]), "hand/r0")
    by = {fact.name: fact.by for fact in trace.facts}
    assert by == {
        "image.objects": "source",
        "image.setting": "source",
        "query.harm": "source",
        "query.intent": "pattern",
    }


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def test_a_prompted_row_shows_every_attempt_and_its_checks(make: Make, server: Server) -> None:
    reasons = iter(["A knife lies there, too.", "Breathing the fumes does harm."])
    raw: list[str] = []

    def answer(body: dict[str, Any]) -> str:
        raw.append(reply(schema_of(body), next(reasons)))
        return raw[-1]

    server.answer = answer
    writing = {"mode": "prompted", "endpoint": server.settings.model_dump(mode="json"), "attempts": 2}
    trace = trace_row(make(MIXING, writing=writing), "hand/r0")
    assert (trace.mode, trace.model) == ("prompted", "medium-1")
    assert [attempt.raw for attempt in trace.attempts] == raw
    assert "stated" in trace.attempts[0].rejected
    assert trace.attempts[1].rejected == ()
    assert all(check.passed is not False for check in trace.checks)
    assert (trace.prompt_digest or "").startswith("sha256:")
    shown = io.StringIO()
    show_row(trace, Console(file=shown, width=9999))
    assert f"attempt 1, rejected: {', '.join(trace.attempts[0].rejected)}\n    {raw[0]}" in shown.getvalue()
    assert "in the words of medium-1" in shown.getvalue()


def test_the_rows_of_a_pair_name_each_other(make: Make) -> None:
    dataset = make(MIXING, STORING, VINEGAR, selection="contrast", rows=2)
    trace = trace_row(dataset, "hand/r0")
    assert trace.partner is not None
    other = trace_row(dataset, trace.partner.id)
    assert other.partner is not None
    assert (other.key, other.partner.id) == (trace.partner.key, trace.id)
    assert trace.distance == other.distance == 1


def test_exports_hold_the_row_where_the_trace_says(make: Make) -> None:
    dataset = make(
        VINEGAR, MIXING, STORING, preferences=["unsafe", "over_refusal"], exports=["trl-sft", "llamafactory"]
    )
    export_dataset(dataset, "canonical", dataset.path / "exports" / "canonical")
    trace = trace_row(dataset, "hand/r1")
    assert Counter((record.format, record.kind) for record in trace.exports) == {
        ("canonical", "row"): 1,
        ("canonical", "pair"): 1,
        ("llamafactory", "row"): 1,
        ("llamafactory", "pair"): 1,
        ("trl-sft", "row"): 1,
    }
    for record in trace.exports:
        file = dataset.path / record.file
        if file.suffix == ".jsonl":
            found = json.loads(file.read_text().splitlines()[record.record])
        else:
            found = pq.read_table(file).slice(record.record, 1).to_pylist()[0]
        assert found["id"] == record.id
        assert "Question 1?" in json.dumps(found, default=repr)


def test_no_row_and_several(make: Make) -> None:
    dataset = make(MIXING, VINEGAR)
    with pytest.raises(TraceError, match="no row's id begins with `00000000`"):
        trace_row(dataset, "00000000")
    with pytest.raises(TraceError, match="no row was made from the item `hand/r7`; did you mean `hand/r"):
        trace_row(dataset, "hand/r7")
    with pytest.raises(TraceError, match="`abc` names no row: give 4 to 24 digits of its id"):
        trace_row(dataset, "abc")
    file = dataset.path / "provenance" / "part-00000.parquet"
    table = pq.read_table(file)
    alike = pa.array(["abcd" + "0" * 20, "abcd" + "1" * 20])
    pq.write_table(table.set_column(0, "id", alike), file)
    with pytest.raises(TraceError, match=r"several rows begin with `abcd`: abcd0+ \(hand/r0\), abcd1+ \(hand/r1\)"):
        trace_row(dataset, "abcd")


def test_an_item_that_was_left_out_is_answered_with_the_reason(make: Make, tmp_path: Path) -> None:
    make(VINEGAR, VINEGAR)
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    rows += [rows[0] | {"id": f"r{number}"} for number in range(2, 6)] + [rows[0] | {"id": "r6", "prompt": "New?"}]
    del rows[-1]["answer"]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = {"kind": "jsonl", "path": "rows.jsonl", "licence": "CC0-1.0", "name": "hand"}
    policy = compile_policy(tmp_path / "kitchen.safecot")
    generate(policy, DataRecipe.model_validate({"sources": [source]}), tmp_path / "data", seed=0, base_dir=tmp_path)
    dataset = open_dataset(tmp_path / "data")
    with pytest.raises(TraceError, match=r"hand/r6` was left out: `comply`, and no answer \(`no_answer`: the policy"):
        trace_row(dataset, "hand/r6")
    with pytest.raises(TraceError, match=r"hand/r2` was left out: is hand/r0 again \(`duplicate`: the same request"):
        trace_row(dataset, "hand/r2")
    with pytest.raises(TraceError, match=r"no row was made from the item `hand/r5`.*not naming them: 1 `duplicate`"):
        trace_row(dataset, "hand/r5")  # three are named of each reason


def test_what_is_shown_cannot_steer_the_terminal(make: Make) -> None:
    trace = trace_row(make(MIXING), "hand/r0")
    hostile = trace.model_copy(update={"prompt": "a\x1b[2Jb\u202ec", "key": "k\x1b", "command": "c\x07"})
    shown = io.StringIO()
    show_row(hostile, Console(file=shown, width=200))
    assert not set(shown.getvalue()) & {"\x1b", "\u202e", "\x07"}
    assert "a<U+001B>[2Jb<U+202E>c" in shown.getvalue()


# From a rule


def test_the_rows_of_a_rule_are_those_that_name_it(make: Make) -> None:
    """Held against a walk over rows and provenance."""
    dataset = make(MIXING, STORING, TEACHING, VINEGAR, MIXING | {"query.intent": "hurt"})
    records = {record["id"]: record for record in dataset.provenance()}
    for rule in ("toxic_mixing", "lab_training", "asks_to_hurt", "default"):
        expected: dict[str, tuple[str, ...]] = {}
        for row in dataset.rows():
            record = records[row["id"]]
            roles = {
                "decides": rule in record["deciding"],
                "speaks": record["speaker"] == rule,
                "nearest": record["nearest"] == rule,
                "sentence": rule in [sentence["rule"] for sentence in row["sentences"]],
            }
            if any(roles.values()):
                expected[row["id"]] = tuple(role for role, held in roles.items() if held)
        found = rows_of_rule(dataset, rule)
        assert {row.id: row.roles for row in found} == expected
        assert expected
        assert {role: sum(counts.values()) for role, counts in found.by_role.items()} == Counter(
            role for roles in expected.values() for role in roles
        )
    with pytest.raises(TraceError, match="no rule `toxic_mixin`; did you mean `toxic_mixing`"):
        rows_of_rule(dataset, "toxic_mixin")


# The promise


def tampered(dataset: Dataset, change: Callable[[dict[str, Any]], None]) -> Dataset:
    """The data set with the first row changed."""
    (file,) = dataset.files
    table = pq.read_table(file)
    rows = table.to_pylist()
    change(rows[0])
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file)
    return open_dataset(dataset.path)


def test_every_sentence_comes_from_a_fact_or_a_rule(make: Make) -> None:
    counts = TraceCheck()
    dataset = make(MIXING, STORING, TEACHING, VINEGAR)
    assert list(check_traces(dataset, counts)) == []
    sentences = [sentence for row in dataset.rows() for sentence in row["sentences"]]
    assert (counts.rows, counts.sentences, counts.foreign) == (4, len(sentences), 2)
    assert counts.of_facts + counts.of_rules + counts.of_policy + counts.foreign == len(sentences)
    assert counts.of_facts > 0
    assert None not in counts.rules


def a_rules(row: dict[str, Any]) -> dict[str, Any]:
    """The row's first sentence that is a rule's: what is stated of the case is none's."""
    return next(sentence for sentence in row["sentences"] if sentence["step"] == "weigh")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"rule": "no_such"}, "the policy has no rule `no_such`"),
        ({"rule": None}, "it names no rule"),
        ({"line": 9999}, "nothing of the policy stands at kitchen.safecot:9999"),
        ({"file": None}, "it names no line"),
        ({"text": "Words from nowhere."}, "the row's text is not that of its sentences"),
    ],
    ids=["another rule", "no rule", "another line", "no line", "another text"],
)
def test_a_sentence_without_an_origin_is_found(make: Make, change: dict[str, Any], fault: str) -> None:
    dataset = tampered(make(MIXING, VINEGAR), lambda row: a_rules(row).update(change))
    assert [found.fault for found in check_traces(dataset, TraceCheck())] == [fault]
    done = CliRunner().invoke(app, ["data", "trace", "--check", "--data", str(dataset.path)])
    assert done.exit_code == 1
    assert fault in done.output


def test_a_row_whose_policy_is_gone_is_found(make: Make) -> None:
    dataset = tampered(make(VINEGAR), lambda row: row.update(policy="sha256:" + "0" * 64))
    faults = list(check_traces(dataset, TraceCheck()))
    assert faults
    assert all("is not there" in found.fault for found in faults)


# The command


def test_the_command_finds_its_data_set(make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dataset = make(MIXING)
    run = CliRunner().invoke
    monkeypatch.chdir(tmp_path)
    done = run(app, ["data", "trace", "hand/r0"])
    assert done.exit_code == 2
    assert "which data set? there is none below runs/: name one with `--data FOLDER`" in done.output
    shutil.copytree(dataset.path, tmp_path / "runs" / "a" / "arms" / "safecot" / "data")
    done = run(app, ["data", "trace", "hand/r0", "-f", "json"])
    assert json.loads(done.output)["verdict"] == "refuse"
    shutil.copytree(dataset.path, tmp_path / "runs" / "b" / "arms" / "safecot" / "data")
    done = run(app, ["data", "trace", "--rule", "toxic_mixing"])
    assert done.exit_code == 2
    monkeypatch.chdir(dataset.path)
    done = run(app, ["data", "trace", "--rule", "toxic_mixing", "-f", "json"])
    assert [json.loads(line)["key"] for line in done.output.splitlines()] == ["hand/r0"]
    assert run(app, ["data", "trace", "hand/r0", "--check"]).exit_code == 2
    assert run(app, ["data", "trace", "hand/zz"]).exit_code == 1
