"""A diagnostic is data: a code, a severity, a message, labelled spans, a help text and perhaps a fix."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from safecot_dsl.diagnostics.codes import Code, Severity
from safecot_dsl.errors import SafecotError


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Span(_Frozen):
    """A piece of a source file: lines and columns count from 1, columns in code points, the end is exclusive."""

    file: str = Field(description="The path of the file.")
    line: int = Field(description="The line that it starts on, from 1.")
    column: int = Field(description="The column that it starts in, from 1, in code points.")
    end_line: int = Field(description="The line that it ends on, from 1.")
    end_column: int = Field(description="The column just after its end, from 1, in code points.")

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Label(_Frozen):
    """A secondary place that explains the first one, such as an earlier declaration."""

    span: Span
    message: str


class Fix(_Frozen):
    """A replacement of `span` that mends the fault."""

    title: str
    span: Span
    replacement: str


class Diagnostic(_Frozen):
    """One thing that the compiler says of a source.

    Messages are lower case, without a final period, with what the user wrote in backticks; `help` says how to
    mend it, apart from the message. `notes` are further facts, one a line, such as a witness and what is decided of
    it; `witness` is that case in its JSON form, for programs. `severity` is the code's where none is given.
    """

    code: Code
    severity: Severity = Field(default_factory=lambda said: said["code"].severity)
    message: str
    span: Span
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str | None = None
    fix: Fix | None = None
    witness: dict[str, Any] | None = None

    def __str__(self) -> str:
        return f"{self.span}: {self.severity}[{self.code}]: {self.message}"


class DiagnosticsError(SafecotError):
    """The sources do not give what was asked for: a policy has errors, or cannot be read. `diagnostics` are all that is
    to be said; the message is the first error, with its file, line and column, and how many more there are."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        self.diagnostics = diagnostics
        errors = [d for d in diagnostics if d.severity is Severity.ERROR]
        first = errors[0] if errors else diagnostics[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"{first.span}: {first.message}{more}")

    def __reduce__(self) -> tuple[Any, ...]:
        """As it comes out of another process."""
        return type(self), (self.diagnostics,)
