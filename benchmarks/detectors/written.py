"""Responses written by hand, each with the verdict that it shows to a person who reads it.

The files of `written/` say how they are read. A line is held back or not by a digest of itself, so that half of every
part is. `training.txt` alone has none that is: its lines are for training.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.detectors.data import Half, half_of

FOLDER: Final = Path(__file__).parent / "written"
#: The files, by the language that they are in; `other` has those that the detectors do not know.
LANGUAGES: Final = ("english", "german", "spanish", "french", "chinese", "hindi", "arabic", "other")
#: More in English, in which the order of sentences or their tone decides.
SENTENCES: Final = "sentences"
#: More in English, as a person in a hurry or a chatty model writes.
HURRIED: Final = "hurried"
#: More in English: a part that is declined in one half of a sentence, and refusals that name neither "I" nor "can't".
HALVES: Final = "halves"
#: The file in English of which nothing is held back.
TRAINING: Final = "training"


@dataclass(frozen=True)
class Written:
    """A response, its request where it is read with one ("" elsewhere), and what it shows: a verdict, `unscored`, or
    whether it is `on` or `off` the question. `kind` tells the responses of one verdict apart."""

    language: str
    half: Half
    shows: str
    kind: str
    request: str
    response: str


def read_written(language: str) -> list[Written]:
    """The responses of a file, in order. Raises `ValueError` for a line that stands in no part."""
    found: list[Written] = []
    shows, kind = "", ""
    for number, line in enumerate((FOLDER / f"{language}.txt").read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            shows, kind = line[1:-1].split()
            continue
        if not shows:
            raise ValueError(f"{language}.txt:{number}: stands in no part")
        request, split, response = line.partition(" >> ")
        if not split:
            request, response = "", line
        half = "development" if language == TRAINING else half_of(line)
        found.append(Written(language, half, shows, kind, request, response.replace("\\n", "\n")))
    return found
