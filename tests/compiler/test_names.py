"""What a name means: in its block, its file, and the files that it imports."""

from __future__ import annotations

import pytest

from safecot_dsl.artifact import Compare, Contains, FlagIs, Is, Not, Proposed, Verdict, Within, read_case
from safecot_dsl.engine import decide

from .sources import FACTS, compiled, faults

FLAG = "facts image { a : flag }\n"


def library(name: str, text: str) -> dict[str, str]:
    return {f"{name}.safecot": f'library {name} {{ version "1" }}\n{text}'}


# -- files -----------------------------------------------------------------------------------------------------------


def test_what_a_library_declares_goes_by_the_last_part_of_its_import_or_the_alias() -> None:
    files = {
        "a/b.safecot": 'library b { version "1" }\nparam p = 0.25\nlet l = image.a\nphrases f { "x" }\ngroup g = { v }'
    }
    facts = "facts image { a : flag n : score t : text o : one of { v, w } }\n"
    uses = "rule r { when X.l and image.n < X.p and image.o in X.g and image.t contains any of X.f verdict refuse }"
    by_part = compiled(f"import a.b\n{facts}{uses.replace('X', 'b')}", files)
    by_alias = compiled(f"import a.b as other\n{facts}{uses.replace('X', 'other')}", files)
    assert by_part.digest == by_alias.digest
    assert by_part.params == {"a.b.p": 0.25}
    assert by_part.phrases["a.b.f"] == ("x",)
    assert [code for code, _, _ in faults(f"import a.b as other\n{facts}{uses.replace('X', 'b')}", files)] == [
        "SC0101"
    ] * 4
    assert [code for code, _, _ in faults(f"import a.b\n{facts}{uses.replace('X', 'a.b')}", files)] == ["SC0101"] * 4


def test_a_file_sees_only_what_it_imports_itself() -> None:
    files = library("outer", "import inner") | library("inner", "let l = image.a")
    assert faults(f"import outer\n{FLAG}rule r {{ when inner.l verdict refuse }}", files) == [
        ("SC0101", "inner.l", "unknown condition `inner.l`")
    ]
    assert faults(f"import outer\n{FLAG}rule r {{ when outer.l verdict refuse }}", files)[0][0] == "SC0101"
    assert faults(f"import outer\nimport inner\n{FLAG}rule r {{ when inner.l verdict refuse }}", files) == []


def test_a_standard_library_that_was_not_imported_is_said_once() -> None:
    rules = "".join(f"rule r{n} {{ hazard hazards.weapons when image.a verdict refuse }}\n" for n in range(3))
    assert faults(f"{FLAG}{rules}", {}) == [("SC0101", "hazards.weapons", "unknown hazard `hazards.weapons`")]
    mine = rules.replace("hazards.", "mine.")
    assert [code for code, _, _ in faults(f"{FLAG}{mine}", {})] == ["SC0101"] * 3


def test_a_library_is_loaded_once_however_often_it_is_imported() -> None:
    files = library("base", "facts query { b : flag }") | library("x", "import base") | library("y", "import base")
    policy = compiled("import x\nimport y\nimport base\nimport base as again\nlet l = query.b", files)
    assert [fact.name for fact in policy.facts] == ["query.b"]


def test_imports_are_found_from_the_folder_of_the_policy() -> None:
    files = {
        "deep/one.safecot": 'library one { version "1" }\nimport deep.two\nlet l = two.m',
        "deep/two.safecot": 'library two { version "1" }\nfacts image { a : flag }\nlet m = image.a',
    }
    policy = compiled("import deep.one\nrule r { when one.l verdict refuse }", files)
    assert policy.rules[0].when == FlagIs(fact="image.a")


def test_facts_of_all_files_add_up_and_keep_their_subject() -> None:
    files = library("lib", "facts image { b : flag }\nfacts query { c : flag }")
    policy = compiled(
        f"import lib\n{FLAG}facts image {{ d : flag }}\nrule r {{ when image.b and query.c verdict refuse }}", files
    )
    assert [fact.name for fact in policy.facts] == ["image.b", "query.c", "image.a", "image.d"]
    assert faults("import lib\nfacts image { b : text }", files) == [
        ("SC0102", "b", "the fact `image.b` is declared twice")
    ]
    assert [fault[:2] for fault in faults("import lib\nlet l = lib.image.b", files)] == [("SC0101", "lib.image.b")]


def test_a_file_does_not_import_itself() -> None:
    files = library("round", "import round")
    assert faults("import round", files) == [("SC0104", "round", "imports go in a circle: round -> round")]


def test_a_policy_that_imports_itself_is_told_once() -> None:
    assert {code for code, _, _ in faults("import p")} <= {"SC0103", "SC0104"}


# -- lookup ----------------------------------------------------------------------------------------------------------


def test_a_let_may_be_used_before_it_is_declared_and_from_another_file() -> None:
    files = library("lib", "let outer = inner\nlet inner = not image.a")
    policy = compiled(
        f"import lib\n{FLAG}rule r {{ when late and lib.outer verdict refuse }}\nlet late = image.a", files
    )
    assert policy.rules[0].when.items == (FlagIs(fact="image.a"), Not(item=FlagIs(fact="image.a")))  # pyright: ignore


def test_kinds_of_names_do_not_meet() -> None:
    text = """
    param x = 0.5
    group x = { x }
    let x = image.x has x
    phrases x { "x" }
    taxonomy x { x }
    criteria x { proposition x "x" {} for refuse { class x when x otherwise y } }
    facts image { x : set of { x, y } }
    facts query { x : score }
    rule x { hazard x when x and image.x has any of x and query.x < x verdict refuse require x answer { say one of x } }
    example "x" { given image.x = { x } expect clarify }
    """
    policy = compiled(text)
    assert policy.rules[0].hazard == "x"


def test_the_file_comes_before_what_it_imports() -> None:
    files = library("hazards", 'taxonomy hazards { harm "imported" severity 1 }')
    imported = compiled(f"import hazards\n{FLAG}rule r {{ hazard hazards.harm when image.a verdict refuse }}", files)
    assert imported.hazards["hazards.harm"].phrase == "imported"
    own = compiled(
        f'import hazards\n{FLAG}taxonomy hazards {{ harm "own" }}\n'
        "rule r { hazard hazards.harm when image.a verdict refuse }",
        files,
    )
    assert own.hazards["harm"].phrase == "own"


@pytest.mark.parametrize(
    ("asked", "misspelt"),
    [
        ("in nobody", ["nobody"]),
        ("has any of nobody", ["nobody"]),
        (">= low", ["low"]),
        ("between low and high", ["low", "high"]),
        ("contains any of nothing", ["nothing"]),
        ("matches /(/", ["/(/"]),
    ],
)
def test_a_misspelt_fact_hides_nothing_beside_it(asked: str, misspelt: list[str]) -> None:
    found = faults(f"{FLAG}rule r {{ when image.nn {asked} verdict refuse }}")
    assert [written for _, written, _ in found] == ["image.nn", *misspelt]


def test_a_node_stands_under_its_library_or_its_taxonomy() -> None:
    files = library("lib", "taxonomy t { a { b } }\ntaxonomy u { c }")
    text = (
        FLAG
        + "import lib\nfacts query { o : one of lib.t }\n"
        + "rule r { hazard lib.X when query.o is within Y verdict refuse }"
    )
    for hazard, node in (("b", "b"), ("t.b", "lib.b"), ("c", "lib.t.a"), ("u.c", "a")):
        assert faults(text.replace("X", hazard).replace("Y", node), files) == []
    for hazard, node in (("t.c", "b"), ("a.b", "b"), ("b", "lib.c"), ("b", "lib.u.b"), ("b", "t.b")):
        assert len(faults(text.replace("X", hazard).replace("Y", node), files)) == 1


def test_within_takes_the_node_and_all_below_it() -> None:
    text = """
    taxonomy t { a { b { c } d } e }
    facts query { o : one of t }
    rule r { when query.o is within a verdict refuse }
    """
    assert compiled(text).rules[0].when == Within(fact="query.o", node="a", values=("a", "b", "c", "d"))


def test_propositions_of_imports_stand_bare_too() -> None:
    files = library("lib", 'criteria c { proposition p "p" {} let k = p }')
    policy = compiled(
        f"import lib\n{FLAG}rule r {{ when image.a verdict refuse require p and lib.p and k and lib.k }}", files
    )
    assert policy.rules[0].require.items == (  # pyright: ignore
        Proposed(name="p"), Proposed(name="p"), Proposed(name="k"), Proposed(name="k")
    )  # fmt: skip


def test_of_two_propositions_of_one_name_the_policys_own_is_meant() -> None:
    files = library("lib", 'criteria c { proposition p "theirs" {} }')
    policy = compiled(
        f'import lib\n{FLAG}criteria c {{ proposition p "own" {{}} }}\n'
        "rule r { when image.a verdict refuse require p and not lib.p }",
        files,
    )
    assert policy.criteria.propositions["p"].definition == "own"
    assert policy.criteria.propositions["lib.p"].definition == "theirs"
    assert policy.rules[0].require.items == (Proposed(name="p"), Not(item=Proposed(name="lib.p")))  # pyright: ignore


def test_one_library_under_two_names_is_no_ambiguity() -> None:
    files = library("lib", 'criteria c { proposition p "p" {} }\nphrases decide_refuse { "No." }')
    text = f"import lib\nimport lib as again\n{FLAG}rule r {{ when image.a verdict refuse require p }}"
    assert faults(text, files) == []


# -- hazards ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("node", "severity"),
    [("top", 4.0), ("inherits", 4.0), ("own", 2.5), ("below_own", 2.5), ("negative", 0.0), ("none", 0.0)],
)
def test_a_hazards_severity_is_its_own_at_least_0_else_its_nearest_ancestors(node: str, severity: float) -> None:
    text = f"""
    taxonomy t {{ top severity 4 {{ inherits own severity 2.5 {{ below_own }} negative severity -3 }} none }}
    {FLAG}
    rule r {{ hazard {node} when image.a verdict refuse }}
    """
    assert compiled(text).hazards[node].severity == severity


def test_only_taxonomies_that_are_used_are_kept() -> None:
    text = f"taxonomy used {{ a }}\ntaxonomy ranged {{ b }}\ntaxonomy neither {{ c }}\n{FLAG}"
    text += "facts query { o : one of ranged }\nrule r { hazard a when image.a verdict refuse }"
    assert set(compiled(text).taxonomies) == {"used", "ranged"}


# -- params ----------------------------------------------------------------------------------------------------------

PARAMS = """
import lib
param p = 0.5
facts image { n : score }
rule r { when image.n < p and image.n < lib.p verdict refuse }
"""


def test_params_are_set_from_outside_under_the_name_the_policy_knows_them_by() -> None:
    files = library("lib", "param p = 0.25")
    assert compiled(PARAMS, files).params == {"lib.p": 0.25, "p": 0.5}
    policy = compiled(PARAMS, files, {"p": 0.75, "lib.p": 1})
    assert policy.params == {"lib.p": 1.0, "p": 0.75}
    assert policy.rules[0].when.items == (  # pyright: ignore
        Compare(fact="image.n", operator="<", value=0.75, param="p"),
        Compare(fact="image.n", operator="<", value=1.0, param="lib.p"),
    )
    nested = {"a/lib.safecot": 'library lib { version "1" }\nparam p = 0.25'}
    for name in ("lib.p", "a.lib.p"):
        assert compiled(PARAMS.replace("import lib", "import a.lib"), nested, {name: 0.125}).params["a.lib.p"] == 0.125


def test_what_is_set_is_checked_where_it_is_used() -> None:
    files = library("lib", "param p = 0.25")
    assert faults(PARAMS, files, {"p": 1.5}) == [
        ("SC0203", "p", "`p = 1.5` is out of range: `image.n` is a number from 0 to 1")
    ]
    between = "param low = 0.2\nfacts image { n : score }\nlet l = image.n between low and 0.5"
    assert faults(between, {}, {"low": 0.7}) == [("SC0205", "low and 0.5", "the range runs from 0.7 down to 0.5")]
    assert [code for code, _, _ in faults(PARAMS, files, {"q": 1, "lib.q": 1, "p": float("inf")})] == [
        "SC0101",
        "SC0101",
        "SC0203",
    ]


# -- what is there without being imported ------------------------------------------------------------------------------


def test_verdicts_have_phrases_without_an_import() -> None:
    phrases = compiled("").verdict_phrases
    assert set(phrases) == set(Verdict)
    assert all(phrases[verdict].decide for verdict in Verdict)
    assert all(phrases[verdict].say for verdict in (Verdict.CLARIFY, Verdict.REDIRECT, Verdict.REFUSE))


def test_the_policys_phrases_for_a_verdict_replace_the_standard_ones() -> None:
    files = library("lib", 'phrases decide_refuse { "Theirs." }\nphrases say_refuse { "Theirs too." }')
    standard = compiled("").verdict_phrases
    own = compiled('import lib\nphrases decide_refuse { "Own." }', files).verdict_phrases
    assert own[Verdict.REFUSE].decide == ("Own.",)
    assert own[Verdict.REFUSE].say == ("Theirs too.",)
    assert own[Verdict.COMPLY] == standard[Verdict.COMPLY]


def test_two_imports_that_replace_the_same_phrases_are_an_error_unless_the_policy_says_whose() -> None:
    files = library("one", 'phrases say_refuse { "1" }') | library("two", 'phrases say_refuse { "2" }')
    assert [code for code, _, _ in faults("import one\nimport two", files)] == ["SC0107"]
    assert faults('import one\nimport two\nphrases say_refuse { "3" }', files) == []


def test_a_policy_without_criteria_has_the_standard_ones() -> None:
    assert {"declines", "judges_user", "complies"} <= set(compiled("").criteria.propositions)
    assert compiled("").criteria == compiled("import std.criteria").criteria


# -- conditions keep what texts need -----------------------------------------------------------------------------------


def test_the_labels_of_groups_phrase_sets_and_params_are_kept() -> None:
    text = f"""{FACTS}
    group risky = {{ mix, hurt }}
    phrases bad {{ "bad" "worse" }}
    param p = 0.5
    rule a {{ when query.intent in risky verdict refuse }}
    rule b {{ when image.text contains any of bad verdict refuse }}
    rule c {{ when query.harm > p verdict refuse }}
    """
    when = {rule.name: rule.when for rule in compiled(text).rules}
    assert when == {
        "a": Is(fact="query.intent", values=("mix", "hurt"), group="risky"),
        "b": Contains(fact="image.text", phrases=("bad", "worse"), phrase_set="bad"),
        "c": Compare(fact="query.harm", operator=">", value=0.5, param="p"),
    }


def test_an_empty_phrase_set_is_contained_nowhere_and_an_empty_group_has_nothing_in_it() -> None:
    text = f"""{FACTS}
    phrases none_ {{}}
    group nobody = {{}}
    rule a {{ when image.text contains any of none_ verdict refuse }}
    rule b {{ when query.intent in nobody verdict refuse }}
    rule c {{ when image.members has any of nobody verdict refuse }}
    """
    case = {"image.text": "anything", "query.intent": "mix", "image.members": ["toy"]}
    policy = compiled(text)
    assert decide(policy, read_case(policy, {"facts": case})).effective == ()
