"""One case of an evaluation: what was due and why, and every arm's answer beside it with the marks of the judge."""

from __future__ import annotations

import json
from collections.abc import Sequence

from safecot_dsl.artifact import Case, CaseError, read_case
from safecot_dsl.evaluation.items import EvalItem, ItemKind
from safecot_dsl.evaluation.score import ItemScore
from safecot_dsl.evaluation.summary import BASELINES, arm_title
from safecot_dsl.render import ReasoningStyle
from safecot_dsl.render.procedure import DecidedCase
from safecot_dsl.render.rendering import cited, plan
from safecot_dsl.studio.errors import StudioError
from safecot_dsl.studio.messages.policy import SentenceMessage
from safecot_dsl.studio.messages.results import ArmAnswer, CaseDue, CaseQuery, CaseResult
from safecot_dsl.studio.messages.rows import AnswerMark
from safecot_dsl.studio.policy.cases import message_of_case
from safecot_dsl.studio.results.evaluations import Evaluation, suite_of
from safecot_dsl.studio.rows.texts import told_sentences

_Sentences = tuple[SentenceMessage, ...]


def find_item(evaluation: Evaluation, key: str) -> tuple[int, EvalItem]:
    """A case and its number. Raises :class:`StudioError` where there is none."""
    number = evaluation.by_id.get(key)
    if number is None:
        raise StudioError(
            404, "no_case", "This run has no such case: it was made again, or the link is of another run."
        )
    return number, evaluation.items[number]


def case_result(evaluation: Evaluation, asked: CaseQuery) -> CaseResult:
    """The case for the page."""
    number, item = find_item(evaluation, asked.id)
    case = _case(evaluation, item)
    why, answer = _told(evaluation, case)
    rule, near = item.rules[0] if item.rules else "", evaluation.near.get(item.id, "")
    line, path = evaluation.policy.rule_place(rule) if rule else (None, None)
    near_line, near_path = evaluation.policy.rule_place(near) if near else (None, None)
    arms: list[ArmAnswer] = []
    for arm in evaluation.arms:
        try:
            arms.append(_answer(item, arm, evaluation.scores(arm)[item.id]))
        except StudioError as error:
            arms.append(_unread(arm, str(error)))
    return CaseResult(
        id=item.id,
        suite=suite_of(item),
        kind=item.kind.value,
        picture=evaluation.pictures[number] > 0,
        pictures=evaluation.pictures[number],
        request=item.prompt,
        system=item.system,
        change=item.change,
        due=CaseDue(
            verdict=str(item.due or ""),
            must=item.must,
            accepts=tuple(map(str, item.accepts)),
            expected=item.expected,
            rule=rule,
            rules=item.rules,
            line=line,
            path=path,
            near=near,
            near_line=near_line,
            near_path=near_path,
            why=why,
            answer=answer,
        ),
        case=message_of_case(case) if case is not None else None,
        policy_path=evaluation.policy.path,
        arms=tuple(arms),
    )


def _case(evaluation: Evaluation, item: EvalItem) -> Case | None:
    if not item.facts:
        return None
    try:
        return read_case(evaluation.policy.compiled, json.loads(item.facts))
    except (CaseError, ValueError):
        return None


def _told(evaluation: Evaluation, case: Case | None) -> tuple[_Sentences, _Sentences]:
    """The policy's own reasoning and answer on a case; none where its facts are not known."""
    if case is None:
        return (), ()
    policy = evaluation.policy
    decision = policy.interpreter.decide(case)
    supposed, _ = policy.interpreter.suppose(case)
    with policy.lock:
        outcome = DecidedCase.of(supposed, decision)
        rendered = plan(policy.grounds, outcome, ReasoningStyle.STEPWISE).tell("0", None, cited(decision))
    return told_sentences(policy, rendered.reasoning), told_sentences(policy, rendered.answer)


def _answer(item: EvalItem, arm: str, score: ItemScore) -> ArmAnswer:
    return ArmAnswer(
        arm=arm,
        label=arm_title(arm),
        baseline=arm in BASELINES,
        reasoning="\n".join(score.reasoning),
        answer=score.answer,
        read_as=score.choice or str(score.verdict),
        right=score.right,
        stated=str(score.stated) if score.stated is not None else None,
        cited=score.cited,
        marks=tuple(_marks(item, score)),
        # Where it does not reason at all, that is no fault of a reasoning.
        faults=(*score.faults, *score.problems) if score.reasoning or score.stated is not None else score.faults,
        why=score.why,
    )


def _marks(item: EvalItem, score: ItemScore) -> Sequence[AnswerMark]:
    """What of the answer and the reasoning is right; what cannot be told of this case is not there."""
    answered = "Gives the right answer" if item.kind is not ItemKind.POLICY else "Does what is due"
    told = [
        ("answer", answered, score.right),
        ("stated", "The reasoning ends in the right verdict", score.stated_right),
        ("agrees", "The answer does what the reasoning ends in", score.agrees),
        ("rules", "The reasoning names the rules that decide", score.cited_right),
        ("seen", "It sees what the picture shows", score.observed_right),
        ("facts", "It states nothing that is not so", score.facts_right),
        ("follows", "Its conclusion follows from what it states", score.follows),
        ("judged", "The judge finds the reasoning right", score.judged_reasoning),
    ]
    return [AnswerMark(name=name, label=label, ok=ok) for name, label, ok in told if ok is not None]


def _unread(arm: str, why: str) -> ArmAnswer:
    return ArmAnswer(
        arm=arm,
        label=arm_title(arm),
        baseline=arm in BASELINES,
        reasoning="",
        answer="",
        read_as="unscored",
        right=False,
        stated=None,
        cited=(),
        marks=(),
        faults=(),
        why=why,
    )
