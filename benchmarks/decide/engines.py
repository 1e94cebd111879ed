"""The engines, each behind one door: the names of the rules that apply to each of some cases."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import reduce
from importlib.metadata import version
from operator import and_, or_
from typing import Any

import polars as pl

from benchmarks.compile import engines as single
from benchmarks.compile import texts
from benchmarks.compile.rules import Case, Either, In, Is, Not, Part, Rule, Score
from benchmarks.decide.tables import make_policy
from safecot_dsl.artifact import read_case
from safecot_dsl.engine import Interpreter


class Engine(ABC):
    """`prepare` does what is done once; `facts` makes of a case what the engine is called with, and is not timed."""

    name: str
    package: str

    @abstractmethod
    def prepare(self, rules: list[Rule]) -> None: ...

    def facts(self, case: Case) -> Any:
        return {**case.attributes, "score": case.thousandths / 1000}

    @abstractmethod
    def applying(self, facts: Sequence[Any]) -> list[list[str]]:
        """The names of the rules that apply to each case, sorted."""

    def version(self) -> str:
        return version(self.package)


class OurInterpreter(Engine):
    name, package = "safecot interpreter", "safecot-dsl"

    def prepare(self, rules: list[Rule]) -> None:
        self._interpreter = Interpreter(make_policy(rules))

    def facts(self, case: Case) -> Any:
        facts: dict[str, Any] = {f"query.{name}": value for name, value in case.attributes.items()}
        return read_case(self._interpreter.policy, {"facts": facts | {"query.score": case.thousandths / 1000}})

    def applying(self, facts: Sequence[Any]) -> list[list[str]]:
        return [list(self._interpreter.decide(case).deciding) for case in facts]


class Cedar(Engine):
    """All requests in one call."""

    name = package = "cedarpy"

    def prepare(self, rules: list[Rule]) -> None:
        from cedarpy import Entities, PolicySet

        self._policies, self._entities = PolicySet.from_str(texts.cedar(rules)), Entities.from_json_str("[]")

    def facts(self, case: Case) -> Any:
        context = {**case.attributes, "score": case.thousandths}
        return {"principal": 'User::"u"', "action": 'Action::"ask"', "resource": 'Model::"m"', "context": context}

    def applying(self, facts: Sequence[Any]) -> list[list[str]]:
        from cedarpy import is_authorized_batch

        results = is_authorized_batch(list(facts), self._policies, self._entities)
        return [
            sorted(name for name in result.diagnostics.id_annotations_by_reason.values() if name != "default")
            for result in results
        ]


class Zen(Engine):
    """An expression node with an expression for each rule, all contexts in one call."""

    name, package = "zen-engine", "zen-engine"

    def prepare(self, rules: list[Rule]) -> None:
        import zen

        expressions = [
            {"id": rule.name, "key": rule.name, "value": _joined(rule, " and ", "not ({})", " or ")} for rule in rules
        ]
        nodes = [
            {"id": "in", "type": "inputNode", "name": "in"},
            {"id": "rules", "type": "expressionNode", "name": "rules", "content": {"expressions": expressions}},
            {"id": "out", "type": "outputNode", "name": "out"},
        ]
        edges = [
            {"id": "1", "type": "edge", "sourceId": "in", "targetId": "rules"},
            {"id": "2", "type": "edge", "sourceId": "rules", "targetId": "out"},
        ]
        content = zen.ZenDecisionContent(json.dumps({"nodes": nodes, "edges": edges}))
        self._engine: Any = zen.ZenEngine({"loader": lambda key: content})

    def applying(self, facts: Sequence[Any]) -> list[list[str]]:
        results = self._engine.evaluate_batch([{"key": "rules", "context": case} for case in facts])
        return [sorted(name for name, holds in result["data"]["result"].items() if holds) for result in results]


class RustCel(Engine):
    """A compiled program for each rule: the language has no rules."""

    name = package = "common-expression-language"

    def prepare(self, rules: list[Rule]) -> None:
        import cel

        self._programs: dict[str, Any] = {name: cel.compile(text) for name, text in texts.cel(rules).items()}

    def facts(self, case: Case) -> Any:
        import cel

        return cel.Context(super().facts(case))

    def applying(self, facts: Sequence[Any]) -> list[list[str]]:
        return [
            sorted(name for name, program in self._programs.items() if program.execute(context)) for context in facts
        ]


class RuleEngine(Engine):
    """A compiled rule for each."""

    name = package = "rule-engine"

    def prepare(self, rules: list[Rule]) -> None:
        import rule_engine

        self._rules: dict[str, Any] = {
            rule.name: rule_engine.Rule(_joined(rule, " and ", "not ({})", " or ")) for rule in rules
        }

    def applying(self, facts: Sequence[Any]) -> list[list[str]]:
        return [sorted(name for name, rule in self._rules.items() if rule.matches(case)) for case in facts]


class Rego(Engine):
    """One module, compiled once; a query for each case."""

    name = package = "regopy"

    def prepare(self, rules: list[Rule]) -> None:
        self._engine = single.Rego(rules)
        self._engine.prepare()

    def facts(self, case: Case) -> Any:
        return case

    def applying(self, facts: Sequence[Any]) -> list[list[str]]:
        return [self._engine.decide(case) or [] for case in facts]


def by_hand(rules: list[Rule]) -> pl.Expr:
    """What somebody would write in Polars for these rules alone: whether any applies, no unknown facts, no names."""
    return reduce(or_, (reduce(and_, map(_expression, rule.parts)) for rule in rules))


def _expression(part: Part) -> pl.Expr:
    match part:
        case Is(attribute, value):
            return pl.col(f"query.{attribute}") == value
        case In(attribute, values):
            return pl.col(f"query.{attribute}").is_in(list(values))
        case Score(at_least, thousandths):
            score = pl.col("query.score")
            return score >= thousandths / 1000 if at_least else score < thousandths / 1000
        case Not(inner):
            return ~_expression(inner)
        case Either(parts):
            return _expression(parts[0]) | _expression(parts[1])


def _joined(rule: Rule, both: str, negated: str, either: str) -> str:
    def written(part: Part) -> str:
        match part:
            case Is(attribute, value):
                return f'{attribute} == "{value}"'
            case In(attribute, values):
                return f"{attribute} in [{', '.join(map(_quoted, values))}]"
            case Score(at_least, thousandths):
                return f"score {'>=' if at_least else '<'} {thousandths / 1000}"
            case Not(inner):
                return negated.format(written(inner))
            case Either(parts):
                return f"({either.join(map(written, parts))})"

    return both.join(map(written, rule.parts))


PEERS: tuple[type[Engine], ...] = (Cedar, Zen, RustCel, RuleEngine, Rego)


def _quoted(text: str) -> str:
    return f'"{text}"'
