"""The second training: everything learns the lessons together; and how well it then answers new ones."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from safecot_dsl.miniature.drawing import HIDEABLE, TUNING_STYLES
from safecot_dsl.miniature.lessons import Lesson, LessonRow, PolicyLines, Teacher, draw_lesson
from safecot_dsl.miniature.model import IMAGE_TOKENS
from safecot_dsl.miniature.optimization import RATE, begin_phase, shuffled_batches, update
from safecot_dsl.miniature.tokenizer import END, FAKE_IMAGE, GLOBAL_IMAGE, IMAGE, PAD, START, assert_known, token_id
from safecot_dsl.miniature.unfinished import SAVED_EVERY, Unfinished
from safecot_dsl.miniature.vision_training import draw_pixels, scaled
from safecot_dsl.storage import Progress

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import Idefics3ForConditionalGeneration, PreTrainedTokenizerFast

SPEAKING, MORE = "learning to speak", "learning on"
LESSONS_PER_IMAGE = 2
HIDING = 0.08  # of the images, a fact that they do not show
_BATCH = 64
_VISION_PART, _EMBEDDING_PART = 0.3, 0.05  # of the rate


def chat(prompt: str) -> str:
    """A request with one image as text, up to where the answer begins, image tokens as the processor puts them in."""
    image = f"{FAKE_IMAGE}{GLOBAL_IMAGE}{IMAGE * IMAGE_TOKENS}{FAKE_IMAGE}"
    return f"{START}user\n{image}{prompt}{END}\n{START}assistant\n"


@dataclass(frozen=True)
class EncodedLessons:
    """Rows as tokens, all int64 (rows, longest): padded on the right, labels -100 outside of the answer."""

    tokens: Tensor
    labels: Tensor
    mask: Tensor

    def batch(self, chosen: Tensor) -> EncodedLessons:
        """These rows, by their numbers (rows,), cut to the longest of them."""
        longest = int(self.mask[chosen].sum(1).max())
        return EncodedLessons(*(part[chosen, :longest] for part in (self.tokens, self.labels, self.mask)))


def encode(tokenizer: PreTrainedTokenizerFast, rows: Sequence[LessonRow]) -> EncodedLessons:
    """Rows as tokens. Raises :class:`VocabularyError` where the tokenizer does not know a piece of them."""
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
    return EncodedLessons(tokens, labels, mask)


def learn_lessons(
    model: Idefics3ForConditionalGeneration,
    lessons: EncodedLessons,
    pixels: Tensor,
    phase: str,
    steps: int,
    part: float,
    seed: int,
    progress: Progress,
    unfinished: Unfinished,
) -> None:
    """Train everything on the lessons, at a `part` of the rate; the loss is on the answers alone. `pixels` are the
    images (images, 3, 64, 64) in 8 bits, each of `LESSONS_PER_IMAGE` lessons in a row."""
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
    optimizers = (torch.optim.AdamW(groups, lr=RATE, weight_decay=0.05, betas=(0.9, 0.98), fused=True),)
    order = seed + 1_000_000 * (phase == MORE)  # the rows in another order than before
    batches = shuffled_batches(len(lessons.tokens), _BATCH, order, lessons.mask.sum(1))
    done = begin_phase(phase, steps, model, optimizers, progress, unfinished)
    model.train()
    for step, chosen in enumerate(islice(batches, done, steps), done):
        batch = lessons.batch(chosen)
        images = scaled(pixels[chosen // LESSONS_PER_IMAGE]).unsqueeze(1)  # (batch, images of a request, 3, 64, 64)
        loss = model(input_ids=batch.tokens, attention_mask=batch.mask, pixel_values=images, labels=batch.labels).loss
        update(optimizers, weights, loss, step, steps, warmup=60)
        progress.advance(loss=loss.item())
        if (step + 1) % SAVED_EVERY == 0:
            unfinished.save(phase, step + 1, model, optimizers)
    model.eval()


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
        hidden = rng.choice(HIDEABLE) if rng.random() < HIDING else None
        row = draw_lesson(teacher, teacher.world.any_scene(rng), lines, rng, hidden=hidden)
        if row.lesson is not Lesson.TEXT:
            rows.append(row)
    shown = [row.scene for row in rows], [row.hidden for row in rows]
    pixels = draw_pixels(*shown, seed, Progress(quiet=True), TUNING_STYLES)
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
                pixel_values=scaled(pixels[numbers]).unsqueeze(1),
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
