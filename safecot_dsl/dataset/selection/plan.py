"""What is asked of a selection, what it is asked of, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, Protocol, TypeVar

if TYPE_CHECKING:
    from safecot_dsl.artifact import Case, Decision
    from safecot_dsl.dataset.candidates import Stratum
    from safecot_dsl.dataset.selection.contrast import WayCount
    from safecot_dsl.dataset.selection.goals import GoalCount

Kind = Literal["random", "stratified", "contrast", "coverage"]


class Selectable(Protocol):
    """What can be selected: a request that the policy has decided. Selecting reads neither its texts nor its images, so
    that a million of them fit in memory. `case` is asked for only where pairs are made."""

    @property
    def key(self) -> str:
        """Tells it from every other one of the pool."""
        ...

    @property
    def case(self) -> Case: ...

    @property
    def decision(self) -> Decision: ...

    @property
    def stratum(self) -> Stratum: ...

    @property
    def refused(self) -> bool: ...


S = TypeVar("S", bound=Selectable)

#: What differs from one in a single fact, or None where its source cannot make any.
Neighbours = Callable[[S], "Sequence[S] | None"]


@dataclass(frozen=True)
class SelectionPlan:
    """How many rows, and how they are chosen.

    - `random`: `balance` of the rows refused, the others not, each drawn uniformly.
    - `stratified`: the same two shares, and within each the strata take turns until it is full.
    - `contrast`: pairs for every way out of every rule: it decides, and one of its literals fails.
    - `coverage`: first `each` rows for every rule, exception and verdict, then contrast pairs that differ in at most
      `distance` facts until `pairs` of the rows stand in one, then as `stratified` up to `balance`.

    `rows` None takes all that the pool gives (`contrast`: all pairs). `balance` None leaves the share of refused rows
    as it comes. `each` None is a third of the rows shared out among the goals, at least one for each. `unknown` is the
    share of rows whose verdict hangs on a fact that cannot be told; with 0 they are as they come (`contrast`: none).
    They are drawn first, and the rest is as above, from the requests whose verdict is certain.
    """

    kind: Kind = "random"
    rows: int | None = None
    balance: float | None = 0.5
    each: int | None = None
    pairs: float = 0.5
    distance: int = 1
    unknown: float = 0

    def __post_init__(self) -> None:
        if self.rows is not None and self.rows < 1:
            raise ValueError(f"`rows` is {self.rows}; it must be at least 1")
        if self.balance is not None and not 0 <= self.balance <= 1:
            raise ValueError(f"`balance` is {self.balance}; it is a share, from 0 to 1")
        if self.each is not None and self.each < 1:
            raise ValueError(f"`each` is {self.each}; it must be at least 1")
        if not 0 <= self.pairs <= 1:
            raise ValueError(f"`pairs` is {self.pairs}; it is a share, from 0 to 1")
        if not 0 <= self.unknown <= 1:
            raise ValueError(f"`unknown` is {self.unknown}; it is a share, from 0 to 1")
        if self.unknown and self.rows is None:
            raise ValueError("`unknown` is a share of the `rows`; say how many rows there are to be")
        if self.kind == "contrast" and self.unknown > 0.5:
            raise ValueError(f"`unknown` is {self.unknown}; of a pair one row is known, so it is 0.5 at most")
        if self.distance < 1:
            raise ValueError(f"`distance` is {self.distance}; two requests of a pair differ in at least 1 fact")


@dataclass(frozen=True)
class Chosen(Generic[S]):
    """A candidate that becomes a row. `pair` is shared by the two rows of a contrast pair, else ""; `distance` is the
    number of facts in which they differ, 0 outside pairs. `why` says in a few words what it was chosen for."""

    candidate: S
    pair: str = ""
    distance: int = 0
    why: str = ""


@dataclass(frozen=True)
class Selection(Generic[S]):
    """What was chosen, and how many rows were asked for and could not be had, by what is missing. `goals` counts what
    every verdict, rule and exception got, for every kind of plan; `ways` what every way out of every rule got, where
    the plan asks for pairs."""

    chosen: tuple[Chosen[S], ...]
    short: dict[str, int]
    goals: tuple[GoalCount, ...] = ()
    ways: tuple[WayCount, ...] = ()
