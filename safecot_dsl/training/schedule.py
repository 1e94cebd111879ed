"""Which rows each batch holds, from the first step to the last: a pure function of the recipe and the rows."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence

from safecot_dsl.training.recipe import TrainingRecipe

# Rows of like length are put together within this many batches of the shuffled order (as in Transformers' sampler), and
# no more than a quarter of the rows, or every epoch would have the same batches.
_WINDOW = 50


class Schedule:
    """The batches of a whole run, as row numbers; what a `DataLoader` takes for its `batch_sampler`.

    All rows of a batch have the same number of images: families differ in how they batch unequal ones. Being fixed
    beforehand, the schedule is the same in a run that is resumed.
    """

    def __init__(
        self, recipe: TrainingRecipe, images: Sequence[int], lengths: Sequence[int], processes: int = 1
    ) -> None:
        """`images` and `lengths` (tokens) have one entry a row. Of each step's batches every one of `processes` takes
        its share, in turn."""
        self.batch_size = recipe.per_device_train_batch_size
        self.drop_last = False
        accumulated = recipe.gradient_accumulation_steps * processes
        per_epoch = len(_epoch(recipe, images, lengths, 0))
        self.steps = (
            recipe.max_steps if recipe.max_steps > 0 else math.ceil(recipe.num_train_epochs * per_epoch / accumulated)
        )
        self.batches: list[list[int]] = []
        epoch = 0
        while len(self.batches) < self.steps * accumulated:
            self.batches += _epoch(recipe, images, lengths, epoch)
            epoch += 1
        del self.batches[self.steps * accumulated :]
        self._accumulated = accumulated

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)

    def step(self, number: int) -> list[list[int]]:
        """The batches of step `number`, counted from 1."""
        return self.batches[(number - 1) * self._accumulated : number * self._accumulated]


def _epoch(recipe: TrainingRecipe, images: Sequence[int], lengths: Sequence[int], epoch: int) -> list[list[int]]:
    """Every row once, in batches of which the last of each number of images may be smaller."""
    shuffle = random.Random(f"{recipe.seed}/{epoch}").shuffle
    size = recipe.per_device_train_batch_size
    order = list(range(len(images)))
    shuffle(order)
    batches: list[list[int]] = []
    for count in sorted(set(images)):
        rows = [row for row in order if images[row] == count]
        if recipe.train_sampling_strategy == "group_by_length":
            window = size * max(1, min(_WINDOW, len(rows) // (4 * size)))
            windows = [rows[i : i + window] for i in range(0, len(rows), window)]
            rows = [row for part in windows for row in sorted(part, key=lambda row: -lengths[row])]
        batches += [rows[i : i + size] for i in range(0, len(rows), size)]
    shuffle(batches)
    return batches
