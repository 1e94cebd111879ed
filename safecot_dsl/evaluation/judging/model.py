"""A model as judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pydantic import Field

from safecot_dsl.artifact import Case, CompiledPolicy, Verdict, read_case
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.criteria import Grader, grade_judged, has_text, judge_prompt
from safecot_dsl.engine import Interpreter
from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.judging.judgement import Judgement, digest_of
from safecot_dsl.evaluation.judging.questions import (
    CANNOT_TELL,
    answer_question,
    answer_schema,
    reasoning_question,
    reasoning_schema,
)
from safecot_dsl.evaluation.judging.reasoning import json_value
from safecot_dsl.evaluation.judging.replies import JudgeReplyError, read_propositions, read_reasoning, read_verdict
from safecot_dsl.models import Asker, Failure, Question, Reply
from safecot_dsl.render import Tags, Target, parse_target
from safecot_dsl.storage import Progress

_T = TypeVar("_T")


class JudgingError(ValueError):
    """The judge cannot be asked what it is to be asked."""


class JudgeSettings(Frozen):
    """What a judge is asked."""

    asks: Literal["propositions", "verdict"] = Field(
        default="propositions",
        description="Every proposition of the policy's criteria, which come to the verdict; or the verdict itself.",
    )
    images: bool = Field(default=False, description="Whether the judge sees the images.")
    reasoning: bool = Field(
        default=False, description="Whether it is asked about the reasoning too, in a question apart."
    )


@dataclass(frozen=True)
class _Case:
    """An answer to be judged, taken apart."""

    item: EvalItem
    target: Target
    of: str


class ModelJudge:
    """Puts an answer, without its reasoning, to a model. The judge sees neither what is due nor what the criteria say.

    A reply that cannot be read, a refusal, a cut or missing reply leave the answer unscored and are named: no other
    reader stands in for a judge that failed.
    """

    def __init__(
        self, policy: CompiledPolicy, asker: Asker, settings: JudgeSettings | None = None, tags: Tags | None = None
    ) -> None:
        """Raises :class:`JudgingError` where the policy's criteria have nothing to ask about."""
        self.policy = policy
        self.asker = asker
        self.settings = settings or JudgeSettings()
        self._tags = tags or Tags()
        self._propositions = tuple(policy.criteria.propositions)
        self._grader = Grader(policy)
        self._interpreter = Interpreter(policy)
        if self.settings.asks == "propositions" and not self._propositions:
            raise JudgingError(
                f"the criteria of the policy `{policy.header.name}` have no propositions to ask a judge about: "
                "import `std.criteria`, or ask for the verdict itself"
            )

    def judge(
        self, items: Sequence[EvalItem], answers: Mapping[str, str], *, progress: Progress | None = None
    ) -> list[Judgement]:
        """One judgement an item, in their order. `progress` is advanced by the questions that are answered.

        Raises:
            ModelError: asking on is in vain; see :meth:`~safecot_dsl.models.Endpoint.ask`.
            CaseError: an item's facts do not fit the policy.
        """
        cases = [self._case(item, answers[item.id]) for item in items]
        asked = [case for case in cases if has_text(case.target.answer)]
        reasoned = [case for case in cases if self.settings.reasoning and case.target.lines]
        questions = [*map(self._about_answer, asked), *map(self._about_reasoning, reasoned)]
        replies = self.asker.ask(questions, progress=progress) if questions else []
        by_answer = {case.item.id: reply for case, reply in zip(asked, replies, strict=False)}
        by_reasoning = {case.item.id: reply for case, reply in zip(reasoned, replies[len(asked) :], strict=True)}
        return [self._read(case, by_answer.get(case.item.id), by_reasoning.get(case.item.id)) for case in cases]

    def questions_of(self, item: EvalItem, answer: str) -> int:
        """How many questions an answer takes."""
        target = parse_target(answer, self._tags)
        return has_text(target.answer) + bool(self.settings.reasoning and target.lines)

    def _case(self, item: EvalItem, answer: str) -> _Case:
        return _Case(item, parse_target(answer, self._tags), digest_of(item.prompt, answer))

    def _about_answer(self, case: _Case) -> Question:
        item, answer = case.item, case.target.answer
        images = item.images if self.settings.images else ()
        if self.settings.asks == "verdict":
            return Question(answer_question(item.prompt, answer, images=len(images)), None, images, answer_schema())
        prompt = judge_prompt(self.policy, item.prompt, answer, propositions=self._propositions)
        return Question(prompt.text, None, images, prompt.answer_schema)

    def _about_reasoning(self, case: _Case) -> Question:
        item = case.item
        images = item.images if self.settings.images else ()
        text = reasoning_question(self.policy, item.prompt, case.target.lines, self._facts_of(item), images=len(images))
        return Question(text, None, images, reasoning_schema(facts=bool(item.facts)))

    def _facts_of(self, item: EvalItem) -> Case | None:
        """The item's case, with what the policy supposes."""
        return self._interpreter.trace(read_case(self.policy, json_value(item.facts))).case if item.facts else None

    def _read(self, case: _Case, reply: Reply | Failure | None, reasoned: Reply | Failure | None) -> Judgement:
        found = self._read_answer(case, reply)
        given = [one for one in (reply, reasoned) if isinstance(one, Reply)]
        argued = true = None
        if reasoned is not None:
            try:
                argued, true = self._use(reasoned, lambda text: read_reasoning(text, facts=bool(case.item.facts)))
            except _UnusableError as error:
                found |= {"failed": found.get("failed") or error.reason}
        return Judgement.model_validate(
            {"id": case.item.id, "of": case.of, "reasoning_verdict": argued, "reasoning_true": true}
            | {"said": tuple(one.text for one in given), "model": given[0].model if given else ""}
            | found
        )

    def _read_answer(self, case: _Case, reply: Reply | Failure | None) -> dict[str, Any]:
        """The fields of a judgement that the answer's reply gives."""
        if reply is None:
            return _unscored("the answer has no letter and no digit: there is nothing to judge")
        try:
            if self.settings.asks == "verdict":
                verdict = self._use(reply, read_verdict)
                return _unscored(f"the judge says `{CANNOT_TELL}`") if verdict is None else {"verdict": verdict}
            answered = self._use(reply, lambda text: read_propositions(text, self._propositions))
        except _UnusableError as error:
            return _unscored(f"the judge gave no judgement: {error}") | {"failed": error.reason}
        grade = grade_judged(self.policy, case.target.answer, answered)
        why = grade.reasons[0] if grade.verdict == "unscored" else ""
        return {"verdict": grade.verdict, "propositions": answered, "why": why}

    def _use(self, reply: Reply | Failure, read: Callable[[str], _T]) -> _T:
        if isinstance(reply, Failure):
            raise _UnusableError(reply.reason, reply.detail)
        if reply.cut:
            raise _UnusableError("cut", "the reply ended at the token limit")
        try:
            return read(reply.text)
        except JudgeReplyError as error:
            refused = self._grader.grade(reply.text).verdict is Verdict.REFUSE
            raise _UnusableError("refused" if refused else "unreadable", str(error)) from None


class _UnusableError(Exception):
    """There is no reply, or none that can be read."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason} ({detail})" if detail else reason)
        self.reason = reason


def _unscored(why: str) -> dict[str, Any]:
    return {"verdict": "unscored", "why": why}
