"""Where a thing of a policy stands, in files named as they are to people."""

from __future__ import annotations

from safecot_dsl.diagnostics import Span
from safecot_dsl.workspace.open import Opened


class Places:
    """The places of an opened policy by source-map key; `entry` is the policy's own file."""

    def __init__(self, opened: Opened) -> None:
        self._policy = opened.policy
        self.entry = str(opened.path)
        self._paths = {module.record: module.report.source.path for module in opened.modules}

    def find(self, key: str) -> Span | None:
        """The span, or None where the policy says of none."""
        span = None if self._policy is None else self._policy.span(key)
        return None if span is None else self.shown(span)

    def of(self, key: str) -> Span:
        """The span; the start of the policy's own file where the policy says of none."""
        return self.find(key) or Span(file=self.entry, line=1, column=1, end_line=1, end_column=1)

    def shown(self, span: Span) -> Span:
        """The span in the file's own path; in a compiled artifact, in the artifact's."""
        return span.model_copy(update={"file": self._paths.get(span.file, self.entry)})

    def line(self, key: str) -> str:
        """`policy.safecot:12`, or the file alone."""
        span = self.find(key)
        return self.entry if span is None else f"{span.file}:{span.line}"
