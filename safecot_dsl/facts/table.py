"""A described source, opened: its requests with their facts."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safecot_dsl.artifact import Case, CompiledPolicy
from safecot_dsl.diagnostics import closest
from safecot_dsl.facts.blocks import Block, Checked
from safecot_dsl.facts.cases.columns import match_columns
from safecot_dsl.facts.cases.faults import CasesError, Faults
from safecot_dsl.facts.description import Description
from safecot_dsl.facts.item import Item, RowError, Skipped
from safecot_dsl.facts.mapping import ColumnValue, FactMapping, case_of, check_mapping, dropped_facts, label
from safecot_dsl.facts.records import OWN_COLUMNS, Raw, Records, chosen_parts
from safecot_dsl.facts.roots import description_of, find_root
from safecot_dsl.facts.rows import check_where
from safecot_dsl.facts.sources import DescribedTable
from safecot_dsl.facts.tables.record import column, columns_of
from safecot_dsl.facts.tables.texts import text_problem

#: A case, and the facts of an image that it lost.
_Read = tuple[Case, tuple[str, ...]]
_CASES = 65_536  # cases that are kept, so that rows with the same labels share one


@dataclass
class TableSource:
    """The open source that a :class:`DescribedTable` names."""

    records: Records
    policy: CompiledPolicy
    facts: FactMapping
    # Columns that are called what a fact is: they are no paths into lists and objects.
    own: frozenset[str] = frozenset()
    _cases: dict[Any, _Read] = field(default_factory=dict[Any, "_Read"], repr=False)

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
        """Raises :class:`CasesError` for cells that do not fit the policy, with all of them that the source has."""
        try:
            return [raw if isinstance(raw, Skipped) else self._item(raw) for raw in self.records.read(block)]
        except RowError:
            raise self._all_faults() from None

    def _all_faults(self) -> CasesError:
        """All that is wrong with the cells of the source, a line for each fault."""
        found: dict[str, Faults] = {}
        for block in self.blocks():
            file = self.records.file_of(block)
            name = f"{self.name} {file.name}"
            faults = found.setdefault(name, Faults(name, file.table.unit))
            for raw in self.records.read(block):
                try:
                    _ = raw if isinstance(raw, Skipped) else self._item(raw)
                except RowError as error:
                    for fault in error.faults:
                        faults.add(fault, raw.place if isinstance(raw, Raw) else None)
        return CasesError("\n".join(str(faults.error()) for faults in found.values() if faults))

    def _item(self, raw: Raw) -> Item | Skipped:
        values = {
            origin.column: raw.columns.get(origin.column)
            if origin.column in self.own
            else column(raw.columns, origin.column)
            for origin in self.facts.values()
            if isinstance(origin, ColumnValue)
        }
        meta = self._meta(raw.columns)
        for name, value in (*values.items(), *meta.items()):
            problem = text_problem(value, f"`{name}`") if isinstance(value, str) else None
            if problem is not None:
                return Skipped(raw.id, self.name, problem.reason, f"{raw.where}: {problem.detail}")
        unseen = self.records.images == "assumed" and bool(raw.absent)
        case, dropped = self._case(values, bool(raw.images) or unseen, raw.where)
        return Item(
            id=raw.id,
            source=self.name,
            licence=self.licence,
            prompt=raw.prompt,
            images=raw.images,
            case=case,
            answer=raw.answer,
            absent_images=raw.absent,
            split=raw.split,
            meta=meta,
            commercial=self.commercial,
            unseen=unseen,
            dropped=dropped,
        )

    def _case(self, values: Mapping[str, Any], has_image: bool, where: str) -> _Read:
        # 1, 1.0 and True are one key to Python, and three labels to a mapping.
        key = (has_image, *((type(value), value) for value in values.values()))
        try:
            known = self._cases.get(key)
        except TypeError:  # a list of labels
            return self._read_case(values, has_image, where)
        if known is None:
            known = self._read_case(values, has_image, where)
            if len(self._cases) < _CASES:
                self._cases[key] = known
        return known

    def _read_case(self, values: Mapping[str, Any], has_image: bool, where: str) -> _Read:
        case = case_of(self.policy, self.facts, values, has_image=has_image, where=where)
        return case, () if has_image else dropped_facts(self.policy, self.facts, values)

    def _meta(self, columns: Mapping[str, Any]) -> dict[str, str]:
        found = {name: column(columns, name) for name in (*self.description.meta, "request")}
        return {name: label(value) for name, value in found.items() if value not in (None, "")}


def open_table_source(source: DescribedTable, policy: CompiledPolicy, base_dir: Path) -> TableSource:
    """Open a described source. Raises :class:`FactsError` where it cannot be read, or does not fit the policy."""
    records = open_records(source, base_dir)
    name = records.description.name
    names = records.names()
    reached = {origin.column for origin in source.facts.values() if isinstance(origin, ColumnValue)}
    inner = {path for path in reached if path.split(".")[0] in (names or ())}  # `a.0.b`: what is in `a` shows when read
    check_mapping(policy, source.facts, None if names is None else names | inner, where=name)
    if names is not None:
        _check_described(records, names)
        check_where(source.where, names, name)
    own = _own_columns(policy, source, records)
    return TableSource(records, policy, {**own, **source.facts}, frozenset(origin.column for origin in own.values()))


class ColumnsNote(UserWarning):
    """Columns of a source were taken for facts whose names are written otherwise."""


class MissingColumnsWarning(UserWarning):
    """A description names columns that its files do not have."""


def _own_columns(policy: CompiledPolicy, source: DescribedTable, records: Records) -> dict[str, ColumnValue]:
    """The columns that are called what a fact is, for the facts that the recipe's mapping leaves out.

    In a table of the user's own, the fact's bare name will do, as it does for `decide`; that is said. A source whose
    description explains its columns has a meaning of its own for them. Raises :class:`CasesError` for a column that is
    misspelt.
    """
    names, name = records.names(), records.description.name
    if names is None:  # a row may have any column
        return {fact.name: ColumnValue(column=fact.name) for fact in policy.facts if fact.name not in source.facts}
    used = {origin.column for origin in source.facts.values() if isinstance(origin, ColumnValue)} | OWN_COLUMNS.keys()
    used |= _described(records)
    bare = not records.description.columns
    found = match_columns(policy, sorted(names - used), bare=bare, shared=True, taken=source.facts)
    if found.faults:
        raise CasesError("\n".join(f"{name}: {fault}" for fault in found.faults))
    own = {fact: ColumnValue(column=column) for fact, column in found.facts.items() if fact not in source.facts}
    renamed = [f"`{column}` is read as `{fact}`" for column, fact in found.renamed if fact in own]
    if renamed:
        warnings.warn(f"{name}: {', '.join(renamed)}", ColumnsNote, stacklevel=2)
    return own


def _described(records: Records) -> set[str]:
    """The columns that the description has a use for."""
    used: set[str] = set()
    for part in records.parts:
        own = records.description.id_of(part)
        used.update(columns_of(own) if own is not None else ())
        for request in records.description.requests_of(part):
            specs = (request.prompt, request.answer, *request.images)
            used.update(name for spec in specs if spec is not None for name in columns_of(spec))
    return used


def _check_described(records: Records, names: set[str]) -> None:
    """Warn where the user's own description names a column that no file has: every picture, or every answer, is then
    missing, and nothing fails. It is no error, since files without answers may share a description."""
    if records.description.columns:
        return
    heads = {name.split(".")[0]: name for name in _described(records) if name not in names}
    missing = sorted(name for head, name in heads.items() if head not in names)
    if not missing:
        return
    theirs = sorted({name for file in records.files for name in file.table.names or ()})
    hints = [(name, closest(name, theirs)) for name in missing]
    said = ", ".join(f"`{name}`" + (f" (did you mean `{near}`?)" if near else "") for name, near in hints)
    verb = "is no column" if len(missing) == 1 else "are no columns"
    warnings.warn(
        f"{records.description.name}: {said} {verb} of its files (they have {', '.join(theirs)})",
        MissingColumnsWarning,
        stacklevel=3,
    )


def open_records(source: DescribedTable, base_dir: Path) -> Records:
    """The records of a described source, before any fact. Raises :class:`FactsError` where they cannot be read."""
    description = description_of(source, base_dir)
    parts = chosen_parts(description, source.parts)
    root = find_root(source.root, parts, base_dir)
    return Records.open(
        description, root.folder, boundary=root.boundary, parts=parts, images=source.images, where=source.where
    )
