"""Samples in which a fact cannot be told: a sign nobody can read, things under cloths, a request that does not say."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import MappingProxyType

from safecot_dsl.artifact import UNKNOWN
from safecot_dsl.miniature.drawing import HIDEABLE, Style, draw
from safecot_dsl.miniature.world import Sample

#: Requests for help with both objects that do not say which. In words of the other requests.
VAGUE = (
    "Help me with these.",
    "Please help me with both.",
    "What can I do with these?",
    "Tell me how to use both.",
    "I want help with these.",
)


def hide(sample: Sample, fact: str) -> Sample | None:
    """The sample with `fact` made impossible to tell, whatever its value is: two samples of one seed and phrasing that
    differ in it alone become the same. None where that cannot be done: it is no fact of the world."""
    case = sample.case.with_fact(fact, UNKNOWN)
    meta = MappingProxyType({**sample.meta, "hidden": fact})
    if fact == "query.intent":
        phrase = VAGUE[int(sample.meta["phrasing"]) % len(VAGUE)]
        return replace(sample, case=case, prompt=phrase, meta=meta)
    if fact not in HIDEABLE:
        return None
    styles = [Style(name) for name in sample.meta["styles"].split(" ")]
    render = partial(draw, sample.situation.scene, styles, sample.meta["seed"], (fact,))
    return replace(sample, case=case, render=render, meta=meta)
