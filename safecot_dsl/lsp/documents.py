"""The open files, and what the compiler makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from pygls import uris

from safecot_dsl.compiler import Module
from safecot_dsl.diagnostics.source import sanitised
from safecot_dsl.lsp.positions import PositionedText
from safecot_dsl.lsp.program import OpenProgram
from safecot_dsl.workspace import Opened, open_policy

MAX_OPEN = 200  # documents
MAX_CHARACTERS = 1 << 20  # of one: as many as the compiler reads bytes


@dataclass(frozen=True)
class OpenDocument:
    """An open file as its editor has it, as far as the compiler would read it; `path` is resolved."""

    uri: str
    path: Path
    version: int | None
    text: PositionedText


@dataclass(frozen=True)
class Snapshot:
    """A document, compiled, at one state of all open documents."""

    document: OpenDocument
    opened: Opened
    revision: int

    @cached_property
    def program(self) -> OpenProgram:
        return OpenProgram(self.opened.modules)

    @property
    def module(self) -> Module:
        return self.opened.modules[-1]

    @cached_property
    def files(self) -> frozenset[str]:
        """The paths of all files that went in."""
        return frozenset(module.report.source.path for module in self.opened.modules)


@dataclass
class Documents:
    """The open documents by address. `encoding` is how the client counts columns, `search` the folders in which imports
    are looked for too; `revision` counts every change."""

    encoding: str = "utf-16"
    search: tuple[Path, ...] = ()
    revision: int = 0
    _open: dict[str, OpenDocument] = field(default_factory=dict[str, OpenDocument])
    _snapshots: dict[str, Snapshot] = field(default_factory=dict[str, Snapshot])

    def __iter__(self) -> Iterator[OpenDocument]:
        return iter(list(self._open.values()))

    def get(self, uri: str) -> OpenDocument | None:
        return self._open.get(unquote(uri))

    def put(self, uri: str, content: str, version: int | None) -> OpenDocument | None:
        """Keep a document's new text; None where too many are open."""
        key = unquote(uri)
        if key not in self._open and len(self._open) >= MAX_OPEN:
            return None
        self.revision += 1
        # One character too many is kept of what is too large, so that the compiler says so.
        text = PositionedText(sanitised(content[: MAX_CHARACTERS + 1]), self.encoding)
        document = OpenDocument(uri, path_of(uri), version, text)
        self._open[key] = document
        return document

    def close(self, uri: str) -> None:
        self.revision += 1
        self._open.pop(unquote(uri), None)
        self._snapshots.pop(unquote(uri), None)

    def touch(self) -> None:
        """Something on the disk has changed."""
        self.revision += 1

    def overlay(self) -> dict[Path, str]:
        """The texts of the open documents by resolved path."""
        return {document.path: document.text.content for document in self._open.values()}

    def snapshot(self, uri: str) -> Snapshot | None:
        """The document as it is now, compiled."""
        document = self.get(uri)
        if document is None:
            return None
        known = self._snapshots.get(unquote(uri))
        if known is None or known.revision != self.revision:
            known = Snapshot(document, self.compiled(document.path), self.revision)
            self._snapshots[unquote(uri)] = known
        return known

    def compiled(self, path: Path) -> Opened:
        """What the compiler makes of a file, where what is open counts as it is there."""
        return open_policy(path, search=self.search, overlay=self.overlay())

    def latest(self, uri: str) -> Snapshot | None:
        """The document as it was when it was last compiled: for what must not wait, and need not be exact."""
        return self._snapshots.get(unquote(uri)) or self.snapshot(uri)

    def text_of(self, module: Module) -> PositionedText:
        return PositionedText(module.report.source.text, self.encoding)


def path_of(uri: str) -> Path:
    """The resolved path of a document. One that is in no file is taken to lie in the working folder."""
    path = uris.to_fs_path(uri) if uri.startswith("file:") else None
    if not path:
        name = Path(unquote(uri).replace("\0", "")).name[:100] or "untitled"
        path = str(Path.cwd() / f"{name.removesuffix('.safecot')}.safecot")
    try:
        return Path(path).resolve()
    except (OSError, RuntimeError, ValueError):
        return Path(path).absolute()


def uri_of(path: str) -> str:
    return uris.from_fs_path(str(Path(path).absolute())) or ""
