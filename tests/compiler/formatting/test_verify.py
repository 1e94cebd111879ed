"""What the formatter holds its own result against."""

from __future__ import annotations

import pytest

from safecot_dsl.compiler import Reporter, parse_file
from safecot_dsl.compiler.formatting.verify import same
from safecot_dsl.compiler.syntax.tree import FileTree
from safecot_dsl.diagnostics import SourceFile

TEXT = 'policy p { version "1" }\n# one\nlet a = b.c and d.e in { x, y } # two\nrule r { when a verdict warn }\n'


def parsed(text: str) -> FileTree:
    report = Reporter(SourceFile("p.safecot", text))
    tree = parse_file(report)
    assert not report.failed
    return tree


@pytest.mark.parametrize(
    "other",
    [
        TEXT,
        TEXT.replace(" ", "\n "),
        TEXT.replace("# one", "# one  "),
        TEXT.replace("x, y }", "x, y, }"),
        TEXT.replace("b.c", "(b . c)"),  # brackets that change nothing
    ],
)
def test_what_says_the_same(other: str) -> None:
    other = other.replace("#\n one", "# one").replace("#\n two", "# two")
    assert same(parsed(TEXT), parsed(other))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (" and ", " or "),
        ("x, y", "y, x"),
        ('"1"', '"2"'),
        ("warn", "warn # three\n"),
        ("# one", "# ones"),
        ("# one\n", ""),
        ("# two\n", "\n# two # one\n"),
        ("rule r", "rule s"),
        ("let a = b.c and", "let a = not b.c and"),
        ("let a =", "let b = x.y let a ="),
    ],
)
def test_what_does_not(old: str, new: str) -> None:
    assert old in TEXT
    assert not same(parsed(TEXT), parsed(TEXT.replace(old, new)))
