"""Judging a folder of answers: by the policy's criteria, or by a model with the criteria beside it."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.criteria import detect
from safecot_dsl.evaluation.asking.folder import AnswerFolder, PolicyNamed
from safecot_dsl.evaluation.items import EvalItem, ItemKind
from safecot_dsl.evaluation.judging.agreement import Differing, JudgeAgreement, agree
from safecot_dsl.evaluation.judging.judgement import Judgement, Read, digest_of
from safecot_dsl.evaluation.judging.model import JudgingError, ModelJudge
from safecot_dsl.evaluation.judging.record import (
    DISAGREEMENTS,
    JUDGED,
    JUDGING,
    SCORES,
    Judging,
    as_line,
    go_on_with,
    read_judging,
    write_judging,
)
from safecot_dsl.evaluation.score import Scored, score_asked
from safecot_dsl.render import ReasoningStyle, Tags
from safecot_dsl.storage import Progress, sha256_file, write_whole
from safecot_dsl.storage.locks import LOCK_SUFFIX, lock

_CHUNK: Final = 32  # answers between two writes to disk


def judge_folder(
    policy: CompiledPolicy,
    asked: AnswerFolder,
    out: Path,
    *,
    judge: ModelJudge | None = None,
    base_url: str = "",
    tags: Tags | None = None,
    style: ReasoningStyle = ReasoningStyle.STEPWISE,
    progress: Progress | None = None,
) -> tuple[Judging, Scored]:
    """Judge the answers of a folder and write the files of :mod:`~safecot_dsl.evaluation.judging.record` into `out`.

    With a `judge` the verdicts are the model's. What it has judged is kept after every few answers, and another call
    goes on from there; answers on which it failed, or that have changed, are put to it again.

    Raises:
        JudgingError: `out` holds another judging or a damaged line, another process is judging into it, or the judge
            failed on every answer.
        ModelError: asking on is in vain; what was judged until then is kept.
        CaseError: an item's facts do not fit the policy.
    """
    tags = tags or Tags()
    now = Judging(
        policy=PolicyNamed(name=policy.header.name, version=policy.header.version, digest=policy.digest),
        judge="criteria" if judge is None else judge.asker.name,
        base_url=base_url,
        settings=None if judge is None else judge.settings,
        tags=tags,
        answers_digest=sha256_file(asked.folder / "answers.jsonl"),
        items_digest=asked.provenance.items_digest,
        versions=_versions(),
        started=_now(),
    )
    out.mkdir(parents=True, exist_ok=True)
    held = lock(out / LOCK_SUFFIX)
    if held is None:
        raise JudgingError(f"{out}: another process is judging into it")
    with held:
        return _judge_into(policy, asked, out, now, judge, style, progress)


def _judge_into(
    policy: CompiledPolicy,
    asked: AnswerFolder,
    out: Path,
    now: Judging,
    judge: ModelJudge | None,
    style: ReasoningStyle,
    progress: Progress | None,
) -> tuple[Judging, Scored]:
    now = _go_on(out, now)
    items = [item for item in asked.items if item.kind is ItemKind.POLICY and item.id in asked.answers]
    judgements: dict[str, Judgement] | None = None
    if judge is not None:
        judgements = _judge(judge, items, asked.answers, out / JUDGED, progress)
    scored = score_asked(policy, asked, now.tags, style=style, judgements=judgements)
    agreement = None if judgements is None else _compared(policy, now.judge, items, scored, judgements, out)
    scores = [scored.items[item.id] for item in items]
    done = now.model_copy(
        update={
            "finished": _now(),
            "answers": len(items),
            "unanswered": sum(item.kind is ItemKind.POLICY and item.id in asked.failed for item in asked.items),
            "unscored": _counted(one.why for one in scores if one.verdict == "unscored"),
            "failed": _counted(one.failed for one in (judgements or {}).values() if one.failed),
            "served": _counted(one.model for one in (judgements or {}).values() if one.model),
            "agreement": agreement,
        }
    )
    write_whole(out / SCORES, "".join(as_line(one) for one in scored.items.values()))
    write_judging(out, done)
    return done, scored


def _go_on(out: Path, now: Judging) -> Judging:
    """The judging that is under way in `out`, or a new one."""
    before = read_judging(out)
    if before is not None and before.judge != "criteria" and before.identity != now.identity:
        old, new = json.loads(before.identity), json.loads(now.identity)
        changed = ", ".join(sorted(f"`{key}`" for key in new if old.get(key) != new[key]))
        raise JudgingError(
            f"{out} holds a judging by `{before.judge}` that differs in {changed}: "
            f"judge into another folder (--out), or remove {JUDGED} and {JUDGING}"
        )
    same = before is not None and before.identity == now.identity
    if not same and (out / JUDGED).exists():
        raise JudgingError(f"{out / JUDGED} belongs to no judging that is known: move it away")
    if before is not None and same:
        now = now.model_copy(update={"started": before.started})
    write_judging(out, now)
    return now


def _judge(
    judge: ModelJudge, items: Sequence[EvalItem], answers: Mapping[str, str], path: Path, progress: Progress | None
) -> dict[str, Judgement]:
    """A judgement of every item, by id; those that are in the file are kept."""
    due = {item.id: digest_of(item.prompt, answers[item.id]) for item in items}
    kept = {key: one for key, one in go_on_with(path).items() if not one.failed and one.of == due.get(key)}
    write_whole(path, "".join(map(as_line, kept.values())))
    todo = [item for item in items if item.id not in kept]
    if progress is not None:
        questions = sum(judge.questions_of(item, answers[item.id]) for item in todo)
        progress.start("judging", questions, unit="questions")
    with path.open("a", encoding="utf-8") as file:
        for start in range(0, len(todo), _CHUNK):
            made = judge.judge(todo[start : start + _CHUNK], answers, progress=progress)
            file.writelines(map(as_line, made))
            file.flush()
            os.fsync(file.fileno())
            kept.update((one.id, one) for one in made)
    found = {item.id: kept[item.id] for item in items}
    if found and all(one.failed for one in found.values()):
        reasons = ", ".join(f"{count} {reason}" for reason, count in _counted(o.failed for o in found.values()).items())
        raise JudgingError(
            f"the judge `{judge.asker.name}` failed on all {len(found)} answers ({reasons}): nothing is scored. "
            f"The first: {next(iter(found.values())).why}"
        )
    return found


def _compared(
    policy: CompiledPolicy,
    name: str,
    items: Sequence[EvalItem],
    scored: Scored,
    judgements: Mapping[str, Judgement],
    out: Path,
) -> JudgeAgreement:
    """How far judge and criteria agree; what they differ on is written down."""
    scores = {item.id: scored.items[item.id] for item in items}
    differing = [
        Differing(
            id=item.id,
            first=scores[item.id].detected,
            second=scores[item.id].verdict,
            prompt=item.prompt,
            answer=scores[item.id].answer,
            why=scores[item.id].why,
        )
        for item in items
        if scores[item.id].detected != scores[item.id].verdict
    ]
    write_whole(out / DISAGREEMENTS, "".join(map(as_line, differing)))
    pairs: dict[str, list[tuple[bool, bool]]] = {}
    for item in items:
        answered = judgements[item.id].propositions
        found = detect(policy.criteria, scores[item.id].answer) if answered else {}
        for proposition, holds in answered.items():
            detected = found[proposition]
            if detected is not None:
                pairs.setdefault(proposition, []).append((detected, holds))
    verdicts: list[tuple[Read, Read]] = [(one.detected, one.verdict) for one in scores.values()]
    return agree("criteria", name, verdicts, pairs)


def _counted(reasons: Any) -> dict[str, int]:
    return dict(sorted(Counter(reasons).items()))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in ("safecot-dsl", "openai"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
