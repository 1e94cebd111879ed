"""Whether a row may be trained on as reviews leave it: what `generate` would leave it out for, said beforehand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from safecot_dsl.analysis.own_answers import read_as
from safecot_dsl.artifact import Verdict
from safecot_dsl.criteria import REQUIREMENT_BROKEN, Grade
from safecot_dsl.dataset.candidates import Candidate, Judge, Rejected
from safecot_dsl.engine import Interpreter
from safecot_dsl.facts import Item
from safecot_dsl.render import Sentence, Tags
from safecot_dsl.render.model import answer_sentence


@dataclass(frozen=True)
class AnswerReading:
    """How an answer is read: its grade, whether that is what is due (None where it cannot be told), and why the row
    could not be trained on with it."""

    grade: Grade
    right: bool | None
    problem: Rejected | None


class AnswerReader:
    """Reads the answers of one policy's rows as `generate` does."""

    def __init__(self, interpreter: Interpreter, tags: Tags, *, train_unsure: bool = True) -> None:
        self._interpreter = interpreter
        self._tags = tags
        self._train_unsure = train_unsure

    @cached_property
    def judge(self) -> Judge:
        return Judge(self._interpreter, self._tags, self._train_unsure, has_answerer=False)

    def read(self, item: Item, answer: str | None, written: tuple[Sentence, ...] | None) -> AnswerReading:
        """How the answer to an item is read, where the policy decides it as it does now.

        `written` are the sentences of an answer that the policy wrote, None where a source, a model or a reviewer did.
        """
        judged = self.judge.judge(replace(item, answer=answer), item.key)
        decision = self._interpreter.decide(item.case)
        due = decision.verdict
        grade = self.judge.grader.grade(answer or "", request=item.prompt, due=due, rules=decision.deciding)
        problem: Rejected | None = None
        if isinstance(judged, Rejected):
            problem = judged
        elif grade.cls == REQUIREMENT_BROKEN:
            broken = ", ".join(rule for rule, met in grade.requirements.items() if met is False)
            problem = Rejected("requirement_broken", broken)
        else:
            problem = self._of_answer(judged, answer or "", written)
        return AnswerReading(grade, _right(grade, due, problem), problem)

    def _of_answer(self, candidate: Candidate, answer: str, written: tuple[Sentence, ...] | None) -> Rejected | None:
        due = candidate.decision.verdict
        if due.answers and written is None:
            return self.judge.answer_problem(candidate, answer)
        said = written or (answer_sentence("say", answer, key=None, rule=None, built=False),)
        misread = self.judge.own_answers.shown(due, said)
        return None if misread is None else Rejected("answer_misread", f"for `{due}`, and read as {read_as(misread)}")


def _right(grade: Grade, due: Verdict, problem: Rejected | None) -> bool | None:
    if problem is not None and problem.reason.startswith(("answer_", "requirement_")):
        return False
    if grade.verdict == "unscored":
        return None
    # Many criteria have no reading of their own for a warning: it is read as help.
    return grade.verdict is due or (grade.verdict.answers and due.answers)
