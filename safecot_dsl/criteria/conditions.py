"""Conditions over propositions, in strong Kleene logic: True, False, and None for maybe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from safecot_dsl.artifact import And, AtLeast, Condition, Criteria, Not, Or, Proposed, atoms
from safecot_dsl.engine.truth import Truth, at_least


def evaluate(condition: Condition, values: Mapping[str, bool | None]) -> bool | None:
    """What a condition over propositions comes to; `values` holds every proposition and `let` that it names.

    Raises `KeyError` for a name that is missing and `TypeError` for an atom over a fact, which criteria cannot have.
    """
    return _truth(condition, values).known


def _truth(condition: Condition, values: Mapping[str, bool | None]) -> Truth:
    match condition:
        case Proposed(name=name):
            return Truth.of(values[name])
        case Not(item=item):
            return ~_truth(item, values)
        case And(items=items):
            return at_least(len(items), [_truth(item, values) for item in items])
        case Or(items=items):
            return at_least(1, [_truth(item, values) for item in items])
        case AtLeast(count=count, items=items):
            return at_least(count, [_truth(item, values) for item in items])
        case _:
            raise TypeError(f"criteria are about propositions, but a condition reads the fact `{condition.fact}`")


def conjunction(conditions: Sequence[Condition]) -> Condition:
    """The condition that all of `conditions` hold."""
    return conditions[0] if len(conditions) == 1 else And(items=tuple(conditions))


def complete(
    criteria: Criteria, propositions: Mapping[str, bool | None], order: Sequence[str] | None = None
) -> dict[str, bool | None]:
    """`propositions` with every `let` worked out, in order of dependence; `order` is :func:`let_order`, where it is
    at hand.

    Raises `ValueError` where lets refer to each other in a circle or to nothing, which no compiler lets through.
    """
    values = dict(propositions)
    for name in let_order(criteria) if order is None else order:
        values[name] = evaluate(criteria.lets[name], values)
    return values


def let_order(criteria: Criteria) -> list[str]:
    """The lets, each after those that it refers to.

    Raises:
        ValueError: the lets refer to each other in a circle, or to a name that nothing has.
    """
    order: list[str] = []
    state: dict[str, str] = dict.fromkeys(criteria.propositions, "done")

    def visit(name: str, path: tuple[str, ...]) -> None:
        if state.get(name) == "done":
            return
        if name in path:
            raise ValueError(
                f"`let`s refer to each other in a circle: {' -> '.join((*path[path.index(name) :], name))}"
            )
        if name not in criteria.lets:
            raise ValueError(f"the criteria know no proposition or `let` named `{name}`")
        for used in names(criteria.lets[name]):
            visit(used, (*path, name))
        state[name] = "done"
        order.append(name)

    for name in criteria.lets:
        visit(name, ())
    return order


def names(condition: Condition) -> Iterator[str]:
    """The propositions and lets that a condition names, in source order, repeated as they are."""
    for atom in atoms(condition):
        if isinstance(atom, Proposed):
            yield atom.name


def open_propositions(criteria: Criteria, condition: Condition, values: Mapping[str, bool | None]) -> list[str]:
    """The unanswered propositions that a condition depends on, through lets, in order of appearance."""
    found: dict[str, None] = {}

    def walk(node: Condition) -> None:
        for name in names(node):
            if values[name] is not None:
                continue
            if name in criteria.propositions:
                found[name] = None
            else:
                walk(criteria.lets[name])

    walk(condition)
    return list(found)
