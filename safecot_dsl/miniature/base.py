"""The base: the small model trained from scratch on the lessons, and saved like any model of its family.

First the vision tower learns to name what it sees, with the language model's own (frozen) word embeddings as its
classes, so that image tokens start out as words; then everything learns the lessons together, and once more from half
the rate (a warm restart, Loshchilov and Hutter 2017): what belongs to which group is what it learns last.
"""

from __future__ import annotations

import contextlib
import math
import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.miniature.answers import definite
from safecot_dsl.miniature.drawing import (
    BASE_STYLES,
    HELD_OUT_STYLES,
    HIDEABLE,
    SIDE,
    TUNING_STYLES,
    Scene,
    Style,
    draw_image,
    drawable,
)
from safecot_dsl.miniature.lessons import (
    Lesson,
    LessonRow,
    PolicyLines,
    Teacher,
    draw_lesson,
    reasoning_lines,
    taught_cases,
    taught_digest,
    told_lines,
    vocabulary,
)
from safecot_dsl.miniature.model import GRID, IMAGE_TOKENS, new_model, new_processor
from safecot_dsl.miniature.tokenizer import (
    END,
    FAKE_IMAGE,
    GLOBAL_IMAGE,
    IMAGE,
    PAD,
    START,
    assert_known,
    build_tokenizer,
    token_id,
)
from safecot_dsl.miniature.unfinished import SAVED_EVERY, Unfinished, build_key
from safecot_dsl.miniature.world import World
from safecot_dsl.render import Lookups
from safecot_dsl.storage import Progress, whole_directory

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer
    from transformers import Idefics3ForConditionalGeneration, PreTrainedTokenizerFast

WARMUP_STEPS = 3_000
STEPS = 1_800
MORE_STEPS = 1_200
IMAGES = 48_000
_LESSONS_PER_IMAGE = 2
_HIDING = 0.08  # of the images, a fact that they do not show
_WARMUP_BATCH, _BATCH = 128, 64
_RATE = 2e-3
_MUON_PART = 3.0  # of the rate, for the layers of the vision tower in the warm-up
_MORE_PART = 0.5  # of the rate, when everything learns on
_VISION_PART, _EMBEDDING_PART = 0.3, 0.05  # of the rate, while everything learns together
_SHARPNESS = 14.0  # of the cosines that the warm-up classifies by
_EXAMINED = 400  # new lessons and scenes, at most; no more than a sixteenth of the images that were learnt from
_SEEING, _SPEAKING, _MORE = "learning to see", "learning to speak", "learning on"


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
    told = images - round(_HIDING * images)  # the images that show everything come first
    model = new_model(tokenizer, seed)
    with contextlib.nullcontext(progress) if progress is not None else Progress(quiet=True) as shown:
        shown.start("base: drawing", images, unit="images")
        scenes = [world.any_scene(rng) for _ in range(images)]
        hidden = [HIDEABLE[number % len(HIDEABLE)] if number >= told else None for number in range(images)]
        pixels = _draw(scenes, hidden, f"{seed} base", shown)
        rows = [
            draw_lesson(teacher, scene, lines, rng, leave_out, fact)
            for scene, fact in zip(scenes, hidden, strict=True)
            for _ in range(_LESSONS_PER_IMAGE)
        ]
        encoded = _encode(tokenizer, rows)
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
        if begun not in (_SPEAKING, _MORE):
            _warm_up(model, world, tokenizer, scenes[:told], pixels, warmup_steps, seed, shown, unfinished)
        for phase, number, part in ((_SPEAKING, steps, 1.0), (_MORE, more_steps, _MORE_PART)):
            if begun != _MORE or phase == _MORE:
                _learn(model, encoded, pixels, phase, number, part, seed, shown, unfinished)
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


def chat(prompt: str) -> str:
    """A request with one image as text, up to where the answer begins, image tokens as the processor puts them in."""
    image = f"{FAKE_IMAGE}{GLOBAL_IMAGE}{IMAGE * IMAGE_TOKENS}{FAKE_IMAGE}"
    return f"{START}user\n{image}{prompt}{END}\n{START}assistant\n"


def _draw(
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


def _scaled(pixels: Tensor) -> Tensor:
    """What the processor makes of 8-bit pixels: -1 to 1."""
    return pixels.float() / 127.5 - 1


@dataclass(frozen=True)
class _Readout:
    """What image tokens say: a class's weight is the embedding of its word, and a class is read off the mean direction
    of its image tokens, by cosine.

    The objects have the tokens where they stand, left and right; the bottom row is divided between the setting and the
    sign, so that no token has to say two things. `names` are the classes of each of the four parts, `words` their
    embeddings (classes, width), `where` the numbers of the part's tokens.
    """

    names: tuple[tuple[str, ...], ...]
    words: tuple[Tensor, ...]
    where: tuple[Tensor, ...]

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


def _readout(model: Idefics3ForConditionalGeneration, world: World, tokenizer: PreTrainedTokenizerFast) -> _Readout:
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
    return _Readout(names, tuple(words), tuple(place.flatten() for place in where))


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
        pixels = _draw(scenes, [None] * n, seed, silent, styles)
    readout = _readout(model, world, tokenizer)
    named: list[Tensor] = []
    with torch.no_grad():
        for some in pixels.split(_WARMUP_BATCH):
            seen = model.model.connector(model.model.vision_model(pixel_values=_scaled(some)).last_hidden_state)
            named.append(torch.stack([cosines.argmax(1) for cosines in readout.cosines(seen)], 1))
    right = torch.cat(named) == readout.classes(scenes)  # (n, 4)
    parts = {"objects": right[:, :2].all(1), "place": right[:, 2], "sign": right[:, 3], "all": right.all(1)}
    return {name: of.float().mean().item() for name, of in parts.items()}


def _warm_up(
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
    """Teach vision tower and connector to name both objects, the setting and the sign, as :class:`_Readout` does."""
    import torch
    from torch.nn import functional

    readout = _readout(model, world, tokenizer)
    classes = readout.classes(scenes)
    layers = [weight for weight in model.model.vision_model.encoder.parameters() if weight.dim() == 2]
    others = [*model.model.vision_model.parameters(), *model.model.connector.parameters()]
    others = [weight for weight in others if all(weight is not layer for layer in layers)]
    # Muon makes of a layer's update one that turns all directions alike, and needs half the steps that AdamW does.
    optimizers = (
        torch.optim.AdamW([{"params": others, "part": 1.0}], weight_decay=0.05, fused=True),
        torch.optim.Muon([{"params": layers, "part": _MUON_PART}], weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
    )
    done = _begin(_SEEING, steps, model, optimizers, progress, unfinished)
    for step, chosen in enumerate(islice(_shuffled(len(scenes), _WARMUP_BATCH, seed), done, steps), done):
        hidden = model.model.vision_model(pixel_values=_scaled(pixels[chosen])).last_hidden_state
        seen = model.model.connector(hidden)  # (batch, image tokens, width)
        loss = torch.zeros(())
        for part, cosines in enumerate(readout.cosines(seen)):
            loss = loss + functional.cross_entropy(_SHARPNESS * cosines, classes[chosen, part])
        _step(optimizers, [*others, *layers], loss, step, steps, warmup=40)
        progress.advance(loss=loss.item())
        if (step + 1) % SAVED_EVERY == 0:
            unfinished.save(_SEEING, step + 1, model, optimizers)


def _word(phrase: str) -> str:
    """The token that tells a value's phrase from others: ` flask` for `a flask`, ` open` for `an open sign`."""
    return " " + definite(phrase).split()[1]


def _learn(
    model: Idefics3ForConditionalGeneration,
    lessons: _Encoded,
    pixels: Tensor,
    phase: str,
    steps: int,
    part: float,
    seed: int,
    progress: Progress,
    unfinished: Unfinished,
) -> None:
    """Train everything on the lessons, at a `part` of the rate; the loss is on the answers alone."""
    import torch

    weights = list(model.parameters())
    embeddings = model.get_input_embeddings().weight
    vision = [*model.model.vision_model.parameters(), *model.model.connector.parameters()]
    slow = {id(weight) for weight in (embeddings, *vision)}
    # Image tokens stand where their words' embeddings are: both must move slowly, or they part before they are linked.
    groups = [
        {"params": [weight for weight in weights if id(weight) not in slow], "part": part},
        {"params": vision, "part": part * _VISION_PART},
        {"params": [embeddings], "part": part * _EMBEDDING_PART, "weight_decay": 0.0},
    ]
    optimizers = (torch.optim.AdamW(groups, lr=_RATE, weight_decay=0.05, betas=(0.9, 0.98), fused=True),)
    order = seed + 1_000_000 * (phase == _MORE)  # the rows in another order than before
    batches = _shuffled(len(lessons.tokens), _BATCH, order, lessons.mask.sum(1))
    done = _begin(phase, steps, model, optimizers, progress, unfinished)
    model.train()
    for step, chosen in enumerate(islice(batches, done, steps), done):
        batch = lessons.batch(chosen)
        images = _scaled(pixels[chosen // _LESSONS_PER_IMAGE]).unsqueeze(1)  # (batch, images of a request, 3, 64, 64)
        loss = model(input_ids=batch.tokens, attention_mask=batch.mask, pixel_values=images, labels=batch.labels).loss
        _step(optimizers, weights, loss, step, steps, warmup=60)
        progress.advance(loss=loss.item())
        if (step + 1) % SAVED_EVERY == 0:
            unfinished.save(phase, step + 1, model, optimizers)
    model.eval()


@dataclass(frozen=True)
class _Encoded:
    """Rows as tokens, all int64 (rows, longest): padded on the right, labels -100 outside of the answer."""

    tokens: Tensor
    labels: Tensor
    mask: Tensor

    def batch(self, chosen: Tensor) -> _Encoded:
        """These rows, cut to the longest of them."""
        longest = int(self.mask[chosen].sum(1).max())
        return _Encoded(*(part[chosen, :longest] for part in (self.tokens, self.labels, self.mask)))


def _encode(tokenizer: PreTrainedTokenizerFast, rows: Sequence[LessonRow]) -> _Encoded:
    import torch

    assert_known(tokenizer, (text for row in rows for text in (row.prompt, row.before, row.answer)))
    prompts: list[list[int]] = tokenizer([chat(row.prompt) + row.before for row in rows])["input_ids"]
    answers: list[list[int]] = tokenizer([row.answer + END for row in rows])["input_ids"]
    longest = max(len(p) + len(a) for p, a in zip(prompts, answers, strict=True))
    tokens = torch.full((len(rows), longest), token_id(tokenizer, PAD))
    labels, mask = torch.full_like(tokens, -100), torch.zeros_like(tokens)
    for number, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
        start, end = len(prompt), len(prompt) + len(answer)
        tokens[number, :end] = torch.tensor(prompt + answer)
        labels[number, start:end] = tokens[number, start:end]
        mask[number, :end] = 1
    return _Encoded(tokens, labels, mask)


def examine(
    model: Idefics3ForConditionalGeneration,
    tokenizer: PreTrainedTokenizerFast,
    teacher: Teacher,
    lines: PolicyLines,
    *,
    n: int,
    seed: str,
    progress: Progress,
) -> dict[str, float]:
    """The share of `n` new lessons answered exactly (of look-ups: truly), by sort of lesson; plain text is left
    out."""
    import torch

    generate: Any = model.generate  # pyright: ignore[reportAttributeAccessIssue]  (its mixin is typed for others)
    rng = random.Random(seed)
    rows: list[LessonRow] = []
    while len(rows) < n:
        hidden = rng.choice(HIDEABLE) if rng.random() < _HIDING else None
        row = draw_lesson(teacher, teacher.world.any_scene(rng), lines, rng, hidden=hidden)
        if row.lesson is not Lesson.TEXT:
            rows.append(row)
    shown = [row.scene for row in rows], [row.hidden for row in rows]
    pixels = _draw(*shown, seed, Progress(quiet=True), TUNING_STYLES)
    by_length: dict[int, list[int]] = {}
    prompts: list[list[int]] = tokenizer([chat(row.prompt) + row.before for row in rows])["input_ids"]
    for number, prompt in enumerate(prompts):
        by_length.setdefault(len(prompt), []).append(number)
    right: dict[str, list[bool]] = {}
    for length, numbers in by_length.items():
        tokens = torch.tensor([prompts[number] for number in numbers])
        with torch.no_grad():
            output = generate(
                input_ids=tokens,
                attention_mask=torch.ones_like(tokens),
                pixel_values=_scaled(pixels[numbers]).unsqueeze(1),
                max_new_tokens=160,
                do_sample=False,
            )
        for number, answer in zip(
            numbers, tokenizer.batch_decode(output[:, length:], skip_special_tokens=True), strict=True
        ):
            row = rows[number]
            right.setdefault(row.lesson, []).append(
                teacher.is_true(answer, row.scene) if row.lesson is Lesson.LOOKUP else answer == row.answer
            )
        progress.advance(len(numbers))
    return {lesson: sum(of) / len(of) for lesson, of in sorted(right.items())}


def _shuffled(n: int, size: int, seed: int, lengths: Tensor | None = None) -> Iterator[Tensor]:
    """Endless batches of row numbers: each row once, in an order drawn anew, before any comes again.

    With `lengths`, rows of like length stand together: of 16 batches at a time the rows are sorted, which saves a
    fifth of the tokens in padding.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    size = min(size, n)
    while True:
        order = torch.randperm(n, generator=generator)
        for pool in order[: n - n % size].split(16 * size):
            if lengths is not None:
                pool = pool[lengths[pool].argsort(stable=True)]
            batches = pool.reshape(-1, size)
            yield from batches[torch.randperm(len(batches), generator=generator)]


def _begin(
    phase: str,
    steps: int,
    model: Idefics3ForConditionalGeneration,
    optimizers: Sequence[Optimizer],
    progress: Progress,
    unfinished: Unfinished,
) -> int:
    """Show the phase, put back what an earlier build learnt in it, and give the steps that it did."""
    saved, done = unfinished.begun()
    if saved == phase:
        unfinished.restore(model, optimizers)
    else:
        done = 0
    progress.start(f"base: {phase}", steps, completed=done, unit="steps")
    return done


def _step(
    optimizers: Sequence[Optimizer], weights: Sequence[Tensor], loss: Tensor, step: int, steps: int, warmup: int
) -> None:
    """One update; the rate rises over `warmup` steps and then falls along a cosine to a twentieth."""
    import torch

    fall = 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * step / steps))
    for group in (group for optimizer in optimizers for group in optimizer.param_groups):
        group["lr"] = _RATE * group["part"] * min(1.0, (step + 1) / warmup) * fall
    for optimizer in optimizers:
        optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(weights, 1.0)
    for optimizer in optimizers:
        optimizer.step()


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
