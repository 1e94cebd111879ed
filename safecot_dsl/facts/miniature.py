"""Reader of the miniature world: drawn images, and facts that are true by construction."""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from safecot_dsl.artifact import CompiledPolicy, canonical_json
from safecot_dsl.facts.item import FactsError, Item, LazyImage
from safecot_dsl.facts.sources import Miniature

if TYPE_CHECKING:
    from safecot_dsl.miniature.world import Sample, World

#: The top of the wall, in pixels: no icon reaches there.
MARGIN = (0, 0, 64, 8)


def read_miniature(source: Miniature, policy: CompiledPolicy, *, seed: int, unknown: float = 0) -> Iterator[Item]:
    """`source.pool` requests of the world's split, drawn by `seed`; each can give its neighbours by one fact.

    In the share `unknown` of them a fact cannot be told: things lie under cloths, the place is none, the sign is a
    scrawl, or the request does not say what is wanted. Which requests, and which fact, is drawn for each by itself. The
    neighbours of the others are then also those in which a fact cannot be told.

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
        yield _item(
            world, sample, rng.choice(facts) if rng.random() < unknown else None, hides=facts if unknown else ()
        )


def _item(world: World, whole: Sample, hidden: str | None = None, hides: Sequence[str] = ()) -> Item:
    """The item of a sample, with this fact hidden. A hidden fact's neighbours are those in which it is told, and those
    with another value of another fact in which it cannot be told either; where none is hidden, neighbours come with
    each of the facts `hides` hidden."""
    from safecot_dsl.miniature.hiding import hide
    from safecot_dsl.miniature.world import LICENCE

    sample = whole if hidden is None else hide(world.policy, whole, hidden)
    assert sample is not None  # the policy's facts are the world's, and those can be hidden

    def neighbours() -> Iterator[Item]:
        near = world.neighbours(whole)
        if hidden is not None:
            rest = whole.case.with_fact(hidden, None)
            return (
                _item(world, other, None if other.case.with_fact(hidden, None) == rest else hidden)
                for other in (whole, *near)
            )
        return itertools.chain((_item(world, other) for other in near), (_item(world, whole, fact) for fact in hides))

    item_id = hashlib.sha256(canonical_json(dict(sample.meta)).encode()).hexdigest()[:16]
    return Item(
        id=item_id,
        source="miniature",
        licence=LICENCE,
        prompt=sample.prompt,
        images=(LazyImage(f"{item_id}.png", sample.render, margin=MARGIN),),
        case=sample.case,
        answer=sample.answer or None,
        split=sample.meta["split"],
        meta=sample.meta,
        neighbours=neighbours,
    )
