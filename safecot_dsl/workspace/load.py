"""Reads files and follows their imports, within bounds and within their root."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from safecot_dsl.compiler import STANDARD_CRITERIA, VERDICT_PHRASES, Module, Reporter, join_base
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.datafiles import policies_root
from safecot_dsl.diagnostics import Code, SourceFile, Suggestion, no_such_file, suggest
from safecot_dsl.systems import open_file
from safecot_dsl.workspace.parsing import parse

MAX_BYTES = 1 << 20  # of one file
MAX_FILES = 256
MAX_IMPORT_DEPTH = 16
SUFFIX = ".safecot"


class Loader:
    """Loads a file with all that it imports and extends; `modules` holds them, what is used before what uses it.

    `import a.b` is `a/b.safecot` below the folder of the file that is compiled, else below the first folder of
    `search` that has it; `std` is the standard library. What a policy extends is found in the same way, and what that
    imports is found as where it is compiled alone. `overlay` holds the texts of unsaved files by resolved path.
    """

    def __init__(self, entry: Path, search: Sequence[Path] = (), overlay: Mapping[Path, str] | None = None) -> None:
        self.root = entry.parent
        self.search = tuple(search)
        self.overlay = overlay or {}
        self.modules: list[Module] = []
        self._by_name: dict[str, tuple[Module, Path]] = {}  # with the file that it is
        self._open: list[str] = []
        self._extending: list[tuple[str, Path | None]] = []
        standard, entry_file = _resolved(policies_root()), _resolved(entry)
        # A file of the standard library keeps its own name, so that checking it gives what importing it gives.
        inside = standard is not None and entry_file is not None and entry_file.is_relative_to(standard / "std")
        record = f"std/{entry.name}" if inside else entry.name
        self.entry = self._load(entry, "", record, 0, (self.root, *self.search), extends=True)
        if not self.entry.is_library:
            self._add_standard()

    def _load(
        self, path: Path, qname: str, record: str, depth: int, roots: tuple[Path, ...], *, extends: bool = False
    ) -> Module:
        """`roots` are where the file's imports are looked for; `extends`: may it extend a policy?"""
        text, sha256, fault = read_source(path, self.overlay)
        if fault is not None:
            tree, report = t.FileTree(None, ()), Reporter(SourceFile(str(path), text))
            report.error(Code.UNREADABLE_FILE, fault, 0, 0)
        else:
            tree, report = parse(str(path), text)
        module = Module(qname, record, sha256, tree, report, shipped=qname.startswith("std.") and not self.overlay)
        module.index()
        if qname:
            self._by_name[qname] = (module, _resolved(path) or path)
        self._open.append(qname)
        for declaration in module.of(t.ImportDecl):
            self._import(declaration, module, depth, roots)
        if extends and not module.is_library:
            self._extending.append((record, _resolved(path)))
            join_base(module, self._base(module, depth, roots))
            self._extending.pop()
        self._open.pop()
        self.modules.append(module)
        return module

    def _base(self, module: Module, depth: int, roots: tuple[Path, ...]) -> Module | None:
        """The policy that a policy extends; None where it extends none, or where that cannot be had."""
        declarations: list[t.ExtendDecl] = module.of(t.ExtendDecl)
        if not declarations:
            return None
        name = declarations[0].module
        module.base_missing = True  # until it is found
        found = self._find(name, module, roots)
        if found is None:
            return None
        path, root = found
        real = _resolved(path)
        if any(real == known for _, known in self._extending):
            cycle = [record.removesuffix(SUFFIX) for record, _ in self._extending]
            start = next(i for i, (_, known) in enumerate(self._extending) if known == real)
            shown = " -> ".join([*cycle[start:], cycle[start]])
            module.report.error(
                Code.EXTENSION_CYCLE, f"policies extend one another in a circle: {shown}", name.start, name.end
            )
            return None
        if self._too_many(name, module, depth, "policies that extend one another"):
            return None
        # Its imports are found as where it is compiled alone: extending a policy does not change what it says.
        base = self._load(path, "", self._record(path, root), depth + 1, (path.parent, *self.search), extends=True)
        if base.is_library:
            module.report.error(
                Code.LIBRARY_EXTENDED,
                f"`{name.text}` is a library, and only a policy is extended",
                name.start,
                name.end,
                help=f"write `import {name.text}`",
            )
            self.modules.remove(base)
            return None
        if base.tree.header is not None:
            module.base_missing = False
        return base

    def _too_many(self, name: t.QName, module: Module, depth: int, what: str) -> bool:
        if depth + 1 <= MAX_IMPORT_DEPTH and len(self._by_name) < MAX_FILES:
            return False
        module.report.error(
            Code.LIMIT_REACHED,
            f"too many {what}: at most {MAX_FILES} files, {MAX_IMPORT_DEPTH} deep",
            name.start,
            name.end,
        )
        return True

    def _record(self, path: Path, root: Path) -> str:
        """A file's name in source maps: relative to where it was found, and what a policy that is extended finds in
        its own folder relative to the folder of the policy that extends it."""
        own = root not in (policies_root(), *self.search) and path.is_relative_to(self.root)
        return path.relative_to(self.root if own else root).as_posix()

    def _import(self, declaration: t.ImportDecl, module: Module, depth: int, roots: tuple[Path, ...]) -> None:
        name = declaration.module
        alias = declaration.alias or t.Name(name.start, name.end, name.parts[-1])
        report = module.report
        if alias.text in module.imports:
            module.missing.add(alias.text)
            report.error(
                Code.DECLARED_TWICE,
                f"two imports go by the name `{alias.text}`",
                alias.start,
                alias.end,
                help=f"give one another name: `import {name.text} as ...`",
            )
            return
        if alias.text in ("image", "query", "context"):
            report.error(
                Code.DECLARED_TWICE,
                f"an import cannot go by the name `{alias.text}`: facts do",
                alias.start,
                alias.end,
                help=f"give it another name: `import {name.text} as ...`",
            )
            return
        module.missing.add(alias.text)  # until it is found
        if name.text in self._open:
            cycle = [entry or "this policy" for entry in self._open[self._open.index(name.text) :]]
            report.error(
                Code.IMPORT_CYCLE, f"imports go in a circle: {' -> '.join([*cycle, name.text])}", name.start, name.end
            )
            return
        known = self._by_name.get(name.text)
        if known is None and self._too_many(name, module, depth, "imports"):
            return
        found = self._find(name, module, roots)
        if found is None:
            return
        path, root = found
        if known is None:
            imported = self._load(path, name.text, self._record(path, root), depth + 1, roots)
        else:
            imported, file = known
            if file != _resolved(path):
                report.error(
                    Code.IMPORT_NOT_FOUND,
                    f"`{name.text}` is another file here than where it was imported first",
                    name.start,
                    name.end,
                    help="give one of the two files another name",
                )
                return
        if imported.tree.header is not None and not imported.is_library:
            report.error(
                Code.IMPORT_NOT_FOUND,
                f"`{name.text}` is a policy, and only a library is imported",
                name.start,
                name.end,
            )
            return
        module.imports[alias.text] = imported
        if imported.tree.header is not None:
            module.missing.discard(alias.text)

    def _find(self, name: t.QName, module: Module, roots: tuple[Path, ...]) -> tuple[Path, Path] | None:
        """The file that a name means and the root that it was found in, and that holds it, links included."""
        roots = (policies_root(),) if name.parts[0] == "std" else roots
        for root in roots:
            path = root.joinpath(*name.parts).with_suffix(SUFFIX)
            real, real_root = _resolved(path), _resolved(root)
            if real is None and path.parent.resolve() / path.name in self.overlay:  # a file that was never saved
                real = path.parent.resolve() / path.name
            elif real is None or not real.is_file():
                continue
            if real_root is None or not real.is_relative_to(real_root):
                module.report.error(
                    Code.IMPORT_NOT_FOUND,
                    f"`{name.text}` leads out of the folder that imports start from",
                    name.start,
                    name.end,
                )
                return None
            return path, root
        self._report_missing(name, module, roots)
        return None

    def _report_missing(self, name: t.QName, module: Module, roots: tuple[Path, ...]) -> None:
        folders = [root.joinpath(*name.parts).parent for root in roots]
        siblings = [file.stem for folder in folders if folder.is_dir() for file in folder.glob(f"*{SUFFIX}")]
        prefix = ".".join(name.parts[:-1])
        meant = suggest(name.parts[-1], siblings)
        full = Suggestion(tuple(f"{prefix}.{stem}" if prefix else stem for stem in meant.names))
        if not full and not prefix and (policies_root() / "std" / f"{name.text}{SUFFIX}").is_file():
            full = Suggestion((f"std.{name.text}",))
        help = f"`{name.text}` is the file `{'/'.join(name.parts)}{SUFFIX}`"
        if full.help is not None:
            help = full.help
            module.missing.update(meant.names)  # the name under which the text probably uses it
        elif name.parts[-1] == SUFFIX[1:]:
            help = f"leave `{SUFFIX}` out: `{prefix}`"
        elif name.text == "std":
            files = sorted(file.stem for file in (policies_root() / "std").glob(f"*{SUFFIX}"))
            help = "it has " + ", ".join(f"`std.{stem}`" for stem in files)
        elif len(roots) > 1:
            help += ", looked for in the policy's folder" + "".join(f", `{folder}`" for folder in roots[1:])
        module.report.error(
            Code.IMPORT_NOT_FOUND,
            f"there is no file for `{name.text}`",
            name.start,
            name.end,
            help=help,
            replacement=full.replacement,
        )

    def _add_standard(self) -> None:
        """What every policy falls back on: phrases for verdicts and, where its criteria read no verdict, criteria."""
        entry = self.modules.pop()
        if entry.qname != VERDICT_PHRASES:
            self._add(VERDICT_PHRASES)
        # Without a reading (`let response_refuse = ...`) no response could be scored at all.
        loaded = (*self.modules, entry)
        if not any(name.startswith("response_") for module in loaded for name in module.criteria_lets):
            self._add(STANDARD_CRITERIA)
        self.modules.append(entry)

    def _add(self, qname: str) -> None:
        if qname not in self._by_name:
            path = policies_root().joinpath(*qname.split(".")).with_suffix(SUFFIX)
            self._load(path, qname, "/".join(qname.split(".")) + SUFFIX, 1, ())


def _resolved(path: Path) -> Path | None:
    try:
        return path.resolve(strict=True)
    except (OSError, RuntimeError):  # before Python 3.13, a circle of links is a RuntimeError
        return None


def read_limited(path: Path, limit: int) -> bytes:
    """The first `limit` + 1 bytes of a file. Raises `OSError` for what cannot be read, or is no file."""
    with open_file(path) as file:
        return file.read(limit + 1)


def read_source(path: Path, overlay: Mapping[Path, str]) -> tuple[str, str, str | None]:
    """The text of a file with line breaks as `\\n`, the sha-256 of its bytes, and what is wrong with it (or None).
    `overlay` holds texts that stand for what is on the disk, by resolved path."""
    unsaved = overlay.get(path.resolve()) if overlay else None
    if unsaved is not None:
        data = unsaved.encode("utf-8", "replace")[: MAX_BYTES + 1]
    else:
        try:
            data = read_limited(path, MAX_BYTES)
        except IsADirectoryError:
            return "", "", "this is a folder, not a policy file"
        except FileNotFoundError:
            return "", "", no_such_file(path)
        except OSError as error:
            return "", "", f"the file cannot be read: {error.strerror or error}"
    digest = hashlib.sha256(data).hexdigest()
    if len(data) > MAX_BYTES:
        return "", digest, f"the file is larger than {MAX_BYTES:,} bytes"
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return "", digest, f"the file is not UTF-8: line {line} has the byte 0x{data[error.start]:02x}"
    return text.replace("\r\n", "\n"), digest, None
