"""All policy files of the folders that an editor has open: where a symbol is used, and how it gets another name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types

from safecot_dsl.compiler import Module
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.compiler.syntax.tokens import RESERVED
from safecot_dsl.datafiles import policies_root
from safecot_dsl.lsp.documents import Documents, Snapshot, uri_of
from safecot_dsl.lsp.importable import MAX_FILES, policy_files
from safecot_dsl.lsp.navigation import meant
from safecot_dsl.lsp.program import OpenProgram
from safecot_dsl.lsp.symbols import Occurrence, Symbol, SymbolKind, parts_of

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_NEVER_RULES = ("default", "unsure")
_NEVER_MEMBERS = ("any", "all", "none")
_NEVER_IMPORTS = ("image", "query", "context")


class RenameRefusedError(Exception):
    """A name cannot be changed so; the text says why."""


@dataclass(frozen=True)
class Use:
    """An occurrence with its file."""

    module: Module
    occurrence: Occurrence


class Workspace:
    """The policy files below some folders, and the open documents, each compiled with all that it imports."""

    def __init__(self, documents: Documents, folders: Iterable[Path]) -> None:
        self.documents = documents
        self.folders = tuple(folders)

    def programs(self, snapshot: Snapshot) -> Iterator[OpenProgram]:
        """The program of the document, and those of all other files; at most `MAX_FILES`."""
        yield snapshot.program
        seen = {snapshot.document.path}
        files = [document.path for document in self.documents]
        for folder in self.folders or (snapshot.document.path.parent,):
            files += [path.resolve() for path in policy_files(folder, MAX_FILES)]
        for path in files:
            if path not in seen and len(seen) < MAX_FILES:
                seen.add(path)
                yield OpenProgram(self.documents.compiled(path).modules)

    def uses(self, snapshot: Snapshot, symbols: set[Symbol]) -> list[Use]:
        """Where symbols stand, and what overrides them or is overridden by them, in all files; each place once."""
        programs = list(self.programs(snapshot))
        _add_overriding(programs, symbols)
        found: dict[tuple[str, int], Use] = {}
        for program in programs:
            for module in program.modules:
                for entry in program.occurrences(module):
                    if entry.symbol in symbols:
                        found.setdefault((module.report.source.path, entry.name_start), Use(module, entry))
        return sorted(found.values(), key=lambda use: (use.module.report.source.path, use.occurrence.start))

    def references(self, snapshot: Snapshot, offset: int, *, declarations: bool) -> list[types.Location]:
        symbols = {entry.symbol for entry in meant(snapshot, offset)}
        locations: list[types.Location] = []
        for use in self.uses(snapshot, symbols) if symbols else ():
            entry = use.occurrence
            if declarations or not entry.declares:
                where = self.documents.text_of(use.module).range(entry.start, entry.end)
                locations.append(types.Location(uri_of(use.module.report.source.path), where))
        return locations

    # Another name -----------------------------------------------------------------------------------------------
    def prepare(self, snapshot: Snapshot, offset: int) -> tuple[int, int]:
        """Where the name stands that can be changed; raises `RefusedError` where there is none."""
        _, entry = _renamed(snapshot, offset)
        return entry.name_start, entry.end

    def rename(self, snapshot: Snapshot, offset: int, name: str) -> types.WorkspaceEdit:
        """The edits that give the symbol at an offset another name wherever it stands; raises `RefusedError`."""
        symbols, entry = _renamed(snapshot, offset)
        symbol = entry.symbol
        _refuse_illegal(symbol, name)
        old = symbol.last
        programs = list(self.programs(snapshot))
        for program in programs:
            _refuse_clash(program, symbol, name)
        uses = self.uses(snapshot, symbols)
        for use in uses:
            _refuse_shared(use, symbols, programs, old)
            if _is_standard(use.module.report.source.path):
                raise RenameRefusedError(f"`{old}` is used in the standard library, which cannot be changed")
        edits: dict[str, list[types.TextEdit]] = {}
        for use in uses:
            text = self.documents.text_of(use.module)
            edit = types.TextEdit(text.range(use.occurrence.name_start, use.occurrence.end), _written(use, name))
            edits.setdefault(uri_of(use.module.report.source.path), []).append(edit)
        return types.WorkspaceEdit(changes=edits)


def _add_overriding(programs: list[OpenProgram], symbols: set[Symbol]) -> None:
    """Add to symbols what overrides one of them, and what they override."""
    before = 0
    while before < len(symbols):
        before = len(symbols)
        for program in programs:
            for module in program.modules:
                for symbol in _overriding(program, module):
                    replaced = program.overridden(symbol)
                    if replaced is not None and (symbol in symbols or replaced in symbols):
                        symbols |= {symbol, replaced}


def _overriding(program: OpenProgram, module: Module) -> Iterator[Symbol]:
    if module.bases:
        for table in program.declared(module).values():
            yield from table.values()


def _renamed(snapshot: Snapshot, offset: int) -> tuple[set[Symbol], Occurrence]:
    """The symbols that a new name at an offset is for, and the name there."""
    found = snapshot.program.at(snapshot.module, offset)
    if not found:
        raise RenameRefusedError("there is no name here that could be changed")
    named = [entry for entry in found if entry.symbol.kind is not SymbolKind.FILE]
    if not named:
        raise RenameRefusedError("a file's name is that of the file: rename the file")
    entry = next((entry for entry in named if entry.declares), named[0])
    if entry.symbol.kind in (SymbolKind.EXAMPLE, SymbolKind.PROPERTY, SymbolKind.LAW):
        raise RenameRefusedError(
            f"the name of {entry.symbol.kind.value}s is a text, and used nowhere else: change it there"
        )
    if _is_standard(entry.symbol.file):
        raise RenameRefusedError(f"`{entry.symbol.last}` is declared in the standard library, which cannot be changed")
    return {entry.symbol}, entry


def _is_standard(file: str) -> bool:
    return Path(file).resolve().is_relative_to(policies_root().resolve() / "std")


def _refuse_illegal(symbol: Symbol, name: str) -> None:
    if not _NAME.match(name):
        raise RenameRefusedError("names are lower-case letters, digits and `_`, starting with a letter")
    never = {
        SymbolKind.RULE: _NEVER_RULES,
        SymbolKind.VALUE: _NEVER_MEMBERS,
        SymbolKind.IMPORT: _NEVER_IMPORTS,
    }.get(symbol.kind, ())
    if name in RESERVED or name in never:
        raise RenameRefusedError(f"`{name}` is a word of the language and cannot be the name of a {symbol.kind.value}")


# Kinds whose names may not be the same, beside those of one kind.
_TOGETHER = ({SymbolKind.PROPOSITION, SymbolKind.CRITERIA_LET},)


def _refuse_clash(program: OpenProgram, symbol: Symbol, name: str) -> None:
    """Refuse a name that something of the same kind has, where both are seen."""
    full = f"{symbol.name.rpartition('.')[0]}.{name}".lstrip(".")
    kinds = next((kinds for kinds in _TOGETHER if symbol.kind in kinds), {symbol.kind})
    seen = [module for module in program.modules if symbol.file == module.report.source.path]
    related = {id(module): module for owner in seen for module in owner.family}
    if symbol.kind is SymbolKind.FACT and seen:
        related = {id(module): module for module in program.modules}
    for module in related.values():
        for kind in kinds:
            if full in program.declared(module)[kind] and full != symbol.name:
                line, _ = module.report.source.position(program.declared(module)[kind][full].place.start)
                file = Path(module.report.source.path).name
                raise RenameRefusedError(f"there is a {kind.value} `{full}` already ({file}:{line})")


def _refuse_shared(use: Use, symbols: set[Symbol], programs: list[OpenProgram], old: str) -> None:
    """Refuse where the name stands for other things too, as a group's member for the values of several facts."""
    for program in programs:
        if use.module not in program.modules:
            continue
        for entry in program.occurrences(use.module):
            if entry.name_start == use.occurrence.name_start and entry.symbol not in symbols | {use.occurrence.symbol}:
                if entry.symbol.kind in (SymbolKind.FILE, SymbolKind.IMPORT):
                    continue
                line, _ = use.module.report.source.position(entry.start)
                file = Path(use.module.report.source.path).name
                raise RenameRefusedError(f"`{old}` stands for `{entry.symbol.name}` too ({file}:{line})")


def _written(use: Use, name: str) -> str:
    """What stands for a name: the name, and at an import that had no other name, the new one after `as`."""
    declaration = use.occurrence.symbol.declaration
    if use.occurrence.declares and isinstance(declaration, t.ImportDecl) and declaration.alias is None:
        start, end = parts_of(use.module, declaration.module)[-1]
        return f"{use.module.report.source.text[start:end]} as {name}"
    return name


def symbols_of(program: OpenProgram) -> Iterator[Symbol]:
    for table in program.declared(program.entry).values():
        yield from table.values()
