"""`published/rule_based_rewards` against the class tables of its origin, evaluated as they are written.

The tables are read from that project's own file and evaluated here, by code that knows nothing of the language: a
proposition is a literal, a table a conjunction. What is compared is every combination of answers that the tables can
tell apart, and every response that people labelled.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from safecot_dsl.artifact import CompiledPolicy, Verdict
from safecot_dsl.criteria import REQUIREMENT_BROKEN, evaluate, grade, unreachable_classes
from safecot_dsl.datafiles import policies_root
from safecot_dsl.workspace import compile_policy

#: Where each kind of response is due in the policy: by which verdict, and by which deciding rules.
KINDS: dict[str, tuple[Verdict, tuple[str, ...]]] = {
    "hard_refuse": (Verdict.REFUSE, ()),
    "safe_refuse_1": (Verdict.REDIRECT, ("in_need",)),
    "safe_refuse_2": (Verdict.REDIRECT, ("asks_for_method",)),
    "comply": (Verdict.COMPLY, ()),
}

#: From the best to the worst, as the origin orders them.
CLASSES = [
    "ideal",
    "minimum_acceptable_style",
    "unacceptable_completion",
    "illogical_completion",
    "disallowed_completion",
]


@cache
def policy() -> CompiledPolicy:
    return compile_policy(policies_root() / "published" / "rule_based_rewards.safecot")


class Tables:
    """The origin's class tables and combinations."""

    def __init__(self, text: str) -> None:
        read: dict[str, Any] = yaml.safe_load(text)
        self.order: list[str] = read["completion_class_order"]
        self.classes: dict[str, dict[str, dict[str, bool]]] = read["completion_classes"]
        self.combined: dict[str, dict[str, bool]] = read["derived_propositions"]
        self.simple: set[str] = set(read["simple_propositions"])

    def holds(self, table: Mapping[str, bool], answers: Mapping[str, bool]) -> bool:
        return all(self._value(name, answers) is wanted for name, wanted in table.items())

    def _value(self, name: str, answers: Mapping[str, bool]) -> bool:
        return self.holds(self.combined[name], answers) if name in self.combined else answers[name]

    def classes_of(self, kind: str, answers: Mapping[str, bool]) -> list[str]:
        """Every class whose table holds; one, if the tables are what their comment says they are."""
        return [name for name in self.order if self.holds(self.classes[name][kind], answers)]

    def read_by(self, kind: str) -> list[str]:
        """The simple propositions that the tables of a kind depend on."""
        found: set[str] = set()
        waiting = [name for tables in self.classes.values() for name in tables[kind]]
        while waiting:
            name = waiting.pop()
            if name in self.combined:
                waiting += self.combined[name]
            else:
                found.add(name)
        return sorted(found)


@pytest.fixture
def tables(shared_data: Path) -> Tables:
    return Tables((shared_data / "rbr" / "proposition_prompts.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def rows(shared_data: Path) -> list[dict[str, Any]]:
    path = shared_data / "rbr" / "gold_train.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def combinations(names: list[str]) -> Iterator[dict[str, bool]]:
    for answers in itertools.product((False, True), repeat=len(names)):
        yield dict(zip(names, answers, strict=True))


#: The lets that the classes of each kind stand on, each after those that it stands on itself.
LETS = {
    "hard_refuse": ("acceptable_refusal", "correct_refusal"),
    "safe_refuse_1": ("acceptable_safe_completion", "correct_safe_completion"),
    "safe_refuse_2": ("acceptable_safe_completion", "correct_safe_completion"),
    "comply": ("no_compliance",),
}


def compiled_class(kind: str, answers: Mapping[str, bool]) -> str:
    """The compiled class where every proposition is answered, by the condition evaluator alone: `grade` costs more.

    A broken requirement stands for the origin's second class.
    """
    criteria, (due, rules) = policy().criteria, KINDS[kind]
    values: dict[str, bool | None] = dict(answers)
    for name in LETS[kind]:
        values[name] = evaluate(criteria.lets[name], values)
    for name in rules:
        require = policy().rule_index[name].require
        if require is not None and evaluate(require, values) is False:
            return "minimum_acceptable_style"
    classes = criteria.due[due]
    return next((c.name for c in classes.classes if evaluate(c.when, values)), classes.otherwise)


def test_the_propositions_are_the_origins(tables: Tables) -> None:
    own = {name for name in policy().criteria.propositions if "." not in name}
    assert tables.simple <= own
    assert len(tables.simple) == 23
    assert tables.order == CLASSES


def test_two_labelled_propositions_count_for_no_class(tables: Tables) -> None:
    read = {name for kind in KINDS for name in tables.read_by(kind)}
    assert tables.simple - read == {"conditional_verbiage", "prescribes_dosage"}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.long] * (kind == "safe_refuse_2")) for kind in KINDS]
)
def test_one_class_holds_of_every_combination_and_it_is_the_compiled_one(kind: str, tables: Tables) -> None:
    """The origin's tables are disjoint and complete, as their comment says and nothing there checks; ours are they."""
    for answers in combinations(tables.read_by(kind)):
        assert tables.classes_of(kind, answers) == [compiled_class(kind, answers)], answers


def test_every_class_can_be_reached() -> None:
    assert unreachable_classes(policy().criteria) == []


def kind_of(row: Mapping[str, Any]) -> str:
    return row["response_type"].lower().replace(" ", "_")


def test_every_labelled_response_is_in_the_class_that_the_origin_puts_it_in(
    tables: Tables, rows: list[dict[str, Any]]
) -> None:
    """By the whole way that a user goes: `grade`, with people's labels as answers."""
    assert len(rows) == 351
    empty = 0
    for number, row in enumerate(rows):
        kind, text = kind_of(row), row["completion"][-1]["content"]
        due, rules = KINDS[kind]
        own = grade(policy(), text, due=due, rules=rules, answers=row["propositions"]).cls
        if not text.strip():  # nothing to judge: `grade` gives it no class, where the origin's labels do
            empty += 1
            assert own is None
            own = compiled_class(kind, row["propositions"])
        elif own == REQUIREMENT_BROKEN:
            own = "minimum_acceptable_style"
        assert [own] == tables.classes_of(kind, row["propositions"]), number
    assert empty == 7


def test_how_many_labelled_responses_are_in_each_class(rows: list[dict[str, Any]]) -> None:
    """As docs/published.md has them. No labelled response is an ideal refusal of any kind."""
    counts = Counter((kind_of(row), compiled_class(kind_of(row), row["propositions"])) for row in rows)
    page = (Path(__file__).resolve().parents[2] / "docs" / "published.md").read_text(encoding="utf-8")
    for kind in KINDS:
        line = next(line for line in page.splitlines() if line.startswith(f"| `{kind}`"))
        shown = [int(cell) for cell in line.strip("| ").split("|")[1:]]
        assert shown == [counts[kind, name] for name in CLASSES], kind
    assert all(counts[kind, "ideal"] == 0 for kind in KINDS if kind != "comply")


def runs(text: str, length: int) -> set[tuple[str, ...]]:
    words = re.findall(r"[a-z]+", text.lower().replace("'", ""))
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}


def test_the_wording_is_our_own(tables: Tables, shared_data: Path) -> None:
    """No text of a proposition shares nine words in a row with the origin's questions."""
    theirs = runs((shared_data / "rbr" / "proposition_prompts.yaml").read_text(encoding="utf-8"), 9)
    for name in tables.simple:
        proposition = policy().criteria.propositions[name]
        for text in (proposition.definition, *proposition.yes, *proposition.no):
            assert not runs(text, 9) & theirs, text
