"""One run reports every fault: a fault hides no other, and is not repeated by what follows from it."""

from __future__ import annotations

import pytest

from .sources import FACTS, faults

BROKEN = [
    "rule broken { when image.flag_ and verdict refuse }",
    "rule broken { when and image.flag_ verdict refuse }",
    "rule broken { when (image.flag_ verdict refuse }",
    "rule broken { when image.flag_) verdict refuse }",
    "rule broken { when image.flag_ verdict }",
    "rule broken { when image.flag_ refuse }",
    "rule broken { verdict refuse when }",
    "rule broken { when image.flag_ verdict refuse think { risk } }",
    "rule broken { when image.flag_ verdict refuse think { risk 3 } }",
    "rule broken { when image.flag_ verdict refuse think { wrong } }",
    "rule broken { when image.flag_ verdict refuse answer { say one f } }",
    "rule broken { when image.flag_ verdict refuse",
    "rule broken { when image.flag_ verdict refuse think { risk \"a\" }",
    "rule broken { when image.flag_ verdict refuse }}",
    "rule broken when image.flag_ verdict refuse }",
    "rule broken { when image.members has any toy verdict refuse }",
    "rule broken { when image.members has any of { toy knife } verdict refuse }",
    "rule broken { when image.text contains toy any verdict refuse }",
    "rule broken { when query.harm < verdict refuse }",
    "rule broken { when query.harm between 0.1 or 0.2 verdict refuse }",
    "rule broken { when at least of (image.flag_) verdict refuse }",
    "rule broken { when at least 1 (image.flag_) verdict refuse }",
    "rule broken { when image.text matches \"a\" verdict refuse }",
    "rule broken { when image.text matches /a verdict refuse }",
    "rule broken { when image.text contains \"a verdict refuse }",
    "rule broken { title 'one' 'two' when image.flag_ verdict refuse }",
    "rule broken { hazard when image.flag_ verdict refuse }",
    "rule broken { when image. verdict refuse }",
    "rule broken { when .flag_ verdict refuse }",
    "rule broken { when image..flag_ verdict refuse }",
    "rule { when image.flag_ verdict refuse }",
    "rule broken { , }",
    "rule broken { { } }",
    "rle broken { when image.flag_ verdict refuse }",
    "broken { when image.flag_ verdict refuse }",
    "exception broken { when image.flag_ verdict refuse }",
    "exception broken to { when image.flag_ verdict refuse }",
    "exception broken to other another { when image.flag_ verdict refuse }",
    "facts picture { a : flag }",
    "facts image { a flag }",
    "facts image { a : }",
    "facts image { a : flagg }",
    "facts image { a : one of x y }",
    "facts image { a : one of { x y } }",
    "facts image { a : number 0 1 }",
    "facts image { : flag }",
    "group broken { a }",
    "group broken = a, b",
    "group broken = { a b }",
    "let broken image.flag_",
    "let broken =",
    "let = image.flag_",
    "param broken = high",
    "param broken",
    "import",
    "import std.",
    "import std.hazards as",
    "taxonomy broken { a severity high }",
    "taxonomy broken { \"a\" }",
    "phrases broken { a }",
    "criteria broken { proposition p }",
    "criteria broken { for refuse { class a } }",
    "criteria broken { for refuse { otherwise } }",
    "criteria broken { proposition p \"p\" { perhaps \"x\" } }",
    "example { expect refuse }",
    "example \"broken\" { given image.flag_ is yes expect refuse }",
    "example \"broken\" { given image.flag_ = yes }",
    "example \"broken\" { expect }",
    "property \"broken\" { expect not }",
    "property \"broken\" { given expect refuse }",
    "default comply { think }",
    "unsure { }",
    "table { columns image.flag_ row r : yes then refuse }",
    "table broken columns image.flag_ row r : yes then refuse }",
    "table broken { columns row r : yes then refuse }",
    "table broken { columns image.flag_, row : yes then refuse }",
    "table broken { columns image.flag_ row r yes then refuse }",
    "table broken { columns image.flag_ row r : then refuse }",
    "table broken { columns image.flag_ row r : yes then }",
    "table broken { columns image.flag_ row r : yes refuse }",
    "table broken { columns image.flag_ row r : yes => refuse }",
    "table broken { columns image.flag_ row r : { yes then refuse }",
    "table broken { columns image.flag_ row r : yes then refuse { title }",
    "table broken { columns image.flag_ row r : not then refuse }",
    "table broken { columns image.flag_ row r : (yes) then refuse }",
    "table broken { columns image.flag_ row r : not not yes then refuse }",
    "table broken { columns image.flag_ rule r : yes then refuse }",
    "table broken { columns query.harm row r : 0.2 ... 0.4 then refuse }",
    "table broken { columns query.harm row r : 0.2 then refuse }",
    "table broken { columns query.harm row r : < then refuse }",
    "table broken { columns query.harm row r : 0.2 .. then refuse }",
    "table broken { columns query.harm row r : < 0.2 then refuse",
    "tabel broken { columns query.harm row r : < 0.2 then refuse }",
    "override",
    "override override rule broken { when image.flag_ verdict refuse }",
    "override default",
    "override rule { when image.flag_ verdict refuse }",
    "override ruel broken { when image.flag_ verdict refuse }",
    "override broken { when image.flag_ verdict refuse }",
    "override import std.hazards",
    "@",
    "}",
    "\"text\"",
    "42",
]  # fmt: skip
NEXT = """
rule following { when nothing_one verdict refuse }
exception last to following { when nothing_two verdict warn }
"""
AFTER = [("SC0101", "nothing_one"), ("SC0101", "nothing_two")]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_fault_hides_none_after_it(broken: str) -> None:
    said = [fault[:2] for fault in faults(f"{FACTS}{broken}\n{NEXT}")]
    assert said[-2:] == AFTER
    # What is broken is said, perhaps with a second and a third thing that it lacks; not what follows from it.
    assert 1 <= len(said[:-2]) <= 3


@pytest.mark.parametrize("broken", BROKEN)
def test_a_fault_hides_none_before_it(broken: str) -> None:
    said = [fault[:2] for fault in faults(f"{FACTS}{NEXT}{broken}\n")]
    assert [fault for fault in said if fault in AFTER] == AFTER


@pytest.mark.parametrize("broken", ["a flag_of", "a : ", "a : flagg of", "a : one of x y", "a : one of { x y z"])
def test_of_a_broken_block_of_facts_only_the_broken_fact_is_unknown(broken: str) -> None:
    text = f"facts image {{ before : flag\n{broken}\n after : flag }}\n"
    text += "rule r { when image.before and image.a and image.after and image.nothing verdict refuse }"
    said = [fault[:2] for fault in faults(text)]
    assert ("SC0101", "image.a") not in said
    assert ("SC0101", "image.before") not in said


def test_a_fact_that_could_not_be_read_hides_no_other() -> None:
    text = "facts image { a : bool b : flag }\nrule r { when image.a and image.b and image.nothing verdict refuse }"
    assert [fault[:2] for fault in faults(text)] == [("SC0001", "bool"), ("SC0101", "image.nothing")]


def test_every_clause_of_a_rule_is_read_but_the_broken_one() -> None:
    text = """
    rule r {
      title "t" "u"
      hazard nothing.here
      when image.nothing and
      unless query.nothing or or query.harm > 0.5
      verdict refuuse
      unsure deny
      think {
        observe "{image.nothing}"
        intent
        risk when image.flag_ and "r"
        decide "{query.nothing}"
      }
      answer { say one of nothing offer }
      require not nothing_at_all
    }
    """
    assert [fault[:2] for fault in faults(FACTS + text)] == [
        ("SC0001", '"u"'),
        ("SC0101", "nothing.here"),
        ("SC0001", "unless"),
        ("SC0001", "or"),
        ("SC0305", "refuuse"),
        ("SC0305", "deny"),
        ("SC0401", "{image.nothing}"),
        ("SC0001", "risk"),
        ("SC0001", '"r"'),
        ("SC0401", "{query.nothing}"),
        ("SC0101", "nothing"),
        ("SC0001", "}"),
        ("SC0101", "nothing_at_all"),
    ]


def test_who_uses_what_could_not_be_read_is_not_at_fault() -> None:
    text = """
    import nowhere
    import std.hazrds
    facts image { picture : one of { } }
    group g = { knife toy ; : }
    let l = (image.flag_
    param p = high
    phrases f { no }
    taxonomy t { a severity b }
    criteria c { proposition q }
    rule first { when ( verdict refuse }
    rule r {
      hazard hazrds.violent_crimes
      when image.members has any of g and l and query.harm < p and image.text contains any of f and nowhere.l
      unless image.picture is a and query.harm < nowhere.p
      verdict refuse
      answer { say one of nowhere.f }
      require q and nowhere.q
    }
    rule s { hazard a when image.flag_ verdict refuse answer { say one of f } }
    exception e to first { when l verdict comply }
    example "x" { given image.picture = a expect refuse by first }
    """
    codes = [code for code, _, _ in faults(FACTS + text)]
    assert "SC0101" not in codes
    assert "SC0202" not in codes
    assert codes.count("SC0103") == 2


def test_a_missing_brace_ends_where_the_next_declaration_opens_its_line() -> None:
    text = """
rule one {
  when image.flag_
  verdict refuse
  think {
    risk "a"

rule two { when image.nothing verdict refuse }
"""
    assert [fault[:2] for fault in faults(FACTS + text)] == [("SC0006", "rule one"), ("SC0101", "image.nothing")]
