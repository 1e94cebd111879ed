"""What of a build is left out where a test is not about it: builds of a few steps take longer for it than to learn."""

from __future__ import annotations

import pytest

from safecot_dsl.miniature import base
from safecot_dsl.miniature.lessons import PolicyLines


def says_these(patched: pytest.MonkeyPatch, lines: PolicyLines) -> None:
    """The lines of the small world are these, and not worked out for each wording of look-ups."""
    patched.setattr(base, "taught_cases", lambda _: ())
    patched.setattr(base, "reasoning_lines", lambda *_: lines)


def learns_only(patched: pytest.MonkeyPatch, lines: PolicyLines) -> None:
    """It is not asked either what it has learnt."""
    says_these(patched, lines)
    shares = dict.fromkeys(("objects", "place", "sign", "all"), 0.0)
    patched.setattr(base, "examine", lambda *_, **__: {})
    patched.setattr(base, "sight", lambda *_, **__: shares)
