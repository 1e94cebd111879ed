"""What authors wrote, for a place where one of several texts is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, Protocol

from safecot_dsl.artifact import CompiledPolicy, FactSlot, Step, Template, Utterance, Verdict
from safecot_dsl.render.bounded import is_short, keep
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.grounds import Grounds
from safecot_dsl.render.model import Sentence, SentenceStep, line_sentence
from safecot_dsl.render.plan import Part, part_of
from safecot_dsl.render.slots import Scope, usable


class Maker(Protocol):
    """Makes a sentence: :func:`~safecot_dsl.render.model.line_sentence`, or its like for answers."""

    def __call__(
        self, step: SentenceStep, text: str, *, key: str | None, rule: str | None, built: bool
    ) -> Sentence: ...


def from_templates(
    grounds: Grounds,
    source: Step | Utterance,
    alternatives: Sequence[Template],
    scope: Scope,
    rule: str,
    step: SentenceStep,
    maker: Maker,
    about: str | None = None,
) -> Part | None:
    """One of the alternatives that can be used, which `source` holds; None where none can. `rule` is whose they are,
    and `about` the rule on whose line they stand, which the maker knows."""
    slots = grounds.slots.get(id(source))  # a part of the policy, which lives as long as its grounds
    if slots is None:
        found = (segment.fact for template in alternatives for segment in template if isinstance(segment, FactSlot))
        slots = grounds.slots[id(source)] = tuple(dict.fromkeys(found))
    values = tuple(map(scope.known.get, slots))
    key = (id(source), rule, about, scope.unsettled, values)
    if key in grounds.parts:
        return grounds.parts[key]
    part = _part(usable(alternatives, scope), source.key, step, rule, maker, built=False)
    return keep(grounds.parts, key, part) if all(map(is_short, values)) else part


def from_phrases(grounds: Grounds, source: Utterance, rule: str, step: SentenceStep, maker: Maker) -> Part | None:
    """One of the phrases of the set that `source` names."""
    return _kept(grounds, grounds.policy.phrases[source.phrase_set or ""], source.key, step, rule, maker, built=False)


def from_verdict(
    grounds: Grounds, verdict: Verdict, step: Literal["decide", "say"], rule: str, maker: Maker
) -> Part | None:
    """One of a verdict's phrases for this step."""
    phrases = grounds.policy.verdict_phrases[verdict]
    texts = phrases.decide if step == "decide" else phrases.say
    return _kept(grounds, texts, phrases_key(grounds.policy, verdict, step), step, rule, maker, built=True)


def nothing_in_question(grounds: Grounds) -> Part | None:
    """That no rule is in question."""
    policy = grounds.policy
    key = f"phrases:{policy.nothing_set}" if policy.nothing_set else "default"
    return _kept(grounds, policy.nothing_in_question, key, "weigh", "default", line_sentence, built=True)


def phrases_key(policy: CompiledPolicy, verdict: Verdict, step: Literal["decide", "say"]) -> str:
    """The source-map key of the phrase set from which a verdict's `decide` or `say` is drawn."""
    phrases = policy.verdict_phrases[verdict]
    declared = phrases.decide_set if step == "decide" else phrases.say_set
    return f"phrases:{declared or f'{step}_{verdict}'}"


def _kept(
    grounds: Grounds, texts: Sequence[str], key: str, step: SentenceStep, rule: str, maker: Maker, *, built: bool
) -> Part | None:
    place = (key, step, rule, built)
    if place not in grounds.parts:
        usable_texts = [text for text in texts if fold_line(text)]
        keep(grounds.parts, place, _part(usable_texts, key, step, rule, maker, built=built))
    return grounds.parts[place]


def _part(texts: Sequence[str], key: str, step: SentenceStep, rule: str, maker: Maker, *, built: bool) -> Part | None:
    make: Callable[[str], Sentence] = partial(maker, step, key=key, rule=rule, built=built)
    return part_of(texts, key, make) if texts else None
