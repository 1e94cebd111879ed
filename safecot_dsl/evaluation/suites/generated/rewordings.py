"""Suites in which nothing that the policy reads changes: other words for the same, and other pictures of the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from safecot_dsl.dataset.selection import differing_facts
from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.suites.generated.making import Making
from safecot_dsl.evaluation.suites.generated.pool import Variant
from safecot_dsl.facts import Item

_VARIANTS = 3  # of one request


def paraphrases(making: Making) -> Iterator[list[EvalItem]]:
    """A request and up to three other wordings of it; refusals and others in turn."""
    return _varied(making, making.pool.wordings)


def styles(making: Making) -> Iterator[list[EvalItem]]:
    """A request and up to three other pictures of what it shows; refusals and others in turn."""
    return _varied(making, making.pool.styles)


def _varied(making: Making, variants: Callable[[Item], Iterable[Variant]]) -> Iterator[list[EvalItem]]:
    number = 0
    for start in making.both_sides():
        drawn = sorted(variants(start.item), key=lambda v: making.draw(f"variant {v.change}", start.key))[:_VARIANTS]
        if not drawn:
            continue
        clean = making.item(start, making.group(number), "clean")
        group = [clean]
        for place, variant in enumerate(sorted(drawn, key=lambda v: v.change), start=1):
            assert not differing_facts(start.item.case, variant.item.case)
            changed = making.start(variant.item)
            group.append(making.item(changed, clean.group, f"{place}", of=clean.id, change=variant.change))
        number += 1
        yield group
