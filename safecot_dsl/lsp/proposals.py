"""The names that can stand at a cursor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lsprotocol import types

from safecot_dsl.artifact import Verdict
from safecot_dsl.compiler import Module
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.compiler.syntax.prefix import Continuations
from safecot_dsl.lsp.cursor import Cursor, wanted
from safecot_dsl.lsp.describing import describe, type_of
from safecot_dsl.lsp.importable import Importable
from safecot_dsl.lsp.program import OpenProgram
from safecot_dsl.lsp.symbols import Symbol, SymbolKind
from safecot_dsl.lsp.words import HEADER, KEYWORDS
from safecot_dsl.render.verdict_words import VERDICT_WORDS

_ITEM_KINDS = {
    SymbolKind.FACT: types.CompletionItemKind.Field,
    SymbolKind.VALUE: types.CompletionItemKind.EnumMember,
    SymbolKind.NODE: types.CompletionItemKind.EnumMember,
    SymbolKind.GROUP: types.CompletionItemKind.Enum,
    SymbolKind.TAXONOMY: types.CompletionItemKind.Enum,
    SymbolKind.LET: types.CompletionItemKind.Variable,
    SymbolKind.CRITERIA_LET: types.CompletionItemKind.Variable,
    SymbolKind.PARAM: types.CompletionItemKind.Constant,
    SymbolKind.PHRASES: types.CompletionItemKind.Text,
    SymbolKind.RULE: types.CompletionItemKind.Function,
    SymbolKind.PROPOSITION: types.CompletionItemKind.Interface,
}
# What `override` and a word before the cursor replace.
_OVERRIDDEN = {
    "RULE": SymbolKind.RULE,
    "EXCEPTION": SymbolKind.RULE,
    "LET": SymbolKind.LET,
    "GROUP": SymbolKind.GROUP,
    "PARAM": SymbolKind.PARAM,
}


@dataclass(frozen=True)
class Proposal:
    """`text` is what is written, the whole of a dotted name."""

    text: str
    kind: types.CompletionItemKind
    detail: str = ""
    documentation: str = ""
    rank: int = 1  # names before words


def names(
    program: OpenProgram, module: Module, cursor: Cursor, expected: Continuations, files: Importable
) -> Iterator[Proposal]:
    if "NAME" not in expected.kinds and not cursor.dotted:
        return
    prefix = ".".join(cursor.dotted)
    for proposal in _wanted(program, module, cursor, files):
        if not prefix or proposal.text.startswith(f"{prefix}."):
            yield proposal


def _wanted(program: OpenProgram, module: Module, cursor: Cursor, files: Importable) -> Iterator[Proposal]:
    want = wanted(cursor)
    match want.what:
        case "condition":
            yield from facts(program)
            yield from _visible(program, module, SymbolKind.LET)
        case "response":
            yield from _responses(program, module)
        case "fact":
            yield from facts(program)
        case "value" if cursor.ends("EQUAL") and _is_set(program, want.fact):
            return  # a set's values stand in braces
        case "value" if cursor.ends("IS") and _is_set(program, want.fact):
            return  # `is empty` is all that can be said of a set so
        case "value" | "cell" | "gain" if want.fact is not None:
            yield from _values(program, want.fact)
            if want.what != "value":
                yield from groups(program, module, want.fact)
        case "group":
            yield from groups(program, module, want.fact)
        case "member":
            for fact in program.facts:
                yield from (_of(program, value) for value in program.values(fact).values())
        case "node":
            yield from _nodes(program, module)
        case "rule" | "decider":
            for owner in program.own(module):
                yield from (_of(program, rule) for rule in program.declared(owner)[SymbolKind.RULE].values())
            if want.what == "decider":
                for word in ("default", "unsure"):
                    yield Proposal(word, types.CompletionItemKind.Keyword, documentation=KEYWORDS[word], rank=2)
        case "verdict":
            for verdict in Verdict:
                # In the order of their strictness
                yield Proposal(
                    verdict.value,
                    types.CompletionItemKind.EnumMember,
                    documentation=VERDICT_WORDS[verdict].meaning,
                    rank=verdict.strictness,
                )
        case "phrases":
            yield from _visible(program, module, SymbolKind.PHRASES)
        case "taxonomy":
            yield from _visible(program, module, SymbolKind.TAXONOMY)
        case "param":
            yield from _visible(program, module, SymbolKind.PARAM)
        case "module" | "base":
            for name in files.libraries() if want.what == "module" else files.policies():
                yield Proposal(name, types.CompletionItemKind.Module)
        case "header":
            written = module.tree.header
            used = {entry.key.text for entry in written.entries} if written else set[str]()
            for key, meaning in HEADER.items():
                yield Proposal(key, types.CompletionItemKind.Property, documentation=meaning, rank=1 + (key in used))
        case "supposed" if want.type is not None:
            yield from _supposed(program, module, want.type)
        case "overridden":
            for owner in module.bases if cursor.opening in _OVERRIDDEN else ():
                replaced = program.declared(owner)[_OVERRIDDEN[cursor.opening]]
                yield from (_of(program, entry) for entry in replaced.values())
        case _:
            return


def _of(program: OpenProgram, symbol: Symbol, name: str | None = None) -> Proposal:
    detail = symbol.kind.value
    if isinstance(symbol.declaration, t.FactDecl):
        detail = type_of(symbol.declaration.type)
    elif isinstance(symbol.declaration, t.ValueDecl | t.NodeDecl) and symbol.declaration.phrase is not None:
        detail = symbol.declaration.phrase.text[:80]
    kind = _ITEM_KINDS.get(symbol.kind, types.CompletionItemKind.Value)
    return Proposal(name or symbol.last, kind, detail, describe(program, symbol))


def facts(program: OpenProgram) -> Iterator[Proposal]:
    for name, fact in program.facts.items():
        yield _of(program, fact, name)


def _visible(program: OpenProgram, module: Module, kind: SymbolKind) -> Iterator[Proposal]:
    """What a file can write: its own names bare, those of an import after its name."""
    for owner in program.own(module):
        yield from (_of(program, entry) for entry in program.declared(owner)[kind].values())
    for alias, imported in module.imports.items():
        for entry in program.declared(imported)[kind].values():
            yield _of(program, entry, f"{alias}.{entry.name}")


def _values(program: OpenProgram, fact: str) -> Iterator[Proposal]:
    yield from (_of(program, value) for value in program.values(fact).values())
    kind = program.fact_type(fact)
    if kind is not None and kind.kind == "flag":
        for word in ("yes", "no"):
            yield Proposal(word, types.CompletionItemKind.EnumMember)


def _is_set(program: OpenProgram, fact: str | None) -> bool:
    kind = program.fact_type(fact) if fact is not None else None
    return kind is not None and kind.kind == "set_of"


def _supposed(program: OpenProgram, module: Module, kind: t.TypeExpr) -> Iterator[Proposal]:
    """What can be supposed of a fact of a type whose declaration is not finished."""
    taxonomy = program.find(module, SymbolKind.TAXONOMY, kind.taxonomy) if kind.taxonomy is not None else None
    if taxonomy is not None:
        yield from (_of(program, node) for node in program.nodes(taxonomy).values())
    words = ("yes", "no") if kind.kind == "flag" else tuple(value.name.text for value in kind.values)
    yield from (Proposal(word, types.CompletionItemKind.EnumMember) for word in words)


def _responses(program: OpenProgram, module: Module) -> Iterator[Proposal]:
    """Propositions and `let`s of criteria: bare, also those of an import, but for names that two files declare."""
    found: dict[str, Proposal] = {}
    for alias, owner in [("", module), *module.imports.items()]:
        for kind in (SymbolKind.PROPOSITION, SymbolKind.CRITERIA_LET):
            for entry in program.declared(owner)[kind].values():
                name = f"{alias}.{entry.name}" if entry.name in found else entry.name
                found[name] = _of(program, entry, name)
    yield from found.values()


def groups(program: OpenProgram, module: Module, fact: str | None) -> Iterator[Proposal]:
    """The groups and phrase sets that go with a fact."""
    kind = program.fact_type(fact) if fact is not None else None
    if kind is not None and kind.kind == "text":
        yield from _visible(program, module, SymbolKind.PHRASES)
        return
    values = program.values(fact).keys() if fact is not None else None
    for proposal, group in _groups_of(program, module):
        if values is None or {member.text for member in group.members.names} <= values:
            yield proposal


def _groups_of(program: OpenProgram, module: Module) -> Iterator[tuple[Proposal, t.GroupDecl]]:
    owners = [("", owner) for owner in program.own(module)]
    owners += [(f"{alias}.", imported) for alias, imported in module.imports.items()]
    for prefix, owner in owners:
        for entry in program.declared(owner)[SymbolKind.GROUP].values():
            assert isinstance(entry.declaration, t.GroupDecl)
            yield _of(program, entry, prefix + entry.name), entry.declaration


def _nodes(program: OpenProgram, module: Module) -> Iterator[Proposal]:
    for owner in program.own(module):
        yield from (_of(program, node) for node in program.declared(owner)[SymbolKind.NODE].values())
    for alias, imported in module.imports.items():
        for node in program.declared(imported)[SymbolKind.NODE].values():
            yield _of(program, node, f"{alias}.{node.last}")
