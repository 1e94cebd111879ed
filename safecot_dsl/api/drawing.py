"""Cases of a policy, drawn."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from safecot_dsl.api.arguments import a_count, a_mapping, a_policy, a_text, a_verdict
from safecot_dsl.artifact import Case, Verdict
from safecot_dsl.errors import NoSuchCaseError
from safecot_dsl.workspace import Policy


def cases(
    policy: Policy,
    count: int = 10,
    *,
    where: str | None = None,
    verdict: Verdict | str | None = None,
    decided_by: str | None = None,
    fixed: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> list[Case]:
    """Cases of a policy, drawn as different as its conditions can tell them apart, with every fact known.

    For tests that shrink what they find there are Hypothesis strategies with the same arguments and more,
    `safecot_dsl.testing.cases(policy)` (the extra `test`).

    Args:
        policy: what `load` gave.
        count: how many. A case may come twice, and does where few are so.
        where: a condition that holds of every case, in the policy's own words: `"toxic_pair and query.intent is mix"`.
        verdict: the verdict on every case.
        decided_by: a rule that is among the deciding ones of every case, or `"default"`.
        fixed: facts that every case has, as in a case; of a node of a taxonomy each has one of the leaves below it.
        seed: equal seeds give equal cases.

    Raises:
        NoSuchCaseError: no case is so: the solver has ruled it out.
        UndecidedError: nobody can say in time.
        DiagnosticsError: `where` is no condition on the policy's facts; the message has its line and column.
        CaseError: `fixed` does not fit the policy's facts.
        UsageError: there is no such rule or verdict, or an argument is none that this takes.
    """
    from safecot_dsl.analysis.cases import models
    from safecot_dsl.testing.strategies_where import requirement

    policy = a_policy("cases", policy)
    count, seed = a_count("count", count), a_count("seed", seed, None)
    wanted = requirement(
        policy,
        None if where is None else a_text("where", where),
        None if verdict is None else a_verdict(verdict),
        None if decided_by is None else a_text("decided_by", decided_by),
        {name: value for name, value in a_mapping("fixed", fixed).items() if value is not None},
    )
    drawn = models(
        policy.compiled,
        wanted.condition,
        verdict=wanted.verdict,
        deciding=wanted.deciding,
        fixed=wanted.fixed,
        seed=seed,
    )
    found = list(islice(drawn, count))
    if len(found) < count:
        raise NoSuchCaseError("no case is as it is asked for")
    return found
