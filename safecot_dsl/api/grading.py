"""What responses are by a policy's criteria: one by one, or many at once as `safecotc grade` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from safecot_dsl.api.arguments import a_mapping, a_policy, a_text, a_verdict, one_of, the_tags
from safecot_dsl.artifact import Case, Verdict, case_of
from safecot_dsl.criteria import Grade, VectorReader, vectors_at_hand
from safecot_dsl.errors import UsageError
from safecot_dsl.render import Tags, parse_target
from safecot_dsl.workspace import Policy


@dataclass(frozen=True)
class Response:
    """A final answer and what it is held against: the request, the verdict that is due (None: nothing is) and the
    deciding rules, whose requirements it is to meet."""

    answer: str
    request: str = ""
    due: Verdict | None = None
    rules: tuple[str, ...] = ()


def response_of(
    policy: Policy, text: str, *, case: Any = None, due: Any = None, request: str = "", tags: Tags | None = None
) -> Response:
    """A response whose reasoning is taken off. What is due is worked out from `case`; `due` goes before that.

    Raises:
        CaseError: the case does not fit the policy's facts.
        UsageError: there is no such verdict.
    """
    verdict, rules = None, ()
    if case is not None:
        decision = policy.interpreter.decide(case_of(policy.compiled, case))
        verdict, rules = decision.verdict, decision.deciding
    if due is not None:
        verdict = a_verdict(due)
    return Response(parse_target(text, tags or Tags()).answer, request, verdict, rules)


def vector_reader(policy: Policy) -> VectorReader:
    """What reads responses by sentence vectors; needs the extra `annotate`."""
    from safecot_dsl.models import embed

    return VectorReader(policy.compiled.criteria, embed)


def grades(
    policy: Policy,
    responses: Sequence[Response],
    reader: VectorReader | None,
    answers: Mapping[str, bool] | None = None,
) -> list[Grade]:
    """The grade of each response, in order; sentence vectors are made of all at once. `answers`, of a judge or a
    person, go before what vectors and patterns say."""
    read: list[dict[str, bool]] = [{} for _ in responses]
    if reader is not None and responses:
        found = [policy.grader.grade(response.answer).propositions for response in responses]
        read = reader.read(
            [response.answer for response in responses], [response.request for response in responses], found
        )
    return [
        policy.grader.grade(
            response.answer,
            request=response.request,
            due=response.due,
            rules=response.rules,
            answers={**said, **(answers or {})},
        )
        for response, said in zip(responses, read, strict=True)
    ]


def grade(
    policy: Policy,
    text: str,
    *,
    case: Case | Mapping[str, Any] | None = None,
    due: Verdict | str | None = None,
    request: str = "",
    answers: Mapping[str, bool] | None = None,
    tags: tuple[str, str] = ("<think>", "</think>"),
    patterns_only: bool = False,
) -> Grade:
    """What a model's text is by a policy's criteria, and how good it is where a verdict is due.

    Args:
        policy: what `load` gave.
        text: what the model wrote. Its final answer is graded; a block of reasoning before it is taken off.
        case: what the text answers, as for `decide`: the policy's decision on it is due.
        due: the verdict that is due, in the place of what the case calls for.
        request: what was asked, in words: it tells a bare "No." that answers a question from one that refuses.
        answers: what a judge or a person says of propositions of the criteria, by name; this goes before what is
            detected.
        tags: what opens and closes the reasoning.
        patterns_only: whether the text is read by patterns alone, though sentence vectors (the extra `annotate`) are at
            hand. Patterns alone miss one refusal in six that people see.

    Returns:
        The grade, with the `verdict` that the text shows, or `unscored`; `cls`, its class, where something is due and
        nothing that the class hangs on is open; `propositions`, None where nobody can say; and `reasons`.

    Raises:
        CaseError: the case does not fit the policy's facts.
        UsageError: an argument is none that this takes.
    """
    policy = a_policy("grade", policy)
    a_text("text", text)
    a_text("request", request)
    for name, said in a_mapping("answers", answers).items():
        one_of("proposition", name, policy.compiled.criteria.propositions)
        if said is not True and said is not False:
            raise UsageError(f"`answers`: `{name}` is to be True or False, and is {said!r}")
    response = response_of(policy, text, case=case, due=due, request=request, tags=the_tags(tags))
    reader = None if patterns_only or not vectors_at_hand() else vector_reader(policy)
    return grades(policy, [response], reader, answers)[0]
