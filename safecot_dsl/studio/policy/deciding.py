"""What a policy says of one case, live: the verdict, why, and the text with where each sentence comes from."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from safecot_dsl.artifact import Case, Decision, Rule, Verdict
from safecot_dsl.engine import ConditionNode, Nearest, RuleExplanation, Trace, Truth, explain_rule
from safecot_dsl.render import ReasoningStyle, Sentence
from safecot_dsl.render.phrasing import title
from safecot_dsl.render.procedure import DecidedCase
from safecot_dsl.render.rendering import cited, plan
from safecot_dsl.render.verdict_words import VERDICT_WORDS
from safecot_dsl.studio.api_route import ApiRoute
from safecot_dsl.studio.messages.policy import (
    DecideQuery,
    DecisionMessage,
    Facts,
    RuleRef,
    SentenceMessage,
    SentencePart,
    SourceQuery,
    TruthNode,
    TruthValue,
    Where,
)
from safecot_dsl.studio.policy.cases import case_of_message, fact_entry
from safecot_dsl.studio.policy.policies import PreparedPolicy
from safecot_dsl.studio.state import Studio

_PARTS: dict[str, SentencePart] = {
    "observe": "see",
    "intent": "ask",
    "context": "see",
    "weigh": "weigh",
    "decide": "decide",
    "say": "answer",
    "offer": "answer",
    "source": "answer",
}
#: Rules that say why: of a case of which little is known, nearly every rule may apply.
MOST_RULES = 24
_TRUTHS: dict[str, TruthValue] = {"yes": "true", "no": "false", "maybe": "maybe"}


def facts(studio: Studio, asked: SourceQuery) -> Facts:
    """The facts of a policy, for the form."""
    found = studio.policies.compiled(asked.source)
    entries: list[Any] = []
    for fact in found.compiled.facts:
        span = found.own_span(f"fact:{fact.name}")
        entries.append(fact_entry(fact, None if span is None else span.line))
    return Facts(policy=found.policy.name, digest=found.policy.digest, facts=tuple(entries))


def decide(studio: Studio, asked: DecideQuery) -> DecisionMessage:
    """The decision on a case, with its text."""
    began = time.perf_counter()
    found = studio.policies.compiled(asked.source)
    case = case_of_message(found.compiled, asked.case)
    message = decision_message(found, case, ReasoningStyle(asked.style), asked.seed)
    return message.model_copy(update={"milliseconds": round(1000 * (time.perf_counter() - began), 1)})


def decision_message(
    found: PreparedPolicy,
    case: Case,
    style: ReasoningStyle = ReasoningStyle.STEPWISE,
    seed: str = "0",
    source_answer: str | None = None,
) -> DecisionMessage:
    """What the policy says of a well-typed case. `milliseconds` is 0."""
    trace = found.policy.interpreter.trace(case)
    decision = trace.decision
    nearest = found.policy.interpreter.nearest_rule(case) if decision.speaker == "default" else None
    with found.lock:
        outcome = DecidedCase.of(trace.case, decision)
        rendered = plan(found.grounds, outcome, style).tell(seed, source_answer, cited(decision))
    possible = [v for v in Verdict if decision.lower.strictness <= v.strictness <= decision.upper.strictness]
    return DecisionMessage(
        verdict=decision.verdict,
        meaning=VERDICT_WORDS[decision.verdict].meaning,
        possible=tuple(possible),
        certain=decision.certain,
        deciding=tuple(rule_ref(found, name, decision.verdict) for name in cited(decision)),
        in_question=tuple(rule_ref(found, name) for name in decision.undecided),
        nearest=None if nearest is None else rule_ref(found, nearest.rule.name),
        why=_why(found, trace, nearest),
        reasoning=sentences(found, rendered.reasoning),
        answer=sentences(found, rendered.answer),
        needs_answer=rendered.needs_answer,
        unsettled=decision.unsettled,
        assumed=decision.assumed,
        milliseconds=0.0,
    )


def rule_ref(found: PreparedPolicy, name: str, verdict: Verdict | None = None) -> RuleRef:
    """A rule by its name, or `default` or `unsure`, which have the verdict that is given."""
    rule = found.compiled.rule_index.get(name)
    line, path = rule_place(found, name)
    if rule is None:
        given = verdict or (found.compiled.unsure if name == "unsure" else found.compiled.default)
        label = "unsure, as something is unknown" if name == "unsure" else "the default, as no rule applies"
        return RuleRef(rule=name, verdict=given, line=line, path=path, label=label)
    return RuleRef(rule=name, verdict=rule.verdict, line=line, path=path, label=title(rule))


def rule_place(found: PreparedPolicy, name: str) -> tuple[int | None, str | None]:
    """Line and path of a rule, or of `default` or `unsure`."""
    return found.place(f"rule:{name}" if name in found.compiled.rule_index else name)


def sentences(found: PreparedPolicy, told: Sequence[Sentence]) -> tuple[SentenceMessage, ...]:
    """Sentences with the rule, the fact and the line that each comes from."""
    return tuple(
        SentenceMessage(
            text=sentence.text,
            part=_PARTS[sentence.step],
            built=sentence.built,
            where=tuple(_where(found, sentence)),
        )
        for sentence in told
    )


def _where(found: PreparedPolicy, sentence: Sentence) -> Iterator[Where]:
    """The place itself first; then the rule that a sentence which weighs is about, where that is another."""
    key = sentence.key
    fact = key.partition(":")[2].removesuffix(".says") if key is not None and key.startswith("fact:") else None
    if fact is not None and fact not in found.compiled.fact_index:
        fact = fact.rpartition(".")[0]
    line, path = found.place(key)
    if path is None and sentence.rule is not None:  # a phrase that ships: where the rule stands that says it
        line, path = rule_place(found, sentence.rule)
    if line is not None or sentence.rule is not None or fact is not None:
        yield Where(rule=sentence.rule, fact=fact, line=line, path=path)
    if sentence.about is not None and sentence.about != sentence.rule:
        line, path = rule_place(found, sentence.about)
        yield Where(rule=sentence.about, fact=None, line=line, path=path)


# Why ------------------------------------------------------------------------------------------------------------------


def _why(found: PreparedPolicy, trace: Trace, nearest: Nearest | None) -> TruthNode:
    """The rules that apply or may, the deciding ones first; where none does, the one that came nearest. Only what is
    shown is explained: that is a small part of a large policy."""
    decision = trace.decision
    rules = found.compiled.rules
    shown = [r for r in rules if trace.applies[r.name] is not Truth.NO or (nearest is not None and r is nearest.rule)]
    first = {name: place for place, name in enumerate((*decision.deciding, *decision.undecided))}
    shown.sort(key=lambda rule: first.get(rule.name, len(first)))
    nodes = [_rule_node(found, rule, trace) for rule in shown[:MOST_RULES]]
    more = len(shown) - len(nodes)
    if more:
        nodes.append(_leaf(f"and {more} more {'rule' if more == 1 else 'rules'} that may apply", "maybe"))
    return TruthNode(
        label=_said(decision),
        truth="true" if decision.certain else "maybe",
        line=None,
        rule=None,
        fact=None,
        value=None,
        children=tuple(nodes),
    )


def _leaf(label: str, truth: TruthValue) -> TruthNode:
    return TruthNode(label=label, truth=truth, line=None, rule=None, fact=None, value=None, children=())


def _said(decision: Decision) -> str:
    if not decision.certain:
        return f"{decision.verdict}: between {decision.lower} and {decision.upper}, by what is not known"
    return f"{decision.verdict}" + ("" if decision.deciding else ": no rule applies")


def _rule_node(found: PreparedPolicy, told: Rule, trace: Trace) -> TruthNode:
    """A rule, what its conditions came to, and the exceptions that take its place, or keep away."""
    interpreter = found.policy.interpreter
    rule = explain_rule(told, interpreter, trace)
    key = f"rule:{rule.name}"
    children = [_condition(found, rule.when, f"{key}.when", rule.name)]
    if rule.unless is not None:
        unless = _condition(found, rule.unless, f"{key}.unless", rule.name)
        children.append(unless.model_copy(update={"label": f"unless {unless.label}"}))
    if rule.applies != "no":
        children += [_exception(found, explain_rule(r, interpreter, trace)) for r in interpreter.exceptions[rule.name]]
    return TruthNode(
        label=f"{_title(found, rule.name)}: {rule.verdict}",
        truth=_TRUTHS[rule.effective],
        line=found.place(key)[0],
        rule=rule.name,
        fact=None,
        value=None,
        children=tuple(children),
    )


def _exception(found: PreparedPolicy, rule: RuleExplanation) -> TruthNode:
    return TruthNode(
        label=f"exception {_title(found, rule.name)}: {rule.verdict}",
        truth=_TRUTHS[rule.applies],
        line=found.place(f"rule:{rule.name}")[0],
        rule=rule.name,
        fact=None,
        value=None,
        children=(_condition(found, rule.when, f"rule:{rule.name}.when", rule.name),),
    )


def _title(found: PreparedPolicy, name: str) -> str:
    return title(found.compiled.rule_index[name])


def _condition(found: PreparedPolicy, node: ConditionNode, key: str, rule: str) -> TruthNode:
    return TruthNode(
        label=" ".join(node.text.split()),
        truth=_TRUTHS[node.truth],
        line=found.place(key)[0],
        rule=rule,
        fact=node.fact,
        value=node.value,
        children=tuple(_condition(found, part, key, rule) for part in node.parts),
    )


ROUTES = [
    ApiRoute("POST", "/policy/facts", facts, takes=SourceQuery, gives=Facts),
    ApiRoute("POST", "/policy/decide", decide, takes=DecideQuery, gives=DecisionMessage),
]
