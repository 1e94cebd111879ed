"""What differs between the families of vision-language models: the one place that knows them.

Everything else reads a model's own template, tokenizer, processor and modules. A family that is not here is discovered
by the names that Transformers' models share, or the message says what it lacks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from safecot_dsl.models.folder import ModelError

#: Which tokens see what comes after them: those of the prompt, or those of one image, each other.
LookAhead = Literal["prefix", "image"]


@dataclass(frozen=True)
class Family:
    """One family. `model_type` and `processor` are its configuration's and its processor's names.

    `language`, `vision` and `projector` are the paths of its parts in the Transformers model. `image_only` names the
    processor that takes its images where its own cannot be made without torchvision, if that is another class. With
    `prefix`, a prompt is read in both directions, and the answer is told from it by token types (PaliGemma: arXiv
    2407.07726, section 3.1); such a processor takes no request without an image either. With `image_blocks`, the tokens
    of an image see each other in both directions (Gemma 3: arXiv 2503.19786). `llamafactory` is the name of its
    template in LLaMA-Factory (0.9.5), where it has one.
    """

    title: str
    model_type: str
    processor: str
    language: str
    vision: str
    projector: str
    image_only: str | None = None
    prefix: bool = False
    image_blocks: bool = False
    llamafactory: str | None = None


FAMILIES: tuple[Family, ...] = (
    Family(
        "Qwen2.5-VL",
        "qwen2_5_vl",
        "Qwen2_5_VLProcessor",
        "model.language_model",
        "model.visual",
        "model.visual.merger",
        llamafactory="qwen2_vl",
    ),
    # `deepstack_merger_list` carries features of the middle layers to the language model, as the merger does the last.
    Family(
        "Qwen3-VL",
        "qwen3_vl",
        "Qwen3VLProcessor",
        "model.language_model",
        "model.visual",
        "model.visual.merger",
        llamafactory="qwen3_vl_nothink",
    ),
    # Idefics3's processor is SmolVLM's without video, which asks for torchvision and num2words.
    Family(
        "SmolVLM2",
        "smolvlm",
        "SmolVLMProcessor",
        "model.text_model",
        "model.vision_model",
        "model.connector",
        image_only="Idefics3Processor",
    ),
    Family("Idefics3", "idefics3", "Idefics3Processor", "model.text_model", "model.vision_model", "model.connector"),
    Family(
        "LLaVA-1.5",
        "llava",
        "LlavaProcessor",
        "model.language_model",
        "model.vision_tower",
        "model.multi_modal_projector",
        llamafactory="llava",
    ),
    Family(
        "LLaVA-OneVision",
        "llava_onevision",
        "LlavaOnevisionProcessor",
        "model.language_model",
        "model.vision_tower",
        "model.multi_modal_projector",
    ),
    Family(
        "Gemma 3",
        "gemma3",
        "Gemma3Processor",
        "model.language_model",
        "model.vision_tower",
        "model.multi_modal_projector",
        image_blocks=True,
        llamafactory="gemma3",
    ),
    Family(
        "PaliGemma",
        "paligemma",
        "PaliGemmaProcessor",
        "model.language_model",
        "model.vision_tower",
        "model.multi_modal_projector",
        prefix=True,
        llamafactory="paligemma",
    ),
    Family(
        "InternVL",
        "internvl",
        "InternVLProcessor",
        "model.language_model",
        "model.vision_tower",
        "model.multi_modal_projector",
        llamafactory="intern_vl",
    ),
)
_BY_TYPE = {family.model_type: family for family in FAMILIES}
_BY_PROCESSOR = {family.processor: family for family in FAMILIES}
_VISION = re.compile(r"(?:^|\.)(?:vision\w*|visual\w*|image_(?:tower|encoder))$")
_PROJECTOR = re.compile(r"(?:^|\.)(?:connector|merger|aligner|projector|\w*_projector|embed_vision)$")


@dataclass(frozen=True)
class ModelParts:
    """Where a model's parts lie: paths of modules, None for a part that was not found."""

    language: str
    vision: str | None
    projector: str | None


def family_of_model(model_type: str) -> Family | None:
    """The family whose configuration has this `model_type`."""
    return _BY_TYPE.get(model_type)


def family_of_processor(name: str) -> Family | None:
    """The family whose processor has this class name."""
    return _BY_PROCESSOR.get(name)


def look_ahead_of(model_type: str) -> LookAhead | None:
    """Which tokens see what comes after them in a model of this type; None where none do, or it is not known."""
    family = _BY_TYPE.get(model_type)
    if family is None:
        return None
    return "prefix" if family.prefix else "image" if family.image_blocks else None


def parts_of(model: Any) -> ModelParts:
    """The parts of a Transformers image-text-to-text model: by its family, else by the names that models share.

    Raises:
        ModelError: no language model was found in it; the message says what was.
    """
    names = dict(model.named_modules())
    family = _BY_TYPE.get(getattr(model.config, "model_type", ""))
    if family is not None and family.language in names:
        return ModelParts(
            family.language, *(part if part in names else None for part in (family.vision, family.projector))
        )
    language = _discovered_language(model, names)
    if language is None:
        children = ", ".join(name for name in names if name.count(".") == 1) or ", ".join(n for n in names if n)
        raise ModelError(
            f"a {type(model).__name__} is of no family that is known ({', '.join(f.title for f in FAMILIES)}), and no "
            f"part of it is its language model by name or by `get_decoder`; it has {children}"
        )
    outside = [name for name in names if name and not _within(name, language)]
    return ModelParts(language, _first(outside, _VISION), _first(outside, _PROJECTOR))


def _discovered_language(model: Any, names: dict[str, Any]) -> str | None:
    for name in names:
        if name.rpartition(".")[2] in ("language_model", "text_model") and _first([name], _VISION) is None:
            parent = name.rpartition(".")[0]
            if not re.search(r"vision|visual", parent):
                return name
    decoder = model.get_decoder() if hasattr(model, "get_decoder") else None
    # A decoder that is the whole model tells nothing apart.
    return next((name for name, module in names.items() if name.count(".") and module is decoder), None)


def _first(names: list[str], pattern: re.Pattern[str]) -> str | None:
    return min((name for name in names if pattern.search(name)), key=lambda name: (name.count("."), name), default=None)


def _within(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


def linear_layers(model: Any, part: str) -> Iterator[str]:
    """The names of the linear layers in a part, as paths from the model."""
    from torch.nn import Linear

    for name, module in model.named_modules():
        if isinstance(module, Linear) and _within(name, part):
            yield name
