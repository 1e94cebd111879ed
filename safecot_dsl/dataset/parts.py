"""A part of a data set: rows, their provenance and counts, in a folder of their own that is there whole or not at all.

train-00000.parquet …     the rows of a split
provenance.parquet        a record for each row, in the order in which they were made
counts.json               what was left out
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from safecot_dsl.analysis.own_answers import read_as
from safecot_dsl.criteria import REQUIREMENT_BROKEN
from safecot_dsl.dataset.attacks import drawn_attacks, said, shown
from safecot_dsl.dataset.candidates import Candidate, Rejected
from safecot_dsl.dataset.conditioning import OtherPolicy, carry_items, drawn, judge_again
from safecot_dsl.dataset.examine import SeenImage, ask, signature
from safecot_dsl.dataset.lineage import provenance_of, row_key
from safecot_dsl.dataset.pool import BlockCounts, PoolIndex, judge_block
from safecot_dsl.dataset.reviews.applying import ReviewedCase, follow_reviews
from safecot_dsl.dataset.rows import RowImage
from safecot_dsl.dataset.setup import SourceBlock, Worker
from safecot_dsl.dataset.writer import PartWriter
from safecot_dsl.dataset.writing import Job, WrittenText
from safecot_dsl.facts import Item
from safecot_dsl.render.model import answer_sentence
from safecot_dsl.storage import whole_directory, write_whole

#: Rows that are made together, at most, and the bytes of images that they hold, about.
CHUNK = 256
CHUNK_BYTES = 64 << 20

COUNTS = "counts.json"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A candidate that is to be a row. `answer` is the model's, where it was asked already."""

    candidate: Candidate
    place: PoolIndex
    pair: str = ""
    distance: int = 0
    why: str = ""
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class _Ready:
    """A wanted row whose images are sound, and the answer that its decision leaves open. `written` is a whole answer
    that a reviewer wrote, and `attacked_as` what an attack is drawn by, where it is neither pair nor key."""

    wanted: Wanted
    images: tuple[SeenImage, ...]
    answer: str | None
    from_model: bool = False
    written: str | None = None
    attacked_as: str = ""


def make_part_of_block(worker: Worker, place: SourceBlock, number: int, path: Path) -> None:
    """Every usable item of block `number` as a part, unless it is there."""
    if not path.is_dir():
        placed, counts = judge_block(worker, place)
        wanted = (Wanted(one.candidate, PoolIndex(number, one.position)) for one in placed)
        make_part(worker, wanted, path, counts)


def make_part(worker: Worker, wanted: Iterable[Wanted], path: Path, counts: BlockCounts) -> None:
    """Make the rows of these candidates as the part in the folder `path`. What falls out is added to `counts`.

    Raises :class:`GenerateError` where the recipe is strict and something falls out.
    """
    with whole_directory(path) as folder:
        with PartWriter(folder) as writer:
            for chunk in _chunks(worker, wanted, counts):
                _write(worker, chunk, writer, counts)
                for other, under in worker.others:
                    _write(under, _carried(worker, other, under, chunk, counts), writer, counts)
        write_whole(folder / COUNTS, json.dumps(counts.to_json()) + "\n")


def _write(worker: Worker, chunk: Sequence[_Ready], writer: PartWriter, counts: BlockCounts) -> None:
    """Write the rows of a chunk, and their pairs."""
    made = list(_rows(worker, _answered(worker, chunk, counts), counts))
    writer.add([one.row for one in made], [one.record for one in made])
    if worker.pairs is not None:
        writer.add_pairs(
            worker.pairs.pairs([one.job for one in made], [one.text for one in made], [one.row for one in made])
        )


def read_counts(path: Path) -> BlockCounts:
    """What a part counted."""
    return BlockCounts.from_json(json.loads((path / COUNTS).read_bytes()))


def _chunks(worker: Worker, wanted: Iterable[Wanted], counts: BlockCounts) -> Iterator[list[_Ready]]:
    chunk: list[_Ready] = []
    size = 0
    for one in wanted:
        seen = worker.image_opener.examine(one.candidate)
        if isinstance(seen, Rejected):
            worker.leave_out(seen, counts.left_out)
            continue
        answer = one.answer if one.answer is not None else one.candidate.item.answer
        chunk.append(_Ready(one, seen, answer if one.candidate.needs_answer else None, one.answer is not None))
        size += sum(image.held for image in seen)
        if len(chunk) >= CHUNK or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _carried(
    worker: Worker, other: OtherPolicy, under: Worker, chunk: Sequence[_Ready], counts: BlockCounts
) -> list[_Ready]:
    """The rows of a chunk that another policy has too, as it decides them; `under` writes that policy's rows."""
    ready = [one for one in chunk if drawn(other, one.wanted.candidate.key, worker.setup.seed)]
    items = carry_items([one.wanted.candidate for one in ready], other.policy)
    under.interpreter.prime(item.case for item in items)
    taken: list[_Ready] = []
    for one, item in zip(ready, items, strict=True):
        judged = judge_again(one.wanted.candidate, item, other, under.judge)
        if judged is None:
            continue
        answer = one.answer if one.from_model else item.answer
        if isinstance(judged, Candidate) and judged.needs_answer and answer is not None:
            judged = under.judge.answer_problem(judged, answer) or judged
        if isinstance(judged, Rejected):
            worker.leave_out(judged, counts.left_out)
            continue
        wanted = Wanted(judged, one.wanted.place, why=f"under `{other.name}`, as under `{worker.policy.header.name}`")
        answered = answer is not None and judged.needs_answer
        taken.append(_Ready(wanted, one.images, answer if answered else None, answered and one.from_model))
    return taken


def _answered(worker: Worker, chunk: Sequence[_Ready], counts: BlockCounts) -> list[_Ready]:
    """The chunk with the model's answers where the source has none; what it cannot answer is left out."""
    if worker.answerer is None:  # who has to be asked here is answered by the writer, or was asked before
        return list(chunk)
    asking = [one for one in chunk if one.answer is None and one.wanted.candidate.needs_answer]
    if not asking:
        return list(chunk)
    replies = dict(
        zip(map(id, asking), ask(worker, [(one.wanted.candidate, one.images) for one in asking]), strict=True)
    )
    answered: list[_Ready] = []
    for one in chunk:
        reply = replies.get(id(one))
        if isinstance(reply, Rejected):
            worker.leave_out(reply, counts.left_out)
        else:
            answered.append(one if reply is None else _Ready(one.wanted, one.images, reply, from_model=True))
    return answered


@dataclass(frozen=True, slots=True)
class _MadeRow:
    """A row, its provenance, and what it was made from."""

    row: dict[str, Any]
    record: tuple[Any, ...]
    job: Job
    text: WrittenText


def _rows(worker: Worker, chunk: Sequence[_Ready], counts: BlockCounts) -> Iterator[_MadeRow]:
    """The rows of a chunk."""
    recipe = worker.recipe
    jobs = [_job(worker, one) for one in chunk]
    for one, job, written in zip(chunk, jobs, worker.writer.write(jobs), strict=True):
        if worker.progress is not None and recipe.selects and not worker.setup.under:
            worker.progress.advance()
        made = _row(worker, one, job, written)
        if isinstance(made, _MadeRow):
            made = _reviewed(worker, one, made, counts)
        if isinstance(made, Rejected):
            worker.leave_out(made, counts.left_out)
        else:
            yield made


def _row(worker: Worker, one: _Ready, job: Job, written: WrittenText) -> _MadeRow | Rejected:
    """A row with its text, or why it is none."""
    wanted, candidate = one.wanted, one.wanted.candidate
    decision, key = candidate.decision, candidate.item.key
    if written.rendered.needs_answer:
        return Rejected("no_answer", f"{key}: the model that writes gave none")
    if one.written is not None:
        step = "source" if decision.verdict.answers else "say"
        answer = answer_sentence(step, one.written, key=None, rule=None, built=False)
        rendered = written.rendered.model_copy(update={"answer": (answer,)})
        written = WrittenText(rendered, written.record)
    item, images, attack = _under_attack(worker, one)
    row = worker.builder.build(
        item,
        written.rendered,
        images,
        seed=job.seed,
        pair=wanted.pair,
        from_model=one.from_model,
        reviewed=one.written is not None,
    )
    graded = worker.judge.grader.grade(
        row["answer"], request=candidate.item.prompt, due=decision.verdict, rules=decision.deciding
    )
    if graded.cls == REQUIREMENT_BROKEN:
        broken = ", ".join(rule for rule, met in graded.requirements.items() if met is False)
        return Rejected("requirement_broken", f"{key}: {broken}")
    misread = worker.judge.own_answers.shown(decision.verdict, written.rendered.answer)
    if misread is not None:
        return Rejected("answer_misread", f"{key}: for `{decision.verdict}`, and read as {read_as(misread)}")
    return _MadeRow(
        row,
        provenance_of(
            row["id"],
            candidate,
            wanted.place,
            attack=attack,
            why=wanted.why,
            pair=wanted.pair,
            distance=wanted.distance,
            record=written.record if written.record.mode != "template" else None,
            from_model=one.from_model or (candidate.needs_answer and one.answer is None),
            graded=graded,
            signature=signature(row["prompt"], row["image_sha256"], row["facts"], worker.setup.under),
            under=worker.setup.under,
        ),
        # Where the policy does not help, help is what a pair may set against its text.
        replace(job, source_answer=candidate.item.answer) if one.answer is None else job,
        written,
    )


def _reviewed(worker: Worker, one: _Ready, made: _MadeRow, counts: BlockCounts) -> _MadeRow | Rejected:
    """A row as its reviews leave it, or why it is none any more."""
    key = row_key(one.wanted.candidate.key, worker.setup.under)
    standing = worker.reviews.get(key)
    if standing is None:
        return made
    steps: list[_MadeRow | Rejected] = [made]

    def make(change: ReviewedCase) -> dict[str, Any] | Rejected:
        step = _changed(worker, one, change)
        steps.append(step)
        return step.row if isinstance(step, _MadeRow) else step

    case = one.wanted.candidate.case
    followed = follow_reviews(worker.policy, standing.reviews, made.row, case, make)
    last = steps[-1]
    rejected = counts.reviews.count(key, standing, followed, made.row, last.row if isinstance(last, _MadeRow) else last)
    return rejected or last


def _changed(worker: Worker, one: _Ready, change: ReviewedCase) -> _MadeRow | Rejected:
    """The row that a candidate is with changed facts, or with a reviewer's answer."""
    wanted, before = one.wanted, one.wanted.candidate
    written = change.answer.answer if change.answer is not None else None
    item = replace(before.item, case=change.case, annotated=change.origins(before.item.annotated))
    candidate = worker.judge.judge(item if written is None else replace(item, answer=written), before.key)
    if isinstance(candidate, Rejected):
        return candidate
    answer = from_model = None
    if candidate.needs_answer:
        answer, from_model = written or one.answer or item.answer, written is None and one.from_model
        if answer is None and worker.answerer is not None:
            answer, from_model = ask(worker, [(candidate, one.images)])[0], True
        if isinstance(answer, str):
            answer = worker.judge.answer_problem(candidate, answer) or answer
        if isinstance(answer, Rejected):
            return answer
    if change.facts:  # it is no longer what its pair was made for
        wanted = replace(wanted, pair="", distance=0)
    # A pair sets the source's answer against the policy's text, not the reviewer's.
    candidate = replace(candidate, item=replace(candidate.item, answer=before.item.answer))
    ready = _Ready(
        replace(wanted, candidate=candidate),
        one.images,
        answer,
        bool(from_model),
        written,
        one.wanted.pair or before.key,
    )
    job = _job(worker, ready)
    return _row(worker, ready, job, worker.writer.write([job])[0])


def _under_attack(worker: Worker, one: _Ready) -> tuple[Item, list[RowImage], str]:
    """The request and its images as the row has them, and the kind of attack that they carry, "" for none. What is due,
    and what is reasoned and answered, is that of the request without it."""
    item, images = one.wanted.candidate.item, [image.of_row() for image in one.images]
    if not worker.recipe.attacks:
        return item, images, ""
    seed, name = worker.setup.seed, one.attacked_as or one.wanted.pair or one.wanted.candidate.key
    for attack in drawn_attacks(worker.policy, share=worker.recipe.attacks, seed=seed, name=name):
        attacked = said(item, attack, seed=seed, name=name)
        if attacked is not None:
            return attacked, images, attack.kind
        if images:
            first = one.images[0]
            made = shown(images[0], first.read(), first.image.margin, attack, seed=seed, name=name)
            if made is not None:
                return item, [made, *images[1:]], attack.kind
    return item, images, ""


def _job(worker: Worker, one: _Ready) -> Job:
    candidate = one.wanted.candidate
    return Job(
        key=candidate.key,
        case=candidate.item.case,
        decision=candidate.decision,
        prompt=candidate.item.prompt,
        images=tuple(image.read() for image in one.images) if worker.writer_sees_images else (),
        source_answer=one.answer,
        seed=worker.row_seed(candidate),
    )
