"""The text of rows: the policy's own, or a model's that was verified against the policy; and pairs to prefer it by.

The writers' door is :func:`open_writer`, the verifier's :class:`Verifier`.
"""

from safecot_dsl.dataset.writing.draft import Draft, DraftedRequest, LengthLimits
from safecot_dsl.dataset.writing.flips import Flip, Flips
from safecot_dsl.dataset.writing.model import (
    Check,
    CheckResult,
    Job,
    Mode,
    Writer,
    WritingCounts,
    WritingError,
    WritingFault,
    WritingRecord,
    WrittenText,
)
from safecot_dsl.dataset.writing.opening import open_writer
from safecot_dsl.dataset.writing.preferences import PairKind, Preferences
from safecot_dsl.dataset.writing.prompted import PromptedWriter
from safecot_dsl.dataset.writing.settings import PromptedWriting, TemplateWriting, Writing
from safecot_dsl.dataset.writing.template import TemplateWriter
from safecot_dsl.dataset.writing.verify import Verifier, failed, verify

__all__ = [
    "Check",
    "CheckResult",
    "Draft",
    "DraftedRequest",
    "Flip",
    "Flips",
    "Job",
    "LengthLimits",
    "Mode",
    "PairKind",
    "Preferences",
    "PromptedWriter",
    "PromptedWriting",
    "TemplateWriter",
    "TemplateWriting",
    "Verifier",
    "Writer",
    "Writing",
    "WritingCounts",
    "WritingError",
    "WritingFault",
    "WritingRecord",
    "WrittenText",
    "failed",
    "open_writer",
    "verify",
]
