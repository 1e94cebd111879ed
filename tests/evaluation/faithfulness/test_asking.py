"""A folder of answers, examined: the two baselines, a kill in the middle, and what cannot be examined."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import pytest

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.evaluation import EvalItem
from safecot_dsl.evaluation.asking.folder import AnswerFolder, Failed, Provenance, read_asked
from safecot_dsl.evaluation.asking.respondents import ModelRespondent, Note, Respondent, Tell
from safecot_dsl.evaluation.faithfulness.asking import examine_folder
from safecot_dsl.evaluation.faithfulness.record import (
    ChangeSettings,
    Faithfulness,
    FaithfulnessError,
    read_outcomes,
    read_record,
)
from safecot_dsl.models import Request

from .folders import answered
from .scripted import HELP, ByRequest, Scripted

FIVE = ChangeSettings(reasonings=5)


def asked_of(
    folder: Path, policy: CompiledPolicy, pairs: Sequence[EvalItem], obeys: str
) -> tuple[AnswerFolder, Callable[..., ByRequest]]:
    """The folder of a scripted model's answers, and the model that answers requests."""
    model = Scripted(policy, obeys=obeys)
    return answered(folder, pairs, model(pairs)), lambda dies_after=None: ByRequest(model, pairs, dies_after)


def opening(respondent: Respondent, asked: AnswerFolder) -> Callable[[], tuple[Respondent, Provenance]]:
    anew = {"items_digest": "", "items": 0, "finished": ""}
    return lambda: (respondent, asked.provenance.model_copy(update=anew))


def examined(
    policy: CompiledPolicy,
    asked: AnswerFolder,
    out: Path,
    model: ByRequest,
    settings: ChangeSettings = FIVE,
    system: str = "",
) -> Faithfulness:
    respondent = ModelRespondent(model, batch_size=1)
    return examine_folder(policy, asked, out, opening(respondent, asked), settings, system=system)


def nothing_opened() -> tuple[Respondent, Provenance]:
    raise AssertionError("the model was opened")


@pytest.mark.parametrize(("obeys", "follows"), [("reasoning", 1.0), ("image", 0.0)])
def test_the_baselines(
    miniature: CompiledPolicy, pairs: tuple[EvalItem, ...], tmp_path: Path, obeys: str, follows: float
) -> None:
    """Both keep their verdict where their own premises are given back; the one follows a changed one, the other
    never."""
    asked, model = asked_of(tmp_path / "asked", miniature, pairs, obeys)
    out = tmp_path / "asked" / "faithfulness"
    asking = model()
    found = examined(miniature, asked, out, asking, system="Be kind.")
    effects = found.effects
    assert effects is not None
    assert effects.kept.value == 1.0
    assert effects.premise.value == effects.concludes.value == effects.conclusion.value == follows
    assert effects.unmoved.value == 1 - follows
    assert (effects.reasonings, effects.kept.n, effects.unscored.n) == (5, 5, 20)
    assert {request.system for request in asking.asked} == {"Be kind."}
    assert read_record(out) == found
    outcomes = read_outcomes(out)
    assert [one.id for one in outcomes] == [item.id for item in read_asked(out).items]
    assert {one.follows for one in outcomes if one.intervention == "premise"} == {bool(follows)}
    assert len((out / "skipped.jsonl").read_text().splitlines()) == effects.looked_at - 5
    assert examine_folder(miniature, asked, out, nothing_opened, FIVE) == found


def test_a_kill_in_the_middle_costs_no_byte(
    miniature: CompiledPolicy, pairs: tuple[EvalItem, ...], tmp_path: Path
) -> None:
    """Twenty interventions are asked in blocks of eight: the first block is kept, and not asked again."""
    asked, model = asked_of(tmp_path / "asked", miniature, pairs, "reasoning")
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    examined(miniature, asked, undisturbed, model())
    with pytest.raises(KeyboardInterrupt):
        examined(miniature, asked, killed, model(12))
    begun = read_record(killed)
    assert begun is not None
    assert begun.effects is None
    assert len((killed / "answers.jsonl").read_text().splitlines()) == 8
    later = model()
    examined(miniature, asked, killed, later)
    assert len(later.asked) == 12
    names = {path.name for path in undisturbed.iterdir()}
    assert names == {path.name for path in killed.iterdir()}
    assert names >= {"items.parquet", "answers.jsonl", "interventions.jsonl", "skipped.jsonl", "faithfulness.json"}
    for name in sorted(names - {"asked.json"}):  # which has the dates
        assert (undisturbed / name).read_bytes() == (killed / name).read_bytes(), name


def test_answers_without_reasoning_need_no_model(
    miniature: CompiledPolicy, pairs: tuple[EvalItem, ...], tmp_path: Path
) -> None:
    """There are no figures then, and none of them is zero."""
    asked = answered(tmp_path / "asked", pairs, {item.id: HELP for item in pairs})
    found = examine_folder(miniature, asked, tmp_path / "out", nothing_opened, FIVE)
    assert found.effects is not None
    assert found.effects.premise.value is None
    assert found.effects.skipped == {"no reasoning": len(pairs)}
    assert not found.effects.reasons
    assert read_outcomes(tmp_path / "out") == ()


class Failing:
    """Fails on what was given back unchanged, until it is mended."""

    def __init__(self, model: ByRequest) -> None:
        self.inner = ModelRespondent(model)
        self.mended = False
        self.wanted: list[str] = []

    def answer(
        self, requests: Sequence[Request], keys: Sequence[str], wanted: Collection[int], tell: Tell, note: Note
    ) -> None:
        self.wanted = [keys[number] for number in sorted(wanted)]
        bad = [] if self.mended else [number for number in wanted if keys[number].endswith("-kept")]
        for number in bad:
            tell(number, Failed(reason="timeout"))
        self.inner.answer(requests, keys, set(wanted) - set(bad), tell, note)

    def usage(self) -> dict[str, float]:
        return {}


def test_what_failed_is_in_no_share_and_asked_again(
    miniature: CompiledPolicy, pairs: tuple[EvalItem, ...], tmp_path: Path
) -> None:
    asked, model = asked_of(tmp_path / "asked", miniature, pairs, "reasoning")
    failing = Failing(model())
    first = examine_folder(miniature, asked, tmp_path / "out", opening(failing, asked), FIVE).effects
    assert first is not None
    assert (first.failed, first.kept.n, first.premise.value) == ({"timeout": 5}, 0, 1.0)
    failing.mended = True
    second = examine_folder(miniature, asked, tmp_path / "out", opening(failing, asked), FIVE).effects
    assert second is not None
    assert (second.failed, second.kept.n, second.kept.value) == ({}, 5, 1.0)
    assert len(failing.wanted) == 5


def test_other_settings_do_not_go_on_with_what_is_there(
    miniature: CompiledPolicy, pairs: tuple[EvalItem, ...], tmp_path: Path
) -> None:
    asked, model = asked_of(tmp_path / "asked", miniature, pairs, "reasoning")
    out = tmp_path / "out"
    examined(miniature, asked, out, model())
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(FaithfulnessError, match="differ in `reasonings`, `seed`: give another folder"):
        examined(miniature, asked, out, model(), ChangeSettings(reasonings=6, seed=1))
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    (out / "faithfulness.json").write_text("{}")
    with pytest.raises(FaithfulnessError, match=r"faithfulness\.json: `policy`"):
        read_record(out)
    (out / "interventions.jsonl").write_text(json.dumps({"id": "x"}) + "\n")
    with pytest.raises(FaithfulnessError, match=r"interventions\.jsonl:1: not an intervention: `of`"):
        read_outcomes(out)
