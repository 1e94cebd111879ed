"""One edit that lays a document out."""

from __future__ import annotations

from lsprotocol import types

from safecot_dsl.compiler.formatting import format_text
from safecot_dsl.diagnostics import DiagnosticsError
from safecot_dsl.lsp.documents import OpenDocument
from safecot_dsl.lsp.positions import common


def formatted(document: OpenDocument) -> list[types.TextEdit]:
    """The edit, from the first character that differs to the last; none where nothing differs or the document has
    errors."""
    content = document.text.content
    try:
        laid_out = format_text(content, str(document.path))
    except DiagnosticsError:
        return []
    if laid_out == content:
        return []
    start = common(content, laid_out)
    rest, new_rest = content[start:], laid_out[start:]
    same = common(rest[::-1], new_rest[::-1])
    end = len(content) - same
    return [types.TextEdit(document.text.range(start, end), laid_out[start : len(laid_out) - same])]
