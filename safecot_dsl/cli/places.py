"""Where a thing of a policy stands, in files named as they are to people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from safecot_dsl.workspace import Opened


class Places:
    """The places of an opened policy by source-map key; `entry` is the policy's own file."""

    def __init__(self, opened: Opened) -> None:
        self._policy = opened.policy
        self.entry = str(opened.path)
        self._paths = {module.record: module.report.source.path for module in opened.modules}

    def of(self, key: str) -> tuple[str, int | None]:
        """The file and the line; of an artifact, the artifact and the line in the source that it was made from."""
        span = None if self._policy is None else self._policy.span(key)
        return (self.entry, None) if span is None else (self._paths.get(span.file, self.entry), span.line)

    def shown(self, key: str) -> str:
        """`policy.safecot:12`."""
        file, line = self.of(key)
        return file if line is None else f"{file}:{line}"
