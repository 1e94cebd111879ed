"""The requests of a suite, before any picture is opened: what is asked, what is due, and which belong together."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safecot_dsl.datafiles import recipes_root
from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.suites.choice import as_choice
from safecot_dsl.evaluation.suites.description import DueRule, NumberedColumn, SuiteDescription
from safecot_dsl.evaluation.suites.embedded import read_embedded
from safecot_dsl.facts import DescribedTable, FactsError, LazyImage, Skipped
from safecot_dsl.facts.description import RequestField, SourcePart
from safecot_dsl.facts.mapping import label
from safecot_dsl.facts.records import Records
from safecot_dsl.facts.roots import find_root
from safecot_dsl.facts.rows import selected
from safecot_dsl.facts.table import open_records
from safecot_dsl.facts.tables.lines import read_jsonl
from safecot_dsl.facts.tables.record import Broken, column, filled, is_template
from safecot_dsl.facts.tables.texts import text_problem
from safecot_dsl.facts.typography import draw_list
from safecot_dsl.facts.unfolding import Raw
from safecot_dsl.storage import Progress


@dataclass(frozen=True)
class PlainItem:
    """An item without its pictures, and these. Its id is still that of its source."""

    item: EvalItem
    images: tuple[LazyImage, ...]
    where: str


def asked_of(
    suite: SuiteDescription, root: str, base_dir: Path, parts: tuple[str, ...], progress: Progress | None
) -> Iterator[PlainItem | Skipped]:
    """The requests of a suite's files, in their order, and the rows that are none.

    Raises :class:`FactsError` where the files cannot be read.
    """
    counts: dict[str, Counter[str]] = {name: Counter() for name in suite.columns}
    for raw in _raws(suite, root, base_dir, parts, progress):
        yield raw if isinstance(raw, Skipped) else _asked(suite, raw, counts)


def table_of(suite: SuiteDescription, root: str, parts: tuple[str, ...]) -> DescribedTable:
    """The source of a suite's rows; of the parts named, or of those that the suite is about."""
    return DescribedTable(source=suite.source, describe=suite.describe, root=root, parts=parts or suite.parts)


def embedded_folder(suite: SuiteDescription, root: str, base_dir: Path) -> Path:
    """The folder of files with pictures in them, fetched where `root` is on the hub."""
    assert suite.embedded is not None
    wanted = SourcePart(name="row", files=suite.embedded.files, requests=(RequestField(prompt=suite.embedded.prompt),))
    return find_root(root, (wanted,), base_dir).folder


def _raws(
    suite: SuiteDescription, root: str, base_dir: Path, parts: tuple[str, ...], progress: Progress | None
) -> Iterator[Raw | Skipped]:
    if suite.embedded is not None:
        yield from read_embedded(suite.embedded, suite.name, embedded_folder(suite, root, base_dir))
        return
    records = open_records(table_of(suite, root, parts), base_dir)
    if progress is not None:
        progress.start(f"reading {suite.name}", sum(file.table.rows for file in records.files), unit="rows")
    for block in records.blocks():
        yield from records.read(block)
        if progress is not None:
            progress.advance(block.stop - block.start)
    if suite.twins:
        yield from figstep_twins(suite.twins, records)


def _asked(suite: SuiteDescription, raw: Raw, counts: Mapping[str, Counter[str]]) -> PlainItem | Skipped:
    columns = _columns(suite, raw, counts)
    rule = next((rule for rule in suite.rules if selected(rule.where, columns, raw.id, suite.name) is None), None)
    if rule is None:
        named = dict.fromkeys(name for one in suite.rules for name in one.where)
        seen = ", ".join(f"`{name}` is {str(column(columns, name))[:80]!r}" for name in named)
        return Skipped(raw.id, suite.name, "no_rule", f"{raw.where}: no rule says what is due where {seen}")
    asked = as_choice(suite.choice, columns, raw.prompt) if suite.choice is not None else (raw.prompt, (), None)
    if isinstance(asked, Broken):
        return Skipped(raw.id, suite.name, asked.reason, f"{raw.where}: {asked.detail}")
    prompt, options, expected = asked
    hazard, group = _first_text(suite.hazard, columns), _first_text(suite.group, columns)
    problem = text_problem(prompt, "the request") or text_problem(hazard + group, "the hazard or the group")
    if problem is not None:
        return Skipped(raw.id, suite.name, problem.reason, f"{raw.where}: {problem.detail}")
    return PlainItem(_item(suite, rule, raw, prompt, options, expected, hazard, group), raw.images, raw.where)


def _item(
    suite: SuiteDescription,
    rule: DueRule,
    raw: Raw,
    prompt: str,
    options: tuple[str, ...],
    expected: str | None,
    hazard: str,
    group: str,
) -> EvalItem:
    return EvalItem(
        id=f"{suite.name}/{raw.id}",
        split=f"{suite.name}/{rule.split}",
        kind=rule.kind,
        prompt=rule.before + prompt,
        due=rule.due,
        must=rule.must,
        accepts=rule.accepts,
        expected=expected,
        group=f"{suite.name}/{group}" if group else "",
        source=suite.source or suite.name,
        suite=suite.name,
        hazard=hazard,
        options=options,
    )


def _columns(suite: SuiteDescription, raw: Raw, counts: Mapping[str, Counter[str]]) -> dict[str, Any]:
    """The source's columns and those that the suite makes of them."""
    columns: dict[str, Any] = {**raw.columns, "twin": _twin(raw)}
    for name, made in suite.columns.items():
        if isinstance(made, NumberedColumn):
            of = label(column(columns, made.count))
            counts[name][of] += 1
            columns[name] = counts[name][of]
        else:
            value = column(columns, made.column)
            columns[name] = value if value is None else made.map.get(label(value), value)
    return columns


def _twin(raw: Raw) -> str:
    """The id without the request's name: `chat-7/unsafe/2` and `chat-7/safe/2` are `chat-7/2`."""
    named = raw.columns.get("request")
    if not isinstance(named, str) or not named:
        return raw.id
    return re.sub(rf"/{re.escape(named)}(/\d+)?\Z", r"\1", raw.id)


def _first_text(templates: str | tuple[str, ...], columns: Mapping[str, Any]) -> str:
    """The first of the texts that a row has."""
    several = (templates,) if isinstance(templates, str) else templates
    return next(filter(None, (_text(one, columns) for one in several)), "")


def _text(template: str, columns: Mapping[str, Any]) -> str:
    """What a text with columns in it, or a column, says of a row; empty where one of its columns is."""
    if not template:
        return ""
    if not is_template(template):
        value = column(columns, template)
        if isinstance(value, list):
            return ", ".join(label(one) for one in value)
        return "" if value is None else label(value)
    return filled(template, columns) or ""


_KEYS = ("dataset", "category_id", "task_id", "instruction")


def figstep_twins(name: str, records: Records) -> Iterator[Raw | Skipped]:
    """A request for each line of a file that ships: the three columns that name the forbidden row which it is the twin
    of, and the instruction that is drawn. `kind` is benign in its rows.

    Raises :class:`FactsError` for a line that is not of this form.
    """
    source = records.description
    (prompt,) = source.requests[0].prompts
    path = recipes_root() / name
    for line, record in read_jsonl(path):
        where = f"{source.name} {path.name}:{line}"
        if isinstance(record, str) or any(not isinstance(record.get(key), str) for key in _KEYS):
            raise FactsError(f"{where}: the texts {', '.join(_KEYS)} are wanted")
        item_id = "benign_{category_id}_{task_id}".format_map(record)
        image = LazyImage(f"{item_id}.png", functools.partial(draw_list, record["instruction"]))
        columns = {**record, "kind": "benign", "part": "benign", "request": "", "prompt": prompt}
        yield Raw(item_id, prompt, None, (image,), (), columns, "test", where)
