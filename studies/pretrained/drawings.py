"""Drawings to learn to see from, and those to be examined on: what is held out is a style for each pair of objects."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from safecot_dsl.miniature import BASE_STYLES, Scene, Style, World
from safecot_dsl.miniature.drawing import HIDEABLE, SIDE, draw_image, drawable
from studies.pretrained.captions import Shown

if TYPE_CHECKING:
    from torch import Tensor

_HIDING = 0.08  # of the drawings do not tell a fact


def held_out_style(pair: frozenset[str]) -> Style:
    """The style in which nobody who learns sees these two objects together: one that can draw both, uniform."""
    names = sorted(pair)
    possible = [style for style in BASE_STYLES if all(drawable(item, style) for item in names)]
    return random.Random(f"style of {' and '.join(names)}").choice(possible)


def learnt(world: World, number: int, seed: int) -> Shown:
    """What drawing `number` of the endless row of drawings to learn from shows."""
    rng = random.Random(f"{seed} learnt {number}")
    scene = world.any_scene(rng)
    return Shown(scene, rng.choice(HIDEABLE) if rng.random() < _HIDING else None)


def unseen(world: World, n: int, seed: int) -> list[Shown]:
    """Scenes to be examined on, to be drawn in the style that is held out for their objects; all facts are told."""
    rng = random.Random(f"{seed} unseen")
    return [Shown(world.any_scene(rng)) for _ in range(n)]


def styles_of(scene: Scene, *, held_out: bool) -> tuple[Style, ...]:
    """The styles to draw a scene in: the one that is held out for its objects, or all the others."""
    kept = held_out_style(scene.objects)
    return (kept,) if held_out else tuple(style for style in BASE_STYLES if style is not kept)


def pixels(
    shown: Sequence[Shown], seeds: Sequence[str], *, held_out: bool, styles: Sequence[Style] | None = None
) -> Tensor:
    """Drawings as they come out of the processor: float32 (drawings, 3, 64, 64) from -1 to 1. `styles` are those to
    draw all of them in, instead of those of :func:`styles_of`."""
    import numpy as np
    import torch

    made = np.empty((len(shown), SIDE, SIDE, 3), np.uint8)
    for number, (each, seed) in enumerate(zip(shown, seeds, strict=True)):
        hidden = () if each.hidden is None else (each.hidden,)
        drawn_in = styles or styles_of(each.scene, held_out=held_out)
        made[number] = np.asarray(draw_image(each.scene, drawn_in, seed, hidden))
    return torch.from_numpy(made).permute(0, 3, 1, 2).float() / 127.5 - 1
