"""What the image tokens of a drawing say: sixteen tokens of the language model's own, one sentence in reading order.

    left: flask, right: bell, place: kitchen, sign: open.

The tower learns to put the embedding of each of these tokens where it stands, so that a frozen language model reads a
picture as it reads text. Each fact has a row of four tokens (its name, a colon, and its value in one or two tokens).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safecot_dsl.miniature import Scene, World

if TYPE_CHECKING:
    from torch import Tensor

TOKENS_A_FACT = 4
PARTS = ("left", "right", "place", "sign")
IMAGE_TOKENS = TOKENS_A_FACT * len(PARTS)
#: What stands where a picture does not tell a fact.
UNTOLD = "unknown"


class WordError(ValueError):
    """A value has more tokens than a picture has room for."""


@dataclass(frozen=True)
class Shown:
    """A scene, and the fact of the image that its drawing does not show, if any."""

    scene: Scene
    hidden: str | None = None

    @property
    def values(self) -> tuple[str, str, str, str]:
        """What is told of each of :data:`PARTS`."""
        scene = self.scene
        told = (
            ("image.objects", scene.left),
            ("image.objects", scene.right),
            ("image.setting", scene.setting),
            ("image.sign", scene.sign),
        )
        left, right, place, sign = (UNTOLD if fact == self.hidden else value for fact, value in told)
        return left, right, place, sign


@dataclass(frozen=True)
class Captions:
    """The values that each part can have, and their tokens.

    `values` are those of each of :data:`PARTS`; `tokens` has, for each part, the tokens of its row for each of them:
    int64 (values, 4).
    """

    values: tuple[tuple[str, ...], ...]
    tokens: tuple[Tensor, ...]

    def classes(self, shown: Sequence[Shown]) -> Tensor:
        """What drawings show, as numbers of values: int64 (drawings, parts)."""
        import torch

        return torch.tensor(
            [[of.index(value) for value, of in zip(each.values, self.values, strict=True)] for each in shown]
        )

    def token_ids(self, shown: Sequence[Shown]) -> Tensor:
        """What their image tokens are to say: int64 (drawings, image tokens)."""
        import torch

        classes = self.classes(shown)
        return torch.cat([tokens[classes[:, part]] for part, tokens in enumerate(self.tokens)], 1)


def captions_of(world: World, tokenizer: Any) -> Captions:
    """The captions of a world's drawings in a tokenizer's tokens.

    Raises:
        WordError: a value is longer than two tokens.
    """
    import torch

    values = tuple((*of, UNTOLD) for of in (world.objects, world.objects, world.settings, world.signs))
    rows: list[Tensor] = []
    for number, (part, of) in enumerate(zip(PARTS, values, strict=True)):
        end = "." if number == len(PARTS) - 1 else ","
        name = part if number == 0 else f" {part}"
        rows.append(torch.tensor([_row(tokenizer, f"{name}:", f" {value}", end) for value in of]))
    return Captions(values, tuple(rows))


def _row(tokenizer: Any, begin: str, value: str, end: str) -> list[int]:
    name, word, sign = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in (begin, value, end))
    row = [*name, *word, *sign][:TOKENS_A_FACT]
    if len(name) + len(word) > TOKENS_A_FACT or len(row) < TOKENS_A_FACT:
        raise WordError(f"`{begin}{value}{end}` is {len(name)} + {len(word)} tokens, and there is room for 2 + 2")
    return row
