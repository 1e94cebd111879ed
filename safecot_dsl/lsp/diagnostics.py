"""What the compiler says, as the protocol's diagnostics."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from lsprotocol import types

from safecot_dsl.compiler import Module
from safecot_dsl.compiler.syntax import tree as t
from safecot_dsl.datafiles import code_pages
from safecot_dsl.diagnostics import Diagnostic, Severity
from safecot_dsl.lsp.documents import Snapshot, uri_of
from safecot_dsl.lsp.positions import PositionedText

SOURCE = "safecotc"
MAX_SHOWN = 1_000
_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.NOTE: types.DiagnosticSeverity.Information,
}


def of_document(snapshot: Snapshot, found: Iterable[Diagnostic]) -> list[types.Diagnostic]:
    """What is to be shown in a document: what was found in it, and at its imports that what they lead to has errors."""
    own = snapshot.module.report.source.path
    shown: list[types.Diagnostic] = []
    elsewhere: dict[str, list[Diagnostic]] = {}
    for diagnostic in found:
        if diagnostic.span.file == own:
            shown.append(_converted(diagnostic, snapshot))
        elif diagnostic.severity is Severity.ERROR:
            elsewhere.setdefault(diagnostic.span.file, []).append(diagnostic)
    for file, errors in elsewhere.items():
        shown.append(_at_import(snapshot, file, errors))
    return shown[:MAX_SHOWN]


def _converted(diagnostic: Diagnostic, snapshot: Snapshot) -> types.Diagnostic:
    text = snapshot.document.text
    lines = [diagnostic.message, *diagnostic.notes, *([f"help: {diagnostic.help}"] if diagnostic.help else [])]
    related = [
        types.DiagnosticRelatedInformation(
            types.Location(uri_of(label.span.file), _text(snapshot, label.span.file, text).span(label.span)),
            label.message,
        )
        for label in diagnostic.labels
    ]
    return types.Diagnostic(
        range=text.span(diagnostic.span),
        message="\n".join(lines),
        severity=_SEVERITIES[diagnostic.severity],
        code=diagnostic.code,
        code_description=description_of(diagnostic.code),
        source=SOURCE,
        related_information=related or None,
    )


def _text(snapshot: Snapshot, file: str, own: PositionedText) -> PositionedText:
    source = snapshot.opened.sources.get(file)
    return PositionedText(source.text, own.encoding) if source is not None else own


@cache
def description_of(code: str) -> types.CodeDescription | None:
    """The address of the page on a code."""
    page = code_pages().get(code)
    return types.CodeDescription(page.as_uri()) if page is not None else None


def _at_import(snapshot: Snapshot, file: str, errors: list[Diagnostic]) -> types.Diagnostic:
    module, text = snapshot.module, snapshot.document.text
    place = next((place for used, place in _uses(module) if file in _reached(used)), t.Name(0, 0, ""))
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    there = types.Location(uri_of(file), _text(snapshot, file, text).span(first.span))
    return types.Diagnostic(
        range=text.range(place.start, place.end),
        message=f"what stands here has an error{more}: {first.message}",
        severity=types.DiagnosticSeverity.Error,
        code=first.code,
        code_description=description_of(first.code),
        source=SOURCE,
        related_information=[types.DiagnosticRelatedInformation(there, first.message)],
    )


def _uses(module: Module) -> list[tuple[Module, t.Syntax]]:
    """What a file imports and extends, with where it says so."""
    uses: list[tuple[Module, t.Syntax]] = []
    for declaration in module.declarations:
        if isinstance(declaration, t.ImportDecl):
            alias = declaration.alias.text if declaration.alias else declaration.module.parts[-1]
            if alias in module.imports:
                uses.append((module.imports[alias], declaration.module))
        elif isinstance(declaration, t.ExtendDecl):
            uses += [(base, declaration.module) for base in module.bases[:1]]
    return uses


def _reached(module: Module) -> set[str]:
    """The paths of a file and of all that it leads to."""
    reached: set[str] = set()
    pending = [module]
    while pending:
        following = pending.pop()
        if following.report.source.path not in reached:
            reached.add(following.report.source.path)
            pending += [*following.imports.values(), *following.bases]
    return reached
