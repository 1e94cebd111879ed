"""An editor for tests: a real client that speaks to `safecotc serve editor` over standard input and output."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.client import LanguageClient

from tests.commands import COMMAND

PATIENCE = 30.0  # seconds; machines are shared


class Editor(LanguageClient):
    """Keeps what the server publishes; `open` and `change` are what a person does."""

    def __init__(self, encodings: list[str] | None = None) -> None:
        super().__init__("editor", "1")
        self.published: dict[str, list[types.PublishDiagnosticsParams]] = {}
        self.messages: list[str] = []
        self.versions: dict[str, int] = {}
        self.refreshed = 0
        self.encodings = encodings
        self._news = asyncio.Condition()

        @self.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        async def publish(params: types.PublishDiagnosticsParams) -> None:
            async with self._news:
                self.published.setdefault(params.uri, []).append(params)
                self._news.notify_all()

        @self.feature(types.WINDOW_LOG_MESSAGE)
        def log(params: types.LogMessageParams) -> None:
            self.messages.append(params.message)

        @self.feature(types.WINDOW_SHOW_MESSAGE)
        def show(params: types.ShowMessageParams) -> None:
            self.messages.append(params.message)

        @self.feature(types.WORKSPACE_CODE_LENS_REFRESH)
        def refresh(params: Any) -> None:
            del params
            self.refreshed += 1

    async def start(self, folder: Path) -> types.InitializeResult:
        await self.start_io(*COMMAND, "serve", "editor")
        general = types.GeneralClientCapabilities(position_encodings=self.encodings)  # pyright: ignore[reportArgumentType]
        workspace = types.WorkspaceClientCapabilities(
            code_lens=types.CodeLensWorkspaceClientCapabilities(refresh_support=True)
        )
        result = await self.initialize_async(
            types.InitializeParams(
                capabilities=types.ClientCapabilities(general=general, workspace=workspace),
                workspace_folders=[types.WorkspaceFolder(folder.as_uri(), folder.name)],
            )
        )
        self.initialized(types.InitializedParams())
        return result

    async def finish(self) -> int | None:
        """End the server as the protocol says; its exit code."""
        await asyncio.wait_for(self.shutdown_async(None), PATIENCE)
        self.exit(None)
        await asyncio.wait_for(self.stop(), PATIENCE)
        assert self._server is not None
        return self._server.returncode

    # What a person does -----------------------------------------------------------------------------------------
    def open(self, path: Path, text: str | None = None) -> str:
        """Open a file with its text, or with another that is not saved; its address."""
        uri = path.as_uri()
        self.versions[uri] = 1
        content = path.read_text(encoding="utf-8") if text is None else text
        document = types.TextDocumentItem(uri, "safecot", 1, content)
        self.text_document_did_open(types.DidOpenTextDocumentParams(document))
        return uri

    def change(self, uri: str, text: str) -> int:
        self.versions[uri] += 1
        self.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(self.versions[uri], uri),
                [types.TextDocumentContentChangeWholeDocument(text)],
            )
        )
        return self.versions[uri]

    def close_all(self) -> None:
        for uri in self.versions:
            self.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))
        self.versions.clear()

    async def diagnostics(self, uri: str, version: int | None = None, count: int = 1) -> list[types.Diagnostic]:
        """What is published of a version (the newest if None); `count` times, and the last of them."""
        wanted = self.versions[uri] if version is None else version

        def told() -> list[types.PublishDiagnosticsParams]:
            return [params for params in self.published.get(uri, []) if params.version == wanted]

        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: len(told()) >= count), PATIENCE)
        return list(told()[count - 1].diagnostics)

    # Requests, by offset ----------------------------------------------------------------------------------------
    async def complete(self, uri: str, at: types.Position) -> list[types.CompletionItem]:
        params = types.CompletionParams(types.TextDocumentIdentifier(uri), at)
        result = await self.text_document_completion_async(params)
        assert isinstance(result, types.CompletionList)
        return list(result.items)

    async def hover(self, uri: str, at: types.Position) -> str | None:
        result = await self.text_document_hover_async(types.HoverParams(types.TextDocumentIdentifier(uri), at))
        if result is None:
            return None
        assert isinstance(result.contents, types.MarkupContent)
        return result.contents.value

    async def rename(self, uri: str, at: types.Position, name: str) -> types.WorkspaceEdit | None:
        return await self.text_document_rename_async(types.RenameParams(types.TextDocumentIdentifier(uri), at, name))


@asynccontextmanager
async def editing(folder: Path, encodings: list[str] | None = None) -> AsyncIterator[Editor]:
    """An editor with a folder open; the server is ended, and must have ended well."""
    editor = Editor(encodings)
    await asyncio.wait_for(editor.start(folder), PATIENCE)
    yield editor
    assert await editor.finish() == 0


def marked(text: str, mark: str = "|") -> tuple[str, types.Position]:
    """A text without its mark, and where that stood, in UTF-16 code units."""
    before, found, after = text.partition(mark)
    assert found
    assert mark not in after
    line = before.rsplit("\n", 1)[-1]
    return before + after, types.Position(before.count("\n"), len(line.encode("utf-16-le")) // 2)


def applied(text: str, edits: list[types.TextEdit]) -> str:
    """A text with edits made, positions in UTF-16 code units."""
    units = text.encode("utf-16-le")
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line.encode("utf-16-le")) + 2)
    places = [
        (starts[e.range.start.line] + 2 * e.range.start.character, starts[e.range.end.line] + 2 * e.range.end.character)
        for e in edits
    ]
    for (start, end), edit in sorted(zip(places, edits, strict=True), key=lambda pair: pair[0], reverse=True):
        units = units[:start] + edit.new_text.encode("utf-16-le") + units[end:]
    return units.decode("utf-16-le")
