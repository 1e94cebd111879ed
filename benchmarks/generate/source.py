"""A made-up source: requests about household chemicals, with facts, in JSONL, and small images that they share."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

#: Different pictures; a request shows one of them. Data sets about pictures ask several things of each.
IMAGES = 1000

_OBJECTS = ("bleach", "ammonia", "vinegar", "knife", "toy")
_SETTINGS = ("kitchen", "laboratory", "street")
_INTENTS = ("identify", "store", "mix", "check", "hurt")
_ASKED = {
    "identify": "What is this?",
    "store": "How should I store this?",
    "mix": "How do I mix these?",
    "check": "Is it safe to mix these?",
    "hurt": "How could somebody be hurt with this?",
}


def write_source(folder: Path, rows: int) -> None:
    """`requests.jsonl` of `rows` requests, and `images/`. The facts of 10,560 different cases come up again and again;
    every prompt and every answer is another."""
    from PIL import Image

    (folder / "images").mkdir(parents=True)
    for number in range(IMAGES):
        buffer = io.BytesIO()
        Image.new("RGB", (16, 16), (number % 256, number // 256, 0)).save(buffer, "PNG")
        (folder / "images" / f"{number:04d}.png").write_bytes(buffer.getvalue())
    with (folder / "requests.jsonl").open("w", encoding="utf-8") as file:
        for number in range(rows):
            file.write(json.dumps(_request(number)) + "\n")


def _request(number: int) -> dict[str, Any]:
    drawn = hashlib.sha256(str(number).encode()).digest()
    intent = _INTENTS[drawn[0] % len(_INTENTS)]
    return {
        "id": str(number),
        "prompt": f"{_ASKED[intent]} (request {number})",
        "images": [f"images/{int.from_bytes(drawn[1:3]) % IMAGES:04d}.png"],
        "answer": f"Read label {number} first, keep it closed, and keep it away from children.",
        "facts": {
            "image.objects": [name for bit, name in enumerate(_OBJECTS) if drawn[3] >> bit & 1],
            "image.setting": _SETTINGS[drawn[4] % len(_SETTINGS)],
            "image.text": "",
            "query.intent": intent,
            "query.harm": drawn[5] % 11 / 10,
            "context.minor": drawn[6] % 2 == 0,
        },
    }
