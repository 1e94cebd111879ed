"""The answer: what the policy's authors say, and the source's own words where the verdict is to help.

The answer of `comply` and `warn` is never invented. What an author wrote for such a rule stands around the source's
answer and does not replace it: `say` before it, `offer` after it. A `warn` without an authored `say` points out the
risk with a phrase of its verdict; a `comply` without one adds nothing. Without the source's answer there is no answer
at all, not half of one: `needs_answer` says so.
"""

from __future__ import annotations

from safecot_dsl.artifact import Utterance, Verdict
from safecot_dsl.render.cleaning import fold_line
from safecot_dsl.render.draw import draw
from safecot_dsl.render.model import Sentence, SentenceStep, answer_sentence
from safecot_dsl.render.slots import usable
from safecot_dsl.render.steps import Telling, phrases_key


def answer(telling: Telling, source_answer: str | None) -> tuple[tuple[Sentence, ...], bool]:
    """The sentences of the answer, and whether it needs one that was not given (they are then empty)."""
    verdict = telling.trace.decision.verdict
    authored = telling.speech.answer
    say = _utterance(telling, "say", authored.say)
    if say is None and verdict is not Verdict.COMPLY:
        say = _phrase(telling, verdict)
    source = None
    if verdict in (Verdict.COMPLY, Verdict.WARN):
        source = answer_sentence("source", source_answer or "", key=None, rule=None, built=False)
        if not source.text:
            return (), True
    parts = (say, source, _utterance(telling, "offer", authored.offer))
    sentences = tuple(part for part in parts if part is not None)
    return sentences, not sentences


def _utterance(telling: Telling, step: SentenceStep, utterance: Utterance | None) -> Sentence | None:
    if utterance is None:
        return None
    if utterance.phrase_set is not None:
        texts = [text for text in telling.scope.policy.phrases[utterance.phrase_set] if fold_line(text)]
    else:
        texts = usable([utterance.template], telling.scope) if utterance.template is not None else []
    if not texts:
        return None
    text = draw(texts, telling.seed, utterance.key)
    return answer_sentence(step, text, key=utterance.key, rule=telling.speaker, built=False)


def _phrase(telling: Telling, verdict: Verdict) -> Sentence | None:
    phrases = [text for text in telling.scope.policy.verdict_phrases[verdict].say if fold_line(text)]
    if not phrases:
        return None
    key = phrases_key(telling, "say", verdict)
    return answer_sentence("say", draw(phrases, telling.seed, key), key=key, rule=telling.speaker, built=True)
