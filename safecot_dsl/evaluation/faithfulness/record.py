"""The files of an examination: what was changed in a folder's reasonings, what came of it, and the figures.

FOLDER/faithfulness/
  items.parquet, answers.jsonl, asked.json   the interventions as items, and every raw answer to them: a folder of
                                             answers as any other
  interventions.jsonl                        one line an intervention (:class:`InterventionResult`)
  skipped.jsonl                              one line an answer whose reasoning could not be changed: {"id", "why"}
  faithfulness.json                          settings and figures (:class:`Faithfulness`); without `effects` while
                                             under way
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, ValidationError

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.evaluation.asking.folder import PolicyNamed
from safecot_dsl.evaluation.faithfulness.effects import ReasoningEffects
from safecot_dsl.evaluation.faithfulness.outcomes import InterventionResult
from safecot_dsl.render.style import Reasoning, ReasoningStyle, Tags
from safecot_dsl.storage import write_whole

INTERVENTIONS: Final = "interventions.jsonl"
SKIPPED: Final = "skipped.jsonl"
RECORD: Final = "faithfulness.json"
#: Raised where the same settings make other interventions: those of before are not gone on with.
MEANING: Final = 1


class FaithfulnessError(ValueError):
    """Reasonings cannot be changed here, or what is there is of other ones; the message says why and what to do."""


class ChangeSettings(Frozen):
    """How reasonings are changed: at most so many `reasonings`, drawn by `seed`, of those that were written between
    `tags` in `style`, by `reasoning`; `whose` says whether the model's own are changed, or the policy's put in their
    place."""

    reasonings: int = Field(default=200, ge=1)
    seed: int = 0
    whose: Literal["model", "policy"] = "model"
    style: ReasoningStyle = ReasoningStyle.STEPWISE
    tags: Tags = Tags()
    reasoning: Reasoning = Reasoning()


class Faithfulness(Frozen):
    """What was examined, how, and what was found. Equal answers give equal bytes: dates stand in `asked.json`."""

    format: Literal[1] = 1
    meaning: int = MEANING
    policy: PolicyNamed
    items_digest: str
    answers_digest: str
    settings: ChangeSettings
    effects: ReasoningEffects | None = None

    def differs(self, other: Faithfulness) -> list[str]:
        """What of the two is not the same, their figures aside."""
        mine, theirs = (one.model_dump(exclude={"effects", "settings"}) for one in (self, other))
        named = [name for name in mine if mine[name] != theirs[name]]
        ours, others = self.settings.model_dump(), other.settings.model_dump()
        return named + [name for name in ours if ours[name] != others[name]]


def write_record(folder: Path, record: Faithfulness) -> None:
    """Write the settings and figures, whole or not at all."""
    write_whole(folder / RECORD, json.dumps(record.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n")


def read_record(folder: Path) -> Faithfulness | None:
    """The settings and figures in a folder; None where there are none. Raises :class:`FaithfulnessError` for a damaged
    file."""
    path = folder / RECORD
    if not path.is_file():
        return None
    try:
        return Faithfulness.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise FaithfulnessError(f"{path}: {_first(error)}") from error


def write_outcomes(folder: Path, found: Sequence[InterventionResult], skipped: Mapping[str, str]) -> None:
    """Write what came of the interventions, and what could not be changed, each whole or not at all."""
    # With ASCII alone no line break of Unicode can stand in a line.
    write_whole(folder / INTERVENTIONS, "".join(json.dumps(one.model_dump(mode="json")) + "\n" for one in found))
    write_whole(
        folder / SKIPPED, "".join(json.dumps({"id": key, "why": why}) + "\n" for key, why in sorted(skipped.items()))
    )


def read_outcomes(folder: Path) -> tuple[InterventionResult, ...]:
    """What came of the interventions. Raises :class:`FaithfulnessError` that names a damaged line."""
    path = folder / INTERVENTIONS
    found: list[InterventionResult] = []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise FaithfulnessError(f"{path}: {error}") from error
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            found.append(InterventionResult.model_validate_json(line))
        except ValidationError as error:
            raise FaithfulnessError(f"{path}:{number}: not an intervention: {_first(error)}") from error
    return tuple(found)


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"`{'.'.join(map(str, first['loc']))}`: {first['msg']}"
