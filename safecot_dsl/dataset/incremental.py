"""A data set made again: which rows say the same as before, and stay as they were; which changed, and why.

The rows are made by the ordinary way from source to row, since only that says what they are under the present policy;
what is dear on it (models' answers, texts and facts) is kept by content and not asked for again. Then each row is held
against the one that stood there for the same item. Why it is done so: docs/design/incremental.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset.changes import COLUMNS, Changes, Grouping, RowChange, Side, describe, policy_changes
from safecot_dsl.dataset.profiles import PairedRows
from safecot_dsl.dataset.store import (
    CHANGED_ROWS,
    CHANGES,
    Dataset,
    DatasetError,
    open_dataset,
    policy_file,
    source_file,
)
from safecot_dsl.storage import Progress, write_whole

#: Changed rows that are held at once; more are described in several passes over the rows.
_AT_ONCE = 1 << 14
_READ = 2048


def take_over(
    folder: Path, previous: Path, policies: Sequence[CompiledPolicy], progress: Progress | None = None
) -> Changes | None:
    """Hold the new rows in `folder` against those of the data set `previous`, and write what changed. `policies` are
    those that the new rows were made under, the recipe's own first.

    A row that says the same on the same lines keeps the `policy` that it was made under, and that policy's file comes
    along. `changes.json` says what changed, `changes.jsonl` which rows. Nothing else of the new rows is touched.

    None, and a word to `progress`, where what stands there cannot be compared: of another version, or damaged.
    """
    if progress is not None:
        progress.start("comparing with the rows before", unit="rows")
    new = open_dataset(folder)
    try:
        before = open_dataset(previous)
        pairing = PairedRows.of(before, new)
        present = {policy.digest for policy in policies}
        older = {digest: old for digest, old in before.policies.items() if digest not in present}
    except ValueError as error:
        if progress is not None:
            progress.note(f"what changed is not said: the rows before cannot be read ({error})")
        return None
    kept = pairing.kept(sorted(older))
    for file in new.files if kept else ():
        _put_back(file, kept)
    for digest in sorted(set(kept.values())):
        write_whole(folder / policy_file(digest), older[digest].to_json())
        for record in older[digest].source_map.files:
            text = before.source_bytes(record.sha256)
            if text is not None:
                write_whole(folder / source_file(record.sha256), text)
    return _write(folder, _Comparison(before, new, pairing, new_policy=policies[0]))


def compare_datasets(old: Dataset, new: Dataset) -> tuple[Changes, Iterator[RowChange]]:
    """What changed between two data sets: the counts, and each row that changed, in order.

    Raises:
        DatasetError: one of them is of another version, or a part of it is missing.
    """
    comparison = _Comparison(old, new, PairedRows.of(old, new))
    grouping = Grouping()
    for change in comparison.rows():
        grouping.add(change)
    return comparison.summary(grouping), comparison.rows()


def read_changes(folder: Path) -> Changes | None:
    """What changed when the data set in `folder` was made again; None where it was made for the first time."""
    file = folder / CHANGES
    return Changes.model_validate_json(file.read_bytes()) if file.is_file() else None


class _Comparison:
    """Two data sets whose rows are paired."""

    def __init__(
        self, old: Dataset, new: Dataset, pairing: PairedRows, *, new_policy: CompiledPolicy | None = None
    ) -> None:
        self.old, self.new, self.pairing = old, new, pairing
        self._new_policy = new_policy or new.policy
        self._changed = list(pairing.changed())

    def rows(self) -> Iterator[RowChange]:
        """The rows that changed, came or went: in the order of the new ones, then of those that went."""
        for start in range(0, len(self._changed), _AT_ONCE):
            some = self._changed[start : start + _AT_ONCE]
            before = _rows(self.old, {pair.old_id for pair in some if pair.old_id is not None})
            after = _rows(self.new, {pair.new_id for pair in some if pair.new_id is not None})
            for pair in some:
                old = before[pair.old_id] if pair.old_id is not None else None
                new = after[pair.new_id] if pair.new_id is not None else None
                yield describe(pair.key, old, new, nearest=(pair.old_nearest or "", pair.new_nearest or ""))

    def summary(self, grouping: Grouping) -> Changes:
        same, moved = self.pairing.counts()
        return Changes(
            old=_side(self.old, self.old.policy),
            new=_side(self.new, self._new_policy),
            same=same,
            moved=moved,
            kept=same - moved,
            counts=grouping.counts(),
            groups=grouping.groups(),
            policy=policy_changes(self.old.policy, self._new_policy),
        )


def _side(dataset: Dataset, policy: CompiledPolicy | None) -> Side:
    if policy is None:
        return Side(policy="", version="", digest="", rows=len(dataset))
    return Side(policy=policy.header.name, version=policy.header.version, digest=policy.digest, rows=len(dataset))


def _write(folder: Path, comparison: _Comparison) -> Changes:
    grouping = Grouping()
    with (folder / CHANGED_ROWS).open("w", encoding="utf-8", errors="surrogatepass") as file:
        for change in comparison.rows():
            grouping.add(change)
            file.write(json.dumps(change.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False) + "\n")
    changes = comparison.summary(grouping)
    write_whole(folder / CHANGES, changes.model_dump_json(indent=2) + "\n")
    return changes


def _rows(dataset: Dataset, ids: set[str]) -> Mapping[str, dict[str, Any]]:
    """The rows with these ids, without their images."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found: dict[str, dict[str, Any]] = {}
    if ids:
        wanted = pa.array(sorted(ids), pa.string())
        for batch in dataset.batches(COLUMNS, rows=_READ):
            mask = pc.is_in(batch.column("id"), value_set=wanted)  # pyright: ignore[reportAttributeAccessIssue]
            for row in batch.filter(mask).to_pylist():
                found[row["id"]] = row
    if len(found) < len(ids):
        raise DatasetError(f"{dataset.path}: the rows changed while they were read")
    return found


def _put_back(file: Path, kept: Mapping[str, str]) -> None:
    """Write a file of rows again, with the policies of these rows as they were. Other names of the file, which the
    pieces have, keep what they hold."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    written = file.with_name(f".{file.name}.kept")
    with pq.ParquetFile(file) as opened:
        schema = opened.schema_arrow
        place = schema.get_field_index("policy")
        with pq.ParquetWriter(written, schema, compression="zstd") as writer:
            for group in range(opened.num_row_groups):
                table = opened.read_row_group(group)
                ids, policies = table.column("id").to_pylist(), table.column("policy").to_pylist()
                names = [kept.get(id_, policy) for id_, policy in zip(ids, policies, strict=True)]
                writer.write_table(table.set_column(place, schema.field(place), pa.array(names, pa.string())))
    written.replace(file)
