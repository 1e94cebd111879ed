"""The report's section: several arms side by side, as page, text and figures; and what is not taken along."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.evaluation import EvalItem, EvaluationSummary, ReportError, compare_folders, report_folders
from safecot_dsl.evaluation.asking.respondents import ModelRespondent
from safecot_dsl.evaluation.faithfulness.asking import examine_folder
from safecot_dsl.evaluation.faithfulness.record import ChangeSettings

from .folders import answered
from .scripted import HELP, ByRequest, Scripted

MODELS = {"follows": "reasoning", "ignores": "image"}


def examined(policy: CompiledPolicy, pairs: tuple[EvalItem, ...], folder: Path, obeys: str, seed: int = 0) -> Path:
    """A folder of a scripted model's answers, examined."""
    model = Scripted(policy, obeys=obeys)
    asked = answered(folder, pairs, model(pairs))
    anew = asked.provenance.model_copy(update={"items_digest": "", "items": 0, "finished": ""})
    respondent = ModelRespondent(ByRequest(model, pairs))
    settings = ChangeSettings(reasonings=5, seed=seed)
    examine_folder(policy, asked, folder / "faithfulness", lambda: (respondent, anew), settings)
    return folder


@pytest.fixture(scope="module")
def folders(
    miniature: CompiledPolicy, pairs: tuple[EvalItem, ...], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """One that follows its reasoning, one that ignores it, one that has none, and one that was not examined."""
    root, pairs = tmp_path_factory.mktemp("answers"), pairs[:8]
    made = {name: examined(miniature, pairs, root / name, obeys) for name, obeys in MODELS.items()}
    silent = answered(root / "silent", pairs, {item.id: HELP for item in pairs})

    def nothing_opened() -> tuple[ModelRespondent, object]:
        raise AssertionError

    examine_folder(miniature, silent, root / "silent" / "faithfulness", nothing_opened, ChangeSettings(reasonings=5))  # type: ignore[arg-type]
    answered(root / "other", pairs, {item.id: HELP for item in pairs})
    return {**made, "silent": root / "silent", "other": root / "other"}


@pytest.fixture(scope="module")
def reported(
    miniature: CompiledPolicy, folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[EvaluationSummary, Path]:
    out = tmp_path_factory.mktemp("report")
    compared = compare_folders(miniature, list(folders.items()))
    return report_folders(
        miniature, compared, out, command="safecotc eval report", created="2026-11-27", examples=0
    ), out


def test_the_summary_has_both_experiments_of_every_arm(reported: tuple[EvaluationSummary, Path]) -> None:
    summary, out = reported
    found = summary.faithfulness
    follows, ignores, silent = (found[name].reasoning for name in ("follows", "ignores", "silent"))
    assert follows is not None
    assert ignores is not None
    assert silent is not None
    assert (follows.kept.value, follows.premise.value, follows.unmoved.value, follows.premise.n) == (1.0, 1.0, 0.0, 5)
    assert (ignores.kept.value, ignores.premise.value, ignores.unmoved.value, ignores.premise.n) == (1.0, 0.0, 1.0, 5)
    assert (silent.premise.value, silent.skipped) == (None, {"no reasoning": 8})
    assert found["other"].reasoning is None
    image = found["refuse_everything"].image
    assert image is not None
    assert (image.both_right.value, image.inert.value) == (0.0, 1.0)
    assert EvaluationSummary.model_validate_json((out / "summary.json").read_bytes()) == summary


def test_the_page_tells_the_arms_side_by_side(reported: tuple[EvaluationSummary, Path]) -> None:
    """Figures with intervals and counts; where there is no reasoning a sentence, and no zeros. Two of the five
    reasonings are of one pair, so that all of them tell as much as four: 4 / (4 + 1.96²) is 51.0 %."""
    page = (reported[1] / "report.html").read_text(encoding="utf-8")
    (section,) = re.findall(r'<section id="faithfulness">(.*?)</section>', page, flags=re.DOTALL)
    text = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", section)))
    assert text.startswith(" Does the answer come from the reasoning? Each model was given the beginning of its own")
    assert "one that follows its reasoning follows a forged one too." in text
    (head,) = re.findall(r"The model’s own reasoning was changed (.*?) Own premises given back", text)
    assert head == "Follows Ignores"
    row = re.findall(r"One premise changed the answer’s verdict is the one that follows from it (.*?) One", text)
    assert row == ["100.0 [51.0, 100.0] of 5 0.0 [0.0, 49.0] of 5"]
    assert "Silent : none of its 8 answers holds a reasoning, so that there is nothing to change." in text
    assert "Does the verdict come from the request?" in text
    (head,) = re.findall(r"A fact of the request was changed (.*?) Both right", text)
    assert head == "Follows Ignores Silent Other"
    assert re.search(r"by the fact that was changed Follows Ignores (image|query)\.\w+ ", text)
    assert "refuse to comply" in text
    assert '<a href="#faithfulness">Does the answer come from the reasoning?</a>' in page


def test_the_text_says_the_same(reported: tuple[EvaluationSummary, Path]) -> None:
    text = (reported[1] / "report.md").read_text(encoding="utf-8")
    section = text.split("## Does the answer come from the reasoning?")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    assert rows[0] == ["", "Follows", "Ignores"]
    assert [
        "One premise changed: the answer’s verdict is the one that follows from it",
        "100.0 \\[51.0, 100.0\\]",
        "0.0 \\[0.0, 49.0\\]",
    ] in rows
    assert "- Silent: none of its 8 answers holds a reasoning, so that there is nothing to change" in section
    assert ["", "Follows", "Ignores", "Silent", "Other"] in rows


def test_runs_of_one_arm_are_taken_together(
    miniature: CompiledPolicy, pairs: tuple[EvalItem, ...], folders: dict[str, Path], tmp_path: Path
) -> None:
    """One run follows and the other does not; every run of an arm is examined, and in one way, or none is."""
    both = [("mine", folders["follows"]), ("mine", folders["ignores"])]
    effects = compare_folders(miniature, both).reasoning_effects["mine"]
    assert (effects.premise.value, effects.premise.n, effects.reasonings) == (0.5, 10, 10)
    with pytest.raises(ReportError, match="1 other runs of its arm were not"):
        compare_folders(miniature, [("mine", folders["follows"]), ("mine", folders["other"])])
    other = examined(miniature, pairs[:8], tmp_path / "seed", "reasoning", seed=1)
    with pytest.raises(ReportError, match="examined otherwise than"):
        compare_folders(miniature, [("mine", folders["follows"]), ("mine", other)])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"effects": None}, "is not finished: the `safecotc eval faithful` that began it goes on"),
        ({"policy": {"name": "p", "version": "1", "digest": "sha256:0"}}, "changed by the policy `p` 1"),
        ({"answers_digest": "sha256:0"}, "of other answers than are there now"),
    ],
)
def test_what_does_not_belong_to_the_answers_is_an_error(
    miniature: CompiledPolicy, folders: dict[str, Path], changed: dict[str, object], message: str
) -> None:
    record = folders["follows"] / "faithfulness" / "faithfulness.json"
    before = record.read_text()
    record.write_text(json.dumps(json.loads(before) | changed))
    try:
        with pytest.raises(ReportError, match=message):
            compare_folders(miniature, [("", folders["follows"])])
    finally:
        record.write_text(before)
