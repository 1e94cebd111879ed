"""Whether the columns of a Parquet file can be read as what they should be, told by the schemas alone."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

#: Columns of which every value may be null: another program writes one that is all null without a type.
_MAY_BE_EMPTY = frozenset({"system", "origins", "writing", "due"})

#: What a column without a type holds.
_EMPTY = "no values"


def column_fault(file: Path, schema: pa.Schema, required: Collection[str]) -> str | None:
    """What is wrong with the columns of a file, as a clause that begins with the file's name; None where it has those
    that are required, and each that the schema names can be read as what the schema says.

    Raises:
        OSError, pyarrow.ArrowException: the file cannot be read as Parquet.
    """
    import pyarrow.parquet as parquet

    there = parquet.read_schema(file)
    name = f"`{file.parent.name}/{file.name}`"
    for field in schema:
        if field.name not in there.names:
            if field.name in required:
                return f"{name} has no column `{field.name}`"
            continue
        if there.names.count(field.name) > 1:
            return f"{name} has more than one column `{field.name}`"
        found = there.field(field.name).type
        if field.name in _MAY_BE_EMPTY and _kind(found) == _EMPTY:
            continue
        fault = _fault(field.name, found, field.type)
        if fault is not None:
            return f"{name} has {fault}"
    return None


def _fault(name: str, there: pa.DataType, wanted: pa.DataType) -> str | None:
    """What a column, or a part of one, has instead of what is wanted."""
    import pyarrow as pa

    kind, due = _kind(there), _kind(wanted)
    if kind != due:
        return f"{kind} in the column `{name}`, where {due} belong"
    if kind == "lists":
        assert isinstance(there, pa.ListType | pa.LargeListType | pa.FixedSizeListType)
        assert isinstance(wanted, pa.ListType)
        inner = there.value_type  # of lists that are all empty it is that of null
        return None if _kind(inner) == _EMPTY else _fault(name, inner, wanted.value_type)
    if kind == "records":
        assert isinstance(there, pa.StructType)
        assert isinstance(wanted, pa.StructType)
        for part in wanted:
            at = there.get_field_index(part.name)
            fault = (
                f"no part `{part.name}` in the column `{name}`"
                if at < 0
                else None
                if _kind(there.field(at).type) == _EMPTY
                else _fault(f"{name}.{part.name}", there.field(at).type, part.type)
            )
            if fault is not None:
                return fault
    return None


def _kind(found: pa.DataType) -> str:
    """What values of a type are, whatever their width and their encoding."""
    import pyarrow as pa

    known = pa.types
    if isinstance(found, pa.DictionaryType):
        return _kind(found.value_type)
    if known.is_string(found) or known.is_large_string(found) or known.is_string_view(found):
        return "texts"
    if known.is_integer(found):
        return "whole numbers"
    if known.is_floating(found):
        return "numbers with a fraction"
    if known.is_boolean(found):
        return "truth values"
    if known.is_binary(found) or known.is_large_binary(found) or known.is_fixed_size_binary(found):
        return "bytes"
    if known.is_list(found) or known.is_large_list(found) or known.is_fixed_size_list(found):
        return "lists"
    if known.is_struct(found):
        return "records"
    return _EMPTY if known.is_null(found) else f"values of the type {found}"
