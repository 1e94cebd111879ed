"""Reports on folders of answers: several models, or several runs of one, that were asked the same items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from safecot_dsl.artifact import CompiledPolicy, canonical_json
from safecot_dsl.evaluation.asking.folder import ANSWERS, AnswerFolder, Provenance, read_asked
from safecot_dsl.evaluation.baselines import comply_with_everything, refuse_everything
from safecot_dsl.evaluation.faithfulness.effects import FOLDER, ReasoningEffects
from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.judging.agreement import JudgeAgreement
from safecot_dsl.evaluation.judging.record import Judging, read_judged, read_judging
from safecot_dsl.evaluation.metrics import Runs
from safecot_dsl.evaluation.report.errors import ReportError
from safecot_dsl.evaluation.report.markdown import write_markdown
from safecot_dsl.evaluation.report.page import write_report
from safecot_dsl.evaluation.score import Scored, score, score_asked
from safecot_dsl.evaluation.summary import BASELINES, EvaluationSummary, summarise, write_summary
from safecot_dsl.render import ReasoningStyle
from safecot_dsl.storage import Progress, sha256_file

_BASELINES = {"refuse_everything": refuse_everything, "comply_with_everything": comply_with_everything}


@dataclass(frozen=True)
class ComparedFolders:
    """Folders of answers to the same items, scored: by arm, in the order given."""

    items: tuple[EvalItem, ...]
    arms: dict[str, Runs]
    provenance: dict[str, dict[str, str]]
    agreements: dict[str, JudgeAgreement]
    reasoning_effects: dict[str, ReasoningEffects]


def compare_folders(
    policy: CompiledPolicy,
    folders: Sequence[tuple[str, Path]],
    *,
    style: ReasoningStyle = ReasoningStyle.STEPWISE,
    progress: Progress | None = None,
) -> ComparedFolders:
    """Read and score folders that `safecotc eval ask` wrote, each with its arm's name, or an empty one for its own.

    Folders of one name are runs of one arm that differ in their seed. Where a model has judged a folder's answers, the
    verdicts are the judge's. Where `safecotc eval faithful` has changed reasonings, what it found is taken along.

    Raises:
        ReportError: the folders hold other items, an arm has a baseline's name, a judge judged under another policy, or
        the
            reasonings that were changed are of other answers or under another policy.
        AskedError, JudgingError, FaithfulnessError: a folder cannot be read, or is not finished.
    """
    if not folders:
        raise ReportError("give at least one folder of answers")
    if progress is not None:
        progress.start("scoring", len(folders), unit="folders")
    first: AnswerFolder | None = None
    runs: dict[str, list[Scored]] = {}
    provenance: dict[str, dict[str, str]] = {}
    agreements: dict[str, JudgeAgreement] = {}
    examined: dict[str, list[Path]] = {}
    for name, path in folders:
        asked = read_asked(path)
        first = first or asked
        _assert_same(first, asked)
        arm = name or asked.provenance.name
        if arm in BASELINES:
            raise ReportError(f"{path}: `{arm}` is the name of a baseline; give another with NAME={path}")
        judging = _judging(policy, path, asked)
        judged = judging is not None and judging.judge != "criteria"
        runs.setdefault(arm, []).append(
            score_asked(
                policy,
                asked,
                judging.tags if judging is not None else None,
                style=style,
                judgements=read_judged(path) if judged else None,
            )
        )
        if judging is not None and judging.agreement is not None:
            agreements[arm] = judging.agreement
        if is_examined(path):
            examined.setdefault(arm, []).append(path)
        number = len(runs[arm])
        provenance.setdefault(arm, {}).update(
            {f"run {number}, {key}" if number > 1 else key: value for key, value in _told(asked, judging).items()}
        )
        if progress is not None:
            progress.advance()
    if first is None:
        raise ReportError("give at least one folder of answers")
    baselines = {name: _baseline(policy, name, first.items) for name in _BASELINES}
    arms: dict[str, Runs] = {arm: found[0] if len(found) == 1 else tuple(found) for arm, found in runs.items()}
    return ComparedFolders(
        items=first.items,
        arms={**arms, **baselines},
        provenance=provenance,
        agreements=agreements,
        reasoning_effects={arm: effects_of(policy, paths, len(runs[arm])) for arm, paths in examined.items()},
    )


def report_folders(
    policy: CompiledPolicy,
    compared: ComparedFolders,
    out: Path,
    *,
    command: str,
    created: str,
    splits: Sequence[str] = (),
    base: str | None = None,
    subject: str | None = None,
    worst: int = 10,
    examples: int = 12,
    style: ReasoningStyle = ReasoningStyle.STEPWISE,
) -> EvaluationSummary:
    """Write `report.html`, `report.md` and `summary.json` into the folder `out`, each whole or not at all.

    The figures are over `splits`, or all there are. `base` is what the other arms are compared with, the first unless
    given; `subject` the arm whose worst cases are shown, the last unless given. Raises :class:`ReportError` for a split
    or an arm that there is not.
    """
    arms = [arm for arm in compared.arms if arm not in BASELINES]
    for what, name in (("base", base), ("subject", subject)):
        if name is not None and name not in arms:
            raise ReportError(f"there is no arm `{name}` to be the {what}; there are {', '.join(arms)}")
    present = dict.fromkeys(item.split for item in compared.items)
    unknown = [split for split in splits if split not in present]
    if unknown:
        raise ReportError(f"no item has the split `{unknown[0]}`; there are {', '.join(present)}")
    summary = summarise(
        policy,
        compared.items,
        compared.arms,
        held_out=tuple(splits) or tuple(present),
        base=base or arms[0],
        subject=subject or arms[-1],
        agreements=compared.agreements,
        reasoning_effects=compared.reasoning_effects,
        provenance=compared.provenance,
    )
    out.mkdir(parents=True, exist_ok=True)
    write_summary(out / "summary.json", summary)
    write_report(
        out / "report.html",
        policy=policy,
        summary=summary,
        scored=compared.arms,
        items=compared.items,
        command=command,
        created=created,
        examples=examples,
        worst=worst,
        style=style,
    )
    write_markdown(
        out / "report.md",
        policy=policy,
        summary=summary,
        scored=compared.arms,
        items=compared.items,
        command=command,
        created=created,
        worst_of_rule=min(worst, 3),
    )
    return summary


def _assert_same(first: AnswerFolder, other: AnswerFolder) -> None:
    """Every arm must have been asked the same; a system turn is the arm's own."""
    if first.provenance.items_digest == other.provenance.items_digest:
        return
    mine, theirs = ({item.id: _asked_of(item) for item in asked.items} for asked in (first, other))
    for key in (*mine, *theirs):
        if mine.get(key) != theirs.get(key):
            lacks = next((asked.folder for asked, ids in ((first, mine), (other, theirs)) if key not in ids), None)
            why = f"{lacks} has no item `{key}`" if lacks else f"the item `{key}` is not the same in both"
            raise ReportError(
                f"{other.folder} was not asked what {first.folder} was: {why}; compare answers to one set"
            )


def _asked_of(item: EvalItem) -> EvalItem:
    return item.model_copy(update={"system": ""})


def _judging(policy: CompiledPolicy, path: Path, asked: AnswerFolder) -> Judging | None:
    """How the folder was judged, where it was, and was under this policy."""
    judging = read_judging(path)
    if judging is None:
        return None
    if judging.judge != "criteria" and judging.policy.digest != policy.digest:
        raise ReportError(
            f"{path}: `{judging.judge}` judged under the policy `{judging.policy.name}` {judging.policy.version} "
            f"({judging.policy.digest}), and this is {policy.digest}: judge again, or give that policy"
        )
    if judging.judge != "criteria" and judging.items_digest != asked.provenance.items_digest:
        raise ReportError(f"{path}: the judgements are of other items than the answers: judge again")
    return judging


def _baseline(policy: CompiledPolicy, name: str, items: Sequence[EvalItem]) -> Scored:
    model = _BASELINES[name](policy)
    texts = model.generate([item.request for item in items], max_new_tokens=64, batch_size=64)
    return score(policy, items, {item.id: text for item, text in zip(items, texts, strict=True)})


def _told(asked: AnswerFolder, judging: Judging | None) -> dict[str, str]:
    """Where a folder's answers come from, for people."""
    known: Provenance = asked.provenance
    prompt = known.policy_prompt
    failed: Mapping[str, int] = known.failed
    lines = {
        "Model": known.model,
        "Digest of the model": known.model_digest,
        "Adapter": known.adapter,
        "Digest of the adapter": known.adapter_digest,
        "Policy in the system turn": f"{prompt.name} {prompt.version}, {prompt.digest}" if prompt is not None else "",
        "Items": f"{known.items}, {known.items_digest}",
        "Settings": canonical_json(known.settings) if known.settings else "",
        "Versions": ", ".join(f"{name} {version}" for name, version in known.versions.items()),
        "Asked": " to ".join(filter(None, [known.started, known.finished])),
        "Command": known.command,
        "Cut at the token limit": str(known.cut) if known.cut else "",
        "No answer": ", ".join(f"{count} {reason}" for reason, count in failed.items()),
        "Judge": f"{judging.judge} {judging.base_url}".strip() if judging is not None else "",
    }
    return {name: value for name, value in lines.items() if value}


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
