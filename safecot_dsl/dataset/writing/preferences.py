"""Preference pairs: the right text of a row against one that is wrong in a known way."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any, Literal

from safecot_dsl.artifact import CompiledPolicy, Verdict, canonical_json
from safecot_dsl.criteria import response_verdict
from safecot_dsl.dataset.writing.model import Job
from safecot_dsl.engine import Interpreter
from safecot_dsl.render import Order, Rendered, Sentence, Tags, answer_text, draw, write_target
from safecot_dsl.render.model import answer_sentence, line_sentence
from safecot_dsl.render.phrasing import title
from safecot_dsl.render.reasons import Grounds

PairKind = Literal["over_refusal", "unsafe", "unreasoned", "policy_flip"]

# What an answer that should not be given begins with, where the source has none: no harmful word is ever made up.
_OPENINGS = ("Sure. Here is how to do that.", "Of course, here is what you need.", "Yes, I can do that for you.")
_STRICT = (Verdict.REDIRECT, Verdict.REFUSE)


class Preferences:
    """Makes the pairs of one policy's rows.

    - `over_refusal`: against a text that refuses where the policy does not, for the reason of the rule that comes
      nearest.
    - `unsafe`: against a text that helps where the policy refuses or redirects: with the source's own answer, if it has
      one that does not refuse, else with an opening that says nothing yet.
    - `unreasoned`: against the right answer without its reasoning.
    """

    def __init__(
        self,
        policy: CompiledPolicy,
        kinds: Collection[PairKind],
        *,
        tags: Tags | None = None,
        order: Order = Order.REASONING_FIRST,
    ) -> None:
        """`tags` and `order` are those of the rows: a wrong text is written as the right one is."""
        self._policy, self._kinds, self._tags, self._order = policy, kinds, tags or Tags(), order
        self._interpreter = Interpreter(policy)
        self._grounds = Grounds(self._interpreter)

    def pairs(self, job: Job, rendered: Rendered, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The pairs that the row gives, of the kinds that were asked for and that there are here.

        `row` is the row of `rendered` (`id`, `images`, `prompt`, `completion`, and `system` where there is one); a row
        without an answer gives none.
        """
        if rendered.needs_answer:
            return []
        chosen = row["completion"]
        rejected: dict[PairKind, str | None] = {}
        if "over_refusal" in self._kinds:
            rejected["over_refusal"] = self._over_refusal(job, rendered)
        if "unsafe" in self._kinds:
            rejected["unsafe"] = self._unsafe(job, rendered)
        if "unreasoned" in self._kinds:
            rejected["unreasoned"] = answer_text(rendered, self._tags)
        return [
            preference(
                row,
                chosen=chosen,
                rejected=text,
                kind=kind,
                policy=self._policy.digest,
                system=row.get("system"),
            )
            for kind, text in rejected.items()
            if text and text != chosen
        ]

    def _over_refusal(self, job: Job, rendered: Rendered) -> str | None:
        if job.decision.verdict is Verdict.REFUSE:
            return None
        refusing = [rule for rule in self._policy.rules if rule.verdict is Verdict.REFUSE]
        subject = self._grounds.about(self._interpreter.trace(job.case))
        named = (
            [rule for rule in self._grounds.lineage(subject.rule) if rule in refusing] if subject is not None else []
        )
        rule = named[0] if named else draw(refusing, job.seed, "over_refusal") if refusing else None
        why = f"Risk: {title(rule)}." if rule is not None else "This could be dangerous."
        cited = rule.name if rule is not None else "default"
        return self._text(job, rendered, Verdict.REFUSE, cited, why, self._phrase(job, Verdict.REFUSE, "say"))

    def _unsafe(self, job: Job, rendered: Rendered) -> str | None:
        if job.decision.verdict not in _STRICT:
            return None
        answer = job.source_answer
        if not answer or response_verdict(self._policy, answer) in _STRICT:
            answer = draw(_OPENINGS, job.seed, "unsafe")
        return self._text(job, rendered, Verdict.COMPLY, "default", "No rule applies.", answer)

    def _text(
        self, job: Job, rendered: Rendered, verdict: Verdict, cited: str, why: str, answer: str | None
    ) -> str | None:
        """The row's reasoning up to what it observes, then another conclusion."""
        if not answer:
            return None
        rule = cited if cited in self._policy.rule_index else None
        decide = self._phrase(job, verdict, "decide") or f"Decision: {verdict}."
        kept = tuple(s for s in rendered.reasoning if s.step in ("observe", "intent", "context"))
        ends: tuple[Sentence, ...] = (
            line_sentence("risk", why, key=None, rule=rule, built=True),
            line_sentence("decide", decide, key=None, rule=rule, built=True),
        )
        wrong = Rendered(
            reasoning=(*kept, *ends),
            verdict=verdict,
            cited=(cited,),
            answer=(answer_sentence("say", answer, key=None, rule=rule, built=True),),
            needs_answer=False,
        )
        return write_target(wrong, self._tags, self._order)

    def _phrase(self, job: Job, verdict: Verdict, part: Literal["say", "decide"]) -> str | None:
        phrases = self._policy.verdict_phrases[verdict]
        texts = phrases.say if part == "say" else phrases.decide
        return draw(texts, job.seed, f"preference.{part}") if texts else None


def preference(
    row: Mapping[str, Any], *, chosen: str, rejected: str, kind: PairKind, policy: str, system: str | None = None
) -> dict[str, Any]:
    """A pair in the columns of a data set's `preferences/`: `row` is the id of the row that it came from, and `id` 24
    hexadecimal digits of the SHA-256 of that, the kind and all texts."""
    content = canonical_json([row["id"], kind, policy, system, row["prompt"], chosen, rejected])
    return {
        "id": hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:24],
        "images": row["images"],
        "prompt": row["prompt"],
        "system": system,
        "chosen": chosen,
        "rejected": rejected,
        "kind": kind,
        "row": row["id"],
        "policy": policy,
    }
