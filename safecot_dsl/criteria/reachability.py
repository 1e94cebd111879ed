"""Classes that no response can be in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from safecot_dsl.artifact import And, AtLeast, Condition, Criteria, Not, Or, Proposed, Verdict
from safecot_dsl.artifact.base import Frozen
from safecot_dsl.criteria.conditions import let_order, names
from safecot_dsl.engine.columns import at_least_of

#: A truth table of 2^20 rows is a 128 KiB integer, and an operation on it takes microseconds.
MOST_PROPOSITIONS: Final = 20


class UnreachableClass(Frozen):
    """Class `name`, for the verdict `due`: every response that it would take is in an earlier class, or none fits."""

    due: Verdict
    name: str


class TooManyPropositionsError(ValueError):
    """The classes of one verdict speak of more propositions than a truth table is made for."""


def unreachable_classes(criteria: Criteria, *, limit: int = MOST_PROPOSITIONS) -> list[UnreachableClass]:
    """The classes that no combination of answers leads to, by exhaustion; `otherwise` is a class too.

    Propositions count as independent: that two of them exclude each other by what they mean is not known here. Raises
    :class:`TooManyPropositionsError` where the classes of one verdict name, through lets, more than `limit` of them.
    """
    found: list[UnreachableClass] = []
    for due, classes in criteria.due.items():
        conditions = [candidate.when for candidate in classes.classes]
        table = _TruthTable(criteria, _propositions(criteria, conditions), due, limit)
        left = table.every
        for candidate in classes.classes:
            taken = table.column(candidate.when)
            if not left & taken:
                found.append(UnreachableClass(due=due, name=candidate.name))
            left &= ~taken
        if not left:
            found.append(UnreachableClass(due=due, name=classes.otherwise))
    return found


def _propositions(criteria: Criteria, conditions: Sequence[Condition]) -> list[str]:
    """The propositions that the conditions depend on, through lets."""
    lets = {name: set(names(criteria.lets[name])) for name in let_order(criteria)}
    used = {name for condition in conditions for name in names(condition)}
    for name in reversed(lets):
        if name in used:
            used |= lets[name]
    return sorted(used - lets.keys())


class _TruthTable:
    """All combinations of yes and no; bit `r` of a column says what a condition comes to in row `r`."""

    def __init__(self, criteria: Criteria, propositions: Sequence[str], due: Verdict, limit: int) -> None:
        if len(propositions) > limit:
            raise TooManyPropositionsError(
                f"the classes for `{due}` depend on {len(propositions)} propositions; "
                f"whether each can be reached is worked out for at most {limit}"
            )
        rows = 1 << len(propositions)
        self.every = (1 << rows) - 1
        self._columns = {name: _alternating(1 << k, rows) for k, name in enumerate(propositions)}
        for name in let_order(criteria):
            if all(used in self._columns for used in names(criteria.lets[name])):
                self._columns[name] = self.column(criteria.lets[name])

    def column(self, condition: Condition) -> int:
        match condition:
            case Proposed(name=name):
                return self._columns[name]
            case Not(item=item):
                return self.every & ~self.column(item)
            case And(items=items):
                return self._at_least(len(items), items)
            case Or(items=items):
                return self._at_least(1, items)
            case AtLeast(count=count, items=items):
                return self._at_least(count, items)
            case _:
                raise TypeError(f"criteria are about propositions, but a condition reads the fact `{condition.fact}`")

    def _at_least(self, count: int, items: Sequence[Condition]) -> int:
        return at_least_of(count, map(self.column, items), self.every, 0)


def _alternating(block: int, rows: int) -> int:
    """`rows` bits in which blocks of no and blocks of yes, of `block` bits each, take turns."""
    column, width = ((1 << block) - 1) << block, 2 * block
    while width < rows:
        column |= column << width
        width *= 2
    return column
