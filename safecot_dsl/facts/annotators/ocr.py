"""Text in pictures, read by RapidOCR (PP-OCR models, which come in its wheel)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from safecot_dsl.artifact import CompiledPolicy, TextType
from safecot_dsl.extras import require
from safecot_dsl.facts.annotators.finding import (
    Finding,
    Found,
    NotTold,
    check_takes_score,
    declared_as,
    doubt,
)
from safecot_dsl.facts.annotators.layout import TextBox, read_in_order
from safecot_dsl.facts.annotators.pictures import of_images, threads
from safecot_dsl.facts.annotators.report import Effort
from safecot_dsl.facts.annotators.settings import Ocr
from safecot_dsl.facts.item import Item
from safecot_dsl.storage import Cache, Progress

if TYPE_CHECKING:
    from PIL.Image import Image

_LINES = 1  # the version of what `_look` returns
_MAX_SHOWN = 60


class OcrFiller:
    """Fills a text fact, and a score fact with its clarity. See :class:`safecot_dsl.facts.annotators.settings.Ocr`."""

    name = "ocr"

    def __init__(
        self, settings: Ocr, policy: CompiledPolicy, cache: Cache | None = None, progress: Progress | None = None
    ) -> None:
        require(["annotate"])
        declared_as(policy, settings.fact, "the ocr annotator", TextType)
        self.facts = (settings.fact,)
        if settings.clarity is not None:
            check_takes_score(policy, settings.clarity, "the ocr annotator")
            self.facts = (settings.fact, settings.clarity)
        self.overwrite = settings.overwrite
        self.effort = Effort()
        self._settings, self._cache, self._progress = settings, cache, progress

    def find(self, items: Sequence[Item]) -> list[Mapping[str, Finding]]:
        """The text, and its clarity, of each item. The same picture is read once."""
        seen = of_images(
            items,
            f"ocr/{_LINES}/rapidocr/{version('rapidocr')}",
            _look,
            cache=self._cache,
            effort=self.effort,
            progress=self._progress,
            title="reading text in images",
        )
        return [self._read(pages) for pages in seen]

    def _read(self, pages: list[Any] | NotTold) -> dict[str, Finding]:
        if isinstance(pages, NotTold):
            return dict.fromkeys(self.facts, pages)
        lines = [line for page in pages for line in page if line["score"] >= self._settings.noise]
        clarity = min((line["score"] for line in lines), default=1.0)
        found: dict[str, Finding] = {}
        unsure = [line for line in lines if line["score"] < self._settings.min_confidence]
        if unsure:
            least = min(unsure, key=lambda line: line["score"])
            detail = f"{least['text'][:_MAX_SHOWN]!r} at {least['score']:.2f}, {len(unsure)} of {len(lines)} lines"
            found[self.facts[0]] = doubt(self._settings.unsure, "unsure of the words", detail, clarity)
        else:
            noise = self._settings.noise
            boxes = [[TextBox(line["text"], *line["box"]) for line in page if line["score"] >= noise] for page in pages]
            text = "\n\n".join(part for part in map(read_in_order, boxes) if part)
            found[self.facts[0]] = Found(text, clarity, f"{len(lines)} lines")
        if len(self.facts) > 1:
            found[self.facts[1]] = Found(clarity, None, f"{len(lines)} lines")
        return found


def _look(images: Sequence[Image]) -> list[list[dict[str, Any]]]:
    """The lines of text in each image, in no order of note: text, confidence, box."""
    return [_lines(image) for image in images]


def _lines(image: Image) -> list[dict[str, Any]]:
    import numpy as np

    pixels = np.ascontiguousarray(np.asarray(image)[:, :, ::-1])  # BGR, as OpenCV has it
    read = _reader()(pixels, text_score=0.0)
    if read.txts is None or read.boxes is None:
        return []
    found: list[dict[str, Any]] = []
    for text, score, corners in zip(read.txts, read.scores, read.boxes, strict=True):
        if text.strip():
            (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
            box = [round(float(edge), 1) for edge in (left, top, right, bottom)]
            found.append({"text": text.strip(), "score": round(float(score), 4), "box": box})
    return found


@cache
def _reader() -> Any:
    """The recogniser."""
    from rapidocr import RapidOCR

    count = threads() or -1
    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "EngineConfig.onnxruntime.intra_op_num_threads": count,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1 if count > 0 else -1,
        }
    )
