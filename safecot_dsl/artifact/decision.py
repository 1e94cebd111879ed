"""What a policy says of one case."""

from __future__ import annotations

from typing import Any

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.artifact.verdict import Verdict


class Decision(Frozen):
    """The decision on one case.

    `lower` and `upper` bound every verdict that learning the unknown facts could give; `certain` says that they are
    equal. `effective` are the rules in force for certain (C), `undecided` those that may be (M). `unsettled` are the
    facts to learn so that the case becomes certain, and `assumed` the suppositions that were filled in. `speaker` is
    the rule whose text is used, `default` or `unsure`. Lists are sorted by code point.
    """

    verdict: Verdict
    lower: Verdict
    upper: Verdict
    certain: bool
    deciding: tuple[str, ...]
    effective: tuple[str, ...]
    undecided: tuple[str, ...]
    unsettled: tuple[str, ...]
    speaker: str
    assumed: dict[str, Any]
    policy: str
