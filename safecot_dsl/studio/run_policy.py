"""The compiled policy of a run: what answers questions about its cases, and where its files are in the folder."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.criteria import Grader
from safecot_dsl.diagnostics import Span
from safecot_dsl.engine import Interpreter
from safecot_dsl.render.grounds import Grounds
from safecot_dsl.storage import sha256_file
from safecot_dsl.studio.folder import StudioFolder


class RunPolicy:
    """The compiled policy of a run, with what answers questions about its cases. Its files are looked for in the
    studio's folder, so that a sentence leads to its line."""

    def __init__(self, folder: StudioFolder, compiled: CompiledPolicy) -> None:
        self._folder = folder
        self.compiled = compiled
        self.lock = threading.Lock()

    @cached_property
    def interpreter(self) -> Interpreter:
        return Interpreter(self.compiled)

    @cached_property
    def grader(self) -> Grader:
        return Grader(self.compiled)

    @cached_property
    def grounds(self) -> Grounds:
        """What its texts rest on; used under :attr:`lock`."""
        return Grounds(self.interpreter)

    @cached_property
    def _paths(self) -> dict[str, str]:
        files = {record.path: record.sha256 for record in self.compiled.source_map.files}
        return policy_paths(self._folder, files)

    def path_of(self, file: str | None) -> str | None:
        """A file that a span names, as a path of the folder; None for one that is not in it."""
        return self._paths.get(file) if file is not None else None

    @cached_property
    def _facts(self) -> dict[tuple[str, int], str]:
        """Which fact is declared, or has a sentence, at a line of a file."""
        found: dict[tuple[str, int], str] = {}
        for key, span in self.compiled.source_map.spans.items():
            name = key.partition(":")[2] if key.startswith("fact:") else ""
            while name and name not in self.compiled.fact_index:
                name = name.rpartition(".")[0]
            if name:
                found.setdefault((span.file, span.line), name)
        return found

    def fact_at(self, file: str | None, line: int | None) -> str | None:
        """The fact that stands at a line; None where none does."""
        return self._facts.get((file, line)) if file is not None and line is not None else None

    def place(self, key: str | None) -> tuple[int | None, str | None]:
        """Line and path of a thing, by its key in the source map; None where its file is none of the folder's."""
        span: Span | None = self.compiled.span(key) if key is not None else None
        path = self.path_of(span.file) if span is not None else None
        return (None, None) if span is None or path is None else (span.line, path)

    def rule_place(self, name: str) -> tuple[int | None, str | None]:
        """Line and path of a rule, of `default` or of `unsure`."""
        return self.place(f"rule:{name}" if name in self.compiled.rule_index else name)

    @property
    def path(self) -> str | None:
        """The policy's own file in the folder: the one that its `default` stands in."""
        span = self.compiled.span("default")
        return self.path_of(span.file) if span is not None else None


def policy_paths(folder: StudioFolder, files: Mapping[str, str]) -> dict[str, str]:
    """A policy's files as paths of the folder: those with the same bytes, else the only one of that name. `files` are
    their names and the SHA-256 of each."""
    named: dict[str, list[Path]] = {}
    for entry in folder.walk():
        if entry.kind == "policy":
            named.setdefault(entry.name, []).append(folder.root / entry.path)
    found: dict[str, str] = {}
    for file, sha256 in files.items():
        candidates = named.get(Path(file).name, [])
        same = [path for path in candidates if _sha256(path) == sha256.removeprefix("sha256:")]
        if same or len(candidates) == 1:
            found[file] = folder.relative((same or candidates)[0])
    return found


def _sha256(path: Path) -> str:
    try:
        return sha256_file(path).removeprefix("sha256:")
    except OSError:
        return ""
