"""Preference pairs: the right text of a row against one that is wrong in a known way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Literal

from safecot_dsl.artifact import (
    Case,
    CompiledPolicy,
    Fact,
    FlagType,
    NumberType,
    OneOfType,
    Rule,
    SetType,
    Subject,
    Value,
    Verdict,
    canonical_json,
)
from safecot_dsl.criteria import response_verdict
from safecot_dsl.dataset.writing.model import Job
from safecot_dsl.engine import Interpreter
from safecot_dsl.render import (
    Order,
    Reasoning,
    ReasoningStyle,
    Rendered,
    Renderer,
    Tags,
    answer_text,
    draw,
    write_target,
)
from safecot_dsl.render.procedure import DecidedCase, in_question
from safecot_dsl.render.rendering import plan

PairKind = Literal["over_refusal", "unsafe", "unreasoned", "policy_flip"]

# What an answer that should not be given begins with, where the source has none: no harmful word is ever made up.
_OPENINGS = ("Sure. Here is how to do that.", "Of course, here is what you need.", "Yes, I can do that for you.")


class Preferences:
    """Makes the pairs of one policy's rows.

    - `over_refusal`: against a text that refuses where the policy does not.
    - `unsafe`: against a text that helps where the policy refuses or redirects: with the source's own answer, if it has
      one that does not refuse, else with an opening that says nothing yet.
    - `unreasoned`: against the right answer without its reasoning.

    The reasoning of the first two is the policy's own where one fact is misread, of the image before others; where no
    such misreading gives another verdict, it states the facts and misjudges one rule.
    """

    def __init__(
        self,
        policy: CompiledPolicy,
        kinds: Collection[PairKind],
        *,
        style: ReasoningStyle = ReasoningStyle.STEPWISE,
        tags: Tags | None = None,
        order: Order = Order.REASONING_FIRST,
        reasoning: Reasoning | None = None,
    ) -> None:
        """`style`, `tags`, `order` and `reasoning` are those of the rows: a wrong text is written as the right one
        is."""
        self._policy, self._kinds, self._tags, self._order = policy, kinds, tags or Tags(), order
        self._style = style
        self._interpreter = Interpreter(policy)
        self._renderer = Renderer(self._interpreter, reasoning)

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
            rejected["over_refusal"] = self._over_refusal(job)
        if "unsafe" in self._kinds:
            rejected["unsafe"] = self._unsafe(job)
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

    def _over_refusal(self, job: Job) -> str | None:
        if job.decision.verdict is Verdict.REFUSE:
            return None
        misread = self._misread(job, lambda verdict: verdict is Verdict.REFUSE)
        if misread is not None:
            return self._text(self._renderer.render(misread, style=self._style, seed=job.seed))
        grounds = self._renderer.grounds
        asked = in_question(grounds, lambda rule: grounds.is_asked_for(rule, job.case.known))
        refusing = [rule for rule in self._policy.rules if rule.verdict is Verdict.REFUSE]
        near = [rule for rule in refusing if rule in asked]
        if not refusing:
            return None
        rule = draw(near or refusing, job.seed, "over_refusal")
        return self._text(self._misjudged(job, Verdict.REFUSE, rule, None))

    def _unsafe(self, job: Job) -> str | None:
        if not job.decision.verdict.withholds:
            return None
        answer = job.source_answer
        read = response_verdict(self._policy, answer) if answer else "unscored"
        if not answer or (read != "unscored" and read.withholds):
            answer = draw(_OPENINGS, job.seed, "unsafe")
        misread = self._misread(job, lambda verdict: verdict.answers)
        if misread is not None:
            return self._text(self._renderer.render(misread, style=self._style, seed=job.seed, source_answer=answer))
        return self._text(self._misjudged(job, Verdict.COMPLY, None, answer))

    def _misread(self, job: Job, wanted: Callable[[Verdict], bool]) -> Case | None:
        """The case with one fact misread, so that the policy's verdict is a wanted one; None where there is none."""
        facts = self._renderer.grounds.read_facts
        for subjects in ((Subject.IMAGE,), (Subject.CONTEXT, Subject.QUERY)):
            cases = [
                case
                for fact in facts
                if fact.subject in subjects and fact.name in job.case.known
                for value in self._others(fact, job.case.known[fact.name])
                if wanted(self._interpreter.decide(case := job.case.with_fact(fact.name, value)).verdict)
            ]
            if cases:
                return draw(cases, job.seed, "misread")
        return None

    def _others(self, fact: Fact, value: Value) -> Iterator[Value]:
        """Values that a known one can be taken for: of a set with one thing more, one less, or another."""
        match fact.type, value:
            case FlagType(), bool():
                yield not value
            case OneOfType(values=values) as type_, str():
                # What stands above or below a node of a taxonomy is not another thing.
                kin = {value, *type_.above(value), *type_.below((value,))}
                yield from (other.name for other in values if other.name not in kin)
            case SetType(values=values), frozenset():
                lacking = [other.name for other in values if other.name not in value]
                yield from (value | {name} for name in lacking)
                for name in sorted(value):
                    yield value - {name}
                    yield from ((value - {name}) | {other} for other in lacking)
            case NumberType(), float() | int():
                own = self._renderer.grounds.sentences.stated(fact, value)
                bands = self._renderer.grounds.sentences.bands(fact)
                yield from (start for start, wording in bands if wording != own)
            case _:
                return

    def _misjudged(self, job: Job, verdict: Verdict, rule: Rule | None, source_answer: str | None) -> Rendered:
        """The facts as they are, and the conclusion that `rule` decides, or, without, that none does."""
        case, assumed = self._interpreter.suppose(job.case)
        names = () if rule is None else (rule.name,)
        speaker = "default" if rule is None else rule.name
        decision = job.decision.model_copy(
            update={"verdict": verdict, "deciding": names, "effective": names, "unsettled": (), "speaker": speaker}
        )
        outcome = DecidedCase(decision, case.known, case.cannot_tell, assumed)
        style = ReasoningStyle.MINIMAL if self._style is ReasoningStyle.MINIMAL else ReasoningStyle.FULL
        told = plan(self._renderer.grounds, outcome, style)
        return told.tell(job.seed, source_answer, names or (speaker,))

    def _text(self, wrong: Rendered) -> str | None:
        return None if wrong.needs_answer else write_target(wrong, self._tags, self._order)


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
