"""The base: the small model trained from scratch on the lessons, and saved like any model of its family.

First the vision tower learns to name what it sees, with the language model's own (frozen) word embeddings as its
classes, so that image tokens start out as words; then everything learns the lessons together, and once more from half
the rate (a warm restart, Loshchilov and Hutter 2017): what belongs to which group is what it learns last.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Collection, Sequence
from pathlib import Path

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.miniature.drawing import HELD_OUT_STYLES, HIDEABLE, TUNING_STYLES
from safecot_dsl.miniature.lesson_training import (
    HIDING,
    LESSONS_PER_IMAGE,
    MORE,
    SPEAKING,
    encode,
    examine,
    learn_lessons,
)
from safecot_dsl.miniature.lessons import (
    Lesson,
    Teacher,
    draw_lesson,
    reasoning_lines,
    taught_cases,
    taught_digest,
    told_lines,
    vocabulary,
)
from safecot_dsl.miniature.model import new_model, new_processor
from safecot_dsl.miniature.tokenizer import build_tokenizer
from safecot_dsl.miniature.unfinished import Unfinished, build_key
from safecot_dsl.miniature.vision_training import draw_pixels, sight, warm_up
from safecot_dsl.miniature.world import World
from safecot_dsl.render import Lookups
from safecot_dsl.storage import Progress, whole_directory

WARMUP_STEPS = 3_000
STEPS = 1_800
MORE_STEPS = 1_200
IMAGES = 48_000
_MORE_PART = 0.5  # of the rate, when everything learns on
_EXAMINED = 400  # new lessons and scenes, at most; no more than a sixteenth of the images that were learnt from


def build_base(
    policy: CompiledPolicy,
    out: Path,
    *,
    seed: int = 0,
    progress: Progress | None = None,
    warmup_steps: int = WARMUP_STEPS,
    steps: int = STEPS,
    more_steps: int = MORE_STEPS,
    images: int = IMAGES,
    leave_out: Collection[Lesson] = (),
    lookups: Lookups = Lookups.THINGS,
) -> dict[str, float]:
    """Train the base for a policy's world and save it to the folder `out`, whole or not at all. Of lessons that are
    left out it knows the words, as they stand in others. `lookups` is how its look-ups are worded.

    The folder loads with `AutoProcessor` and `AutoModelForImageTextToText`. Equal arguments give equal lessons and
    initial weights; trained weights differ between machines as sums of floating-point numbers do. Gives the share of
    right answers on new lessons, by sort of lesson (greedy, exact).

    What is learnt is saved as it goes, beside `out`; a build that was killed goes on from there when it is asked for
    again with the same arguments.
    """
    world = World(policy, seed)
    rng = random.Random(f"{seed} base")
    # However a reasoning is worded that it is tuned on later, its words are known.
    cases = taught_cases(world)
    worded = {of: (Teacher(world, of), reasoning_lines(world, of, cases)) for of in Lookups}
    tokenizer = build_tokenizer([text for of in worded.values() for text in vocabulary(*of)])
    teacher, every_line = worded[lookups]
    lines = told_lines(every_line, leave_out)
    told = images - round(HIDING * images)  # the images that show everything come first
    model = new_model(tokenizer, seed)
    with contextlib.nullcontext(progress) if progress is not None else Progress(quiet=True) as shown:
        shown.start("base: drawing", images, unit="images")
        scenes = [world.any_scene(rng) for _ in range(images)]
        hidden = [HIDEABLE[number % len(HIDEABLE)] if number >= told else None for number in range(images)]
        pixels = draw_pixels(scenes, hidden, f"{seed} base", shown)
        rows = [
            draw_lesson(teacher, scene, lines, rng, leave_out, fact)
            for scene, fact in zip(scenes, hidden, strict=True)
            for _ in range(LESSONS_PER_IMAGE)
        ]
        encoded = encode(tokenizer, rows)
        decides = (
            taught_digest(policy),
            seed,
            warmup_steps,
            steps,
            more_steps,
            len(tokenizer),
            pixels,
            encoded.tokens,
            encoded.labels,
        )
        unfinished = Unfinished(out.with_name(f".{out.name}.unfinished"), build_key(*decides))
        out.parent.mkdir(parents=True, exist_ok=True)
        begun = unfinished.begun()[0]
        if begun not in (SPEAKING, MORE):
            warm_up(model, world, tokenizer, scenes[:told], pixels, warmup_steps, seed, shown, unfinished)
        for phase, number, part in ((SPEAKING, steps, 1.0), (MORE, more_steps, _MORE_PART)):
            if begun != MORE or phase == MORE:
                learn_lessons(model, encoded, pixels, phase, number, part, seed, shown, unfinished)
        examined = max(1, min(_EXAMINED, images // 16))
        shown.start("base: examining", examined, unit="answers")
        result = examine(model, tokenizer, teacher, lines, n=examined, seed=f"{seed} exam", progress=shown)
        sights = [
            sight(model, tokenizer, world, styles, n=examined, seed=f"{seed} sight")
            for styles in (TUNING_STYLES, HELD_OUT_STYLES)
        ]
        with whole_directory(out) as folder:
            model.save_pretrained(folder)
            new_processor(tokenizer).save_pretrained(folder)
            (folder / "README.md").write_text(
                _card(policy, seed, (warmup_steps, steps, more_steps), images, leave_out, lookups, result, sights),
                "utf-8",
            )
        unfinished.remove()
    return result


def _card(
    policy: CompiledPolicy,
    seed: int,
    steps: tuple[int, int, int],
    images: int,
    leave_out: Collection[Lesson],
    lookups: Lookups,
    result: dict[str, float],
    sights: Sequence[dict[str, float]],
) -> str:
    left_out = "".join(f" --leave-out {lesson}" for lesson in leave_out)
    left_out += f" --lookups {lookups}" if lookups is not Lookups.THINGS else ""
    shares = "\n".join(f"| {lesson} | {share:.3f} |" for lesson, share in result.items())
    seen = "\n".join(f"| {part} | " + " | ".join(f"{of[part]:.3f}" for of in sights) + " |" for part in sights[0])
    return f"""---
library_name: transformers
pipeline_tag: image-text-to-text
license: apache-2.0
---
# The miniature's base

An Idefics3 of about 1.7 million parameters for 64-pixel images of SafeCoT-DSL's small world, trained from scratch on
naming what it sees, reading requests and answering them helpfully. It refuses nothing: the policy is yet to be taught.

Built by

    python -m safecot_dsl.miniature POLICY OUT --seed {seed} --warmup-steps {steps[0]} --steps {steps[1]} \
--more-steps {steps[2]} --images {images}{left_out}

from the policy `{policy.header.name}`, digest `{policy.digest}`, whose facts and words it knows. Lessons answered
exactly (greedy, new scenes, fonts of its training):

| lesson | share |
|---|---|
{shares}

What its image tokens alone name rightly, in those fonts and in one that it never saw:

| part | seen fonts | unseen font |
|---|---|---|
{seen}
"""
