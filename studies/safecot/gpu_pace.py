"""How fast this machine trains and asks, measured in minutes with the study's own model and data."""

from __future__ import annotations

import time
from pathlib import Path

from safecot_dsl.evaluation import read_items
from safecot_dsl.models import load_model
from safecot_dsl.pipeline import Recipe, Run, load_recipe
from safecot_dsl.storage import Progress
from studies.safecot.gpu_plan import COMPLETION, ITEMS_FILE, PICTURE, RECIPE_FILE, REQUEST, Pace

ARM = "stepwise_contrast-256"
SHORT, LONG = 2, 6  # steps
ASKED, FEW, MANY = 64, 8, 40  # items, and tokens of an answer at most


def measure_pace(recipe: Recipe, out: Path) -> Pace:
    """Train the main arm for two steps and for six, of which the difference is taken, so that loading and the pictures'
    features do not count; and put 64 items to the base with room for few tokens and for more. Reading is what is left
    of the shorter asking when its writing is taken off."""
    with Progress() as progress:
        times: dict[int, float] = {}
        for steps in (SHORT, LONG):
            few = {"max_steps": steps, "warmup_steps": 1, "logging_steps": 1, "save_steps": LONG}
            sets = {f"training.{key}": str(value) for key, value in few.items()}
            path = out / RECIPE_FILE
            run = Run(load_recipe(path, sets), path, out / "pace" / str(steps), progress)
            run.generate(ARM)
            began = time.monotonic()
            run.train(ARM)
            times[steps] = time.monotonic() - began
        training = recipe.training_of(ARM)
        rows = training.per_device_train_batch_size * training.gradient_accumulation_steps
        row = PICTURE + REQUEST + COMPLETION[recipe.data_of(ARM).style]
        difference = times[LONG] - times[SHORT]
        # A difference that loading drowns says nothing: then loading counts, which is slower than the truth.
        step = difference / (LONG - SHORT) if difference > times[LONG] / 10 else times[LONG] / LONG
        trained = rows * row / step
        requests = [item.request for item in read_items(out / ITEMS_FILE)[:ASKED]]
        model = load_model(run.model)
        spent: dict[int, float] = {}
        written: dict[int, int] = {}
        for tokens in (FEW, MANY):
            began = time.monotonic()
            answers = model.generate(requests, max_new_tokens=tokens, batch_size=recipe.evaluation.batch_size)
            spent[tokens] = time.monotonic() - began
            written[tokens] = sum(min(tokens, len(answer) // 4 + 1) for answer in answers)
    rate = max(1, written[MANY] - written[FEW]) / max(1e-3, spent[MANY] - spent[FEW])
    reading = max(1e-3, spent[FEW] - written[FEW] / rate)
    read = len(requests) * (PICTURE + REQUEST) / reading
    # Preparing pictures is part of what reading took: it is not counted again.
    return Pace(trained=trained, read=read, written=rate, prepared=None, known="measured on this machine")
