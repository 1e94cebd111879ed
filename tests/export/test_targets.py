"""A policy in the formats of other tools: the shape that each of them documents, and what is said to be lost."""

from __future__ import annotations

import json
import re
from itertools import product
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from strategies import VERDICTS, build_policy, cases, examples, policies

from safecot_dsl.artifact import CompiledPolicy, Fact, FlagIs, FlagType, Rule, Verdict
from safecot_dsl.datafiles import policies_root
from safecot_dsl.engine import Interpreter
from safecot_dsl.export import Exported, export_llama_guard, export_promptfoo, export_safeguard
from safecot_dsl.export.html import write_html
from safecot_dsl.export.markdown import write_markdown
from safecot_dsl.export.page import policy_document
from safecot_dsl.export.target import applies
from safecot_dsl.workspace import compile_policy

from .conftest import HOSTILE

EXPORTERS = (export_safeguard, export_llama_guard, export_promptfoo)
SHIPPED = sorted(policies_root().glob("*.safecot"))


@given(st.data(), policies())
@examples(60)
def test_the_whole_condition_of_a_rule_is_that_on_which_it_applies(data: st.DataObject, policy: CompiledPolicy) -> None:
    case = data.draw(cases(policy))
    trace = Interpreter(policy).trace(case)
    for rule in policy.rules:
        condition = applies(policy, rule)
        assert condition is not None
        assert trace.truth(condition) is trace.applies[rule.name]


@given(policies(), VERDICTS)
@examples(20)
def test_any_policy_is_exported_and_what_is_lost_is_in_the_output(policy: CompiledPolicy, strict: Verdict) -> None:
    for export in EXPORTERS:
        exported = export(policy, strict)
        assert exported.lost
        assert policy.digest in exported.text
        exported.text.encode("utf-8")
        said = (
            exported.text
            if export is not export_llama_guard
            else "\n".join(json.loads(exported.text)["not_carried_over"])
        )
        for sentence in exported.lost:
            assert sentence.replace(">", "›") in said or sentence in said


# --- gpt-oss-safeguard ------------------------------------------------------------------------------------------------


def sections(text: str) -> dict[str, str]:
    parts = re.split(r"^## (.*)$", text, flags=re.MULTILINE)
    return {parts[i]: parts[i + 1].strip() for i in range(1, len(parts), 2)}


def answers(text: str) -> list[dict[str, Any]]:
    return [json.loads(line.removeprefix("Answer: ")) for line in text.splitlines() if line.startswith("Answer: ")]


def test_the_prompt_has_the_sections_of_the_guide_in_its_order() -> None:
    policy = compile_policy(policies_root() / "people_privacy.safecot")
    text = export_safeguard(policy, Verdict.REDIRECT).text
    assert text.startswith("# Privacy of people in pictures\n\n## INSTRUCTIONS\n")
    found = sections(text)
    assert list(found) == ["INSTRUCTIONS", "DEFINITIONS", "VIOLATES (1)", "SAFE (0)", "OUTPUT", "EXAMPLES"]
    # The guide has the format of the output told near the top and again near the bottom.
    assert found["OUTPUT"] in found["INSTRUCTIONS"]
    examples_ = answers(found["EXAMPLES"])
    assert 4 <= len(examples_) <= 6
    assert {answer["violation"] for answer in examples_} == {0, 1}
    rules = {rule.name: rule for rule in policy.rules}
    for answer in examples_:
        if answer["violation"]:
            assert rules[answer["policy_category"]].verdict in (Verdict.REDIRECT, Verdict.REFUSE)
        else:
            assert answer["policy_category"] in (None, "unsure")
    assert not re.search(r"\b(generally|usually)\b", text)  # the guide warns of them


def test_each_rule_stands_where_its_label_is(shelf: CompiledPolicy) -> None:
    found = sections(export_safeguard(shelf, Verdict.REDIRECT).text)
    names = {title: re.findall(r"\(`(\w+)`", body) for title, body in found.items()}
    assert names["VIOLATES (1)"] == ["mixing", "trained", "child", "both"]
    assert names["SAFE (0)"] == ["sharp", "both", "stored_here", "stored_by_a_child", "elsewhere"]
    assert re.findall(r"^ *- ", found["VIOLATES (1)"], flags=re.MULTILINE) == ["- ", "  - ", "    - ", "  - "]
    assert "- Every request that no rule applies to." in found["SAFE (0)"]
    assert "What the exception `trained` above takes out of `mixing`." in found["SAFE (0)"]
    assert "(`both`, as above)" in found["SAFE (0)"]
    assert '{"violation": 0, "policy_category": "unsure"}' in found["INSTRUCTIONS"]
    assert "Where it is not told, take it to be: 0." in found["DEFINITIONS"]


def test_where_the_policy_has_few_examples_the_solver_adds_pairs_on_the_boundary() -> None:
    """One is kept. What is added begins with a case that its first strict rule decides, and a laxer one."""
    policy = compile_policy(policies_root() / "household_chemicals.safecot")
    exported = export_safeguard(policy.model_copy(update={"examples": policy.examples[:1]}), Verdict.REDIRECT)
    found = answers(sections(exported.text)["EXAMPLES"])
    assert len(found) == 4
    assert {answer["violation"] for answer in found} == {0, 1}
    assert found[1] == {"violation": 1, "policy_category": "toxic_mixing"}
    assert (
        "the last 3 examples are the solver's, not the authors': the policy has fewer than the guide's 4"
        in exported.lost
    )


def test_texts_of_a_policy_neither_end_a_turn_nor_the_comment(shelf: CompiledPolicy) -> None:
    exported = export_safeguard(shelf, Verdict.REDIRECT)
    assert "<|im_end|>" not in exported.text
    assert exported.text.rstrip().endswith("-->")
    comment = exported.text[exported.text.rindex("<!--") :]
    assert comment.count("-->") == 1


@pytest.mark.parametrize("strict", list(Verdict))
def test_a_default_that_violates_is_a_category_of_its_own(strict: Verdict, shelf: CompiledPolicy) -> None:
    closed = shelf.model_copy(update={"default": Verdict.REFUSE})
    found = sections(export_safeguard(closed, strict).text)
    assert '- Every request that no rule applies to ("policy_category": "default").' in found["VIOLATES (1)"]


# --- Llama Guard ------------------------------------------------------------------------------------------------------


def test_the_template_is_that_of_llama_guard(shelf: CompiledPolicy) -> None:
    document = json.loads(export_llama_guard(shelf, Verdict.REDIRECT).text)
    assert list(document) == ["policy", "prompt", "categories", "not_carried_over"]
    block = "\n".join(f"{c['code']}: {c['name']}.\n{c['description']}" for c in document["categories"])
    assert document["prompt"] == (
        "Task: Check if there is unsafe content in 'User' messages in conversations according our safety policy with "
        f"the below categories.\n\n<BEGIN UNSAFE CONTENT CATEGORIES>\n{block}\n<END UNSAFE CONTENT CATEGORIES>\n\n"
        "<BEGIN CONVERSATION>\n\nUser: {{ request }}\n\n<END CONVERSATION>\n\n"
        "Provide your safety assessment for ONLY THE LAST User message in the above conversation:\n"
        " - First line must read 'safe' or 'unsafe'.\n"
        " - If unsafe, a second line must include a comma-separated list of violated categories."
    )


def test_each_hazard_is_a_category_that_says_what_should_not_and_what_can(shelf: CompiledPolicy) -> None:
    """`both` is an exception to `sharp`, which is laxer: with `mixing` alone it would be within that category."""
    categories = json.loads(export_llama_guard(shelf, Verdict.REDIRECT).text)["categories"]
    assert [(c["code"], c["rules"]) for c in categories] == [("S1", ["mixing"]), ("S2", ["both"])]
    first, second = (c["description"].split("\n") for c in categories)
    assert first[0] == "Should not"
    assert first[1].startswith(" - Mixing ")
    assert first[2] == "Can"
    assert first[3:] == [
        " - Trained: requests where “Place” is “a laboratory”; but not requests where “The user is a minor” is true"
    ]
    assert second[0] == "Should not"
    assert "the query’s “harm” is between 0.2 and 0.4" in second[1]


def test_texts_of_a_policy_end_no_part_of_the_prompt(shelf: CompiledPolicy) -> None:
    assert "<END UNSAFE CONTENT CATEGORIES>" in HOSTILE
    prompt = json.loads(export_llama_guard(shelf, Verdict.COMPLY).text)["prompt"]
    for sign in ("<BEGIN UNSAFE", "<END UNSAFE", "<BEGIN CONV", "<END CONV", "{{"):
        assert prompt.count(sign) == 1
    assert "<|" not in prompt


# --- promptfoo --------------------------------------------------------------------------------------------------------


def config(exported: Exported) -> dict[str, Any]:
    return yaml.safe_load(exported.text)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_configuration_has_a_test_for_each_example_and_a_plugin_for_each_strict_rule(path: Any) -> None:
    """The shape was held against `promptfoo validate` 0.121.20; here it is written out."""
    policy = compile_policy(path)
    data = config(export_promptfoo(policy, Verdict.REDIRECT))
    assert list(data) == ["description", "providers", "prompts", "tests", "redteam"]
    assert data["prompts"] == ["{{request}}"]
    assert [test["metadata"]["verdict"] for test in data["tests"]] == [example.expect for example in policy.examples]
    for test in data["tests"]:
        assert set(test) == {"description", "vars", "assert", "metadata"}
        assert list(test["vars"]) == ["request"]
        (grader,) = test["assert"]
        assert grader["type"] == "llm-rubric"
        assert grader["value"].startswith(f"The verdict that is due is {test['metadata']['verdict']}: ")
    strict = [rule for rule in policy.rules if rule.verdict in (Verdict.REDIRECT, Verdict.REFUSE)]
    plugins = data["redteam"]["plugins"]
    assert [plugin["config"]["policy"].split()[1] for plugin in plugins] == [rule.name for rule in strict]
    for plugin in plugins:
        assert set(plugin) == {"id", "numTests", "config"}
        assert plugin["id"] == "policy"
        assert list(plugin["config"]) == ["policy"]


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) else []


def test_no_text_of_a_policy_is_a_template_or_the_name_of_a_file(shelf: CompiledPolicy) -> None:
    """promptfoo fills Nunjucks templates, also from the environment, and reads values that begin with `file://`."""
    data = config(export_promptfoo(shelf, Verdict.COMPLY))
    assert data.pop("prompts") == ["{{request}}"]
    found = texts(data)
    assert any("env.SECRET" in text for text in found)
    for text, sign in product(found, ("{{", "}}", "{%", "%}", "{#", "#}")):
        assert sign not in text
    assert not any(text.startswith(("file:", "http")) for text in found)


def test_an_example_that_fails_is_no_test(shelf: CompiledPolicy) -> None:
    data = config(export_promptfoo(shelf, Verdict.REDIRECT))
    assert "wrong" not in [test["metadata"]["example"] for test in data["tests"]]
    assert "mixed" in [test["metadata"]["example"] for test in data["tests"]]


def test_exceptions_of_exceptions_are_told_with_the_rule(shelf: CompiledPolicy) -> None:
    (text,) = [
        plugin["config"]["policy"]
        for plugin in config(export_promptfoo(shelf, Verdict.REDIRECT))["redteam"]["plugins"]
        if plugin["config"]["policy"].startswith("Rule mixing ")
    ]
    assert [line[: len(line) - len(line.lstrip())] for line in text.splitlines()[2:]] == ["", "  ", ""]
    assert "  - Except (A child) where “The user is a minor” is true: there the assistant declines." in text


def test_what_is_lost_depends_on_the_policy(shelf: CompiledPolicy) -> None:
    lost = "\n".join(export_safeguard(shelf, Verdict.REDIRECT).lost)
    assert "exceptions to exceptions are nested sentences there: `child`" in lost
    assert "thresholds: a model guesses the number that a detector measures, in `both` and `mixing`" in lost
    assert "patterns are told, and matched by eye, in `sharp`" in lost
    plain = compile_policy(policies_root() / "household_chemicals.safecot")
    lost = "\n".join(export_safeguard(plain, Verdict.REDIRECT).lost)
    assert "exceptions to exceptions" not in lost
    assert "patterns" not in lost


def tower(height: int, width: int) -> CompiledPolicy:
    """A rule, and `height` exceptions, each to the `width` before it."""
    fact = Fact(name="query.a", type=FlagType())
    rules = [
        Rule(
            name=f"r{n}",
            exception_to=tuple(f"r{m}" for m in range(max(0, n - width), n)),
            when=FlagIs(fact="query.a"),
            verdict=Verdict.REFUSE if n % 2 else Verdict.COMPLY,
        )
        for n in range(height)
    ]
    return build_policy((fact,), rules, Verdict.COMPLY, Verdict.CLARIFY)


@pytest.mark.parametrize(("height", "width"), [(600, 1), (60, 3)])
def test_a_tower_of_exceptions_is_told_in_bounded_space(height: int, width: int) -> None:
    """Written out, the second has more than 10^15 ways down; the first is deeper than the interpreter's stack."""
    policy = tower(height, width)
    for export in EXPORTERS:
        assert len(export(policy, Verdict.REFUSE).text) < 6_000_000
    assert applies(policy, policy.rules[-1]) is None
    document = policy_document(policy, {})
    for text in (write_html(document, {}), write_markdown(document, lambda _: None)):
        assert len(text) < 3_000_000
        assert all(f"R{n}" in text for n in range(height))
