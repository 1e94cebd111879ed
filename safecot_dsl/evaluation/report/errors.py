"""What keeps folders from being compared."""

from __future__ import annotations


class ReportError(ValueError):
    """The folders cannot be compared; the message says which, why, and what to do."""
