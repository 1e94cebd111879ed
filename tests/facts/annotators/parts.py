"""Items to annotate, a model that answers by a function, and pictures with text in them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from safecot_dsl.artifact import Case, Value
from safecot_dsl.facts import Item, LazyImage
from safecot_dsl.models import Counts, Failure, Question, Reply
from safecot_dsl.storage import Progress


def item(
    prompt: str = "What is this?",
    *,
    id: str = "a",
    images: Sequence[bytes] = (),
    facts: dict[str, Value] | None = None,
    cannot_tell: Sequence[str] = (),
) -> Item:
    return Item(
        id=id,
        source="s",
        licence="CC0-1.0",
        prompt=prompt,
        images=tuple(LazyImage.of_bytes(data, f"{number}.png") for number, data in enumerate(images)),
        case=Case(facts or {}, frozenset(cannot_tell)),
    )


def picture(lines: Sequence[str] = (), *, size: tuple[int, int] = (480, 200), colour: str = "white") -> bytes:
    """A PNG with these lines of text, black, 40 pixels high."""
    image = Image.new("RGB", size, colour)
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.text((20, 20 + 56 * number), line, fill="black", font=ImageFont.load_default(40))
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


class Scripted:
    """An asker that answers by a function of the question, and keeps what it was asked."""

    def __init__(self, answer: Callable[[Question], Reply | Failure | str], name: str = "scripted") -> None:
        self.name = name
        self.counts = Counts()
        self.asked: list[Question] = []
        self._answer = answer

    def ask(self, questions: Sequence[Question], *, progress: Progress | None = None) -> list[Reply | Failure]:
        self.asked += questions
        self.counts.asked += len(questions)
        answers = [self._answer(question) for question in questions]
        return [Reply(answer, self.name) if isinstance(answer, str) else answer for answer in answers]


def says(**facts: Any) -> str:
    """An answer: `says(query__act=("complete", 0.9))`, with `__` for the dot of a fact's name."""
    return json.dumps(
        {name.replace("__", "."): {"value": value, "confidence": sure} for name, (value, sure) in facts.items()}
    )
