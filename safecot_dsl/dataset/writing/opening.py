"""The writer that a recipe asks for."""

from __future__ import annotations

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.dataset.writing.model import Writer
from safecot_dsl.dataset.writing.prompted import PromptedWriter
from safecot_dsl.dataset.writing.settings import PromptedWriting, TemplateWriting
from safecot_dsl.dataset.writing.template import TemplateWriter
from safecot_dsl.models import Asker, Endpoint
from safecot_dsl.render import Reasoning, ReasoningStyle, Tags
from safecot_dsl.storage import Cache, Progress


def open_writer(
    settings: TemplateWriting | PromptedWriting,
    policy: CompiledPolicy,
    *,
    style: ReasoningStyle,
    reasoning: Reasoning | None = None,
    tags: Tags | None = None,
    cache: Cache | None = None,
    asker: Asker | None = None,
    progress: Progress | None = None,
) -> Writer:
    """The writer. A prompted one asks `asker`, else the settings' endpoint, whose answers are kept in `cache`.

    Raises :class:`~safecot_dsl.models.ModelError` where the endpoint's key is not set.
    """
    if isinstance(settings, TemplateWriting):
        return TemplateWriter(policy, style, reasoning)
    asked = asker if asker is not None else Endpoint(settings.endpoint, cache=cache)
    return PromptedWriter(policy, asked, settings, style=style, reasoning=reasoning, tags=tags, progress=progress)
