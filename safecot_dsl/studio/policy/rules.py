"""A policy as a picture: its rules, their exceptions, the facts that they read, and which rules stand near one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from safecot_dsl.artifact import CompiledPolicy, Rule, facts_read
from safecot_dsl.render.phrasing import title
from safecot_dsl.studio.api_route import ApiRoute
from safecot_dsl.studio.messages.policy import RuleEdge, RuleNode, RulesMessage, SourceQuery
from safecot_dsl.studio.policy.findings import finding_messages
from safecot_dsl.studio.policy.policies import PreparedPolicy
from safecot_dsl.studio.state import Studio
from safecot_dsl.workspace import check_policy

#: Neighbours of a rule that read the same facts.
MOST_ALIKE = 8


def rules(studio: Studio, asked: SourceQuery) -> RulesMessage:
    """The rules of a policy and how they hang together, with what can be said of them at once."""
    found = studio.policies.compiled(asked.source)
    return RulesMessage(
        nodes=tuple(_nodes(found)),
        edges=tuple(_edges(found.compiled)),
        neighbours=_neighbours(found.compiled),
        findings=finding_messages(found, check_policy(found.opened, proofs=False)),
    )


def _nodes(found: PreparedPolicy) -> Iterator[RuleNode]:
    policy = found.compiled
    for rule in policy.rules:
        line, path = found.place(f"rule:{rule.name}")
        yield RuleNode(
            id=f"rule:{rule.name}",
            kind="exception" if rule.exception_to else "rule",
            label=title(rule),
            verdict=rule.verdict,
            line=line,
            path=path,
        )
    line, path = found.place("default")
    yield RuleNode(id="default", kind="default", label="No rule applies", verdict=policy.default, line=line, path=path)
    for fact in policy.facts:
        line, path = found.place(f"fact:{fact.name}")
        yield RuleNode(id=f"fact:{fact.name}", kind="fact", label=fact.label, verdict=None, line=line, path=path)


def _edges(policy: CompiledPolicy) -> Iterator[RuleEdge]:
    for rule in policy.rules:
        for parent in rule.exception_to:
            yield _edge(f"rule:{rule.name}", f"rule:{parent}", "except")
        for fact in _reads(rule):
            yield _edge(f"rule:{rule.name}", f"fact:{fact}", "reads")


def _edge(source: str, target: str, kind: str) -> RuleEdge:
    return RuleEdge.model_validate({"from": source, "to": target, "kind": kind})


def _reads(rule: Rule) -> tuple[str, ...]:
    return tuple(dict.fromkeys(facts_read(*rule.conditions)))


def _neighbours(policy: CompiledPolicy) -> dict[str, tuple[str, ...]]:
    """Of each rule what it is an exception to, the exceptions to it and those beside it; then the rules that read the
    same facts, those first whose common facts few others read."""
    readers: dict[str, list[str]] = {}
    for rule in policy.rules:
        for fact in _reads(rule):
            readers.setdefault(fact, []).append(rule.name)
    exceptions: dict[str, list[str]] = {}
    for rule in policy.rules:
        for parent in rule.exception_to:
            exceptions.setdefault(parent, []).append(rule.name)
    found: dict[str, tuple[str, ...]] = {}
    for rule in policy.rules:
        beside = [name for parent in rule.exception_to for name in exceptions[parent]]
        family = dict.fromkeys((*rule.exception_to, *exceptions.get(rule.name, ()), *beside))
        alike = Counter[str]()
        for fact in _reads(rule):
            for name in readers[fact]:
                alike[name] += 1 / len(readers[fact])  # pyright: ignore[reportArgumentType] - weights, not counts
        others = [name for name, _ in alike.most_common() if name not in family and name != rule.name]
        found[rule.name] = tuple(name for name in (*family, *others[:MOST_ALIKE]) if name != rule.name)
    return found


ROUTES = [ApiRoute("POST", "/policy/rules", rules, takes=SourceQuery, gives=RulesMessage)]
