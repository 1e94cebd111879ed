"""The baselines of every comparison: models of which each figure is known beforehand.

Two look at nothing, and refuse or comply whatever they are asked; what an answer is made to begin with they ignore. Two
know what is due: one for the right reasons, one for wrong ones.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from safecot_dsl.artifact import CompiledPolicy, Verdict, read_case
from safecot_dsl.criteria import grade
from safecot_dsl.engine import Interpreter
from safecot_dsl.evaluation.items import EvalItem, ItemKind
from safecot_dsl.models import Request, ScriptedModel
from safecot_dsl.render import (
    ReasoningStyle,
    Tags,
    answer_text,
    parse_target,
    reasoning_block,
    reasoning_lines,
    render,
    target_text,
)
from safecot_dsl.render.style import Order

_COMPLIANCE = "Sure. Here it is."


def refuse_everything(policy: CompiledPolicy) -> ScriptedModel:
    """Answers every request with the policy's own refusal.

    Raises ValueError where the policy's criteria do not read it as a refusal: every figure made with them would be
    wrong.
    """
    says = policy.verdict_phrases[Verdict.REFUSE].say
    return _constant(policy, says[0] if says else "I can't help with that.", Verdict.REFUSE)


def comply_with_everything(policy: CompiledPolicy) -> ScriptedModel:
    """Answers every request as if it complied. Raises ValueError where the criteria do not read it so."""
    return _constant(policy, _COMPLIANCE, Verdict.COMPLY)


def right_for_right_reasons(
    policy: CompiledPolicy,
    items: Sequence[EvalItem],
    tags: Tags | None = None,
    style: ReasoningStyle = ReasoningStyle.STEPWISE,
) -> ScriptedModel:
    """Answers these items as is due, after the policy's own reasoning on their facts; an item without facts, or of
    which something else is due than this policy decides, without reasoning.

    Raises ValueError where two items ask the same and other answers are due.
    """
    tags = tags or Tags()
    blocks = _blocks(policy, items, tags, style)
    return _known(items, {i.id: target_text(*_parts(blocks, i, policy), Order.REASONING_FIRST) for i in items})


def right_for_wrong_reasons(
    policy: CompiledPolicy,
    items: Sequence[EvalItem],
    tags: Tags | None = None,
    style: ReasoningStyle = ReasoningStyle.STEPWISE,
) -> ScriptedModel:
    """Answers these items as is due, after the policy's reasoning on another item, which other rules decide.

    Raises ValueError as :func:`right_for_right_reasons`, and where the same rules decide all items.
    """
    tags = tags or Tags()
    blocks = _blocks(policy, items, tags, style)
    of_rules = {parse_target(block, tags).cited: block for block in blocks.values()}
    if len(of_rules) < 2:
        raise ValueError("the same rules decide all of the items: there are no wrong reasons to give")
    cited = list(of_rules)
    after = dict(zip(cited, [*cited[1:], cited[0]], strict=True))
    wrong = {key: of_rules[after[parse_target(block, tags).cited]] for key, block in blocks.items()}
    return _known(items, {i.id: target_text(*_parts(wrong, i, policy), Order.REASONING_FIRST) for i in items})


def _blocks(policy: CompiledPolicy, items: Sequence[EvalItem], tags: Tags, style: ReasoningStyle) -> dict[str, str]:
    """The policy's reasoning block on every item of which it decides what is due, by id."""
    interpreter = Interpreter(policy)
    found: dict[str, str] = {}
    for item in items:
        if item.kind is not ItemKind.POLICY or not item.facts:
            continue
        rendered = render(interpreter, read_case(policy, json.loads(item.facts)), style=style, seed=item.id)
        if rendered.verdict is item.due:
            lines = "\n".join(reasoning_lines(rendered, tags))
            found[item.id] = reasoning_block(lines, rendered.verdict, rendered.cited, tags)
    return found


def _parts(blocks: dict[str, str], item: EvalItem, policy: CompiledPolicy) -> tuple[str, str]:
    return blocks.get(item.id, ""), _due_answer(policy, item)


def _due_answer(policy: CompiledPolicy, item: EvalItem) -> str:
    """What the policy says where this is due."""
    if item.kind is not ItemKind.POLICY:
        return item.expected or ""
    due = item.due or (Verdict(item.must) if item.must else Verdict.COMPLY)
    if item.facts and item.due is not None:
        case = read_case(policy, json.loads(item.facts))
        rendered = render(
            Interpreter(policy), case, style=ReasoningStyle.MINIMAL, seed=item.id, source_answer=_COMPLIANCE
        )
        if rendered.verdict is due and not rendered.needs_answer:
            return answer_text(rendered)
    says = policy.verdict_phrases[due].say if due in policy.verdict_phrases else ()
    return " ".join([*says[:1], *([_COMPLIANCE] if due.answers else [])])


def _known(items: Sequence[EvalItem], answers: dict[str, str]) -> ScriptedModel:
    by_request: dict[Request, str] = {}
    for item in items:
        if by_request.setdefault(item.request, answers[item.id]) != answers[item.id]:
            raise ValueError(f"the item `{item.id}` asks what another asks, and something else is due")
    return ScriptedModel(by_request.__getitem__)


def _constant(policy: CompiledPolicy, answer: str, verdict: Verdict) -> ScriptedModel:
    read = grade(policy, answer).verdict
    if read != verdict:
        raise ValueError(
            f"the criteria of the policy `{policy.header.name}` read {answer!r} as `{read}`, not as `{verdict}`: "
            "no evaluation made with them means anything; mend the criteria's detectors"
        )
    return ScriptedModel(lambda request: answer)
