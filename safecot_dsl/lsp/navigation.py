"""From a name to its declaration and back; what a file holds, as an outline; what of it can be folded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lsprotocol import types

from safecot_dsl.compiler import Module
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.lsp.documents import Documents, Snapshot, uri_of
from safecot_dsl.lsp.positions import PositionedText
from safecot_dsl.lsp.symbols import Occurrence, Symbol, SymbolKind

_DOTTED = re.compile(r"[a-z][a-z0-9_]*(?:\s*\.\s*[a-z][a-z0-9_]*)*")


def meant(snapshot: Snapshot, offset: int) -> list[Occurrence]:
    """The names at an offset; where the file could not be read there, all that what stands there may mean."""
    found = snapshot.program.at(snapshot.module, offset)
    if found:
        return found
    content = snapshot.document.text.content
    line_start = content.rfind("\n", 0, offset) + 1
    line_end = content.find("\n", offset)
    for word in _DOTTED.finditer(content, line_start, line_end if line_end >= 0 else len(content)):
        if word.start() <= offset <= word.end():
            parts = tuple(part.strip() for part in word.group().split("."))
            for length in range(len(parts), 0, -1):
                name = t.QName(word.start(), word.end(), parts[:length])
                symbols = list(snapshot.program.meanings(snapshot.module, name))
                if symbols:
                    return [Occurrence(word.start(), word.end(), entry, word.start()) for entry in symbols]
    return []


def definitions(documents: Documents, snapshot: Snapshot, offset: int) -> list[types.Location]:
    found: dict[Symbol, types.Location] = {}
    for entry in meant(snapshot, offset):
        text = documents.text_of(entry.symbol.module)
        place = entry.symbol.place
        found[entry.symbol] = types.Location(uri_of(entry.symbol.file), text.range(place.start, place.end))
    return list(found.values())


def highlights(snapshot: Snapshot, offset: int) -> list[types.DocumentHighlight]:
    """Every place in the file that has a name in common with the one at the offset."""
    wanted = {entry.symbol for entry in snapshot.program.at(snapshot.module, offset)}
    text = snapshot.document.text
    return [
        types.DocumentHighlight(
            text.range(entry.name_start, entry.end),
            types.DocumentHighlightKind.Write if entry.declares else types.DocumentHighlightKind.Read,
        )
        for entry in snapshot.program.occurrences(snapshot.module)
        if entry.symbol in wanted
    ]


# The outline --------------------------------------------------------------------------------------------------------
_KINDS: dict[type[t.Syntax], types.SymbolKind] = {
    t.ImportDecl: types.SymbolKind.Module,
    t.ExtendDecl: types.SymbolKind.Module,
    t.ParamDecl: types.SymbolKind.Constant,
    t.FactsDecl: types.SymbolKind.Namespace,
    t.FactDecl: types.SymbolKind.Field,
    t.GroupDecl: types.SymbolKind.Enum,
    t.LetDecl: types.SymbolKind.Variable,
    t.TaxonomyDecl: types.SymbolKind.Enum,
    t.NodeDecl: types.SymbolKind.EnumMember,
    t.PhrasesDecl: types.SymbolKind.String,
    t.CriteriaDecl: types.SymbolKind.Class,
    t.PropositionDecl: types.SymbolKind.Property,
    t.RuleDecl: types.SymbolKind.Function,
    t.TableDecl: types.SymbolKind.Array,
    t.RowDecl: types.SymbolKind.Function,
    t.FallbackDecl: types.SymbolKind.Event,
    t.ExampleDecl: types.SymbolKind.Event,
    t.PropertyDecl: types.SymbolKind.Interface,
    t.LawDecl: types.SymbolKind.Interface,
}


def outline(module: Module, text: PositionedText) -> list[types.DocumentSymbol]:
    return [entry for declaration in module.declarations for entry in [_outlined(declaration, text)] if entry]


def _outlined(declaration: t.Syntax, text: PositionedText) -> types.DocumentSymbol | None:
    kind = _KINDS.get(type(declaration))
    if kind is None:
        return None
    name, detail, place = _titled(declaration)
    children = [child for child in (_outlined(inner, text) for inner in _inner(declaration)) if child]
    return types.DocumentSymbol(
        name=name[:200] or "(no name)",
        kind=kind,
        range=text.range(declaration.start, max(declaration.end, place.end)),
        selection_range=text.range(place.start, place.end),
        detail=detail or None,
        children=children or None,
    )


def _titled(declaration: t.Syntax) -> tuple[str, str, t.Syntax]:
    """The name, a detail and the place of the name."""
    match declaration:
        case t.ImportDecl(module=module) | t.ExtendDecl(module=module):
            return module.text, "extends" if isinstance(declaration, t.ExtendDecl) else "import", module
        case t.FactsDecl(subject=subject):
            return subject, "facts", t.Name(declaration.start, declaration.start + len("facts"), subject)
        case t.FallbackDecl(kind=kind, verdict=verdict):
            return kind, verdict.text, verdict
        case t.RuleDecl(name=name, parents=parents):
            return name.text, f"exception to {', '.join(p.text for p in parents)}" if parents else "rule", name
        case t.RowDecl(name=name, verdict=verdict):
            return name.text, verdict.text, name
        case t.ExampleDecl(name=title) | t.PropertyDecl(name=title) | t.LawDecl(name=title):
            return title.text, type(declaration).__name__.removesuffix("Decl").lower(), title
        case _:
            name: t.Name = getattr(declaration, "name")  # noqa: B009 - all that is left of `_KINDS` has one
            return name.text, "", name


def _inner(declaration: t.Syntax) -> Iterable[t.Syntax]:
    match declaration:
        case t.FactsDecl(facts=facts):
            return facts
        case t.TaxonomyDecl(nodes=nodes) | t.NodeDecl(children=nodes):
            return nodes
        case t.CriteriaDecl(propositions=propositions, lets=lets):
            return sorted([*propositions, *lets], key=lambda entry: entry.start)
        case t.TableDecl(rows=rows):
            return rows
        case _:
            return ()


def workspace_symbols(
    programs: Iterable[tuple[Module, Iterator[Symbol]]], query: str, encoding: str
) -> list[types.WorkspaceSymbol]:
    """The declarations whose name has the letters of the query in it, in their order; at most 500."""
    found: list[types.WorkspaceSymbol] = []
    for module, symbols in programs:
        text = PositionedText(module.report.source.text, encoding)
        for entry in symbols:
            kind = _KINDS.get(type(entry.declaration))
            if kind is None or entry.kind is SymbolKind.IMPORT or not _has_letters(entry.name.lower(), query.lower()):
                continue
            where = types.Location(uri_of(entry.file), text.range(entry.place.start, entry.place.end))
            found.append(types.WorkspaceSymbol(location=where, name=entry.name, kind=kind))
            if len(found) >= 500:
                return found
    return found


def _has_letters(name: str, letters: str) -> bool:
    rest = iter(name)
    return all(letter in rest for letter in letters)


# Folding ------------------------------------------------------------------------------------------------------------
_PIECES = re.compile(
    r'#[^\n]*|"""(?:[^\\"]|\\.|"(?!""))*(?:"""|\Z)|"(?:[^\\"\n]|\\.)*"|/(?:[^\\/\n]|\\.)+/|[{}]', re.DOTALL
)


def foldings(text: PositionedText) -> list[types.FoldingRange]:
    """Blocks in braces, runs of comment lines, texts of several lines; whatever else the file says."""
    found: list[types.FoldingRange] = []
    opened: list[int] = []
    comments: list[int] = []
    for piece in _PIECES.finditer(text.content):
        line = text.position(piece.start()).line
        if piece.group() == "{":
            opened.append(line)
        elif piece.group() == "}":
            if opened and opened[-1] < line:
                found.append(types.FoldingRange(opened[-1], line - 1, kind=types.FoldingRangeKind.Region))
            del opened[-1:]
        elif piece.group().startswith("#"):
            if comments and comments[-1] != line - 1:
                _fold_comments(comments, found)
            if text.line(line).lstrip().startswith("#"):
                comments.append(line)
        elif piece.group().startswith('"""'):
            end = text.position(piece.end()).line
            if end > line:
                found.append(types.FoldingRange(line, end))
    _fold_comments(comments, found)
    return found


def _fold_comments(lines: list[int], found: list[types.FoldingRange]) -> None:
    if len(lines) > 1:
        found.append(types.FoldingRange(lines[0], lines[-1], kind=types.FoldingRangeKind.Comment))
    lines.clear()
