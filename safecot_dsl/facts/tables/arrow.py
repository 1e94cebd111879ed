"""Parquet and Arrow files as runs of record batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from safecot_dsl.facts.tables.limits import MAX_COLUMN

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS_AT_ONCE = 1024
_PICTURES_AT_ONCE = 16


@dataclass
class RowBatches:
    """The rows `start` to `stop` (exclusive) of a file, in order."""

    start: int
    stop: int
    batches: Iterator[pa.RecordBatch]


class ArrowSource:
    """An Arrow file, mapped into memory: a stream (as `datasets` saves them) or the random-access format. One that is
    compressed is refused: it would be unpacked whole, to nobody knows how much."""

    def __init__(self, path: str, held: bytes | None) -> None:
        import pyarrow as pa

        file = pa.BufferReader(held) if held is not None else pa.memory_map(path)
        if any(_compressed(message) for message in _messages(file)):
            raise ValueError("it is compressed; save it without compression, or as Parquet")
        file.seek(0)
        try:
            self._table: pa.Table = pa.ipc.open_file(file).read_all()
        except pa.ArrowInvalid:
            file.seek(0)
            self._table = pa.ipc.open_stream(file).read_all()
        self.schema: pa.Schema = self._table.schema
        self.rows: int = self._table.num_rows

    def batches(self, row: int, columns: tuple[str, ...], pictures: bool) -> RowBatches:
        size = 1 if pictures else _ROWS_AT_ONCE
        table = self._table.select(list(columns))
        pieces = (
            table.slice(at, size).combine_chunks().to_batches()[0] for at in range(row, self.rows, size)
        )  # copies a piece, and maps the rest
        return RowBatches(row, self.rows, pieces)


class ParquetSource:
    """A Parquet file. Texts stay in their dictionaries: a long one that is repeated is held once."""

    def __init__(self, path: str, held: bytes | None) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.schema: pa.Schema = pq.read_schema(pa.BufferReader(held) if held is not None else path)
        texts = [field.name for field in self.schema if pa.types.is_string(field.type)]
        source = pa.BufferReader(held) if held is not None else path
        self._file = pq.ParquetFile(source, read_dictionary=texts, pre_buffer=False)
        self._facts = self._file.metadata
        self.rows: int = self._facts.num_rows
        self._starts = [0]
        for group in range(self._facts.num_row_groups):
            self._starts.append(self._starts[-1] + self._facts.row_group(group).num_rows)

    def batches(self, row: int, columns: tuple[str, ...], pictures: bool) -> RowBatches:
        """The row group that `row` is in. Raises `ValueError` for a column that unpacks to too much."""
        group = next(number for number in range(len(self._starts) - 1) if self._starts[number + 1] > row)
        leaves: list[str] = []
        size = _PICTURES_AT_ONCE if pictures else _ROWS_AT_ONCE
        for name in columns:
            chosen, heavy = ([name], True) if pictures else self._leaves(group, name)
            leaves.extend(chosen)
            if heavy:
                size = _PICTURES_AT_ONCE
        batches = self._file.iter_batches(batch_size=size, row_groups=[group], columns=leaves, use_threads=False)
        return RowBatches(self._starts[group], self._starts[group + 1], iter(batches))

    def _leaves(self, group: int, name: str) -> tuple[list[str], bool]:
        """What to decode to know what stands in a column, and whether that takes pictures' bytes. Of pictures with a
        path, none of which is absent, the path alone will do."""
        facts = self._facts.row_group(group)
        chunks = [facts.column(number) for number in range(facts.num_columns)]
        own = [chunk for chunk in chunks if chunk.path_in_schema.split(".")[0] == name]
        light: list[str] = []
        absent = False
        for chunk in own:
            if chunk.path_in_schema.endswith(".bytes") and len(own) > 1:
                statistics = chunk.statistics
                absent = statistics is None or not statistics.has_null_count or statistics.null_count > 0
                continue
            light.append(chunk.path_in_schema)
            if chunk.physical_type == "BYTE_ARRAY" and chunk.total_uncompressed_size > MAX_COLUMN:
                raise ValueError(
                    f"`{chunk.path_in_schema}` unpacks to {chunk.total_uncompressed_size:,} bytes in one row group, "
                    f"above the limit of {MAX_COLUMN:,}"
                )
        if len(light) < len(own) and not absent:
            return light, False
        return [name], len(light) < len(own)


_MAGIC = b"ARROW1\0\0"  # begins the random-access format, which ends in a footer
_ENDING = 10  # bytes after the footer: its length, and the magic without its padding


def _messages(file: pa.NativeFile) -> Iterator[bytes]:
    """The metadata of a file's batches and dictionaries, and of a stream that of its schema, too."""
    import pyarrow as pa

    if file.read(len(_MAGIC)) == _MAGIC:
        yield from _blocks(file)
        return
    file.seek(0)
    reader = pa.ipc.MessageReader.open_stream(file)
    while True:
        try:
            yield reader.read_next_message().metadata.to_pybytes()
        except (StopIteration, EOFError):
            return


def _blocks(file: pa.NativeFile) -> Iterator[bytes]:
    """The messages that the footer of a random-access file names: what stands before it need not be a stream.

    Arrow's File.fbs: a Footer has its dictionaries and its batches in its third and fourth field, as lists of blocks of
    24 bytes: where a message begins (8 bytes), how long its metadata is (4), padding (4), and how long its body is (8).
    """
    size = file.size()
    file.seek(size - _ENDING)
    length = int.from_bytes(file.read(4), "little")
    if length > size - _ENDING - len(_MAGIC):
        raise ValueError("its footer is longer than the file")
    file.seek(size - _ENDING - length)
    footer = file.read(length)
    table = int.from_bytes(footer[:4], "little")
    for number in (2, 3):
        at = _field(footer, table, number)
        if at is None:
            continue
        blocks = at + int.from_bytes(footer[at : at + 4], "little")
        count = int.from_bytes(footer[blocks : blocks + 4], "little")
        for start in range(blocks + 4, min(blocks + 4 + 24 * count, length), 24):
            file.seek(min(int.from_bytes(footer[start : start + 8], "little"), size))
            message = file.read(int.from_bytes(footer[start + 8 : start + 12], "little"))
            yield message[8 if message[:4] == b"\xff\xff\xff\xff" else 4 :]


def _compressed(message: bytes) -> bool:
    """Whether a message is a batch, or a dictionary, whose buffers are compressed.

    Arrow's Message.fbs: a Message has its header in its third field, a DictionaryBatch its RecordBatch in its second,
    and a RecordBatch its compression in its fourth.
    """
    table = int.from_bytes(message[:4], "little")
    kind = _field(message, table, 1)
    header = _field(message, table, 2)
    if kind is None or header is None:
        return False
    batch = header + int.from_bytes(message[header : header + 4], "little")
    match message[kind]:
        case 2:  # DictionaryBatch
            data = _field(message, batch, 1)
            if data is None:
                return False
            batch = data + int.from_bytes(message[data : data + 4], "little")
        case 3:  # RecordBatch
            pass
        case _:
            return False
    return _field(message, batch, 3) is not None


def _field(message: bytes, table: int, number: int) -> int | None:
    """Where a field of a FlatBuffers table stands, None where it is absent."""
    entries = table - int.from_bytes(message[table : table + 4], "little", signed=True)
    at = 4 + 2 * number
    if at >= int.from_bytes(message[entries : entries + 2], "little"):
        return None
    offset = int.from_bytes(message[entries + at : entries + at + 2], "little")
    return table + offset if offset else None
