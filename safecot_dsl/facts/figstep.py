"""Reader of FigStep's SafeBench-Tiny: typographic images whose text is the request."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.facts.item import FactsError, Item, LazyImage, Skipped
from safecot_dsl.facts.mapping import case_of, check_mapping
from safecot_dsl.facts.rows import check_where, selected
from safecot_dsl.facts.sources import FigStep
from safecot_dsl.facts.tables.delimited import Delimited
from safecot_dsl.facts.tables.file import locate
from safecot_dsl.facts.tables.lines import read_jsonl
from safecot_dsl.facts.tables.places import FileBytes, Folder
from safecot_dsl.facts.tables.record import Broken
from safecot_dsl.facts.tables.texts import text_problem
from safecot_dsl.facts.typography import draw_list

_CSV = "SafeBench-Tiny.csv"
_STEMS = "benign_sentences.csv"
_CSV_COLUMNS = ("dataset", "category_id", "task_id", "category_name", "question", "instruction")
_COLUMNS = (*_CSV_COLUMNS[1:], "image_text", "prompt", "request", "kind")
_LIST = "\n1.\n2.\n3."  # what every image shows below the instruction
_LICENCE = "MIT"
_BENIGN_LICENCE = "MIT (stems); the recipe's (fills and answers)"


@dataclass(frozen=True)
class _Picture:
    """An image with what the source knows of it; `answer` is the source's own to the request to fill in the list."""

    id: str
    where: str
    columns: dict[str, Any]
    image: LazyImage
    licence: str
    answer: str | None = None


def read_figstep(source: FigStep, policy: CompiledPolicy, base_dir: Path) -> Iterator[Item | Skipped]:
    """The forbidden images in the order of the CSV, then the benign twins in the order of their file; of each the
    request to fill in the list, then (with `read_out`) the one to read it. Prompts take turns.

    Raises :class:`FactsError` where the folder, a column or a fact does not fit.
    """
    root, font = base_dir / source.root, _font(source, base_dir)
    check_mapping(policy, source.facts, _COLUMNS, where="figstep")
    check_where(source.where, _COLUMNS, "figstep")
    pictures = [_forbidden(source, root, font)]
    if source.benign is not None:
        pictures.append(_benign(root, base_dir / source.benign, font))
    for number, picture in enumerate(itertools.chain(*pictures)):
        if isinstance(picture, Skipped):
            yield picture
            continue
        yield _item(source, policy, picture, "fill_in", source.prompts[number % len(source.prompts)])
        if source.read_out:
            yield _item(source, policy, picture, "read_out", source.read_out[number % len(source.read_out)])


def _item(source: FigStep, policy: CompiledPolicy, picture: _Picture, request: str, prompt: str) -> Item | Skipped:
    item_id = picture.id if request == "fill_in" else f"{picture.id}/{request}"
    image_text = picture.columns["instruction"] + _LIST
    row = {**picture.columns, "image_text": image_text, "prompt": prompt, "request": request}
    problem = text_problem(image_text, "the instruction")
    if problem is not None:
        return Skipped(item_id, "figstep", problem.reason, f"{picture.where}: {problem.detail}")
    return selected(source.where, row, item_id, "figstep") or Item(
        id=item_id,
        source="figstep",
        licence=picture.licence,
        prompt=prompt,
        images=(picture.image,),
        case=case_of(policy, source.facts, row, has_image=True, where=picture.where),
        answer=image_text if request == "read_out" else picture.answer,
        meta={"instruction": picture.columns["instruction"], "request": request},
    )


def _forbidden(source: FigStep, root: Path, font: Path | None) -> Iterator[_Picture | Skipped]:
    for record in _read_csv(root, _CSV, _CSV_COLUMNS):
        item_id = f"{record['dataset']}_{record['category_id']}_{record['task_id']}"
        name = f"query_{item_id}_6.png"
        if source.redraw:
            image = LazyImage(name, functools.partial(draw_list, record["instruction"], font))
        else:
            found = Folder(root).find(f"images/{name}")
            if isinstance(found, Broken):
                yield Skipped(item_id, "figstep", found.reason, found.detail)
                continue
            image = LazyImage(name, found, Path(found.path) if isinstance(found, FileBytes) else None)
        columns = {name: record[name] for name in _CSV_COLUMNS[1:]} | {"kind": "forbidden"}
        yield _Picture(item_id, f"figstep row {item_id}", columns, image, _LICENCE)


def _benign(root: Path, path: Path, font: Path | None) -> Iterator[_Picture | Skipped]:
    # Its only column stands without quotes, commas and all; there are no tabs.
    stems = {record["sentence"].strip() for record in _read_csv(root, _STEMS, ("sentence",), delimiter="\t")}
    for line, record in read_jsonl(path):
        item_id, where = f"benign_{line}", f"figstep benign row {path.name}:{line}"
        if isinstance(record, str):
            yield Skipped(item_id, "figstep", "malformed", f"{where}: {record}")
            continue
        stem, fill, answer = _twin(record, where)
        if stem not in stems:
            raise FactsError(f"{where}: {stem!r} is not a stem of {_STEMS}")
        instruction = stem.replace("*", fill)
        image = LazyImage(f"{item_id}.png", functools.partial(draw_list, instruction, font))
        columns = {"instruction": instruction, "kind": "benign"}
        yield _Picture(item_id, where, columns, image, _BENIGN_LICENCE, answer)


def _twin(record: dict[str, Any], where: str) -> tuple[str, str, str | None]:
    """`stem`, `fill` and `answer` of a record, each of its type."""
    unknown = sorted(record.keys() - {"stem", "fill", "answer"})
    if unknown:
        raise FactsError(f"{where}: unknown key `{unknown[0]}` (known are stem, fill, answer)")
    stem, fill, answer = record.get("stem"), record.get("fill"), record.get("answer")
    if not isinstance(stem, str) or not isinstance(fill, str) or not fill.strip():
        raise FactsError(f"{where}: `stem` and `fill` must be texts")
    if answer is not None and not isinstance(answer, str):
        raise FactsError(f"{where}: `answer` must be a text, not {json.dumps(answer)}")
    return stem, fill, answer


def _font(source: FigStep, base_dir: Path) -> Path | None:
    if source.font is None:
        return None
    path = base_dir / source.font
    if not path.is_file():
        raise FactsError(f"figstep: the font {path} does not exist")
    return path


def _read_csv(root: Path, name: str, columns: tuple[str, ...], delimiter: str = ",") -> Iterator[dict[str, str]]:
    found = next(iter(locate(root, name)), None)
    if found is None:
        raise FactsError(
            f"cannot read {root / name}: there is no such file; set the source's `root` to FigStep's folder"
        )
    if isinstance(found, Broken):
        raise FactsError(found.detail)
    table = Delimited.of(found, delimiter)
    missing = [column for column in columns if column not in table.names]
    if missing:
        raise FactsError(f"{root / name} has no column `{missing[0]}` (it has {', '.join(table.names)})")
    for line, record in table.read(0, table.rows):
        if isinstance(record, Broken):
            raise FactsError(f"{root / name}:{line}: {record.detail}")
        yield {column: (record or {}).get(column) or "" for column in columns}
