"""Source files, spans and messages: what the compiler has to say, as data.

Terminal, JSON, SARIF and GitHub's workflow commands draw the same :class:`Diagnostic` objects. The last two stand in
modules of their own, `safecot_dsl.diagnostics.sarif` and `.github`: few runs need them.
"""

from safecot_dsl.diagnostics.codes import Code, Severity
from safecot_dsl.diagnostics.model import Diagnostic, DiagnosticsError, Fix, Label, Span
from safecot_dsl.diagnostics.nearby import nearby, no_such_file, unreadable
from safecot_dsl.diagnostics.show import render_json, render_text
from safecot_dsl.diagnostics.source import SourceFile
from safecot_dsl.diagnostics.suggest import Suggestion, closest, suggest

__all__ = [
    "Code",
    "Diagnostic",
    "DiagnosticsError",
    "Fix",
    "Label",
    "Severity",
    "SourceFile",
    "Span",
    "Suggestion",
    "closest",
    "nearby",
    "no_such_file",
    "render_json",
    "render_text",
    "suggest",
    "unreadable",
]
