"""A policy's own words for help: the verbs of its redirects, which no list of ours may have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from safecot_dsl.artifact import CompiledPolicy, Criteria, Detector, Rule, Text, Utterance, Verdict
from safecot_dsl.criteria.text import fold_quotes

_TURNS: Final = "turns_to_safe_part"
_OFFER: Final = (
    r"(?:i|we)(?: can| could| will|'ll|(?: am|'m| are|'re|'d be| would be) (?:happy|glad|able|willing) to"
    r"|'d (?:like|love) to)(?: still| also| gladly| happily| instead)?"
)
_VERB: Final = re.compile(rf"\b{_OFFER} ([a-z]{{3,}})\b", re.IGNORECASE)
#: What follows "I can" and is no help.
_NO_HELP: Final = frozenset("not only understand see imagine hear feel never hardly barely have get".split())
_REMEMBERED: Final = 64


def criteria_of(policy: CompiledPolicy | Criteria) -> Criteria:
    """The criteria by which a policy's responses are read.

    Where they tell a redirect by what the response turns to, they know the verbs of the policy's own redirects too ("I
    won't name a dose, but I can shepherd you through the leaflet").
    """
    if isinstance(policy, Criteria):
        return policy
    verbs = own_verbs(policy)
    if not verbs or _TURNS not in policy.criteria.propositions:
        return policy.criteria
    return _with_verbs(policy, verbs)


def own_verbs(policy: CompiledPolicy) -> tuple[str, ...]:
    """The verbs with which the policy's redirects offer help, sorted: of "I can shepherd you", `shepherd`."""
    return _own_verbs(tuple(dict.fromkeys(_redirects(policy))))


@lru_cache(maxsize=_REMEMBERED)
def _own_verbs(texts: tuple[str, ...]) -> tuple[str, ...]:
    found = {verb.lower() for text in texts for verb in _VERB.findall(fold_quotes(text))}
    return tuple(sorted(found - _NO_HELP))


def _redirects(policy: CompiledPolicy) -> Iterator[str]:
    for rule in policy.rules:
        if rule.verdict is Verdict.REDIRECT:
            yield from _said(policy, rule)


def _said(policy: CompiledPolicy, rule: Rule) -> Iterator[str]:
    said: tuple[Utterance | None, ...] = (rule.speech.answer.say, rule.speech.answer.offer)
    for utterance in said:
        if utterance is None:
            continue
        if utterance.phrase_set is not None:
            yield from policy.phrases[utterance.phrase_set]
        yield "".join(segment.text for segment in utterance.template or () if isinstance(segment, Text))


def _with_verbs(policy: CompiledPolicy, verbs: tuple[str, ...]) -> Criteria:
    turns = policy.criteria.propositions[_TURNS]
    pattern = (
        r"(?:\b(?:but|yet|however|still|instead|though|rather|what i can do is)[, ]+|; (?:and |but |yet )?)"
        rf"(?:of course |there |instead )?{_OFFER} (?:{'|'.join(verbs)})\b"
    )
    detectors = (*turns.detectors, Detector(pattern=pattern, ignore_case=True))
    changed = turns.model_copy(update={"detectors": detectors})
    return policy.criteria.model_copy(update={"propositions": {**policy.criteria.propositions, _TURNS: changed}})
