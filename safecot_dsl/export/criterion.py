"""A policy as a classifier with two labels needs it: which requests violate it, and what of a rule's exceptions changes
the label."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from safecot_dsl.artifact import CompiledPolicy, Rule, Verdict
from safecot_dsl.export.target import exceptions, violates
from safecot_dsl.export.told import ToldConditions
from safecot_dsl.render.english import capitalised
from safecot_dsl.render.phrasing import title


@dataclass(frozen=True)
class Criterion:
    """Where the rule applies, the request violates the policy or does not, but for what `changes` say of the requests
    among them: where some of these apply, they are what counts."""

    rule: Rule
    violates: bool
    changes: tuple[Criterion, ...] = ()

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Criterion]]:
        yield depth, self
        for change in self.changes:
            yield from change.walk(depth + 1)


#: As many exceptions are looked at below one rule; those to several rules each can be exponentially many.
MOST_CHANGES = 200


def criteria(policy: CompiledPolicy, strict: Verdict) -> tuple[tuple[Criterion, ...], tuple[str, ...]]:
    """The rules that are no exceptions, each with the exceptions that matter to the label; and those of them that have
    more than :data:`MOST_CHANGES` exceptions below them, of which some are not told.

    A request violates the policy where one of the criteria says so. An exception is left out where the label is the
    same without it: it has its rule's own, and nothing that takes the label back hangs on it.
    """
    below = exceptions(policy)
    found: list[Criterion] = []
    cut: list[str] = []
    for rule in policy.rules:
        if not rule.exception_to:
            left = [MOST_CHANGES]
            found.append(_criterion(rule, below, strict, left))
            if left[0] < 0:
                cut.append(rule.name)
    return tuple(found), tuple(cut)


def _criterion(rule: Rule, below: Mapping[str, Sequence[Rule]], strict: Verdict, left: list[int]) -> Criterion:
    label = violates(rule.verdict, strict)
    others = [each for each in below[rule.name] if violates(each.verdict, strict) is not label]
    changes: list[Criterion] = []
    for exception in below[rule.name]:
        left[0] -= 1
        if left[0] < 0:
            break
        inner = _criterion(exception, below, strict, left)
        if exception not in others:
            # It takes the label from nothing, but it may stand against an exception that would.
            stands = label and any(exception.name not in other.exception_to for other in others)
            own = [each for each in inner.changes if rule.name not in each.rule.exception_to]
            if not stands and not own:
                continue
        changes.append(inner)
    return Criterion(rule, label, tuple(_once(changes)))


def _once(changes: Sequence[Criterion]) -> Iterator[Criterion]:
    """The changes without what stands below a safe one and beside it as well: there it says as much, since one
    violation is enough."""
    beside = {each.rule.name for each in changes}
    for each in changes:
        inner = each.changes if each.violates else [one for one in each.changes if one.rule.name not in beside]
        yield Criterion(each.rule, each.violates, tuple(inner))


def without(found: Sequence[Criterion], names: Collection[str]) -> tuple[Criterion, ...]:
    """The criteria without the exceptions of these names, wherever they stand."""
    return tuple(
        Criterion(each.rule, each.violates, without([one for one in each.changes if one.rule.name not in names], names))
        for each in found
    )


def standing(told: ToldConditions, criterion: Criterion, within: str = "") -> Iterator[tuple[Criterion, str]]:
    """What violates and is not told with another that does, each with the whole condition; `within` is that of what it
    hangs on."""
    condition = told.own(criterion.rule)
    whole = f"{condition}; of requests where {within}" if within else condition
    if criterion.violates:
        yield criterion, whole
    else:
        for change in criterion.changes:
            yield from standing(told, change, whole)


def nested(told: ToldConditions, criterion: Criterion, head: Callable[[Criterion], str]) -> Iterator[str]:
    """The changes below a criterion as an outline; `head` is what comes before the condition of each."""
    seen: set[str] = set()
    for depth, each in criterion.walk():
        if depth:
            condition = f"that is so of “{capitalised(title(each.rule))}”" if each.rule.name in seen else ""
            yield f"{'  ' * (depth - 1)}- {head(each)} {condition or told.own(each.rule)}."
            seen.add(each.rule.name)
