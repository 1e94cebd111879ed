"""The text of rows: the policy's own, or a model's that was verified against the policy; and pairs to prefer it by.

The writers' door is :func:`open_writer`, the verifier's :class:`Verifier`.
"""

from safecot_dsl.dataset.writing.draft import Draft, Limits, Request
from safecot_dsl.dataset.writing.flips import Flip, Flips
from safecot_dsl.dataset.writing.model import (
    Check,
    CheckResult,
    Fault,
    Job,
    Mode,
    Writer,
    WritingCounts,
    WritingError,
    WritingRecord,
    Written,
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
    "Fault",
    "Flip",
    "Flips",
    "Job",
    "Limits",
    "Mode",
    "PairKind",
    "Preferences",
    "PromptedWriter",
    "PromptedWriting",
    "Request",
    "TemplateWriter",
    "TemplateWriting",
    "Verifier",
    "Writer",
    "Writing",
    "WritingCounts",
    "WritingError",
    "WritingRecord",
    "Written",
    "failed",
    "open_writer",
    "verify",
]
