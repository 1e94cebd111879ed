"""What a policy says of one case."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.artifact.verdict import Verdict


class Decision(Frozen):
    """The decision on one case.

    `lower` and `upper` bound every verdict that learning the unknown facts could give; `certain` says that they are
    equal. `effective` are the rules in force for certain (C), `undecided` those that may be (M). `unsettled` are the
    facts to learn so that the case becomes certain, and `assumed` the suppositions that were filled in. `speaker` is
    the rule whose text is used, `default` or `unsure`. Lists are sorted by code point.
    """

    verdict: Verdict = Field(description="What a response owes to the request.")
    lower: Verdict = Field(description="The laxest verdict that learning the unknown facts could give.")
    upper: Verdict = Field(description="The strictest verdict that learning the unknown facts could give.")
    certain: bool = Field(description="Whether these two are equal, so that nothing unknown can change the verdict.")
    deciding: tuple[str, ...] = Field(
        description="The rules that the verdict comes from, by name; empty where it is `default` or `unsure`."
    )
    effective: tuple[str, ...] = Field(description="The rules that are in force for certain, by name.")
    undecided: tuple[str, ...] = Field(
        description="The rules that may be in force, by name: what they ask of is not known."
    )
    unsettled: tuple[str, ...] = Field(
        description="The facts that would have to be known for the verdict to be certain, by full name."
    )
    speaker: str = Field(description="The rule whose texts are used, `default` or `unsure`.")
    assumed: dict[str, Any] = Field(description="What was supposed of facts that nobody knows, by full name.")
    policy: str = Field(description="The digest of the policy that decided.")
