"""The answer: what the policy's authors say, and the source's own words where the verdict is to help.

The answer of `comply` and `warn` is never invented. What an author wrote for such a rule stands around the source's
answer and does not replace it: `say` before it, `offer` after it. A `warn` without an authored `say` points out the
risk with a phrase of its verdict; a `comply` without one adds nothing. Without the source's answer there is no answer
at all, not half of one: `needs_answer` says so.
"""

from __future__ import annotations

from safecot_dsl.artifact import Utterance, Verdict
from safecot_dsl.render.grounds import Grounds
from safecot_dsl.render.model import SentenceStep, answer_sentence
from safecot_dsl.render.plan import Part, Parts
from safecot_dsl.render.procedure import DecidedCase, scope_of, speech_of
from safecot_dsl.render.spoken import from_phrases, from_templates, from_verdict


def answer(grounds: Grounds, outcome: DecidedCase) -> tuple[Parts, Parts, bool]:
    """What stands before the source's answer and what after it, and whether that stands between them at all; where it
    does not, all of the answer comes first."""
    decision = outcome.decision
    authored = speech_of(grounds, decision).answer
    say = _utterance(grounds, outcome, "say", authored.say)
    if say is None and decision.verdict is not Verdict.COMPLY:
        say = from_verdict(grounds, decision.verdict, "say", decision.speaker, answer_sentence)
    offer = _utterance(grounds, outcome, "offer", authored.offer)
    if decision.verdict.answers:
        return _parts(say), _parts(offer), True
    return _parts(say, offer), _parts(), False


def _parts(*parts: Part | None) -> Parts:
    return Parts([part for part in parts if part is not None])


def _utterance(grounds: Grounds, outcome: DecidedCase, step: SentenceStep, utterance: Utterance | None) -> Part | None:
    if utterance is None:
        return None
    speaker = outcome.decision.speaker
    if utterance.phrase_set is not None:
        return from_phrases(grounds, utterance, speaker, step, answer_sentence)
    template = () if utterance.template is None else (utterance.template,)
    return from_templates(grounds, utterance, template, scope_of(grounds, outcome), speaker, step, answer_sentence)
