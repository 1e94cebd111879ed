"""Parsed files with their names: what a file declares, and what it has of others."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from safecot_dsl.compiler.report import Reporter
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.diagnostics import Code, Label

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
    shipped: bool = False  # as it was released, where its patterns were tried: they are not at every start
    imports: dict[str, Module] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)  # names of imports that failed: what they declare is not known
    forgotten: set[str] = field(default_factory=set)  # standard libraries that it names and does not import: said once
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
                Code.GIVEN_TWICE,
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
            Code.DECLARED_TWICE, f"the {what} `{name.text}` is declared twice", name.start, name.end, labels=(label,)
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
