"""The server as an editor meets it: a `safecotc serve editor` process, spoken to over its standard input and output."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from safecot_dsl.compiler.formatting import format_text
from safecot_dsl.lsp.tokens import TYPES

from .client import PATIENCE, Editor, applied, editing, marked
from .snippets import HEAD, LIBRARY

POLICY = """policy p { version "1" }
facts image { a : flag b : flag }
rule one { when image.a verdict refuse }
default comply
unsure clarify
"""


Served = tuple[asyncio.AbstractEventLoop, Editor, Path]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all tests here, with a folder open."""
    loop, editor, folder = asyncio.new_event_loop(), Editor(), tmp_path_factory.mktemp("policies")
    loop.run_until_complete(asyncio.wait_for(editor.start(folder), PATIENCE))
    yield loop, editor, folder
    assert loop.run_until_complete(editor.finish()) == 0
    assert editor.messages == []
    loop.close()


def told(test: Callable[[Editor, Path], Coroutine[Any, Any, None]]) -> Callable[[Served], None]:
    """A test that speaks with the server, and has a folder of its own in the one that is open."""

    def run(served: Served) -> None:
        loop, editor, folder = served
        own = folder / test.__name__
        own.mkdir()
        loop.run_until_complete(asyncio.wait_for(test(editor, own), 4 * PATIENCE))
        editor.close_all()

    run.__doc__ = test.__doc__
    return run


def codes(found: list[types.Diagnostic]) -> list[str]:
    return [str(diagnostic.code) for diagnostic in found]


async def _write(editor: Editor, folder: Path, text: str, name: str = "p.safecot") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return editor.open(folder / name)


@told
async def test_diagnostics_follow_what_is_typed(editor: Editor, folder: Path) -> None:
    uri = await _write(editor, folder, POLICY)
    assert codes(await editor.diagnostics(uri)) == []
    editor.change(uri, POLICY.replace("image.a verdict", "image.c verdict"))
    (found,) = await editor.diagnostics(uri)
    assert (found.code, found.source, found.severity) == ("SC0101", "safecotc", types.DiagnosticSeverity.Error)
    assert found.range == types.Range(types.Position(2, 16), types.Position(2, 23))
    assert "unknown fact `image.c`" in found.message
    assert found.code_description is not None
    assert found.code_description.href.endswith("SC0101.md")
    editor.change(uri, POLICY)
    assert codes(await editor.diagnostics(uri)) == []
    assert (folder / "p.safecot").read_text(encoding="utf-8") == POLICY  # nothing is ever written


@told
async def test_failing_examples_are_said_at_once_and_proofs_follow(editor: Editor, folder: Path) -> None:
    text = POLICY + 'example "x" { given image.a = yes expect comply }\n'
    text += 'property "never refused" { given image.b expect not refuse }\n'
    uri = await _write(editor, folder, text)
    assert codes(await editor.diagnostics(uri)) == ["SC1001"]
    proved = await editor.diagnostics(uri, count=2)
    assert {"SC1001", "SC1003"} <= set(codes(proved))
    lenses = await editor.text_document_code_lens_async(types.CodeLensParams(types.TextDocumentIdentifier(uri)))
    titles = [lens.command.title for lens in lenses or [] if lens.command]
    assert titles == ["✗ refuse by one", "✗ refuted"]
    editor.change(uri, text.replace("given image.b", "given image.b and not image.a").replace("comply }", "refuse }"))
    assert "SC1001" not in codes(await editor.diagnostics(uri))
    assert "SC1003" not in codes(await editor.diagnostics(uri, count=2))
    lenses = await editor.text_document_code_lens_async(types.CodeLensParams(types.TextDocumentIdentifier(uri)))
    assert [lens.command.title for lens in lenses or [] if lens.command] == ["✓ refuse by one", "✓ proved"]
    assert editor.refreshed >= 2  # the client is told that there are new ones


@told
async def test_only_the_newest_of_many_changes_is_checked(editor: Editor, folder: Path) -> None:
    uri = await _write(editor, folder, POLICY)
    await editor.diagnostics(uri)
    for number in range(20):
        editor.change(uri, POLICY + f"# {number}\n" + ("rule broken {\n" if number < 19 else ""))
    assert codes(await editor.diagnostics(uri)) == []
    await editor.diagnostics(uri, count=2)  # the findings too
    versions = [params.version for params in editor.published[uri]]
    assert versions == sorted(versions, key=lambda version: version or 0)
    assert len(versions) < 12


def test_columns_are_counted_in_utf_16_unless_agreed_otherwise(tmp_path: Path) -> None:
    asyncio.run(_columns(tmp_path))


async def _columns(folder: Path) -> None:
    text = POLICY + 'rule two { title "😀漢" when image.c verdict refuse }\n'
    for encodings, column in ((None, 28), (["utf-8"], 32), (["utf-7", "utf-32"], 27)):
        async with editing(folder, encodings) as editor:
            uri = await _write(editor, folder, text)
            (found,) = await editor.diagnostics(uri)
            assert found.range.start == types.Position(5, column), encodings
            assert found.range.end == types.Position(5, column + 7)
            hover = await editor.hover(uri, types.Position(5, column - 3))
            assert hover is not None
            assert "**when**" in hover


@told
async def test_files_of_windows_have_the_same_places(editor: Editor, folder: Path) -> None:
    text = (POLICY + "rule two { when image.c verdict refuse }\n").replace("\n", "\r\n")
    uri = editor.open(folder / "p.safecot", text)
    (found,) = await editor.diagnostics(uri)
    assert found.range.start == types.Position(5, 16)
    edits = await editor.text_document_formatting_async(
        types.DocumentFormattingParams(types.TextDocumentIdentifier(uri), types.FormattingOptions(2, True))
    )
    assert edits is not None


@told
async def test_a_library_that_is_not_saved_counts_for_those_that_use_it(editor: Editor, folder: Path) -> None:
    library = await _write(editor, folder, LIBRARY, "lib.safecot")
    uri = await _write(editor, folder, HEAD)
    assert codes(await editor.diagnostics(uri)) == []
    editor.change(library, LIBRARY + "rule r { when }\n")
    await editor.diagnostics(library)
    found = await editor.diagnostics(uri, count=2)
    while not found:  # the findings of the text before may come first
        found = await editor.diagnostics(uri, count=len(editor.published[uri]) + 1)
    assert found[0].range.start.line == HEAD[: HEAD.index("import lib")].count("\n")
    related = found[0].related_information or []
    assert related[0].location.uri == library


@told
async def test_what_changes_on_the_disk_counts_unless_it_is_open(editor: Editor, folder: Path) -> None:
    library = folder / "lib.safecot"
    uri = await _write(editor, folder, HEAD)
    assert "SC0103" in codes(await editor.diagnostics(uri))
    library.write_text(LIBRARY, encoding="utf-8")
    event = types.FileEvent(library.as_uri(), types.FileChangeType.Created)
    editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([event]))
    assert codes(await editor.diagnostics(uri, count=2)) == []
    opened = editor.open(library)
    library.write_text("nonsense", encoding="utf-8")
    editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([event]))
    assert codes(await editor.diagnostics(opened)) == []
    editor.change(uri, HEAD + "# a change\n")
    assert codes(await editor.diagnostics(uri)) == []


@told
async def test_fixes_and_allowances_are_offered_and_mend(editor: Editor, folder: Path) -> None:
    text = POLICY + "rule two { when image.bb verdict refuse }\n"
    uri = await _write(editor, folder, text)
    found = await editor.diagnostics(uri)
    (action,) = await _actions(editor, uri, found)
    assert (action.kind, action.title) == (types.CodeActionKind.QuickFix, "replace by `image.b`")
    assert action.edit is not None
    mended = applied(text, list((action.edit.changes or {})[uri]))
    assert mended == text.replace("image.bb", "image.b")
    editor.change(uri, mended)
    assert codes(await editor.diagnostics(uri)) == []
    found = await editor.diagnostics(uri, count=2)
    assert "SC1111" in codes(found)  # refusals that look at the image alone
    finding = next(d for d in found if d.code == "SC1111")
    action = next(a for a in await _actions(editor, uri, [finding]) if "allow SC1111" in a.title)
    assert action.edit is not None
    allowed = applied(mended, list((action.edit.changes or {})[uri]))
    assert "# allow: SC1111 \n" in allowed
    editor.change(uri, allowed.replace("# allow: SC1111 ", "# allow: SC1111 by law"))
    await editor.diagnostics(uri)
    after = await editor.diagnostics(uri, count=2)
    assert codes(after).count("SC1111") == codes(found).count("SC1111") - 1


async def _actions(editor: Editor, uri: str, found: list[types.Diagnostic]) -> list[types.CodeAction]:
    params = types.CodeActionParams(types.TextDocumentIdentifier(uri), found[0].range, types.CodeActionContext(found))
    result = await editor.text_document_code_action_async(params)
    return [action for action in result or [] if isinstance(action, types.CodeAction)]


@told
async def test_completion_needs_no_file_that_can_be_read(editor: Editor, folder: Path) -> None:
    (folder / "lib.safecot").write_text(LIBRARY, encoding="utf-8")
    uri = await _write(editor, folder, HEAD)
    await editor.diagnostics(uri)
    content, at = marked(HEAD.replace("rule mixing {", "rule broken { when 😀 (image.|\nrule mixing {"))
    editor.change(uri, content)
    items = await editor.complete(uri, at)
    assert sorted(item.label for item in items) == ["image.objects", "image.setting", "image.text"]
    edit = items[0].text_edit
    assert isinstance(edit, types.TextEdit)
    assert edit.range.end == at
    assert edit.range.start.character == at.character - len("image.")


@told
async def test_a_rename_reaches_other_files_and_what_cannot_be_is_refused(editor: Editor, folder: Path) -> None:
    (folder / "lib.safecot").write_text(LIBRARY, encoding="utf-8")
    text, at = marked(HEAD + "let a = l.furi|ous\n")
    uri = await _write(editor, folder, text)
    edit = await editor.rename(uri, at, "livid")
    assert edit is not None
    assert sorted(Path(name).name for name in edit.changes or {}) == ["lib.safecot", "p.safecot"]
    with pytest.raises(JsonRpcException, match="word of the language"):
        await editor.rename(uri, at, "not")
    prepared = await editor.text_document_prepare_rename_async(
        types.PrepareRenameParams(types.TextDocumentIdentifier(uri), at)
    )
    assert isinstance(prepared, types.Range)
    assert prepared.end.character - prepared.start.character == len("furious")


@told
async def test_formatting_is_the_formatter_s_and_leaves_broken_files_alone(editor: Editor, folder: Path) -> None:
    uri = await _write(editor, folder, POLICY)
    params = types.DocumentFormattingParams(types.TextDocumentIdentifier(uri), types.FormattingOptions(2, True))
    edits = await editor.text_document_formatting_async(params)
    assert applied(POLICY, list(edits or [])) == format_text(POLICY) != POLICY
    editor.change(uri, POLICY + "rule x { when")
    assert not await editor.text_document_formatting_async(params)


@told
async def test_semantic_tokens_say_what_each_word_is(editor: Editor, folder: Path) -> None:
    """Here a fact has a keyword's name; the reference is written out by hand."""
    text = 'policy p { version "1" } # 😀\nfacts image { rule : flag }\nrule r { when image.rule verdict refuse }\n'
    uri = await _write(editor, folder, text)
    result = await editor.text_document_semantic_tokens_full_async(
        types.SemanticTokensParams(types.TextDocumentIdentifier(uri))
    )
    assert result is not None
    found = _decoded(text, list(result.data))
    assert found == [
        ("policy", "keyword"),
        ("p", "namespace"),
        ('"1"', "string"),
        ("# 😀", "comment"),
        ("facts", "keyword"),
        ("image", "keyword"),
        ("rule", "property"),
        ("flag", "keyword"),
        ("rule", "keyword"),
        ("r", "function"),
        ("when", "keyword"),
        ("rule", "property"),
        ("verdict", "keyword"),
        ("refuse", "enumMember"),
    ]


def _decoded(text: str, data: list[int]) -> list[tuple[str, str]]:
    lines = [line.encode("utf-16-le") for line in text.split("\n")]
    found: list[tuple[str, str]] = []
    line = column = 0
    for i in range(0, len(data), 5):
        down, right, length, kind, _ = data[i : i + 5]
        line, column = line + down, right if down else column + right
        found.append((lines[line][2 * column : 2 * (column + length)].decode("utf-16-le"), TYPES[kind]))
    return found


@told
async def test_a_document_that_is_closed_or_was_never_open_is_nothing(editor: Editor, folder: Path) -> None:
    uri = await _write(editor, folder, POLICY + "rule x { when\n")
    assert codes(await editor.diagnostics(uri)) != []
    editor.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))
    assert await editor.hover(uri, types.Position(2, 3)) is None
    assert list(editor.published[uri][-1].diagnostics) == []
    assert await editor.hover((folder / "nowhere.safecot").as_uri(), types.Position(0, 0)) is None


@told
async def test_a_document_in_no_file_is_checked(editor: Editor, folder: Path) -> None:
    editor.versions["untitled:Untitled-1"] = 1
    document = types.TextDocumentItem("untitled:Untitled-1", "safecot", 1, POLICY + "let x = image.c\n")
    editor.text_document_did_open(types.DidOpenTextDocumentParams(document))
    assert codes(await editor.diagnostics("untitled:Untitled-1")) == ["SC0101"]


@told
async def test_a_huge_document_is_refused_and_the_server_goes_on(editor: Editor, folder: Path) -> None:
    uri = editor.open(folder / "huge.safecot", POLICY + "# " + "x" * (1 << 20))
    (found,) = await editor.diagnostics(uri)
    assert "larger than" in found.message
    assert await editor.complete(uri, types.Position(2, 3)) is not None
    other = await _write(editor, folder, POLICY)
    assert codes(await editor.diagnostics(other)) == []


#: What random edits put into a text, beside pieces of it.
SCRAPS = '{ } ( ) " """ # / | , . : = {{ }} 😀 漢 \ud83d \u202e \x00 \r \t rule table row law extend then'.split(" ")


async def _fuzz(editor: Editor, folder: Path, rounds: int, seed: int) -> None:
    """Random edits, and after each of them every kind of request at a random place: each is answered, no answer is an
    error of the server's own, and at the end it still checks a good text."""
    rng = random.Random(seed)
    (folder / "lib.safecot").write_text(LIBRARY, encoding="utf-8")
    uri = await _write(editor, folder, HEAD)
    text = HEAD
    for _ in range(rounds):
        start = rng.randrange(len(text) + 1)
        end = min(len(text), start + rng.choice([0, 0, 1, 3, 30]))
        scrap = rng.choice([rng.choice(SCRAPS), HEAD[start : start + rng.randrange(40)], "\n", ""])
        text = text[:start] + scrap + text[end:] if rng.random() > 0.02 else HEAD
        editor.change(uri, text)
        place = types.Position(rng.randrange(60), rng.randrange(90))
        document = types.TextDocumentIdentifier(uri)
        everything = types.Range(types.Position(0, 0), types.Position(99, 0))
        answers = await asyncio.gather(
            editor.complete(uri, place),
            editor.hover(uri, place),
            editor.text_document_definition_async(types.DefinitionParams(document, place)),
            editor.text_document_references_async(types.ReferenceParams(types.ReferenceContext(True), document, place)),
            editor.text_document_document_highlight_async(types.DocumentHighlightParams(document, place)),
            editor.text_document_document_symbol_async(types.DocumentSymbolParams(document)),
            editor.text_document_folding_range_async(types.FoldingRangeParams(document)),
            editor.text_document_semantic_tokens_full_async(types.SemanticTokensParams(document)),
            editor.text_document_code_lens_async(types.CodeLensParams(document)),
            editor.text_document_code_action_async(
                types.CodeActionParams(document, everything, types.CodeActionContext([]))
            ),
            editor.text_document_formatting_async(
                types.DocumentFormattingParams(document, types.FormattingOptions(2, True))
            ),
            _refused_or_done(editor, uri, place),
            return_exceptions=True,
        )
        faults = [answer for answer in answers if isinstance(answer, BaseException)]
        assert faults == [], text
    editor.change(uri, HEAD)
    assert codes(await editor.diagnostics(uri)) == []


async def _refused_or_done(editor: Editor, uri: str, place: types.Position) -> None:
    try:
        await editor.rename(uri, place, "another")
    except JsonRpcException as refused:
        assert refused.code == types.LSPErrorCodes.RequestFailed.value  # noqa: PT017 - refusing is an answer


@told
async def test_random_edits_never_break_the_server(editor: Editor, folder: Path) -> None:
    await _fuzz(editor, folder, rounds=25, seed=7)


@pytest.mark.long
@told
async def test_many_random_edits_never_break_the_server(editor: Editor, folder: Path) -> None:
    for seed in range(5):
        await _fuzz(editor, folder, rounds=300, seed=100 + seed)


@told
async def test_messages_that_are_none_do_not_end_the_server(editor: Editor, folder: Path) -> None:
    uri = await _write(editor, folder, POLICY)
    writer: Any = editor.protocol.writer
    for body in (b"{", b"[]", b'{"jsonrpc":"2.0","method":"textDocument/hover","id":1,"params":{}}', b'{"a":1}'):
        writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    writer.write(b'Content-Length: 58\r\n\r\n{"jsonrpc":"2.0","method":"textDocument/didChange","id":2}')
    assert codes(await editor.diagnostics(uri)) == []
    assert await editor.hover(uri, types.Position(2, 1)) is not None
    editor.messages.clear()  # of what was wrong with them


def test_the_extra_is_named_where_it_is_missing(tmp_path: Path) -> None:
    """Run with a `pygls` that cannot be imported, as where it is not installed."""
    script = "import sys; sys.modules['pygls'] = None; sys.argv[1:] = ['serve', 'editor']\n"
    script += "from safecot_dsl.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "error: this needs `pygls`, which is not installed: pip install 'safecot-dsl[editor]'\n"
