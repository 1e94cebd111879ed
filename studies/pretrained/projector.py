"""Learning to be read: the projector alone learns through the frozen language model, which names what is shown."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safecot_dsl.miniature import World
from safecot_dsl.miniature.unfinished import Unfinished
from safecot_dsl.storage import Progress
from studies.pretrained.captions import PARTS, Shown
from studies.pretrained.drawings import learnt, pixels
from studies.pretrained.eyes import PROJECTOR, half_precision, see

if TYPE_CHECKING:
    from torch import Tensor, nn

PHASE = "learning to be read"
BATCH = 16
_RATE, _WARMUP, _SAVED_EVERY = 3e-4, 20, 20
_FIRST_NUMBER = 50_000_000  # of the drawings, none of which the tower has seen
#: What is asked, and how an answer of several words goes on to each part's value.
QUESTIONS = (
    "What does the picture show?",
    "What do you see?",
    "Describe the picture.",
    "Tell me what is in this picture.",
)
_ANSWERS = {
    "left": ("left:", "On the left:", "The thing on the left is:"),
    "right": ("right:", "On the right:", "The thing on the right is:"),
    "place": ("place:", "The place:", "This is the place:"),
    "sign": ("sign:", "The sign:", "The sign says:"),
}


def answer_of(shown: Shown, rng: random.Random) -> list[tuple[str, str]]:
    """What is said of a drawing: pieces of text, each with the value that follows it; parts in any order."""
    values = dict(zip(PARTS, shown.values, strict=True))
    order = rng.sample(PARTS, len(PARTS))
    return [(rng.choice(_ANSWERS[part]), f" {values[part]}") for part in order]


def learn_to_be_read(
    eyes: nn.ModuleDict,
    base: Path,
    world: World,
    *,
    steps: int,
    seed: int,
    progress: Progress,
    unfinished: Unfinished,
) -> None:
    """Train the projector of `eyes` for so many batches; `base` is the folder of the whole as it is so far, whose
    language model stays as it is."""
    import torch
    from torch.nn.functional import cross_entropy
    from transformers import AutoModelForImageTextToText, AutoProcessor
    from transformers.modeling_outputs import BaseModelOutputWithPooling

    model: Any = AutoModelForImageTextToText.from_pretrained(base, dtype=torch.bfloat16, trust_remote_code=False)
    processor: Any = AutoProcessor.from_pretrained(base, trust_remote_code=False)
    for weight in (*model.parameters(), *eyes.parameters()):
        weight.requires_grad_(False)
    learning = list(eyes[PROJECTOR].parameters())
    for weight in learning:
        weight.requires_grad_(True)
    optimizers = (torch.optim.AdamW(learning, weight_decay=0.0, fused=True),)
    done = 0
    if unfinished.begun()[0] == PHASE:
        done = unfinished.begun()[1]
        unfinished.restore(eyes, optimizers)
    progress.start(f"base: {PHASE}", steps, completed=done, unit="steps")
    for step in range(done, steps):
        numbers = range(_FIRST_NUMBER + step * BATCH, _FIRST_NUMBER + (step + 1) * BATCH)
        shown = [learnt(world, number, seed) for number in numbers]
        drawn = pixels(shown, [f"{seed} read {number}" for number in numbers], held_out=False)
        batch = _batch(processor, shown, random.Random(f"{seed} read {step}"))
        seen = see(eyes, drawn)
        with half_precision():
            logits = model(
                input_ids=batch["input_ids"],
                attention_mask=batch["attention_mask"],
                token_type_ids=batch["token_type_ids"],
                mm_encoder_outputs={"image": BaseModelOutputWithPooling(pooler_output=seen.to(torch.bfloat16))},  # pyright: ignore[reportArgumentType]
                logits_to_keep=batch["predicting"],
                use_cache=False,
            ).logits
        loss = cross_entropy(logits.float().flatten(0, 1), batch["targets"].flatten(), ignore_index=-100)
        fall = 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * step / steps))
        optimizers[0].param_groups[0]["lr"] = _RATE * min(1.0, (step + 1) / _WARMUP) * fall
        optimizers[0].zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learning, 1.0)
        optimizers[0].step()
        progress.advance(loss=loss.item())
        if (step + 1) % _SAVED_EVERY == 0 or step + 1 == steps:
            unfinished.save(PHASE, step + 1, eyes, optimizers)


def _batch(processor: Any, shown: Sequence[Shown], rng: random.Random) -> dict[str, Tensor]:
    """Questions with an image each and the answers behind them, padded on the right; of the answers the values alone
    are targets. `predicting` are the positions that predict one in some row, as the product's own batches have it."""
    import torch

    tokenizer = processor.tokenizer
    rows: list[tuple[list[int], list[int], list[int]]] = []
    for each in shown:
        turn = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": rng.choice(QUESTIONS)}]}]
        text: str = processor.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
        text = text.replace(processor.boi_token, processor.full_image_sequence)
        ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
        labels = [-100] * len(ids)
        for number, (before, value) in enumerate(answer_of(each, rng)):
            begin = tokenizer(before if number == 0 else f", {before}", add_special_tokens=False)["input_ids"]
            word = tokenizer(value, add_special_tokens=False)["input_ids"]
            ids += [*begin, *word]
            labels += [*[-100] * len(begin), *word]
        types = [int(token == tokenizer.image_token_id) for token in ids]
        rows.append((ids, labels, types))
    longest = max(len(ids) for ids, _, _ in rows)

    def padded(values: Sequence[list[int]], fill: int) -> Tensor:
        return torch.tensor([[*row, *[fill] * (longest - len(row))] for row in values])

    targets = padded([labels for _, labels, _ in rows], -100)[:, 1:]
    predicting = (targets != -100).any(0).nonzero().flatten()
    return {
        "input_ids": padded([ids for ids, _, _ in rows], tokenizer.pad_token_id),
        "attention_mask": padded([[1] * len(ids) for ids, _, _ in rows], 0),
        "token_type_ids": padded([types for _, _, types in rows], 0),
        "predicting": predicting,
        "targets": targets[:, predicting],
    }
