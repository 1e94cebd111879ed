"""What is raised where two accounts differ."""

from __future__ import annotations

import json

from safecot_dsl.artifact import Case, CompiledPolicy


class Disagreement(AssertionError):
    """Two of the accounts say different things of a case."""

    def __init__(self, policy: CompiledPolicy, case: Case, what: str) -> None:
        super().__init__(f"{what}\ncase: {json.dumps(case.to_json())}\npolicy: {policy.to_json()}")
