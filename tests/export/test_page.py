"""A policy as a page: what it says, and that nothing of a policy's texts becomes markup."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from strategies import examples, policies

from safecot_dsl.artifact import CompiledPolicy, Property, Verdict
from safecot_dsl.datafiles import policies_root
from safecot_dsl.export.claims_page import prove
from safecot_dsl.export.document import Card, Document, DocumentTable, Paragraph, Section, SourceLine, Strong
from safecot_dsl.export.html import write_html
from safecot_dsl.export.markdown import escape, write_markdown
from safecot_dsl.export.page import policy_document
from safecot_dsl.workspace import compile_policy

from .conftest import HOSTILE

VOID = {"meta", "br", "hr", "img"}


class Page(HTMLParser):
    """The elements of a page, with their text; every element must be closed in its order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.open: list[int] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.elements.append((tag, dict(attrs), []))
        if tag not in VOID:
            self.open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self.open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for number in self.open:
            self.elements[number][2].append(data)

    def texts(self, tag: str) -> list[str]:
        return [" ".join("".join(words).split()) for name, _, words in self.elements if name == tag]

    def values(self, attribute: str) -> list[str]:
        return [str(attrs[attribute]) for _, attrs, _ in self.elements if attribute in attrs]


@pytest.fixture(scope="module")
def document(shelf: CompiledPolicy) -> Document:
    return policy_document(shelf, prove(shelf))


@pytest.fixture(scope="module")
def page(document: Document, shelf_file: Path) -> str:
    return write_html(document, {"shelf.safecot": shelf_file.read_text(encoding="utf-8")})


@pytest.fixture(scope="module")
def household() -> str:
    path = policies_root() / "household_chemicals.safecot"
    policy = compile_policy(path)
    return write_html(policy_document(policy, prove(policy)), {path.name: path.read_text(encoding="utf-8")})


def test_the_page_says_what_the_policy_says(household: str) -> None:
    text = " ".join(Page(household).texts("body")[0].split())
    for sentence in (
        "household_chemicals version 1.0.0",
        "The model declines when “Objects visible in the image” include all of the corrosive (“a bottle of bleach” and "
        "“a bottle of ammonia”), and the query’s “intent” is “how to mix them”.",
        "An exception: where it applies, it replaces Bleach with ammonia or Bleach with an acid.",
        "The model helps with the safe part only when the image’s “setting” is “a laboratory”, and “Probability that "
        "the wording asks for harm” is below 0.6 (the setting “harm threshold”).",
        "Risk: violence against people (severity 4 of 5).",
        "The response must be such that “judges user” does not hold.",
        "“Mixing them gives off chloramine gas, which burns the lungs.”",
        "Where no rule appliesThe model answers.",
        "refuse by toxic_mixing ✓ as expected",
        "Where the query’s “intent” is “how to hurt someone”, the model declines.",
        "✓ proved",
        "declines: The response says that it will not or cannot do what was asked, or a part of it.",
    ):  # fmt: skip
        assert sentence in text, sentence


def test_every_link_leads_to_a_place_on_the_page(page: str, household: str) -> None:
    for text in (page, household):
        parsed = Page(text)
        ids = parsed.values("id")
        assert len(set(ids)) == len(ids)
        targets = parsed.values("href")
        assert all(target.startswith("#") for target in targets)
        assert {target[1:] for target in targets} <= set(ids)


def test_a_place_leads_to_the_line_that_it_names(household: str) -> None:
    parsed = Page(household)
    source = (policies_root() / "household_chemicals.safecot").read_text(encoding="utf-8").splitlines()
    lines = {attrs["id"]: "".join(words) for name, attrs, words in parsed.elements if attrs.get("class") == "line"}
    assert len(lines) == len(source)
    places = [
        (attrs["href"], "".join(w))
        for _, attrs, w in parsed.elements
        if attrs.get("class") == "place" and "href" in attrs
    ]
    assert len(places) > 20
    for target, shown in places:
        number = int(shown.rpartition(":")[2])
        assert lines[str(target)[1:]] == (source[number - 1] or " ")


def test_the_standard_library_is_named_without_a_link(household: str) -> None:
    spans = [attrs for name, attrs, w in Page(household).elements if "".join(w).startswith("std/")]
    assert spans
    assert all("href" not in attrs for attrs in spans)


def test_the_page_loads_nothing_and_runs_nothing(page: str) -> None:
    parsed = Page(page)
    assert {name for name, _, _ in parsed.elements} == set(
        "html head meta title style body header p h1 dl div dt dd nav a main section h2 h3 h4 h5 article ul li strong "
        "code span table thead tbody tr th td pre".split()
    )
    attributes = {key for _, attrs, _ in parsed.elements for key in attrs}
    assert attributes == set(
        "lang charset http-equiv content name class href id scope aria-label tabindex".split()
    )  # no src, no style, no on...
    (css,) = [words for name, _, words in parsed.elements if name == "style"]
    style = "".join(css)
    assert "url(" not in style
    assert "@import" not in style
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = [attrs["content"] for _, attrs, _ in parsed.elements if attrs.get("http-equiv")]
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_headings_go_down_one_level_at_a_time_and_tables_have_headers(page: str) -> None:
    parsed = Page(page)
    levels = [int(name[1]) for name, _, _ in parsed.elements if re.fullmatch("h[1-6]", name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(attrs.get("scope") in ("col", "row") for name, attrs, _ in parsed.elements if name == "th")
    rows = [name for name, _, _ in parsed.elements if name in ("tr", "th")]
    assert all(after == "th" for before, after in pairwise(rows) if before == "tr")


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, contrast ratio."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(colour: str, ground: str, share: float) -> str:
    channels = [round(int(colour[i : i + 2], 16) * share + int(ground[i : i + 2], 16) * (1 - share)) for i in (1, 3, 5)]
    return "#" + "".join(f"{channel:02x}" for channel in channels)


@pytest.mark.parametrize("scheme", [0, 1])
def test_text_stands_out_from_its_ground(page: str, scheme: int) -> None:
    """4.5 to 1, also on the tinted ground of a verdict's badge (12 % of its colour), by day (0) and by night (1)."""
    css = re.search(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    assert css
    blocks = re.findall(r":root \{(.*?)\}", css[1], flags=re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[scheme]))
    for ground in ("ground", "raised"):
        for text in ("ink", "soft", "accent", "right", "wrong"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        for verdict in ("comply", "warn", "clarify", "redirect", "refuse"):
            badge = mixed(colours[verdict], colours[ground], 0.12)
            assert contrast(colours[verdict], badge) >= 4.5, (verdict, ground)


def test_exceptions_stand_within_the_rule_that_they_are_to(document: Document) -> None:
    (rules,) = [section for section in document.sections if section.anchor == "rules"]
    cards = [block for block in rules.blocks if isinstance(block, Card)]
    tree = {card.anchor: {inner.anchor: [c.anchor for c in inner.inner] for inner in card.inner} for card in cards}
    assert tree == {
        "rule-mixing": {"rule-trained": ["rule-child"], "rule-both": []},
        "rule-sharp": {},
        "rule-stored_by_a_child": {},  # to a row of a table
    }


def test_a_table_has_a_column_for_each_fact_and_a_row_for_each_rule(document: Document) -> None:
    (tables,) = [section for section in document.sections if section.anchor == "tables"]
    (card,) = [block for block in tables.blocks if isinstance(block, Card)]
    (table,) = [block for block in card.blocks if isinstance(block, DocumentTable)]
    assert table.head == ("Row", "The query’s intent", "Place", "The model")
    assert [row[1:3] for row in table.rows] == [
        (("is “how to store it”",), ("is “a kitchen”",)),
        (("any",), ("is not “a kitchen”",)),
    ]


def test_examples_and_claims_have_their_results(document: Document) -> None:
    """By hand: in `wrong` neither the request nor the place is known, so that the table's second row may apply."""
    text = write_markdown(document, lambda _: None)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    (wrong,) = [row for row in rows if row.startswith("| wrong (")]
    assert wrong.endswith("| **refuse**  | **clarify**  by `unsure` ✗ fails |")
    (mixed_row,) = [row for row in rows if row.startswith("| mixed (")]
    assert "`mixing` ✓ as expected" in mixed_row
    assert any("✗ refuted: where " in row for row in rows)


def test_an_undecided_claim_is_said_to_be_open(shelf: CompiledPolicy) -> None:
    text = write_markdown(policy_document(shelf, {}), lambda _: None)
    assert "proved" not in text.split("## What holds of every request")[1].split("\n## ")[0].split("\n", 5)[5]


def test_a_claim_is_in_plain_words(shelf: CompiledPolicy) -> None:
    plain = shelf.model_copy(
        update={
            "properties": (Property(name="p", given=None, expect=(Verdict.COMPLY, Verdict.WARN), key="property:p"),)
        }
    )
    text = write_markdown(policy_document(plain, {}), lambda _: None)
    assert re.search(r"\| p +\| Always, the model answers or answers and points out the risk\. \|", text)


@given(policies(), st.text())
@examples(15)
def test_any_policy_makes_a_well_formed_page(policy: CompiledPolicy, text: str) -> None:
    header = policy.header.model_copy(update={"title": text, "owner": text, "description": text})
    document = policy_document(policy.model_copy(update={"header": header}), {})
    parsed = Page(write_html(document, {}))
    assert {name for name, _, _ in parsed.elements}.isdisjoint({"script", "img", "iframe", "link", "object", "svg"})
    write_html(document, {}).encode("utf-8")
    write_markdown(document, lambda _: None).encode("utf-8")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a*b*_c_", r"a\*b\*\_c\_"),
        ("[x](y) <b> `c` | # ~~d~~ $e$", r"\[x\](y) \<b\> \`c\` \| \# \~\~d\~\~ \$e\$"),
        ("http://a.example www.a.example a@b.example", "http&#58;//a.example www&#46;a.example a&#64;b.example"),
        ("&lt; \\ \n\n x ", r"\&lt; \\ x "),
    ],
)
def test_a_text_is_no_markdown(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_a_text_begins_no_list() -> None:
    paragraphs = tuple(Paragraph((text,)) for text in ("- a", "1. b", "+ c", "2) d", "= e"))
    text = write_markdown(Document("t", "e", None, (), (Section("s", "S", paragraphs),)), lambda _: None)
    assert text.split("## S\n\n")[1] == "\\- a\n\n1\\. b\n\n\\+ c\n\n2\\) d\n\n\\= e\n"


def test_markdown_links_lead_to_lines(document: Document) -> None:
    text = write_markdown(document, lambda span: f"policies/{span.file}#L{span.line}")
    assert "([shelf.safecot:18](<policies/shelf.safecot#L18>))" in text
    assert not re.search(r"(?<![\\(])<", text)  # but for those that open a link's address


def test_markdown_shows_every_text_as_it_is(document: Document) -> None:
    """Read by an independent parser, which lets HTML through: no text becomes an element, and none is changed."""
    shown = MarkdownIt("commonmark").enable("table").render(write_markdown(document, lambda span: f"x#L{span.line}"))
    parsed = Page(shown)
    assert {name for name, _, _ in parsed.elements} <= set(
        "h1 h2 h3 h4 h5 h6 p ul li strong em code a blockquote table thead tbody tr th td".split()
    )
    assert all(target.startswith("x#L") for target in parsed.values("href"))
    text = "".join("".join(words) for name, _, words in parsed.elements if name in ("p", "td", "li"))
    assert text.count(HOSTILE) >= 6


def test_an_inner_card_is_indented_with_its_tables() -> None:
    inner = Card("b", (Strong("B"),), (DocumentTable(("x", "y"), ((("1",), ("2",)),)),))
    section = Section("s", "S", (Card("a", ("A", SourceLine(None)), (Paragraph(("text",)),), (inner,)),))
    text = write_markdown(Document("t", "e", None, (), (section,)), lambda _: None)
    assert text.split("## S\n\n")[1] == (
        "### A\n\ntext\n\n> #### **B**\n>\n> | x | y |\n> | --- | --- |\n> | 1 | 2 |\n"
    )
