"""The batches of a run are fixed by the recipe and the rows."""

import subprocess
import sys

import pytest
from pydantic import ValidationError

from safecot_dsl.training import TrainingRecipe
from safecot_dsl.training.schedule import Schedule


def test_every_epoch_has_every_row_once():
    """10 rows in batches of 4 are 4, 4 and 2; three epochs are 9 steps."""
    recipe = TrainingRecipe(per_device_train_batch_size=4, num_train_epochs=3)
    schedule = Schedule(recipe, images=[1] * 10, lengths=[5] * 10)
    assert schedule.steps == len(schedule) == 9
    epochs = [schedule.batches[i : i + 3] for i in (0, 3, 6)]
    for epoch in epochs:
        assert sorted(len(batch) for batch in epoch) == [2, 4, 4]
        assert sorted(row for batch in epoch for row in batch) == list(range(10))
    assert epochs[0] != epochs[1]


def test_max_steps_overrides_the_epochs_and_accumulation_multiplies_the_batches():
    recipe = TrainingRecipe(per_device_train_batch_size=2, gradient_accumulation_steps=3, max_steps=5)
    schedule = Schedule(recipe, images=[0] * 4, lengths=[5] * 4)
    assert (schedule.steps, len(schedule)) == (5, 15)
    assert schedule.step(2) == schedule.batches[3:6]


def test_the_same_seed_gives_the_same_batches_and_another_seed_others():
    first, again, other = (
        Schedule(TrainingRecipe(seed=seed, max_steps=20), images=[1] * 64, lengths=list(range(64))).batches
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_rows_with_unequal_numbers_of_images_never_share_a_batch():
    images = [0, 1, 1, 2, 0, 1, 1, 2, 1, 1]
    schedule = Schedule(TrainingRecipe(per_device_train_batch_size=4, num_train_epochs=2), images, [5] * 10)
    assert all(len({images[row] for row in batch}) == 1 for batch in schedule)


def test_grouping_by_length_wastes_less_on_padding():
    lengths = [10 + (i * 37) % 90 for i in range(512)]

    def padding(strategy: str) -> int:
        recipe = TrainingRecipe(
            per_device_train_batch_size=16, num_train_epochs=1, train_sampling_strategy=strategy, seed=3
        )
        batches = Schedule(recipe, [1] * 512, lengths).batches
        assert sorted(row for batch in batches for row in batch) == list(range(512))
        return sum(max(lengths[i] for i in batch) - lengths[row] for batch in batches for row in batch)

    assert padding("group_by_length") < padding("random") / 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_steps": 0}, "`max_steps` is 0"),
        ({"save_steps": 25, "logging_steps": 10}, "no multiple of `logging_steps`"),
        ({"target_modules": ()}, "`target_modules` is empty"),
        ({"learning_rate": 0}, "greater than 0"),
        ({"lora_r": 8}, "Extra inputs are not permitted"),
        ({"learning_rate": float("nan")}, "finite"),
    ],
)
def test_a_recipe_that_cannot_be_meant_is_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        TrainingRecipe(**settings)


def test_importing_models_and_training_loads_nothing_heavy():
    heavy = ("torch", "transformers", "peft", "accelerate", "pyarrow", "PIL", "numpy")
    code = f"import sys, safecot_dsl.models, safecot_dsl.training; print([m for m in {heavy} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown == "[]\n"
