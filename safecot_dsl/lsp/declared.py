"""What a file declares, as symbols."""

from __future__ import annotations

from collections.abc import Iterator

from safecot_dsl.compiler import Module
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.lsp.symbols import Symbol, SymbolKind, last_name, nodes_of

_NAMED = {
    t.ParamDecl: SymbolKind.PARAM,
    t.GroupDecl: SymbolKind.GROUP,
    t.LetDecl: SymbolKind.LET,
    t.TaxonomyDecl: SymbolKind.TAXONOMY,
    t.PhrasesDecl: SymbolKind.PHRASES,
    t.CriteriaDecl: SymbolKind.CRITERIA,
    t.RuleDecl: SymbolKind.RULE,
    t.TableDecl: SymbolKind.TABLE,
    t.ExampleDecl: SymbolKind.EXAMPLE,
    t.PropertyDecl: SymbolKind.PROPERTY,
    t.LawDecl: SymbolKind.LAW,
}


def declarations(module: Module) -> Iterator[Symbol]:
    """Every named thing that a file declares, in the order of the text; the values of its facts, the nodes of its
    taxonomies and the rows of its tables too."""
    for declaration in module.declarations:
        yield from _of(module, declaration)


def _of(module: Module, declaration: t.Declaration) -> Iterator[Symbol]:
    def new(kind: SymbolKind, name: t.Name | t.String, syntax: t.Syntax, full: str | None = None) -> Symbol:
        return Symbol(kind, module.report.source.path, full or name.text, module, name, syntax)

    kind = _NAMED.get(type(declaration))  # pyright: ignore[reportArgumentType, reportCallIssue]
    if kind is not None:
        yield new(kind, declaration.name, declaration)  # pyright: ignore[reportAttributeAccessIssue]
    match declaration:
        case t.ImportDecl(module=name, alias=alias):
            yield new(SymbolKind.IMPORT, alias or last_name(module, name), declaration)
        case t.FactsDecl(subject=subject, facts=facts):
            for fact in facts:
                full = f"{subject}.{fact.name.text}"
                yield new(SymbolKind.FACT, fact.name, fact, full)
                for value in fact.type.values:
                    yield new(SymbolKind.VALUE, value.name, value, f"{full}.{value.name.text}")
        case t.TaxonomyDecl(name=name, nodes=nodes):
            for node in nodes_of(nodes):
                yield new(SymbolKind.NODE, node.name, node, f"{name.text}.{node.name.text}")
        case t.CriteriaDecl(name=name):
            for proposition in declaration.propositions:
                yield new(SymbolKind.PROPOSITION, proposition.name, proposition)
            for let in declaration.lets:
                yield new(SymbolKind.CRITERIA_LET, let.name, let)
            for classes in declaration.classes:
                for entry in classes.classes:
                    yield new(SymbolKind.CLASS, entry.name, entry)
        case t.TableDecl():
            for row in declaration.rows:
                yield new(SymbolKind.RULE, row.name, row)
        case _:
            pass
