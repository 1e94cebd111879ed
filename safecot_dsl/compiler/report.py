"""Collects what the compiler has to say of one file, by character offsets."""

from __future__ import annotations

from collections.abc import Iterable

from safecot_dsl.diagnostics import Code, Diagnostic, Fix, Label, Severity, SourceFile, Suggestion, suggest

MAX_DIAGNOSTICS = 1_000  # of one file: nobody reads more, and a file of noise would take minutes
MAX_SUGGESTIONS = 100  # the diagnostics of one file with one: to find it among ten thousand names takes a moment


class Reporter:
    """The diagnostics of one file, in the order in which they were found, up to `MAX_DIAGNOSTICS`."""

    def __init__(self, source: SourceFile) -> None:
        self.source = source
        self.diagnostics: list[Diagnostic] = []
        self._said: set[tuple[Code, str, int, int]] = set()

    @property
    def failed(self) -> bool:
        return any(d.severity is Severity.ERROR for d in self.diagnostics)

    def error(
        self,
        code: Code,
        message: str,
        start: int,
        end: int,
        *,
        help: str | None = None,
        replacement: str | None = None,
        replaced: tuple[int, int] | None = None,
        labels: tuple[Label, ...] = (),
    ) -> None:
        """Report an error on the characters from `start` to `end`. `replacement` mends them, or the characters
        `replaced` where these are others. It is given only where nothing else can have been meant."""
        self._add(code, message, start, end, help, replacement, replaced, labels)

    def warning(self, code: Code, message: str, start: int, end: int, *, help: str | None = None) -> None:
        self._add(code, message, start, end, help, None, None, ())

    def withdraw(self, code: Code, start: int, end: int) -> None:
        """Take back what was said with `code` of the characters from `start` to `end`: another fault explains it."""
        first, last = self.source.position(start), self.source.position(end)
        self.diagnostics = [
            said
            for said in self.diagnostics
            if said.code is not code or not first <= (said.span.line, said.span.column) < last
        ]

    def meant(self, name: str, known: Iterable[str]) -> Suggestion:
        """The known names of which one was probably meant; none once many have been suggested."""
        return suggest(name, known) if len(self.diagnostics) < MAX_SUGGESTIONS else Suggestion()

    def label(self, message: str, start: int, end: int) -> Label:
        """A second place in this file."""
        return Label(span=self.source.span(start, end), message=message)

    def _add(
        self,
        code: Code,
        message: str,
        start: int,
        end: int,
        help: str | None,
        replacement: str | None,
        replaced: tuple[int, int] | None,
        labels: tuple[Label, ...],
    ) -> None:
        if len(self.diagnostics) > MAX_DIAGNOSTICS or (code, message, start, end) in self._said:
            return
        self._said.add((code, message, start, end))  # one fault is met on several ways, such as by each row of a table
        span = self.source.span(start, end)
        if len(self.diagnostics) == MAX_DIAGNOSTICS:
            code, help, replacement, labels = Code.LIMIT_REACHED, None, None, ()
            message = f"the file has more than {MAX_DIAGNOSTICS:,} faults; the rest is not reported"
        fix = None
        if replacement is not None:
            title = f"replace by `{replacement.strip()}`" if replacement.strip() else "remove it"
            place = span if replaced is None else self.source.span(*replaced)
            fix = Fix(title=title, span=place, replacement=replacement)
        self.diagnostics.append(Diagnostic(code=code, message=message, span=span, labels=labels, help=help, fix=fix))
