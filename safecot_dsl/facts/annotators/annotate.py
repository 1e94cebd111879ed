"""Items in, the same items with more facts out: every annotator in the recipe's order, labels first."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import assert_never

from safecot_dsl.artifact import UNKNOWN, CompiledPolicy, Subject
from safecot_dsl.facts.annotators.finding import CannotTell, Filler, Finding, Found, NotTold
from safecot_dsl.facts.annotators.report import AnnotationReport, AnnotatorReport, FactTally
from safecot_dsl.facts.annotators.settings import Annotator, Embedding, Model, Nsfw, Ocr, Pattern
from safecot_dsl.facts.item import FactOrigin, Item
from safecot_dsl.models import Asker
from safecot_dsl.storage import Cache, Progress


def open_annotators(
    settings: Sequence[Annotator],
    policy: CompiledPolicy,
    *,
    base_dir: Path,
    cache: Cache | None = None,
    progress: Progress | None = None,
    asker: Asker | None = None,
) -> Annotators:
    """The annotators of a recipe, checked against the policy. No model is loaded before the first item needs it.

    `base_dir` is the folder that paths in the settings are relative to. Whatever is dear to work out is kept in
    `cache` by the digest of all that it follows from, so a run that was killed continues where it was. `asker` answers
    for every `model` annotator that names no model of its own; its answers are kept as well.

    Raises:
        FactsError: an annotator and the policy's facts do not fit together, or a file of examples cannot be read.
        ModelError: an endpoint's key is not in the environment, or there is nobody to ask.
    """
    opened = [_open(one, policy, base_dir, cache, progress, asker) for one in settings]
    return Annotators(policy, opened, progress)


def _open(
    one: Annotator,
    policy: CompiledPolicy,
    base_dir: Path,
    cache: Cache | None,
    progress: Progress | None,
    asker: Asker | None,
) -> Filler:
    match one:
        case Ocr():
            from safecot_dsl.facts.annotators.ocr import OcrFiller

            return OcrFiller(one, policy, cache, progress)
        case Nsfw():
            from safecot_dsl.facts.annotators.nsfw import NsfwFiller

            return NsfwFiller(one, policy, cache, progress)
        case Pattern():
            from safecot_dsl.facts.annotators.pattern import PatternFiller

            return PatternFiller(one, policy)
        case Embedding():
            from safecot_dsl.facts.annotators.nearest import NearestFiller

            return NearestFiller(one, policy, base_dir, cache, progress)
        case Model():
            from safecot_dsl.facts.annotators.asked import AskedFiller

            return AskedFiller(one, policy, base_dir, cache, progress, asker)
        case _:
            assert_never(one)


class Annotators:
    """Opened annotators, and the report of what they have done so far."""

    def __init__(self, policy: CompiledPolicy, fillers: Sequence[Filler], progress: Progress | None = None) -> None:
        self._policy = policy
        self._fillers = tuple(fillers)
        self._progress = progress
        self._items = 0
        self._tallies = [{name: FactTally() for name in filler.facts} for filler in fillers]

    @property
    def facts(self) -> frozenset[str]:
        """The facts that some annotator can fill."""
        return frozenset(name for filler in self._fillers for name in filler.facts)

    def annotate(self, items: Sequence[Item]) -> list[Item]:
        """The items, in their order, with `case` and `annotated` as the annotators leave them.

        A fact is looked for where no label gives it: where it has no annotation, or an earlier annotator could not
        tell it. What is found is a value; what was looked for in vain cannot be told; where nothing was learnt, nothing
        changes. `annotated` says of the first two where they come from. Facts of the image of an item that
        has no image at hand stay as they are. The same items and answers give the same result, in whichever blocks.
        """
        annotated = list(items)
        self._items += len(annotated)
        for filler, tallies in zip(self._fillers, self._tallies, strict=True):
            began = time.perf_counter()
            open_facts = [self._open_facts(item, filler, tallies) for item in annotated]
            places = [index for index, names in enumerate(open_facts) if names]
            findings = filler.find([annotated[index] for index in places])
            for index, found in zip(places, findings, strict=True):
                annotated[index] = self._filled(annotated[index], filler, open_facts[index], found, tallies)
            filler.effort.seconds += time.perf_counter() - began
        return annotated

    @property
    def report(self) -> AnnotationReport:
        """What has been done since the annotators were opened."""
        return AnnotationReport(
            items=self._items,
            annotators=tuple(
                AnnotatorReport(
                    name=filler.name,
                    facts={name: tally.counts() for name, tally in tallies.items()},
                    asked=filler.effort.asked,
                    cached=filler.effort.cached,
                    cost=filler.effort.cost,
                    seconds=filler.effort.seconds,
                )
                for filler, tallies in zip(self._fillers, self._tallies, strict=True)
            ),
        )

    def _open_facts(self, item: Item, filler: Filler, tallies: Mapping[str, FactTally]) -> list[str]:
        wanted: list[str] = []
        for name in filler.facts:
            given = name in item.case.known or (name in item.case.cannot_tell and name not in item.annotated)
            if self._policy.fact_index[name].subject is Subject.IMAGE and not item.images:
                tallies[name].no_image += 1
            elif given and not filler.overwrite:
                tallies[name].labelled += 1
            else:
                wanted.append(name)
        return wanted

    def _filled(
        self,
        item: Item,
        filler: Filler,
        names: Sequence[str],
        found: Mapping[str, Finding],
        tallies: Mapping[str, FactTally],
    ) -> Item:
        case, origins = item.case, dict(item.annotated)
        for name in names:
            tally, finding = tallies[name], found[name]
            match finding:
                case Found(value=value, confidence=confidence, detail=detail):
                    tally.filled += 1
                    case = case.with_fact(name, value)
                    origins[name] = FactOrigin(filler.name, confidence, detail)
                case CannotTell(reason=reason, detail=detail, confidence=confidence):
                    tally.count(tally.cannot_tell, reason, item.key, detail)
                    if name not in case.known:  # an unknown never replaces a label
                        case = case.with_fact(name, UNKNOWN)
                        origins[name] = FactOrigin(filler.name, confidence, f"{reason}: {detail}" if detail else reason)
                case NotTold(reason=reason, detail=detail):
                    tally.count(tally.not_told, reason, item.key, detail)
        return replace(item, case=case, annotated=origins)
