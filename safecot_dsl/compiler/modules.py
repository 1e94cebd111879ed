"""Parsed files with their names: what a file declares, and what it sees of others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from safecot_dsl.compiler.report import Reporter
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.diagnostics import Label

SUBJECTS = ("image", "query", "context")


@dataclass(frozen=True)
class NodeEntry:
    """A taxonomy's node with where it hangs."""

    taxonomy: t.TaxonomyDecl
    node: t.NodeDecl
    parent: NodeEntry | None


@dataclass(eq=False)
class Module:
    """A file: `qname` is the path it is imported by (`std.hazards`), empty for the file that is compiled and for those
    that it extends; `record` names the file in source maps, relative to its root.

    `family` is a policy with all that it extends, itself first: what one of them declares is each one's own. The tables
    of names hold what counts: what a policy above it has overridden is no longer in a file's tables, and stands in its
    `overridden`, by source-map keys.
    """

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
    rules: dict[str, t.RuleDecl | t.RowDecl] = field(default_factory=dict)
    tables: dict[str, t.TableDecl] = field(default_factory=dict)
    examples: dict[str, t.ExampleDecl] = field(default_factory=dict)
    properties: dict[str, t.PropertyDecl] = field(default_factory=dict)
    laws: dict[str, t.LawDecl] = field(default_factory=dict)
    fallbacks: dict[str, t.FallbackDecl] = field(default_factory=dict)  # `default` and `unsure`
    overriding: dict[int, t.OverrideDecl] = field(default_factory=dict)  # by the `id` of what stands after `override`
    overridden: set[str] = field(default_factory=set)
    family: list[Module] = field(default_factory=list)
    base_missing: bool = False  # it extends a policy that cannot be had: what that declares is not known

    def __post_init__(self) -> None:
        self.family.append(self)

    @property
    def is_library(self) -> bool:
        return self.tree.header is not None and self.tree.header.library

    def full(self, name: str) -> str:
        """The name by which the artifact knows what this file declares as `name`."""
        return f"{self.qname}.{name}" if self.qname else name

    @cached_property
    def declarations(self) -> tuple[t.Declaration, ...]:
        """The file's declarations, `override` taken off."""
        return tuple(d.declaration if isinstance(d, t.OverrideDecl) else d for d in self.tree.declarations)

    def of(self, kind: type[Any]) -> list[Any]:
        return [declaration for declaration in self.declarations if isinstance(declaration, kind)]

    @cached_property
    def extends(self) -> bool:
        """Does it mean to extend a policy?"""
        return bool(self.of(t.ExtendDecl)) or "extend" in self.tree.damaged_kinds

    @property
    def base_unknown(self) -> bool:
        """Does it extend something of which nobody knows what it declares?"""
        return self.base_missing or "extend" in self.tree.damaged_kinds

    @property
    def bases(self) -> list[Module]:
        """The policies that this one extends, the nearest first."""
        return self.family[self.family.index(self) + 1 :]

    def index(self) -> None:
        """Fill the tables of names; a name that is declared twice is an error at its second place."""
        for declaration in self.tree.declarations:
            if isinstance(declaration, t.OverrideDecl):
                for part in (declaration.declaration, *_parts(declaration.declaration)):
                    self.overriding[id(part)] = declaration
        for declaration in self.declarations:
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
                case t.TableDecl(name=name):
                    self._declare(self.tables, name, declaration, "table")
                    for row in declaration.rows:
                        self._declare(self.rules, row.name, row, "rule")
                case t.ExampleDecl(name=name):
                    self._declare(self.examples, name, declaration, "example")
                case t.PropertyDecl(name=name):
                    self._declare(self.properties, name, declaration, "property")
                case t.LawDecl(name=name):
                    self._declare(self.laws, name, declaration, "law")
                case t.FallbackDecl(kind=kind):
                    self._declare_fallback(kind, declaration)
                case _:
                    pass

    def _declare_fallback(self, kind: str, declaration: t.FallbackDecl) -> None:
        first = self.fallbacks.get(kind)
        if first is None or self._idle(first):
            self.fallbacks[kind] = declaration
        elif not self._idle(declaration):
            self.report.error(
                "SC0302",
                f"`{kind}` stands twice: a policy has exactly one",
                declaration.start,
                declaration.verdict.end,
                labels=(self.report.label("first here", first.start, first.verdict.end),),
            )

    def _declare(self, table: dict[str, Any], name: t.Name | t.String, declaration: Any, what: str) -> None:
        first = table.get(name.text)
        if first is None or self._idle(first):
            table[name.text] = declaration
        elif not self._idle(declaration):
            self.duplicate(name, what, first.name)

    def _idle(self, declaration: Any) -> bool:
        """Does it override, where nothing is extended? That is an error of its own, and it declares nothing."""
        return id(declaration) in self.overriding and not self.extends

    def duplicate(self, name: t.Name | t.String, what: str, first: t.Syntax) -> None:
        label: Label = self.report.label("first declared here", first.start, first.end)
        self.report.error(
            "SC0102", f"the {what} `{name.text}` is declared twice", name.start, name.end, labels=(label,)
        )

    def _index_nodes(self, taxonomy: t.TaxonomyDecl) -> None:
        seen: dict[str, t.NodeDecl] = {}
        pending = [NodeEntry(taxonomy, node, None) for node in reversed(taxonomy.nodes)]
        while pending:
            entry = pending.pop()
            node = entry.node
            if node.name.text in seen:
                self.duplicate(node.name, "node", seen[node.name.text].name)
            else:
                seen[node.name.text] = node
                self.nodes.setdefault(node.name.text, []).append(entry)
            pending.extend(NodeEntry(taxonomy, child, entry) for child in reversed(node.children))


def _parts(declaration: t.Declaration) -> tuple[Any, ...]:
    """What is declared inside a declaration and has a name of its own in the policy."""
    match declaration:
        case t.TableDecl(rows=rows):
            return rows
        case t.CriteriaDecl(propositions=propositions, lets=lets):
            return (*propositions, *lets)
        case _:
            return ()


# Kinds of names that a reference can mean, by the table that holds them.
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
    names = [name for member in module.family for name in table(member, kind)]
    for alias, imported in module.imports.items():
        names += [f"{alias}.{name}" for name in table(imported, kind)]
    return names


def find(module: Module, kind: str, name: t.QName) -> tuple[Module, Any] | None:
    """The file and declaration behind a name; None where there is none. The policy's own names come first."""
    if len(name.parts) == 1:
        for member in module.family:
            own = table(member, kind).get(name.parts[0])
            if own is not None:
                return member, own
        return None
    if len(name.parts) == 2 and name.parts[0] in module.imports:
        imported = module.imports[name.parts[0]]
        found = table(imported, kind).get(name.parts[1])
        return None if found is None else (imported, found)
    return None


def own_propositions(module: Module) -> list[str]:
    """The propositions, and the `let`s of criteria, that the policy (or library) declares itself."""
    return [name for member in module.family for name in (*member.propositions, *member.criteria_lets)]


def find_proposition(module: Module, name: t.QName) -> tuple[Module, str] | None:
    """The file that declares a proposition (or `let` of criteria) and its name there. Imported ones stand bare too."""
    for kind in ("proposition", "criteria let"):
        found = find(module, kind, name)
        if found is not None:
            return found[0], name.parts[-1]
    if len(name.parts) == 1:
        for imported in module.imports.values():
            if name.text in imported.propositions or name.text in imported.criteria_lets:
                return imported, name.text
    return None


def find_rule(module: Module, name: str) -> t.RuleDecl | t.RowDecl | None:
    """The rule, exception or row of that name in the policy."""
    return next((member.rules[name] for member in module.family if name in member.rules), None)


def rule_names(module: Module) -> list[str]:
    return [name for member in module.family for name in member.rules]


def damaged(module: Module, name: str) -> bool:
    """Is it unknown what the policy declares as `name`, because the declaration, or what the policy extends, could not
    be read?"""
    return any(name in member.tree.damaged or member.base_unknown for member in module.family)


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
    lost_import = "import" in module.tree.damaged_kinds and first in module.tree.damaged
    if dot and (first in module.missing or lost_import):
        return True
    if not (dot and first in module.imports) and any(member.base_unknown for member in module.family):
        return True
    owners = module.family[:]
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
    meant = module.report.meant(text, known)
    if other is not None:
        help = f"`{text}` is a {other}, and a {what} is needed here"
        module.report.error("SC0101", f"unknown {what} `{text}`", name.start, name.end, help=help)
        return
    first = text.split(".", 1)[0]
    if meant is None and "." in text and first not in module.imports and first not in SUBJECTS:
        help = f"nothing is imported under the name `{first}`"
        theirs = next((base.imports[first] for base in module.bases if first in base.imports), None)
        if theirs is not None:
            written = theirs.qname if theirs.qname.endswith(f".{first}") else f"{theirs.qname} as {first}"
            help = f"add `import {written}`: what a policy that is extended imports is for its own text only"
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
