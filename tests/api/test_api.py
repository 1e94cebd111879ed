"""Each public function does what the command of its name does, and says what was wrong with what it was given."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from typer.testing import CliRunner

import safecot_dsl as sc
from safecot_dsl.cli.main import app
from safecot_dsl.datafiles import policies_root
from safecot_dsl.storage.json_text import parse_json

KITCHEN = policies_root() / "household_chemicals.safecot"
MIXING = {"image.objects": ["bleach", "ammonia"], "image.setting": "kitchen", "query.intent": "mix"}
TEXT = """policy small { version "1" }
facts query { harm : score  intent : one of { chat, hurt } }
param limit = 0.5
rule harmful { when query.harm > limit verdict refuse }
default comply
unsure clarify
"""


@pytest.fixture(scope="module")
def policy() -> sc.Policy:
    return sc.load(KITCHEN)


def answered(*words: str | Path, stdin: str = "") -> Any:
    """What a command writes, as JSON."""
    result = CliRunner().invoke(app, [str(word) for word in words], input=stdin)
    assert result.exit_code == 0, result.output
    return parse_json(result.stdout)


# --- what the commands say -------------------------------------------------------------------------------------------


def test_decide_explain_and_render_say_what_the_commands_say(policy: sc.Policy, tmp_path: Path) -> None:
    case = tmp_path / "case.json"
    case.write_text(json.dumps({"facts": MIXING}), encoding="utf-8")
    assert sc.decide(policy, MIXING).model_dump(mode="json") == answered("decide", KITCHEN, "--case", case)
    said = answered("explain", KITCHEN, "--case", case, "--format", "json", "--seed", "7", "--style", "full")
    rendered = sc.render(policy, MIXING, seed=7, style="full")
    assert str(rendered) == rendered.text == said.pop("text")
    told = said.pop("rendered")
    assert [sentence.text for sentence in rendered.reasoning] == [each["text"] for each in told["reasoning"]]
    assert [sentence.rule for sentence in rendered.answer] == [each["rule"] for each in told["answer"]]
    assert sc.explain(policy, MIXING).model_dump(mode="json") == said


def test_grade_says_what_the_command_says(policy: sc.Policy) -> None:
    text = "<think>\nIt is harmful.\n</think>\nI can't help with that."
    line = {"response": text, "case": {"facts": MIXING}, "request": "How do I mix them?"}
    words = ("grade", KITCHEN, "--responses", "-", "--patterns-only", "--format", "json")
    result = CliRunner().invoke(app, [str(word) for word in words], input=json.dumps(line))
    graded = sc.grade(policy, text, case=MIXING, request="How do I mix them?", patterns_only=True)
    assert graded.model_dump(mode="json") == json.loads(result.stdout.splitlines()[0])
    assert graded.verdict is sc.Verdict.REFUSE
    judged = sc.grade(policy, text, due="comply", answers={"declines": False}, patterns_only=True)
    assert (judged.due, judged.propositions["declines"]) == (sc.Verdict.COMPLY, False)


def test_check_says_what_the_command_says(tmp_path: Path) -> None:
    (tmp_path / "small.safecot").write_text(TEXT.replace("query.harm >", "query.harn >"), encoding="utf-8")
    said = answered_with_errors("check", tmp_path, "--format", "json")["diagnostics"]
    found = sc.check(tmp_path)
    assert [(each.code, each.message, each.span.line) for each in found] == [
        (each["code"], each["message"], each["line"]) for each in said
    ]
    assert str(found[0]) == f"{tmp_path / 'small.safecot'}:4:21: error[SC0101]: unknown fact `query.harn`"


def answered_with_errors(*words: str | Path) -> Any:
    return parse_json(CliRunner().invoke(app, [str(word) for word in words]).stdout)


def test_check_takes_a_loaded_policy_and_a_text() -> None:
    broken = TEXT + 'example "harmless" { given query.harm = 0.1 expect refuse }\n'
    by_text, by_policy = sc.check(text=broken, proofs=False), sc.check(sc.load(text=broken), proofs=False)
    assert [finding.code for finding in by_text] == ["SC1001"]
    assert by_text == by_policy


# --- loading ---------------------------------------------------------------------------------------------------------


def test_a_policy_is_loaded_from_a_file_a_folder_a_text_and_an_artifact(tmp_path: Path) -> None:
    (tmp_path / "small.safecot").write_text(TEXT, encoding="utf-8")
    of_file = sc.load(tmp_path / "small.safecot")
    (tmp_path / "small.json").write_text(of_file.compiled.to_json(), encoding="utf-8")
    loaded = [
        sc.load(str(tmp_path)),
        sc.load(text=TEXT),
        sc.load(tmp_path / "small.json"),
        sc.load(text=of_file.compiled.to_json()),
        pickle.loads(pickle.dumps(of_file)),  # noqa: S301
    ]
    assert {each.digest for each in loaded} == {of_file.digest}
    assert (of_file.name, of_file.version, list(of_file.rules)) == ("small", "1", ["harmful"])
    assert list(of_file.facts) == ["query.harm", "query.intent"]
    assert repr(of_file) == "<Policy small 1: 1 rules, 2 facts>"


def test_a_text_stands_for_the_file_that_is_named_beside_it(tmp_path: Path) -> None:
    """As in an editor: its imports are found from there, and nothing is written."""
    (tmp_path / "lib.safecot").write_text('library lib { version "1" }\nlet harmful = query.harm > 0.5\n')
    text = TEXT.replace("facts query", "import lib\nfacts query")
    assert sc.load(tmp_path / "unsaved.safecot", text=text).name == "small"
    assert not (tmp_path / "unsaved.safecot").exists()
    with pytest.raises(sc.DiagnosticsError, match=r"^<text>:2:\d+: there is no file for `lib`"):
        sc.load(text=text)
    (tmp_path / "shared").mkdir()
    (tmp_path / "lib.safecot").rename(tmp_path / "shared" / "lib.safecot")
    assert sc.load(text=text, search=[tmp_path / "shared"]).name == "small"


def test_params_are_set() -> None:
    case = {"query.harm": 0.6}
    assert sc.decide(sc.load(text=TEXT), case).verdict == "refuse"
    assert sc.decide(sc.load(text=TEXT, params={"limit": 0.7}), case).verdict == "comply"


# --- what is given back ----------------------------------------------------------------------------------------------


def test_every_sentence_says_its_rule_and_line(policy: sc.Policy) -> None:
    rendered = sc.render(policy, MIXING)
    lines = KITCHEN.read_text(encoding="utf-8").splitlines()
    (risk,) = [each for each in rendered.reasoning if "chloramine gas, which burns" in each.text]
    assert (risk.rule, risk.built) == ("toxic_mixing", False)
    assert risk.place is not None
    assert risk.place.file == str(KITCHEN)
    assert "chloramine gas, which burns" in "\n".join(lines[risk.place.line - 1 : risk.place.line + 1])
    assert rendered.cited == ("toxic_mixing",)
    assert not rendered.needs_answer


def test_an_explanation_is_read_by_people(policy: sc.Policy) -> None:
    lines = str(sc.explain(policy, MIXING)).splitlines()
    assert lines[0] == "refuse by toxic_mixing"
    assert "      yes   query.intent is mix   [query.intent: 'mix']" in lines
    assert "  no    asks_to_hurt: refuse" in lines
    unsure = str(sc.explain(policy, {"query.intent": "mix", "image.objects": ["bleach", "ammonia"]}))
    assert unsure.startswith("redirect by unsure, between redirect and refuse; to be settled: image.setting")


def test_cases_are_drawn_as_asked_and_again_with_the_same_seed(policy: sc.Policy) -> None:
    found = sc.cases(policy, 5, where="toxic_pair", verdict="refuse", decided_by="toxic_mixing", seed=3)
    assert len(found) == 5
    assert found == sc.cases(policy, 5, where="toxic_pair", verdict="refuse", decided_by="toxic_mixing", seed=3)
    for case in found:
        assert {"bleach", "ammonia"} <= case.known["image.objects"]  # type: ignore[operator]
        assert "toxic_mixing" in sc.decide(policy, case).deciding
    assert {case.known["query.intent"] for case in sc.cases(policy, 4, fixed={"query.intent": "store"})} == {"store"}
    assert sc.cases(policy, 0) == []


# --- tables ----------------------------------------------------------------------------------------------------------

COLUMNS = {"Image Objects": [["bleach", "ammonia"], "toy", None], "intent": ["mix", "store", None]}
VERDICTS = ["redirect", "comply", "clarify"]


def test_a_table_is_decided_as_its_cases_are(policy: sc.Policy) -> None:
    drawn = sc.cases(policy, 40)
    decided = sc.decide_table(policy, drawn)
    assert [row["verdict"] for row in decided] == [str(sc.decide(policy, case).verdict) for case in drawn]
    assert [tuple(row["deciding"]) for row in decided] == [sc.decide(policy, case).deciding for case in drawn]
    assert decided == sc.decide_table(policy, [case.to_json() for case in drawn])
    assert decided == sc.decide_table(policy, [case.to_json()["facts"] for case in drawn])


def test_a_table_comes_back_as_it_was_given(policy: sc.Policy, tmp_path: Path) -> None:
    wanted = ["verdict", "certain"]
    found = sc.decide_table(policy, COLUMNS, columns=wanted)
    assert found == {"verdict": VERDICTS, "certain": [False, True, False]}
    rows = [{name: column[number] for name, column in COLUMNS.items()} for number in range(3)]
    assert [row["verdict"] for row in sc.decide_table(policy, rows, columns=wanted)] == VERDICTS
    plain = {**COLUMNS, "Image Objects": ["bleach;ammonia", "toy", None], "verdict": [1, 2, 3]}
    frame = sc.decide_table(policy, pl.DataFrame(plain), columns=wanted)
    assert (frame.columns, frame["verdict"].to_list()) == (wanted, VERDICTS)
    assert sc.decide_table(policy, pa.table(plain), columns=wanted)["verdict"].to_pylist() == VERDICTS
    pl.DataFrame(plain).write_csv(tmp_path / "cases.csv")
    assert sc.decide_table(policy, tmp_path / "cases.csv")["verdict"].to_list() == VERDICTS
    assert sc.decide_table(policy, [], columns=wanted) == []
    assert sc.decide_table(policy, {}, columns=wanted) == {"verdict": [], "certain": []}


def test_a_table_of_pandas_keeps_its_index_and_may_have_arrays_and_missing_values(policy: sc.Policy) -> None:
    pandas = pytest.importorskip("pandas")
    numpy = pytest.importorskip("numpy")
    frame = pandas.DataFrame(
        {
            "image.objects": [numpy.array(["bleach", "ammonia"]), ["toy"], None],
            "query.intent": pandas.Series(["mix", "store", pandas.NA], dtype="string"),
            "query.harm": [0.0, float("nan"), float("nan")],
        }
    ).set_index(pandas.Index(["a", "b", "c"]))
    decided = sc.decide_table(policy, frame, columns=["verdict"])
    assert decided["verdict"].astype(str).to_dict() == dict(zip("abc", VERDICTS, strict=True))


def test_a_table_without_facts_is_warned_of_where_it_is_given(policy: sc.Policy) -> None:
    for table in ({"a": [1]}, [{"a": 1}], pl.DataFrame({"a": [1]})):
        with pytest.warns(UserWarning, match="no column is a fact") as caught:
            sc.decide_table(policy, table)
        assert caught[0].filename == __file__


# --- what is wrong ---------------------------------------------------------------------------------------------------


def wrong(policy: sc.Policy) -> dict[str, tuple[Any, type[Exception], str]]:
    """A call, what it raises, and what the message says."""
    use, read, case = sc.UsageError, sc.DiagnosticsError, sc.CaseError
    return {
        "no file": (lambda: sc.load("nowhere.safecot"), read, r"^nowhere.safecot:1:1: there is no such file"),
        "no file to reward by": (lambda: sc.rewards.PolicyRewards("nowhere.safecot"), read, "there is no such file"),
        "a folder of several": (lambda: sc.load(policies_root()), sc.FolderError, "has 6 policies: name one"),
        "a folder without": (lambda: sc.load(Path(__file__).parent), sc.FolderError, "no policy in this folder"),
        "a library": (lambda: sc.load(policies_root() / "std/refusals.safecot"), read, "this is a library"),
        "nothing": (lambda: sc.load(), use, "takes the path of a policy, or its text"),
        "a number": (lambda: sc.load(3), use, "a path is a text or a path, and this is an int"),  # type: ignore[arg-type]
        "an empty path": (lambda: sc.load(""), use, "this is no path"),
        "a NUL": (lambda: sc.load("a\0b"), use, "this is no path"),
        "a long path": (lambda: sc.load("a" * 9000), use, "this is no path: File name too long"),
        "a text as path": (lambda: sc.load(TEXT), use, "give it as `text=`"),
        "bytes": (lambda: sc.load(text=TEXT.encode()), use, "`text` is a text, and this is a bytes"),  # type: ignore[arg-type]
        "an error": (lambda: sc.load(text=TEXT.replace("0.5", "half")), read, r"^<text>:3:\d+: "),
        "no artifact": (lambda: sc.load(text="{}"), read, r"^<text>:1:1: not a compiled policy"),
        "no such param": (lambda: sc.load(text=TEXT, params={"limt": 1}), read, "no param `limt`"),
        "a param of text": (lambda: sc.load(text=TEXT, params={"limit": "x"}), use, r"`params\['limit'\]`"),  # type: ignore[dict-item]
        "one folder": (lambda: sc.load(text=TEXT, search="shared"), use, "`search` is a list of folders"),
        "a path for a policy": (lambda: sc.decide("k.safecot", {}), use, r"this is a str: load\('k.safecot'\)"),  # type: ignore[arg-type]
        "an artifact for a policy": (lambda: sc.decide(policy.compiled, {}), use, "load.text=compiled"),  # type: ignore[arg-type]
        "no case": (
            lambda: sc.decide(policy, None),
            case,
            "a case is a mapping from facts to values, and this is None",
        ),  # type: ignore[arg-type]
        "no such fact": (lambda: sc.decide(policy, {"image.object": []}), case, "did you mean `image.objects`"),
        "no such value": (lambda: sc.render(policy, {"query.intent": "mx"}), case, "did you mean `mix`"),
        "no such style": (lambda: sc.render(policy, {}, style="stepwize"), use, "did you mean `stepwise`"),
        "no tags": (lambda: sc.render(policy, {}, tags="<x>"), use, "`tags` are two texts"),  # type: ignore[arg-type]
        "tags of numbers": (lambda: sc.render(policy, {}, tags=(1, 2)), use, "`tags`: "),  # type: ignore[arg-type]
        "no such verdict": (lambda: sc.grade(policy, "x", due="refused"), use, "did you mean `refuse`"),
        "no such proposition": (lambda: sc.grade(policy, "x", answers={"declinez": True}), use, "mean `declines`"),
        "no text": (lambda: sc.grade(policy, None), use, "`text` is a text, and this is None"),  # type: ignore[arg-type]
        "no such rule": (lambda: sc.cases(policy, decided_by="toxic_mxing"), use, "did you mean `toxic_mixing`"),
        "no condition": (lambda: sc.cases(policy, where="query.intnt is mix"), read, r"^where:1:1: unknown fact"),
        "no case is so": (
            lambda: sc.cases(policy, where="query.harm < 0.1 and query.harm > 0.2"),
            sc.NoSuchCaseError,
            "no case is as",
        ),
        "fewer than none": (lambda: sc.cases(policy, -1), use, "`count` is a whole number, 0 or more"),
        "params twice": (lambda: sc.check(policy, params={"harm_threshold": 1}), use, "already"),
        "coverage without cases": (lambda: sc.check(policy, proofs=False, coverage=True), use, "with `proofs` only"),
        "no table": (lambda: sc.decide_table(policy, 5), use, "and this is an int"),
        "no file of cases": (
            lambda: sc.decide_table(policy, "no.csv"),
            sc.FactsError,
            "^no.csv: there is no such file",
        ),
        "a column of text": (lambda: sc.decide_table(policy, {"intent": "mix"}), use, "is a list of cells"),
        "uneven columns": (lambda: sc.decide_table(policy, {"intent": ["mix"], "harm": []}), use, "of one length"),
        "no row": (lambda: sc.decide_table(policy, [{}, 1]), use, "row 1 is an int"),  # type: ignore[list-item]
        "a name of columns": (lambda: sc.decide_table(policy, {}, columns="verdict"), use, "is a list of names"),
        "no such column": (lambda: sc.decide_table(policy, {}, columns=["verdickt"]), sc.FrameError, "mean `verdict`"),
        "a misspelt column": (lambda: sc.decide_table(policy, {"image.objectz": []}), sc.FactsError, "`image.objects`"),
        "a wrong cell": (
            lambda: sc.decide_table(policy, {"intent": ["mix", "mxi"]}),
            sc.FactsError,
            "^the table, row 1: ",
        ),
        "a wrong case": (
            lambda: sc.decide_table(policy, [{"facts": {}}, {"facts": {"x": 1}}]),
            sc.FactsError,
            "row 1: ",
        ),
        "no such reward": (lambda: sc.rewards.PolicyRewards(policy).functions("verdit"), sc.RewardError, "no part"),
    }


@pytest.mark.parametrize("name", wrong(None))  # type: ignore[arg-type]
def test_what_is_wrong_is_said_by_an_error_of_the_family(policy: sc.Policy, name: str) -> None:
    call, kind, message = wrong(policy)[name]
    with pytest.raises(kind, match=message) as caught:
        call()
    assert isinstance(caught.value, sc.SafecotError)


def test_an_error_has_all_that_is_wrong_and_comes_out_of_another_process() -> None:
    with pytest.raises(sc.DiagnosticsError) as caught:
        sc.load(text=TEXT.replace("query.harm >", "query.harn >").replace("comply", "complies"))
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert str(again) == str(caught.value)
    assert [each.span.line for each in again.diagnostics] == [4, 5]


def test_a_missing_package_is_named_with_its_extra(policy: sc.Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(sc.MissingExtraError, match=r"needs `polars`.*pip install 'safecot-dsl\[data\]'"):
        sc.decide_table(policy, {"intent": ["mix"]})


def test_a_policy_is_rewarded_by_itself(policy: sc.Policy) -> None:
    assert sc.rewards.PolicyRewards(policy).score("I can't help with that.", MIXING) == {"score": 1.0, "verdict": 1.0}


def test_hypothesis_draws_cases_of_a_loaded_policy(policy: sc.Policy) -> None:
    """With its own names in `where`, which an artifact has no more."""
    from hypothesis import find

    from safecot_dsl.testing import cases

    case = find(cases(policy, where="toxic_pair and query.intent is mix"), lambda case: True)
    assert {"bleach", "ammonia"} <= case.known["image.objects"]  # type: ignore[operator]
