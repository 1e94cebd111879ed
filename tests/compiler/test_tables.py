"""Tables: what their rows mean is what the rules say that one would write out for them."""

from __future__ import annotations

import pytest

from safecot_dsl.artifact import CompiledPolicy

from .sources import FACTS, compiled, faults, opened, underlined

GIVEN = (
    FACTS
    + """
group sharp = { knife }
group both  = { mix, store }
param low = 0.25
phrases words { "bomb" "gun" }
taxonomy kinds { wide { narrow } other }
facts context { kind : one of kinds any_ : one of { any, then } }
"""
)

# Each cell with the condition that it stands for, as one would write it out.
CELLS = [
    ("image.flag_", "yes", "image.flag_"),
    ("image.flag_", "no", "not image.flag_"),
    ("image.flag_", "not yes", "not image.flag_"),
    ("image.flag_", "not no", "image.flag_"),
    ("query.intent", "mix", "query.intent is mix"),
    ("query.intent", "not mix", "query.intent is not mix"),
    ("query.intent", "{ mix, hurt, }", "query.intent in { mix, hurt }"),
    ("query.intent", "not { mix }", "query.intent not in { mix }"),
    ("query.intent", "both", "query.intent in both"),
    ("query.intent", "not both", "query.intent not in both"),
    ("context.kind", "wide", "context.kind is wide"),
    ("context.kind", "within wide", "context.kind is within wide"),
    ("context.kind", "not within kinds.wide", "context.kind is not within kinds.wide"),
    ("context.any_", "{ any }", "context.any_ is any"),
    ("context.any_", "not any", "context.any_ is not any"),
    ("context.any_", "then", "context.any_ is then"),
    ("image.members", "knife", "image.members has knife"),
    ("image.members", "not knife", "image.members has none of { knife }"),
    ("image.members", "{ knife, toy }", "image.members has any of { knife, toy }"),
    ("image.members", "not { knife, toy }", "image.members has none of { knife, toy }"),
    ("image.members", "sharp", "image.members has any of sharp"),
    ("image.members", "not sharp", "image.members has none of sharp"),
    ("image.members", "empty", "image.members is empty"),
    ("image.members", "not empty", "image.members is not empty"),
    ("query.harm", "< 0.5", "query.harm < 0.5"),
    ("query.harm", "<= low", "query.harm <= low"),
    ("query.harm", "not > 0.5", "not query.harm > 0.5"),
    ("query.harm", ">= low", "query.harm >= low"),
    ("query.harm", "0.2 .. 0.4", "query.harm between 0.2 and 0.4"),
    ("query.harm", "0.2..0.4", "query.harm between 0.2 and 0.4"),
    ("query.harm", "low .. 0.4", "query.harm between low and 0.4"),
    ("query.count", "not -1 .. 4", "not query.count between -1 and 4"),
    ("image.text", '"gun"', 'image.text contains "gun"'),
    ("image.text", 'not "gun"', 'not image.text contains "gun"'),
    ("image.text", "/g.n/i", "image.text matches /g.n/i"),
    ("image.text", "words", "image.text contains any of words"),
    ("image.text", "not words", "not image.text contains any of words"),
]


def same(table: str, rules: str) -> tuple[CompiledPolicy, CompiledPolicy]:
    """The policy with the table and the one with the rules, which mean the same."""
    first, second = compiled(GIVEN + table), compiled(GIVEN + rules)
    assert {rule.name: rule for rule in first.rules} == {rule.name: rule for rule in second.rules}
    assert first.digest == second.digest
    return first, second


@pytest.mark.parametrize(("column", "cell", "condition"), CELLS)
def test_a_cell_is_a_condition_on_the_fact_of_its_column(column: str, cell: str, condition: str) -> None:
    same(
        f"table t {{ columns {column} row r : {cell} then warn }}",
        f"rule r {{ when {condition} verdict warn }}",
    )


def test_a_name_is_a_value_before_it_is_a_group() -> None:
    shadow = "\ngroup mix = { hurt }\n"
    same(
        shadow + "table t { columns query.intent row r : mix then warn row s : { mix } then refuse }",
        shadow + "rule r { when query.intent is mix verdict warn } rule s { when query.intent is mix verdict refuse }",
    )


def test_a_row_is_the_conjunction_of_its_cells_in_the_order_of_the_columns() -> None:
    table = """
    table t {
      columns query.intent, image.members, query.harm,
      row one   : mix, any,   < low then refuse
      row two   : any, knife, any,  then warn
      row three : hurt, empty, 0.5 .. 1 then redirect
    }
    """
    rules = """
    rule one   { when query.intent is mix and query.harm < low verdict refuse }
    rule two   { when image.members has knife verdict warn }
    rule three { when query.intent is hurt and image.members is empty and query.harm between 0.5 and 1
                 verdict redirect }
    """
    policy, _ = same(table, rules)
    (declared,) = policy.tables
    assert (declared.name, declared.key) == ("t", "table:t")
    assert declared.facts == ("query.intent", "image.members", "query.harm")
    assert declared.rows == ("one", "two", "three")


def test_a_table_s_clauses_are_those_of_each_row_but_where_a_row_has_its_own() -> None:
    shared = """
      hazard  wide
      title   "shared"
      unless  image.flag_
      unsure  refuse
      require curt
      think   { risk "{query.intent} is a {hazard}" decide when image.text contains "a" "one" decide "two" }
      answer  { say "no" offer one of words }
    """
    more = '\ncriteria c { proposition curt "Curt." {} proposition kind "Kind." {} }\n'
    own = """
      hazard  other
      title   "own"
      unless  query.harm < low
      unsure  warn
      require kind
      think   { intent "{title}" }
      answer  { say "yes" }
    """
    same(
        f"{more} table t {{ {shared} columns query.intent row one : mix then warn"
        f" row two : hurt then refuse {{ {own} }}"
        ' row three : store then comply { title "only the title" } }',
        f"{more} rule one {{ when query.intent is mix verdict warn {shared} }}"
        f"rule two {{ when query.intent is hurt verdict refuse {own} }}"
        f"rule three {{ when query.intent is store verdict comply "
        f"{shared.replace(chr(34) + 'shared' + chr(34), chr(34) + 'only the title' + chr(34))} }}",
    )


def test_rows_are_rules_to_exceptions_examples_and_the_order_of_a_table_means_nothing() -> None:
    rest = """
    exception e to one { when image.flag_ verdict warn }
    example "by a row" { given query.intent = mix, image.flag_ = no expect refuse by one }
    """
    rows = ["row one : mix then refuse", "row two : hurt then redirect", "columns query.intent"]
    first = compiled(f'{GIVEN} {rest} table t {{ title "t" {" ".join(rows)} }}')
    second = compiled(f'{GIVEN} table t {{ title "t" {" ".join(rows[::-1])} }} {rest}')
    assert first.digest == second.digest
    assert first.rule_index["e"].exception_to == ("one",)
    assert first.examples[0].by == ("one",)


def test_a_table_is_not_part_of_the_digest() -> None:
    one = "table t { columns query.intent row a : mix then refuse row b : hurt then warn }"
    two = "table s { columns query.intent row a : mix then refuse }"
    two += "table u { columns query.intent row b : hurt then warn }"
    assert compiled(GIVEN + one).digest == compiled(GIVEN + two).digest


def test_rows_cells_and_tables_have_their_places() -> None:
    text = 'table t {\n  title "a"\n  columns query.intent, query.harm\n'
    text += "  row one : mix, < 0.5 then refuse { unsure warn }\n}"
    result = opened('policy p { version "1" }\n' + GIVEN + text + "\ndefault comply unsure clarify")
    assert result.policy is not None
    places = {
        key: underlined(span, result.sources["p.safecot"])
        for key, span in result.policy.source_map.spans.items()
        if key.startswith(("table:", "rule:"))
    }
    assert places == {
        "table:t": text,
        "rule:one": "row one : mix, < 0.5 then refuse { unsure warn }",
        "rule:one.when": "mix, < 0.5",
        "rule:one.verdict": "refuse",
        "rule:one.title": 'title "a"',
        "rule:one.unsure": "unsure warn",
    }


def test_a_fault_in_a_shared_clause_is_said_once() -> None:
    rows = " ".join(f"row r{i} : mix then refuse" for i in range(20))
    said = faults(f"{GIVEN} table t {{ unless image.nothing columns query.intent {rows} }}")
    assert [fault[:2] for fault in said] == [("SC0101", "image.nothing")]


def test_every_row_is_judged_whatever_is_wrong_with_the_others() -> None:
    table = """
    table t {
      columns query.intent, query.harm
      row a : mxi, < 0.5 then refuse
      row b : mix < 0.5 then refuse
      row c : mix, < 5 then refuse
      row d : mix, 0.5 then refuse
      row e : , < 1 then refuse
      row f : mix, any refuse
      row g : mix, any then refuze
      row : mix, any then refuse
      row h : mix, any then refuse { hazard nothing }
      row i : mix, nothing then refuse
    }
    rule last { when image.nothing verdict refuse }
    """
    assert [fault[:2] for fault in faults(GIVEN + table)] == [
        ("SC0202", "mxi"),
        ("SC0001", "<"),
        ("SC0203", "5"),
        ("SC0001", "0.5"),
        ("SC0001", ","),
        ("SC0001", "refuse"),
        ("SC0305", "refuze"),
        ("SC0001", ":"),
        ("SC0101", "nothing"),
        ("SC0201", "nothing"),
        ("SC0101", "image.nothing"),
    ]


def test_rows_that_could_not_be_read_are_not_missing() -> None:
    table = "table t { columns query.intent row one : ; mix mix mix then refuse row two : ( mix then refuse"
    table += " row three : mix then warn }"
    said = faults(f"{GIVEN} {table} exception e to one, two, three, four {{ when image.flag_ verdict warn }}")
    assert [fault[1] for fault in said if fault[0] == "SC0101"] == ["four"]


def test_tables_are_bounded() -> None:
    def said(text: str) -> list[str]:
        return [code for code, _, _ in faults(GIVEN + text)]

    rows = " ".join(f"row r{i} : mix then refuse" for i in range(1_001))
    assert said(f"table t {{ columns query.intent {rows} }}") == ["SC0501"]
    columns = ", ".join(["query.harm"] * 65)
    assert set(said(f"table t {{ columns {columns} row r : {', '.join(['< 1'] * 65)} then refuse }}")) == {"SC0501"}
    rows = " ".join(f"row r{i} : mix then refuse" for i in range(1_000))
    text = "a" * 1_100
    assert said(f'table t {{ title "{text}" columns query.intent {rows} }}') == ["SC0501"]
    large = " or ".join(["image.flag_"] * 200)
    assert said(f"table t {{ unless {large} columns query.intent {rows} }}") == ["SC0501"]
    half = " ".join(f"row {{}}{i} : mix then refuse" for i in range(500))
    tables = [f'table {n} {{ title "{text}" columns query.intent {half.replace("{}", n)} }}' for n in "abc"]
    assert said(" ".join(tables)) == ["SC0501"]
