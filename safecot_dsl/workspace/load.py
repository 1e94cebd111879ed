"""Reads files and follows their imports, within bounds and within their root."""

from __future__ import annotations

import hashlib
from pathlib import Path

from safecot_dsl.compiler import STANDARD_CRITERIA, VERDICT_PHRASES, Module, Reporter, parse_file
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.datafiles import policies_root
from safecot_dsl.diagnostics import SourceFile, closest

MAX_BYTES = 1 << 20  # of one file
MAX_FILES = 256
MAX_IMPORT_DEPTH = 16
SUFFIX = ".safecot"


class Loader:
    """Loads a file with everything that it imports; `modules` holds them, imported before importing.

    `import a.b` is `a/b.safecot` below the folder of the file that is compiled; `std` is the standard library.
    """

    def __init__(self, entry: Path) -> None:
        self.root = entry.parent
        self.modules: list[Module] = []
        self._by_name: dict[str, Module] = {}
        self._open: list[str] = []
        standard = self._resolved(policies_root())
        # A file of the standard library keeps its own name, so that checking it gives what importing it gives.
        entry_file = self._resolved(entry)
        inside = standard is not None and entry_file is not None and entry_file.is_relative_to(standard / "std")
        self.entry = self._load(entry, "", f"std/{entry.name}" if inside else entry.name, depth=0)
        if not self.entry.is_library:
            self._add_standard()

    @staticmethod
    def _resolved(path: Path) -> Path | None:
        try:
            return path.resolve(strict=True)
        except (OSError, RuntimeError):  # before Python 3.13, a circle of links is a RuntimeError
            return None

    def _load(self, path: Path, qname: str, record: str, depth: int) -> Module:
        text, sha256, fault = read_source(path)
        report = Reporter(SourceFile(str(path), text))
        if fault is not None:
            report.error("SC0502", fault, 0, 0)
            tree = t.FileTree(None, ())
        else:
            tree = parse_file(report)
        module = Module(qname, record, sha256, tree, report)
        module.index()
        if qname:
            self._by_name[qname] = module
        self._open.append(qname)
        for declaration in module.of(t.ImportDecl):
            self._import(declaration, module, depth)
        self._open.pop()
        self.modules.append(module)
        return module

    def _import(self, declaration: t.ImportDecl, module: Module, depth: int) -> None:
        name = declaration.module
        alias = declaration.alias or t.Name(name.start, name.end, name.parts[-1])
        report = module.report
        if alias.text in module.imports:
            module.missing.add(alias.text)
            report.error(
                "SC0102",
                f"two imports go by the name `{alias.text}`",
                alias.start,
                alias.end,
                help=f"give one another name: `import {name.text} as ...`",
            )
            return
        if alias.text in ("image", "query", "context"):
            report.error(
                "SC0102",
                f"an import cannot go by the name `{alias.text}`: facts do",
                alias.start,
                alias.end,
                help=f"give it another name: `import {name.text} as ...`",
            )
            return
        module.missing.add(alias.text)  # until it is found
        if name.text in self._open:
            cycle = [entry or "this policy" for entry in self._open[self._open.index(name.text) :]]
            report.error("SC0104", f"imports go in a circle: {' -> '.join([*cycle, name.text])}", name.start, name.end)
            return
        imported = self._by_name.get(name.text)
        if imported is None:
            if depth + 1 > MAX_IMPORT_DEPTH or len(self._by_name) >= MAX_FILES:
                report.error(
                    "SC0501",
                    f"too many imports: at most {MAX_FILES} files, {MAX_IMPORT_DEPTH} deep",
                    name.start,
                    name.end,
                )
                return
            path = self._find(name, module)
            if path is None:
                return
            imported = self._load(path, name.text, "/".join(name.parts) + SUFFIX, depth + 1)
        if imported.tree.header is not None and not imported.is_library:
            report.error(
                "SC0103",
                f"`{name.text}` is a policy, and only a library is imported",
                name.start,
                name.end,
            )
            return
        module.imports[alias.text] = imported
        if imported.tree.header is not None:
            module.missing.discard(alias.text)

    def _find(self, name: t.QName, module: Module) -> Path | None:
        """The file of an import, which stays below its root, links included."""
        root = policies_root() if name.parts[0] == "std" else self.root
        path = root.joinpath(*name.parts).with_suffix(SUFFIX)
        real, real_root = self._resolved(path), self._resolved(root)
        if real is None or real_root is None or not real.is_file():
            siblings = [file.stem for file in path.parent.glob(f"*{SUFFIX}")] if path.parent.is_dir() else []
            prefix = ".".join(name.parts[:-1])
            meant = closest(name.parts[-1], siblings)
            full = f"{prefix}.{meant}" if prefix else meant
            module.report.error(
                "SC0103",
                f"there is no file for `{name.text}`",
                name.start,
                name.end,
                help=f"did you mean `{full}`?"
                if meant
                else f"`{name.text}` is the file `{'/'.join(name.parts)}{SUFFIX}`",
                replacement=full if meant else None,
            )
            return None
        if not real.is_relative_to(real_root):
            module.report.error(
                "SC0103", f"`{name.text}` leads out of the folder that imports start from", name.start, name.end
            )
            return None
        return path

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
            self._load(path, qname, "/".join(qname.split(".")) + SUFFIX, depth=1)


def read_source(path: Path) -> tuple[str, str, str | None]:
    """The text of a file with line breaks as `\\n`, the sha-256 of its bytes, and what is wrong with it (or None)."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except IsADirectoryError:
        return "", "", "this is a folder, not a policy file"
    except FileNotFoundError:
        return "", "", "there is no such file"
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
