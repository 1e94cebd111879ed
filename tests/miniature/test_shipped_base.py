"""The base that ships: it belongs to the policy beside it, does what it was taught, and its command makes its like."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from safecot_dsl.artifact import CompiledPolicy
from safecot_dsl.datafiles import recipes_root
from safecot_dsl.miniature import World, build_base
from safecot_dsl.miniature.lesson_training import examine
from safecot_dsl.miniature.lessons import Lesson, PolicyLines, Teacher, vocabulary
from safecot_dsl.miniature.model import new_model
from safecot_dsl.miniature.tokenizer import build_tokenizer
from safecot_dsl.storage import Progress

BASE = recipes_root() / "miniature-base"


def test_it_knows_the_words_of_the_policy_as_it_is_now(world: World, lines: PolicyLines) -> None:
    """A change of wording in the policy needs a new base: `make base`. It may know other words besides."""
    tokenizer = build_tokenizer(vocabulary(Teacher(world), lines))
    shipped = AutoProcessor.from_pretrained(BASE).tokenizer
    assert set(tokenizer.get_vocab()) <= set(shipped.get_vocab())


def test_it_is_the_model_that_the_command_trains(world: World) -> None:
    fresh = new_model(AutoProcessor.from_pretrained(BASE).tokenizer, 0)
    shipped = AutoModelForImageTextToText.from_pretrained(BASE)
    assert {name: tuple(w.shape) for name, w in shipped.named_parameters()} == {
        name: tuple(w.shape) for name, w in fresh.named_parameters()
    }
    assert all(torch.isfinite(weight).all() for weight in shipped.parameters())


def shares(folder: Path, world: World, lines: PolicyLines, lessons: int = 300) -> dict[str, float]:
    model = AutoModelForImageTextToText.from_pretrained(folder)
    tokenizer = AutoProcessor.from_pretrained(folder).tokenizer
    return examine(model, tokenizer, Teacher(world), lines, n=lessons, seed="shipped", progress=Progress(quiet=True))


def test_it_sees_and_answers(world: World, lines: PolicyLines) -> None:
    """The card's shares on other lessons; the bounds leave room for the sampling of some 30 lessons of a sort."""
    measured = shares(BASE, world, lines, 150)
    assert measured[Lesson.REQUEST] > 0.95
    assert min(measured[lesson] for lesson in (Lesson.HELP, Lesson.LOOK, Lesson.AFTER)) > 0.85


@pytest.mark.long
def test_the_command_makes_its_like(policy: CompiledPolicy, world: World, lines: PolicyLines, tmp_path: Path) -> None:
    """Weights differ between machines as sums of floating-point numbers do; what they can do does not."""
    build_base(policy, tmp_path / "base")
    again, shipped = shares(tmp_path / "base", world, lines), shares(BASE, world, lines)
    assert {lesson: again[lesson] for lesson in shipped} == pytest.approx(shipped, abs=0.1)
