"""Learning to see: the tower puts a caption's embeddings where its image tokens stand. No language model takes part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from safecot_dsl.miniature import World
from safecot_dsl.miniature.optimization import begin_phase, update
from safecot_dsl.miniature.unfinished import SAVED_EVERY, Unfinished
from safecot_dsl.storage import Progress
from studies.pretrained.captions import TOKENS_A_FACT, Captions, Shown
from studies.pretrained.drawings import learnt, pixels
from studies.pretrained.eyes import TOWER, see

if TYPE_CHECKING:
    from torch import Tensor, nn

BATCH = 128
_MUON_PART, _WARMUP = 3.0, 40
_SHARPNESS = 12.0  # of the distances that values are told apart by
_NEARNESS = 2.0  # what the distance from the caption itself weighs beside it
PHASE = "learning to see"


@dataclass(frozen=True)
class Targets:
    """A caption's tokens as the language model begins with them: for each part the embeddings of each value's row,
    float32 (values, 4, width). `apart` is the mean squared distance between the rows of two values, by parts; `power`
    is the mean square of all numbers."""

    parts: tuple[Tensor, ...]
    apart: tuple[float, ...]
    power: float

    @staticmethod
    def of(captions: Captions, embedded: Tensor) -> Targets:
        """`embedded` has a row for each of the captions' distinct tokens, sorted."""
        import torch

        known = torch.cat([tokens.flatten() for tokens in captions.tokens]).unique()
        parts = tuple(embedded[torch.searchsorted(known, tokens)] for tokens in captions.tokens)
        apart = tuple(
            float((of[:, None] - of[None]).square().sum((2, 3)).sum() / (len(of) * (len(of) - 1))) for of in parts
        )
        return Targets(parts, apart, float(embedded.square().mean()))

    def distances(self, seen: Tensor) -> list[Tensor]:
        """Of image tokens (batch, 16, width), for each part the squared distances from its values' rows, as shares of
        the distance between values: (batch, values)."""
        made: list[Tensor] = []
        for number, (of, apart) in enumerate(zip(self.parts, self.apart, strict=True)):
            row = seen[:, number * TOKENS_A_FACT : (number + 1) * TOKENS_A_FACT].flatten(1)
            flat = of.flatten(1)
            squared = row.square().sum(1, keepdim=True) - 2 * row @ flat.T + flat.square().sum(1)
            made.append(squared / apart)
        return made

    def named(self, seen: Tensor) -> Tensor:
        """The values whose rows are nearest: int64 (batch, parts)."""
        import torch

        return torch.stack([of.argmin(1) for of in self.distances(seen)], 1)

    def loss(self, seen: Tensor, classes: Tensor) -> Tensor:
        """How far image tokens are from saying what is shown: the cross entropy of telling its value apart, and the
        mean squared distance from its row as a share of the numbers' own mean square."""
        import torch
        from torch.nn.functional import cross_entropy

        wanted = torch.cat([of[classes[:, number]] for number, of in enumerate(self.parts)], 1)
        loss = _NEARNESS * (seen - wanted).square().mean() / self.power
        for number, squared in enumerate(self.distances(seen)):
            loss = loss + cross_entropy(-_SHARPNESS * squared, classes[:, number])
        return loss


def learn_to_see(
    eyes: nn.ModuleDict,
    world: World,
    captions: Captions,
    targets: Targets,
    *,
    steps: int,
    seed: int,
    progress: Progress,
    unfinished: Unfinished,
) -> None:
    """Train tower and projector for so many batches, each of drawings that were never shown before. What was learnt is
    kept in `unfinished`, and gone on from."""
    import torch

    layers = [weight for weight in eyes[TOWER].get_submodule("encoder").parameters() if weight.dim() == 2]
    known = {id(layer) for layer in layers}
    others = [weight for weight in eyes.parameters() if id(weight) not in known]
    # Muon needs half the steps that AdamW does for such a tower (safecot_dsl/miniature/vision_training.py).
    optimizers = (
        torch.optim.AdamW([{"params": others, "part": 1.0}], weight_decay=0.05, fused=True),
        torch.optim.Muon([{"params": layers, "part": _MUON_PART}], weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
    )
    done = begin_phase(PHASE, steps, eyes, optimizers, progress, unfinished)
    for step in range(done, steps):
        shown, drawn = drawings_of(world, step, seed)
        loss = targets.loss(see(eyes, drawn), captions.classes(shown))
        update(optimizers, [*others, *layers], loss, step, steps, _WARMUP, least=0.03)
        progress.advance(loss=loss.item())
        if (step + 1) % SAVED_EVERY == 0 or step + 1 == steps:
            unfinished.save(PHASE, step + 1, eyes, optimizers)


def drawings_of(world: World, step: int, seed: int) -> tuple[list[Shown], Tensor]:
    """The drawings of one step, and their pixels: the same each time."""
    numbers = range(step * BATCH, (step + 1) * BATCH)
    shown = [learnt(world, number, seed) for number in numbers]
    return shown, pixels(shown, [f"{seed} learnt {number}" for number in numbers], held_out=False)
