"""What the base can do, before any tuning: what its image tokens say, what it reads off them, and how it speaks."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safecot_dsl.artifact.base import Frozen
from safecot_dsl.miniature import BASE_STYLES, HELD_OUT_STYLES, World, draw
from safecot_dsl.miniature.drawing import drawable
from safecot_dsl.storage import Progress
from studies.pretrained.captions import PARTS, Captions, Shown
from studies.pretrained.drawings import held_out_style, pixels, styles_of, unseen
from studies.pretrained.eyes import see
from studies.pretrained.prose import passages, perplexity

if TYPE_CHECKING:
    from torch import nn

    from studies.pretrained.tower import Targets

_AT_ONCE = 250


class Sight(Frozen):
    """Shares of drawings that were named rightly: both objects, the place, the sign, and all of these together; `n` is
    the number of drawings, `styles` the share of `all` by style."""

    n: int
    objects: float
    place: float
    sign: float
    all: float
    styles: dict[str, float] = {}


class Speech(Frozen):
    """Perplexities of held-out prose: of the language model alone, and inside the base. `equal` says whether all of its
    weights are the language model's own, number for number."""

    passages: int
    alone: float
    inside: float
    equal: bool


class Measured(Frozen):
    """What was measured of a base. `tokens` is by the image tokens alone, `read` by what the language model reads off
    them (both on styles that are held out for the objects shown), `other_font` by the tokens in a font never seen."""

    tokens: Sight
    other_font: Sight
    read: Sight
    speech: Speech


def sight_of_tokens(
    eyes: nn.ModuleDict, world: World, captions: Captions, targets: Targets, *, n: int, seed: int
) -> tuple[Sight, Sight]:
    """What the image tokens alone say of `n` new drawings: in styles held out for their objects, and in a font that was
    never seen."""
    import torch

    shown = unseen(world, n, seed)
    other = [each for each in unseen(world, 2 * n, seed + 1) if _in_other_font(each)][:n]
    made: list[Sight] = []
    for some, font in ((shown, False), (other, True)):
        named: list[list[int]] = []
        for start in range(0, len(some), _AT_ONCE):
            part = some[start : start + _AT_ONCE]
            seeds = [f"{seed} seen {font} {start + number}" for number in range(len(part))]
            drawn = pixels(part, seeds, held_out=True, styles=HELD_OUT_STYLES if font else None)
            with torch.no_grad():
                named += targets.named(see(eyes, drawn)).tolist()
        right = [
            [found == wanted for found, wanted in zip(row, classes, strict=True)]
            for row, classes in zip(named, captions.classes(some).tolist(), strict=True)
        ]
        made.append(_sight(right, None if font else some))
    return made[0], made[1]


def sight_of_answers(base: Path, world: World, *, n: int, seed: int, progress: Progress) -> Sight:
    """What the base writes of `n` new drawings, in styles held out for their objects, when it is asked what it sees:
    its answer is begun with the first part's name, since a base model was taught no way to answer."""
    from safecot_dsl.models.interface import Request
    from safecot_dsl.models.local import load_model
    from studies.pretrained.projector import QUESTIONS

    shown = unseen(world, n, seed)
    rng = random.Random(f"{seed} asked")
    requests = [
        Request(
            rng.choice(QUESTIONS),
            (draw(each.scene, styles_of(each.scene, held_out=True), f"{seed} seen False {number}"),),
            begun="left:",
        )
        for number, each in enumerate(shown)
    ]
    progress.start("base: asking what it sees", n, unit="drawings")
    answers = load_model(str(base)).generate(requests, max_new_tokens=16, batch_size=16, progress=progress)
    return _sight([_right(answer, each) for answer, each in zip(answers, shown, strict=True)], shown)


def _right(answer: str, shown: Shown) -> list[bool]:
    """Of each part, whether the answer's first line names it rightly."""
    told: dict[str, str] = {}
    for piece in answer.partition("\n")[0].split(","):
        name, found, value = piece.partition(":")
        if found:
            told.setdefault(name.strip(), value.strip(" ."))
    return [told.get(part) == value for part, value in zip(PARTS, shown.values, strict=True)]


def _in_other_font(shown: Shown) -> bool:
    return all(any(drawable(item, style) for style in HELD_OUT_STYLES) for item in shown.scene.objects)


def _sight(right: Sequence[Sequence[bool]], shown: Sequence[Shown] | None) -> Sight:
    n = len(right)
    by_style: dict[str, list[bool]] = {}
    for row, each in zip(right, shown or (), strict=False):
        by_style.setdefault(held_out_style(each.scene.objects), []).append(all(row))
    return Sight(
        n=n,
        objects=sum(row[0] and row[1] for row in right) / n,
        place=sum(row[2] for row in right) / n,
        sign=sum(row[3] for row in right) / n,
        all=sum(all(row) for row in right) / n,
        styles={style: sum(of) / len(of) for style in BASE_STYLES if (of := by_style.get(style))},
    )


def speech_of(base: Path, language: Path, *, n: int) -> Speech:
    """Perplexities of `n` passages of prose, in bfloat16 as the weights are saved."""
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(language)
    texts = passages(n)
    alone: Any = AutoModelForCausalLM.from_pretrained(language, dtype=torch.bfloat16)
    inside: Any = AutoModelForImageTextToText.from_pretrained(base, dtype=torch.bfloat16, trust_remote_code=False)
    own = inside.model.language_model.state_dict()
    equal = all(torch.equal(value, own[name]) for name, value in alone.model.state_dict().items())
    return Speech(
        passages=len(texts),
        alone=perplexity(alone.eval(), tokenizer, texts),
        inside=perplexity(inside.eval(), tokenizer, texts),
        equal=equal,
    )
