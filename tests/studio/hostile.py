"""A run whose rows were made to do harm: markup, signs that turn or break a text, texts without end, and pictures that
are none."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from PIL import Image

from safecot_dsl.dataset.reviews import append_review, new_review, reviews_file
from safecot_dsl.storage import sha256_bytes
from safecot_dsl.studio.runs import read_json

#: Markup that would run where it became a part of the page.
MARKUP = '<img src=x onerror="window.owned=1"></script><script>window.owned=1</script>'
#: Right-to-left marks that are not closed, and letters that are written from the right.
TURNED = "\u202edesrever\u2066 \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627"
#: NUL and other control signs, an emoji of several parts, and many accents on one letter.
SIGNS = "a\x00b\x07c \U0001f469\u200d\U0001f52c z" + "\u0301" * 200
#: 200 kB without a place to break.
ENDLESS = "x" * 200_000


def bomb() -> bytes:
    """A PNG of some kilobytes that says it has 900 million pixels."""
    return _png(30_000, 30_000, b"")


def truncated() -> bytes:
    """A PNG of which the second half is missing."""
    whole = _encoded(Image.effect_noise((64, 64), 90))
    return whole[: len(whole) // 2]


def svg() -> bytes:
    """An SVG with a script, whose name will end in `.png`."""
    return b'<svg xmlns="http://www.w3.org/2000/svg"><script>window.owned=1</script><rect width="9" height="9"/></svg>'


def strip() -> bytes:
    """A picture that is 20,000 pixels wide and one high."""
    return _encoded(Image.effect_noise((20_000, 1), 90))


PICTURES: dict[str, Callable[[], bytes]] = {"bomb": bomb, "truncated": truncated, "svg": svg, "strip": strip}


def make_hostile(rows: Path) -> list[str]:
    """Write the rows of a data set anew, the first seven hostile; the keys of these, in their order."""
    keys: list[str] = []

    def row(number: int, row: dict[str, Any]) -> None:
        if number < 3:
            text = (MARKUP, f"{TURNED} {SIGNS}", ENDLESS)[number]
            short = text[:200]
            row |= {
                "prompt": text,
                "reasoning": text,
                "answer": text,
                "completion": text,
                "source": short,
                "licence": short,
            }
            for sentence in row["sentences"]:
                sentence |= {"text": text, "rule": short, "file": short}
        elif number < 3 + len(PICTURES):
            data = list(PICTURES.values())[number - 3]()
            row["images"] = [{"bytes": data, "path": f"{MARKUP}.png"}]
            row["image_sha256"] = [sha256_bytes(data).removeprefix("sha256:")]

    def record(number: int, record: dict[str, Any]) -> None:
        if number < 3:
            short = (MARKUP, f"{TURNED} {SIGNS}", ENDLESS)[number][:200]
            by = {"by": short, "confidence": 0.1, "detail": (MARKUP, SIGNS, ENDLESS)[number]}
            record |= {"key": f"{short}/{number}", "source": short, "speaker": short, "nearest": short, "attack": short}
            record["origins"] = json.dumps({"query.intent": by})
        keys.append(record["key"])

    _rewrite(rows / "data" / "train-00000.parquet", row)
    _rewrite(rows / "provenance" / "part-00000.parquet", record)
    report = read_json(rows / "report.json")
    report["left_out"] = [{"reason": MARKUP, "count": 3, "examples": [MARKUP, TURNED + SIGNS, ENDLESS]}]
    (rows / "report.json").write_text(json.dumps(report), encoding="utf-8")
    return keys[: 3 + len(PICTURES)]


def review_hostile(rows: Path, row: str, digest: str) -> None:
    """Reviews of a row by people of hostile names, with hostile comments, and a line that is none."""
    file = reviews_file(rows)
    for name, comment in ((MARKUP[:80], MARKUP), (TURNED, TURNED + SIGNS.replace("\x00", "")), ("Ada", "y" * 4_000)):
        append_review(file, new_review(row, digest, name, "comment", comment=comment))
    with file.open("a", encoding="utf-8") as lines:
        lines.write(f"{MARKUP}\n")


def _rewrite(file: Path, change: Callable[[int, dict[str, Any]], None]) -> None:
    table = pq.read_table(file)
    rows = table.to_pylist()
    for number, row in enumerate(rows):
        change(number, row)
    pq.write_table(type(table).from_pylist(rows, schema=table.schema), file)


def _encoded(picture: Image.Image) -> bytes:
    sink = io.BytesIO()
    picture.save(sink, "PNG")
    return sink.getvalue()


def _png(width: int, height: int, pixels: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")
