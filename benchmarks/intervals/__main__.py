"""Measure how often intervals hold the true share: `python -m benchmarks.intervals [--draws N]`.

Evaluations are drawn in which items of a group, and answers of a seed, hang together, and the share is known. Beside
the report's interval stands Wilson's own, which takes every answer for an independent one. Both are to cover 95 %.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from rich.console import Console

from safecot_dsl.evaluation import Rate, RateDifference


@dataclass(frozen=True)
class World:
    """Groups of `size` items, each asked with `seeds` seeds. Whether an answer is a hit comes from a normal variable,
    of whose variance `alike` is the group's, `between` the seed's, and `own` the item's, whatever the seed."""

    share: float
    groups: int
    size: int = 1
    seeds: int = 1
    alike: float = 0.0
    between: float = 0.0
    own: float = 0.0


WORLDS = (
    World(0.3, 100),
    World(0.3, 50, size=2, alike=0.5),
    World(0.05, 50, size=4, alike=0.5),
    World(0.1, 20, size=5, alike=0.6),
    World(0.3, 100, size=2, seeds=5, alike=0.3, own=0.2),
    World(0.3, 100, seeds=5, alike=0.3, between=0.1),
    World(0.02, 100, seeds=5, alike=0.3, between=0.05),
    World(0.3, 100, seeds=3, alike=0.3, between=0.1),
)
#: Two arms on the same items: their shares, the groups, their size, how alike a group is, and how alike the two arms.
PAIRS = ((0.3, 0.2, 100, 1, 0.0, 0.4), (0.3, 0.2, 50, 3, 0.3, 0.4), (0.05, 0.02, 100, 1, 0.0, 0.4))


def drawn(world: World, rng: np.random.Generator) -> tuple[list[bool], list[list[int]]]:
    """Hits, and the groupings that they come with."""
    shape = (world.groups, world.size, world.seeds)
    noise = [
        (world.alike, (world.groups, 1, 1)),
        (world.between, (1, 1, world.seeds)),
        (world.own, (world.groups, world.size, 1)),
        (1 - world.alike - world.between - world.own, shape),
    ]
    total = sum(np.sqrt(part) * rng.standard_normal(of) for part, of in noise)
    hits = (np.broadcast_to(total, shape) < NormalDist().inv_cdf(world.share)).ravel().tolist()
    groups = np.broadcast_to(np.arange(world.groups)[:, None, None], shape).ravel().tolist()
    seeds = np.broadcast_to(np.arange(world.seeds), shape).ravel().tolist()
    return hits, [groups, seeds] if world.seeds > 1 else [groups]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=600)
    draws: int = parser.parse_args().draws
    rng, out = np.random.default_rng(1), Console(highlight=False, width=120)
    out.print("share  groups  of  seeds  alike  by seed    ours  width    Wilson alone")
    for world in WORLDS:
        ours = blind = 0
        width = 0.0
        for _ in range(draws):
            hits, groupings = drawn(world, rng)
            rate, plain = Rate.of(hits, *groupings), Rate.of(hits)
            ours += rate.low <= world.share <= rate.high
            blind += plain.low <= world.share <= plain.high
            width += rate.high - rate.low
        out.print(
            f"{world.share:5}  {world.groups:6}  {world.size:2}  {world.seeds:5}  {world.alike:5}  {world.between:7}  "
            f"{100 * ours / draws:5.1f} %  {100 * width / draws:5.1f}  {100 * blind / draws:5.1f} %"
        )
    out.print("\nfirst  second  groups  of  alike  arms alike    difference")
    for first, second, groups, size, alike, common in PAIRS:
        inside = 0
        for _ in range(draws):
            shared = np.sqrt(common) * rng.standard_normal((groups, size, 1))
            own = np.sqrt(1 - alike - common) * rng.standard_normal((groups, size, 2))
            total = np.sqrt(alike) * rng.standard_normal((groups, 1, 1)) + shared + own
            hits = [(total[..., i] < NormalDist().inv_cdf(p)).ravel().tolist() for i, p in enumerate((first, second))]
            found = RateDifference.of(*hits, np.repeat(np.arange(groups), size).tolist())
            inside += found.low <= first - second <= found.high
        out.print(
            f"{first:5}  {second:6}  {groups:6}  {size:2}  {alike:5}  {common:10}      {100 * inside / draws:5.1f} %"
        )


if __name__ == "__main__":
    main()
