"""The policy's source at the places that rows name: as it was when they were made, and whether it changed since."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.datafiles import policies_root
from safecot_dsl.dataset.policies import GeneratedPolicy
from safecot_dsl.dataset.store import POLICIES, Dataset, source_file
from safecot_dsl.storage import sha256_file, write_whole
from safecot_dsl.workspace import search_path

#: What became of a source file: as it was, or changed; None where it is not found.
Now = Literal["same", "changed"] | None
#: So many folders above a data set are looked into for its policy's file: those of `runs/NAME/arms/ARM/data`, and the
#: one beside `runs/`, where a recipe stands.
_ABOVE = 5


class Excerpt(Frozen):
    """A piece of a policy's source: `lines` from `line` (from 1) on, None where the text is not to be had any more.

    `now` says what became of the file since.
    """

    file: str
    line: int
    lines: tuple[str, ...] | None
    now: Now


def keep_sources(folder: Path, policy: CompiledPolicy, policy_file: Path) -> None:
    """Keep the files that a policy was compiled from with the data set in `folder`: those that are still the same."""
    for record in policy.source_map.files:
        data = _find(record.path, record.sha256, [policy_file.parent])
        if data is not None:
            write_whole(folder / source_file(record.sha256), data)


def keep_generated(folder: Path, generated: GeneratedPolicy, own_file: Path) -> None:
    """Keep a generated policy's file with the data set, by its name and by its digest, and what it imports."""
    text = generated.text.encode()
    write_whole(folder / POLICIES / f"{generated.name}.safecot", text)
    write_whole(folder / source_file(hashlib.sha256(text).hexdigest()), text)
    keep_sources(folder, generated.policy, own_file)


class PolicySources:
    """The files that one policy of a data set was compiled from. What was kept with the rows comes first; else a file
    that is still the same will do. Files are looked for here, in the folders above the data set, among the policies
    that ship, and in the search path."""

    def __init__(self, dataset: Dataset, policy: CompiledPolicy) -> None:
        self._dataset = dataset
        self._policy = policy
        self._digests = {record.path: record.sha256 for record in policy.source_map.files}
        self._texts: dict[str, list[str] | None] = {}

    def line(self, file: str, line: int) -> str | None:
        """One line of a file (from 1); None where the text is not to be had."""
        lines = self._lines(file)
        return lines[line - 1] if lines is not None and 0 < line <= len(lines) else None

    def excerpt(self, key: str) -> Excerpt | None:
        """What stands behind a source-map key (`rule:NAME`, `default`); None where the policy says no place."""
        span = self._policy.span(key)
        if span is None:
            return None
        lines = self._lines(span.file)
        # An end at the start of a line does not belong to that line.
        end = span.end_line - (span.end_column == 1 and span.end_line > span.line)
        text = None if lines is None else tuple(lines[span.line - 1 : end])
        return Excerpt(file=span.file, line=span.line, lines=text or None, now=self.now(span.file))

    def now(self, file: str) -> Now:
        """What became of the file since the policy was compiled."""
        digest = self._digests.get(file)
        if digest is None:
            return None
        # The first that is there is the one that a policy would be compiled from.
        there = next((path for path in _candidates(file, self._roots) if path.is_file()), None)
        if there is None:
            return None
        return "same" if sha256_file(there) == f"sha256:{digest}" else "changed"

    @cached_property
    def _roots(self) -> list[Path]:
        return [Path(), self._dataset.path / POLICIES, *self._dataset.path.resolve().parents[:_ABOVE]]

    def _lines(self, file: str) -> list[str] | None:
        if file not in self._texts:
            data = self._read(file)
            text = data.decode("utf-8-sig", "replace") if data is not None else None
            self._texts[file] = text.replace("\r\n", "\n").split("\n") if text is not None else None
        return self._texts[file]

    def _read(self, file: str) -> bytes | None:
        digest = self._digests.get(file)
        if digest is None:
            return None
        kept = self._dataset.source_bytes(digest)
        return kept if kept is not None else _find(file, digest, self._roots)


def _find(file: str, sha256: str, roots: Sequence[Path]) -> bytes | None:
    """The content of a file that a source map names, where it is found with this digest."""
    for path in _candidates(file, roots):
        data = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(data).hexdigest() == sha256:
            return data
    return None


def _candidates(file: str, roots: Sequence[Path]) -> list[Path]:
    """Where a file that a source map names may stand; what it names lies below its root."""
    found = [(root, root / file) for root in (*roots, policies_root(), *search_path())]
    return [path for root, path in found if path.resolve().is_relative_to(root.resolve())]
