"""The first training: vision tower and connector learn to name what they see, with the language model's own (frozen)
word embeddings as their classes, so that image tokens start out as words; and how well image tokens alone name it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from safecot_dsl.miniature.answers import definite
from safecot_dsl.miniature.drawing import BASE_STYLES, SIDE, Scene, Style, draw_image, drawable
from safecot_dsl.miniature.model import GRID, IMAGE_TOKENS
from safecot_dsl.miniature.optimization import begin_phase, shuffled_batches, update
from safecot_dsl.miniature.tokenizer import assert_known, token_id
from safecot_dsl.miniature.unfinished import SAVED_EVERY, Unfinished
from safecot_dsl.miniature.world import World
from safecot_dsl.storage import Progress

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import Idefics3ForConditionalGeneration, PreTrainedTokenizerFast

SEEING = "learning to see"
_BATCH = 128
_MUON_PART = 3.0  # of the rate, for the layers of the vision tower
_SHARPNESS = 14.0  # of the cosines that scenes are classified by


def draw_pixels(
    scenes: Sequence[Scene],
    hidden: Sequence[str | None],
    seed: str,
    progress: Progress,
    styles: Sequence[Style] = BASE_STYLES,
) -> Tensor:
    """The scenes' images as they come out of the processor, less the scaling: uint8 (scenes, 3, 64, 64). Of each the
    fact of `hidden` does not show."""
    import numpy as np
    import torch

    pixels = torch.empty(len(scenes), 3, SIDE, SIDE, dtype=torch.uint8)
    for number, (scene, fact) in enumerate(zip(scenes, hidden, strict=True)):
        image = draw_image(scene, styles, f"{seed} {number}", () if fact is None else (fact,))
        pixels[number] = torch.from_numpy(np.array(image)).permute(2, 0, 1)
        progress.advance()
    return pixels


def scaled(pixels: Tensor) -> Tensor:
    """What the processor makes of 8-bit pixels, of the same shape: -1 to 1."""
    return pixels.float() / 127.5 - 1


@dataclass(frozen=True)
class Readout:
    """What image tokens say: a class's weight is the embedding of its word, and a class is read off the mean direction
    of its image tokens, by cosine.

    The objects have the tokens where they stand, left and right; the bottom row is divided between the setting and the
    sign, so that no token has to say two things. `names` are the classes of each of the four parts, `words` their
    embeddings (classes, width), `where` the numbers of the part's tokens.
    """

    names: tuple[tuple[str, ...], ...]
    words: tuple[Tensor, ...]
    where: tuple[Tensor, ...]

    @staticmethod
    def of(model: Idefics3ForConditionalGeneration, world: World, tokenizer: PreTrainedTokenizerFast) -> Readout:
        import torch

        grid = torch.arange(IMAGE_TOKENS).reshape(GRID, GRID)
        half = GRID // 2
        where = (grid[:-1, :half], grid[:-1, half:], grid[-1:, :half], grid[-1:, half:])
        names = (world.objects, world.objects, world.settings, world.signs)
        facts = ("image.objects", "image.objects", "image.setting", "image.sign")
        embeddings = model.get_input_embeddings().weight.detach()
        words: list[Tensor] = []
        for fact, of in zip(facts, names, strict=True):
            tokens = [_word(world.policy.fact_index[fact].phrase(name)) for name in of]
            assert_known(tokenizer, tokens)
            words.append(embeddings[[token_id(tokenizer, token) for token in tokens]].clone())
        return Readout(names, tuple(words), tuple(place.flatten() for place in where))

    def classes(self, scenes: Sequence[Scene]) -> Tensor:
        """What the scenes show, as numbers of classes (scenes, 4)."""
        import torch

        parts = ("left", "right", "setting", "sign")
        return torch.tensor(
            [[of.index(getattr(scene, part)) for part, of in zip(parts, self.names, strict=True)] for scene in scenes]
        )

    def cosines(self, seen: Tensor) -> list[Tensor]:
        """Of image tokens (batch, tokens, width), for each part the cosines with its classes (batch, classes)."""
        from torch.nn import functional

        return [
            functional.normalize(seen[:, place], dim=-1).mean(1) @ functional.normalize(words, dim=-1).T
            for place, words in zip(self.where, self.words, strict=True)
        ]


def _word(phrase: str) -> str:
    """The token that tells a value's phrase from others: ` flask` for `a flask`, ` open` for `an open sign`."""
    return " " + definite(phrase).split()[1]


def warm_up(
    model: Idefics3ForConditionalGeneration,
    world: World,
    tokenizer: PreTrainedTokenizerFast,
    scenes: Sequence[Scene],
    pixels: Tensor,
    steps: int,
    seed: int,
    progress: Progress,
    unfinished: Unfinished,
) -> None:
    """Teach vision tower and connector to name both objects, the setting and the sign, as :class:`Readout` does.

    `pixels` are the drawings of the `scenes` (scenes, 3, 64, 64) in 8 bits.
    """
    import torch
    from torch.nn import functional

    readout = Readout.of(model, world, tokenizer)
    classes = readout.classes(scenes)
    layers = [weight for weight in model.model.vision_model.encoder.parameters() if weight.dim() == 2]
    others = [*model.model.vision_model.parameters(), *model.model.connector.parameters()]
    others = [weight for weight in others if all(weight is not layer for layer in layers)]
    # Muon makes of a layer's update one that turns all directions alike, and needs half the steps that AdamW does.
    optimizers = (
        torch.optim.AdamW([{"params": others, "part": 1.0}], weight_decay=0.05, fused=True),
        torch.optim.Muon([{"params": layers, "part": _MUON_PART}], weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
    )
    done = begin_phase(SEEING, steps, model, optimizers, progress, unfinished)
    for step, chosen in enumerate(islice(shuffled_batches(len(scenes), _BATCH, seed), done, steps), done):
        hidden = model.model.vision_model(pixel_values=scaled(pixels[chosen])).last_hidden_state
        seen = model.model.connector(hidden)  # (batch, image tokens, width)
        loss = torch.zeros(())
        for part, cosines in enumerate(readout.cosines(seen)):
            loss = loss + functional.cross_entropy(_SHARPNESS * cosines, classes[chosen, part])
        update(optimizers, [*others, *layers], loss, step, steps, warmup=40)
        progress.advance(loss=loss.item())
        if (step + 1) % SAVED_EVERY == 0:
            unfinished.save(SEEING, step + 1, model, optimizers)


def sight(
    model: Idefics3ForConditionalGeneration,
    tokenizer: PreTrainedTokenizerFast,
    world: World,
    styles: Sequence[Style],
    *,
    n: int,
    seed: str,
) -> dict[str, float]:
    """How well the image tokens alone tell what `n` new scenes show, drawn in `styles`: the share of scenes with both
    `objects`, the `place`, the `sign`, and `all` of these named rightly. Objects that no style can draw are left out.
    """
    import torch

    rng = random.Random(seed)
    scenes: list[Scene] = []
    while len(scenes) < n:
        scene = world.any_scene(rng)
        if all(any(drawable(item, style) for style in styles) for item in scene.objects):
            scenes.append(scene)
    with Progress(quiet=True) as silent:
        pixels = draw_pixels(scenes, [None] * n, seed, silent, styles)
    readout = Readout.of(model, world, tokenizer)
    named: list[Tensor] = []
    with torch.no_grad():
        for some in pixels.split(_BATCH):
            seen = model.model.connector(model.model.vision_model(pixel_values=scaled(some)).last_hidden_state)
            named.append(torch.stack([cosines.argmax(1) for cosines in readout.cosines(seen)], 1))
    right = torch.cat(named) == readout.classes(scenes)  # (n, 4)
    parts = {"objects": right[:, :2].all(1), "place": right[:, 2], "sign": right[:, 3], "all": right.all(1)}
    return {name: of.float().mean().item() for name, of in parts.items()}
