"""Reader of the miniature world: drawn images, and facts that are true by construction."""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

from safecot_dsl.artifact import CompiledPolicy, canonical_json
from safecot_dsl.facts.item import FactsError, Item, LazyImage
from safecot_dsl.facts.sources import Miniature

if TYPE_CHECKING:
    from safecot_dsl.miniature.world import Sample, World


def read_miniature(source: Miniature, policy: CompiledPolicy, *, seed: int) -> Iterator[Item]:
    """`source.pool` requests of the world's split, drawn by `seed`; each can give its neighbours by one fact. Which
    requests have a fact that cannot be told, and which fact, is drawn for each by itself.

    Raises :class:`FactsError` where the policy's facts are not those of the world.
    """
    from safecot_dsl.miniature.splits import Split
    from safecot_dsl.miniature.world import World, WorldError

    try:
        split = Split(source.split)
    except ValueError:
        raise FactsError(f"the miniature has no split `{source.split}` (it has {', '.join(Split)})") from None
    try:
        world = World(policy, source.world)
    except WorldError as error:
        raise FactsError(str(error)) from error
    facts = [fact.name for fact in policy.facts]
    for number, sample in enumerate(itertools.islice(world.scenes(split, seed), source.pool)):
        rng = random.Random(f"{seed} unknown {number}")
        yield _item(world, sample, rng.choice(facts) if rng.random() < source.unknown else None)


def _item(world: World, whole: Sample, hidden: str | None = None) -> Item:
    """The item of a sample, with this fact hidden. A hidden fact's neighbours are those in which it is told."""
    from safecot_dsl.miniature.hiding import hide
    from safecot_dsl.miniature.world import LICENCE

    sample = whole if hidden is None else hide(whole, hidden)
    assert sample is not None  # the policy's facts are the world's, and those can be hidden

    def neighbours() -> Iterator[Item]:
        near = world.neighbours(whole)
        if hidden is not None:
            rest = whole.case.with_fact(hidden, None)
            near = [whole, *(other for other in near if other.case.with_fact(hidden, None) == rest)]
        return (_item(world, other) for other in near)

    item_id = hashlib.sha256(canonical_json(dict(sample.meta)).encode()).hexdigest()[:16]
    return Item(
        id=item_id,
        source="miniature",
        licence=LICENCE,
        prompt=sample.prompt,
        images=(LazyImage(f"{item_id}.png", sample.render),),
        case=sample.case,
        answer=sample.answer or None,
        split=sample.meta["split"],
        meta=sample.meta,
        neighbours=neighbours,
    )
