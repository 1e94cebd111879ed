"""From names to declarations and back, hovering, the outline, folding: on files with errors too."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types

from safecot_dsl.lsp.hover import hover
from safecot_dsl.lsp.navigation import definitions, foldings, highlights, outline, workspace_symbols
from safecot_dsl.lsp.positions import PositionedText
from safecot_dsl.lsp.workspace import Workspace, symbols_of

from .snippets import HEAD, cursor, opened, piece

# A name with the cursor in it, and the line in which it is declared.
DECLARED = {
    "fact": ("let x = image.obj|ects is empty", 'objects : set of { bleach "a bottle of bleach", ammonia, knife }'),
    "fact by its subject": ("let x = ima|ge.objects is empty", "objects : set of"),
    "value": ("let x = image.objects has bl|each", "objects : set of"),
    "value in braces": ("let x = image.setting in { kit|chen }", "setting : one of"),
    "node as value": ("let x = query.topic is deal|ing", "taxonomy topics"),
    "node": ("let x = query.topic is within dru|gs", "taxonomy topics"),
    "let": ("let x = tox|ic", "let toxic"),
    "param": ("let x = query.harm < thres|hold", "param threshold"),
    "group": ("let x = image.objects has any of corr|osive", "group corrosive"),
    "phrases": ("let x = image.text contains any of cur|ses", "phrases curses"),
    "rule": ("exception e to mix|ing { when toxic verdict warn }", "rule mixing"),
    "exception": ('example "x" { expect redirect by train|ing }', "exception training"),
    "slot": ('rule r { when toxic verdict refuse think { risk "{image.|setting}" } }', "setting : one of"),
    "group in a slot": (
        'rule r { when toxic verdict refuse think { risk "{image.objects among corr|osive}" } }',
        "group",
    ),
    "import": ("let x = l|.furious", "import lib as l"),
    "column": ("table t { columns image.set|ting row r : kitchen then warn }", "setting : one of"),
    "cell": ("table t { columns image.setting row r : kit|chen then warn }", "setting : one of"),
    "row": (
        "table t { columns image.setting row r1 : kitchen then warn }\nexception e to r|1 { when toxic }",
        "table t",
    ),
    "law": ('law "x" { change image.objects gains bl|each expect never laxer }', "objects : set of"),
    "where nothing could be read": ("rule r { frob image.|setting frob }", "setting : one of"),
}


@pytest.mark.parametrize("name", DECLARED)
def test_a_name_leads_to_its_declaration(name: str, tmp_path: Path) -> None:
    snippet, line = DECLARED[name]
    content, offset = cursor(HEAD + snippet)
    documents, snapshot = opened(tmp_path, content)
    (found,) = definitions(documents, snapshot, offset)
    assert found.uri == snapshot.document.uri
    assert line in snapshot.document.text.line(found.range.start.line)


@pytest.mark.parametrize(
    ("snippet", "file", "word"),
    [
        ("let x = l.furi|ous", "lib.safecot", "furious"),
        ("let x = query.ang|ry", "lib.safecot", "angry"),
        ("rule r { when toxic verdict refuse require ki|nd }", "lib.safecot", "kind"),
        ("rule r { hazard hazards.fra|ud when toxic verdict refuse }", "hazards.safecot", "fraud"),
        ("rule r { when toxic verdict refuse answer { say one of refusals.br|ief } }", "refusals.safecot", "brief"),
        ("import std.criter|ia", "criteria.safecot", "criteria"),
    ],
)
def test_names_of_other_files_lead_there(snippet: str, file: str, word: str, tmp_path: Path) -> None:
    content, offset = cursor(HEAD + snippet)
    documents, snapshot = opened(tmp_path, content)
    found = definitions(documents, snapshot, offset)[0]
    assert found.uri.endswith(f"/{file}")
    there = next(m for m in snapshot.opened.modules if m.report.source.path.endswith(file))
    text = documents.text_of(there)
    assert text.content[text.offset(found.range.start) : text.offset(found.range.end)] == word


# A place, and what is said of it.
SAID = {
    "fact": ("let x = image.|objects is empty", ["image.objects : set of", "What is seen", "what you see", "ammonia"]),
    "supposition": ("let x = context.min|or", ["context.minor : flag", "where it is unknown: `yes`"]),
    "value": ("let x = image.objects has bl|each", ["image.objects has bleach", "a bottle of bleach"]),
    "node": ("let x = query.topic is deal|ing", ["drugs / dealing", "selling drugs", "severity 2 (inherited)"]),
    "rule": (
        "exception e to mix|ing { when toxic verdict warn }",
        [
            "when    toxic and query.harm > threshold",
            "verdict refuse",
            "Decline the request",
            "toxic substances",
            "exceptions to it: `training`, `e`",
            "Mixing",
        ],
    ),
    "exception": ('example "x" { expect redirect by train|ing }', ["exception training to mixing", "redirect"]),
    "row": (
        "table t { columns image.setting row r1 : kitchen then warn }\nexception e to r|1 { when toxic }",
        ["row r1 : kitchen then warn", "**warn**"],
    ),
    "let": ("let x = tox|ic", ["let toxic = image.objects has all of corrosive"]),
    "param": ("let x = query.harm < thres|hold", ["param threshold = 0.6"]),
    "group": ("let x = image.objects has any of corr|osive", ["group corrosive = { bleach, ammonia }"]),
    "fact with sentences": (
        'facts image { sign : set of { a } says "It has {value}." | "{value}." none "It has none." ask "which"\n'
        'blur : number 0..9 says { below 2.5 "It is sharp." else "It is blurred." } }\nlet x = image.si|gn has a',
        ["- says: It has {value}.", "- none: It has none.", "asked for as: which"],
    ),
    "fact with bands": (
        'facts image { blur : score says { below 0.5 "It is sharp." | "Sharp." else "It is blurred." } }\n'
        "let x = image.bl|ur < 0.5",
        ["- says, below 0.5: It is sharp.", "- says, else: It is blurred."],
    ),
    "group with sentences": (
        'group g "sharp" says "{value} cuts." none "Nothing cuts." = { knife }\nlet x = image.objects has any of |g',
        ['group g "sharp" says "{value} cuts." none "Nothing cuts." = { knife }'],
    ),
    "word of a sentence": ('facts image { a : flag sa|ys "It is so." }', ["**says**"]),
    "band": ('facts query { a : score says { be|low 0.5 "Low." else "High." } }', ["**below**"]),
    "phrases": ("let x = image.text contains any of cur|ses", ["- damn", "- hell"]),
    "proposition": ("rule r { when toxic verdict refuse require ki|nd }", ["It is kind", "Of course"]),
    "library": ("let x = l|.furious", ["import lib"]),
    "keyword": ("rule r { whe|n toxic verdict refuse }", ["**when**"]),
    "verdict": ("rule r { when toxic verdict ref|use }", ["Decline the request", "comply < warn < clarify"]),
    "header key": ("", []),
}


@pytest.mark.parametrize("name", [name for name in SAID if SAID[name][0]])
def test_hovering_explains_a_name(name: str, tmp_path: Path) -> None:
    snippet, expected = SAID[name]
    content, offset = cursor(HEAD + snippet)
    _, snapshot = opened(tmp_path, content)
    found = hover(snapshot, offset)
    assert found is not None
    assert isinstance(found.contents, types.MarkupContent)
    said = found.contents.value.replace("\\", "")
    for part in expected:
        assert part in said


@pytest.mark.parametrize(
    "snippet", ["# wh|en", 'let x = image.text contains "wh|en"', "let x = image.harm > 0.|5", "|"]
)
def test_texts_comments_and_blanks_are_not_explained(snippet: str, tmp_path: Path) -> None:
    content, offset = cursor(HEAD + "\n" + snippet)
    _, snapshot = opened(tmp_path, content)
    assert hover(snapshot, offset) is None


def test_a_code_in_a_comment_is_explained(tmp_path: Path) -> None:
    content, offset = cursor(HEAD + "# allow: SC01|01 it is meant so")
    _, snapshot = opened(tmp_path, content)
    found = hover(snapshot, offset)
    assert found is not None
    assert "SC0101" in str(found.contents)


def test_what_an_author_wrote_is_no_markup(tmp_path: Path) -> None:
    """A picture in a description would be fetched by the editor that shows it."""
    text = HEAD + 'facts image { a : flag "![x](http://example.org/x.png) ``` <img src=x>" }\nlet x = image.|a'
    content, offset = cursor(text)
    _, snapshot = opened(tmp_path, content)
    said = str(hover(snapshot, offset))
    assert "![x](" not in said
    assert "<img" not in said.replace("\\\\<img", "")


def test_all_uses_of_a_name_in_a_file_are_marked(tmp_path: Path) -> None:
    content, offset = cursor(HEAD.replace("group corrosive", "group corr|osive"))
    _, snapshot = opened(tmp_path, content)
    found = highlights(snapshot, offset)
    assert [piece(snapshot, mark.range) for mark in found] == ["corrosive"] * 3
    assert [mark.kind for mark in found].count(types.DocumentHighlightKind.Write) == 1


def test_references_in_all_files_of_the_folder(tmp_path: Path) -> None:
    files = {
        "a.safecot": 'policy a { version "1" }\nimport lib\nlet x = lib.furious',
        "deep/b.safecot": 'policy b { version "1" }\nlet furious = query.x\nlet y = furious',
    }
    content, offset = cursor(HEAD + "let x = l.furi|ous and l.furious")
    documents, snapshot = opened(tmp_path, content, files)
    found = Workspace(documents, [tmp_path]).references(snapshot, offset, declarations=True)
    assert sorted(Path(location.uri).name for location in found) == [
        "a.safecot",
        "lib.safecot",
        "p.safecot",
        "p.safecot",
    ]
    without = Workspace(documents, [tmp_path]).references(snapshot, offset, declarations=False)
    assert sorted(Path(location.uri).name for location in without) == ["a.safecot", "p.safecot", "p.safecot"]


def test_the_outline_holds_every_declaration_and_what_is_in_it(tmp_path: Path) -> None:
    _, snapshot = opened(tmp_path, HEAD + "rule broken { when }\nrule after { when toxic verdict warn }")
    found = outline(snapshot.module, snapshot.document.text)
    names = [entry.name for entry in found]
    assert names[:5] == ["std.hazards", "std.refusals", "lib", "threshold", "image"]
    assert {"mixing", "training", "default", "unsure", "at home", "after"} <= set(names)
    image = found[4]
    assert [child.name for child in image.children or []] == ["objects", "setting", "text"]
    topics = next(entry for entry in found if entry.name == "topics")
    assert [child.name for child in topics.children or []] == ["drugs", "cooking"]

    def inside(entry: types.DocumentSymbol) -> None:
        text = snapshot.document.text
        begin, end = text.offset(entry.range.start), text.offset(entry.range.end)
        assert begin <= text.offset(entry.selection_range.start) <= text.offset(entry.selection_range.end) <= end
        for child in entry.children or []:
            inside(child)

    for entry in found:
        inside(entry)


def test_symbols_of_the_workspace_are_found_by_their_letters(tmp_path: Path) -> None:
    documents, snapshot = opened(tmp_path, HEAD)
    programs = list(Workspace(documents, [tmp_path]).programs(snapshot))

    def names(query: str) -> list[str]:
        found = workspace_symbols(((p.entry, symbols_of(p)) for p in programs), query, "utf-16")
        return sorted(symbol.name for symbol in found)

    assert names("mxg") == ["mixing"]
    assert names("furious") == ["furious"]
    assert names("(") == []


def test_blocks_comments_and_long_texts_fold() -> None:
    text = (
        '# a {\n# b\nrule r {\n  when x # }\n  think {\n    risk """one {\n    two"""\n  }\n}\nlet y = "{" # c\n# d {\n'
    )
    found = [(fold.start_line, fold.end_line) for fold in foldings(PositionedText(text))]
    assert sorted(found) == [(0, 1), (2, 7), (4, 6), (5, 6)]
