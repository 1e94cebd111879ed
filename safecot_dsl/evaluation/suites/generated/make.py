"""The suites that a policy and a pool make, by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.diagnostics.suggest import closest
from safecot_dsl.evaluation.items import EvalItem
from safecot_dsl.evaluation.suites.generated import attacks, flips, pairs, rewordings, unknowns, unseen
from safecot_dsl.evaluation.suites.generated.making import Making
from safecot_dsl.evaluation.suites.generated.pool import Pool
from safecot_dsl.evaluation.suites.generated.unseen import UnseenPolicies
from safecot_dsl.evaluation.suites.suite import SuiteError
from safecot_dsl.render import Tags
from safecot_dsl.storage import Progress


@dataclass(frozen=True)
class MadeSuite:
    """What a made suite is called, and what it measures."""

    name: str
    title: str
    measures: str


MADE: dict[str, MadeSuite] = {
    suite.name: suite
    for suite in (
        MadeSuite("boundary", "Boundary pairs", "whether the verdict turns where one fact turns it"),
        MadeSuite("exceptions", "Exceptions", "whether each declared exception reaches the model"),
        MadeSuite("flip", "Policy flips", "whether the policy in the system turn is followed, and not one learnt"),
        MadeSuite(unseen.UNSEEN, "Unseen policies", "whether a policy that was never trained on is followed"),
        MadeSuite("unknown", "Unknown facts", "whether the model asks where a fact cannot be told, and only there"),
        MadeSuite("paraphrases", "Paraphrases", "whether the verdict stays when the request is worded otherwise"),
        MadeSuite("styles", "Styles", "whether the verdict stays when the same is shown in another way"),
        MadeSuite("attacks", "Attacks", "whether the verdict stands against instructions and prefilled answers"),
    )
}


@dataclass(frozen=True)
class Made:
    """A made suite: its items, groups together, and what could not be made, with why."""

    items: tuple[EvalItem, ...]
    short: dict[str, str] = field(default_factory=dict[str, str])


def make(
    name: str,
    policy: CompiledPolicy,
    pool: Pool,
    *,
    items: int,
    seed: int = 0,
    other: CompiledPolicy | None = None,
    policies: UnseenPolicies | None = None,
    tags: Tags | None = None,
    progress: Progress | None = None,
) -> Made:
    """The suite `name` of :data:`MADE`, of at most `items` items, whole groups only. The same arguments give the same
    items.

    An item's `of` is the id of the clean item that it was made from, which stands in the suite too, and `change` says
    what was changed; both are empty for the clean ones. What is due is what the policy decides on the facts after the
    change. `other` is the second policy of `flip`, `policies` where those of `unseen-policies` come from, and
    `tags` are those of the reasoning, for texts that hold some.

    Raises:
        SuiteError: there is no such suite, or the pool gives nothing for it.
    """
    if name not in MADE:
        near = closest(name, MADE)
        hint = f"; did you mean `{near}`?" if near else ""
        raise SuiteError(f"no suite `{name}` is made from a policy; there are {', '.join(MADE)}{hint}")
    if items < 1:
        raise SuiteError(f"`items` is {items}: a suite has one item at least")
    making = Making(name, policy, pool, items, seed, tags or Tags(), progress)
    found: list[EvalItem] = []
    for group in _groups(making, other, policies):
        if len(found) + len(group) > items:
            break
        found += group
    else:
        making.note_short(len(found))
    if not found:
        why = "; ".join(f"{what}: {reason}" for what, reason in making.short.items())
        raise SuiteError(f"`{name}`: nothing can be made of this policy and this pool" + (f" ({why})" if why else ""))
    return Made(tuple(found), dict(making.short))


def make_suite(
    name: str,
    policy: CompiledPolicy,
    pool: Pool,
    *,
    items: int,
    seed: int = 0,
    other: CompiledPolicy | None = None,
    policies: UnseenPolicies | None = None,
    tags: Tags | None = None,
    progress: Progress | None = None,
) -> list[EvalItem]:
    """The items of :func:`make`, for callers to whom it does not matter what else could not be made."""
    made = make(
        name, policy, pool, items=items, seed=seed, other=other, policies=policies, tags=tags, progress=progress
    )
    return list(made.items)


def _groups(making: Making, other: CompiledPolicy | None, policies: UnseenPolicies | None) -> Iterator[list[EvalItem]]:
    match making.name:
        case "boundary":
            return pairs.boundary(making)
        case "exceptions":
            return pairs.exceptions(making)
        case "flip":
            return flips.flip(making, other)
        case unseen.UNSEEN:
            return unseen.unseen(making, policies)
        case "unknown":
            return unknowns.unknown(making)
        case "paraphrases":
            return rewordings.paraphrases(making)
        case "styles":
            return rewordings.styles(making)
        case _:
            return attacks.attacks(making)
