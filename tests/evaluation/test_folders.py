"""`safecotc eval report`: folders of answers, scored and compared."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.cli.main import app
from safecot_dsl.evaluation import EvalItem, ReportError, compare_folders, read_summary, report_folders, write_items
from safecot_dsl.evaluation.asking.folder import Answered, AskedError, Failed, Provenance, read_asked, written_line
from safecot_dsl.evaluation.judging import JudgeSettings, ModelJudge
from safecot_dsl.evaluation.judging.judged import judge_folder
from safecot_dsl.models import Failure, Question, Reply
from safecot_dsl.models.asking import Counts
from safecot_dsl.storage import Progress, sha256_file

REFUSAL, HELP = "I can't help with that.", "Here is how."
Made = Callable[..., Path]


@pytest.fixture
def made(tmp_path: Path, items: tuple[EvalItem, ...]) -> Made:
    """Makes a folder of answers as `safecotc eval ask` leaves it: one answer to all items but those that failed."""

    def make(name: str, answer: str, asked: Sequence[EvalItem] = items, failed: Sequence[str] = ()) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        write_items(folder / "items.parquet", asked)
        lines = [
            written_line(item.id, Failed(reason="blocked") if item.id in failed else Answered(text=answer))
            for item in asked
        ]
        (folder / "answers.jsonl").write_text("".join(lines))
        known = Provenance(
            name=name,
            kind="local",
            model=f"models/{name}",
            items_digest=sha256_file(folder / "items.parquet"),
            items=len(asked),
            finished="2026-11-27T12:00:00+00:00",
            failed={"blocked": len(failed)} if failed else {},
        )
        (folder / "asked.json").write_text(known.model_dump_json())
        return folder

    return make


def test_two_models_are_compared(policy: CompiledPolicy, made: Made, tmp_path: Path) -> None:
    """The first is the base, the last the subject, the baselines stand below; all three files hold the same."""
    folders = [("", made("careful", REFUSAL)), ("bold", made("b", HELP, failed=["style-mix"]))]
    summary = report_folders(policy, compare_folders(policy, folders), tmp_path / "out", command="c", created="today")
    assert list(summary.arms) == ["careful", "bold", "refuse_everything", "comply_with_everything"]
    assert (summary.subject, summary.items) == ("bold", 21)
    assert {(test.first, test.second) for test in summary.paired} == {("bold", "careful")}
    assert summary.pooled["bold"].failed.value == 1 / 21
    assert summary.provenance["bold"]["No answer"] == "1 blocked"
    assert read_summary(tmp_path / "out" / "summary.json") == summary
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "safe refusal is higher than it looks" in page
    assert "models/careful" in page
    assert "| Careful | 100.0" in (tmp_path / "out" / "report.md").read_text(encoding="utf-8")


def test_folders_of_one_name_are_runs(policy: CompiledPolicy, made: Made, tmp_path: Path) -> None:
    compared = compare_folders(policy, [("tuned", made("one", REFUSAL)), ("tuned", made("two", HELP))])
    summary = report_folders(policy, compared, tmp_path / "out", command="", created="", splits=["style"])
    assert summary.runs["tuned"] == 2
    assert (summary.arms["tuned"].safe_refusal.value, summary.arms["tuned"].safe_refusal.n) == (0.5, 4)
    assert summary.provenance["tuned"]["run 2, Model"] == "models/two"


def test_other_items_cannot_be_compared(policy: CompiledPolicy, made: Made, items: tuple[EvalItem, ...]) -> None:
    """One item more, and one that is asked otherwise, are both an error with the item's name; a system turn is not."""
    first = made("first", HELP)
    with pytest.raises(ReportError, match=r"fewer has no item `style-see`"):
        compare_folders(policy, [("", first), ("", made("fewer", HELP, items[:-1]))])
    changed = (items[0].model_copy(update={"prompt": "Otherwise?"}), *items[1:])
    with pytest.raises(ReportError, match="the item `validation-mix` is not the same in both"):
        compare_folders(policy, [("", first), ("", made("changed", HELP, changed))])
    prompted = tuple(item.model_copy(update={"system": "The policy says."}) for item in items)
    assert len(compare_folders(policy, [("", first), ("", made("prompted", HELP, prompted))]).arms) == 4


def test_what_there_is_not_is_named(policy: CompiledPolicy, made: Made, tmp_path: Path) -> None:
    compared = compare_folders(policy, [("", made("one", HELP))])
    for wrong, why in (
        ({"base": "two"}, "no arm `two` to be the base; there are one"),
        ({"subject": "three"}, "no arm `three` to be the subject"),
        ({"splits": ["moon"]}, "no item has the split `moon`; there are validation, combinations, style"),
    ):
        with pytest.raises(ReportError, match=why):
            report_folders(policy, compared, tmp_path / "out", command="", created="", **wrong)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()
    with pytest.raises(ReportError, match="is the name of a baseline"):
        compare_folders(policy, [("refuse_everything", tmp_path / "one")])
    with pytest.raises(ReportError, match="at least one"):
        compare_folders(policy, [])
    with pytest.raises(AskedError, match=r"has no asked\.json"):
        compare_folders(policy, [("", tmp_path)])


class Lenient:
    """A judge for whom everything is an answer."""

    def __init__(self) -> None:
        self.name, self.counts = "judge-1", Counts()

    def ask(self, questions: Sequence[Question], *, progress: Progress | None = None) -> list[Reply | Failure]:
        return [Reply('{"verdict": "comply"}', self.name) for _ in questions]


def test_a_judge_s_verdicts_are_the_report_s(policy: CompiledPolicy, made: Made, tmp_path: Path) -> None:
    """The criteria see refusals, the judge none: the figures are the judge's, and the page says how far they agree.
    Under another policy the judgements are worth nothing."""
    folder = made("one", REFUSAL)
    judge = ModelJudge(policy, Lenient(), JudgeSettings(asks="verdict"))
    judge_folder(policy, read_asked(folder), folder, judge=judge)
    compared = compare_folders(policy, [("", folder)])
    summary = report_folders(policy, compared, tmp_path / "out", command="", created="")
    assert summary.arms["one"].safe_refusal.value == 0
    assert summary.agreements["one"].agreed.value == 0
    assert summary.provenance["one"]["Judge"] == "judge-1"
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert 'id="judge"' in page
    other = policy.model_copy(update={"digest": "sha256:" + "1" * 64})
    with pytest.raises(ReportError, match="`judge-1` judged under the policy `kitchen`"):
        compare_folders(other, [("", folder)])


def test_the_command(policy: CompiledPolicy, made: Made, tmp_path: Path) -> None:
    """The table on the terminal, the files beside it; what lay in the folder stays."""
    (tmp_path / "kitchen.json").write_text(policy.to_json())
    folder = made("one", HELP)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("kept")
    arguments = ["report", f"bold={folder}", "--policy", str(tmp_path / "kitchen.json"), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "Answers compared" in result.stdout
    assert f"report: {tmp_path / 'out' / 'report.html'}" in result.stdout
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "mine.txt",
        "report.html",
        "report.md",
        "summary.json",
    }
    result = CliRunner().invoke(app, [*arguments, "-f", "json"])
    assert json.loads(result.stdout)["subject"] == "bold"
