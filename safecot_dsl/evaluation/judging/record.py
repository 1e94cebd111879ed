"""A folder of answers, judged: by the policy's criteria, or by a model with the criteria beside it.

FOLDER/
  judged.jsonl         a judge's judgements, one line an answer (:class:`Judgement`); only with a model as judge
  scores.jsonl         one line an item (:class:`ItemScore`), by the judge where there is one
  disagreements.jsonl  the answers that judge and criteria read differently (:class:`Differing`)
  judging.json         provenance, counts and agreement (:class:`Judging`); without `finished` while under way
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, TypeVar

from pydantic import ValidationError

from safecot_dsl.artifact import canonical_json
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.evaluation.asking.folder import PolicyNamed
from safecot_dsl.evaluation.judging.agreement import Differing, JudgeAgreement
from safecot_dsl.evaluation.judging.judgement import Judgement
from safecot_dsl.evaluation.judging.model import JudgeSettings, JudgingError
from safecot_dsl.render import Tags
from safecot_dsl.storage import write_whole

_Line = TypeVar("_Line", bound=Frozen)

JUDGED: Final = "judged.jsonl"
SCORES: Final = "scores.jsonl"
DISAGREEMENTS: Final = "disagreements.jsonl"
JUDGING: Final = "judging.json"
#: Raised where a question's wording or the reading of its reply changes: judgements of before do not go on.
QUESTIONS: Final = 1


class Judging(Frozen):
    """What the judgements were made from, and what they came to.

    `judge` is `criteria` or a model's name at `base_url`; `served` counts judgements by what the server says that it
    ran. `answers` are the policy items that were answered; of them `unscored` counts by reason what has no verdict, and
    `failed` what the judge gave no usable reply to, on the answer or on the reasoning. `unanswered` counts policy items
    that the judged model gave no answer to. `agreement` is that of judge and criteria.
    """

    format: Literal[1] = 1
    policy: PolicyNamed
    judge: str
    base_url: str = ""
    settings: JudgeSettings | None = None
    tags: Tags
    questions: int = QUESTIONS
    answers_digest: str
    items_digest: str
    versions: dict[str, str] = {}
    started: str = ""
    finished: str = ""
    answers: int = 0
    unanswered: int = 0
    unscored: dict[str, int] = {}
    failed: dict[str, int] = {}
    served: dict[str, int] = {}
    agreement: JudgeAgreement | None = None

    @property
    def identity(self) -> str:
        """What has to be the same for one judging to go on with another's judgements; that these are of the same
        answers, each of them says itself."""
        same = {"policy", "judge", "base_url", "settings", "tags", "questions", "items_digest"}
        return canonical_json(self.model_dump(mode="json", include=same))


def read_judging(folder: Path) -> Judging | None:
    """The provenance of a folder's judging, finished or not; None where there is none.

    Raises :class:`JudgingError` where it is damaged.
    """
    path = folder / JUDGING
    if not path.is_file():
        return None
    try:
        return Judging.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise JudgingError(f"{path}: {_first(error)}") from error


def write_judging(folder: Path, judging: Judging) -> None:
    """Write the provenance, whole or not at all."""
    write_whole(folder / JUDGING, json.dumps(judging.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n")


def read_judged(folder: Path) -> dict[str, Judgement]:
    """The judgements of a model in a folder, by id.

    Raises:
        JudgingError: there are none, the judging is not finished, or a line is damaged.
    """
    judging = read_judging(folder)
    if judging is None or judging.judge == "criteria":
        raise JudgingError(f"{folder}: no model has judged these answers; `safecotc eval judge --judge URL` does")
    if not judging.finished:
        raise JudgingError(f"{folder}: the judging is not finished; the command that began it goes on from there")
    return _by_id(folder / JUDGED)


def read_differing(folder: Path) -> tuple[Differing, ...]:
    """The answers that judge and criteria read differently.

    Raises :class:`JudgingError` where a line is damaged; there are none where nothing was compared.
    """
    path = folder / DISAGREEMENTS
    return tuple(one for _, one in _lines(path, Differing)) if path.is_file() else ()


def go_on_with(path: Path) -> dict[str, Judgement]:
    """What an earlier run left; a torn last line is dropped."""
    if not path.exists():
        return {}
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        write_whole(path, data[:whole])
    return _by_id(path)


def _by_id(path: Path) -> dict[str, Judgement]:
    found: dict[str, Judgement] = {}
    for number, one in _lines(path, Judgement):
        if one.id in found:
            raise JudgingError(f"{path}:{number}: a second judgement of `{one.id}`")
        found[one.id] = one
    return found


def _lines(path: Path, model: type[_Line]) -> Iterator[tuple[int, _Line]]:
    for number, text in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if not text:
            continue
        try:
            yield number, model.model_validate_json(text)
        except ValidationError as error:
            raise JudgingError(f"{path}:{number}: not a line of this file: {_first(error)}") from error


def as_line(one: Frozen) -> str:
    """One line of JSON."""
    # With ASCII alone no line break of Unicode can stand in a line.
    return json.dumps(one.model_dump(mode="json")) + "\n"


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"`{'.'.join(map(str, first['loc']))}`: {first['msg']}"
