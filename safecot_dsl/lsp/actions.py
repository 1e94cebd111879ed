"""What an editor can do about a diagnostic: mend it as the compiler proposes, or allow the finding."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lsprotocol import types

from safecot_dsl.diagnostics import Diagnostic, Severity
from safecot_dsl.lsp.diagnostics import SOURCE
from safecot_dsl.lsp.documents import Snapshot

# Findings of the analysis: what the author may want so. What the compiler warns of is mended instead.


def actions(
    snapshot: Snapshot, found: Iterable[Diagnostic], place: types.Range, asked: list[types.Diagnostic]
) -> list[types.CodeAction]:
    """The actions for what was found at a place; `asked` are the diagnostics that the editor shows there."""
    text = snapshot.document.text
    begin, end = text.offset(place.start), text.offset(place.end)
    own = snapshot.module.report.source.path
    result: list[types.CodeAction] = []
    for diagnostic in found:
        if diagnostic.span.file != own:
            continue
        start, stop = text.offsets(diagnostic.span)
        if stop < begin or end < start:
            continue
        shown = [d for d in asked if d.source == SOURCE and d.code == str(diagnostic.code)] or None
        if diagnostic.fix is not None and diagnostic.fix.span.file == own:
            edit = types.TextEdit(text.span(diagnostic.fix.span), diagnostic.fix.replacement)
            result.append(_action(diagnostic.fix.title, edit, snapshot, shown, preferred=True))
        if diagnostic.severity is not Severity.ERROR and diagnostic.code.is_finding:
            title = f"allow {diagnostic.code} here: write the reason after it"
            result.append(_action(title, _allow(snapshot, diagnostic), snapshot, shown))
    return result


def _allow(snapshot: Snapshot, diagnostic: Diagnostic) -> types.TextEdit:
    """A line above the finding's place, indented as that is."""
    text = snapshot.document.text
    line = text.position(text.offsets(diagnostic.span)[0]).line
    indent = re.match(r"[ \t]*", text.line(line))
    start = types.Position(line, 0)
    return types.TextEdit(types.Range(start, start), f"{indent[0] if indent else ''}# allow: {diagnostic.code} \n")


def _action(
    title: str,
    edit: types.TextEdit,
    snapshot: Snapshot,
    shown: list[types.Diagnostic] | None,
    *,
    preferred: bool = False,
) -> types.CodeAction:
    return types.CodeAction(
        title=title,
        kind=types.CodeActionKind.QuickFix,
        diagnostics=shown,
        edit=types.WorkspaceEdit(changes={snapshot.document.uri: [edit]}),
        is_preferred=preferred or None,
    )
