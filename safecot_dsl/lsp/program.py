"""A file with all that it imports, as names: what is declared, and what a name that is written somewhere means."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from safecot_dsl.compiler import Module
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.lsp.declared import declarations
from safecot_dsl.lsp.resolving import resolve
from safecot_dsl.lsp.symbols import Occurrence, Symbol, SymbolKind

# Kinds that a bare name may have whatever stands around it.
_TOP = (
    SymbolKind.RULE,
    SymbolKind.LET,
    SymbolKind.GROUP,
    SymbolKind.PARAM,
    SymbolKind.PHRASES,
    SymbolKind.TAXONOMY,
    SymbolKind.CRITERIA,
    SymbolKind.TABLE,
    SymbolKind.IMPORT,
)


class OpenProgram:
    """The modules of one compilation, the file that was opened last.

    Files with errors have what could be read of them. Nothing here reports anything.
    """

    def __init__(self, modules: tuple[Module, ...]) -> None:
        self.modules = modules
        self.entry = modules[-1]

    @cached_property
    def _declared(self) -> dict[int, dict[SymbolKind, dict[str, Symbol]]]:
        return {}

    def declared(self, module: Module) -> dict[SymbolKind, dict[str, Symbol]]:
        """What a file itself declares, by kind and name; the first of two of one name."""
        if id(module) not in self._declared:
            tables: dict[SymbolKind, dict[str, Symbol]] = {kind: {} for kind in SymbolKind}
            for entry in declarations(module):
                tables[entry.kind].setdefault(entry.name, entry)
            self._declared[id(module)] = tables
        return self._declared[id(module)]

    @cached_property
    def _bare(self) -> dict[int, dict[str, Symbol]]:
        return {}

    @cached_property
    def facts(self) -> dict[str, Symbol]:
        """The facts of all files by full name, the first declaration of each."""
        found: dict[str, Symbol] = {}
        for module in self.modules:
            for name, fact in self.declared(module)[SymbolKind.FACT].items():
                found.setdefault(name, fact)
        return found

    def fact_type(self, name: str) -> t.TypeExpr | None:
        fact = self.facts.get(name)
        return fact.declaration.type if fact and isinstance(fact.declaration, t.FactDecl) else None

    @cached_property
    def _values(self) -> dict[str, dict[str, Symbol]]:
        return {}

    def values(self, fact: str) -> dict[str, Symbol]:
        """The values of a fact by name, in their order; of one that ranges over a taxonomy these are its nodes."""
        if fact not in self._values:
            self._values[fact] = self._values_of(fact)
        return self._values[fact]

    @cached_property
    def facts_with(self) -> dict[str, dict[str, None]]:
        """The facts that have a value of a name, in their order."""
        found: dict[str, dict[str, None]] = {}
        for fact in self.facts:
            for value in self.values(fact):
                found.setdefault(value, {})[fact] = None
        return found

    def _values_of(self, name: str) -> dict[str, Symbol]:
        kind = self.fact_type(name)
        if kind is None:
            return {}
        owner = self.facts[name].module
        if kind.taxonomy is not None:
            found = self.find(owner, SymbolKind.TAXONOMY, kind.taxonomy)
            return self.nodes(found) if found is not None else {}
        declared = self.declared(owner)[SymbolKind.VALUE]
        return {value.name.text: declared[f"{name}.{value.name.text}"] for value in kind.values}

    def nodes(self, taxonomy: Symbol) -> dict[str, Symbol]:
        """The nodes of a taxonomy by name, parents before children."""
        nodes = self.declared(taxonomy.module)[SymbolKind.NODE]
        return {entry.last: entry for name, entry in nodes.items() if name.startswith(f"{taxonomy.name}.")}

    # What a name means ------------------------------------------------------------------------------------------
    @staticmethod
    def own(module: Module) -> list[Module]:
        """The files whose names stand bare in a file: itself, and the policies that it extends, the nearest first."""
        return [module, *module.bases]

    def overridden(self, symbol: Symbol) -> Symbol | None:
        """What of the policies that its file extends a declaration replaces, or repeats."""
        for base in symbol.module.bases:
            found = self.declared(base)[symbol.kind].get(symbol.name)
            if found is not None:
                return found
        return None

    def find(self, module: Module, kind: SymbolKind, name: t.QName) -> Symbol | None:
        """The symbol of a kind behind a name that stands in a file: its own, or one of an import."""
        if len(name.parts) == 1:
            for owner in self.own(module):
                if name.text in self.declared(owner)[kind]:
                    return self.declared(owner)[kind][name.text]
        elif len(name.parts) == 2 and name.parts[0] in module.imports:
            return self.declared(module.imports[name.parts[0]])[kind].get(name.parts[1])
        return None

    def find_proposition(self, module: Module, name: t.QName) -> Symbol | None:
        """The proposition, or `let` of criteria, behind a name; those of imported files stand bare too."""
        owners = [module, *(module.imports.values() if len(name.parts) == 1 else ())]
        found = (
            self.find(owner, kind, name)
            for owner in owners
            for kind in (SymbolKind.PROPOSITION, SymbolKind.CRITERIA_LET)
        )
        return next((entry for entry in found if entry is not None), None)

    def find_node(self, module: Module, name: t.QName) -> Symbol | None:
        """The node behind `hazards.fraud`, `TAXONOMY.fraud` or a bare name of the file's own taxonomy."""
        taxonomies = self.declared(module)[SymbolKind.TAXONOMY]
        if len(name.parts) > 1 and name.parts[0] in module.imports and name.parts[0] not in taxonomies:
            owners, parts = [module.imports[name.parts[0]]], name.parts[1:]
        else:
            owners, parts = self.own(module), name.parts
        for owner in owners:
            nodes = self._bare_nodes(owner) if len(parts) == 1 else self.declared(owner)[SymbolKind.NODE]
            if ".".join(parts) in nodes:
                return nodes[".".join(parts)]
        return None

    def _bare_nodes(self, module: Module) -> dict[str, Symbol]:
        """The nodes of a file by their names without the taxonomy's, the first of each."""
        if id(module) not in self._bare:
            nodes = self.declared(module)[SymbolKind.NODE].values()
            self._bare[id(module)] = {node.last: node for node in reversed(nodes)}
        return self._bare[id(module)]

    @cached_property
    def exceptions(self) -> dict[str, list[str]]:
        """The names of the exceptions to each rule."""
        found: dict[str, list[str]] = {}
        for module in self.modules:
            for rule in self.declared(module)[SymbolKind.RULE].values():
                for parent in rule.declaration.parents if isinstance(rule.declaration, t.RuleDecl) else ():
                    found.setdefault(parent.text, []).append(rule.name)
        return found

    def find_rule(self, module: Module, name: str) -> Symbol | None:
        return self.find(module, SymbolKind.RULE, t.QName(0, 0, (name,)))

    def file(self, module: Module) -> Symbol:
        """A file as a symbol; its place is the name in its header, or its start."""
        header = module.tree.header
        place = header.name if header else t.Name(0, 0, "")
        return Symbol(SymbolKind.FILE, module.report.source.path, place.text, module, place, header or place)

    def meanings(self, module: Module, name: t.QName) -> Iterator[Symbol]:
        """All that a dotted name may mean wherever it stands: for places that could not be parsed."""
        if name.text in self.facts:
            yield self.facts[name.text]
        found = [self.find(module, kind, name) for kind in _TOP] + [self.find_node(module, name)]
        yield from (entry for entry in [*found, self.find_proposition(module, name)] if entry is not None)
        if len(name.parts) == 1:
            for fact in self.facts:
                if name.text in self.values(fact):
                    yield self.values(fact)[name.text]

    # Where names stand ------------------------------------------------------------------------------------------
    @cached_property
    def _occurrences(self) -> dict[int, tuple[Occurrence, ...]]:
        return {}

    def occurrences(self, module: Module) -> tuple[Occurrence, ...]:
        """Every name in a file that means something, in the order of the text."""
        if id(module) not in self._occurrences:
            self._occurrences[id(module)] = resolve(self, module)
        return self._occurrences[id(module)]

    def at(self, module: Module, offset: int) -> list[Occurrence]:
        """The names at an offset, the place just after a name included; several where a name means several things."""
        found = [entry for entry in self.occurrences(module) if entry.start <= offset <= entry.end]
        inside = [entry for entry in found if offset < entry.end]
        return inside or found
