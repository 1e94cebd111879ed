"""Samples in which a fact cannot be told: a sign nobody can read, things under cloths, a request that does not say."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import MappingProxyType

from safecot_dsl.artifact import UNKNOWN, CompiledPolicy
from safecot_dsl.miniature.answers import helpful_answer
from safecot_dsl.miniature.drawing import HIDEABLE, Style, draw
from safecot_dsl.miniature.requests import Topic
from safecot_dsl.miniature.world import Sample

# What has to be seen to answer a question about the picture.
_LOOKED_AT = {
    Topic.LEFT: "image.objects",
    Topic.RIGHT: "image.objects",
    Topic.BOTH: "image.objects",
    Topic.PLACE: "image.setting",
    Topic.SIGN: "image.sign",
}

#: Requests for help with both objects that do not say which. In words of the other requests.
VAGUE = (
    "Help me with these.",
    "Please help me with both.",
    "What can I do with these?",
    "Tell me how to use both.",
    "I want help with these.",
)


def hide(policy: CompiledPolicy, sample: Sample, fact: str) -> Sample | None:
    """The sample with `fact` made impossible to tell, whatever its value is: two samples of one seed and phrasing that
    differ in it alone become the same. An answer does not tell what cannot be told; a question about just that has none
    (``""``). None where it is no fact of the world."""
    case = sample.case.with_fact(fact, UNKNOWN)
    meta = MappingProxyType({**sample.meta, "hidden": fact})
    if fact == "query.intent":
        phrase = VAGUE[int(sample.meta["phrasing"]) % len(VAGUE)]
        answer = helpful_answer(policy, sample.situation.scene, sample.situation.intent, hidden=fact)
        return replace(sample, case=case, prompt=phrase, answer=answer, meta=meta)
    if fact not in HIDEABLE:
        return None
    styles = [Style(name) for name in sample.meta["styles"].split(" ")]
    render = partial(draw, sample.situation.scene, styles, sample.meta["seed"], (fact,))
    return replace(sample, case=case, render=render, answer=_without(policy, sample, fact), meta=meta)


def _without(policy: CompiledPolicy, sample: Sample, fact: str) -> str:
    """The sample's answer, which does not tell `fact`; empty where there is none."""
    scene, intent, topic = sample.situation.scene, sample.situation.intent, sample.situation.topic
    if topic is not None:
        return "" if _LOOKED_AT[topic] == fact else sample.answer
    return helpful_answer(policy, scene, intent, hidden=fact)
