"""The parser's own run over Lark's table: what Lark makes of the same tokens, and nothing of tokens with a fault."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from lark import Lark
from lark.exceptions import UnexpectedToken

from safecot_dsl.compiler import Reporter
from safecot_dsl.compiler.syntax.build import Builder
from safecot_dsl.compiler.syntax.lalr import LalrTable
from safecot_dsl.compiler.syntax.parser import build_parser
from safecot_dsl.compiler.syntax.scanner import tokenise
from safecot_dsl.compiler.syntax.tables import dump_tables
from safecot_dsl.datafiles import grammar_path, policies_root
from safecot_dsl.diagnostics import SourceFile
from tests.compiler.test_fuzz import mutations
from tests.strategies import examples

GRAMMAR = grammar_path("safecot.lark").read_text(encoding="utf-8")
POLICIES = sorted(policies_root().rglob("*.safecot"))


@cache
def lark() -> Lark:
    """Made where it is asked for, and not in each process that collects the tests."""
    return build_parser(GRAMMAR)


@cache
def table() -> LalrTable:
    return LalrTable(json.loads(dump_tables(lark(), GRAMMAR)), Builder())


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_it_makes_what_lark_makes_of_every_policy_that_ships(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tokens = tokenise(text, Reporter(SourceFile(path.name, text)))
    assert table().parse(tokens, "file") == lark().parse(tokens, start="file")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("start", "text"),
    [
        ("condition", "image.a is b or not (query.title and at least 2 of (x, y.z, t has all of { a, b }))"),
        ("declaration", "facts query { title : one of { text, title } score : score a : flag }"),
        ("declaration", 'table t { columns query.a, query.b row r : any, not < 0.5 then warn { title "x" } }'),
        ("header", 'policy p { version "1" title "a" }'),
    ],
)
def test_parts_that_stand_alone_are_parsed_alike(start: str, text: str) -> None:
    tokens = tokenise(text, Reporter(SourceFile("p", text)))
    assert table().parse(tokens, start) == lark().parse(tokens, start=start)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("start", "text"),
    [("condition", "a and"), ("condition", "a b"), ("condition", ""), ("header", "policy { }"), ("file", "rule r { }")],
)
def test_of_tokens_with_a_fault_it_makes_nothing(start: str, text: str) -> None:
    tokens = tokenise(text, Reporter(SourceFile("p", text)))
    assert table().parse(tokens, start) is None
    with pytest.raises(UnexpectedToken):
        lark().parse(tokens, start=start)  # type: ignore[arg-type]


@examples(60)
@given(mutations())
def test_of_mutated_policies_it_makes_what_lark_makes_or_nothing(text: str) -> None:
    tokens = tokenise(text, Reporter(SourceFile("p", text)))
    made = table().parse(tokens, "file")
    try:
        expected = lark().parse(tokens, start="file")  # type: ignore[arg-type]
    except UnexpectedToken:
        expected = None
    assert made == expected
