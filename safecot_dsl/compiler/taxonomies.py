"""Taxonomies: their nodes in the artifact's form, and the hazards that rules take from them."""

from __future__ import annotations

import math

from safecot_dsl.artifact import Node, Taxonomy
from safecot_dsl.artifact.policy import Hazard
from safecot_dsl.compiler.lookup import unknown
from safecot_dsl.compiler.modules import Module, NodeEntry
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.diagnostics import Code


def words(name: str) -> str:
    """A name as words, which is the phrase of a value or a node that was given none."""
    return name.replace("_", " ")


def taxonomy_of(module: Module, declaration: t.TaxonomyDecl) -> Taxonomy:
    """The artifact's form of a taxonomy, parents before children."""
    nodes: list[Node] = []
    seen: set[str] = set()
    pending: list[tuple[t.NodeDecl, str | None]] = [(node, None) for node in reversed(declaration.nodes)]
    while pending:
        node, parent = pending.pop()
        if node.name.text not in seen:
            seen.add(node.name.text)
            nodes.append(Node(name=node.name.text, phrase=_phrase(node), severity=_severity(node), parent=parent))
        pending.extend((child, node.name.text) for child in reversed(node.children))
    return Taxonomy(name=module.full(declaration.name.text), nodes=tuple(nodes))


def _phrase(node: t.NodeDecl) -> str:
    return node.phrase.text if node.phrase else words(node.name.text)


def _severity(node: t.NodeDecl) -> float | None:
    return node.severity.value if node.severity and math.isfinite(node.severity.value) else None


def find_node(module: Module, name: t.QName) -> tuple[Module, NodeEntry] | None:
    """The node that a qualified name means: `hazards.violent_crimes`, or a bare name of the file's own taxonomy."""
    # A file's bare name means a node that it can know of, not one of a policy that extends it.
    below = [module, *module.bases]
    own = len(name.parts) == 2 and any(name.parts[0] in member.taxonomies for member in below)
    imported = module.imports.get(name.parts[0]) if len(name.parts) > 1 and not own else None
    owners = [imported] if imported else below
    *taxonomy, node = name.text.split(".")[1 if imported else 0 :]
    entries = [
        (owner, entry)
        for owner in owners
        for entry in owner.nodes.get(node, [])
        if not taxonomy or [entry.taxonomy.name.text] == taxonomy
    ]
    if len(entries) == 1:
        return entries[0]
    if entries:
        where = ", ".join(f"`{entry.taxonomy.name.text}`" for _, entry in entries)
        module.report.error(
            Code.AMBIGUOUS_NAME,
            f"`{name.text}` is a node of several taxonomies: {where}",
            name.start,
            name.end,
            help="put the taxonomy's name before it",
        )
        return None
    known = [known for owner in below for known in owner.nodes]
    for alias, imported in module.imports.items():
        known += [f"{alias}.{node}" for node in imported.nodes]
    unknown(module, "hazard", name, known)
    return None


def hazard_of(module: Module, entry: NodeEntry) -> Hazard:
    """A node as a hazard: its severity is its own, at least 0, else its nearest ancestor's, else 0."""
    severity = 0.0
    at: NodeEntry | None = entry
    while at is not None:
        own = _severity(at.node)
        if own is not None:
            severity = max(0.0, own)
            break
        at = at.parent
    name = entry.node.name.text
    if sum(len(member.nodes.get(name, ())) for member in module.family) > 1:  # the bare name would mean either
        name = f"{entry.taxonomy.name.text}.{name}"
    return Hazard(name=module.full(name), phrase=_phrase(entry.node), severity=severity)
