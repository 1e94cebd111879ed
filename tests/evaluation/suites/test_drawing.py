"""A limit leaves whole groups of every subset, the same each time."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from safecot_dsl.evaluation import EvalItem, ItemKind
from safecot_dsl.evaluation.suites.drawing import drawn


def item(number: int, split: str, group: str) -> EvalItem:
    return EvalItem(id=f"i{number}", split=split, kind=ItemKind.POLICY, prompt="p", must="refuse", group=group)


_ITEMS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["", "", "g", "h", "k"])), max_size=20).map(
    lambda made: [item(number, split, group) for number, (split, group) in enumerate(made)]
)


@given(items=_ITEMS, limit=st.integers(0, 25), seed=st.integers(0, 3))
def test_groups_stay_whole_and_the_order_is_kept(items: list[EvalItem], limit: int, seed: int) -> None:
    chosen = drawn(items, limit, seed)
    assert len(chosen) <= limit
    assert list(chosen) == [one for one in items if one in chosen]
    sizes = Counter(one.group for one in items)
    kept = Counter(one.group for one in chosen)
    assert all(kept[group] in (0, sizes[group]) for group in sizes if group)
    assert drawn(items, limit, seed) == chosen
    if limit >= len(items):
        assert list(chosen) == items


@given(items=_ITEMS, seed=st.integers(0, 3))
def test_every_subset_is_there_before_one_has_two(items: list[EvalItem], seed: int) -> None:
    """Single items alone: the shares of the subsets differ by one at most, until one is used up."""
    alone = [one.model_copy(update={"group": ""}) for one in items]
    sizes = Counter(one.split for one in alone)
    for limit in range(len(alone) + 1):
        kept = Counter(one.split for one in drawn(alone, limit, seed))
        assert sum(kept.values()) == limit
        most = max(kept.values(), default=0)
        assert all(kept[split] >= min(size, most - 1) for split, size in sizes.items())


def test_the_seed_draws() -> None:
    items = [item(number, "a", "") for number in range(40)]
    draws = {tuple(one.id for one in drawn(items, 10, seed)) for seed in range(5)}
    assert len(draws) == 5
    # A larger limit adds to what a smaller one drew.
    assert {one.id for one in drawn(items, 10, 0)} < {one.id for one in drawn(items, 20, 0)}
