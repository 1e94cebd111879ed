"""How much a source may ask of whoever reads it. What goes beyond is a counted, named rejection."""

from __future__ import annotations

MIB = 1024 * 1024

#: Characters of a prompt, an answer, or a text that becomes a fact: some 25,000 tokens.
MAX_TEXT = 100_000

#: Bytes of one record of a text file (a line of JSONL, a record of CSV, an element of a JSON list).
MAX_RECORD = 16 * MIB

#: Bytes of one encoded image.
MAX_IMAGE = 64 * MIB

#: Bytes of a JSON document that is not one record a line: it is held in memory while it is indexed.
MAX_DOCUMENT = 1024 * MIB

#: Bytes of a table that lies in an archive: it is held in memory while it is read.
MAX_MEMBER = 512 * MIB

#: A member of an archive may be this many times as large as what it is packed in, if it is larger than MAX_UNSUSPECTED.
#: Deflate packs no more than 1032 to 1; tables of JSON reach 50, and pictures 2.
MAX_RATIO = 200
MAX_UNSUSPECTED = MIB

#: Cells of an XLSX workbook, which is held in memory while it is read.
MAX_CELLS = 5_000_000

#: Members of one archive.
MAX_MEMBERS = 2_000_000

#: Bytes that one column of text takes, unpacked, in one row group of a Parquet file.
MAX_COLUMN = 2048 * MIB
