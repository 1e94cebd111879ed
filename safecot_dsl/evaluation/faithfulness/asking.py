"""A folder of answers, examined: its reasonings are changed, the model writes on, and what it then answers is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.evaluation.asking.ask import ask_folder
from safecot_dsl.evaluation.asking.folder import (
    ANSWERS,
    ASKED,
    ITEMS,
    AnswerFolder,
    Failed,
    PolicyNamed,
    Provenance,
    read_asked,
    read_provenance,
)
from safecot_dsl.evaluation.asking.respondents import Respondent
from safecot_dsl.evaluation.faithfulness.interventions import Intervened, intervene
from safecot_dsl.evaluation.faithfulness.outcomes import outcomes, reasoning_effects
from safecot_dsl.evaluation.faithfulness.record import (
    ChangeSettings,
    Faithfulness,
    FaithfulnessError,
    read_record,
    write_outcomes,
    write_record,
)
from safecot_dsl.evaluation.items import EvalItem, write_items
from safecot_dsl.storage import Progress, sha256_file

#: Opens the model that gave a folder's answers, and says whom it asks and how.
Opened = Callable[[], tuple[Respondent, Provenance]]


def examine_folder(
    policy: CompiledPolicy,
    asked: AnswerFolder,
    out: Path,
    opened: Opened,
    settings: ChangeSettings,
    *,
    system: str = "",
    progress: Progress | None = None,
) -> Faithfulness:
    """Change reasonings of a folder of answers, ask on, and write the files of
    :mod:`~safecot_dsl.evaluation.faithfulness.record` into `out`.

    `opened` is called where there is something to ask: answers without reasoning need no model. `system`
    stands before every item that has no system turn of its own, as it did when the answers were made. After a kill the
    same call goes on; a finished folder is asked for its failures again, and for nothing else.

    Raises:
        FaithfulnessError: `out` holds interventions made otherwise (the message says what differs), or is damaged.
        AskedError: as :func:`~safecot_dsl.evaluation.asking.ask.ask_folder`.
        CaseError: an item's facts do not fit the policy.
    """
    now = Faithfulness(
        policy=PolicyNamed(name=policy.header.name, version=policy.header.version, digest=policy.digest),
        items_digest=asked.provenance.items_digest,
        answers_digest=sha256_file(asked.folder / ANSWERS),
        settings=settings,
    )
    before = read_record(out)
    if before is not None and (differs := now.differs(before)):
        named = ", ".join(f"`{name}`" for name in differs)
        raise FaithfulnessError(
            f"{out} holds interventions that differ in {named}: give another folder (--out), or remove this one"
        )
    made = change(policy, asked.items, asked.answers, settings, progress)
    out.mkdir(parents=True, exist_ok=True)
    if before is None:
        write_record(out, now)
    if not made.items:
        return conclude(policy, asked.items, made, {}, out, now)
    if not (out / ITEMS).is_file():
        write_items(out / ITEMS, made.items)
    if not _answered(out):
        respondent, provenance = opened()
        ask_folder(out / ITEMS, out, respondent, provenance, system=system, progress=progress)
    changed = read_asked(out)
    return conclude(policy, asked.items, made, changed.answers, out, now, changed.failed)


def _answered(out: Path) -> bool:
    """Whether nothing is left to ask."""
    if not (out / ASKED).is_file():
        return False
    known = read_provenance(out)
    return bool(known.finished) and not known.failed


def change(
    policy: CompiledPolicy,
    items: Sequence[EvalItem],
    answers: Mapping[str, str],
    settings: ChangeSettings,
    progress: Progress | None = None,
) -> Intervened:
    """:func:`~safecot_dsl.evaluation.faithfulness.interventions.intervene`, by the settings."""
    return intervene(
        policy,
        items,
        answers,
        tags=settings.tags,
        style=settings.style,
        reasoning=settings.reasoning,
        whose=settings.whose,
        seed=settings.seed,
        most=settings.reasonings,
        progress=progress,
    )


def conclude(
    policy: CompiledPolicy,
    items: Sequence[EvalItem],
    made: Intervened,
    answers: Mapping[str, str],
    folder: Path,
    record: Faithfulness,
    failed: Mapping[str, Failed] | None = None,
) -> Faithfulness:
    """Read the answers to the interventions on answers to `items`, and write outcomes and figures into the folder."""
    settings = record.settings
    found = outcomes(policy, items, made.items, answers, failed=failed, tags=settings.tags, style=settings.style)
    done = record.model_copy(update={"effects": reasoning_effects([found], made.reasons)})
    write_outcomes(folder, found, made.skipped)
    write_record(folder, done)
    return done
