"""A folder of answers judged: what is written, what a kill leaves, and a judge that is gone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from safecot_dsl.artifact import CompiledPolicy, Verdict
from safecot_dsl.evaluation import EvalItem, ItemKind, write_items
from safecot_dsl.evaluation.asking.folder import Answered, AnswerFolder, Failed, Provenance, read_asked, written_line
from safecot_dsl.evaluation.judging import (
    Judgement,
    JudgeSettings,
    Judging,
    JudgingError,
    ModelJudge,
    read_differing,
    read_judged,
    read_judging,
)
from safecot_dsl.evaluation.judging.judged import judge_folder
from safecot_dsl.evaluation.score import score_asked
from safecot_dsl.models import Failure, ModelError, Reply
from safecot_dsl.models.asking import Counts, Question
from safecot_dsl.storage import sha256_file
from safecot_dsl.storage.locks import LOCK_SUFFIX, lock

REFUSAL = "I can't help with that."
VERDICT = JudgeSettings(asks="verdict")


class Asker:
    """Reads the word REFUSE or COMPLY in an answer; fails from the `dies`-th question on."""

    def __init__(self, dies: int | None = None, failing: Sequence[str] = ()) -> None:
        self.name, self.counts = "judge-1", Counts()
        self.asked = 0
        self._dies, self._failing = dies, failing

    def ask(self, questions: Sequence[Question], *, progress: object = None) -> list[Reply | Failure]:
        found: list[Reply | Failure] = []
        for question in questions:
            if self._dies is not None and self.asked >= self._dies:
                raise ModelError("the server is gone")
            self.asked += 1
            if any(word in question.prompt for word in self._failing):
                found.append(Failure("timeout", "none within 2 s"))
            else:
                refuses = f"| {REFUSAL}" in question.prompt
                found.append(Reply(json.dumps({"verdict": "refuse" if refuses else "comply"}), "judge-1-2026"))
        return found


@pytest.fixture
def asked(tmp_path: Path, items: tuple[EvalItem, ...]) -> AnswerFolder:
    """Every must-refuse item is refused, the rest answered but for one that failed."""
    folder = tmp_path / "answers"
    folder.mkdir()
    write_items(folder / "items.parquet", items)
    lines = [
        written_line(
            item.id,
            Failed(reason="http 503")
            if item.id == "style-store"
            else Answered(text=REFUSAL if item.must == "refuse" else f"Answer to {item.id}."),
        )
        for item in items
    ]
    (folder / "answers.jsonl").write_text("".join(lines))
    provenance = Provenance(
        name="base",
        kind="scripted",
        model="by hand",
        items_digest=sha256_file(folder / "items.parquet"),
        items=len(items),
        finished="2026-01-01T00:00:00+00:00",
    )
    (folder / "asked.json").write_text(provenance.model_dump_json())
    return read_asked(folder)


def test_by_the_criteria_alone(policy: CompiledPolicy, asked: AnswerFolder) -> None:
    judging, scored = judge_folder(policy, asked, asked.folder)
    assert (judging.judge, judging.answers, judging.unanswered, judging.unscored) == ("criteria", 14, 1, {})
    assert judging.agreement is None
    assert scored.items["style-mix"].right
    failed = scored.items["style-store"]
    assert (failed.verdict, failed.failed, failed.right, failed.refused) == ("unscored", "http 503", False, False)
    lines = (asked.folder / "scores.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [item.id for item in asked.items]
    with pytest.raises(JudgingError, match="no model has judged these answers"):
        read_judged(asked.folder)


def test_by_a_model_with_the_criteria_beside_it(policy: CompiledPolicy, asked: AnswerFolder) -> None:
    """The judge takes for compliance what it does not know as a refusal; so do the criteria, but for one answer."""
    answers = dict(asked.answers) | {"validation-hurt": "Sorry. I can't help you there."}
    changed = AnswerFolder(asked.folder, asked.items, answers, asked.failed, asked.cut, asked.provenance)
    judging, scored = judge_folder(policy, changed, asked.folder, judge=ModelJudge(policy, Asker(), VERDICT))
    assert (judging.judge, judging.served, judging.failed) == ("judge-1", {"judge-1-2026": 14}, {})
    assert judging.agreement is not None
    assert judging.agreement.table == {
        Verdict.REFUSE: {Verdict.REFUSE: 5, Verdict.COMPLY: 1},
        Verdict.COMPLY: {Verdict.REFUSE: 0, Verdict.COMPLY: 8},
    }
    # Observed 13 of 14; by chance (6 * 5 + 8 * 9) / 196.
    assert judging.agreement.kappa.value == pytest.approx((13 / 14 - 102 / 196) / (1 - 102 / 196))
    (differing,) = read_differing(asked.folder)
    assert (differing.id, differing.first, differing.second) == ("validation-hurt", Verdict.REFUSE, Verdict.COMPLY)
    assert scored.items["validation-hurt"].verdict is Verdict.COMPLY
    assert read_judging(asked.folder) == judging
    assert read_judged(asked.folder).keys() == {
        item.id for item in asked.items if item.kind is ItemKind.POLICY and item.id in asked.answers
    }


def test_a_judging_that_was_killed_goes_on(
    policy: CompiledPolicy, asked: AnswerFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also from a torn line; nothing that was judged is asked again, and the files are those of one run."""
    monkeypatch.setattr("safecot_dsl.evaluation.judging.judged._CHUNK", 2)
    whole, _ = judge_folder(policy, asked, asked.folder / "whole", judge=ModelJudge(policy, Asker(), VERDICT))
    out = asked.folder / "killed"
    with pytest.raises(ModelError):
        judge_folder(policy, asked, out, judge=ModelJudge(policy, Asker(dies=7), VERDICT))
    with pytest.raises(JudgingError, match="not finished"):
        read_judged(out)
    with (out / "judged.jsonl").open("a") as file:
        file.write('{"id": "style-m')
    second = Asker()
    done, _ = judge_folder(policy, asked, out, judge=ModelJudge(policy, second, VERDICT))
    assert second.asked == 14 - 6
    for name in ("judged.jsonl", "scores.jsonl", "disagreements.jsonl"):
        assert (out / name).read_bytes() == (asked.folder / "whole" / name).read_bytes()
    assert done.identity == whole.identity


def test_what_the_judge_failed_on_is_unscored_and_asked_again(policy: CompiledPolicy, asked: AnswerFolder) -> None:
    judge = ModelJudge(policy, Asker(failing=["combinations-store"]), VERDICT)
    judging, scored = judge_folder(policy, asked, asked.folder, judge=judge)
    assert judging.failed == {"timeout": 1}
    assert sum(judging.unscored.values()) == 1
    failed = scored.items["combinations-store"]
    assert (failed.verdict, failed.detected, failed.right) == ("unscored", Verdict.COMPLY, False)
    again = Asker()
    judging, _ = judge_folder(policy, asked, asked.folder, judge=ModelJudge(policy, again, VERDICT))
    assert (again.asked, judging.failed) == (1, {})


def test_an_answer_that_changed_is_judged_again(policy: CompiledPolicy, asked: AnswerFolder) -> None:
    """As when what had failed was asked again: the other judgements stay, and no score rests on an old one."""
    judge_folder(policy, asked, asked.folder, judge=ModelJudge(policy, Asker(), VERDICT))
    answers = {**asked.answers, "style-mix": "Pour one into the other.", "style-store": "Keep them apart."}
    changed = AnswerFolder(asked.folder, asked.items, answers, {}, asked.cut, asked.provenance)
    with pytest.raises(ValueError, match="`style-store`: judge them all"):
        score_asked(policy, changed, judgements=read_judged(asked.folder))
    stale = AnswerFolder(asked.folder, asked.items, {**answers, "style-store": ""}, {}, asked.cut, asked.provenance)
    known = read_judged(asked.folder) | {"style-store": Judgement(id="style-store", verdict="unscored")}
    with pytest.raises(ValueError, match="judgement of `style-mix` is of another answer: judge again"):
        score_asked(policy, stale, judgements=known)
    again = Asker()
    _, scored = judge_folder(policy, changed, asked.folder, judge=ModelJudge(policy, again, VERDICT))
    assert again.asked == 2
    assert scored.items["style-mix"].verdict is Verdict.COMPLY


def test_a_judge_that_fails_on_everything_is_an_error(policy: CompiledPolicy, asked: AnswerFolder) -> None:
    judge = ModelJudge(policy, Asker(failing=["request"]), VERDICT)
    with pytest.raises(JudgingError, match=r"failed on all 14 answers \(14 timeout\): nothing is scored"):
        judge_folder(policy, asked, asked.folder, judge=judge)
    assert not (asked.folder / "scores.jsonl").exists()


def test_two_judgings_are_not_mixed(policy: CompiledPolicy, asked: AnswerFolder) -> None:
    judge_folder(policy, asked, asked.folder)
    judge_folder(policy, asked, asked.folder, judge=ModelJudge(policy, Asker(), VERDICT))
    shown = ModelJudge(policy, Asker(), VERDICT.model_copy(update={"images": True}))
    with pytest.raises(JudgingError, match="holds a judging by `judge-1` that differs in `settings`"):
        judge_folder(policy, asked, asked.folder, judge=shown)
    with pytest.raises(JudgingError, match="differs in `judge`, `settings`"):
        judge_folder(policy, asked, asked.folder)


def test_two_processes_do_not_judge_into_one_folder(policy: CompiledPolicy, asked: AnswerFolder) -> None:
    held = lock(asked.folder / LOCK_SUFFIX)
    assert held is not None
    with held, pytest.raises(JudgingError, match="another process is judging into it"):
        judge_folder(policy, asked, asked.folder)
    judge_folder(policy, asked, asked.folder)


@pytest.mark.parametrize("line", ['{"id": "a"}', "no", '{"id": "style-mix", "verdict": "maybe"}'])
def test_a_damaged_line_is_named(policy: CompiledPolicy, asked: AnswerFolder, line: str) -> None:
    judge_folder(policy, asked, asked.folder, judge=ModelJudge(policy, Asker(), VERDICT))
    path = asked.folder / "judged.jsonl"
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(JudgingError, match=r"judged.jsonl:15: not a line of this file"):
        read_judged(asked.folder)


def test_a_judging_survives_json(policy: CompiledPolicy, asked: AnswerFolder) -> None:
    judging, _ = judge_folder(policy, asked, asked.folder, judge=ModelJudge(policy, Asker(), VERDICT))
    assert Judging.model_validate_json(judging.model_dump_json()) == judging
