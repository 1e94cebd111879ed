"""SafeCoT and its peers, each behind the same five doors."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.compile import texts
from benchmarks.compile.rules import ATTRIBUTES, Case, Rule

#: Where a text in memory is said to be; nothing is read from there.
_PATH = Path("/bench.safecot")


class Engine(ABC):
    """A language with its checks and its way to decide.

    `text` is what is parsed and checked; `number` makes it another text of the same meaning, so that nothing kept
    from the last time can be used. `decide` says the sorted names of the rules that apply, after `prepare`.
    """

    name: str
    package: str
    #: What `check` looks at, in words.
    checks: str

    def __init__(self, rules: list[Rule]) -> None:
        self.rules = rules

    @abstractmethod
    def parse(self, number: int) -> object: ...

    @abstractmethod
    def check(self, number: int) -> None: ...

    @abstractmethod
    def prepare(self) -> None:
        """Do all that is done once, before the first case."""

    def decide(self, case: Case) -> list[str] | None:
        """None where the engine decides nothing."""
        return None

    def decide_all(self, cases: Sequence[Case]) -> list[list[str] | None]:
        return [self.decide(case) for case in cases]


class SafeCoT(Engine):
    name, package = "safecotc", "safecot-dsl"
    checks = "names, types, domains, structure, texts, examples"

    @cached_property
    def text(self) -> str:
        return texts.safecot(self.rules)

    def parse(self, number: int) -> object:
        from safecot_dsl.compiler import Reporter, parse_file
        from safecot_dsl.diagnostics import SourceFile

        report = Reporter(SourceFile("bench.safecot", f"{self.text}# {number}\n"))
        tree = parse_file(report)
        assert not report.failed
        return tree

    def _checked(self, text: str, *, proofs: bool) -> tuple[str, ...]:
        from safecot_dsl.workspace import check_policy, open_policy

        opened = open_policy(_PATH, overlay={_PATH: text})
        found = check_policy(opened, proofs=proofs)
        assert opened.policy is not None
        return tuple(diagnostic.code for diagnostic in found)

    def check(self, number: int) -> None:
        assert not self._checked(f"{self.text}# {number}\n", proofs=False)

    def prove(self, number: int) -> tuple[str, ...]:
        return self._checked(f"{self.text}# {number}\n", proofs=True)

    def check_edited(self, number: int, *, proofs: bool) -> None:
        """Another threshold or value in one rule, in a process that has checked the policy before."""
        rule = f"rule edited {{ when query.a0 is v{number % 8} and query.score < 0.{number % 89 + 10} verdict warn }}\n"
        self._checked(self.text + rule, proofs=proofs)

    def prepare(self) -> None:
        from safecot_dsl.engine import Interpreter
        from safecot_dsl.workspace import open_policy

        policy = open_policy(_PATH, overlay={_PATH: self.text}).policy
        assert policy is not None
        self._interpreter = Interpreter(policy)

    def decide(self, case: Case) -> list[str] | None:
        from safecot_dsl.artifact import read_case

        facts: dict[str, Any] = {f"query.{name}": value for name, value in case.attributes.items()}
        facts["query.score"] = case.thousandths / 1000
        return list(self._interpreter.decide(read_case(self._interpreter.policy, {"facts": facts})).deciding)


class Cedar(Engine):
    name = package = "cedarpy"
    checks = "names and types against a schema (values of attributes are any string)"

    @cached_property
    def text(self) -> str:
        return texts.cedar(self.rules)

    def parse(self, number: int) -> object:
        from cedarpy import PolicySet

        return PolicySet.from_str(f"{self.text}// {number}\n")

    def check(self, number: int) -> None:
        from cedarpy import validate_policies

        result = validate_policies(f"{self.text}// {number}\n", texts.CEDAR_SCHEMA)
        assert result.validation_passed, result

    def prepare(self) -> None:
        from cedarpy import Entities, PolicySet

        self._policies, self._entities = PolicySet.from_str(self.text), Entities.from_json_str("[]")

    def _request(self, case: Case) -> dict[str, Any]:
        context = {**case.attributes, "score": case.thousandths}
        return {"principal": 'User::"u"', "action": 'Action::"ask"', "resource": 'Model::"m"', "context": context}

    def _read(self, result: Any) -> list[str]:
        found = result.diagnostics.id_annotations_by_reason.values()
        return sorted(name for name in found if name != "default")

    def decide(self, case: Case) -> list[str] | None:
        from cedarpy import is_authorized

        return self._read(is_authorized(self._request(case), self._policies, self._entities))

    def decide_all(self, cases: Sequence[Case]) -> list[list[str] | None]:
        from cedarpy import is_authorized_batch

        requests = [self._request(case) for case in cases]
        return [self._read(result) for result in is_authorized_batch(requests, self._policies, self._entities)]


class Cel(Engine):
    name, package = "celpy", "cel-python"
    checks = "syntax; programs are made, nothing is checked"

    @cached_property
    def texts(self) -> dict[str, str]:
        return texts.cel(self.rules)

    @cached_property
    def text(self) -> str:
        return "\n".join(self.texts.values())

    @cached_property
    def _environment(self) -> Any:
        import celpy

        types: Any = dict.fromkeys(ATTRIBUTES, celpy.celtypes.StringType)
        return celpy.Environment(annotations=types | {"score": celpy.celtypes.DoubleType})

    def parse(self, number: int) -> object:
        return {name: self._environment.compile(text) for name, text in self.texts.items()}

    def check(self, number: int) -> None:
        self._programs()

    def _programs(self) -> dict[str, Any]:
        environment = self._environment
        return {name: environment.program(environment.compile(text)) for name, text in self.texts.items()}

    def prepare(self) -> None:
        self._prepared = self._programs()

    def decide(self, case: Case) -> list[str] | None:
        from celpy.celtypes import DoubleType, StringType

        facts: Any = {name: StringType(value) for name, value in case.attributes.items()}
        facts["score"] = DoubleType(case.thousandths / 1000)
        return sorted(name for name, program in self._prepared.items() if program.evaluate(facts))


class Rego(Engine):
    name = package = "regopy"
    checks = "syntax, safety of variables, compilation of the query"
    _QUERY = "data.bench.applies"

    @cached_property
    def text(self) -> str:
        return texts.rego(self.rules)

    def parse(self, number: int) -> object:
        from regopy import Interpreter

        interpreter = Interpreter()
        interpreter.add_module("bench.rego", f"{self.text}# {number}\n")
        return interpreter

    def check(self, number: int) -> None:
        interpreter: Any = self.parse(number)
        assert interpreter.build(self._QUERY, []).ok()

    def prepare(self) -> None:
        self._interpreter: Any = self.parse(0)
        self._bundle = self._interpreter.build(self._QUERY, [])

    def decide(self, case: Case) -> list[str] | None:
        self._interpreter.set_input({**case.attributes, "score": case.thousandths / 1000})
        output = self._interpreter.query_bundle(self._bundle)
        return sorted(json.loads(str(output))["expressions"][0])


class Sigma(Engine):
    name = package = "pysigma"
    checks = "31 validators of style and structure"

    @cached_property
    def text(self) -> str:
        return texts.sigma(self.rules)

    def parse(self, number: int) -> Any:
        from sigma.collection import SigmaCollection

        collection = SigmaCollection.from_yaml(f"{self.text}# {number}\n")
        for rule in collection.rules:
            for condition in rule.detection.parsed_condition:
                condition.parse()
        return collection

    def check(self, number: int) -> None:
        from sigma.validation import SigmaValidator
        from sigma.validators.core import validators

        SigmaValidator(validators.values()).validate_rules(self.parse(number))

    def prepare(self) -> None:
        self._collection = self.parse(0)

    def walked(self, case: Case) -> list[str]:
        """The rules that apply, by our own walk over the parsed conditions: the package only translates them for
        other systems. It shows that the text says the same as the others' and is not timed."""
        facts: dict[str, Any] = {**case.attributes, "score": case.thousandths}
        conditions = {rule.title: rule.detection.parsed_condition[0].parse() for rule in self._collection.rules}
        return sorted(title for title, condition in conditions.items() if _sigma_holds(condition, facts))


def _sigma_holds(node: Any, facts: dict[str, Any]) -> bool:
    from sigma.conditions import ConditionAND, ConditionNOT, ConditionOR
    from sigma.types import SigmaCompareExpression

    match node:
        case ConditionAND():
            return all(_sigma_holds(each, facts) for each in node.args)
        case ConditionOR():
            return any(_sigma_holds(each, facts) for each in node.args)
        case ConditionNOT():
            return not _sigma_holds(node.args[0], facts)
        case _:
            value = node.value
            if isinstance(value, SigmaCompareExpression):
                limit = value.number.number
                return facts[node.field] >= limit if value.op.name == "GTE" else facts[node.field] < limit
            return facts[node.field] == str(value)


ENGINES: tuple[type[Engine], ...] = (SafeCoT, Cedar, Cel, Rego, Sigma)
