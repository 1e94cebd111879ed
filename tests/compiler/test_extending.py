"""A policy on top of another: the base's declarations are its own, and what it overrides stands in their place."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest

from safecot_dsl.artifact import CompiledPolicy, Extended, Verdict

from .sources import HEAD, compiled, faults, opened

TERMS = 'library terms { version "1" }\nparam limit = 0.75\nphrases say_refuse { "no" }\n'
BASE = """policy base { version "3.1" title "The base" }
import terms
import std.hazards as danger
param threshold = 0.5
facts image { objects : set of { knife, toy, fork } text : text }
facts query { harm : score minor : flag }
group sharp = { knife }
let cutting = image.objects has any of sharp
phrases words { "bomb" }
taxonomy kinds { one two }
criteria judging { proposition curt "Curt." {} for refuse { class good when curt otherwise bad } }
rule cuts { hazard danger.violent_crimes when cutting and query.harm >= threshold verdict refuse require curt }
rule says { hazard one when image.text contains any of words or query.harm > terms.limit verdict refuse }
exception grown to cuts { when not query.minor verdict redirect }
table by_age { columns query.minor row young : yes then warn row old : no then comply }
default comply
unsure clarify
example "a knife" { given image.objects = { knife }, query.harm = 0.6, query.minor = yes expect refuse by cuts }
property "a claim" { given query.harm < 0.1 expect not redirect }
law "a law" { change query.harm rises expect never laxer }
"""
FILES = {"base.safecot": BASE, "terms.safecot": TERMS}
EXTENDED = 'policy top { version "1" }\nextend base\n'


def extended(text: str = "", params: Mapping[str, float] | None = None) -> CompiledPolicy:
    result = opened(EXTENDED + text, FILES, params)
    assert result.policy is not None, [(d.code, d.message) for d in result.diagnostics]
    return result.policy


def base(text: str = BASE, params: Mapping[str, float] | None = None) -> CompiledPolicy:
    return compiled(text, FILES, params)


def said(text: str) -> list[tuple[str, str]]:
    result = opened(EXTENDED + text, FILES)
    return [(d.code, d.message) for d in result.diagnostics]


def test_extending_changes_nothing() -> None:
    top, below = extended(), base()
    assert top.digest == below.digest
    assert top.extends == (Extended(name="base", version="3.1"),)
    assert top.header.name == "top"
    for field in ("facts", "rules", "examples", "properties", "laws", "tables", "params", "criteria", "phrases"):
        assert getattr(top, field) == getattr(below, field), field
    assert {key: str(span) for key, span in top.source_map.spans.items()} == {
        key: str(span).replace("p.safecot", "base.safecot") for key, span in below.source_map.spans.items()
    }


@pytest.mark.parametrize(
    ("override", "replaced", "by", "key"),
    [
        ("param threshold = 0.9", "param threshold = 0.5", "param threshold = 0.9", "param:threshold"),
        ("group sharp = { knife, fork }", "group sharp = { knife }", "group sharp = { knife, fork }", "group:sharp"),
        (
            "let cutting = image.objects has toy",
            "let cutting = image.objects has any of sharp",
            "let cutting = image.objects has toy",
            "let:cutting",
        ),
        ('phrases words { "gun" }', 'phrases words { "bomb" }', 'phrases words { "gun" }', "phrases:words"),
        ("default warn", "default comply", "default warn", "default"),
        ("unsure refuse", "unsure clarify", "unsure refuse", "unsure"),
        (
            "exception grown to cuts, says { when cutting verdict warn }",
            "exception grown to cuts { when not query.minor verdict redirect }",
            "exception grown to cuts, says { when cutting verdict warn }",
            "rule:grown",
        ),
        (
            "rule young { when query.minor and cutting verdict redirect }",
            "row young : yes then warn ",
            "",
            "rule:young",
        ),
    ],
)
def test_what_is_overridden_is_as_if_it_stood_in_the_base(override: str, replaced: str, by: str, key: str) -> None:
    """The base's own text sees what took the place of its own."""
    assert replaced in BASE
    text = BASE.replace(replaced, by)
    if key == "rule:young":
        text += override
    top = extended(f"override {override}")
    assert top.digest == base(text).digest
    assert top.digest != base().digest
    assert top.extends == (Extended(name="base", version="3.1", overrides=(key,)),)


def test_an_overridden_rule_is_replaced_whole() -> None:
    top = extended("override rule cuts { when cutting verdict warn }")
    rule = top.rule_index["cuts"]
    assert (rule.verdict, rule.hazard, rule.require) == (Verdict.WARN, None, None)
    assert top.rule_index["grown"].exception_to == ("cuts",)


def test_claims_are_overridden_by_their_names() -> None:
    top = extended(
        'override example "a knife" { expect clarify }\n'
        'override property "a claim" { expect not warn }\n'
        'override law "a law" { change query.harm falls expect never stricter }'
    )
    assert [example.expect for example in top.examples] == [Verdict.CLARIFY]
    assert [claim.given for claim in top.properties] == [None]
    assert [law.change for law in top.laws] == ["falls"]
    assert top.extends[0].overrides == ("example:a knife", "law:a law", "property:a claim")
    assert top.digest == base().digest


def test_an_overridden_row_is_a_rule_of_its_own_and_leaves_its_table() -> None:
    top = extended("override rule young { when query.minor verdict refuse }")
    assert [table.rows for table in top.tables] == [("old",)]
    assert top.rule_index["young"].verdict is Verdict.REFUSE
    both = "override rule young { when query.minor verdict refuse } override rule old { when cutting verdict warn }"
    assert extended(both).tables == ()


def test_a_policy_adds_to_what_it_extends() -> None:
    top = extended(
        "facts context { teacher : flag }\n"
        "exception taught to cuts, mine, young { when context.teacher verdict comply }\n"
        "rule mine { hazard two when cutting and context.teacher and query.harm < threshold verdict warn "
        "require curt answer { say one of words } }\n"
        'example "mine" { given context.teacher = yes expect comply }\n'
    )
    assert {"cuts", "mine", "taught", "young"} <= set(top.rule_index)
    assert "context.teacher" in top.fact_index
    assert top.rule_index["taught"].exception_to == ("cuts", "mine", "young")


def test_order_does_not_matter() -> None:
    parts = [
        "override param threshold = 0.9",
        "override rule cuts { when cutting and two_ verdict warn }",
        "let two_ = query.harm > 0.2",
        "rule more { when two_ verdict refuse }",
        "override default warn",
        "table t { columns query.minor, image.text row x : yes, words then warn }",
    ]
    digests: set[str] = set()
    for seed in range(5):
        lines = BASE.rstrip().split("\n")
        head, rest = lines[:3], lines[3:]
        random.Random(seed).shuffle(rest)
        random.Random(seed).shuffle(parts)
        result = opened(EXTENDED + "\n".join(parts), FILES | {"base.safecot": "\n".join(head + rest)})
        assert result.policy is not None
        digests.add(result.policy.digest)
    assert len(digests) == 1


def test_what_the_base_imports_is_for_its_own_text() -> None:
    assert said("rule r { hazard danger.violent_crimes when query.harm < terms.limit verdict warn }") == [
        ("SC0101", "unknown hazard `danger.violent_crimes`"),
        ("SC0101", "unknown param `terms.limit`"),
    ]
    again = "import std.hazards as danger\nrule r { hazard danger.violent_crimes when cutting verdict warn }"
    assert "r" in extended(again).rule_index
    other = "import std.refusals as danger\nrule r { when cutting verdict warn answer { say one of danger.plain } }"
    assert extended(other).rule_index["cuts"].hazard == "std.hazards.violent_crimes"


def test_params_are_set_through_what_is_extended_and_are_in_the_digest() -> None:
    assert extended("", {"threshold": 0.9}).digest == base(BASE, {"threshold": 0.9}).digest != base().digest
    assert extended("", {"terms.limit": 0.9}).params["terms.limit"] == 0.9
    assert extended("override param threshold = 0.1", {"threshold": 0.9}).params["threshold"] == 0.9
    result = opened(EXTENDED, FILES, {"treshold": 0.1})
    assert [d.message for d in result.diagnostics] == ["the policy has no param `treshold` to set"]


def test_a_chain_says_what_it_is_made_of() -> None:
    files = FILES | {
        "middle.safecot": 'policy middle { version "2" }\nextend base\n'
        "override rule cuts { when cutting verdict warn }\nrule mid { when cutting verdict refuse }\n"
        "override default warn"
    }
    text = (
        'policy top { version "1" }\nextend middle\noverride rule cuts { when cutting verdict comply }\n'
        "override rule mid { when query.minor verdict warn }\noverride rule says { when query.minor verdict warn }"
    )
    result = opened(text, files)
    assert result.policy is not None
    assert result.policy.extends == (
        Extended(name="middle", version="2", overrides=("rule:cuts", "rule:mid")),
        Extended(name="base", version="3.1", overrides=("default", "rule:cuts", "rule:says")),
    )
    assert result.policy.rule_index["cuts"].verdict is Verdict.COMPLY
    assert result.policy.default is Verdict.WARN
    policies = [module.record for module in result.modules if not module.is_library]
    assert policies == ["base.safecot", "middle.safecot", "p.safecot"]


def test_a_node_that_both_declare_is_the_base_s_in_the_base_s_text() -> None:
    top = extended("taxonomy more { one severity 3 } rule r { hazard more.one when cutting verdict warn }")
    assert top.rule_index["says"].hazard == "kinds.one"
    assert top.rule_index["r"].hazard == "more.one"
    assert said("taxonomy more { one } rule r { hazard one when cutting verdict warn }") == [
        ("SC0107", "`one` is a node of several taxonomies: `more`, `kinds`")
    ]


def test_phrases_for_verdicts_of_two_imports_are_refused_across_the_files() -> None:
    files = {"more.safecot": 'library more { version "1" }\nphrases say_refuse { "never" }\n'}
    result = opened(EXTENDED + "import more", FILES | files)
    assert [(d.code, d.span.line) for d in result.diagnostics] == [("SC0107", 3)]
    own = opened(EXTENDED + 'import more\nphrases say_refuse { "mine" }', FILES | files)
    assert own.policy is not None
    assert own.policy.verdict_phrases[Verdict.REFUSE].say == ("mine",)


def test_faults_of_the_base_are_said_of_the_base() -> None:
    result = opened(EXTENDED + "rule r { when nothing verdict warn }", FILES | {"base.safecot": BASE + "let b = nope"})
    assert [(d.span.file, d.message) for d in result.diagnostics] == [
        ("base.safecot", "unknown condition `nope`"),
        ("p.safecot", "unknown condition `nothing`"),
    ]


@pytest.mark.parametrize(
    ("line", "code"),
    [("extend nowhere", "SC0103"), ("extend", "SC0001"), ("extend std.hazards", "SC0606"), ("extend broken", "SC0502")],
)
def test_what_an_unknown_base_would_have_declared_is_not_missing(line: str, code: str) -> None:
    text = f"""{HEAD}{line}
    rule r {{ hazard h when l and image.a and query.b is c and image.d has any of g and query.e < p verdict warn
      require q answer {{ say one of f }} }}
    exception e to s {{ when l verdict refuse }}
    table t {{ columns query.b, query.e row x : c, < p then warn }}
    override param p = 1
    override default refuse
    example "x" {{ given image.a = yes expect refuse by s }}
    law "l" {{ change image.d gains g expect never laxer }}
    """
    result = opened(text, {"broken.safecot": b"\xff"})
    assert [d.code for d in result.diagnostics] == [code]


def test_a_library_neither_extends_nor_overrides() -> None:
    text = 'library l { version "1" }\nextend base\noverride param threshold = 1\n'
    assert [fault[0] for fault in faults(text, FILES)] == ["SC0303", "SC0303"]
