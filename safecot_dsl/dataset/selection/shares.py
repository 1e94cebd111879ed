"""Rows drawn at random, or by strata in turn, within a share of refused and a share of other rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from safecot_dsl.dataset.selection.draws import first_drawn, in_turn
from safecot_dsl.dataset.selection.plan import Chosen, S, Selection


def select_random(pool: Sequence[S], *, rows: int | None, balance: float | None, seed: int) -> Selection[S]:
    """`rows` candidates drawn uniformly, `balance` of them refused; all where `rows` is None. In the pool's order."""
    return _select(pool, rows, balance, lambda group, wanted: first_drawn(group, wanted, seed, "random"), "drawn")


def select_stratified(pool: Sequence[S], *, rows: int | None, balance: float | None, seed: int) -> Selection[S]:
    """As :func:`select_random`, but within each share the strata take turns until it is full: small strata are used
    up, large ones get equal parts of the rest. In the pool's order."""
    return _select(
        pool, rows, balance, lambda group, wanted: islice(in_turn(group, seed), wanted), "turn of its stratum"
    )


def shares(rows: int, balance: float | None) -> dict[str, int]:
    """How many rows each share gets, by its name in `short`."""
    if balance is None:
        return {"rows": rows}
    refused = round(rows * balance)
    return {"refused": refused, "not_refused": rows - refused}


def of_share(pool: Iterable[S], name: str) -> list[S]:
    """The part of the pool that a share is taken from."""
    return [c for c in pool if name == "rows" or c.refused == (name == "refused")]


def _select(
    pool: Sequence[S],
    rows: int | None,
    balance: float | None,
    first: Callable[[Sequence[S], int], Iterable[S]],
    why: str,
) -> Selection[S]:
    if rows is None:
        return Selection(tuple(Chosen(candidate, why="all are taken") for candidate in pool), {})
    taken: set[str] = set()
    short: dict[str, int] = {}
    for name, wanted in shares(rows, balance).items():
        picked = [candidate.key for candidate in first(of_share(pool, name), wanted)]
        taken.update(picked)
        if len(picked) < wanted:
            short[name] = wanted - len(picked)
    return Selection(tuple(Chosen(candidate, why=why) for candidate in pool if candidate.key in taken), short)
