"""Parses each content of a file once in a process: an editor that checks a policy again parses only what changed."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock

from safecot_dsl.compiler import Reporter, parse_file
from safecot_dsl.compiler.syntax.tree import FileTree
from safecot_dsl.diagnostics import Diagnostic, SourceFile

MAX_KEPT = 4 << 20  # characters of source; a tree is some fifty times as large as its text

_Parsed = tuple[SourceFile, FileTree, tuple[Diagnostic, ...]]


class _Cache:
    """The files that were parsed last, by displayed path and content, up to so many characters in all."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[tuple[str, str], _Parsed] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def get(self, key: tuple[str, str]) -> _Parsed | None:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: tuple[str, str], parsed: _Parsed) -> None:
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = parsed
            self._size += len(parsed[0].text)
            while self._size > self._limit:
                _, (source, _, _) = self._kept.popitem(last=False)
                self._size -= len(source.text)


_cache = _Cache(MAX_KEPT)


def parse(path: str, text: str) -> tuple[FileTree, Reporter]:
    """The tree of a text and a reporter that holds what the parser said of it. `path` is how diagnostics name it."""
    key = (path, hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())
    known = _cache.get(key)
    if known is None:
        report = Reporter(SourceFile(path, text))
        known = (report.source, parse_file(report), tuple(report.diagnostics))
        _cache.put(key, known)
    source, tree, diagnostics = known
    report = Reporter(source)
    report.diagnostics.extend(diagnostics)
    return tree, report
