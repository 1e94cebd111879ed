"""Small policies with a cursor in them, compiled as an editor's buffer is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lsprotocol import types

from safecot_dsl.lsp.documents import Documents, Snapshot

HEAD = """policy chemicals { version "1.0.0" }

import std.hazards
import std.refusals
import lib as l

param threshold = 0.6

facts image {
  objects : set of { bleach "a bottle of bleach", ammonia, knife }   "What is seen."   ask "what you see"
  setting : one of { kitchen, laboratory "a laboratory" }
  text    : text
}
facts query { harm : score   topic : one of topics }
facts context { minor : flag assume yes }

taxonomy topics { drugs "illegal drugs" severity 2 { dealing "selling drugs" } cooking }
phrases curses { "damn" "hell" }
group corrosive = { bleach, ammonia }
let toxic = image.objects has all of corrosive

rule mixing {
  title   "Mixing"
  hazard  hazards.toxic_substances
  when    toxic and query.harm > threshold
  verdict refuse
  think { observe "I see {image.objects among corrosive}." }
  answer { say one of refusals.plain }
}
exception training to mixing { when image.setting is laboratory verdict redirect }

default comply
unsure clarify

example "at home" {
  given image.objects = { bleach, ammonia }, image.setting = kitchen, query.harm = 0.9
  expect refuse by mixing
}
"""
LIBRARY = """library lib { version "1" }
param limit = 0.5
facts query { angry : flag }
group sharp = { knife }
let furious = query.angry
phrases pleas { "please" }
criteria kindness { proposition kind "It is kind." { yes "Of course." no "No." } }
"""


def opened(
    folder: Path, text: str, files: Mapping[str, str] = {}, name: str = "p.safecot"
) -> tuple[Documents, Snapshot]:
    """A document that is nowhere on the disk, beside files that are."""
    for other, content in {"lib.safecot": LIBRARY, **files}.items():
        (folder / other).parent.mkdir(parents=True, exist_ok=True)
        (folder / other).write_text(content, encoding="utf-8")
    documents = Documents()
    uri = (folder / name).as_uri()
    documents.put(uri, text, 1)
    snapshot = documents.snapshot(uri)
    assert snapshot is not None
    return documents, snapshot


def cursor(text: str) -> tuple[str, int]:
    """A text without its last `|`, and where that stood."""
    before, found, after = text.rpartition("|")
    assert found
    return before + after, len(before)


def piece(snapshot: Snapshot, place: types.Range) -> str:
    """The text of a range."""
    text = snapshot.document.text
    return text.content[text.offset(place.start) : text.offset(place.end)]
