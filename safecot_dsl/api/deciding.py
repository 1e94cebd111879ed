"""What a policy says of one case, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from safecot_dsl.api.arguments import a_policy
from safecot_dsl.artifact import Case, Decision, case_of
from safecot_dsl.engine import Explanation
from safecot_dsl.engine import explain as explain_case
from safecot_dsl.workspace import Policy


def decide(policy: Policy, case: Case | Mapping[str, Any]) -> Decision:
    """What a policy says of a case.

    Args:
        policy: what `load` gave.
        case: the facts by name, `{"image.objects": ["bleach"], "query.intent": "mix"}`; a fact that is missing, or
            None, is not known, and of one that is `{"unknown": True}` somebody looked and could not tell. A case may
            also be written as `safecotc decide` reads it, `{"facts": {...}}`, or be a `Case`.

    Returns:
        The decision, with its `verdict`, the rules that are `deciding`, whether it is `certain`, and the facts that are
        `unsettled` where it is not.

    Raises:
        CaseError: the case does not fit the policy's facts; `faults` are all that is wrong with it.
        UsageError: the policy is none.
    """
    policy = a_policy("decide", policy)
    return policy.interpreter.decide(case_of(policy.compiled, case))


def explain(policy: Policy, case: Case | Mapping[str, Any]) -> Explanation:
    """Why a case is decided as it is: every rule, what its condition came to, and the values that made it so.

    Args:
        policy: what `load` gave.
        case: as for `decide`.

    Returns:
        The explanation, whose `rules` are in the order of the source. `str` of it has a line for each rule and, of
        those that apply or may, for each part of their conditions.

    Raises:
        CaseError: the case does not fit the policy's facts.
        UsageError: the policy is none.
    """
    policy = a_policy("explain", policy)
    return explain_case(policy.interpreter, case_of(policy.compiled, case))
