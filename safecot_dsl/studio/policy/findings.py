"""Diagnostics as messages."""

from __future__ import annotations

from collections.abc import Iterable

from safecot_dsl.datafiles import code_pages, code_title
from safecot_dsl.diagnostics import Diagnostic, Fix
from safecot_dsl.studio.messages.policy import FindingMessage, FixEdit, FixMessage
from safecot_dsl.studio.policy.cases import json_message
from safecot_dsl.studio.policy.policies import PreparedPolicy

#: Findings of one answer.
MOST = 500


def finding_messages(found: PreparedPolicy, diagnostics: Iterable[Diagnostic]) -> tuple[FindingMessage, ...]:
    """What is to be said of a policy, in its order."""
    return tuple(_message(found, diagnostic) for diagnostic in list(diagnostics)[:MOST])


def _message(found: PreparedPolicy, diagnostic: Diagnostic) -> FindingMessage:
    path = found.shown(diagnostic.span.file)
    return FindingMessage(
        code=diagnostic.code,
        severity=diagnostic.severity,
        title=_title(diagnostic.code),
        message="\n".join([diagnostic.message, *diagnostic.notes]),
        help=diagnostic.help,
        path=path,
        line=diagnostic.span.line,
        end_line=diagnostic.span.end_line,
        fix=None if diagnostic.fix is None else _fix(found, diagnostic.fix),
        witness=None if diagnostic.witness is None else json_message(diagnostic.witness),
    )


def _title(code: str) -> str:
    page = code_pages().get(code)
    return code_title(page) if page is not None else code


def _fix(found: PreparedPolicy, fix: Fix) -> FixMessage | None:
    """Edits of the file itself; None for those of another file."""
    if found.shown(fix.span.file) != found.path:
        return None
    from safecot_dsl.lsp.positions import PositionedText  # most findings have no fix, and its import takes long

    place = PositionedText(found.text).span(fix.span)
    edit = FixEdit(
        start_line=place.start.line,
        start_character=place.start.character,
        end_line=place.end.line,
        end_character=place.end.character,
        text=fix.replacement,
    )
    return FixMessage(title=fix.title, edits=(edit,))
