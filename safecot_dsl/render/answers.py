"""The answer: what the policy's authors say, and the source's own words where the verdict is to help.

The answer of `comply` and `warn` is never invented. What an author wrote for such a rule stands around the source's
answer and does not replace it: `say` before it, `offer` after it. A `warn` without an authored `say` points out the
risk with a phrase of its verdict; a `comply` without one adds nothing. Without the source's answer there is no answer
at all, not half of one: `needs_answer` says so.
"""

from __future__ import annotations

from safecot_dsl.artifact import Utterance, Verdict
from safecot_dsl.render.model import SentenceStep, answer_sentence
from safecot_dsl.render.plan import Part, Parts
from safecot_dsl.render.spoken import from_phrases, from_templates, from_verdict
from safecot_dsl.render.steps import Telling


def answer(telling: Telling) -> tuple[Parts, Parts, bool]:
    """What stands before the source's answer and what after it, and whether that stands between them at all; where it
    does not, all of the answer comes first."""
    verdict = telling.outcome.decision.verdict
    authored = telling.speech.answer
    say = _utterance(telling, "say", authored.say)
    if say is None and verdict is not Verdict.COMPLY:
        say = from_verdict(telling.grounds, verdict, "say", telling.speaker, answer_sentence)
    offer = _utterance(telling, "offer", authored.offer)
    if verdict in (Verdict.COMPLY, Verdict.WARN):
        return _parts(say), _parts(offer), True
    return _parts(say, offer), _parts(), False


def _parts(*parts: Part | None) -> Parts:
    return Parts([part for part in parts if part is not None])


def _utterance(telling: Telling, step: SentenceStep, utterance: Utterance | None) -> Part | None:
    if utterance is None:
        return None
    if utterance.phrase_set is not None:
        return from_phrases(telling.grounds, utterance, telling.speaker, step, answer_sentence)
    template = () if utterance.template is None else (utterance.template,)
    return from_templates(telling.grounds, utterance, template, telling.scope, telling.speaker, step, answer_sentence)
