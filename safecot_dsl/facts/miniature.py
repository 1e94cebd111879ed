"""Reader of the miniature world: drawn images, and facts that are true by construction."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from safecot_dsl.artifact import CompiledPolicy, canonical_json
from safecot_dsl.facts.item import FactsError, Item, LazyImage
from safecot_dsl.facts.sources import Miniature

if TYPE_CHECKING:
    from safecot_dsl.miniature.world import Sample, World


def read_miniature(source: Miniature, policy: CompiledPolicy, *, seed: int) -> Iterator[Item]:
    """`source.pool` requests of the world's split, drawn by `seed`; each can give its neighbours by one fact.

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
    for sample in itertools.islice(world.scenes(split, seed), source.pool):
        yield _item(world, sample)


def _item(world: World, sample: Sample) -> Item:
    from safecot_dsl.miniature.world import LICENCE

    item_id = hashlib.sha256(canonical_json(dict(sample.meta)).encode()).hexdigest()[:16]
    return Item(
        id=item_id,
        source="miniature",
        licence=LICENCE,
        prompt=sample.prompt,
        images=(LazyImage(f"{item_id}.png", sample.render),),
        case=sample.case,
        answer=sample.answer,
        split=sample.meta["split"],
        meta=sample.meta,
        neighbours=lambda: (_item(world, near) for near in world.neighbours(sample)),
    )
