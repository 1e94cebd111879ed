"""Parsed files with their names: what a file declares, and what it sees of others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from safecot_dsl.compiler.report import Reporter
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.diagnostics import Label, closest

SUBJECTS = ("image", "query", "context")


@dataclass(frozen=True)
class NodeEntry:
    """A taxonomy's node with where it hangs."""

    taxonomy: t.TaxonomyDecl
    node: t.NodeDecl
    parent: t.NodeDecl | None


@dataclass
class Module:
    """A file: `qname` is the path it is imported by (`std.hazards`), empty for the file that is compiled; `record`
    names the file in source maps, relative to its root."""

    qname: str
    record: str
    sha256: str
    tree: t.FileTree
    report: Reporter
    imports: dict[str, Module] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)  # names of imports that failed: what they declare is not known
    params: dict[str, t.ParamDecl] = field(default_factory=dict)
    groups: dict[str, t.GroupDecl] = field(default_factory=dict)
    lets: dict[str, t.LetDecl] = field(default_factory=dict)
    taxonomies: dict[str, t.TaxonomyDecl] = field(default_factory=dict)
    nodes: dict[str, list[NodeEntry]] = field(default_factory=dict)
    phrases: dict[str, t.PhrasesDecl] = field(default_factory=dict)
    propositions: dict[str, t.PropositionDecl] = field(default_factory=dict)
    criteria_lets: dict[str, t.LetDecl] = field(default_factory=dict)
    criteria: dict[str, t.CriteriaDecl] = field(default_factory=dict)
    rules: dict[str, t.RuleDecl] = field(default_factory=dict)

    @property
    def is_library(self) -> bool:
        return self.tree.header is not None and self.tree.header.library

    def full(self, name: str) -> str:
        """The name by which the artifact knows what this file declares as `name`."""
        return f"{self.qname}.{name}" if self.qname else name

    def of(self, kind: type[Any]) -> list[Any]:
        return [declaration for declaration in self.tree.declarations if isinstance(declaration, kind)]

    def index(self) -> None:
        """Fill the tables of names; a name that is declared twice is an error at its second place."""
        for declaration in self.tree.declarations:
            match declaration:
                case t.ParamDecl(name=name):
                    self._declare(self.params, name, declaration, "param")
                case t.GroupDecl(name=name):
                    self._declare(self.groups, name, declaration, "group")
                case t.LetDecl(name=name):
                    self._declare(self.lets, name, declaration, "`let`")
                case t.PhrasesDecl(name=name):
                    self._declare(self.phrases, name, declaration, "phrase set")
                case t.TaxonomyDecl(name=name):
                    self._declare(self.taxonomies, name, declaration, "taxonomy")
                    self._index_nodes(declaration)
                case t.CriteriaDecl(name=name):
                    self._declare(self.criteria, name, declaration, "block of criteria")
                    for proposition in declaration.propositions:
                        self._declare(self.propositions, proposition.name, proposition, "proposition")
                    for let in declaration.lets:
                        if let.name.text in self.propositions:
                            self.duplicate(let.name, "proposition", self.propositions[let.name.text].name)
                        else:
                            self._declare(self.criteria_lets, let.name, let, "`let` of criteria")
                case t.RuleDecl(name=name):
                    self._declare(self.rules, name, declaration, "rule")
                case _:
                    pass

    def _declare(self, table: dict[str, Any], name: t.Name, declaration: Any, what: str) -> None:
        if name.text in table:
            self.duplicate(name, what, table[name.text].name)
        else:
            table[name.text] = declaration

    def duplicate(self, name: t.Name, what: str, first: t.Syntax) -> None:
        label: Label = self.report.label("first declared here", first.start, first.end)
        self.report.error(
            "SC0102", f"the {what} `{name.text}` is declared twice", name.start, name.end, labels=(label,)
        )

    def _index_nodes(self, taxonomy: t.TaxonomyDecl) -> None:
        seen: dict[str, t.NodeDecl] = {}
        pending: list[tuple[t.NodeDecl, t.NodeDecl | None]] = [(node, None) for node in reversed(taxonomy.nodes)]
        while pending:
            node, parent = pending.pop()
            if node.name.text in seen:
                self.duplicate(node.name, "node", seen[node.name.text].name)
            else:
                seen[node.name.text] = node
                self.nodes.setdefault(node.name.text, []).append(NodeEntry(taxonomy, node, parent))
            pending.extend((child, node) for child in reversed(node.children))


_TABLES = {
    "param": "params",
    "group": "groups",
    "let": "lets",
    "taxonomy": "taxonomies",
    "phrase set": "phrases",
    "proposition": "propositions",
    "criteria let": "criteria_lets",
}


def table(module: Module, kind: str) -> dict[str, Any]:
    return getattr(module, _TABLES[kind])


def visible(module: Module, kind: str) -> list[str]:
    """Every name of a kind that a file can write, for suggestions."""
    names = list(table(module, kind))
    for alias, imported in module.imports.items():
        names += [f"{alias}.{name}" for name in table(imported, kind)]
    return names


def find(module: Module, kind: str, name: t.QName) -> tuple[Module, Any] | None:
    """The file and declaration behind a name; None where there is none. The file's own names come first."""
    if len(name.parts) == 1:
        own = table(module, kind).get(name.parts[0])
        return None if own is None else (module, own)
    if len(name.parts) == 2 and name.parts[0] in module.imports:
        imported = module.imports[name.parts[0]]
        found = table(imported, kind).get(name.parts[1])
        return None if found is None else (imported, found)
    return None


def lookup(module: Module, kind: str, name: t.QName) -> tuple[Module, Any] | None:
    """As :func:`find`, and an unknown name is reported with what was probably meant."""
    found = find(module, kind, name)
    if found is None:
        unknown(module, kind, name, visible(module, kind))
    return found


def _follows(module: Module, what: str, name: t.QName | t.Name) -> bool:
    """Is a name unknown only because of another fault, which has been reported: an import that failed, or the
    declaration, which could not be read?"""
    first, dot, last = name.text.partition(".")
    if dot and first in module.missing:
        return True
    owners = [module]
    if dot:
        owners = [module.imports[first]] if first in module.imports else []
    elif what == "proposition":
        owners += module.imports.values()  # these stand bare
        if module.missing:
            return True
    kind = {"hazard": "taxonomy", "proposition": "criteria"}.get(what)
    return any((last or first) in owner.tree.damaged or kind in owner.tree.damaged_kinds for owner in owners)


def unknown(module: Module, what: str, name: t.QName | t.Name, known: Iterable[str], help: str | None = None) -> None:
    """Report an unknown name with a suggestion, else with `help`; nothing where it follows from another fault."""
    if _follows(module, what, name):
        return
    text = name.text
    other = next((k for k in _TABLES if k != what and isinstance(name, t.QName) and find(module, k, name)), None)
    meant = closest(text, known)
    if other is not None:
        help = f"`{text}` is a {other}, and a {what} is needed here"
        module.report.error("SC0101", f"unknown {what} `{text}`", name.start, name.end, help=help)
        return
    first = text.split(".", 1)[0]
    if meant is None and "." in text and first not in module.imports and first not in SUBJECTS:
        help = f"nothing is imported under the name `{first}`"
        module.report.error("SC0101", f"unknown {what} `{text}`", name.start, name.end, help=help)
        return
    module.report.error(
        "SC0101",
        f"unknown {what} `{text}`",
        name.start,
        name.end,
        help=f"did you mean `{meant}`?" if meant else help,
        replacement=meant,
    )
