"""`safecotc decide` and `safecotc explain`."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from safecot_dsl.artifact import Decision
from safecot_dsl.workspace import compile_policy
from tests.commands import COMMAND

from .conftest import MIXING, Run


def case(**facts: object) -> str:
    return json.dumps({"facts": {name.replace("__", "."): value for name, value in facts.items()}})


def test_one_case(safecotc: Run) -> None:
    result = safecotc("decide", "p.safecot", "--case", "case.json")
    assert result.code == 0
    assert result.json() == {
        "verdict": "refuse",
        "lower": "refuse",
        "upper": "refuse",
        "certain": True,
        "deciding": ["mixing"],
        "effective": ["mixing"],
        "undecided": [],
        "unsettled": [],
        "speaker": "mixing",
        "assumed": {"context.minor": False},
        "policy": compile_policy("p.safecot").digest,
    }
    assert set(result.json()) == set(Decision.model_fields)


def test_a_case_from_standard_input(safecotc: Run) -> None:
    from_file = safecotc("decide", "p.safecot", "--case", "case.json").out
    assert safecotc("decide", "p.safecot", "--case", "-", stdin=json.dumps({"facts": MIXING})).out == from_file
    assert safecotc("decide", "p.safecot", "--cases", "-", stdin=json.dumps({"facts": MIXING})).out == from_file
    with_mark = b"\xef\xbb\xbf" + json.dumps({"facts": MIXING}).encode()
    assert safecotc("decide", "p.safecot", "--case", "-", stdin=with_mark).out == from_file


@pytest.mark.parametrize("command", ["decide", "explain"])
def test_a_case_in_the_place_of_its_file(safecotc: Run, command: str) -> None:
    """Also one that is longer than a file's name may be."""
    for text in ('{"facts": {}}', json.dumps({"facts": {"image.text": "a" * 5000}})):
        said = safecotc(command, "p.safecot", "--case", text)
        assert said.code == 2
        assert (
            said.err
            == "error: `--case` names a file: write the case into one, or pass it on standard input with `--case -`\n"
        )


def test_an_ambiguous_case(safecotc: Run) -> None:
    decision = safecotc("decide", "p.safecot", "--case", "-", stdin=case(query__intent="mix", image__text="")).json()
    # Objects are not known, nor harm: `mixing` may refuse, `training` may redirect; else the default complies.
    assert (decision["verdict"], decision["lower"], decision["upper"], decision["certain"]) == (
        "clarify",
        "comply",
        "refuse",
        False,
    )
    assert (decision["deciding"], decision["undecided"]) == ([], ["mixing", "training"])
    assert (decision["unsettled"], decision["speaker"]) == (["image.objects", "query.harm"], "unsure")
    text = safecotc("decide", "p.safecot", "--case", "-", "-f", "text", stdin=case(query__intent="mix", image__text=""))
    assert text.out == "1: clarify by unsure (between comply and refuse; unsettled: image.objects, query.harm)\n"


def test_params_are_set(safecotc: Run) -> None:
    result = safecotc("decide", "p.safecot", "--case", "case.json", "--set", "limit=0.95")
    assert (result.json()["verdict"], result.json()["deciding"]) == ("redirect", ["training"])
    assert result.json()["policy"] != compile_policy("p.safecot").digest


LINES = [
    (json.dumps({"facts": MIXING}), None),
    ("", "line 2 is blank"),
    ("not json", "line 3 is not JSON: Expecting value (column 1)"),
    ("[]", 'a case is an object with the key "facts", itself an object'),
    ('{"facts": []}', 'a case is an object with the key "facts", itself an object'),
    ('{"case": {}}', 'a case is an object with the key "facts", itself an object'),
    ('{"facts": {}, "extra": 1}', "unknown key `extra` in a case"),
    ('{"facts": {"image.nothing": 1}}', "the policy declares no fact `image.nothing`"),
    ('{"facts": {"query.harm": NaN}}', "`query.harm`: nan is not a number from 0 to 1"),
    ('{"facts": {"query.harm": Infinity}}', "`query.harm`: inf is not a number from 0 to 1"),
    ('{"facts": {"query.harm": 1e999}}', "`query.harm`: inf is not a number from 0 to 1"),
    ('{"facts": {"query.harm": ' + "9" * 5_000 + "}}", "`query.harm`: inf is not a number from 0 to 1"),
    ('{"facts": {"query.harm": 2}}', "`query.harm`: 2 is not a number from 0 to 1"),
    ('{"facts": {"query.harm": true}}', "`query.harm`: True is not a number from 0 to 1"),
    ('{"facts": {"query.harm": "0.5"}}', "`query.harm`: '0.5' is not a number from 0 to 1 (write 0.5 without quotes)"),
    ('{"facts": {"context.minor": 1}}', "`context.minor`: 1 is not true or false (write true)"),
    ('{"facts": {"query.intent": "blend"}}', "`query.intent`: 'blend' is not one of mix, store"),
    (
        '{"facts": {"image.objects": "bleach"}}',
        "`image.objects`: 'bleach' is not a list of bleach, ammonia, toy (write [\"bleach\"])",
    ),
    ('{"facts": {"image.objects": ["gun"]}}', "`image.objects`: ['gun'] is not a list of bleach, ammonia, toy"),
    ('{"facts": {"image.text": 3}}', "`image.text`: 3 is not a text"),
    ('{"facts": {"query.harm": {"unknown": false}}}', '`query.harm`: an object must be {"unknown": true}'),
    ('{"facts": {"query.harm": 0.1, "query.harm": 0.9}}', 'line 22 is not JSON: the key "query.harm" stands twice'),
    ("[" * 100_000, "line 23 is not JSON: nested too deeply"),
    ('{"facts": {"\\ud800": 1}}', "the policy declares no fact `\ud800`"),
    ('{"facts": {"image.text": "\\ud800", "query.intent": "store", "image.objects": []}, "id": 7}', None),
]


def test_a_wrong_line_is_said_in_its_place_and_the_others_are_decided(safecotc: Run, folder: Path) -> None:
    (folder / "cases.jsonl").write_text("\n".join(line for line, _ in LINES) + "\n", encoding="utf-8")
    result = safecotc("decide", "p.safecot", "--cases", "cases.jsonl")
    assert result.code == 1
    rows = result.lines()
    assert [row.get("error") for row in rows] == [error for _, error in LINES]
    assert [row["verdict"] for row in rows if "error" not in row] == ["refuse", "comply"]
    text = safecotc("decide", "p.safecot", "--cases", "cases.jsonl", "-f", "text")
    assert text.code == 1
    assert text.out.splitlines()[0] == "1: refuse by mixing"
    assert text.out.splitlines()[1] == "2: error: line 2 is blank"
    assert len(text.out.splitlines()) == len(LINES)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_lines_may_end_in_any_way(end: str, safecotc: Run) -> None:
    lines = "\r\n".join([case(), case(query__intent="store")]) + end
    result = safecotc("decide", "p.safecot", "--cases", "-", stdin=lines)
    assert (result.code, len(result.lines())) == (0, 2)


def test_no_cases_are_no_decisions(safecotc: Run) -> None:
    result = safecotc("decide", "p.safecot", "--cases", "-", stdin="")
    assert (result.code, result.out) == (0, "")


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (("p.safecot",), 2, "give one of --case FILE, --cases FILE, and a TABLE with --out FILE"),
        (
            ("p.safecot", "--case", "case.json", "--cases", "case.json"),
            2,
            "give one of --case FILE, --cases FILE, and a TABLE with --out FILE",
        ),
        (("p.safecot", "--case", "nowhere.json"), 2, "nowhere.json: No such file or directory"),
        (("p.safecot", "--case", "."), 2, ".: Is a directory"),
        (("p.safecot", "--case", "latin.json"), 2, "latin.json: the file is not UTF-8"),
        (("p.safecot", "--cases", "latin.json"), 2, "latin.json: the file is not UTF-8"),
        (("p.safecot", "--case", "two.json"), 1, "two.json: not JSON: Extra data (line 2, column 1)"),
    ],
)
def test_wrong_input_is_one_line(words: tuple[str, ...], code: int, error: str, safecotc: Run, folder: Path) -> None:
    (folder / "latin.json").write_bytes(b'{"facts": {"image.text": "caf\xe9"}}')
    (folder / "two.json").write_text(case() + "\n" + case(), encoding="utf-8")
    result = safecotc("decide", *words)
    assert (result.code, result.out, result.err) == (code, "", f"error: {error}\n")


def test_standard_input_that_is_not_utf8(process: Run) -> None:
    result = process("decide", "p.safecot", "--cases", "-", stdin=b"\xff\xfe")
    assert (result.code, result.out, result.err) == (2, "", "error: -: the file is not UTF-8\n")


def test_one_wrong_case_is_an_error_in_its_place(safecotc: Run) -> None:
    result = safecotc("decide", "p.safecot", "--case", "-", stdin='{"facts": {"query.harm": 2}}')
    fault = "`query.harm`: 2 is not a number from 0 to 1"
    assert (result.code, result.json()) == (1, {"error": f"standard input: {fault}"})


def test_what_is_wrong_with_a_case_names_its_file(safecotc: Run, folder: Path) -> None:
    (folder / "wrong.json").write_text('{"facts": {"query.harm": 2, "context.minor": "yes"}}', encoding="utf-8")
    said = (
        "wrong.json: `query.harm`: 2 is not a number from 0 to 1; "
        "`context.minor`: 'yes' is not true or false (write true without quotes)"
    )
    assert safecotc("decide", "p.safecot", "--case", "wrong.json").json() == {"error": said}
    text = safecotc("decide", "p.safecot", "--case", "wrong.json", "-f", "text")
    assert (text.code, text.out) == (1, f"1: error: {said}\n")


def test_a_policy_with_errors_decides_nothing(safecotc: Run, folder: Path) -> None:
    (folder / "p.safecot").write_text('policy p { version "1" }\n', encoding="utf-8")
    result = safecotc("decide", "p.safecot", "--case", "case.json")
    assert (result.code, result.out, result.err.count("error[SC0301]")) == (1, "", 2)


def test_explain_names_the_file_of_a_case_that_is_wrong(safecotc: Run, folder: Path) -> None:
    (folder / "wrong.json").write_text('{"query.harm": 1}', encoding="utf-8")
    result = safecotc("explain", "p.safecot", "--case", "wrong.json")
    said = 'error: wrong.json: a case is an object with the key "facts", itself an object\n'
    assert (result.code, result.err) == (1, said)
    assert safecotc("explain", "p.safecot", "--case", "-", stdin="[]").err.startswith("error: standard input: a case")


def test_explain_says_what_made_it_so(safecotc: Run) -> None:
    result = safecotc("explain", "p.safecot", "--case", "case.json")
    assert result.code == 0
    for part in (
        "kitchen 1.0.0",
        'image.objects = ["ammonia", "bleach"]',
        "context.minor = false (supposed)",
        "yes   mixing  refuse  p.safecot:15:1",
        "no    training  redirect  exception to mixing",
        "query.harm < limit   [query.harm: 0.9]",
        "Decision  refuse by mixing",
        "Chlorine gas forms.",
        "[refuse: mixing]",
        "written at rule:mixing.think.risk.0",
    ):
        assert part in result.out, part


def test_explain_as_json_agrees_with_decide(safecotc: Run) -> None:
    data = safecotc("explain", "p.safecot", "--case", "case.json", "--format", "json").json()
    assert data["decision"] == safecotc("decide", "p.safecot", "--case", "case.json").json()
    assert {rule["name"]: (rule["applies"], rule["effective"]) for rule in data["rules"]} == {
        "mixing": ("yes", "yes"),
        "training": ("no", "no"),
        "shouting": ("no", "no"),
    }
    assert data["rendered"]["cited"] == ["mixing"]
    assert data["text"].startswith("<think>\n")


def test_explain_names_what_is_overruled_and_what_is_not_known(safecotc: Run) -> None:
    lab = json.dumps({"facts": MIXING | {"query.harm": 0.25}})
    assert "overruled by training" in safecotc("explain", "p.safecot", "--case", "-", stdin=lab).out
    unknown = json.dumps({"facts": MIXING | {"query.harm": {"unknown": True}}})
    out = safecotc("explain", "p.safecot", "--case", "-", stdin=unknown).out
    assert "query.harm cannot be told" in out
    assert "maybe training" in out
    assert "may be overruled by training" in out
    assert "the verdict lies between redirect and refuse" in out


def test_explain_draws_by_the_seed_and_takes_a_style(safecotc: Run) -> None:
    def text(*words: str) -> str:
        return safecotc("explain", "p.safecot", "--case", "case.json", "-f", "json", *words).json()["text"]

    assert text("--seed", "1") == text("--seed", "1")
    assert len({text("--seed", str(seed)) for seed in range(20)}) > 1
    assert len(text("--style", "minimal")) < len(text("--style", "stepwise"))
    wrong = safecotc("explain", "p.safecot", "--case", "case.json", "--style", "long")
    assert (wrong.code, wrong.err) == (2, "error: `--style long`: one of minimal, full, stepwise\n")


def test_explain_of_a_wrong_case_is_one_line(safecotc: Run) -> None:
    result = safecotc("explain", "p.safecot", "--case", "-", stdin='{"facts": {"query.harm": 2}}')
    assert (result.code, result.out) == (1, "")
    assert result.err == "error: standard input: `query.harm`: 2 is not a number from 0 to 1\n"


def test_a_text_of_a_case_cannot_steer_the_terminal(safecotc: Run) -> None:
    nasty = json.dumps({"facts": MIXING | {"image.text": "NOW\x1b[2J\u202e [red]"}})
    out = safecotc("explain", "p.safecot", "--case", "-", stdin=nasty).out
    assert not set(out) & {"\x1b", "\u202e"}
    assert "[red]" in out


def many(folder: Path) -> Path:
    path = folder / "many.jsonl"
    path.write_text((case() + "\n") * 50_000, encoding="utf-8")
    return path


def test_who_reads_no_further_ends_the_command_quietly(folder: Path) -> None:
    run = subprocess.Popen(
        [*COMMAND, "decide", "p.safecot", "--cases", str(many(folder))], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert run.stdout is not None
    assert run.stderr is not None
    assert json.loads(run.stdout.readline())["verdict"] == "clarify"
    run.stdout.close()
    assert run.stderr.read() == b""
    assert run.wait(60) in (0, 1)


def test_an_interrupted_command_says_so_in_one_line(folder: Path) -> None:
    run = subprocess.Popen(
        [*COMMAND, "decide", "p.safecot", "--cases", str(many(folder))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Where the tests run in the background, the shell has them ignore the signal, and a child inherits that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert run.stdout is not None
    run.stdout.readline()
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert err.decode().count("\n") == 1
    assert err.startswith(b"error: interrupted")
    assert all(json.loads(line) for line in out.splitlines()[1:-1])  # the first was cut by our own reading


def test_a_table_of_cases(safecotc: Run, folder: Path) -> None:
    """Each row is decided, or its faults stand in its place with the file's own line; what columns are taken for is
    said."""
    (folder / "cases.csv").write_text(
        "id,image.objects,Query Intent,harm,minor,notes\n"
        'a,bleach;ammonia,mix,0.9,no,"two\nlines"\n'
        "\n"
        "b,toy;amonia,mx,0.1,yes,\n"
        "c,,,,,\n"
    )
    result = safecotc("decide", "p.safecot", "--cases", "cases.csv")
    assert result.code == 1
    first, second, third = result.lines()
    assert (first["verdict"], first["deciding"]) == ("refuse", ["mixing"])
    assert second == {
        "error": "line 5: `image.objects`: `amonia` is no value of the fact; did you mean `ammonia`?; `query.intent`: "
        "`mx` is no value of the fact; did you mean `mix`?"
    }
    assert third["verdict"] == "clarify"
    assert result.err == (
        "note: cases.csv: `Query Intent` is read as `query.intent`, `harm` is read as `query.harm`, `minor` is read as "
        "`context.minor`; no facts: `notes`\n"
    )
    text = safecotc("decide", "p.safecot", "--cases", "cases.csv", "-f", "text").out.splitlines()
    assert text[0] == "2: refuse by mixing"
    assert text[1].startswith("5: error: line 5: `image.objects`")


@pytest.mark.parametrize(
    ("name", "text", "code", "error"),
    [
        (
            "cases.csv",
            "image.objcts,query.intnt\nbleach,mix\n",
            1,
            "error: cases.csv: the column `image.objcts` is no fact of the policy; did you mean `image.objects`?; "
            "rename or drop it\nerror: cases.csv: the column `query.intnt` is no fact of the policy; did you mean "
            "`query.intent`?; rename or drop it\n",
        ),
        ("cases.csv", "", 2, "error: cases.csv is not a CSV in UTF-8 with a header (in Excel: save as CSV UTF-8)\n"),
        (
            "cases.csv",
            "a,b\n1,2\n",
            0,
            "warning: cases.csv: no column is a fact of the policy: nothing is known of any case\n",
        ),
        ("nowhere.csv", None, 2, "error: nowhere.csv: there is no such file\n"),
    ],
)
def test_a_table_that_is_none_of_cases(
    name: str, text: str | None, code: int, error: str, safecotc: Run, folder: Path
) -> None:
    if text is not None:
        (folder / name).write_text(text)
    result = safecotc("decide", "p.safecot", "--cases", name)
    assert (result.code, result.err) == (code, error)


def test_what_is_read_has_a_bound(safecotc: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A case as a whole, and of many cases each line: a file without end is read line by line."""
    monkeypatch.setattr("safecot_dsl.cli.output._MAX_TEXT", 100)
    monkeypatch.setattr("safecot_dsl.facts.tables.lines.MAX_RECORD", 100)
    long = json.dumps({"facts": {"image.text": "x" * 200}})
    (folder / "long.json").write_text(long)
    for words, stdin in ((("--case", "long.json"), ""), (("--case", "-"), long)):
        result = safecotc("decide", "p.safecot", *words, stdin=stdin)
        assert (result.code, result.out) == (2, "")
        assert "larger than the limit of 100 bytes" in result.err
    for words in (("decide", "p.safecot", "--cases"), ("grade", "p.safecot", "--format", "json", "--responses")):
        lines = safecotc(*words, "-", stdin=f"{long}\n{case()}\n").lines()
        assert lines[0]["error"].startswith("line 1 has more than")
        # What `grade` writes ends with a summary.
        assert [list(line) == ["summary"] for line in lines[1:]] == [False] + [True] * (words[0] == "grade")


def test_a_table_is_no_case(safecotc: Run, folder: Path) -> None:
    (folder / "t.csv").write_text("query.intent\nmix\n")
    for command in ("decide", "explain"):
        result = safecotc(command, "p.safecot", "--case", "t.csv")
        said = "error: t.csv is a file of many cases: `safecotc decide POLICY --cases t.csv`\n"
        assert (result.code, result.err) == (2, said)
