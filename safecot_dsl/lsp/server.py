"""The language server: which request is answered by what."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from lsprotocol import types
from pygls import uris
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from safecot_dsl import __version__
from safecot_dsl.lsp import actions, completion, formatting, hover, lenses, navigation, tokens
from safecot_dsl.lsp.checking import Checked, Checker
from safecot_dsl.lsp.diagnostics import of_document
from safecot_dsl.lsp.documents import MAX_OPEN, Documents, Snapshot
from safecot_dsl.lsp.importable import Importable
from safecot_dsl.lsp.workspace import RenameRefusedError, Workspace, symbols_of
from safecot_dsl.workspace import search_path

_T = TypeVar("_T")
_TRIGGERS = [".", "{", " "]


class PolicyServer(LanguageServer):
    """Serves one editor. All requests are answered in one thread, from what `documents` holds."""

    def __init__(self, search: Iterable[Path] = ()) -> None:
        # The whole text at every change: a policy is small, and an offset that both sides count differently is no
        # danger then.
        super().__init__("safecotc", __version__, text_document_sync_kind=types.TextDocumentSyncKind.Full)
        self.documents = Documents(search=(*search, *search_path()))
        self.checker = Checker(self.documents, self._show, self._log)
        _register(self)

    def _show(self, checked: Checked) -> None:
        document = checked.snapshot.document
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(document.uri, of_document(checked.snapshot, checked.all), document.version)
        )
        workspace = self.client_capabilities.workspace
        if checked.proved and workspace and workspace.code_lens and workspace.code_lens.refresh_support:
            self.workspace_code_lens_refresh(None)

    def _log(self, message: str) -> None:
        self.window_log_message(types.LogMessageParams(types.MessageType.Error, message))

    @property
    def files(self) -> Workspace:
        folders = [uris.to_fs_path(uri) for uri in self.workspace.folders] or [self.workspace.root_path]
        return Workspace(self.documents, [Path(folder) for folder in folders if folder])

    def opened(self, uri: str, content: str, version: int | None) -> None:
        document = self.documents.put(uri, content, version)
        if document is None:
            self._log(f"{uri} is not checked: {MAX_OPEN} files are open already")
        else:
            self.checker.changed(uri)


def _register(server: PolicyServer) -> None:
    def initialize(params: types.InitializeParams) -> None:
        del params
        server.documents.encoding = str(server.workspace.position_encoding or "utf-16").lower()

    def did_open(params: types.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        server.opened(document.uri, document.text, document.version)

    def did_change(params: types.DidChangeTextDocumentParams) -> None:
        if params.content_changes:
            document = params.text_document
            server.opened(document.uri, params.content_changes[-1].text, document.version)

    def did_close(params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        server.documents.close(uri)
        server.checker.forget(uri)
        server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    def changed_on_disk(params: types.DidChangeWatchedFilesParams) -> None:
        if all(server.documents.get(event.uri) is not None for event in params.changes):
            return  # what is open counts, whatever the disk holds
        server.documents.touch()
        for document in server.documents:
            server.checker.changed(document.uri, with_users=False)

    async def shutdown(params: Any) -> None:
        del params
        await server.checker.stop()

    _on(server, types.INITIALIZE, initialize)
    _on(server, types.TEXT_DOCUMENT_DID_OPEN, did_open)
    _on(server, types.TEXT_DOCUMENT_DID_CHANGE, did_change)
    _on(server, types.TEXT_DOCUMENT_DID_CLOSE, did_close)
    _on(server, types.WORKSPACE_DID_CHANGE_WATCHED_FILES, changed_on_disk)
    _on(server, types.SHUTDOWN, shutdown)
    _register_requests(server)


def _on(server: PolicyServer, method: str, handler: Callable[[Any], Any], options: Any = None) -> None:
    server.feature(method, options)(handler)


def _register_requests(server: PolicyServer) -> None:
    """Every request on a document is answered from its state at that moment; None where it is not open."""

    def on(method: str, answer: Callable[[Snapshot, Any], Any], options: Any = None) -> None:
        def handler(params: Any) -> Any:
            snapshot = server.documents.snapshot(params.text_document.uri)
            return answer(snapshot, params) if snapshot is not None else None

        _on(server, method, handler, options)

    def at(snapshot: Snapshot, params: Any) -> int:
        return snapshot.document.text.offset(params.position)

    def complete(params: types.CompletionParams) -> types.CompletionList | None:
        # The names may be those of a moment ago; the text around the cursor is the newest.
        document = server.documents.get(params.text_document.uri)
        known = server.documents.latest(params.text_document.uri)
        if document is None or known is None:
            return None
        offset = document.text.offset(params.position)
        files = Importable(document.path, server.documents.search)
        by_sign = params.context is not None and params.context.trigger_character is not None
        return completion.complete(known.program, known.module, document.text, offset, files, names_only=by_sign)

    def code_actions(snapshot: Snapshot, params: types.CodeActionParams) -> list[types.CodeAction]:
        checked = server.checker.checked.get(params.text_document.uri)
        if checked is None or checked.snapshot.document is not snapshot.document:
            return []
        return actions.actions(snapshot, checked.all, params.range, list(params.context.diagnostics))

    def code_lenses(snapshot: Snapshot, params: types.CodeLensParams) -> list[types.CodeLens]:
        checked = server.checker.checked.get(params.text_document.uri)
        known = checked if checked is not None and checked.snapshot.document is snapshot.document else None
        return lenses.lenses(snapshot, known.findings if known is not None and known.proved else None)

    def prepare_rename(snapshot: Snapshot, params: types.PrepareRenameParams) -> types.Range:
        return snapshot.document.text.range(*_or_refuse(lambda: server.files.prepare(snapshot, at(snapshot, params))))

    def rename(snapshot: Snapshot, params: types.RenameParams) -> types.WorkspaceEdit:
        return _or_refuse(lambda: server.files.rename(snapshot, at(snapshot, params), params.new_name))

    def workspace_symbols(params: types.WorkspaceSymbolParams) -> list[types.WorkspaceSymbol]:
        document = next(iter(server.documents), None)
        snapshot = server.documents.snapshot(document.uri) if document is not None else None
        if snapshot is None:
            return []
        programs = ((program.entry, symbols_of(program)) for program in server.files.programs(snapshot))
        return navigation.workspace_symbols(programs, params.query, server.documents.encoding)

    _on(server, types.TEXT_DOCUMENT_COMPLETION, complete, types.CompletionOptions(trigger_characters=_TRIGGERS))
    _on(server, types.WORKSPACE_SYMBOL, workspace_symbols)
    on(types.TEXT_DOCUMENT_HOVER, lambda s, p: hover.hover(s, at(s, p)))
    on(types.TEXT_DOCUMENT_DEFINITION, lambda s, p: navigation.definitions(server.documents, s, at(s, p)))
    on(
        types.TEXT_DOCUMENT_REFERENCES,
        lambda s, p: server.files.references(s, at(s, p), declarations=p.context.include_declaration),
    )
    on(types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT, lambda s, p: navigation.highlights(s, at(s, p)))
    on(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, lambda s, _: navigation.outline(s.module, s.document.text))
    on(types.TEXT_DOCUMENT_FOLDING_RANGE, lambda s, _: navigation.foldings(s.document.text))
    on(types.TEXT_DOCUMENT_FORMATTING, lambda s, _: formatting.formatted(s.document))
    on(types.TEXT_DOCUMENT_CODE_LENS, code_lenses, types.CodeLensOptions())
    on(types.TEXT_DOCUMENT_PREPARE_RENAME, prepare_rename)
    on(types.TEXT_DOCUMENT_RENAME, rename, types.RenameOptions(prepare_provider=True))
    on(
        types.TEXT_DOCUMENT_CODE_ACTION,
        code_actions,
        types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix]),
    )
    on(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, lambda s, _: tokens.semantic_tokens(s), tokens.LEGEND)


def _or_refuse(answer: Callable[[], _T]) -> _T:
    try:
        return answer()
    except RenameRefusedError as refused:
        raise JsonRpcException(str(refused), types.LSPErrorCodes.RequestFailed.value) from None


def serve(search: Iterable[Path] = ()) -> None:
    """Serve an editor on standard input and output until it says that it is done. Imports are looked for in the folders
    of `search` too."""
    logging.getLogger("pygls").setLevel(logging.CRITICAL)
    gc.disable()  # the checker collects when nobody types
    PolicyServer(search).start_io()
