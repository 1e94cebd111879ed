"""Source files, spans and messages: what the compiler has to say, as data.

Terminal and JSON output draw the same :class:`Diagnostic` objects.
"""

from safecot_dsl.diagnostics.model import Diagnostic, DiagnosticsError, Fix, Label, Severity, Span
from safecot_dsl.diagnostics.show import render_json, render_text
from safecot_dsl.diagnostics.source import SourceFile
from safecot_dsl.diagnostics.suggest import closest

__all__ = [
    "Diagnostic",
    "DiagnosticsError",
    "Fix",
    "Label",
    "Severity",
    "SourceFile",
    "Span",
    "closest",
    "render_json",
    "render_text",
]
