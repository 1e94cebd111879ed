"""The policy's own texts."""

from __future__ import annotations

from collections.abc import Sequence

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset.writing.model import Job, WritingRecord, WrittenText
from safecot_dsl.engine import Interpreter
from safecot_dsl.render import Reasoning, ReasoningStyle, Renderer

_RECORD = WritingRecord(mode="template")


class TemplateWriter:
    """Writes what the policy's authors wrote, and builds what they did not (language charter, *Reasoning and
    answers*)."""

    def __init__(self, policy: CompiledPolicy, style: ReasoningStyle, reasoning: Reasoning | None = None) -> None:
        self._renderer = Renderer(Interpreter(policy), reasoning)
        self._style = style

    def write(self, jobs: Sequence[Job]) -> list[WrittenText]:
        """One text a job; that of a job whose answer is still needed has none (`Rendered.needs_answer`)."""
        return [
            WrittenText(
                self._renderer.render(
                    job.case,
                    style=self._style,
                    seed=job.seed,
                    source_answer=job.source_answer,
                    decision=job.decision,
                ),
                _RECORD,
            )
            for job in jobs
        ]
