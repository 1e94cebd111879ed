"""From Arrow's columns to records: Python values, with pictures left where they are."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from safecot_dsl.facts.tables.limits import MAX_RECORD, MAX_TEXT, MIB
from safecot_dsl.facts.tables.record import Broken, Record, StoredImage

if TYPE_CHECKING:
    import pyarrow as pa

_MAX_BYTES = 4 * MAX_TEXT  # of a text in UTF-8
_MAX_NESTED = 256 * MIB  # of lists and objects in one batch


def records_of(
    batch: pa.RecordBatch, names: tuple[str, ...], pictures: Collection[str], at: StoredImage
) -> list[Record | Broken]:
    """The records of a batch; `at` stands for what is in its first row. Raises `ValueError` for a batch too large."""
    labels = _class_labels(batch.schema)
    columns: list[list[Any]] = []
    for name in names:
        array = batch.column(name)
        if name in pictures:
            columns.append(_pictures(array, replace(at, column=name)))
        else:
            columns.append(_values(array, labels.get(name)))
    records: list[Record | Broken] = []
    for row in range(batch.num_rows):
        values = [column[row] for column in columns]
        long = next((value for value in values if isinstance(value, Broken)), None)
        records.append(long if long is not None else dict(zip(names, values, strict=True)))
    return records


def is_picture(kind: pa.DataType) -> bool:
    """Whether a column holds encoded pictures, or lists of them: bytes, or objects of `bytes` and perhaps `path`."""
    import pyarrow as pa

    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        kind = kind.value_type
    if pa.types.is_struct(kind):
        names = {kind.field(number).name for number in range(kind.num_fields)}
        return names in ({"bytes", "path"}, {"bytes"})
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _pictures(array: pa.Array, at: StoredImage) -> list[Any]:
    """Each row's picture, or list of them: its place, its path where only that is there, None where there is none."""
    import pyarrow as pa

    if not (pa.types.is_list(array.type) or pa.types.is_large_list(array.type)):
        return [
            replace(at, row=at.row + row, name=name) if here else name
            for row, (here, name) in enumerate(zip(_there(array), _names(array), strict=True))
        ]
    found: list[Any] = []
    for row in range(len(array)):
        items = array[row].values
        if items is None:
            found.append(None)
            continue
        pairs = enumerate(zip(_there(items), _names(items), strict=True))
        found.append(
            [replace(at, row=at.row + row, item=item, name=name) if here else name for item, (here, name) in pairs]
        )
    return found


def _there(array: pa.Array) -> list[bool]:
    """Of which pictures the bytes are there."""
    import pyarrow as pa

    valid: list[bool] = array.is_valid().to_pylist()
    if pa.types.is_struct(array.type) and array.type.get_field_index("bytes") >= 0:
        return [one and other for one, other in zip(valid, array.field("bytes").is_valid().to_pylist(), strict=True)]
    return valid


def _names(array: pa.Array) -> list[str | None]:
    import pyarrow as pa

    if pa.types.is_struct(array.type) and array.type.get_field_index("path") >= 0:
        paths = array.field("path")
        if pa.types.is_string(paths.type):
            valid: list[bool] = array.is_valid().to_pylist()
            names = zip(valid, paths.to_pylist(), strict=True)
            return [name if there and name is not None and len(name) <= 4096 else None for there, name in names]
    return [None] * len(array)


def _values(array: pa.Array, labels: list[str] | None) -> list[Any]:
    import pyarrow as pa

    kind = array.type
    if pa.types.is_dictionary(kind):
        words = _values(array.dictionary, None)
        return [None if index is None else words[index] for index in array.indices.to_pylist()]
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _texts(array)
    if pa.types.is_nested(kind) and array.nbytes > _MAX_NESTED:
        raise ValueError(f"lists and objects of {array.nbytes:,} bytes in {len(array):,} rows")
    values = array.to_pylist()
    if labels is not None:
        return [labels[value] if isinstance(value, int) and 0 <= value < len(labels) else None for value in values]
    if pa.types.is_floating(kind):
        return [None if value != value else value for value in values]  # what pandas writes for an absent value
    return values


def _texts(array: pa.Array) -> list[Any]:
    """Texts as Python's own; one that is too long is not made, and is its row's fault."""
    import pyarrow.compute as pc

    lengths: list[int | None] = pc.call_function("binary_length", [array]).to_pylist()
    if all(length is None or length <= _MAX_BYTES for length in lengths):
        return array.to_pylist()
    return [
        array[row].as_py()
        if length is None or length <= _MAX_BYTES
        else Broken("text_too_long", f"a text of {length:,} bytes, above the limit of {MAX_TEXT:,} characters")
        for row, length in enumerate(lengths)
    ]


def _class_labels(schema: pa.Schema) -> dict[str, list[str]]:
    """The names of class labels by column, as `datasets` writes them into a schema's metadata."""
    raw = (schema.metadata or {}).get(b"huggingface")
    if raw is None or len(raw) > MAX_RECORD:
        return {}
    try:
        features = json.loads(raw)["info"]["features"]
        return {
            column: feature["names"]
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and isinstance(feature["names"], list)
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
