"""A described source, opened: its requests with their facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safecot_dsl.artifact import Case, CompiledPolicy
from safecot_dsl.facts.blocks import Block, Checked
from safecot_dsl.facts.description import Description
from safecot_dsl.facts.item import Item, Skipped
from safecot_dsl.facts.mapping import Column, FactMapping, case_of, check_mapping, label
from safecot_dsl.facts.records import Raw, Records, chosen_parts
from safecot_dsl.facts.roots import description_of, find_root
from safecot_dsl.facts.rows import check_where
from safecot_dsl.facts.sources import Table
from safecot_dsl.facts.tables.record import column
from safecot_dsl.facts.tables.texts import text_problem

_CASES = 65_536  # cases that are kept, so that rows with the same labels share one


@dataclass
class TableSource:
    """The open source that a :class:`Table` names."""

    records: Records
    policy: CompiledPolicy
    facts: FactMapping
    _cases: dict[Any, Case] = field(default_factory=dict[Any, Case], repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cases": {}}

    @property
    def description(self) -> Description:
        return self.records.description

    @property
    def name(self) -> str:
        return self.description.name

    @property
    def licence(self) -> str:
        return self.description.licence

    @property
    def commercial(self) -> bool:
        return self.description.commercial

    @property
    def checked(self) -> Checked:
        return self.description.checked

    def blocks(self) -> Iterable[Block]:
        return self.records.blocks()

    def read(self, block: Block) -> list[Item | Skipped]:
        return [raw if isinstance(raw, Skipped) else self._item(raw) for raw in self.records.read(block)]

    def _item(self, raw: Raw) -> Item | Skipped:
        values = {
            origin.column: column(raw.columns, origin.column)
            for origin in self.facts.values()
            if isinstance(origin, Column)
        }
        meta = self._meta(raw.columns)
        for name, value in (*values.items(), *meta.items()):
            problem = text_problem(value, f"`{name}`") if isinstance(value, str) else None
            if problem is not None:
                return Skipped(raw.id, self.name, problem.reason, f"{raw.where}: {problem.detail}")
        unseen = self.records.images == "assumed" and bool(raw.absent)
        return Item(
            id=raw.id,
            source=self.name,
            licence=self.licence,
            prompt=raw.prompt,
            images=raw.images,
            case=self._case(values, bool(raw.images) or unseen, raw.where),
            answer=raw.answer,
            absent_images=raw.absent,
            split=raw.split,
            meta=meta,
            commercial=self.commercial,
            unseen=unseen,
        )

    def _case(self, values: Mapping[str, Any], has_image: bool, where: str) -> Case:
        # 1, 1.0 and True are one key to Python, and three labels to a mapping.
        key = (has_image, *((type(value), value) for value in values.values()))
        try:
            known = self._cases.get(key)
        except TypeError:  # a list of labels
            return case_of(self.policy, self.facts, values, has_image=has_image, where=where)
        if known is None:
            known = case_of(self.policy, self.facts, values, has_image=has_image, where=where)
            if len(self._cases) < _CASES:
                self._cases[key] = known
        return known

    def _meta(self, columns: Mapping[str, Any]) -> dict[str, str]:
        found = {name: column(columns, name) for name in (*self.description.meta, "request")}
        return {name: label(value) for name, value in found.items() if value not in (None, "")}


def open_table_source(source: Table, policy: CompiledPolicy, base_dir: Path) -> TableSource:
    """Open a described source. Raises :class:`FactsError` where it cannot be read, or does not fit the policy."""
    records = open_records(source, base_dir)
    name = records.description.name
    names = records.names()
    reached = {origin.column for origin in source.facts.values() if isinstance(origin, Column)}
    inner = {path for path in reached if path.split(".")[0] in (names or ())}  # `a.0.b`: what is in `a` shows when read
    check_mapping(policy, source.facts, None if names is None else names | inner, where=name)
    if names is not None:
        check_where(source.where, names, name)
    return TableSource(records, policy, source.facts)


def open_records(source: Table, base_dir: Path) -> Records:
    """The records of a described source, before any fact. Raises :class:`FactsError` where they cannot be read."""
    description = description_of(source, base_dir)
    parts = chosen_parts(description, source.parts)
    root = find_root(source.root, parts, base_dir)
    return Records.open(
        description, root.folder, boundary=root.boundary, parts=parts, images=source.images, where=source.where
    )
