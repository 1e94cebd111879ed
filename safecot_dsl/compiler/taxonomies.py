"""Taxonomies: their nodes in the artifact's form, and the hazards that rules take from them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from safecot_dsl.artifact import Node, Taxonomy
from safecot_dsl.artifact.policy import Hazard
from safecot_dsl.compiler.lookup import unknown
from safecot_dsl.compiler.modules import Module, NodeEntry
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.diagnostics import Code, Suggestion

_LISTED = 40  # of all hazards, where none is like the one that is unknown


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
    _unknown(module, name, below)
    return None


def _unknown(module: Module, name: t.QName, below: list[Module]) -> None:
    """Report an unknown hazard with those that may have been meant: those spelt alike, else those with a word of it in
    their name or phrase, else all there are."""
    known = {node: entries for owner in below for node, entries in owner.nodes.items()}
    for alias, imported in module.imports.items():
        known |= {f"{alias}.{node}": entries for node, entries in imported.nodes.items()}
    first, dot, node = name.text.rpartition(".")
    alike = list(known)
    if dot and first in module.imports:  # what all have in common makes none of them likely
        alike = [f"{first}.{near}" for near in module.report.meant(node, module.imports[first].nodes).names]
    unknown(module, "hazard", name, alike, help=_hazards(node, known))


def _hazards(node: str, known: Mapping[str, Sequence[NodeEntry]]) -> str:
    """The hazards that have a word in common with an unknown one, else all there are."""
    if not known:
        return "a hazard is a node of a taxonomy: add `import std.hazards` for those that ship"
    said = set(node.split("_"))
    alike = sorted(
        name
        for name, entries in known.items()
        if said & {*name.rpartition(".")[2].split("_"), *(word for e in entries for word in _phrase(e.node).split())}
    )
    if alike:
        return Suggestion(tuple(alike)).help or ""
    more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
    return f"the hazards are {', '.join(f'`{name}`' for name in list(known)[:_LISTED])}{more}"


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
