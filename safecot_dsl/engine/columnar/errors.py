"""What is wrong with a table of cases."""

from __future__ import annotations

from safecot_dsl.errors import SafecotError


class FrameError(SafecotError, ValueError):
    """The table does not fit the policy's facts: a column that it lacks or does not declare, or a value outside."""
