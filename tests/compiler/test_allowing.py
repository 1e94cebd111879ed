"""`# allow:` comments: what they speak of, and those that are no such comments."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import safecot_dsl
from safecot_dsl.compiler.allowing import ALLOWABLE

from .sources import FACTS, HEAD, compiled, opened


def allowed(text: str) -> list[tuple[str, str, int]]:
    return [(entry.code, entry.reason, entry.line) for entry in compiled(text).source_map.allowed]


def test_a_comment_speaks_of_its_own_line() -> None:
    text = (
        f"{HEAD}facts image {{ a : flag }}\nrule r {{ when image.a verdict refuse }}  # allow: SC1111 it is the law\n"
    )
    assert allowed(text) == [("SC1111", "it is the law", 3)]


def test_a_comment_alone_on_its_line_speaks_of_the_one_below_the_comments() -> None:
    text = f"{HEAD}# allow: SC1111 one\n  # why it is so\n#allow:SC1112   two words \t\ndefault comply\n\n"
    text += "# allow: SC1110 gap\n\n"
    assert allowed(text) == [("SC1111", "one", 5), ("SC1112", "two words", 5), ("SC1110", "gap", 8)]


def test_a_comment_within_a_list_and_at_the_end_of_the_file() -> None:
    text = f"{HEAD}facts image {{\n  a : set of {{\n    b, # allow: SC1107 later\n    c\n  }}\n}}\n"
    text += "default comply\nunsure warn # allow: SC1108 x"
    assert allowed(text) == [("SC1107", "later", 4), ("SC1108", "x", 9)]


def test_its_place_names_the_file_as_the_source_map_does() -> None:
    library = 'library lib { version "1" }\n# allow: SC1107 not yet\ntaxonomy t { a }\n'
    (entry,) = compiled(f"{HEAD}import lib\n", {"lib.safecot": library}).source_map.allowed
    assert (entry.span.file, entry.line, str(entry.span)) == ("lib.safecot", 3, "lib.safecot:2:1")


def test_comments_are_no_part_of_the_digest() -> None:
    assert compiled(f"{FACTS}# allow: SC1111 why\n").digest == compiled(FACTS).digest


@pytest.mark.parametrize(
    "comment",
    ["# allow people to ask", "# allowed: SC1111 x", "# we allow: SC1111 x", "# a text # allow: SC1111 x", "#"],
)
def test_prose_is_no_such_comment(comment: str) -> None:
    assert allowed(f"{HEAD}{comment}\n") == []


def test_a_text_that_looks_like_one_is_a_text() -> None:
    assert allowed(f'{HEAD}phrases a {{ "# allow: SC1111 x" """\n# allow: SC1111 x\n""" }}\n') == []


def test_what_is_wrong_with_one_is_a_warning_and_stops_nothing() -> None:
    result = opened(f"{HEAD}# allow: SC1111\ndefault comply # allow: SC1001 no\nunsure clarify")
    assert result.policy is not None
    assert not result.failed
    assert [(d.code, d.severity.value, d.span.line) for d in result.diagnostics] == [
        ("SC0701", "warning", 2),
        ("SC0701", "warning", 3),
    ]


def test_the_findings_that_can_be_allowed_are_those_that_are_no_errors() -> None:
    """The package's own list of findings is what it reports: a code of one that is not there could never be met."""
    sources = [path.read_text(encoding="utf-8") for path in Path(safecot_dsl.__file__).parent.rglob("*.py")]
    named = {code for text in sources for code in re.findall(r"SC1\d{3}", text)}
    assert named >= ALLOWABLE
