"""The language reference: every page has its form, every keyword stands in the grammar that it shows, no page is lost.

That the policies on the pages compile is tested with the other documents (tests/test_documentation.py).
`SAFECOT_WRITE_GOLDEN=1 pytest tests/test_language_pages.py` lays them out anew.
"""

from __future__ import annotations

import os
import re

import pytest

from safecot_dsl.artifact import Verdict
from safecot_dsl.compiler.formatting import format_text
from safecot_dsl.compiler.syntax.tokens import KEYWORDS, RESERVED
from safecot_dsl.datafiles import data_root

FOLDER = data_root() / "docs" / "language"
INDEX = (FOLDER / "README.md").read_text(encoding="utf-8")
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.md")) if path.stem != "README"}
FENCED = re.compile(r"^```(\S+)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def grammar() -> str:
    return next(text for language, text in FENCED.findall(INDEX) if language == "text" and text.startswith("file "))


def test_the_index_names_every_page_once() -> None:
    listed = re.findall(r"^\| \[[^\]]+\]\(([\w-]+\.md)\) \|", INDEX, re.MULTILINE)
    assert sorted(listed) == sorted(PAGES)


def test_the_index_calls_a_page_as_it_calls_itself() -> None:
    titles = {page: text.split("\n", 1)[0].removeprefix("# ") for page, text in PAGES.items()}
    for title, page in re.findall(r"^\| \[([^\]]+)\]\(([\w-]+\.md)\) \|", INDEX, re.MULTILINE):
        assert titles[page].startswith(title)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_what_a_reader_looks_for(page: str) -> None:
    text = PAGES[page]
    headings = re.findall(r"^## (.*)$", FENCED.sub("", text), re.MULTILINE)
    assert re.search(r"^\*\*What it is for\.\*\* \S", text, re.MULTILINE)
    assert headings in (
        ["Syntax", "Meaning", "Example", "Errors", "Rule of thumb"],
        ["Syntax and meaning", "Example", "Errors", "Rule of thumb"],
        ["Meaning", "Example", "Rule of thumb"],  # what has no syntax of its own
    )
    assert "safecot" in [language for language, _ in FENCED.findall(text)]


@pytest.mark.parametrize("page", PAGES)
def test_the_lines_of_a_page_can_be_read_in_an_editor(page: str) -> None:
    prose = [line for line in FENCED.sub("", PAGES[page]).split("\n") if not line.startswith(("|", "- ["))]
    assert all(len(line) <= 130 for line in prose)


@pytest.mark.parametrize("page", ["README.md", *PAGES])
def test_the_policies_of_a_page_are_laid_out_as_the_formatter_does(page: str) -> None:
    path = FOLDER / page
    text = path.read_text(encoding="utf-8")
    whole = re.compile(r"^(```safecot(?: file=\S+)?\n)(.*?)^```$", re.DOTALL | re.MULTILINE)
    laid_out = whole.sub(lambda match: f"{match[1]}{format_text(match[2])}```", text)
    if os.environ.get("SAFECOT_WRITE_GOLDEN"):
        path.write_text(laid_out, encoding="utf-8")
        text = laid_out
    assert text == laid_out


def test_the_grammar_shown_has_every_keyword_and_no_other() -> None:
    quoted = {word for literal in re.findall(r'"([^"]+)"', grammar()) for word in literal.split()}
    words = {word for word in quoted if word.isalpha()}
    assert words - set(Verdict) == set(KEYWORDS)


def test_the_grammar_shown_defines_what_it_uses() -> None:
    rules = set(re.findall(r"^(\w+) +=", grammar(), re.MULTILINE))
    without_literals = re.sub(r'"[^"]*"', "", grammar())
    used = set(re.findall(r"\w+", without_literals)) - {"NAME", "STRING", "REGEX", "NUMBER"}
    assert used == rules


def test_the_words_that_are_never_names_are_listed() -> None:
    assert "`" + " ".join("not and or at assume ask severity within empty unknown".split()) + "`" in INDEX
    assert set("not and or at assume ask severity within empty unknown".split()) == RESERVED
