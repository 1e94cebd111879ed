"""What `safecotc eval faithful` left in folders of answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.evaluation.asking.folder import ANSWERS
from safecot_dsl.evaluation.faithfulness.effects import FOLDER, ReasoningEffects
from safecot_dsl.evaluation.report.errors import ReportError
from safecot_dsl.storage import sha256_file


def is_examined(answers: Path) -> bool:
    """Whether reasonings of a folder of answers were changed."""
    return (answers / FOLDER).is_dir()


def effects_of(policy: CompiledPolicy, answers: Sequence[Path], runs: int) -> ReasoningEffects:
    """The figures of an arm, of all of its `runs` together.

    Raises:
        ReportError: what is there is unfinished, of other answers or another policy; or some runs were examined and
            others were not, or otherwise.
        FaithfulnessError: a file is damaged.
    """
    # It reads reasonings by the parser, which figures do without.
    from safecot_dsl.evaluation.faithfulness.outcomes import reasoning_effects
    from safecot_dsl.evaluation.faithfulness.record import Faithfulness, read_outcomes, read_record

    records: list[Faithfulness] = []
    skipped: Counter[str] = Counter()
    for path in answers:
        folder = path / FOLDER
        record = read_record(folder)
        if record is None or record.effects is None:
            raise ReportError(
                f"{folder} is not finished: the `safecotc eval faithful` that began it goes on from there; or remove it"
            )
        if record.policy.digest != policy.digest:
            raise ReportError(
                f"{folder}: reasonings were changed by the policy `{record.policy.name}` {record.policy.version} "
                f"({record.policy.digest}), and this is {policy.digest}: remove it, and examine again"
            )
        if record.answers_digest != sha256_file(path / ANSWERS):
            raise ReportError(f"{folder}: the reasonings are of other answers than are there now: examine again")
        if records and record.settings != records[0].settings:
            raise ReportError(f"{folder} was examined otherwise than {answers[0] / FOLDER}: use the same settings")
        records.append(record)
        skipped.update(record.effects.skipped)
    if len(records) < runs:
        raise ReportError(
            f"{answers[0]} was examined, and {runs - len(records)} other runs of its arm were not: examine all of them"
        )
    return reasoning_effects([read_outcomes(path / FOLDER) for path in answers], skipped)
