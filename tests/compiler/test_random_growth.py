"""Random policies in the forms that the language has for one meaning: tables or rules, one file or two, commented."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from strategies import HEAD, VERDICTS, declarations, examples, policies

from safecot_dsl.artifact import CompiledPolicy, Law
from safecot_dsl.compiler.allowing import ALLOWABLE

from .sources import compiled, opened


def compiled_from(texts: list[str]) -> CompiledPolicy:
    return compiled(HEAD + "\n".join(texts))


@examples(40)
@given(policies(), st.data())
def test_a_table_means_what_its_rules_mean_written_out(built: CompiledPolicy, data: st.DataObject) -> None:
    as_table = compiled_from(data.draw(st.permutations(declarations(built))))
    written_out = compiled_from(declarations(built.model_copy(update={"tables": ()})))
    assert as_table.digest == written_out.digest
    assert as_table.rule_index == written_out.rule_index
    assert [(table.name, table.facts, set(table.rows)) for table in as_table.tables] == [
        (table.name, table.facts, set(table.rows)) for table in built.tables
    ]
    assert {law.name: law for law in as_table.laws} == {law.name: law for law in written_out.laws}
    assert {law.name: _unlabelled(law) for law in as_table.laws} == {law.name: _unlabelled(law) for law in built.laws}


def _unlabelled(law: Law) -> str:
    """The law as JSON, without the names of sets of phrases, which a policy that was built has none of."""
    return re.sub(r'"phrase_set":"[^"]*"', '"phrase_set":null', law.model_dump_json())


@examples(40)
@given(policies(), st.data())
def test_a_policy_in_two_files_one_on_top_of_the_other_is_the_policy(
    built: CompiledPolicy, data: st.DataObject
) -> None:
    """Each declaration stands below, or above, or below in another form that is overridden above."""
    whole = compiled_from(declarations(built))
    base: list[str] = []
    top: list[str] = []
    overridden: set[str] = set()
    for text in declarations(built):
        kind, name = text.split(maxsplit=2)[:2]
        # A policy's own text must be whole without the one above it: only claims and exceptions can stand above alone.
        places = ["base"]
        if kind == "law" or (kind == "exception" and f" to {name}" not in text and not _is_named(name, built)):
            places += ["top"]
        if kind in ("rule", "default", "unsure"):
            places += ["both"]
        place = data.draw(st.sampled_from(places))
        if place != "top":
            base.append(text if place == "base" else _other(text, kind, name, data))
        if place == "both":
            overridden.add(f"rule:{name}" if kind == "rule" else kind)
        if place != "base":
            top.append(f"override {text}" if place == "both" else text)
    result = opened(
        'policy top { version "2" }\nextend base\n' + "\n".join(data.draw(st.permutations(top))),
        {"base.safecot": 'policy base { version "1" }\n' + "\n".join(base)},
    )
    assert result.policy is not None, result.diagnostics
    assert result.policy.digest == whole.digest
    assert result.policy.rule_index == whole.rule_index
    assert {law.name: law for law in result.policy.laws} == {law.name: law for law in whole.laws}
    assert set(result.policy.extends[0].overrides) == overridden


def _is_named(name: str, built: CompiledPolicy) -> bool:
    return any(name in rule.exception_to for rule in built.rules)


def _other(text: str, kind: str, name: str, data: st.DataObject) -> str:
    """A declaration of the same name with another meaning."""
    verdict: Any = data.draw(VERDICTS)
    if kind != "rule":
        return f"{kind} {verdict.value}"
    return f"rule {name} {{ {text.split('{', 1)[1].strip().split(chr(10))[0]} verdict {verdict.value} }}"


@examples(40)
@given(policies(), st.data())
def test_comments_that_allow_findings_change_nothing(built: CompiledPolicy, data: st.DataObject) -> None:
    lines = (HEAD + "\n".join(declarations(built))).split("\n")
    commented: list[str] = []
    expected: list[tuple[str, int]] = []
    waiting: list[str] = []
    for line in lines:
        for _ in range(data.draw(st.sampled_from([0, 0, 0, 1, 2]))):
            waiting.append(data.draw(st.sampled_from(sorted(ALLOWABLE))))
            commented.append(f"  # allow: {waiting[-1]} for a reason")
        commented.append(line)
        expected += [(code, len(commented)) for code in waiting]
        waiting = []
        if data.draw(st.sampled_from([False, False, True])):
            code = data.draw(st.sampled_from(sorted(ALLOWABLE)))
            commented[-1] += f" # allow: {code} for a reason"
            expected.append((code, len(commented)))
    policy = compiled("\n".join(commented))
    assert sorted((entry.code, entry.line) for entry in policy.source_map.allowed) == sorted(expected)
    assert policy.digest == compiled("\n".join(lines)).digest
